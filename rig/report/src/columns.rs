//! The columns of all tables. Header rows and `datapackage.json` are made of this and nothing else.
//!
//! Names and order are a published interface: columns are only ever added at the end, with a new [`SCHEMA_VERSION`].

/// Version of the CSV tables.
pub const SCHEMA_VERSION: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Option<&'static str>,
    pub description: &'static str,
}

/// The types of Frictionless Table Schema that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Number,
    Integer,
    Boolean,
    Datetime,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Datetime => "datetime",
        }
    }
}

const fn column(name: &'static str, kind: Kind, unit: Option<&'static str>, description: &'static str) -> Column {
    Column { name, kind, unit, description }
}

/// Of `results.csv`: one row per check.
pub const RESULTS: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table; columns are only ever added at the end, with a new version"),
    column("run_id", Kind::String, None, "the run, as its folder is named"),
    column("row", Kind::Integer, None, "number of the row in this file, from 1"),
    column("started_utc", Kind::Datetime, None, "start of the run, ISO 8601, UTC"),
    column("bench", Kind::String, None, "name of the bench"),
    column("simulated", Kind::Boolean, None, "whether any part of the bench was simulated"),
    EVIDENCE,
    column("scenario", Kind::String, None, "identifier of the scenario"),
    column("scenario_sha256", Kind::String, None, "SHA-256 of the scenario file, hexadecimal"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("attempt", Kind::Integer, None, "which attempt at the case, from 1"),
    column("step", Kind::String, None, "where in the scenario the check stands"),
    column("check", Kind::String, None, "the check as a person would say it"),
    column("requirements", Kind::String, None, "requirements that the check verifies, separated by semicolons"),
    column("hazards", Kind::String, None, "hazards that the scenario addresses, separated by semicolons"),
    column("quantity", Kind::String, None, "name of the measured quantity"),
    column("channel", Kind::String, None, "channel that measured it; empty where none did"),
    column("nominal", Kind::Number, Some("as column unit"), "the value that was asked for"),
    column("value", Kind::Number, Some("as column unit"), "the measured value, unrounded; empty when there is none"),
    column("value_text", Kind::String, None, "the observed state, alarm or answer, where the value is not a number"),
    column("unit", Kind::String, None, "unit of nominal, value, uncertainties and limits"),
    column("error_percent", Kind::Number, Some("%"), "(value - nominal) / nominal * 100; empty where there is no nominal value or it is 0"),
    column("n", Kind::Integer, None, "number of pulses, readings or windows that the value was computed from"),
    column("statistic", Kind::String, None, "which statistic of them the value is"),
    column("window_s", Kind::Number, Some("s"), "length of the measured window"),
    column("standard_uncertainty", Kind::Number, Some("as column unit"), "combined standard uncertainty of the value"),
    column("effective_dof", Kind::Number, None, "effective degrees of freedom (Welch-Satterthwaite); empty for infinitely many"),
    column("coverage_factor", Kind::Number, None, "coverage factor k"),
    column("expanded_uncertainty", Kind::Number, Some("as column unit"), "expanded uncertainty U = k * standard_uncertainty"),
    column("lower_limit", Kind::Number, Some("as column unit"), "lower tolerance limit, inclusive; empty where there is none"),
    column("upper_limit", Kind::Number, Some("as column unit"), "upper tolerance limit, inclusive; empty where there is none"),
    column("decision_rule", Kind::String, None, "simple, guarded or three-way"),
    column("acceptance_lower", Kind::Number, Some("as column unit"), "lower acceptance limit that the rule makes of the tolerance limit"),
    column("acceptance_upper", Kind::Number, Some("as column unit"), "upper acceptance limit that the rule makes of the tolerance limit"),
    column("probability_of_conformity", Kind::Number, None, "probability that the true value is within the tolerance limits, 0 to 1"),
    column("verdict", Kind::String, None, "PASS, FAIL, INCONCLUSIVE, ERROR, ABORTED or SKIPPED"),
    column("condition", Kind::String, None, "within or beyond the tolerance limits, whatever the rule makes of it"),
    column("reason_code", Kind::String, None, "why, as a word of a closed vocabulary"),
    column("reason", Kind::String, None, "why, for people"),
    column("certificates", Kind::String, None, "calibration certificates that the value rests on, separated by semicolons"),
    column("started_s", Kind::Number, Some("s"), "rig time at which the judged window began"),
    column("ended_s", Kind::Number, Some("s"), "rig time at which it ended"),
    column("seed", Kind::Integer, None, "seed of the run's noise and faults"),
    column("dut_model", Kind::String, None, "model, as read back from the board"),
    column("dut_serial", Kind::String, None, "serial number, as read back from the board"),
    column("firmware_version", Kind::String, None, "firmware version, as read back from the board"),
    column(
        "firmware_sha256",
        Kind::String,
        None,
        "build hash as read back from the board; the reference pump tells the first 20 bytes of a SHA-256 over its sources",
    ),
    column("operator", Kind::String, None, "who ran it; empty when unattended"),
    column("guard_factor", Kind::Number, None, "r in the guard band r * U of the guarded rule; 1 for the others"),
    column("rule_stated_by", Kind::String, None, "who chose the decision rule: check, requirement, bench, or default for nobody"),
    column("family_members", Kind::Integer, None, "of how many windows or readings the value is the extreme; empty where it is not one"),
    column(
        "family_risk",
        Kind::Number,
        None,
        "chance, for each limit, that all of them together are judged PASS although one is beyond it, or FAIL although none is",
    ),
    column(
        "test_uncertainty_ratio",
        Kind::Number,
        None,
        "half the width of the tolerance, or the distance of a single limit from nominal, over U; planning advice, never a verdict",
    ),
    column("unstated", Kind::String, None, "components of the budget whose uncertainty nobody states, separated by semicolons"),
    WARNINGS,
    NOT_EVIDENCE,
];

