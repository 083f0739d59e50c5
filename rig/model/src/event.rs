//! What the rig concludes. Every view is made of these and nothing else.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Name;
use crate::budget::Component;
use crate::curve::{CurvePlan, Curves};
use crate::dut::{Alarm, AlarmClass, DutIdentity, LogEntry, Outcome, PumpState, Verb};
use crate::input::Lost;
use crate::quantity::{Flow, Volume};
use crate::time::Span;
use crate::verdict::{CheckRow, Counts, Verdict};

/// The words of `kind` share the journal with those of [`crate::input::Input`] and [`crate::input::Action`] and must differ from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Event {
    CaseStarted(CaseStarted),
    /// The board said who it is; repeated after each reset.
    DutIdentified(DutIdentity),
    StepStarted {
        step: Name,
        what: String,
    },
    StepEnded {
        step: Name,
    },
    /// A verb was given to the DUT session; polls are not told.
    Command {
        id: u64,
        verb: Verb,
    },
    Answered {
        id: u64,
        verb: Verb,
        outcome: Outcome,
        transmissions: u32,
    },
    PumpState {
        from: Option<PumpState>,
        to: PumpState,
    },
    AlarmOn {
        alarm: Alarm,
    },
    AlarmOff {
        alarm: Alarm,
    },
    /// A tone was recognised on the alarm line; its first edge came `began_before` this event.
    Tone {
        channel: Name,
        class: AlarmClass,
        began_before: Span,
    },
    PumpRestarted,
    Log {
        entries: Vec<LogEntry>,
    },
    #[serde(rename = "link_lost")]
    LinkDown {
        why: String,
    },
    #[serde(rename = "link_ready")]
    LinkUp,
    /// Bytes that were no frame, counted by the DUT session.
    Garbage {
        bytes: u64,
    },
    /// How fast the board answered in this case, polls included.
    LinkLatency(LinkLatency),
    Mark {
        name: Name,
    },
    WindowOpened {
        window: Name,
        channel: Name,
    },
    WindowClosed(WindowClosed),
    /// The curves of a window that has closed.
    Curves(Box<CurvesTold>),
    /// Figures of a window that has closed, or of an alarm that was judged.
    Figures(Box<FiguresTold>),
    /// A balance and a flow sensor measured the same delivery.
    Weighed(Weighed),
    /// A pulse went the wrong way, a limit was passed: noticed by a watcher, which judges at the end.
    Noticed {
        step: Name,
        what: String,
    },
    /// First fact of a channel in this run: it is shown to be alive.
    ChannelAlive {
        channel: Name,
    },
    DataLost(Lost),
    Check(Box<CheckRow>),
    Prompted {
        id: u64,
        text: String,
    },
    #[serde(rename = "prompt_answered")]
    Answer {
        id: u64,
        operator: Option<String>,
    },
    /// The rig begins to make the bench safe.
    SafeDown {
        why: String,
    },
    Safe(SafeShown),
    CaseEnded(CaseEnded),
    RunEnded(RunEnded),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStarted {
    pub scenario: String,
    pub scenario_sha256: String,
    pub title: String,
    /// The assignment of the matrix, empty where there is none.
    pub case: String,
    pub attempt: u32,
    /// Which of how many, from 1.
    pub number: u64,
    pub of: u64,
    /// How long it may take at most, in rig time.
    pub time_limit: Span,
    pub hazards: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowClosed {
    pub window: Name,
    pub channel: Name,
    pub opened: crate::time::RigTime,
    /// Pulses forward and in reverse; readings count as forward.
    pub forward: u64,
    pub reverse: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub volume: Option<Volume>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean_flow: Option<Flow>,
    /// Whether its end came in time.
    pub ended: bool,
}

/// Start-up graph, trumpets and hour statistics, with the plan that makes them mean something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvesTold {
    pub window: Name,
    pub channel: Name,
    pub plan: CurvePlan,
    pub curves: Curves,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiguresTold {
    /// The window, or the alarm.
    pub of: Name,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<Name>,
    pub figures: Vec<Figure>,
}

/// One number by which a pump is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, with underscores.
    pub name: Cow<'static, str>,
    /// Absent where there is none; the note says why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<f64>,
    pub unit: Cow<'static, str>,
    /// U, in the unit of the value; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expanded_uncertainty: Option<f64>,
    /// Samples, windows, hours, deliveries that it was computed from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<u64>,
    /// Variant of the method; empty where there is only one.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub method: String,
    /// What else belongs to it, for people.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub note: String,
}

/// What a flow sensor saw in a window, beside what was weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    pub window: Name,
    pub flow: Name,
    pub balance: Name,
    #[serde(flatten)]
    pub against: WeighedAgainst,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeighedAgainst {
    pub flow_volume: Volume,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weighed: Option<Volume>,
    /// What the weighed volume rests on; empty where nothing was weighed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub budget: Vec<Component>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comparison: Option<Comparison>,
    pub outcome: Comparability,
    /// Why they were not compared; empty where they were.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub why: String,
}

/// Two results of one volume: the flow sensor's less the balance's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub difference: Volume,
    /// Of the difference, with what both have in common taken off, µL.
    pub standard_uncertainty: f64,
    /// The difference over its expanded uncertainty; absent where that is zero.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub e_n: Option<f64>,
    /// How often chance alone makes a difference as large as this.
    pub chance: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparability {
    /// Within their uncertainties.
    Agree,
    /// Chance makes such a difference less than once in 22, but more than once in 300: to be reported.
    Hardly,
    /// One of the two is wrong: no verdict rests on either.
    Disagree,
    NotCompared,
}

/// From a request's first byte given to the port to its reply; of requests that were sent once, since a repeated one has two beginnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLatency {
    pub replies: u64,
    pub least: Span,
    pub mean: Span,
    pub most: Span,
}

/// Whether flow was measured to have stopped, as an upper bound over a dwell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SafeShown {
    pub shown: bool,
    pub stop_acknowledged: bool,
    pub lines_safe: bool,
    pub dwell: Span,
    /// Upper bound of the volume that came out in the dwell, over all flow channels; absent when it can't be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_most: Option<Volume>,
    pub allowed: Volume,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseEnded {
    pub verdict: Verdict,
    pub counts: Counts,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    pub verdict: Option<Verdict>,
    pub checks: Counts,
    pub cases: Counts,
    pub safe: bool,
    pub exit_code: u8,
}
