//! The balance's side of the wire in literal bytes, as the manual of the command set prints them.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_plant::balance::BalanceParams;
use rig_plant::sics::{Sics, SicsParams, Unit};

fn params() -> BalanceParams {
    BalanceParams { vessel: 1_500.0, tube_diameter: 0.0, ..BalanceParams::semi_micro().undisturbed() }
}

struct Wire(Sics);

impl Wire {
    fn new(balance: BalanceParams, sics: SicsParams) -> Self {
        Self(Sics::new(balance, sics, 1, RigTime::ZERO))
    }

    fn usual() -> Self {
        Self::new(params(), SicsParams::new("0123456789"))
    }

    /// What it says from the last instant to this one.
    fn until(&mut self, ms: i64, delivered: f64) -> String {
        let mut out = Vec::new();
        self.0.advance(RigTime::ZERO + Span::milliseconds(ms), Volume(delivered), &mut out);
        String::from_utf8(out).expect("replies are ASCII")
    }

    fn ask(&mut self, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        self.0.receive(bytes, &mut out);
        String::from_utf8(out).expect("replies are ASCII")
    }
}

#[test]
fn commands_and_replies() {
    let mut wire = Wire::usual();
    for (command, reply) in [
        (&b"@\r\n"[..], "I4 A \"0123456789\"\r\n"),
        (b"I4\r\n", "I4 A \"0123456789\"\r\n"),
        (b"S\r\n", "S S    1.50000 g\r\n"),
        (b"SI\r\n", "S S    1.50000 g\r\n"),
        (b"T\r\n", "T S    1.50000 g\r\n"),
        (b"SI\r\n", "S S    0.00000 g\r\n"),
        (b"Z\r\n", "Z A\r\n"),
        (b"ZI\r\n", "ZI S\r\n"),
        (b"TI\r\n", "TI S    0.00000 g\r\n"),
        (b"S\r\nI4\r\n", "S S    0.00000 g\r\nI4 A \"0123456789\"\r\n"),
        (b"\r\n", "ES\r\n"),
        (b"si\r\n", "ES\r\n"),
        (b"XYZ\r\n", "ES\r\n"),
        (b"SI 5\r\n", "S L\r\n"),
        (b"T 5\r\n", "T L\r\n"),
        (b"Z 5\r\n", "ES\r\n"),
        (b"S\n", "ET\r\n"),
        (b"S\xff\r\n", "ET\r\n"),
        (b"S\x07\r\n", "ET\r\n"),
        (&[b'x'; 500], ""),
        (b"\r\n", "EL\r\n"),
        (b"SI", ""),
        (b"\r", ""),
        (b"\n", "S S    0.00000 g\r\n"),
    ] {
        assert_eq!(wire.ask(command), reply, "{}", String::from_utf8_lossy(command));
    }
}

#[test]
fn units_and_steps() {
    for (unit, resolution, line) in [
        (Unit::Gram, 0.01, "S S    1.50000 g\r\n"),
        (Unit::Gram, 0.1, "S S     1.5000 g\r\n"),
        (Unit::Gram, 0.05, "S S    1.50000 g\r\n"),
        (Unit::Gram, 0.001, "S S   1.500000 g\r\n"),
        (Unit::Milligram, 0.01, "S S    1500.00 mg\r\n"),
        (Unit::Kilogram, 10.0, "S S    0.00150 kg\r\n"),
    ] {
        let sics = SicsParams { unit, ..SicsParams::new("1") };
        let mut wire = Wire::new(BalanceParams { resolution, ..params() }, sics);
        assert_eq!(wire.ask(b"SI\r\n"), line, "{unit:?} {resolution}");
    }
    let mut below = Wire::new(BalanceParams { vessel: -0.021, ..params() }, SicsParams::new("1"));
    assert_eq!(below.ask(b"SI\r\n"), "S S   -0.00002 g\r\n");
    let mut hardly = Wire::new(BalanceParams { vessel: -0.001, ..params() }, SicsParams::new("1"));
    assert_eq!(hardly.ask(b"SI\r\n"), "S S    0.00000 g\r\n", "no negative zero");
    let mut quoted = Wire::new(params(), SicsParams::new("a\"b"));
    assert_eq!(quoted.ask(b"I4\r\n"), "I4 A \"a\\\"b\"\r\n");
}

