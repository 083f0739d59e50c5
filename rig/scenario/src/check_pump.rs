//! Checks of what the pump tells of itself when it is asked, of its log, its clock and its tones.

use rig_model::dut::{AlarmClass, LogKind, Reported, TherapyMode};
use rig_model::quantity::Dimension;
use rig_model::scenario::{EntryValue, Subject};

use crate::check::Asked;
use crate::grammar::{READ_BACK, log_kinds, modes, reported, tones};
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Reader};

impl Lower<'_, '_> {
    /// `None` in the outer one for a head that is no such check.
    #[expect(clippy::option_option, reason = "the outer one is another kind of check, the inner one a file with errors")]
    pub fn of_pump(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Option<Asked>> {
        Some(match head {
            "reported" => self.reported(head, node),
            "mode" => self.mode(head, node),
            "read_back" => self.read.choice(node, head, READ_BACK).map(|word| {
                let (subject, text) = match word {
                    "nothing" => (Subject::ReadBackNothing, "the pump reads back nothing"),
                    _ => (Subject::ReadBack, "what the pump reads back is what was programmed"),
                };
                Asked { subject, dimension: None, text: text.to_owned() }
            }),
            "logged" => self.logged(head, node, fields),
            "time_of" => self.time_of(head, node, fields),
            "log" => self.read.choice(node, head, &["in_order"]).map(|_| Asked {
                subject: Subject::LogInOrder,
                dimension: None,
                text: "the pump's log is in order".to_owned(),
            }),
            "clock_error_of" => self.read.choice(node, head, &["pump"]).map(|_| Asked {
                subject: Subject::ClockError,
                dimension: Some(Dimension::Ratio),
                text: "error of the pump's clock".to_owned(),
            }),
            "count_of_tone" => self.tone(head, node).map(|class| Asked {
                subject: Subject::ToneCount { class },
                dimension: Some(Dimension::Count),
                text: format!("number of {class} tones"),
            }),
            "tone_period" => self.tone(head, node).map(|class| Asked {
                subject: Subject::TonePeriod { class },
                dimension: Some(Dimension::Time),
                text: format!("time from one {class} tone to the next"),
            }),
            _ => return None,
        })
    }

    fn reported(&mut self, head: &str, node: &Node) -> Option<Asked> {
        let what = self.read.choice(node, head, &reported()).and_then(Reported::from_word)?;
        let text = format!("{} reported by the pump", what.word().replace('_', " "));
        Some(Asked { subject: Subject::Reported(what), dimension: Some(what.dimension()), text })
    }

    fn mode(&mut self, head: &str, node: &Node) -> Option<Asked> {
        let mode = self.read.choice(node, head, &modes()).and_then(TherapyMode::from_word)?;
        Some(Asked { subject: Subject::Mode(mode), dimension: None, text: format!("mode is {mode}") })
    }

    fn logged(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let (kind, value, text) = self.entries(head, node, fields)?;
        let text = format!("number of entries {text} in the pump's log");
        Some(Asked { subject: Subject::Logged { kind, value }, dimension: Some(Dimension::Count), text })
    }

    /// Kind and value of entries, and both in words.
    fn entries(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<(LogKind, Option<EntryValue>, String)> {
        let kind = self.read.choice(node, head, &log_kinds()).and_then(LogKind::from_word);
        let number = |read: &mut Reader<'_>, key| {
            let number = fields.get(key).map(|n| read.whole(n, key, 0, u64::from(u32::MAX)));
            Some(number.map_or(Some(None), |v| v.map(Some))?.and_then(|v| u32::try_from(v).ok()))
        };
        let (is, within) = (number(&mut self.read, "value")?, number(&mut self.read, "value_within")?);
        if let (None, Some(node)) = (is, fields.get("value_within")) {
            self.read.out.error(node.at, "`value_within` goes with `value` only");
            return None;
        }
        let value = is.map(|is| EntryValue { is, within: within.unwrap_or(0) });
        let kind = kind?;
        let text = value.map_or_else(|| kind.to_string(), |value| format!("{kind} with value {value}"));
        Some((kind, value, text))
    }

    fn time_of(&mut self, head: &str, node: &Node, fields: &Fields<'_>) -> Option<Asked> {
        let entries = self.entries(head, node, fields);
        let mark = fields.get("at").and_then(|n| self.mark_set(n, "at"));
        let ((kind, value, text), mark) = (entries?, mark?);
        let text = format!("time of entry {text} in the pump's log less that of mark `{mark}`");
        Some(Asked { subject: Subject::LoggedAt { kind, value, mark }, dimension: Some(Dimension::Time), text })
    }

    fn tone(&mut self, head: &str, node: &Node) -> Option<AlarmClass> {
        self.read.choice(node, head, &tones()).and_then(AlarmClass::from_word)
    }
}
