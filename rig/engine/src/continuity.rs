//! Continuity of flow in a window: the longest gap, the first delivery after a start, what still comes after a stop.

use rig_metrology::{End, FlowMeter, Gap, Gate, Measured, Start, instant};
use rig_model::dut::{Outcome, Verb};
use rig_model::scenario::WindowQuantity;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Limits;

use crate::window::{FlowData, Window};

const ONE_PULSE: &str = "one pulse alone tells no flow, and so not when it began";

/// The first start and the first stop that the pump accepted while the window was open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Commands {
    pub start: Option<Told>,
    pub stop: Option<Told>,
    /// Of any start or stop nobody knows when the pump took it.
    pub doubtful: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub at: RigTime,
    /// How often it was sent: after more than once nobody knows which of them the pump took. 0 until it is answered.
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

    pub fn give(&mut self, verb: &Verb, at: RigTime) {
        if let Some(slot) = self.slot(verb) {
            slot.get_or_insert(Told { at, transmissions: 0 });
        }
    }

    /// It was taken, or nobody knows whether it was.
    pub fn answered(&mut self, verb: &Verb, given: RigTime, outcome: &Outcome, transmissions: u32) {
        self.doubtful |= transmissions > 1 || *outcome != Outcome::Accepted;
        if let Some(Some(told)) = self.slot(verb)
            && told.at == given
            && *outcome == Outcome::Accepted
        {
            told.transmissions = transmissions.max(1);
        }
    }
}

impl Told {
    /// The instant, if it is known.
    pub fn known(told: Option<Self>, verb: &str) -> Result<RigTime, String> {
        match told {
            None => Err(format!("no {verb} was accepted while the window was open")),
            Some(Self { transmissions: 0, .. }) => Err(format!("the {verb} was not answered")),
            Some(Self { transmissions: 1, at }) => Ok(at),
            Some(Self { transmissions: n, .. }) => {
                Err(format!("the {verb} was sent {n} times, so that nobody knows when the pump took it"))
            }
        }
    }
}

/// A continuity figure of a window that has closed, as far as these limits need it. Half the range within which the pump took a command that
/// was given at an instant: `link_s`.
pub fn value(
    meter: &FlowMeter<'_>,
    window: &Window,
    flow: &FlowData,
    quantity: WindowQuantity,
    limits: Limits,
    link_s: f64,
) -> Result<Measured, Missing> {
    let missing = |why: &str| Missing { why: why.to_owned(), at_least: None };
    match quantity {
        WindowQuantity::LongestGap => longest_gap(meter, window, flow, link_s).map(|(measured, _)| measured),
        WindowQuantity::StartLatency => start_latency(meter, window, flow, link_s),
        WindowQuantity::AfterRunTime => after_run_time(meter, window, flow, limits, link_s),
        WindowQuantity::AfterRunVolume => after_run_volume(meter, window, flow, link_s),
        _ => Err(missing("a window has no such value")),
    }
}

fn no_value(why: String) -> Missing {
    Missing { why, at_least: None }
}

fn closed(window: &Window) -> RigTime {
    window.closed.unwrap_or(window.opened)
}

fn start_latency(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, link_s: f64) -> Result<Measured, Missing> {
    let given = Told::known(flow.commands.start, "start").map_err(no_value)?;
    let figures = flow.continuity.figures(closed(window));
    if figures.before_command {
        return Err(no_value("something came between the opening and the start, so that what came next need not be its answer".to_owned()));
    }
    let since_start = |span: Span, pulse_s| {
        let measured = meter.time_of_pulses(span.as_seconds(), Start::Instant, pulse_s);
        measured.with(instant("start", link_s))
    };
    match figures.first_delivery {
        Some(span) => {
            let pulse_s = flow.time_of_a_pulse().ok_or_else(|| no_value(ONE_PULSE.to_owned()))?;
            Ok(since_start(span, pulse_s))
        }
        None => Err(Missing {
            why: "nothing came after the start".to_owned(),
            at_least: Some(since_start(closed(window).max(given) - given, 0.0)),
        }),
    }
}

