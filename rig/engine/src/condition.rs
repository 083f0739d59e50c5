//! When conditions hold, and when a condition that needs only time to pass will.

use rig_model::Name;
use rig_model::input::{Edges, Sense};
use rig_model::scenario::Condition;
use rig_model::time::{RigTime, Span};

use crate::pump::{PumpView, TONE_BEFORE_REPORT};

/// What has come through one channel since the case began.
#[derive(Debug, Clone)]
pub struct ChannelView {
    pub name: Name,
    pub k_factor: Option<f64>,
    pub net: i64,
    pub last_edge: Option<RigTime>,
}

impl ChannelView {
    pub fn edges(&mut self, edges: &Edges) {
        let count = edges.count() as i64;
        self.net += if edges.sense == Sense::Reverse { -count } else { count };
        self.last_edge = Some(edges.last());
    }
}

/// Where a wait began: conditions are counted from here.
#[derive(Debug, Clone, Default)]
pub struct Since {
    pub at: RigTime,
    restarts: u64,
    nets: Vec<i64>,
}

impl Since {
    pub fn new(at: RigTime, pump: &PumpView, channels: &[ChannelView]) -> Self {
        Self { at, restarts: pump.restarts, nets: channels.iter().map(|c| c.net).collect() }
    }
}

/// The instant at which the condition came to hold, if it holds now.
pub fn met(what: &Condition, since: &Since, now: RigTime, pump: &PumpView, channels: &[ChannelView]) -> Option<RigTime> {
    match what {
        Condition::State(state) => (pump.state == Some(*state)).then(|| pump.state_since.max(since.at)),
        Condition::Alarm(alarm) => {
            pump.alarms.contains(alarm).then(|| pump.last_onset(*alarm).map_or(since.at, |o| o.reported.max(since.at)))
        }
        Condition::NoAlarm => pump.alarms.is_empty().then_some(now),
        Condition::Tone(class) => pump.tone_since(*class, since.at - TONE_BEFORE_REPORT).map(|began| began.max(since.at)),
        Condition::Quiet { .. } => deadline(what, since, channels).filter(|at| *at <= now),
        Condition::Volume { channel, reaches } => {
            let (i, view) = channels.iter().enumerate().find(|(_, c)| c.name == *channel)?;
            let net = view.net - since.nets.get(i).copied().unwrap_or(0);
            (net as f64 >= reaches.0 * view.k_factor?).then_some(now)
        }
        Condition::Restarted => (pump.restarts > since.restarts).then_some(now),
    }
}

/// When the condition will hold if nothing more comes.
pub fn deadline(what: &Condition, since: &Since, channels: &[ChannelView]) -> Option<RigTime> {
    match what {
        Condition::Quiet { channel, lasts } => Some(quiet_at(channel, *lasts, since.at, channels)),
        _ => None,
    }
}

pub fn quiet_at(channel: &Name, lasts: Span, since: RigTime, channels: &[ChannelView]) -> RigTime {
    let last = channels.iter().find(|c| c.name == *channel).and_then(|c| c.last_edge);
    last.map_or(since, |at| at.max(since)).saturating_add(lasts)
}
