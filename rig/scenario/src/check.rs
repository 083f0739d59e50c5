//! Checks: which quantity, of what, against which limits.

use rig_model::Name;
use rig_model::dut::Alarm;
use rig_model::quantity::Dimension;
use rig_model::scenario::{Check, Rolling, StepKind, Subject, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::{Limits, Rule, StatedBy};

use crate::diagnostic::help_for;
use crate::expression::evaluate;
use crate::grammar::{CHECK, alarms};
use crate::limits::MAX_STEPS_PER_CASE;
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Sign};

/// A subject with its dimension and its words; without a dimension it is compared exactly.
pub(crate) struct Asked {
    pub subject: Subject,
    pub dimension: Option<Dimension>,
    pub text: String,
}

impl Lower<'_, '_> {
    pub fn check(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, fields) = self.read.form(node, CHECK, "`check`")?;
        self.judged = true;
        let verifies = self.verifies(&fields);
        let rule = self.rule(&fields, &verifies);
        let asked = self.asked(form.head.name, value, &fields)?;
        let Some(dimension) = asked.dimension else {
            let check = Check {
                subject: asked.subject,
                dimension: Dimension::Count,
                limits: Limits::default(),
                nominal: None,
                rule: None,
                verifies,
            };
            return Some((asked.text, StepKind::Check(Box::new(check))));
        };
        let tolerated = self.read.tolerance(&fields, dimension)?;
        let text = format!("{} {}", asked.text, tolerated.text);
        let check =
            Check { subject: asked.subject, dimension, limits: tolerated.limits, nominal: tolerated.nominal, rule: rule?, verifies };
        Some((text, StepKind::Check(Box::new(check))))
    }

    /// The rule that the check states, or else the requirements that it verifies.
    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a rule that nobody states")]
    pub fn rule(&mut self, fields: &Fields<'_>, verifies: &[Name]) -> Option<Option<Rule>> {
        if let Some(stated) = self.read.rule(fields, StatedBy::Check)? {
            return Some(Some(stated));
        }
        let known = self.known;
        let mut rules = verifies.iter().filter_map(|name| Some((name, known?.get(name)?.rule)));
        let Some((name, rule)) = rules.next() else { return Some(None) };
        if let Some((other, found)) = rules.find(|(_, r)| *r != rule) {
            // One that is silent would have the rule of the bench: it is not asked for what the other one is.
            let message = match (rule, found) {
                (Some(_), Some(_)) => format!("`{name}` and `{other}` want different decision rules"),
                (Some(_), None) => format!("`{name}` wants a decision rule, and `{other}` states none"),
                _ => format!("`{other}` wants a decision rule, and `{name}` states none"),
            };
            self.read.out.error_with_help(fields.at, message, "say with `rule:` which one is meant, or make two checks of it");
            return None;
        }
        Some(rule)
    }

    fn asked(&mut self, head: &str, value: &Node, fields: &Fields<'_>) -> Option<Asked> {
        if let Some((quantity, dimension, kind)) = window_quantity(head) {
            return self.of_window(head, value, fields, quantity, dimension, kind);
        }
        if let Some(figure) = self.figure(head, value, fields) {
            return figure;
        }
        if let Some(asked) = self.of_pump(head, value, fields) {
            return asked;
        }
        if head == "time_from" {
            let from = self.mark_set(value, head);
            let to = fields.get("to").and_then(|n| self.mark_set(n, "to"));
            let (from, to) = (from?, to?);
            let text = format!("time from `{from}` to `{to}`");
            return Some(Asked { subject: Subject::Between { from, to }, dimension: Some(Dimension::Time), text });
        }
        let (subject, dimension, text) = match head {
            "state" => {
                let state = self.state(value, head)?;
                (Subject::State(state), None, format!("state is {state}"))
            }
            "alarm" | "alarm_inactive" => {
                let (alarm, active) = (self.alarm(value, head)?, head == "alarm");
                let text = format!("alarm {alarm} is {}", if active { "active" } else { "not active" });
                (Subject::AlarmActive { alarm, active }, None, text)
            }
            "condition_delay" => {
                let (subject, text) = self.condition_delay(value, head, fields)?;
                (subject, Some(Dimension::Time), text)
            }
            "signal_delay" => {
                let alarm = self.alarm(value, head)?;
                (Subject::SignalDelay { alarm }, Some(Dimension::Time), format!("signal delay of {alarm}"))
            }
            "count_of_alarm" => {
                let alarm = self.alarm(value, head)?;
                (Subject::AlarmCount { alarm }, Some(Dimension::Count), format!("number of {alarm} alarms"))
            }
            "reservoir_reported" => {
                self.read.choice(value, head, &["pump"])?;
                (Subject::ReservoirReported, Some(Dimension::Volume), "reservoir reported by the pump".to_owned())
            }
            "disturbed_frames" => {
                self.read.choice(value, head, &["link"])?;
                (Subject::DisturbedFrames, Some(Dimension::Count), "number of messages that were disturbed on the link".to_owned())
            }
            _ => {
                self.read.choice(value, head, &["pump"])?;
                (Subject::Restarts, Some(Dimension::Count), "number of restarts".to_owned())
            }
        };
        Some(Asked { subject, dimension, text })
    }

    fn of_window(
        &mut self,
        head: &str,
        node: &Node,
        fields: &Fields<'_>,
        quantity: WindowQuantity,
        dimension: Dimension,
        kind: &str,
    ) -> Option<Asked> {
        let rolling = match fields.get("in_every") {
            Some(node) if quantity == WindowQuantity::Drug => Some(Rolling::Every(self.read.time(node, "in_every", Sign::Positive)?)),
            Some(node) => Some(self.rolling(node, "in_every")?),
            None => None,
        };
        // What a balance tells is a mass before and after: volume and mean flow, and nothing in between.
        let weighed = rolling.is_none() && matches!(quantity, WindowQuantity::Volume | WindowQuantity::MeanFlow);
        let kinds = if weighed { &[kind, "balance"][..] } else { &[kind] };
        let window = self.closed_window(node, head, kinds)?;
        let found = self.windows.get_mut(&window)?;
        let quantity = match (rolling, quantity) {
            (Some(rolling), WindowQuantity::Volume) => WindowQuantity::VolumeIn(rolling),
            (Some(Rolling::Every(span)), WindowQuantity::Drug) => WindowQuantity::DrugIn(span),
            (Some(rolling), _) => WindowQuantity::MeanFlowIn(rolling),
            (None, quantity) => quantity,
        };
        let mut text = format!("{} of `{window}`", head.trim_end_matches("_of").replace('_', " "));
        if let Some(rolling) = rolling {
            text += &match rolling {
                Rolling::Every(span) => format!(" in every {span}"),
                Rolling::Strokes(strokes) => format!(" in every {strokes} strokes"),
            };
        }
        match quantity {
            WindowQuantity::Drug | WindowQuantity::LastConcentration | WindowQuantity::MaxConcentration => {
                found.drug.get_or_insert_default();
            }
            WindowQuantity::DrugIn(span) => {
                let asked = found.drug.get_or_insert_default();
                if !asked.in_every.contains(&span) {
                    asked.in_every.push(span);
                }
            }
            _ => found.rolling.extend(rolling.filter(|rolling| !found.rolling.contains(rolling))),
        }
        Some(Asked { subject: Subject::Window { window, quantity }, dimension: Some(dimension), text })
    }

    /// The name of a window on one of these kinds of channel that has closed by here.
    pub fn closed_window(&mut self, node: &Node, head: &str, kinds: &[&str]) -> Option<Name> {
        let window = self.read.name(node, head)?;
        let Some(found) = self.windows.get(&window) else {
            let names: Vec<&str> = self.windows.keys().map(|n| &**n).collect();
            let help = if names.is_empty() { "open one before with `measure:`".to_owned() } else { help_for(&window, &names) };
            self.read.out.error_with_help(node.at, format!("there is no window `{window}` before this check"), help);
            return None;
        };
        if !found.closed {
            let help = "put the check behind the `measure`, not into its `during`";
            self.read.out.error_with_help(node.at, format!("the window `{window}` is still open here"), help);
            return None;
        }
        if !found.channel.is_empty() && !kinds.iter().any(|kind| found.channel.starts_with(kind)) {
            let kind = kinds.first().map_or("", |kind| kind.trim_end_matches('.'));
            let message = format!("`{head}` is of a {kind} channel; `{window}` is on {}", found.channel);
            self.read.out.error(node.at, message);
            return None;
        }
        Some(window)
    }

    /// From a mark, or from the measured stop of flow.
    fn condition_delay(&mut self, value: &Node, head: &str, fields: &Fields<'_>) -> Option<(Subject, String)> {
        let alarm = self.alarm(value, head);
        match (fields.get("from"), fields.get("from_stop_of")) {
            (Some(node), None) => {
                let (from, alarm) = (self.mark_set(node, "from")?, alarm?);
                let text = format!("condition delay of {alarm} from `{from}`");
                Some((Subject::ConditionDelay { alarm, from }, text))
            }
            (None, Some(node)) => {
                let (channel, alarm) = (self.channel(node, "from_stop_of", &["flow."])?, alarm?);
                let text = format!("condition delay of {alarm} from the stop of {channel}");
                Some((Subject::StopDelay { alarm, channel }, text))
            }
            _ => {
                let help = "`from:` a mark, or `from_stop_of:` a flow channel";
                self.read.out.error_with_help(fields.at, "`condition_delay` counts from one thing", help);
                None
            }
        }
    }

    pub fn rolling(&mut self, node: &Node, key: &str) -> Option<Rolling> {
        let text = self.read.text(node, key)?;
        let Some(number) = text.strip_suffix("strokes").or_else(|| text.strip_suffix("stroke")) else {
            let span: Span = self.read.time(node, key, Sign::Positive)?;
            return Some(Rolling::Every(span));
        };
        let result = evaluate(number.trim_end(), &self.read.scope, Some(Dimension::Count));
        let quantity = self.read.or_trouble(node, 0, result)?;
        let quantity = self.read.fits(node, key, quantity, Dimension::Count, Sign::Positive)?;
        let strokes = if quantity.value.is_integer() { u32::try_from(quantity.value.to_integer()).ok() } else { None };
        // A ring of stroke times is kept for each family of windows: bounded like the steps.
        let strokes = strokes.filter(|n| (1..=MAX_STEPS_PER_CASE as u32).contains(n));
        if strokes.is_none() {
            self.read.out.error(node.at, format!("`{key}` wants 1 to {MAX_STEPS_PER_CASE} whole strokes"));
        }
        strokes.map(Rolling::Strokes)
    }

    pub fn mark_set(&mut self, node: &Node, key: &str) -> Option<Name> {
        let name = self.read.name(node, key)?;
        if !self.marks.contains(&name) {
            let names: Vec<&str> = self.marks.iter().map(|n| &**n).collect();
            let help = if names.is_empty() { "set one before with `mark:`".to_owned() } else { help_for(&name, &names) };
            self.read.out.error_with_help(node.at, format!("there is no mark `{name}` before this check"), help);
            return None;
        }
        Some(name)
    }

    pub fn alarm(&mut self, node: &Node, key: &str) -> Option<Alarm> {
        self.read.choice(node, key, &alarms()).and_then(Alarm::from_word)
    }
}

