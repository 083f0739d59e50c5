//! The spelling of the language, once: the parser reads by these tables and the JSON Schema is made from them.

use crate::bench_grammar::RULES;
use rig_model::dut::{Alarm, AlarmClass, PumpState, Refusal};
use rig_model::quantity::Dimension::{self, Flow, Pressure, Time, Volume};

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
pub(crate) fn refusals() -> Vec<&'static str> {
    Refusal::ALL.iter().map(|v| v.word()).collect()
}

const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}
const fn form(name: &'static str, ty: Ty, doc: &'static str, more: &'static [Key]) -> Form {
    Form { head: must(name, ty, doc), more }
}

const VERIFIES: Key = may("verifies", Ty::OneOrMore(&Ty::Name), "The requirement or requirements that this verifies");
const REFUSED: Key = may("refused", Ty::Word(refusals), "The pump must refuse the command, for this reason");
const WITHIN: Key = may("within", Ty::Quantity(Time), "By when at the latest, inclusive");
const FOR: Key = may("for", Ty::Quantity(Time), "It must hold all through this time");

const RULE: Key = may("rule", Ty::OneOf(RULES), "Decision rule; the requirement's, the bench's or three-way if nothing is said");
const GUARD: Key = may("guard_factor", Ty::Number, "r in the guard band r·U of the guarded rule; 1 if nothing is said");

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
];

pub(crate) const WATCH: &[Form] = &[
    form("never", Ty::Forms(NEVER), "What must not happen", &[]),
    form("always", Ty::Forms(ALWAYS), "What must hold at every moment", &[]),
];

pub(crate) const NEVER: &[Form] = &[
    form("reverse_flow", Ty::Name, "Fluid coming back on this flow channel", &[VERIFIES]),
    form("alarm", Ty::OneOrMore(&Ty::Word(alarms_or_any)), "An alarm, on the link or as a tone", &[VERIFIES]),
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

pub(crate) const ALWAYS: &[Form] = &[form(
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
)];

/// Commands that may stand as a single word, and steps that are maps.
pub(crate) const BARE: &[&str] = &["start", "stop", "acknowledge", "factory_reset", "identify", "read_log"];

const ANSWER: &[Key] = &[REFUSED, VERIFIES];

pub(crate) const STEP: &[Form] = &[
    form("program", Ty::Forms(PROGRAM), "Program the pump; nothing starts yet", &[]),
    form("start", Ty::Map(ANSWER), "Start what is programmed", &[]),
    form("stop", Ty::Map(ANSWER), "Finish the stroke, then stop", &[]),
    form("acknowledge", Ty::Map(ANSWER), "Acknowledge all active alarms", &[]),
    form("factory_reset", Ty::Map(ANSWER), "Forget programmes, alarms, lockouts and log", &[]),
    form("identify", Ty::Map(ANSWER), "Ask the pump who it is", &[]),
    form("read_log", Ty::Map(ANSWER), "Read the pump's event log", &[]),
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

pub(crate) const PROGRAM: &[Form] = &[
    form(
        "bolus",
        Ty::Quantity(Volume),
        "A bolus of this volume …",
        &[must("over", Ty::Quantity(Time), "… over this time"), REFUSED, VERIFIES],
    ),
    form("basal", Ty::Quantity(Flow), "A basal rate", &[REFUSED, VERIFIES]),
    form("priming", Ty::Quantity(Volume), "A priming bolus", &[REFUSED, VERIFIES]),
];

pub(crate) const REFILL: &[Key] = &[must("volume", Ty::Quantity(Volume), "What the reservoir holds now"), REFUSED, VERIFIES];

pub(crate) const EXPECT: &[Form] = &[
    form("state", Ty::Word(states), "The pump's state", &[WITHIN, FOR, VERIFIES]),
    form("alarm", Ty::Word(alarms_or_none), "An alarm is active; `none`: no alarm is", &[WITHIN, FOR, VERIFIES]),
    form("tone", Ty::Word(tones), "A tone of this class begins", &[WITHIN, VERIFIES]),
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
];

pub(crate) const UNTIL: &[Key] = &[
    may("pump", Ty::Word(states), "The pump is in this state"),
    may("alarm", Ty::Word(alarms_or_none), "This alarm is active; `none`: no alarm is"),
    may("volume", Ty::Quantity(Volume), "This volume has come through the channel"),
    may("quiet_for", Ty::Quantity(Time), "No pulse on the channel for this long"),
    may("then_quiet_for", Ty::Quantity(Time), "After the condition, no pulse for this long"),
];

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
    form("max_pressure_of", Ty::Name, "Highest reading", LIMITS),
    form("mean_pressure_of", Ty::Name, "Mean of the readings", LIMITS),
    form("last_pressure_of", Ty::Name, "Last reading", LIMITS),
    form("condition_delay", Ty::Word(alarms), "From the mark to the alarm's report", limits!(must("from", Ty::Name, "A mark set before"))),
    form("signal_delay", Ty::Word(alarms), "From the alarm's report to the first edge of its tone", LIMITS),
    form("count_of_alarm", Ty::Word(alarms), "How often the alarm began since the first step", LIMITS),
    form("time_from", Ty::Name, "From this mark …", limits!(must("to", Ty::Name, "… to this mark"))),
    form("state", Ty::Word(states), "The state that the pump reports", &[VERIFIES]),
    form("alarm", Ty::Word(alarms), "The pump reports this alarm as active", &[VERIFIES]),
    form("alarm_inactive", Ty::Word(alarms), "The pump reports this alarm as not active", &[VERIFIES]),
    form("reservoir_reported", Ty::OneOf(&["pump"]), "What the pump believes its reservoir holds", LIMITS),
    form("restarts", Ty::OneOf(&["pump"]), "Restarts since the first step", LIMITS),
];

pub(crate) const INJECT: &[Form] = &[
    form("link", Ty::Either(&[Ty::OneOf(LINK_WORDS), Ty::Forms(LINK)]), "A disturbance of the serial link", &[]),
    form("plant", Ty::Forms(PLANT), "A change to the simulated plumbing", &[]),
];

pub(crate) const LINK_WORDS: &[&str] = &[
    "lose_next_reply",
    "lose_next_command",
    "corrupt_next_reply",
    "corrupt_next_command",
    "duplicate_next_reply",
    "duplicate_next_command",
];

pub(crate) const LINK: &[Form] = &[
    form("delay_next_reply", Ty::Quantity(Time), "The next reply comes this much later", &[]),
    form("delay_next_command", Ty::Quantity(Time), "The next command goes out this much later", &[]),
    form("garbage", Ty::Number, "This many bytes of garbage before the next command", &[]),
];

pub(crate) const PLANT: &[Form] = &[
    form("reservoir", Ty::Quantity(Volume), "The reservoir truly holds this", &[]),
    form("catheter", Ty::OneOf(&["primed", "unprimed"]), "Catheter full of fluid, or of air", &[]),
    form("air_bubble", Ty::Quantity(Volume), "An air bubble in the line", &[]),
    form("resistance", Ty::Number, "The catheter's resistance, times this", &[]),
    form("tip_pressure", Ty::Quantity(Pressure), "Pressure at the catheter's tip", &[]),
];
