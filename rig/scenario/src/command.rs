//! Commands to the pump, and the moving and disturbing of what is around it.

use rig_model::Name;
use rig_model::dut::{Refusal, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::Dimension;
use rig_model::scenario::{Expected, LinkFault, StepKind};

use crate::grammar::{INJECT, LINK, LINK_WORDS, PLANT, PROGRAM, REFILL, refusals};
use crate::limits::MAX_GARBAGE;
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
        let verb = match form.head.name {
            "bolus" => {
                let volume = self.read.volume(value, "bolus");
                let over = fields.get("over").and_then(|n| self.read.time(n, "over", Sign::NotNegative));
                volume.zip(over).map(|(volume, over)| Verb::ProgramBolus { volume, over })
            }
            "basal" => self.read.flow(value, "basal").map(|rate| Verb::ProgramBasal { rate }),
            _ => self.read.volume(value, "priming").map(|volume| Verb::ProgramPriming { volume }),
        };
        let step = self.answered(verb.clone().unwrap_or(Verb::Stop), &fields);
        verb.and(step)
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

    pub fn inject(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, _) = self.read.form(node, INJECT, "`inject`")?;
        match form.head.name {
            "link" => self.link(value),
            _ => self.plant(value),
        }
    }

    fn link(&mut self, node: &Node) -> Option<(String, StepKind)> {
        if node.scalar().is_some() {
            let word = self.read.choice(node, "link", LINK_WORDS)?;
            let fault = match word {
                "lose_next_reply" => LinkFault::LoseNextReply,
                "lose_next_command" => LinkFault::LoseNextCommand,
                "corrupt_next_reply" => LinkFault::CorruptNextReply,
                "corrupt_next_command" => LinkFault::CorruptNextCommand,
                "duplicate_next_reply" => LinkFault::DuplicateNextReply,
                _ => LinkFault::DuplicateNextCommand,
            };
            return Some((format!("link: {}", word.replace('_', " ")), StepKind::LinkFault(fault)));
        }
        let (form, value, _) = self.read.form(node, LINK, "`link`")?;
        let head = form.head.name;
        let (what, fault) = match head {
            "garbage" => {
                let bytes = u32::try_from(self.read.whole(value, head, 1, MAX_GARBAGE)?).ok()?;
                (format!("{bytes} bytes of garbage"), LinkFault::Garbage(bytes))
            }
            "delay_next_reply" => {
                let span = self.read.time(value, head, Sign::Positive)?;
                (format!("delay next reply by {span}"), LinkFault::DelayNextReply(span))
            }
            _ => {
                let span = self.read.time(value, head, Sign::Positive)?;
                (format!("delay next command by {span}"), LinkFault::DelayNextCommand(span))
            }
        };
        Some((format!("link: {what}"), StepKind::LinkFault(fault)))
    }

    fn plant(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, _) = self.read.form(node, PLANT, "`plant`")?;
        let head = form.head.name;
        let (what, change) = match head {
            "reservoir" => {
                let volume = self.read.volume(value, head)?;
                (format!("reservoir truly holds {volume}"), PlantChange::Reservoir { volume })
            }
            "catheter" => {
                let word = self.read.choice(value, head, &["primed", "unprimed"])?;
                (format!("catheter {word}"), PlantChange::Catheter { primed: word == "primed" })
            }
            "air_bubble" => {
                let volume = self.read.volume(value, head)?;
                (format!("air bubble of {volume}"), PlantChange::AirBubble { volume })
            }
            "resistance" => {
                let factor = self.read.quantity(value, head, Dimension::Count, Sign::Positive)?;
                (format!("resistance times {}", factor.show()), PlantChange::Resistance { factor: factor.to_f64() })
            }
            _ => {
                let pressure = self.read.pressure(value, head)?;
                (format!("tip pressure {pressure}"), PlantChange::TipPressure { pressure })
            }
        };
        Some((format!("plant: {what}"), StepKind::Plant(change)))
    }
}
