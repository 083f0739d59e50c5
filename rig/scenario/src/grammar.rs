//! The spelling of the language, once: the parser reads by these tables and the JSON Schema is made from them.

use rig_model::dut::{Alarm, AlarmClass, Days, LogKind, PumpState, Refusal, Reported, TherapyMode};
use rig_model::quantity::Dimension::{self, Concentration, Flow, Length, Mass, Pressure, Ratio, Temperature, Time, Volume};

use crate::bench_grammar::RULES;
pub(crate) use crate::grammar_check::{CHECK, HOUR_STATISTICS, READ_BACK};
pub(crate) use crate::grammar_command::{END_REFILL, INJECT, LINK, LINK_WORDS, PLANT, PROGRAM, RECORD, REFILL, SET_CLOCK};

/// One key of a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    pub ty: Ty,
    pub needed: bool,
    /// One line for editors.
    pub doc: &'static str,
}

/// A map that is told from its alternatives by one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub head: Key,
    pub more: &'static [Key],
}

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ty {
    /// Free text.
    Text,
    /// A name or id: letters, digits, `.`, `_`, `-`.
    Name,
    /// A number with a unit of this dimension, or arithmetic.
    Quantity(Dimension),
    /// A plain number.
    Number,
    /// `X`, `X ± Y`, `X ± 5 %` or `between A and B`, of whatever the check measures.
    Tolerance,
    /// A quantity of whatever the check measures.
    Measured,
    /// `A and B`.
    Range,
    /// A length of time, or a number of strokes.
    Rolling,
    /// The value of a parameter: a quantity or a word.
    Value,
    /// `true` or `false`; bench files only.
    Switch,
    /// One word of a published vocabulary.
    Word(fn() -> Vec<&'static str>),
    OneOf(&'static [&'static str]),
    List(&'static Ty),
    OneOrMore(&'static Ty),
    Either(&'static [Ty]),
    Map(&'static [Key]),
    Forms(&'static [Form]),
    /// A map with keys of the writer's choice.
    Named(&'static Ty),
    Steps,
}

pub(crate) fn states() -> Vec<&'static str> {
    PumpState::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn alarms() -> Vec<&'static str> {
    Alarm::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn alarms_or_none() -> Vec<&'static str> {
    alarms().into_iter().chain(["none"]).collect()
}
pub(crate) fn alarms_or_any() -> Vec<&'static str> {
    alarms().into_iter().chain(["any"]).collect()
}
pub(crate) fn tones() -> Vec<&'static str> {
    AlarmClass::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn tones_or_any() -> Vec<&'static str> {
    tones().into_iter().chain(["any"]).collect()
}
pub(crate) fn refusals() -> Vec<&'static str> {
    Refusal::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn reported() -> Vec<&'static str> {
    Reported::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn modes() -> Vec<&'static str> {
    TherapyMode::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn log_kinds() -> Vec<&'static str> {
    LogKind::ALL.iter().map(|v| v.word()).collect()
}
pub(crate) fn days() -> Vec<&'static str> {
    Days::NAMES.to_vec()
}
/// What a pump must refuse.
pub(crate) const NO_DAY: &str = "no_day";
pub(crate) fn days_or_daily() -> Vec<&'static str> {
    days().into_iter().chain(["daily", NO_DAY]).collect()
}

pub(crate) const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
pub(crate) const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}
pub(crate) const fn form(name: &'static str, ty: Ty, doc: &'static str, more: &'static [Key]) -> Form {
    Form { head: must(name, ty, doc), more }
}

const BUT: Key = may("but", Ty::OneOrMore(&Ty::Word(alarms)), "With `any`: these may come");
pub(crate) const VERIFIES: Key = may("verifies", Ty::OneOrMore(&Ty::Name), "The requirement or requirements that this verifies");
pub(crate) const REFUSED: Key = may("refused", Ty::Word(refusals), "The pump must refuse the command, for this reason");
pub(crate) const WITHIN: Key = may("within", Ty::Quantity(Time), "By when at the latest, inclusive");
pub(crate) const FOR: Key = may("for", Ty::Quantity(Time), "It must hold all through this time");

