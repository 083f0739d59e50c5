//! The spelling of commands to the pump, and of what is done to pump, bench and link.

use rig_model::quantity::Dimension::{Concentration, Flow, Length, Mass, MassFlow, Pressure, Ratio, Temperature, Time, Voltage, Volume};

use crate::grammar::{ANSWER, Form, Key, REFUSED, Ty, VERIFIES, days, days_or_daily, form, may, must};

pub(crate) const PROGRAM: &[Form] = &[
    form("concentration", Ty::Quantity(Concentration), "What the drug in the reservoir is of", ANSWER),
    form(
        "bolus",
        Ty::Either(&[Ty::Quantity(Volume), Ty::Quantity(Mass)]),
        "A bolus of this volume or mass of drug …",
        &[must("over", Ty::Quantity(Time), "… over this time"), REFUSED, VERIFIES],
    ),
    form("basal", Ty::Either(&[Ty::Quantity(Flow), Ty::Quantity(MassFlow)]), "A basal rate, of volume or of drug", ANSWER),
    form("priming", Ty::Quantity(Volume), "A priming bolus", ANSWER),
    form(
        "step",
        Ty::Quantity(Flow),
        "One step of a week's schedule: this rate …",
        &[
            must("from", Ty::Quantity(Time), "… from this time of the day on, in whole minutes …"),
            must("on", Ty::OneOrMore(&Ty::Word(days_or_daily)), "… on these days"),
            may("bolus", Ty::Quantity(Volume), "The step begins with this volume …"),
            may("over", Ty::Quantity(Time), "… over this time"),
            REFUSED,
            VERIFIES,
        ],
    ),
    form(
        "microdose",
        Ty::Quantity(Volume),
        "This volume …",
        &[
            must("over", Ty::Quantity(Time), "… over this time …"),
            must("every", Ty::Quantity(Time), "… again and again, and nothing in between"),
            REFUSED,
            VERIFIES,
        ],
    ),
    form("minimum", Ty::OneOf(&["rate"]), "The pump's least rate", ANSWER),
    form(
        "patient_bolus",
        Ty::Quantity(Volume),
        "What the patient may ask for: this volume …",
        &[
            must("over", Ty::Quantity(Time), "… over this time"),
            must("first_after", Ty::Quantity(Time), "From the confirmation, or a refill, to the first"),
            must("lockout", Ty::Quantity(Time), "From the start of one to the start of the next"),
            must("at_most", Ty::Number, "At most so many …"),
            must("in_any", Ty::Quantity(Time), "… in any period of this length"),
            REFUSED,
            VERIFIES,
        ],
    ),
    form(
        "limit",
        Ty::Quantity(Volume),
        "No more than this, whatever it is made of …",
        &[must("in_any", Ty::Quantity(Time), "… in any period of this length"), REFUSED, VERIFIES],
    ),
    form(
        "bridge",
        Ty::Quantity(Volume),
        "The rest of the old drug: this volume …",
        &[must("at", Ty::Quantity(Flow), "… at this rate, before the basal rate"), REFUSED, VERIFIES],
    ),
];

pub(crate) const REFILL: &[Key] = &[must("volume", Ty::Quantity(Volume), "What the reservoir holds now"), REFUSED, VERIFIES];

pub(crate) const SET_CLOCK: &[Key] =
    &[must("day", Ty::Word(days), "Day of the week"), must("at", Ty::Quantity(Time), "Time since its midnight"), REFUSED, VERIFIES];

pub(crate) const END_REFILL: &[Key] = &[
    must("withdrawn", Ty::Quantity(Volume), "What was drawn out"),
    must("filled", Ty::Quantity(Volume), "What the reservoir holds now"),
    may("concentration", Ty::Quantity(Concentration), "What the new drug is of"),
    REFUSED,
    VERIFIES,
];

pub(crate) const RECORD: &[Form] = &[
    form("pain", Ty::Number, "A pain score, as the patient says", ANSWER),
    form("event", Ty::Number, "An event by its number, as the patient enters it", ANSWER),
];

