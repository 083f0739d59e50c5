//! Continuity of flow in a window: the longest gap, the first delivery after a start, what still comes after a stop.

use rig_metrology::{FlowMeter, Gap, Gate, Measured, Start, instant};
use rig_model::dut::Verb;
use rig_model::scenario::WindowQuantity;
use rig_model::time::{RigTime, Span};

use crate::window::{FlowData, Window};

const ONE_PULSE: &str = "one pulse alone tells no flow, and so not when it began";

/// The commands that count, as they were first given while the window was open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Commands {
    pub start: Option<Told>,
    pub stop: Option<Told>,
}

#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub at: RigTime,
    /// How often it was sent: after more than once nobody knows which of them the pump took.
    pub transmissions: u32,
}

/// There is no value, and why; what it is at the least all the same.
#[derive(Debug)]
pub struct Missing {
    pub why: String,
    pub at_least: Option<Measured>,
}

impl Commands {
    fn slot(&mut self, verb: &Verb) -> Option<&mut Option<Told>> {
        match verb {
            Verb::Start => Some(&mut self.start),
            Verb::Stop => Some(&mut self.stop),
            _ => None,
        }
    }

    /// Whether it is the first of its kind.
    pub fn give(&mut self, verb: &Verb, at: RigTime) -> bool {
        let Some(slot) = self.slot(verb).filter(|slot| slot.is_none()) else { return false };
        *slot = Some(Told { at, transmissions: 1 });
        true
    }

    pub fn sent(&mut self, verb: &Verb, given: RigTime, transmissions: u32) {
        if let Some(Some(told)) = self.slot(verb)
            && told.at == given
        {
            told.transmissions = transmissions;
        }
    }
}

impl Told {
    /// The instant, if it is known.
    pub fn known(told: Option<Self>, verb: &str) -> Result<RigTime, String> {
        match told {
            None => Err(format!("no {verb} was given while the window was open")),
            Some(Self { transmissions: 0 | 1, at }) => Ok(at),
            Some(Self { transmissions: n, .. }) => {
                Err(format!("the {verb} was sent {n} times, so that nobody knows when the pump took it"))
            }
        }
    }
}

/// Half the range within which the pump took a command that was given at an instant: `link_s`.
pub fn value(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, quantity: WindowQuantity, link_s: f64) -> Result<Measured, Missing> {
    let closed = window.closed.unwrap_or(window.opened);
    let figures = flow.continuity.figures(closed);
    let missing = |why| Missing { why, at_least: None };
    let pulse_s = || flow.time_of_a_pulse().ok_or_else(|| missing(ONE_PULSE.to_owned()));
    let since_command = |span: Span, pulse_s, name| {
        let measured = meter.time_of_pulses(span.as_seconds(), Start::Instant, pulse_s);
        measured.with(instant(name, link_s))
    };
    match quantity {
        WindowQuantity::LongestGap => longest_gap(meter, window, flow, closed, link_s).map(|(measured, _)| measured),
        WindowQuantity::StartLatency => {
            let given = Told::known(flow.commands.start, "start").map_err(missing)?;
            match figures.first_delivery {
                Some(span) => Ok(since_command(span, pulse_s()?, "start")),
                None => Err(Missing {
                    why: "nothing came after the start".to_owned(),
                    at_least: Some(since_command(closed - given, 0.0, "start")),
                }),
            }
        }
        WindowQuantity::AfterRunTime => {
            Told::known(flow.commands.stop, "stop").map_err(missing)?;
            match figures.after_run.filter(|span| *span > Span::ZERO) {
                Some(span) => Ok(since_command(span, pulse_s()?, "stop")),
                None => Ok(since_command(Span::ZERO, 0.0, "stop")),
            }
        }
        WindowQuantity::AfterRunVolume => {
            let given = Told::known(flow.commands.stop, "stop").map_err(missing)?;
            let net = figures.after_run_volume.map_or(0.0, |pulses| pulses.0);
            let pulses = rig_metrology::Pulses { net, ..flow.pulses(0, 0) };
            let at_stop = rig_metrology::divided_at("stop", link_s, flow.peak_flow());
            Ok(meter.volume(pulses, Gate::Free, closed - given).with(at_stop))
        }
        _ => Err(missing("a window has no such value".to_owned())),
    }
}

/// The longest gap with its budget, and the gap itself.
pub fn longest_gap(
    meter: &FlowMeter<'_>,
    window: &Window,
    flow: &FlowData,
    closed: RigTime,
    link_s: f64,
) -> Result<(Measured, Gap), Missing> {
    let figures = flow.continuity.figures(closed);
    let gap = figures.longest();
    let from = if gap.from == window.opened { Start::Instant } else { Start::Pulse };
    // Nothing came at all: both ends are the rig's own.
    let pulse_s = if flow.first.is_none() { Some(0.0) } else { flow.time_of_a_pulse() };
    let pulse_s = pulse_s.ok_or_else(|| Missing { why: ONE_PULSE.to_owned(), at_least: None })?;
    let measured = meter.time_of_pulses(gap.length().as_seconds(), from, pulse_s);
    let up_to_stop = gap == figures.from_last && flow.commands.stop.is_some_and(|told| told.at == gap.to);
    let measured = if up_to_stop { measured.with(instant("stop", link_s)) } else { measured };
    // One gap before each pulse, and one after the last.
    Ok((measured.extreme_of(flow.forward + 1), gap))
}