pub(crate) const RULE: Key = may("rule", Ty::OneOf(RULES), "Decision rule; the requirement's, the bench's or three-way if nothing is said");
pub(crate) const GUARD: Key = may("guard_factor", Ty::Number, "r in the guard band r·U of the guarded rule; 1 if nothing is said");

pub(crate) const SCENARIO: &[Key] = &[
    must("scenario", Ty::Name, "Id of the scenario; once over all files"),
    must("title", Ty::Text, "What the scenario shows, in one sentence"),
    may("tags", Ty::List(&Ty::Name), "For choosing with --tag"),
    may("hazards", Ty::List(&Ty::Name), "Hazards whose controls are tested"),
    must("time_limit", Ty::Quantity(Time), "Rig time after which the case is ended"),
    may("parameters", Ty::Named(&Ty::Value), "Values that steps use as $name"),
    may(
        "for_each",
        Ty::Either(&[Ty::Named(&Ty::List(&Ty::Value)), Ty::List(&Ty::Named(&Ty::Value))]),
        "The matrix: one case for each assignment",
    ),
    may("given", Ty::Map(GIVEN), "Bench and pump before the first step"),
    may("watch", Ty::List(&Ty::Forms(WATCH)), "What must hold from the first to the last moment"),
    must("steps", Ty::Steps, "What is done, in order"),
    may("finally", Ty::Steps, "What is done on every way out"),
];

pub(crate) const FRAGMENT: &[Key] = &[
    must("fragment", Ty::Name, "Name of the fragment"),
    may("parameters", Ty::Named(&Ty::Value), "Parameters with their defaults; one with nothing behind it must be given"),
    must("steps", Ty::Steps, "What stands in place of the include"),
];

pub(crate) const GIVEN: &[Key] = &[
    may("pump", Ty::OneOf(&["factory_reset", "power_cycle"]), "What is done to the pump first"),
    may("reservoir", Ty::Quantity(Volume), "Volume truly in the reservoir, and told to the pump"),
    may("catheter", Ty::OneOf(&["primed", "unprimed"]), "Catheter full of fluid, or of air"),
    may("air_bubble", Ty::Quantity(Volume), "Air bubble in the line"),
    may("tip_pressure", Ty::Quantity(Pressure), "Pressure at the catheter's tip"),
    may("drug", Ty::Quantity(Concentration), "What reservoir and line truly hold; the pump is not told"),
    may("battery", Ty::Quantity(Ratio), "Charge that the battery truly has left"),
    may("head", Ty::Quantity(Length), "Height of the catheter's tip above the pump"),
    may("temperature", Ty::Quantity(Temperature), "Temperature of the pump"),
    may("ambient", Ty::Quantity(Pressure), "Absolute pressure around pump and patient"),
    may("pump_clock", Ty::Quantity(Ratio), "The pump's clock goes this much fast; negative: slow"),
];

pub(crate) const WATCH: &[Form] = &[
    form("never", Ty::Forms(NEVER), "What must not happen", &[]),
    form("always", Ty::Forms(ALWAYS), "What must hold at every moment", &[]),
];

pub(crate) const NEVER: &[Form] = &[
    form("reverse_flow", Ty::Name, "Fluid coming back on this flow channel", &[VERIFIES]),
    form("alarm", Ty::OneOrMore(&Ty::Word(alarms_or_any)), "An alarm, on the link or as a tone", &[BUT, VERIFIES]),
    form("restart", Ty::OneOf(&["any"]), "A restart that the scenario did not order", &[VERIFIES]),
    form("state", Ty::OneOrMore(&Ty::Word(states)), "One of these pump states", &[VERIFIES]),
    form(
        "pressure",
        Ty::Name,
        "Pressure on this channel …",
        &[must("above", Ty::Quantity(Pressure), "… above this"), RULE, GUARD, VERIFIES],
    ),
    form(
        "flow",
        Ty::Name,
        "Flow on this channel …",
        &[
            must("above", Ty::Quantity(Flow), "… above this …"),
            must("over", Ty::Quantity(Time), "… averaged over any window of this length"),
            RULE,
            GUARD,
            VERIFIES,
        ],
    ),
];