/// That nothing more came after a while is known only if the window was watched for longer than that: otherwise what came is a lower bound.
fn after_run_time(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, limits: Limits, link_s: f64) -> Result<Measured, Missing> {
    Told::known(flow.commands.stop, "stop").map_err(no_value)?;
    let figures = flow.continuity.figures(closed(window));
    let ran = figures.after_run.unwrap_or(Span::ZERO);
    let pulse_s = match ran > Span::ZERO {
        // What trickles out comes slower than in a stroke.
        true => slower(figures.after_run_interval, flow).ok_or_else(|| no_value(ONE_PULSE.to_owned()))?,
        false => 0.0,
    };
    let measured = meter.time_of_pulses(ran.as_seconds(), Start::Instant, pulse_s).with(instant("stop", link_s));
    let watched = figures.watched_after_stop.unwrap_or(Span::ZERO);
    let enough = limits.upper.is_none_or(|upper| watched.as_seconds() > upper + measured.estimate.expanded());
    match stop_was_watched(flow, watched, ran) {
        Ok(()) if enough => Ok(measured),
        Ok(()) => {
            let why =
                format!("nothing was watched beyond {watched} after the stop, which is not longer than the limit and the uncertainty");
            Err(Missing { why, at_least: Some(measured) })
        }
        Err(why) => Err(Missing { why, at_least: Some(measured) }),
    }
}

fn after_run_volume(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, link_s: f64) -> Result<Measured, Missing> {
    Told::known(flow.commands.stop, "stop").map_err(no_value)?;
    let figures = flow.continuity.figures(closed(window));
    let net = figures.after_run_volume.map_or(0.0, |pulses| pulses.0);
    let watched = figures.watched_after_stop.unwrap_or(Span::ZERO);
    let pulses = rig_metrology::Pulses { net, ..flow.pulses(0, 0) };
    let at_stop = rig_metrology::divided_at("stop", link_s, flow.peak_flow());
    let measured = meter.volume(pulses, Gate::Free, watched).with(at_stop);
    match stop_was_watched(flow, watched, figures.after_run.unwrap_or(Span::ZERO)) {
        Ok(()) => Ok(measured),
        Err(why) => Err(Missing { why, at_least: Some(measured) }),
    }
}

/// Whether the window showed what came after a stop: for as long as a stroke that was under way may take, and silence at the end of it.
fn stop_was_watched(flow: &FlowData, watched: Span, ran: Span) -> Result<(), String> {
    if watched < flow.tail {
        return Err(format!("the window shows only {watched} after the stop; a stroke that was under way may take {}", flow.tail));
    }
    if ran > Span::ZERO && watched - ran <= flow.sensor.stroke_gap {
        return Err("pulses still came when nothing was watched any more".to_owned());
    }
    Ok(())
}

/// s; the time of a pulse at the fastest flow, or that interval if it is longer.
fn slower(interval: Option<Span>, flow: &FlowData) -> Option<f64> {
    let fastest = flow.time_of_a_pulse()?;
    Some(interval.map_or(fastest, |interval| interval.as_seconds().max(fastest)))
}

/// The longest gap with its budget, and the gap itself.
pub fn longest_gap(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, link_s: f64) -> Result<(Measured, Gap), Missing> {
    let gap = flow.continuity.figures(closed(window)).longest();
    let at_commands = [gap.begins, gap.ends].into_iter().filter(|end| *end == End::Command).count();
    if at_commands > 0 && (flow.commands.doubtful || flow.pending()) {
        return Err(no_value("the longest stretch lies at a command of which nobody knows when the pump took it".to_owned()));
    }
    let from = if gap.begins == End::Pulse { Start::Pulse } else { Start::Instant };
    // Both ends may be the rig's own.
    let pulse_s = match gap.begins == End::Pulse || gap.ends == End::Pulse {
        true => slower(gap.interval, flow).ok_or_else(|| no_value(ONE_PULSE.to_owned()))?,
        false => 0.0,
    };
    let measured = meter.time_of_pulses(gap.length().as_seconds(), from, pulse_s);
    let measured = (0..at_commands).fold(measured, |measured, _| measured.with(instant("start or stop", link_s)));
    // One gap before each pulse, and one after the last.
    Ok((measured.extreme_of(flow.forward + 1), gap))
}

/// Where the longest gap lies, and up to when there was one to be looked for.
pub fn place_of_gap(window: &Window, flow: &FlowData, gap: Gap) -> String {
    let since = |at: RigTime| at - window.opened;
    let from_last = flow.continuity.figures(closed(window)).from_last;
    let until = if from_last.ends == End::Command { "the last stop" } else { "the closing" };
    format!("from {} to {} after the opening; judged up to {until}, at {}", since(gap.from), since(gap.to), since(from_last.to))
}
