//! The spelling of checks.

use rig_model::quantity::Dimension::Time;

use crate::grammar::{Form, GUARD, Key, RULE, Ty, VERIFIES, alarms, form, log_kinds, may, modes, must, reported, states, tones};

macro_rules! limits {
    ($($key:expr),*) => { &[
        $($key,)*
        may("is", Ty::Tolerance, "Nominal value with tolerance, `X ± 5 %`; a count may stand alone"),
        may("between", Ty::Range, "Both limits, `A and B`, inclusive"),
        may("at_least", Ty::Measured, "Lower limit, inclusive"),
        may("at_most", Ty::Measured, "Upper limit, inclusive"),
        RULE, GUARD, VERIFIES,
    ] };
}

const LIMITS: &[Key] = limits!();
const LIMITS_ROLLING: &[Key] =
    limits!(may("in_every", Ty::Rolling, "Judge the extremes over all windows of this length inside the measured one"));

const LIMITS_ROLLING_SPAN: &[Key] =
    limits!(may("in_every", Ty::Quantity(Time), "Judge the extremes over all windows of this length inside the measured one"));

const LIMITS_TRUMPET: &[Key] = limits!(
    must("window", Ty::Rolling, "Length of the windows: one of the curve's, or a number of strokes"),
    may("period", Ty::OneOf(&["t1", "t2"]), "Of which period; T2 if nothing is said")
);
const VALUE: Key = may("value", Ty::Number, "Only entries with this value count");
const VALUE_WITHIN: Key = may("value_within", Ty::Number, "How far from it the value may be");
const DELIVERIES: Key = may("deliveries", Ty::Number, "How many there must be at the least; 25 if nothing is said");
const LIMITS_DELIVERIES: &[Key] = limits!(DELIVERIES);
pub(crate) const READ_BACK: &[&str] = &["same", "nothing"];
pub(crate) const HOUR_STATISTICS: &[&str] = &["mean", "sd", "max", "min", "within"];

