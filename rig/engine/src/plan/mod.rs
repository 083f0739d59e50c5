//! What a bench can decide of a case, before it is played.
//!
//! Each check is asked with the value that a sound pump is expected to give: would even that one pass, with the uncertainty that it will
//! have on this bench? Budgets and decision are those of the run itself (`rig-metrology`), so that plan and verdict can't differ.

mod ask;
mod figures;
mod in_window;
mod programme;
mod question;
mod range;
mod remedy;

use std::fmt;

use rig_metrology::Measured;
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::quantity::{Dimension, Figures, Volume};
use rig_model::scenario::{Case, Check, StepKind};
use rig_model::time::Span;
use rig_model::verdict::{Limits, Rule};

use crate::row;
use programme::Programme;

/// One check, expectation or watcher of a case, as far as it can be judged before the run.
#[derive(Debug, Clone)]
pub struct Planned<'c> {
    /// Where in the scenario, as the row will say it.
    pub step: Name,
    pub text: &'c str,
    pub quantity: &'static str,
    pub channel: Option<Name>,
    /// `None` for what is compared exactly and has no unit.
    pub dimension: Option<Dimension>,
    pub limits: Limits,
    /// As it will be applied.
    pub rule: Rule,
    pub expected: Option<Expected>,
    /// The length of the window that is measured over, where it is known.
    pub window: Option<Span>,
    /// The budget that the expected value will have; of an unknown one, that of the limit.
    pub measured: Option<Measured>,
    /// Half the width of the tolerance, or the distance of a single limit from the expected value, over U.
    pub test_uncertainty_ratio: Option<f64>,
    pub finding: Finding,
}

/// The value that a sound pump is expected to give, in the unit of the quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    pub value: f64,
    pub from: Origin,
}

/// Where an expected value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The check states it.
    Nominal,
    /// The middle between the two limits.
    Middle,
    /// What the scenario programmes, through the window.
    Programme,
    /// Nobody knows it; this is the best that could come.
    Best,
}

/// What is found of one check.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// There is nothing to decide: a count, a state, an answer.
    Exact,
    /// The expected value would pass. `chance`: of a sound pump being PASS, whatever error the bench turns out to have within its budget.
    Decidable { chance: f64 },
    /// Not even the expected value would pass.
    Undecidable(Undecided),
    /// The sensor does not measure at the flow or pressure that is to be expected.
    Range { why: String, remedy: String },
    /// Nobody states an uncertainty that the rule needs.
    Unstated { component: String },
    /// The expected value can't be known before the run. `passes`: a value within these limits would pass.
    Unknown { why: String, passes: Limits },
}

/// Why a check can't be decided, and what would help.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecided {
    pub weak: Weak,
    pub remedy: Remedy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// U is too large for the room between the expected value and the limits.
    Uncertainty,
    /// The pump delivers whole strokes, the window is too short for that.
    WholeStrokes,
    /// Pulses are whole too, and the sensor gives too few.
    WholePulses,
    /// The expected value itself has no room inside the limits.
    Limits,
}

/// What would make a check decidable on this bench.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// The same rate, measured for so long.
    Window { was: Span, at_least: Span },
    /// Windows of so many strokes.
    Strokes { was: u32, at_least: u32 },
    /// One delivery of at least so much, in µL; or the mean of so many deliveries, where what averages out is the trouble.
    Delivery { volume: f64, deliveries: Option<u32> },
    /// One component of the budget that must be better known.
    Component(Improvement),
    /// No single component: the whole expanded uncertainty must come down.
    Budget { from: f64, to: f64 },
    /// No measurement would be good enough.
    None,
}

/// A component and how well it must be known.
#[derive(Debug, Clone, PartialEq)]
pub struct Improvement {
    pub component: String,
    pub from: f64,
    pub to: f64,
    pub unit: String,
    pub how: How,
}

/// What the figures of an improvement are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Expanded uncertainty, k = 2.
    Expanded,
    /// Half the width of a range.
    HalfWidth,
    /// No uncertainty but what it comes from, of which more is better: pulses per volume.
    More,
}

impl Planned<'_> {
    /// U in the unit of the quantity, where it is known.
    pub fn expanded(&self) -> Option<f64> {
        self.measured.as_ref().map(|m| m.estimate.expanded()).filter(|u| u.is_finite())
    }
}

impl Finding {
    /// The bench could never say PASS or would say ERROR: something must be done before a run is worth it.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Undecidable(_) | Self::Range { .. } | Self::Unstated { .. })
    }

    /// One word for tables and programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Decidable { .. } => "decidable",
            Self::Undecidable(_) => "undecidable",
            Self::Range { .. } => "out_of_range",
            Self::Unstated { .. } => "unstated",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Everything that the case will judge, in the order in which it is played, watchers last. A bench that lacks a channel of the case plans
