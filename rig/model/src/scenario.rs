//! A checked scenario: parameters put in, matrices and fragments expanded, every reference resolved against the file itself.

use crate::Name;
use crate::curve::CurvePlan;
use crate::dut::{Alarm, AlarmClass, PumpState, Refusal, Verb};
use crate::input::PlantChange;
use crate::quantity::{Concentration, Flow, Length, Mass, Pressure, Temperature, Volume};
pub use crate::subject::*;
use crate::time::Span;
use crate::verdict::Rule;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub id: Name,
    pub title: String,
    pub file: String,
    pub sha256: String,
    pub tags: Vec<String>,
    pub hazards: Vec<Name>,
    /// One for each assignment of the matrix; one with an empty label where there is none.
    pub cases: Vec<Case>,
}

/// One assignment of a scenario's matrix, ready to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// E.g. `rate=20.8 µL/h`; empty where there is no matrix.
    pub label: String,
    pub time_limit: Span,
    pub given: Given,
    pub watch: Vec<Watch>,
    pub steps: Vec<Step>,
    pub finally: Vec<Step>,
}

/// Bench and pump before the first step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    /// Power-cycle, then forget everything. Without it the pump is power-cycled only.
    pub factory_reset: bool,
    /// Fill the reservoir truly to this volume and tell the pump.
    pub reservoir: Option<Volume>,
    /// Catheter full of fluid or of air.
    pub catheter_primed: Option<bool>,
    pub air_bubble: Option<Volume>,
    pub tip_pressure: Option<Pressure>,
    /// What reservoir and line truly hold; the pump is not told.
    pub drug: Option<Concentration>,
    /// Charge that the battery truly has left, in % of a new one's.
    pub battery_percent: Option<f64>,
    /// The tip lies this much above the pump; negative: below.
    pub head: Option<Length>,
    pub temperature: Option<Temperature>,
    /// Absolute pressure around pump and patient.
    pub ambient: Option<Pressure>,
    /// The pump's clock goes this much fast, in parts per million.
    pub pump_clock_ppm: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where in the scenario: `steps.3`, `steps.3.during.1`, `finally.1`.
    pub path: Name,
    /// The step in one line, as a person would say it.
    pub text: String,
    pub kind: StepKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Give a verb to the pump and see that it answers as expected. The answer is itself a check.
    Command {
        verb: Verb,
        expect: Expected,
        verifies: Vec<Name>,
    },
    /// Let rig time pass.
    Wait(Span),
    /// Wait until the condition holds; a check of the latency if it must verify something, FAIL when it does not come in time.
    Expect {
        what: Condition,
        within: Span,
        verifies: Vec<Name>,
    },
    /// The condition must hold all through this time.
    Hold {
        what: Condition,
        lasts: Span,
        verifies: Vec<Name>,
    },
    /// Open a named window, play the steps in it, close it at its end.
    Measure(Measure),
    Check(Box<Check>),
    /// Move lines of the bench; the step ends when the bench has answered.
    Set {
        line: Name,
        active: bool,
    },
    /// Change the simulated plumbing; the step ends when the bench has answered.
    Plant(PlantChange),
    /// Disturb the serial link.
    LinkFault(LinkFault),
    /// Name this instant, for delays.
    Mark {
        name: Name,
    },
    /// Ask an operator to do and confirm something.
    Prompt {
        text: String,
        within: Span,
    },
    Repeat {
        times: u32,
        steps: Vec<Step>,
    },
}

/// The answer that a command must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Accepted,
    Refused(Refusal),
}