#[test]
fn repetition_by_time_until_something_else_is_asked() {
    let mut wire = Wire::usual();
    assert_eq!(wire.ask(b"SIR\r\n"), "S S    1.50000 g\r\n");
    assert_eq!(wire.until(199, 0.0), "");
    assert_eq!(wire.until(600, 0.0), "S S    1.50000 g\r\n".repeat(3));
    assert_eq!(wire.ask(b"Z\r\n"), "Z A\r\n", "does not end it");
    assert_eq!(wire.until(800, 0.0), "S S    0.00000 g\r\n");
    for (end, reply) in [("SI\r\n", "S S    0.00000 g\r\n"), ("S\r\n", "S S    0.00000 g\r\n"), ("@\r\n", "I4 A \"0123456789\"\r\n")] {
        let mut wire = Wire(wire.0.clone());
        assert_eq!(wire.ask(end.as_bytes()), reply);
        assert_eq!((wire.until(5_000, 0.0).as_str(), wire.0.next_event()), ("", None));
    }
}

#[test]
fn what_waits_for_rest_waits_and_gives_up() {
    let mut wire = Wire::usual();
    // A stroke of 1 µL from 0 to 0.5 s.
    assert_eq!(wire.until(500, 1.0), "");
    assert_eq!(wire.ask(b"SI\r\n"), "S D    1.50037 g\r\n");
    assert_eq!(wire.ask(b"S\r\n"), "");
    assert_eq!(wire.ask(b"SI\r\nT\r\nZI\r\n"), "S I\r\nT I\r\nZI I\r\n", "it is busy");
    assert_eq!(wire.until(2_000, 1.0), "");
    assert_eq!(wire.until(4_000, 1.0), "S S    1.50098 g\r\n");
    // Something that goes on growing: 36 mL/h.
    assert_eq!(wire.ask(b"T\r\n"), "T S    1.50100 g\r\n");
    assert_eq!(wire.until(4_500, 6.0), "");
    assert_eq!(wire.ask(b"Z\r\n"), "");
    assert_eq!(wire.until(24_400, 205.0), "");
    assert_eq!(wire.until(24_500, 206.0), "Z I\r\n");
    assert_eq!(wire.ask(b"ZI\r\nTI\r\n"), "ZI D\r\nTI D    0.00000 g\r\n");
    // `@` cancels what waits.
    assert_eq!(wire.until(25_000, 211.0), "");
    assert_eq!(wire.ask(b"S\r\n@\r\n"), "I4 A \"0123456789\"\r\n");
    assert_eq!(wire.until(60_000, 600.0), "");
}

#[test]
fn out_of_range() {
    let limits = BalanceParams { capacity: 2_000.0, underload: 0.0, zero_range: 100.0, ..params() };
    let mut wire = Wire::new(limits, SicsParams::new("1"));
    assert_eq!(wire.ask(b"Z\r\nZI\r\n"), "Z +\r\nZI +\r\n");
    wire.until(10_000, 1_000.0);
    assert_eq!(wire.ask(b"S\r\nSI\r\nT\r\nTI\r\n"), "S +\r\nS +\r\nT +\r\nTI +\r\n");
    wire.until(20_000, -2_000.0);
    assert_eq!(wire.ask(b"S\r\nSI\r\nT\r\nZ\r\n"), "S -\r\nS -\r\nT -\r\nZ -\r\n");
}

#[test]
fn replies_are_lost_as_often_as_stated() {
    let mut wire = Wire::new(params(), SicsParams { dropped_replies: 0.25, ..SicsParams::new("1") });
    let came = (0..4_000).filter(|_| !wire.ask(b"SI\r\n").is_empty()).count();
    // 3000 ± four times √(4000 · 0.25 · 0.75).
    assert!((2_890..=3_110).contains(&came), "{came}");
}

#[test]
fn switched_on_it_says_who_it_is() {
    let mut wire = Wire::usual();
    wire.ask(b"SIR\r\nT\r\n");
    let mut out = Vec::new();
    wire.0.switch_on(&mut out);
    assert_eq!(out, b"I4 A \"0123456789\"\r\n");
    assert_eq!(wire.until(1_000, 0.0), "");
    assert_eq!(wire.ask(b"SI\r\n"), "S S    1.50000 g\r\n");
}