pub(crate) const ALWAYS: &[Form] = &[
    form(
        "volume",
        Ty::Name,
        "Volume through this flow channel …",
        &[
            must("in_any", Ty::Quantity(Time), "… in any window of this length …"),
            must("at_most", Ty::Quantity(Volume), "… at most this"),
            RULE,
            GUARD,
            VERIFIES,
        ],
    ),
    form(
        "drug",
        Ty::Name,
        "Drug through this flow channel …",
        &[
            must("in_any", Ty::Quantity(Time), "… in any window of this length …"),
            must("at_most", Ty::Quantity(Mass), "… at most this"),
            RULE,
            GUARD,
            VERIFIES,
        ],
    ),
];

/// Commands that may stand as a single word, and steps that are maps.
pub(crate) const BARE: &[&str] = &[
    "start",
    "stop",
    "acknowledge",
    "factory_reset",
    "identify",
    "read_log",
    "read_back",
    "confirm",
    "discard",
    "patient_bolus",
    "begin_refill",
    "silence",
    "shut_down",
    "therapy",
];

pub(crate) const ANSWER: &[Key] = &[REFUSED, VERIFIES];

pub(crate) const STEP: &[Form] = &[
    form("program", Ty::Forms(PROGRAM), "Program the pump; nothing starts yet", &[]),
    form("start", Ty::Map(ANSWER), "Start what is programmed", &[]),
    form("stop", Ty::Map(ANSWER), "Finish the stroke, then stop", &[]),
    form("acknowledge", Ty::Map(ANSWER), "Acknowledge all active alarms", &[]),
    form("factory_reset", Ty::Map(ANSWER), "Forget programmes, alarms, lockouts and log", &[]),
    form("identify", Ty::Map(ANSWER), "Ask the pump who it is", &[]),
    form("read_log", Ty::Map(ANSWER), "Read the pump's event log", &[]),
    form("read_back", Ty::Map(ANSWER), "Read back what is programmed and not yet in force", &[]),
    form("confirm", Ty::Map(ANSWER), "Put in force what was read back last", &[]),
    form("discard", Ty::Map(ANSWER), "Forget what is programmed and not yet in force", &[]),
    form("patient_bolus", Ty::Map(ANSWER), "What the patient's button does, from the programmer", &[]),
    form("begin_refill", Ty::Map(ANSWER), "Begin a refill session: the pump stops and fixes what its reservoir should hold", &[]),
    form("end_refill", Ty::Map(END_REFILL), "End the refill session", &[]),
    form("silence", Ty::Map(ANSWER), "No tone for a while, whatever is active", &[]),
    form("shut_down", Ty::Map(ANSWER), "Stop, and be meant to be stopped", &[]),
    form("therapy", Ty::Map(ANSWER), "Ask what a follow-up visit asks for", &[]),
    form("set_clock", Ty::Map(SET_CLOCK), "Set the pump's time of the week", &[]),
    form("record", Ty::Forms(RECORD), "Enter what the patient says into the pump's log", &[]),
    form("refill", Ty::Either(&[Ty::Quantity(Volume), Ty::Map(REFILL)]), "Tell the pump what its reservoir holds now", &[]),
    form("wait", Ty::Quantity(Time), "Let time pass", &[]),
    form("expect", Ty::Forms(EXPECT), "Wait for something, or see that it holds", &[]),
    form("measure", Ty::Name, "Name of a measured window, opened before the steps in it", MEASURE),
    form("check", Ty::Forms(CHECK), "Compare a measured quantity with its limits", &[]),
    form("set", Ty::Named(&Ty::Name), "Move one line of the bench", &[]),
    form("inject", Ty::Forms(INJECT), "Disturb the link or change the simulated plumbing", &[]),
    form("mark", Ty::Name, "Name this instant", &[]),
    form(
        "prompt",
        Ty::Text,
        "Ask the operator to do and confirm something",
        &[must("within", Ty::Quantity(Time), "How long to wait for the answer")],
    ),
    form("repeat", Ty::Number, "How many times", &[must("steps", Ty::Steps, "What is repeated")]),
    form(
        "include",
        Ty::Text,
        "A fragment's file, relative to this file",
        &[may("with", Ty::Named(&Ty::Value), "Values for its parameters")],
    ),
];

