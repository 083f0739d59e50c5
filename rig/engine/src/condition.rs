//! When conditions hold, and when a condition that needs only time to pass will.

use rig_model::Name;
use rig_model::input::{Edges, Sense};
use rig_model::scenario::Condition;
use rig_model::time::{RigTime, Span};

use crate::occlusion::LastPulse;
use crate::pump::{PumpView, TONE_BEFORE_REPORT};

/// What has come through one channel since the case began.
#[derive(Debug, Clone)]
pub struct ChannelView {
    pub name: Name,
    pub k_factor: Option<f64>,
    pub net: i64,
    pub last_edge: Option<RigTime>,
    /// Of forward flow.
    pub last_pulse: Option<LastPulse>,
    /// The longest pause between two forward pulses since the pump was last started or programmed.
    pub longest_pause: Option<Span>,
    /// The last forward pulse since then.
    paused_from: Option<RigTime>,
    /// The last two readings of a pressure channel, whatever they say; the last one last.
    pub readings: [Option<(RigTime, f64)>; 2],
}

impl ChannelView {
    pub fn new(name: Name, k_factor: Option<f64>) -> Self {
        let (last_edge, last_pulse, longest_pause, paused_from) = (None, None, None, None);
        Self { name, k_factor, net: 0, last_edge, last_pulse, longest_pause, paused_from, readings: [None; 2] }
    }

    /// The pump was started or programmed: how its strokes follow each other is another matter from now on.
    pub fn begins_anew(&mut self) {
        (self.longest_pause, self.paused_from) = (None, None);
    }

    pub fn edges(&mut self, edges: &Edges) {
        let count = edges.count() as i64;
        self.net += if edges.sense == Sense::Reverse { -count } else { count };
        let last = edges.last();
        self.last_edge = Some(last);
        if edges.sense == Sense::Forward {
            for at in edges.times() {
                let pause = self.paused_from.replace(at).map(|from| at - from);
                self.longest_pause = self.longest_pause.max(pause);
            }
            let before = edges.then.last().map(|d| RigTime(last.0 - d)).or(self.last_pulse.map(|p| p.at));
            self.last_pulse = Some(LastPulse { at: last, interval: before.map(|at| last - at) });
        }
    }

    pub fn reading(&mut self, at: RigTime, value: f64) {
        self.readings = [self.readings[1], Some((at, value))];
    }
}

/// Where a level is counted from.
const LONG_AGO: RigTime = RigTime(i64::MIN);

/// Where a wait began: conditions are counted from here.
#[derive(Debug, Clone, Default)]
pub struct Since {
    pub at: RigTime,
    restarts: u64,
    nets: Vec<i64>,
}

impl Since {
    /// For a level that may have begun before it is asked for.
    pub fn always(self) -> Self {
        Self { at: LONG_AGO, ..self }
    }

    /// A tone may be heard a little before the link tells of its alarm, and so before the wait for it began.
    pub fn tone_from(&self) -> RigTime {
        RigTime(self.at.0.saturating_sub(TONE_BEFORE_REPORT.0))
    }

    pub fn new(at: RigTime, pump: &PumpView, channels: &[ChannelView]) -> Self {
        Self { at, restarts: pump.restarts, nets: channels.iter().map(|c| c.net).collect() }
    }
}

/// The instant at which the condition came to hold, if it holds now. That nothing came is known up to `judged` only:
/// at `now` itself there may be more inputs.
pub fn met(what: &Condition, since: &Since, now: RigTime, judged: RigTime, pump: &PumpView, channels: &[ChannelView]) -> Option<RigTime> {
    match what {
        Condition::State(state) => (pump.state == Some(*state)).then(|| pump.state_since.max(since.at)),
        Condition::Alarm(alarm) if since.at == LONG_AGO => pump.alarms.contains(alarm).then_some(now),
        // An alarm that was there before is not the one that is waited for.
        Condition::Alarm(alarm) => pump.onset_since(*alarm, since.at).map(|o| o.reported),
        Condition::NoAlarm => (pump.state.is_some() && pump.alarms.is_empty()).then_some(now),
        Condition::Tone(class) => pump.tone_since(*class, since.tone_from()).map(|began| began.max(since.at)),
        Condition::NoTone(class) => pump.silent_since(*class, since.at).then_some(now),
        Condition::Quiet { .. } => deadline(what, since, channels).filter(|at| *at <= judged),
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

/// The channel that the condition is seen on, where that is not the link.
pub fn seen_on<'c>(what: &'c Condition, alarm: Option<&'c Name>) -> Option<&'c Name> {
    match what {
        Condition::Quiet { channel, .. } | Condition::Volume { channel, .. } => Some(channel),
        Condition::Tone(_) | Condition::NoTone(_) => alarm,
        Condition::State(_) | Condition::Alarm(_) | Condition::NoAlarm | Condition::Restarted => None,
    }
}

pub fn quiet_at(channel: &Name, lasts: Span, since: RigTime, channels: &[ChannelView]) -> RigTime {
    let last = channels.iter().find(|c| c.name == *channel).and_then(|c| c.last_edge);
    last.map_or(since, |at| at.max(since)).saturating_add(lasts)
}