const EVIDENCE: Column = column("evidence", Kind::Boolean, None, "whether the run may be used as evidence; never for anything simulated");

const NOT_EVIDENCE: Column =
    column("not_evidence", Kind::String, None, "why the run is no evidence, separated by semicolons; empty where it is");

const WARNINGS: Column = column(
    "warnings",
    Kind::String,
    None,
    "what must be known of the bench's calibration as it was at the start of the run, separated by semicolons",
);

/// Of `budgets.csv`: one row per component of a judged value's uncertainty budget.
pub const BUDGETS: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("run_id", Kind::String, None, "the run, as its folder is named"),
    column("row", Kind::Integer, None, "number of the value's row in results.csv"),
    column("scenario", Kind::String, None, "identifier of the scenario"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("attempt", Kind::Integer, None, "which attempt at the case, from 1"),
    column("step", Kind::String, None, "where in the scenario the check stands"),
    column("check", Kind::String, None, "the check as a person would say it"),
    column("quantity", Kind::String, None, "name of the measured quantity"),
    column("statistic", Kind::String, None, "which statistic the value is"),
    column("value", Kind::Number, Some("as column unit"), "the measured value, unrounded"),
    column("unit", Kind::String, None, "unit of value, contribution and bound"),
    column("component", Kind::String, None, "what the value depends on: an input quantity of its budget"),
    column("estimate", Kind::Number, Some("as column component_unit"), "best estimate of it; 0 for an error whose best estimate is none"),
    column("component_unit", Kind::String, None, "unit of estimate and standard_uncertainty"),
    column("distribution", Kind::String, None, "probability distribution taken for it: normal, rectangular, triangular or student"),
    column("standard_uncertainty", Kind::Number, Some("as column component_unit"), "its standard uncertainty; empty when nobody states it"),
    column("stated", Kind::Boolean, None, "whether somebody states its standard uncertainty"),
    column("sensitivity", Kind::Number, Some("unit / component_unit"), "derivative of the value with respect to it"),
    column("contribution", Kind::Number, Some("as column unit"), "absolute sensitivity * standard_uncertainty; empty when it is not known"),
    column(
        "share_percent",
        Kind::Number,
        Some("%"),
        "contribution squared, of the sum of all such squares; empty when one of them is not known",
    ),
    column("dof", Kind::Number, None, "degrees of freedom of its standard uncertainty; empty for infinitely many"),
    column("origin", Kind::String, None, "where it comes from: certificate, datasheet, derived or assumed"),
    column("certificate", Kind::String, None, "certificate that states it"),
    column(
        "common",
        Kind::Boolean,
        None,
        "whether it errs the same way in every measurement of the bench, so that repetition averages nothing out",
    ),
    column("bound", Kind::Number, Some("as column unit"), "the most that it can add to the value or take from it, where that is bounded"),
    EVIDENCE,
];

/// Of `scenarios.csv`: one row per scenario case.
pub const SCENARIOS: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("run_id", Kind::String, None, "the run, as its folder is named"),
    column("row", Kind::Integer, None, "number of the row in this file, from 1"),
    column("scenario", Kind::String, None, "identifier of the scenario"),
    column("scenario_sha256", Kind::String, None, "SHA-256 of the scenario file, hexadecimal"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("attempt", Kind::Integer, None, "which attempt at the case, from 1"),
    column("title", Kind::String, None, "title of the scenario"),
    column("verdict", Kind::String, None, "verdict of the case"),
    column("reason", Kind::String, None, "why, for people"),
    column("checks", Kind::Integer, None, "number of checks"),
    column("fail", Kind::Integer, None, "number of checks that are FAIL"),
    column("error", Kind::Integer, None, "number of checks that are ERROR"),
    column("aborted", Kind::Integer, None, "number of checks that are ABORTED"),
    column("inconclusive", Kind::Integer, None, "number of checks that are INCONCLUSIVE"),
    column("skipped", Kind::Integer, None, "number of checks that are SKIPPED"),
    column("pass", Kind::Integer, None, "number of checks that are PASS"),
    column("started_s", Kind::Number, Some("s"), "rig time at which the case began"),
    column("ended_s", Kind::Number, Some("s"), "rig time at which it ended, or of the last fact where the record was cut off"),
    column("duration_s", Kind::Number, Some("s"), "ended_s - started_s"),
    column("bench", Kind::String, None, "name of the bench"),
    column("simulated", Kind::Boolean, None, "whether any part of the bench was simulated"),
    EVIDENCE,
    column("seed", Kind::Integer, None, "seed of the run's noise and faults"),
    column("dut_model", Kind::String, None, "model, as read back from the board"),
    column("dut_serial", Kind::String, None, "serial number, as read back from the board"),
    column("firmware_version", Kind::String, None, "firmware version, as read back from the board"),
    column(
        "firmware_sha256",
        Kind::String,
        None,
        "build hash as read back from the board; the reference pump tells the first 20 bytes of a SHA-256 over its sources",
    ),
    WARNINGS,
    NOT_EVIDENCE,
];