pub(crate) const EXPECT: &[Form] = &[
    form("state", Ty::Word(states), "The pump's state", &[WITHIN, FOR, VERIFIES]),
    form("alarm", Ty::Word(alarms_or_none), "An alarm is active; `none`: no alarm is", &[WITHIN, FOR, VERIFIES]),
    form("tone", Ty::Word(tones), "A tone of this class begins", &[WITHIN, VERIFIES]),
    form(
        "no_tone",
        Ty::Word(tones_or_any),
        "No tone of this class, or of any, begins or sounds …",
        &[must("for", Ty::Quantity(Time), "… all through this time"), VERIFIES],
    ),
    form(
        "quiet",
        Ty::Name,
        "No pulse on this flow channel …",
        &[
            must("for_at_least", Ty::Quantity(Time), "… for this long"),
            must("within", Ty::Quantity(Time), "By when at the latest, inclusive"),
            VERIFIES,
        ],
    ),
    form(
        "volume",
        Ty::Name,
        "Volume through this flow channel since the step began …",
        &[
            must("reaches", Ty::Quantity(Volume), "… reaches this"),
            must("within", Ty::Quantity(Time), "By when at the latest, inclusive"),
            VERIFIES,
        ],
    ),
    form("restart", Ty::OneOf(&["pump"]), "The pump restarts", &[WITHIN, VERIFIES]),
];

const MEASURE: &[Key] = &[
    must("on", Ty::Name, "The channel"),
    may("until", Ty::Either(&[Ty::OneOf(&["steps_done"]), Ty::Map(UNTIL)]), "When the window closes; after its steps if nothing is said"),
    WITHIN,
    may("for", Ty::Quantity(Time), "The window is this long, from its opening"),
    may("during", Ty::Steps, "Steps played in the window"),
    may("curve", Ty::Map(CURVE), "Compute start-up graph, trumpet and hour statistics of it"),
    may("delivery", Ty::Map(DELIVERY), "It is one delivery of several, for the accuracy of all"),
];

pub(crate) const CURVE: &[Key] = &[
    must("rate", Ty::Quantity(Flow), "The set rate that errors are counted from"),
    must("method", Ty::OneOf(METHODS), "Sample interval, windows and what is left out at the beginning"),
    must("periods", Ty::OneOf(PERIODS), "What T1 and T2 are"),
    may("within", Ty::Quantity(Ratio), "Windows and hours are counted that err by this or less; 15 % if nothing is said"),
    may("stroke", Ty::Quantity(Volume), "Stroke volume of the pump; the bench's if nothing is said"),
    may("sample", Ty::Quantity(Time), "Sample interval of a custom method"),
    may("windows", Ty::List(&Ty::Quantity(Time)), "Windows of a custom method, whole multiples of its sample interval"),
    may("excluded", Ty::Quantity(Time), "What a custom method leaves out at the beginning; nothing if nothing is said"),
];

pub(crate) const METHODS: &[&str] = &["volumetric", "ambulatory", "custom"];
pub(crate) const PERIODS: &[&str] = &["second_and_last_hour", "stabilisation_and_analysis"];

pub(crate) const DELIVERY: &[Key] = &[
    must("volume", Ty::Quantity(Volume), "The nominal volume"),
    must("over", Ty::Quantity(Time), "From the start command to the nominal end"),
    may("within", Ty::Quantity(Ratio), "Deliveries are counted that err by this or less; 15 % if nothing is said"),
];

pub(crate) const UNTIL: &[Key] = &[
    may("pump", Ty::Word(states), "The pump is in this state"),
    may("alarm", Ty::Word(alarms_or_none), "This alarm is active; `none`: no alarm is"),
    may("volume", Ty::Quantity(Volume), "This volume has come through the channel"),
    may("quiet_for", Ty::Quantity(Time), "No pulse on the channel for this long"),
    may("then_quiet_for", Ty::Quantity(Time), "After the condition, no pulse for this long"),
];
