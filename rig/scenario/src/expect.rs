//! Expectations: edges with `within:`, levels with `for:`, and the condition that ends a window.

use rig_model::Name;
use rig_model::dut::{Alarm, AlarmClass, PumpState};
use rig_model::scenario::{Condition, StepKind};

use crate::grammar::{EXPECT, alarms_or_none, states, tones, tones_or_any};
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Sign};

impl Lower<'_, '_> {
    pub fn expect(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let (form, value, fields) = self.read.form(node, EXPECT, "`expect`")?;
        let what = self.condition(form.head.name, value, &fields);
        let verifies = self.verifies(&fields);
        let within = fields.get("within").map(|n| self.read.time(n, "within", Sign::Positive));
        let lasts = fields.get("for").map(|n| self.read.time(n, "for", Sign::Positive));
        self.judged |= !self.finally;
        match (within, lasts) {
            (Some(within), None) => {
                let (what, within) = (what?, within?);
                let text = format!("{} within {within}", condition_text(&what));
                Some((text, StepKind::Expect { what, within, verifies }))
            }
            (None, Some(lasts)) => {
                let (what, lasts) = (what?, lasts?);
                let text = format!("{} for {lasts}", condition_text(&what));
                Some((text, StepKind::Hold { what, lasts, verifies }))
            }
            (Some(_), Some(_)) => {
                let help = "two steps: first `within:` (it comes), then `for:` (it stays)";
                self.read.out.error_with_help(fields.at, "`within` and `for` can't stand together", help);
                None
            }
            (None, None) => {
                // Where `within` is needed by the table, or something is misspelled, that was said already.
                if fields.sound && form.more.iter().all(|k| k.name != "within" || !k.needed) {
                    let help = if form.more.iter().any(|k| k.name == "for") {
                        "`within:` says by when it comes, `for:` how long it stays"
                    } else {
                        "`within:` says by when it comes"
                    };
                    self.read.out.error_with_help(fields.at, format!("`{}` has no deadline", form.head.name), help);
                }
                None
            }
        }
    }

    fn condition(&mut self, head: &str, value: &Node, fields: &Fields<'_>) -> Option<Condition> {
        Some(match head {
            "state" => Condition::State(self.state(value, head)?),
            "alarm" => self.alarm_or_none(value)?,
            "tone" => Condition::Tone(self.read.choice(value, head, &tones()).and_then(AlarmClass::from_word)?),
            "no_tone" => {
                let word = self.read.choice(value, head, &tones_or_any())?;
                Condition::NoTone(AlarmClass::from_word(word))
            }
            "quiet" => {
                let channel = self.channel(value, head, &["flow."]);
                let lasts = self.read.time(fields.get("for_at_least")?, "for_at_least", Sign::Positive)?;
                Condition::Quiet { channel: channel?, lasts }
            }
            "volume" => {
                let channel = self.channel(value, head, &["flow."]);
                let reaches = self.read.volume(fields.get("reaches")?, "reaches")?;
                Condition::Volume { channel: channel?, reaches }
            }
            _ => {
                self.read.choice(value, head, &["pump"])?;
                Condition::Restarted
            }
        })
    }

    /// The condition of an `until`; `Some(None)` if it has none.
    pub fn until_condition(&mut self, until: &Fields<'_>, channel: Option<&Name>) -> Option<Option<Condition>> {
        let mut found = Vec::new();
        if let Some(node) = until.get("pump") {
            found.push(self.state(node, "pump").map(Condition::State));
        }
        if let Some(node) = until.get("alarm") {
            found.push(self.alarm_or_none(node));
        }
        if let Some(node) = until.get("volume") {
            let reaches = self.read.volume(node, "volume");
            if channel.is_some_and(|c| !c.starts_with("flow.")) {
                self.read.out.error(node.at, "only a flow channel has a volume");
                return None;
            }
            found.push(reaches.zip(channel.cloned()).map(|(reaches, channel)| Condition::Volume { channel, reaches }));
        }
        if found.len() > 1 {
            self.read.out.error(until.at, "`until` waits for one thing");
            return None;
        }
        match found.pop() {
            Some(condition) => condition.map(Some),
            None => Some(None),
        }
    }

    pub fn state(&mut self, node: &Node, key: &str) -> Option<PumpState> {
        self.read.choice(node, key, &states()).and_then(PumpState::from_word)
    }

    fn alarm_or_none(&mut self, node: &Node) -> Option<Condition> {
        let word = self.read.choice(node, "alarm", &alarms_or_none())?;
        Some(Alarm::from_word(word).map_or(Condition::NoAlarm, Condition::Alarm))
    }
}

/// The condition as a person would say it.
pub(crate) fn condition_text(condition: &Condition) -> String {
    match condition {
        Condition::State(state) => format!("state {state}"),
        Condition::Alarm(alarm) => format!("alarm {alarm}"),
        Condition::NoAlarm => "no alarm".to_owned(),
        Condition::Tone(class) => format!("{class} tone"),
        Condition::NoTone(None) => "no tone".to_owned(),
        Condition::NoTone(Some(class)) => format!("no {class} tone"),
        Condition::Quiet { channel, lasts } => format!("{channel} quiet for {lasts}"),
        Condition::Volume { channel, reaches } => format!("{reaches} through {channel}"),
        Condition::Restarted => "pump restarts".to_owned(),
    }
}
