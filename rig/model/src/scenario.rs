//! A checked scenario: parameters put in, matrices and fragments expanded, every reference resolved against the file itself.

use crate::Name;
use crate::curve::{CurvePlan, Period};
use crate::dut::{Alarm, AlarmClass, LogKind, PumpState, Refusal, Reported, TherapyMode, Verb};
use crate::input::PlantChange;
use crate::quantity::{Concentration, Dimension, Flow, Length, Mass, Pressure, Temperature, Volume};
use crate::time::Span;
use crate::verdict::{Limits, Rule};

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

/// Compare one measured quantity with its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub subject: Subject,
    pub dimension: Dimension,
    pub limits: Limits,
    pub nominal: Option<f64>,
    /// As the check or a requirement states it; otherwise the bench's, or the default.
    pub rule: Option<Rule>,
    pub verifies: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A quantity of a measured window that has closed.
    Window {
        window: Name,
        quantity: WindowQuantity,
    },
    /// From the mark to the alarm's report, in s. The first report at or after the mark.
    ConditionDelay {
        alarm: Alarm,
        from: Name,
    },
    /// From the last pulse on this flow channel before the alarm's last report to that report, in s.
    StopDelay {
        alarm: Alarm,
        channel: Name,
    },
    /// The last reading of this pressure channel at or before the alarm's last report; no older than this.
    PressureAtAlarm {
        alarm: Alarm,
        channel: Name,
        not_older_than: Span,
    },
    /// Volume that a release let out over the fall of the pressure from the first to the last reading of the window around it, less the same
    /// of the empty fixture, in µL/kPa.
    Compliance(Box<ComplianceWindows>),
    /// From the alarm's report to the first edge of its tone, in s.
    SignalDelay {
        alarm: Alarm,
    },
    /// How often the alarm began since the scenario's first step.
    AlarmCount {
        alarm: Alarm,
    },
    /// From one mark to another, in s.
    Between {
        from: Name,
        to: Name,
    },
    /// What the pump reports: an exact comparison of state or alarms, without limits.
    State(PumpState),
    AlarmActive {
        alarm: Alarm,
        active: bool,
    },
    /// What the pump believes its reservoir holds, from a status asked for by this check, in µL.
    ReservoirReported,
    /// Number of restarts since the first step.
    Restarts,
    /// What the pump tells of its therapy and of itself, asked for by this check, in the base unit of its dimension.
    Reported(Reported),
    /// What the pump says its basal delivery is: an exact comparison.
    Mode(TherapyMode),
    /// What the pump reads back is what was programmed and accepted since the last time that nothing was left over: an exact comparison.
    ReadBack,
    /// Entries of this kind in the pump's log since the case began; only those with this value where one is stated.
    Logged {
        kind: LogKind,
        value: Option<u32>,
    },
    /// Numbers without gap or repeat, times that do not go back within a power-on: an exact comparison.
    LogInOrder,
    /// How much the pump's clock goes fast against the rig's, in %, over the time between two statuses of one power-on.
    ClockError,
    /// Tones of this class since the first step.
    ToneCount {
        class: AlarmClass,
    },
    /// From the last but one tone of this class to the last, in s.
    TonePeriod {
        class: AlarmClass,
    },
}

/// The windows that a compliance is computed from, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceWindows {
    /// Of a flow channel: the release.
    pub release: Name,
    /// Of a pressure channel, around the release.
    pub pressure: Name,
    /// The same two, measured on the empty fixture.
    pub blank: Name,
    pub blank_pressure: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowQuantity {
    /// Forward less reverse.
    Volume,
    ReverseVolume,
    /// Volume over the window's length.
    MeanFlow,
    /// Volume over rolling windows: the extremes are judged.
    VolumeIn(Rolling),
    MeanFlowIn(Rolling),
    /// First to last pulse.
    DeliveryTime,
    /// Opening to first pulse.
    OnsetDelay,
    /// Opening to last pulse; 0 with no pulse.
    LastPulse,
    /// Bursts of pulses.
    Strokes,
    /// Highest flow in the window, averaged over 4 pulse intervals.
    MaxFlow,
    /// What the pump's own account of its reservoir lost over the window less the measured volume.
    ReservoirError,
    /// Drug that went forward less what came back, by the photometer that belongs to the flow channel, in µg.
    Drug,
    /// The same over windows of this length: the extremes are judged.
    DrugIn(Span),
    /// The last reading of that photometer in the window.
    LastConcentration,
    MaxConcentration,
    MaxPressure,
    MeanPressure,
    /// Last reading in the window.
    LastPressure,
    /// Extremes of the errors of all windows of this length in a period of the curve, in %: both are judged.
    Trumpet {
        period: Period,
        window: Rolling,
    },
    /// Overall error in a period, in %: A in T1, B in T2.
    OverallError(Period),
    /// How many of 100 such windows err by no more than the curve's limit.
    WindowsWithin {
        period: Period,
        window: Rolling,
    },
    /// Of consecutive whole hours.
    HourError(HourStatistic),
    /// The longest stretch without delivery, the window's ends included, up to a stop.
    LongestGap,
    /// From the start command to the first pulse after it.
    StartLatency,
    /// From the stop command to the last pulse after it; 0 if none came.
    AfterRunTime,
    /// What came after the stop command.
    AfterRunVolume,
    /// Of all deliveries that the window measured so far; at least so many.
    Deliveries {
        figure: DeliveryFigure,
        at_least: u32,
    },
}

/// Of the errors of hours, in %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HourStatistic {
    Mean,
    Sd,
    Max,
    Min,
    /// How many of 100 err by no more than the curve's limit.
    Within,
}

/// Of several deliveries: errors in %, volumes in µL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryFigure {
    MeanError,
    MaxError,
    MinError,
    /// How many of 100 err by no more than the limit.
    Within,
    /// Volume that came after the nominal end, on average.
    AfterEndMean,
    AfterEndMax,
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
