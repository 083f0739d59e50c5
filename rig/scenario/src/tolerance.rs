//! Limits as people write them: `200 µL ± 5 %`, `between 1 mL and 2 mL`, `at_least`, `at_most`.

use rig_model::quantity::Dimension;
use rig_model::verdict::{DecisionRule, Limits, Rule, StatedBy};

use crate::bench_grammar::RULES;
use crate::diagnostic::Place;
use crate::exact::Quantity;
use crate::expression::{Trouble, evaluate};
use crate::node::Node;
use crate::read::{Fields, Reader, Sign};

/// Limits with the nominal value that they were made from, and in words: `is 200 µL ± 5 %`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tolerated {
    pub limits: Limits,
    pub nominal: Option<f64>,
    pub text: String,
}

impl Reader<'_> {
    /// The decision rule that `rule` and `guard_factor` state; nothing where they say nothing.
    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a rule that nobody states")]
    pub fn rule(&mut self, fields: &Fields<'_>, stated_by: StatedBy) -> Option<Option<Rule>> {
        let factor = fields.get("guard_factor").map(|n| (n.at, self.quantity(n, "guard_factor", Dimension::Count, Sign::NotNegative)));
        let Some(node) = fields.get("rule") else {
            if let Some((at, _)) = factor {
                self.out.error_with_help(at, "`guard_factor` without a rule", "say `rule: guarded` beside it");
            }
            return Some(None);
        };
        let rule = match self.choice(node, "rule", RULES)? {
            "simple" => DecisionRule::Simple,
            "guarded" => DecisionRule::Guarded,
            _ => DecisionRule::ThreeWay,
        };
        let Some((at, factor)) = factor else { return Some(Some(Rule { rule, guard_factor: 1.0, stated_by })) };
        if rule != DecisionRule::Guarded {
            self.out.error(at, "only the guarded rule has a `guard_factor`");
        }
        let guard_factor = factor?.to_f64();
        if guard_factor == 0.0 {
            self.out.error_with_help(
                at,
                "a `guard_factor` of 0 is simple acceptance by another name",
                "say `rule: simple`, or a factor above 0",
            );
        }
        Some(Some(Rule { rule, guard_factor, stated_by }))
    }

    /// The limits of a check on a quantity of this dimension.
    pub fn tolerance(&mut self, fields: &Fields<'_>, dimension: Dimension) -> Option<Tolerated> {
        let (is, between) = (fields.get("is"), fields.get("between"));
        let (least, most) = (fields.get("at_least"), fields.get("at_most"));
        match (is, between, least.or(most)) {
            (Some(node), None, None) => self.nominal(node, dimension),
            (None, Some(node), None) => {
                let text = self.text(node, "between")?;
                self.range(node, 0, text, dimension)
            }
            (None, None, Some(_)) => self.bounds(least, most, dimension),
            (None, None, None) => {
                let help = "say `is: X ± 5 %`, `between: A and B`, `at_least: A` or `at_most: B`";
                self.out.error_with_help(fields.at, "this check has no limits", help);
                None
            }
            _ => {
                self.out.error(fields.at, "a check has one of `is`, `between`, or `at_least` with `at_most`");
                None
            }
        }
    }

    fn nominal(&mut self, node: &Node, dimension: Dimension) -> Option<Tolerated> {
        let text = self.text(node, "is")?;
        if let Some(range) = text.strip_prefix("between ") {
            return self.range(node, "between ".len(), range, dimension);
        }
        let Some((value, written, offset)) = split_at_tolerance(text) else {
            return self.exact(node, dimension);
        };
        let value = self.part(node, 0, value, dimension)?;
        let result = evaluate(written, &self.scope, Some(dimension));
        let tolerance = self.or_trouble(node, offset, result)?;
        if *tolerance.value.numer() < 0 {
            self.out.error(node.at, "a tolerance can't be negative");
            return None;
        }
        let shown = tolerance.show();
        let half = if tolerance.dimension == Dimension::Ratio && dimension != Dimension::Ratio {
            let magnitude = Quantity { value: if *value.value.numer() < 0 { -value.value } else { value.value }, dimension };
            tolerance.mul(magnitude)
        } else {
            let lead = written.chars().take_while(|c| c.is_whitespace()).count();
            let written = Node { at: node.part(offset + lead, written.trim().chars().count()), ..Node::text(written.trim()) };
            self.fits(&written, "±", tolerance, dimension, Sign::NotNegative).ok_or_else(String::new)
        };
        let ends = half.and_then(|half| Ok((value.sub(half)?, value.add(half)?)));
        match ends {
            Ok((lower, upper)) => Some(Tolerated {
                limits: Limits { lower: Some(lower.to_f64()), upper: Some(upper.to_f64()) },
                nominal: Some(value.to_f64()),
                text: format!("is {} ± {shown}", value.show()),
            }),
            Err(why) => {
                if !why.is_empty() {
                    self.out.error(node.at, why);
                }
                None
            }
        }
    }

    /// A count may be asked for exactly; a measured quantity never is.
    fn exact(&mut self, node: &Node, dimension: Dimension) -> Option<Tolerated> {
        let value = self.quantity(node, "is", dimension, Sign::Any)?;
        if dimension != Dimension::Count {
            let help = format!("say how far it may be off: `{} ± 5 %`", node.scalar().unwrap_or_default());
            self.out.error_with_help(node.at, "a measured value is never exact", help);
            return None;
        }
        let x = value.to_f64();
        Some(Tolerated { limits: Limits { lower: Some(x), upper: Some(x) }, nominal: Some(x), text: format!("is {}", value.show()) })
    }

    fn range(&mut self, node: &Node, offset: usize, text: &str, dimension: Dimension) -> Option<Tolerated> {
        let Some((low, high)) = text.split_once(" and ") else {
            self.out.error_with_help(node.at, "a range has two ends", "write `A and B`, for example `1 mL and 2 mL`");
            return None;
        };
        let lower = self.part(node, offset, low, dimension);
        let upper = self.part(node, offset + low.chars().count() + " and ".len(), high, dimension);
        let (lower, upper) = (lower?, upper?);
        self.ordered(node.at, lower, upper)?;
        Some(Tolerated {
            limits: Limits { lower: Some(lower.to_f64()), upper: Some(upper.to_f64()) },
            nominal: None,
            text: format!("is between {} and {}", lower.show(), upper.show()),
        })
    }

    fn bounds(&mut self, least: Option<&Node>, most: Option<&Node>, dimension: Dimension) -> Option<Tolerated> {
        let lower = least.map(|n| self.quantity(n, "at_least", dimension, Sign::Any));
        let upper = most.map(|n| self.quantity(n, "at_most", dimension, Sign::Any));
        let (lower, upper) = (lower.map_or(Some(None), |l| l.map(Some))?, upper.map_or(Some(None), |u| u.map(Some))?);
        if let (Some(lower), Some(upper), Some(node)) = (lower, upper, most) {
            self.ordered(node.at, lower, upper)?;
        }
        let words = [lower.map(|l| format!("is at least {}", l.show())), upper.map(|u| format!("is at most {}", u.show()))];
        Some(Tolerated {
            limits: Limits { lower: lower.map(Quantity::to_f64), upper: upper.map(Quantity::to_f64) },
            nominal: None,
            text: words.into_iter().flatten().collect::<Vec<_>>().join(" and "),
        })
    }

    fn part(&mut self, node: &Node, offset: usize, text: &str, dimension: Dimension) -> Option<Quantity> {
        let result: Result<Quantity, Trouble> = evaluate(text, &self.scope, Some(dimension));
        let quantity = self.or_trouble(node, offset, result)?;
        let shown = Node { at: node.part(offset, text.trim_end().chars().count()), ..Node::text(text.trim()) };
        self.fits(&shown, "is", quantity, dimension, Sign::Any)
    }

    fn ordered(&mut self, at: Place, lower: Quantity, upper: Quantity) -> Option<()> {
        if lower.value > upper.value {
            self.out.error(at, format!("the lower limit ({}) lies above the upper ({})", lower.show(), upper.show()));
            return None;
        }
        Some(())
    }
}

/// Value, tolerance, and where the tolerance begins, in characters.
fn split_at_tolerance(text: &str) -> Option<(&str, &str, usize)> {
    let (sign, at) = ["±", "+/-", "+-"].iter().filter_map(|sign| text.find(sign).map(|at| (*sign, at))).min_by_key(|(_, at)| *at)?;
    let rest = at + sign.len();
    Some((&text[..at], &text[rest..], text[..rest].chars().count()))
}
