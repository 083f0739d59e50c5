//! Watchers: what must never happen, what must always hold.

use rig_model::dut::{Alarm, PumpState};
use rig_model::quantity::Dimension;
use rig_model::quantity::{Flow, Mass, Pressure};
use rig_model::scenario::{Watch, Watched};

use crate::grammar::{ALWAYS, NEVER, WATCH, alarms, alarms_or_any, states};
use crate::lower::Lower;
use crate::node::Node;
use crate::read::{Fields, Sign};

impl Lower<'_, '_> {
    pub fn watches(&mut self, node: &Node) -> Vec<Watch> {
        let items = self.read.list(node, "watch").unwrap_or_default();
        let mut watches = Vec::new();
        for (i, item) in items.iter().enumerate() {
            // Watchers count as steps: they too are written out for each case.
            if !self.room_for_step(item.at) {
                break;
            }
            watches.extend(self.watch(item, i + 1));
        }
        watches
    }

    fn watch(&mut self, node: &Node, number: usize) -> Option<Watch> {
        let (form, value, _) = self.read.form(node, WATCH, "a watcher")?;
        let forms = if form.head.name == "never" { NEVER } else { ALWAYS };
        let (form, value, fields) = self.read.form(value, forms, &format!("`{}`", form.head.name))?;
        let verifies = self.verifies(&fields);
        let (text, what) = match form.head.name {
            "volume" => self.volume_in_any(value, &fields)?,
            "drug" => self.drug_in_any(value, &fields)?,
            head => self.never(head, value, &fields)?,
        };
        self.judged |= !verifies.is_empty();
        let rule = self.rule(&fields, &verifies)?;
        Some(Watch { path: format!("watch.{number}").into(), text, what, rule, verifies })
    }

    fn volume_in_any(&mut self, value: &Node, fields: &Fields<'_>) -> Option<(String, Watched)> {
        let channel = self.channel(value, "volume", &["flow."]);
        let window = fields.get("in_any").and_then(|n| self.read.time(n, "in_any", Sign::Positive));
        let at_most = fields.get("at_most").and_then(|n| self.read.volume(n, "at_most"));
        let (channel, window, at_most) = (channel?, window?, at_most?);
        Some((format!("volume through {channel} in any {window} is at most {at_most}"), Watched::VolumeInAny { channel, window, at_most }))
    }

    fn drug_in_any(&mut self, value: &Node, fields: &Fields<'_>) -> Option<(String, Watched)> {
        let channel = self.channel(value, "drug", &["flow."]);
        let window = fields.get("in_any").and_then(|n| self.read.time(n, "in_any", Sign::Positive));
        let at_most = fields.get("at_most").and_then(|n| self.read.quantity(n, "at_most", Dimension::Mass, Sign::NotNegative));
        let (channel, window, at_most) = (channel?, window?, Mass(at_most?.to_f64()));
        Some((format!("drug through {channel} in any {window} is at most {at_most}"), Watched::DrugInAny { channel, window, at_most }))
    }

    fn never(&mut self, head: &str, value: &Node, fields: &Fields<'_>) -> Option<(String, Watched)> {
        Some(match head {
            "reverse_flow" => {
                let channel = self.channel(value, head, &["flow."])?;
                (format!("no reverse flow on {channel}"), Watched::NoReverseFlow { channel })
            }
            "alarm" => self.no_alarm(value, fields)?,
            "restart" => {
                self.read.choice(value, head, &["any"])?;
                ("no restart that was not ordered".to_owned(), Watched::NoRestart)
            }
            "state" => {
                let words: Vec<&str> = self.words(value, head, &states());
                let states: Vec<PumpState> = words.iter().filter_map(|w| PumpState::from_word(w)).collect();
                if states.is_empty() {
                    return None;
                }
                (format!("never in state {}", words.join(" or ")), Watched::NeverState(states))
            }
            "pressure" => {
                let channel = self.channel(value, head, &["pressure."]);
                let above = fields.get("above").and_then(|n| self.read.quantity(n, "above", Dimension::Pressure, Sign::Any));
                let (channel, at_most) = (channel?, Pressure(above?.to_f64()));
                (format!("{channel} never above {at_most}"), Watched::MaxPressure { channel, at_most })
            }
            _ => {
                let channel = self.channel(value, head, &["flow."]);
                let above = fields.get("above").and_then(|n| self.read.quantity(n, "above", Dimension::Flow, Sign::Positive));
                let over = fields.get("over").and_then(|n| self.read.time(n, "over", Sign::Positive));
                let (channel, at_most, over) = (channel?, Flow(above?.to_f64()), over?);
                (format!("{channel} never above {at_most} over any {over}"), Watched::MaxFlow { channel, at_most, over })
            }
        })
    }

    fn no_alarm(&mut self, value: &Node, fields: &Fields<'_>) -> Option<(String, Watched)> {
        let words = self.words(value, "alarm", &alarms_or_any());
        if let Some(but) = fields.get("but") {
            let allowed = self.words(but, "but", &alarms());
            if words != ["any"] {
                self.read.out.error_with_help(
                    but.at,
                    "`but` goes with `alarm: any` only",
                    "name the alarms that must not come, or write `alarm: any`",
                );
                return None;
            }
            let only: Vec<Alarm> = Alarm::ALL.iter().copied().filter(|alarm| !allowed.contains(&alarm.word())).collect();
            // An empty list would forbid all alarms again; nobody allows every one of them.
            if allowed.is_empty() || only.is_empty() {
                return None;
            }
            return Some((format!("no alarm but {}", allowed.join(" or ")), Watched::NoAlarm { only }));
        }
        if words.contains(&"any") {
            if words.len() > 1 {
                self.read.out.error(value.at, "`any` stands alone");
            }
            return Some(("no alarm".to_owned(), Watched::NoAlarm { only: Vec::new() }));
        }
        let only: Vec<Alarm> = words.iter().filter_map(|w| Alarm::from_word(w)).collect();
        // An empty list would forbid all alarms: never made of words that were all wrong.
        (!only.is_empty()).then(|| (format!("no alarm {}", words.join(" or ")), Watched::NoAlarm { only }))
    }

    fn words(&mut self, node: &Node, key: &str, known: &[&'static str]) -> Vec<&'static str> {
        let items = self.read.one_or_more(node, key);
        items.iter().filter_map(|item| self.read.choice(item, key, known)).collect()
    }
}