/// Quantity, dimension and kind of channel behind the head of a check.
fn window_quantity(head: &str) -> Option<(WindowQuantity, Dimension, &'static str)> {
    use Dimension::{Concentration, Count, Flow, Mass, Pressure, Time, Volume};
    Some(match head {
        "drug_of" => (WindowQuantity::Drug, Mass, "flow."),
        "concentration_of" => (WindowQuantity::LastConcentration, Concentration, "flow."),
        "max_concentration_of" => (WindowQuantity::MaxConcentration, Concentration, "flow."),
        "volume_of" => (WindowQuantity::Volume, Volume, "flow."),
        "reverse_volume_of" => (WindowQuantity::ReverseVolume, Volume, "flow."),
        "mean_flow_of" => (WindowQuantity::MeanFlow, Flow, "flow."),
        "delivery_time_of" => (WindowQuantity::DeliveryTime, Time, "flow."),
        "onset_delay_of" => (WindowQuantity::OnsetDelay, Time, "flow."),
        "last_pulse_of" => (WindowQuantity::LastPulse, Time, "flow."),
        "strokes_of" => (WindowQuantity::Strokes, Count, "flow."),
        "longest_gap_of" => (WindowQuantity::LongestGap, Time, "flow."),
        "max_flow_of" => (WindowQuantity::MaxFlow, Flow, "flow."),
        "reservoir_error_of" => (WindowQuantity::ReservoirError, Volume, "flow."),
        "max_pressure_of" => (WindowQuantity::MaxPressure, Pressure, "pressure."),
        "mean_pressure_of" => (WindowQuantity::MeanPressure, Pressure, "pressure."),
        "last_pressure_of" => (WindowQuantity::LastPressure, Pressure, "pressure."),
        _ => return None,
    })
}