/// Something that becomes true at an instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    State(PumpState),
    Alarm(Alarm),
    /// No alarm is active.
    NoAlarm,
    /// A tone of this class on the alarm channel, begun after the step began.
    Tone(AlarmClass),
    /// No tone of this class, or of any, begins or sounds.
    NoTone(Option<AlarmClass>),
    /// No pulse on this flow channel for this long.
    Quiet {
        channel: Name,
        lasts: Span,
    },
    /// This volume has come through this flow channel since the step began.
    Volume {
        channel: Name,
        reaches: Volume,
    },
    /// The restart of the pump was seen.
    Restarted,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    pub name: Name,
    pub channel: Name,
    /// The steps played in the window; it was opened before the first.
    pub during: Vec<Step>,
    /// When the window closes, counted after the steps in it have ended.
    pub until: Until,
    /// Every extreme over rolling windows that some later check asks for, gathered while the window is open.
    pub rolling: Vec<Rolling>,
    /// The drug that comes with the flow is measured, because some later check asks for it.
    pub drug: Option<DrugAsked>,
    /// The curves that are computed of it.
    pub curve: Option<Box<CurveAsked>>,
    /// It is one delivery of several: each closing adds one.
    pub delivery: Option<DeliveryAsked>,
}

/// What later checks want to know of the drug in a flow window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DrugAsked {
    /// Lengths of the windows whose extremes are judged.
    pub in_every: Vec<Span>,
}

/// The curves of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveAsked {
    /// Its stroke cycle is that of the stroke that the scenario states; where it states none the bench's is taken.
    pub plan: CurvePlan,
    /// Windows of whole strokes that some later check asks for, beside those nearest to the plan's windows.
    pub strokes: Vec<u32>,
}

/// What each of several deliveries should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeliveryAsked {
    pub volume: Volume,
    /// From the start command to the nominal end.
    pub over: Span,
    /// Deliveries are counted that err by this or less, in %.
    pub within_percent: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Until {
    /// As soon as the steps in it have ended.
    StepsDone,
    /// This long after its opening (not before the steps in it have ended).
    Elapsed(Span),
    /// As soon as the condition holds and the channel has then been quiet; a deadline from the opening.
    Condition { what: Option<Condition>, then_quiet_for: Option<Span>, within: Span },
}

/// A family of windows inside a measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rolling {
    /// Every window of this length.
    Every(Span),
    /// Every window that begins with one stroke and ends with the beginning of the n-th after it.
    Strokes(u32),
}

/// An invariant judged from the scenario's first to its last moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub path: Name,
    pub text: String,
    pub what: Watched,
    pub rule: Option<Rule>,
    pub verifies: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// Not one of these alarms (all when empty), neither on the link nor as a tone.
    NoAlarm {
        only: Vec<Alarm>,
    },
    NoReverseFlow {
        channel: Name,
    },
    /// Volume in any window of this length.
    VolumeInAny {
        channel: Name,
        window: Span,
        at_most: Volume,
    },
    /// Drug in any window of this length.
    DrugInAny {
        channel: Name,
        window: Span,
        at_most: Mass,
    },
    /// Flow over any window of this length (one stroke's length at the least).
    MaxFlow {
        channel: Name,
        at_most: Flow,
        over: Span,
    },
    MaxPressure {
        channel: Name,
        at_most: Pressure,
    },
    /// No restart that the scenario did not order by power.
    NoRestart,
    /// Never in one of these states.
    NeverState(Vec<PumpState>),
}

/// The photometer at the place of a flow channel: `drug.tip` of `flow.tip`.
pub fn photometer_of(flow: &str) -> Option<Name> {
    flow.strip_prefix("flow.").map(|place| format!("drug.{place}").into())
}

/// Disturbances of the serial link. `next` counts frames that are not polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// The pump hears the next command; the rig does not hear the reply.
    LoseNextReply,
    LoseNextCommand,
    CorruptNextCommand,
    CorruptNextReply,
    DuplicateNextCommand,
    DuplicateNextReply,
    DelayNextCommand(Span),
    DelayNextReply(Span),
    /// This many bytes of garbage before the next command.
    Garbage(u32),
    /// Each frame, either way, is spoilt with this probability (in millionths) for this long.
    Interference {
        per_million: u32,
        lasts: Span,
    },
}