/// nothing for it: the case would be SKIPPED.
pub fn plan<'c>(case: &'c Case, bench: &'c Bench) -> Vec<Planned<'c>> {
    let mut planned: Vec<Planned<'c>> = Vec::new();
    // Checks are often alike: the last few are looked at before a budget is made again.
    let mut known: Vec<(&'c Check, u64, usize)> = Vec::new();
    let programme = Programme::follow(case, bench, &mut |step, programme| {
        let (next, key) = match &step.kind {
            StepKind::Check(check) => {
                let id = ask::course(check, programme).map_or(0, |c| c.id);
                let same = known.iter().rev().take(ALIKE).find(|(c, course, _)| *course == id && alike(c, check));
                let found = match same {
                    Some((.., i)) => Some(Planned { step: step.path.clone(), text: &step.text, ..planned[*i].clone() }),
                    None => ask::check(step, check, bench, programme),
                };
                (found, Some((&**check, id)))
            }
            _ => (ask::other(step, bench), None),
        };
        let Some(next) = next else { return };
        if keep(&mut planned, next, programme.in_repeat())
            && let Some((check, id)) = key
        {
            known.push((check, id, planned.len() - 1));
        }
    });
    planned.extend(case.watch.iter().map(|watch| ask::watch(watch, bench, &programme)));
    planned
}

/// How many checks back are compared.
const ALIKE: usize = 8;

fn alike(a: &Check, b: &Check) -> bool {
    std::ptr::eq(a, b) || (a.subject == b.subject && a.limits == b.limits && a.nominal == b.nominal && a.rule == b.rule)
}

/// A step that a repeat plays again is told once, as what it is at its worst; whether it is a new one.
fn keep<'c>(planned: &mut Vec<Planned<'c>>, next: Planned<'c>, again: bool) -> bool {
    let severity = |finding: &Finding| match finding {
        _ if finding.is_bad() => 2,
        Finding::Unknown { .. } => 1,
        _ => 0,
    };
    // A second round is near its first.
    let before = planned.iter_mut().rev().take(if again { ROUND } else { 0 }).find(|p| p.step == next.step);
    let is_new = before.is_none();
    match before {
        Some(before) if severity(&next.finding) > severity(&before.finding) => *before = next,
        Some(_) => {}
        None => planned.push(next),
    }
    is_new
}

/// Steps of one round of a repeat that are looked through for the round before.
const ROUND: usize = 1_024;

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nominal => "as the check states",
            Self::Middle => "the middle of the limits",
            Self::Programme => "as programmed",
            Self::Best => "the best that could come",
        })
    }
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncertainty => "the uncertainty reaches over the limit",
            Self::WholeStrokes => "one stroke more or less in the window, with the uncertainty, reaches over the limit",
            Self::WholePulses => "one pulse more or less, with the uncertainty, reaches over the limit",
            Self::Limits => "the expected value has no room inside the limits",
        })
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { was, at_least } => write!(f, "measure for at least {at_least} instead of {was}"),
            Self::Strokes { was, at_least } => write!(f, "take windows of at least {at_least} strokes instead of {was}"),
            Self::Delivery { volume, deliveries } => {
                write!(f, "deliver at least {} at once", Volume(*volume))?;
                deliveries.map_or(Ok(()), |n| write!(f, ", or judge the mean of at least {n} deliveries"))
            }
            Self::Component(Improvement { component, from, to, unit, how }) => {
                let (mark, bound) = match how {
                    How::Expanded => ("U ", "at most "),
                    How::HalfWidth => ("± ", "at most ± "),
                    How::More => ("", "at least "),
                };
                write!(f, "{component}: {mark}{} {unit} → {bound}{} {unit}", Figures(*from), Figures(*to))
            }
            Self::Budget { from, to } => {
                write!(f, "U must come down from {} to {}: more than one component is too large", Figures(*from), Figures(*to))
            }
            Self::None => f.write_str("no measurement would do: change the limit, the rule or what is programmed"),
        }
    }
}

/// The finding in words; values are in `unit`.
pub fn words(planned: &Planned<'_>) -> (String, Option<String>) {
    let unit = planned.dimension.map_or("", Dimension::unit);
    let limits = row::limits_text(planned.limits, unit);
    let rule = format!("{}, {}", planned.rule.rule.name(), planned.rule.stated_by.name());
    let expanded = planned.expanded().filter(|u| *u > 0.0);
    let value = planned.expected.map(|e| {
        let u = expanded.map_or_else(String::new, |u| format!(" ± {}", Figures(row::round_up(u))));
        format!("{}{u} {unit} ({})", Figures(e.value), e.from)
    });
    let compared = format!("expected {} against {limits} ({rule})", value.as_deref().unwrap_or("nothing that is known"));
    match &planned.finding {
        Finding::Exact => ("exact".to_owned(), None),
        Finding::Decidable { .. } => (compared, None),
        Finding::Undecidable(Undecided { weak, remedy }) => {
            let of_channel = match (remedy, &planned.channel) {
                (Remedy::Component(_), Some(channel)) => format!("{channel}, {remedy}"),
                _ => remedy.to_string(),
            };
            (format!("{compared}: {weak}"), Some(of_channel))
        }
        Finding::Range { why, remedy } => (why.clone(), Some(remedy.clone())),
        Finding::Unstated { component } => {
            let why = format!("{compared}: nobody states the uncertainty of: {component}");
            (why, Some("state it in the bench file, from a certificate; without it only a check with `rule: simple` can pass".to_owned()))
        }
        Finding::Unknown { why, passes } => {
            let to = if *passes == Limits::default() { String::new() } else { format!("; PASS: {}", row::limits_text(*passes, unit)) };
            (format!("{limits} ({rule}): {why}{to}"), None)
        }
    }
}
