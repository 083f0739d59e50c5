//! Variants are built, loaded and driven: one of no patch is the pump that is linked in; what is wrong with a patch is told.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests build variants")]

use std::sync::Arc;

use pump_core::{Config, Input, Micros, Output, Pump, ResetCause};
use pump_link::{Command, MAX_FRAME, Request, encode};
use rig_model::input::{Action, Actuation, Bytes};
use rig_model::time::{RigTime, Span};
use rig_sim::{Arrival, Board, Firmware, Fitted, Unit, reference_bench};
use rig_variants::{Patch, VariantError, Workshop};

const TIME: &str = "firmware-under-test/pump/src/time.rs";

/// A patch that puts a line before the only `self.0.saturating_add(us)` of `time.rs`.
fn in_plus(name: &str, line: &str) -> Patch {
    let text = format!(
        "--- a/{TIME}\n+++ b/{TIME}\n@@ -10,5 +10,6 @@\n     pub const ZERO: Self = Self(0);\n \n     pub const fn plus(self, us: u64) -> Self {{\n+        {line}\n         Self(self.0.saturating_add(us))\n     }}\n"
    );
    Patch { name: name.into(), text }
}

fn frame(seq: u16, command: Command) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    encode(&Request { session: 7, seq, command }, &mut buffer).unwrap().to_vec()
}

/// A day on the bench: a bolus on top of a basal rate, with the catheter closed in the end.
fn day(unit: Option<&Unit>) -> Vec<Arrival> {
    let mut board = Board::new(&reference_bench(), 5, unit, RigTime::ZERO);
    let mut seen = Vec::new();
    let mut now = RigTime::ZERO;
    let mut act = |at: Span, action: Action| {
        now += at;
        board.advance(now, &mut seen);
        board.act(now, &action);
    };
    act(Span::seconds(1), Action::Actuate { id: 1, what: Actuation::Line { line: "power".into(), active: true } });
    let commands = [
        Command::FactoryReset,
        Command::ProgramBasal { rate_nl_h: 100_000 },
        Command::ProgramBolus { volume_nl: 50_500, duration_ms: 60_000 },
        Command::Start,
        Command::Status,
    ];
    for (seq, command) in (1..).zip(commands) {
        act(Span::seconds(2), Action::Tx(Bytes(frame(seq, command))));
    }
    act(Span::minutes(90), Action::Actuate { id: 2, what: Actuation::Line { line: "occluder".into(), active: true } });
    act(Span::minutes(600), Action::Tx(Bytes(frame(9, Command::Status))));
    board.advance(now + Span::minutes(1), &mut seen);
    seen
}

/// Every output of a few thousand inputs, sensible and not.
fn talk(firmware: &mut dyn Firmware) -> Vec<String> {
    let mut said = Vec::new();
    let mut dice = 1u64;
    let mut now = 0;
    for seq in 1..3_000u16 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now = firmware.next_wakeup().map_or(now, |at| at.0.max(now)).min(now + (dice >> 40));
        let bytes = [
            frame(seq, Command::ProgramBasal { rate_nl_h: (dice >> 44) as u32 }),
            frame(seq, Command::Start),
            frame(seq, Command::Stop),
            vec![1, 2, 0],
        ];
        let input = match dice >> 61 {
            0 => Input::Bytes(&bytes[(dice >> 32 & 3) as usize]),
            1 => Input::Pressure { pascal: (dice >> 45) as i32 },
            2 => Input::Supply { millivolt: 2_900, temperature_dc: 370 },
            3 => Input::Rotor { turned: true },
            4 => Input::Button { pressed: dice >> 60 & 1 == 1 },
            _ => Input::Wakeup,
        };
        firmware.handle(Micros(now), input, &mut |output: Output<'_>| said.push(format!("{output:?}")));
        said.push(format!("{:?}", firmware.next_wakeup()));
    }
    said
}

#[derive(Debug)]
struct LinkedIn(Pump);

impl Firmware for LinkedIn {
    fn handle(&mut self, now: Micros, input: Input<'_>, out: &mut dyn FnMut(Output<'_>)) {
        self.0.handle(now, input, out);
    }
    fn next_wakeup(&self) -> Option<Micros> {
        self.0.next_wakeup()
    }
}

#[test]
fn variants_are_what_their_patches_make_of_the_pump() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = Workshop::at(folder.path());
    let patches = [
        Patch { name: "none".into(), text: String::new() },
        in_plus("panics", "if us == 500_000 { panic!() }"),
        in_plus("no_rust", "this is no Rust"),
        in_plus("never_rests", "if us == 60_000_000 { return self; }"),
        Patch { name: "old".into(), text: in_plus("old", "x").text.replace("ZERO: Self", "NOUGHT: Self") },
    ];
    let mut builds = workshop.builds(&patches).unwrap().into_iter();
    let none = builds.next().unwrap().unwrap();
    assert_eq!(day(Some(&Unit::built(Arc::clone(&none)))), day(None), "no patch, no difference");
    let mut same: Box<dyn Firmware> = Box::new(LinkedIn(Pump::power_on(Config::default(), None, ResetCause::PowerOn)));
    let mut other = none.power_on(&Fitted::default(), None, ResetCause::PowerOn);
    assert_eq!(talk(&mut *other), talk(&mut *same));

    let panics = Unit::built(builds.next().unwrap().unwrap());
    let pulses = |unit| day(unit).iter().filter(|arrival| matches!(arrival.input, rig_model::input::Input::Edges(_))).count();
    let (sound, dead) = (pulses(None), pulses(Some(&panics)));
    assert!(dead < sound / 2, "it dies of its first stroke: {dead} of {sound}");

    match builds.next().unwrap() {
        Err(VariantError::NotCompiled { name, said }) => assert!(name == "no_rust" && said.contains("error"), "{said}"),
        other => panic!("{other:?}"),
    }
    // The first thing is that this ends at all.
    let restless = Unit::built(builds.next().unwrap().unwrap());
    assert_ne!(day(Some(&restless)), day(None));
    match builds.next().unwrap() {
        Err(why @ VariantError::Patch { .. }) => assert!(why.to_string().contains("`old`"), "{why}"),
        other => panic!("{other:?}"),
    }
    // What is there is not built again.
    let again = Workshop::at(folder.path()).builds(&patches[..1]).unwrap();
    assert!(again[0].is_ok());
}
