//! The closed list of kinds, and which part of a fact each belongs to.

/// Which type a line's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Header,
    Input,
    Action,
    Event,
    Note,
}

/// The class of a kind; `None` for a word that is not in the list.
pub(crate) fn class_of(kind: &str) -> Option<Class> {
    // The order is that of how often they occur in a long run.
    if ACTIONS.contains(&kind) {
        Some(Class::Action)
    } else if INPUTS.contains(&kind) {
        Some(Class::Input)
    } else if EVENTS.contains(&kind) {
        Some(Class::Event)
    } else if NOTES.contains(&kind) {
        Some(Class::Note)
    } else {
        (kind == HEADER).then_some(Class::Header)
    }
}

pub(crate) const HEADER: &str = "header";

const ACTIONS: &[&str] = &["tx", "actuate", "prompt"];

const NOTES: &[&str] = &["wall_clock", "not_evidence"];

const INPUTS: &[&str] = &["rx", "edges", "reading", "done", "failed", "link_down", "link_up", "lost", "stop_request", "answer"];

const EVENTS: &[&str] = &[
    "case_started",
    "dut_identified",
    "step_started",
    "step_ended",
    "command",
    "answered",
    "pump_state",
    "alarm_on",
    "alarm_off",
    "tone",
    "pump_restarted",
    "log",
    "link_lost",
    "link_ready",
    "garbage",
    "link_latency",
    "mark",
    "window_opened",
    "window_closed",
    "curves",
    "figures",
    "weighed",
    "noticed",
    "channel_alive",
    "data_lost",
    "check",
    "prompted",
    "prompt_answered",
    "safe_down",
    "safe",
    "case_ended",
    "run_ended",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rig_model::event::Event;
    use rig_model::fact::Note;
    use rig_model::input::{Action, Input};
    use serde::Deserialize;

    use super::*;

    /// serde names all variants in its complaint about one that it does not know.
    fn variants<'de, T: Deserialize<'de> + std::fmt::Debug>() -> Vec<String> {
        let complaint = serde_json::from_str::<T>(r#"{"kind":"?"}"#).unwrap_err().to_string();
        let list = complaint.split(", expected ").nth(1).expect("the complaint lists the variants");
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_lists_are_those_of_the_model() {
        assert_eq!(variants::<Action>(), ACTIONS);
        assert_eq!(variants::<Input>(), INPUTS);
        assert_eq!(variants::<Event>(), EVENTS);
        assert_eq!(variants::<Note>(), NOTES);
    }

    #[test]
    fn no_word_means_two_things() {
        let all = [ACTIONS, INPUTS, EVENTS, NOTES, &[HEADER]].concat();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