/// Of `delivery.csv`: what each flow channel saw, sampled by time.
pub const DELIVERY: &[Column] = &[
    column("elapsed_s", Kind::Number, Some("s"), "rig time"),
    column("channel", Kind::String, None, "flow channel"),
    column("volume_ul", Kind::Number, Some("µL"), "net volume that passed the channel since the run began"),
    column("flow_ul_h", Kind::Number, Some("µL/h"), "mean flow since the channel's previous row; empty in its first"),
    EVIDENCE,
];

/// Of `events.csv`: what happened, in the order in which the rig took it.
pub const EVENTS: &[Column] = &[
    column("seq", Kind::Integer, None, "number of the fact in the journal"),
    column("elapsed_s", Kind::Number, Some("s"), "rig time"),
    column("scenario", Kind::String, None, "scenario that was running; empty between cases"),
    column("case", Kind::String, None, "assignment of its matrix"),
    column("kind", Kind::String, None, "what sort of thing happened"),
    column("subject", Kind::String, None, "what it happened to"),
    column("detail", Kind::String, None, "the rest, for people"),
    EVIDENCE,
];

/// Of `curves.csv`: one row per point of a curve.
pub const CURVES: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("run_id", Kind::String, None, "the run, as its folder is named; empty for a record from elsewhere"),
    column("scenario", Kind::String, None, "identifier of the scenario; empty for a record from elsewhere"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("window", Kind::String, None, "measured window that the curve is of, or the file of a record from elsewhere"),
    column("channel", Kind::String, None, "channel that measured it, or the column of the file"),
    column("method", Kind::String, None, "volumetric, ambulatory or custom: sample interval, windows and what is left out"),
    column("periods", Kind::String, None, "second_and_last_hour or stabilisation_and_analysis: what T1 and T2 are"),
    column("period", Kind::String, None, "T0 of the start-up graph, T1 or T2 of a trumpet"),
    column("curve", Kind::String, None, "startup, trumpet, or trumpet_strokes: windows of whole strokes"),
    column("x", Kind::Number, Some("as column x_unit"), "end of the sample since the start of the record, or length of the window"),
    column("x_unit", Kind::String, None, "unit of x"),
    column("sample_s", Kind::Number, Some("s"), "sample interval"),
    column("rate_ul_h", Kind::Number, Some("µL/h"), "set rate"),
    column("flow_ul_h", Kind::Number, Some("µL/h"), "startup: mean flow in the sample"),
    column("strokes", Kind::Integer, None, "trumpet_strokes: strokes in each window"),
    column("n", Kind::Integer, None, "trumpets: number of windows of this length"),
    column("mean_percent", Kind::Number, Some("%"), "mean error of all windows; of a sample its own error"),
    column("max_percent", Kind::Number, Some("%"), "greatest error of all windows, Ep(max)"),
    column("min_percent", Kind::Number, Some("%"), "least error of all windows, Ep(min)"),
    column(
        "floor_max_percent",
        Kind::Number,
        Some("%"),
        "what max_percent would be of a perfect pump of whole strokes; empty if no stroke was told",
    ),
    column("floor_min_percent", Kind::Number, Some("%"), "what min_percent would be of a perfect pump of whole strokes"),
    column("within_percent", Kind::Number, Some("%"), "share of the windows that err by limit_percent or less"),
    column("limit_percent", Kind::Number, Some("%"), "limit of that share"),
    EVIDENCE,
];

/// Of `figures.csv`: one row per figure.
pub const FIGURES: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("run_id", Kind::String, None, "the run, as its folder is named; empty for a record from elsewhere"),
    column("scenario", Kind::String, None, "identifier of the scenario; empty for a record from elsewhere"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("window", Kind::String, None, "measured window that the figure is of, or the file of a record from elsewhere"),
    column("channel", Kind::String, None, "channel that measured it, or the column of the file"),
    column("figure", Kind::String, None, "name of the figure"),
    column("value", Kind::Number, Some("as column unit"), "its value, unrounded; empty when there is none"),
    column("unit", Kind::String, None, "unit of value and uncertainty"),
    column("expanded_uncertainty", Kind::Number, Some("as column unit"), "expanded uncertainty of the value; empty where it is not known"),
    column("n", Kind::Integer, None, "number of samples, windows, hours or deliveries that it was computed from"),
    column("method", Kind::String, None, "variant of the method, where there are several"),
    column("note", Kind::String, None, "what else belongs to it, for people"),
    EVIDENCE,
];
