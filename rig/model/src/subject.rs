//! Checks of a scenario: which quantity, of what, against which limits.

use std::fmt;

use crate::Name;
use crate::curve::Period;
use crate::dut::{Alarm, AlarmClass, LogKind, PumpState, Reported, TherapyMode};
use crate::quantity::Dimension;
use crate::scenario::Rolling;
use crate::time::Span;
use crate::verdict::{Limits, Rule};

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

/// The value that an entry of the pump's log must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryValue {
    pub is: u32,
    /// How far from it the entry's may be.
    pub within: u32,
}

impl EntryValue {
    pub fn exactly(is: u32) -> Self {
        Self { is, within: 0 }
    }

    pub fn admits(self, value: u32) -> bool {
        value.abs_diff(self.is) <= self.within
    }
}

impl fmt::Display for EntryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            0 => write!(f, "{}", self.is),
            within => write!(f, "{} ± {within}", self.is),
        }
    }
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
    /// Messages on the link, of either direction, that the scenario's own disturbances hit since the first step.
    DisturbedFrames,
    /// What the pump tells of its therapy and of itself, asked for by this check, in the base unit of its dimension.
    Reported(Reported),
    /// What the pump says its basal delivery is: an exact comparison.
    Mode(TherapyMode),
    /// What the pump reads back is what was programmed and accepted since the last time that nothing was left over: an exact comparison.
    ReadBack,
    /// The pump reads back that nothing is put aside: an exact comparison.
    ReadBackNothing,
    /// Entries of this kind in the pump's log since the case began; only those with this value where one is stated.
    Logged {
        kind: LogKind,
        value: Option<EntryValue>,
    },
    /// When the last entry of this kind (and value) since the case began was written, by the pump's clock, less when the mark was set, in s.
    LoggedAt {
        kind: LogKind,
        value: Option<EntryValue>,
        mark: Name,
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