pub(crate) const INJECT: &[Form] = &[
    form("link", Ty::Either(&[Ty::OneOf(LINK_WORDS), Ty::Forms(LINK)]), "A disturbance of the serial link", &[]),
    form("plant", Ty::Forms(PLANT), "A change to the simulated plumbing", &[]),
    form(
        "needle",
        Ty::Quantity(Volume),
        "A needle injects this volume …",
        &[must("into", Ty::OneOf(NEEDLE), "… into the reservoir, or into the pocket beside the pump")],
    ),
    form("air", Ty::Quantity(Volume), "A needle injects this volume of air into the reservoir", &[]),
    form("withdraw", Ty::Quantity(Volume), "A needle draws this volume out of the reservoir, or all that there is", &[]),
    form("drug", Ty::Quantity(Concentration), "The reservoir's drug from now on; what is in the line stays ahead of it", &[]),
    form("catheter", Ty::OneOf(CATHETER), "The catheter comes off its connector, or is put on again", &[]),
    form("kink", Ty::Number, "The catheter's resistance, times this; 1: no kink", &[]),
    form("back_flow", Ty::OneOf(BACK_FLOW), "The outlet valve lets fluid back, or is tight again", &[]),
    form("head", Ty::Quantity(Length), "Height of the catheter's tip above the pump", &[]),
    form("ambient", Ty::Quantity(Pressure), "Absolute pressure around pump and patient", &[]),
    form("temperature", Ty::Quantity(Temperature), "Temperature of the pump", &[]),
    form("supply", Ty::Quantity(Voltage), "The supply falls to this …", &[must("for", Ty::Quantity(Time), "… for this long")]),
    form("battery", Ty::Quantity(Ratio), "Charge that the battery truly has left", &[]),
    form("rotor", Ty::OneOf(ROTOR), "A field holds the rotor, or lets it go", &[]),
    form("firmware", Ty::OneOf(&["hang"]), "The firmware stands still from now on", &[]),
    form(
        "memory",
        Ty::Name,
        "This field of the pump's stored settings is altered",
        &[
            may("bits", Ty::Number, "The mask of the bits that are turned over in its first byte; 1 if nothing is said"),
            may("checksum", Ty::OneOf(CHECKSUM), "Whether the checksum is right again behind it; wrong if nothing is said"),
        ],
    ),
    form(
        "button",
        Ty::Quantity(Time),
        "The patient presses the button for this long",
        &[may("bounces", Ty::Number, "How often its contact bounces at each end; not at all if nothing is said")],
    ),
    form("pump_clock", Ty::Quantity(Ratio), "The pump's clock goes this much fast; negative: slow", &[]),
];

pub(crate) const NEEDLE: &[&str] = &["reservoir", "pocket"];
pub(crate) const CATHETER: &[&str] = &["disconnected", "connected"];
pub(crate) const BACK_FLOW: &[&str] = &["open", "tight"];
pub(crate) const ROTOR: &[&str] = &["held", "free"];
pub(crate) const CHECKSUM: &[&str] = &["wrong", "right"];

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
    form(
        "interference",
        Ty::Quantity(Ratio),
        "Each frame, either way, is spoilt with this probability …",
        &[must("for", Ty::Quantity(Time), "… for this long")],
    ),
];

pub(crate) const PLANT: &[Form] = &[
    form("reservoir", Ty::Quantity(Volume), "The reservoir truly holds this", &[]),
    form("catheter", Ty::OneOf(&["primed", "unprimed"]), "Catheter full of fluid, or of air", &[]),
    form("air_bubble", Ty::Quantity(Volume), "An air bubble in the line", &[]),
    form("resistance", Ty::Number, "The catheter's resistance, times this", &[]),
    form("tip_pressure", Ty::Quantity(Pressure), "Pressure at the catheter's tip", &[]),
];