pub(crate) const CHECK: &[Form] = &[
    form("volume_of", Ty::Name, "Forward less reverse volume of a window", LIMITS_ROLLING),
    form("mean_flow_of", Ty::Name, "Volume over the window's length", LIMITS_ROLLING),
    form("reverse_volume_of", Ty::Name, "Volume that came back", LIMITS),
    form("delivery_time_of", Ty::Name, "First to last pulse", LIMITS),
    form("onset_delay_of", Ty::Name, "Opening to first pulse", LIMITS),
    form("last_pulse_of", Ty::Name, "Opening to last pulse", LIMITS),
    form("strokes_of", Ty::Name, "Number of strokes seen", LIMITS),
    form("max_flow_of", Ty::Name, "Highest flow, over 4 pulse intervals", LIMITS),
    form("reservoir_error_of", Ty::Name, "What the pump's account of its reservoir lost, less the measured volume", LIMITS),
    form("drug_of", Ty::Name, "Drug that went through a flow channel in a window", LIMITS_ROLLING_SPAN),
    form("concentration_of", Ty::Name, "Concentration at the last reading in a window", LIMITS),
    form("max_concentration_of", Ty::Name, "Highest concentration in a window", LIMITS),
    form("max_pressure_of", Ty::Name, "Highest reading", LIMITS),
    form("mean_pressure_of", Ty::Name, "Mean of the readings", LIMITS),
    form("last_pressure_of", Ty::Name, "Last reading", LIMITS),
    form("trumpet_of", Ty::Name, "Greatest and least error of all windows of one length", LIMITS_TRUMPET),
    form("windows_within_of", Ty::Name, "Share of the windows that err by no more than the curve's limit", LIMITS_TRUMPET),
    form(
        "overall_error_of",
        Ty::Name,
        "Overall error in a period of the curve",
        limits!(must("period", Ty::OneOf(&["a", "b"]), "Error A in T1, or error B in T2")),
    ),
    form(
        "hour_error_of",
        Ty::Name,
        "Errors of the whole hours of a curve",
        limits!(must("statistic", Ty::OneOf(HOUR_STATISTICS), "Which statistic of them; `within`: the share within the curve's limit")),
    ),
    form("longest_gap_of", Ty::Name, "Longest stretch without delivery, up to a stop", LIMITS),
    form("start_latency_of", Ty::Name, "From the start command to the first pulse after it", LIMITS),
    form("after_run_time_of", Ty::Name, "From the stop command to the last pulse after it", LIMITS),
    form("after_run_volume_of", Ty::Name, "Volume after the stop command", LIMITS),
    form("deliveries_mean_error_of", Ty::Name, "Mean error of all deliveries", LIMITS_DELIVERIES),
    form("deliveries_max_error_of", Ty::Name, "Greatest error of all deliveries", LIMITS_DELIVERIES),
    form("deliveries_min_error_of", Ty::Name, "Least error of all deliveries", LIMITS_DELIVERIES),
    form("deliveries_within_of", Ty::Name, "Share of the deliveries that err by no more than their limit", LIMITS_DELIVERIES),
    form(
        "deliveries_after_end_of",
        Ty::Name,
        "Volume after the nominal end of the deliveries",
        limits!(may("statistic", Ty::OneOf(&["mean", "max"]), "The greatest if nothing is said"), DELIVERIES),
    ),
    form(
        "condition_delay",
        Ty::Word(alarms),
        "To the alarm's report, from a mark or from the measured stop of flow",
        limits!(
            may("from", Ty::Name, "A mark set before"),
            may("from_stop_of", Ty::Name, "A flow channel: from the last pulse on it before the report")
        ),
    ),
    form(
        "pressure_at_alarm",
        Ty::Word(alarms),
        "Last reading at or before the alarm's report",
        limits!(
            must("on", Ty::Name, "The pressure channel"),
            may("not_older_than", Ty::Quantity(Time), "How old the reading may be; 10 s if nothing is said")
        ),
    ),
    form(
        "compliance_of",
        Ty::Name,
        "Volume of a release over the fall of pressure, less that of the empty fixture",
        limits!(
            must("pressure", Ty::Name, "Window on the pressure channel, around the release"),
            must("blank", Ty::Name, "Window of the release from the empty fixture"),
            must("blank_pressure", Ty::Name, "Window on the pressure channel around that one")
        ),
    ),
    form("signal_delay", Ty::Word(alarms), "From the alarm's report to the first edge of its tone", LIMITS),
    form("count_of_alarm", Ty::Word(alarms), "How often the alarm began since the first step", LIMITS),
    form("time_from", Ty::Name, "From this mark …", limits!(must("to", Ty::Name, "… to this mark"))),
    form("state", Ty::Word(states), "The state that the pump reports", &[VERIFIES]),
    form("alarm", Ty::Word(alarms), "The pump reports this alarm as active", &[VERIFIES]),
    form("alarm_inactive", Ty::Word(alarms), "The pump reports this alarm as not active", &[VERIFIES]),
    form("reservoir_reported", Ty::OneOf(&["pump"]), "What the pump believes its reservoir holds", LIMITS),
    form("reported", Ty::Word(reported), "What the pump tells of its therapy and of itself", LIMITS),
    form("mode", Ty::Word(modes), "What the pump says its basal delivery is", &[VERIFIES]),
    form("read_back", Ty::OneOf(READ_BACK), "What the pump reads back is what was programmed and accepted, or nothing", &[VERIFIES]),
    form("logged", Ty::Word(log_kinds), "Entries of this kind in the pump's log since the case began", limits!(VALUE, VALUE_WITHIN)),
    form(
        "time_of",
        Ty::Word(log_kinds),
        "Time of the last such entry in the pump's log, less that of a mark",
        limits!(must("at", Ty::Name, "A mark set before"), VALUE, VALUE_WITHIN),
    ),
    form("log", Ty::OneOf(&["in_order"]), "The log has no gaps, and its times do not go back", &[VERIFIES]),
    form("clock_error_of", Ty::OneOf(&["pump"]), "How much the pump's clock goes fast against the rig's", LIMITS),
    form("count_of_tone", Ty::Word(tones), "Tones of this class since the first step", LIMITS),
    form("tone_period", Ty::Word(tones), "From the last but one tone of this class to the last", LIMITS),
    form("disturbed_frames", Ty::OneOf(&["link"]), "Messages that the scenario's own disturbances hit since the first step", LIMITS),
    form("restarts", Ty::OneOf(&["pump"]), "Restarts since the first step", LIMITS),
];
