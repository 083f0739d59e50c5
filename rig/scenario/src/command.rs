//! Commands to the pump, and the moving of what is around it.

use rig_model::Name;
use rig_model::dut::{Days, PatientBolus, Refusal, ScheduleStep, StepBolus, Verb};
use rig_model::quantity::{Concentration, Dimension, Flow, Mass, MassFlow, Volume};
use rig_model::scenario::{Expected, StepKind};
use rig_model::time::Span;

use crate::grammar::{END_REFILL, NO_DAY, PROGRAM, RECORD, REFILL, SET_CLOCK, days, days_or_daily, refusals};
use crate::lower::Lower;
use crate::node::Node;
use crate::position;
use crate::read::{Fields, Sign};

impl Lower<'_, '_> {
    pub fn command(&mut self, verb: Verb, refused: Option<Refusal>, verifies: Vec<Name>) -> (String, StepKind) {
        self.judged |= !verifies.is_empty() && !self.finally;
        let text = match refused {
            Some(refusal) => format!("{verb}, to be refused: {refusal}"),
            None => verb.to_string(),
        };
        let expect = refused.map_or(Expected::Accepted, Expected::Refused);
        (text, StepKind::Command { verb, expect, verifies })
    }

    /// A command with what its map says of the answer.
    pub fn answered(&mut self, verb: Verb, fields: &Fields<'_>) -> Option<(String, StepKind)> {
        let refused = match fields.get("refused") {
            Some(node) => Some(self.read.choice(node, "refused", &refusals()).and_then(Refusal::from_word)?),
            None => None,
        };
        let verifies = self.verifies(fields);
        Some(self.command(verb, refused, verifies))
    }

    pub fn program(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, fields) = self.read.form(node, PROGRAM, "`program`")?;
        let verb = self.programme(form.head.name, value, &fields);
        let step = self.answered(verb.clone().unwrap_or(Verb::Stop), &fields);
        verb.and(step)
    }

    fn programme(&mut self, head: &str, value: &Node, fields: &Fields<'_>) -> Option<Verb> {
        let mut time = |key| fields.get(key).and_then(|n| self.read.time(n, key, Sign::NotNegative));
        Some(match head {
            "bolus" => {
                let over = time("over");
                let amount = self.read.one_of(value, head, &[Dimension::Volume, Dimension::Mass], Sign::NotNegative)?;
                match amount.dimension {
                    Dimension::Mass => Verb::ProgramBolusDose { dose: Mass(amount.to_f64()), over: over? },
                    _ => Verb::ProgramBolus { volume: Volume(amount.to_f64()), over: over? },
                }
            }
            "basal" => {
                let rate = self.read.one_of(value, head, &[Dimension::Flow, Dimension::MassFlow], Sign::NotNegative)?;
                match rate.dimension {
                    Dimension::MassFlow => Verb::ProgramBasalDose { rate: MassFlow(rate.to_f64()) },
                    _ => Verb::ProgramBasal { rate: Flow(rate.to_f64()) },
                }
            }
            "priming" => Verb::ProgramPriming { volume: self.read.volume(value, head)? },
            "concentration" => Verb::ProgramConcentration { concentration: self.concentration(value, head)? },
            "step" => self.schedule_step(value, fields)?,
            "microdose" => {
                let (over, every) = (time("over"), time("every"));
                Verb::ProgramMicrodose { volume: self.read.volume(value, head)?, over: over?, every: every? }
            }
            "minimum" => {
                self.read.choice(value, head, &["rate"])?;
                Verb::ProgramMinimum
            }
            "patient_bolus" => {
                let (over, first_after, lockout, in_any) = (time("over"), time("first_after"), time("lockout"), time("in_any"));
                let activations = fields.get("at_most").and_then(|n| self.read.whole(n, "at_most", 0, u64::from(u32::MAX)));
                let volume = self.read.volume(value, head);
                Verb::ProgramPatientBolus(Box::new(PatientBolus {
                    volume: volume?,
                    over: over?,
                    first_after: first_after?,
                    lockout: lockout?,
                    activations: u32::try_from(activations?).ok()?,
                    in_any: in_any?,
                }))
            }
            "limit" => {
                let in_any = time("in_any");
                Verb::ProgramLimit { volume: self.read.volume(value, head)?, in_any: in_any? }
            }
            _ => {
                let rate = fields.get("at").and_then(|n| self.read.flow(n, "at"));
                Verb::ProgramBridge { volume: self.read.volume(value, head)?, rate: rate? }
            }
        })
    }

    fn schedule_step(&mut self, value: &Node, fields: &Fields<'_>) -> Option<Verb> {
        let rate = self.read.flow(value, "step");
        let to_be_refused = fields.get("refused").is_some();
        let from = fields.get("from").and_then(|n| self.time_of_day(n, "from", Span::minutes(1), to_be_refused));
        let days = fields.get("on").and_then(|n| self.days(n, to_be_refused));
        let bolus = fields.get("bolus").map(|n| self.read.volume(n, "bolus"));
        let over = fields.get("over").map(|n| self.read.time(n, "over", Sign::NotNegative));
        let bolus = match (bolus, over) {
            (None, None) => None,
            (Some(volume), Some(over)) => Some(StepBolus { volume: volume?, over: over? }),
            (bolus, _) => {
                let (has, lacks) = if bolus.is_some() { ("bolus", "over") } else { ("over", "bolus") };
                self.read.out.error(fields.key_at(has), format!("`{has}` of a step needs its `{lacks}`"));
                return None;
            }
        };
        Some(Verb::ProgramStep(Box::new(ScheduleStep { days: days?, from: from?, rate: rate?, bolus })))
    }

    /// From midnight, in whole units of this length. What a pump is to refuse may be no time of a day.
    fn time_of_day(&mut self, node: &Node, key: &str, unit: Span, to_be_refused: bool) -> Option<Span> {
        let time = self.read.time(node, key, Sign::NotNegative)?;
        if time >= Span::hours(24) && !to_be_refused {
            self.read.out.error_with_help(
                node.at,
                format!("`{key}` is a time of the day"),
                "it counts from midnight, and is less than 24 h, unless the pump is to refuse it: `refused: duration_out_of_range`",
            );
            return None;
        }
        if time.0 % unit.0 != 0 {
            self.read
                .out
                .error(node.at, format!("`{key}` is a whole number of {}", if unit == Span::seconds(1) { "seconds" } else { "minutes" }));
            return None;
        }
        Some(time)
    }

    fn days(&mut self, node: &Node, to_be_refused: bool) -> Option<Days> {
        let items = self.read.one_or_more(node, "on");
        let mut mask = 0;
        for item in items {
            let word = self.read.choice(item, "on", &days_or_daily())?;
            if word == NO_DAY {
                return self.no_day(item, to_be_refused && items.len() == 1);
            }
            let bits = Days::NAMES.iter().position(|name| *name == word).map_or(Days::ALL.0, |day| 1 << day);
            if mask & bits != 0 {
                let help = "name each day once; `daily` stands alone";
                self.read.out.error_with_help(item.at, format!("`{word}` is among these days already"), help);
                return None;
            }
            mask |= bits;
        }
        (mask != 0).then_some(Days(mask))
    }

    /// Only what a pump is to refuse.
    fn no_day(&mut self, node: &Node, may_be: bool) -> Option<Days> {
        if may_be {
            return Some(Days(0));
        }
        let help = "name its days; a step that the pump is to refuse may have none: `refused: duration_out_of_range`";
        self.read.out.error_with_help(node.at, "a step on no day never begins", help);
        None
    }

    /// What a pump is told of its drug is never rounded in silence: the concentration that it then holds would be another than the prescribed one.
    fn concentration(&mut self, node: &Node, key: &str) -> Option<Concentration> {
        let concentration = self.read.quantity(node, key, Dimension::Concentration, Sign::NotNegative)?;
        if !concentration.value.is_integer() {
            let message = format!("`{key}` is {}, and the pump's messages carry whole µg/mL", concentration.show());
            self.read.out.error_with_help(node.at, message, "prescribe a whole number of µg/mL");
            return None;
        }
        Some(Concentration(concentration.to_f64()))
    }

    pub fn set_clock(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let fields = self.read.map(node, SET_CLOCK, "`set_clock`")?;
        let day = fields.get("day").and_then(|n| self.read.choice(n, "day", &days()));
        let to_be_refused = fields.get("refused").is_some();
        let at = fields.get("at").and_then(|n| self.time_of_day(n, "at", Span::seconds(1), to_be_refused));
        let (day, at) = (Days::NAMES.iter().position(|name| Some(*name) == day)?, at?);
        let time_of_week = Span(Span::hours(24).0 * day as i64 + at.0);
        self.answered(Verb::SetClock { time_of_week }, &fields)
    }

    pub fn end_refill(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let fields = self.read.map(node, END_REFILL, "`end_refill`")?;
        let mut volume = |key| fields.get(key).and_then(|n| self.read.volume(n, key));
        let (withdrawn, filled) = (volume("withdrawn"), volume("filled"));
        let concentration = fields.get("concentration").map(|n| self.concentration(n, "concentration"));
        let concentration = concentration.map_or(Some(None), |c| c.map(Some));
        let verb = Verb::EndRefill { withdrawn: withdrawn?, filled: filled?, concentration: concentration? };
        self.answered(verb, &fields)
    }

    pub fn record(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, fields) = self.read.form(node, RECORD, "`record`")?;
        // More than the pump takes is the pump's to refuse.
        let number = u8::try_from(self.read.whole(value, form.head.name, 0, 255)?).ok()?;
        let verb = match form.head.name {
            "pain" => Verb::RecordPain { score: number },
            _ => Verb::RecordEvent { code: number },
        };
        self.answered(verb, &fields)
    }

    pub fn refill(&mut self, node: &Node) -> Option<(String, StepKind)> {
        if node.scalar().is_some() {
            let volume = self.read.volume(node, "refill")?;
            return Some(self.command(Verb::Refill { volume }, None, Vec::new()));
        }
        let fields = self.read.map(node, REFILL, "`refill`")?;
        let volume = fields.get("volume").and_then(|n| self.read.volume(n, "volume"))?;
        self.answered(Verb::Refill { volume }, &fields)
    }

    pub fn set(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let entries = self.read.entries(node, "`set`")?;
        let [entry] = entries else {
            self.read.out.error(node.at, "`set` moves one line: `set: { occluder: closed }`");
            return None;
        };
        let word = self.read.word(&entry.value, &entry.key)?;
        let line = if entry.key.starts_with('$') {
            let key = Node { at: entry.key_at, ..Node::text(&entry.key) };
            self.read.name(&key, "set")?
        } else {
            entry.key.as_str().into()
        };
        match position::active(&line, &word) {
            Ok(active) => Some((format!("set {line} {word}"), StepKind::Set { line, active })),
            Err(help) => {
                self.read.out.error_with_help(entry.value.at, format!("`{word}` is not a position of `{line}`"), help);
                None
            }
        }
    }
}
