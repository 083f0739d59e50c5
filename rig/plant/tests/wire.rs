//! Literal lines of the wire form. If one fails, don't change the line: it is version 1.

use rig_model::input::{Actuation, Bytes, Edges, Input, PlantChange, Real, Sense, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_plant::wire::{Down, MAX_LINE, Up, VERSION, WireError, rebase};

fn batch(then: Vec<i64>) -> Input {
    Input::Edges(Edges { channel: "flow.tip".into(), sense: Sense::Forward, first_number: 7, first: RigTime(1_000), then })
}

#[test]
fn lines_up_are_golden() {
    let input = |source, input| Up::Input { source, at_ns: 5, input };
    for (up, line) in [
        (
            Up::Hello { version: VERSION, model: "RP-1".into(), serial: "0001".into(), at_ns: -1 },
            r#"{"hello":{"version":2,"model":"RP-1","serial":"0001","at_ns":-1}}"#,
        ),
        (Up::Refused { why: "no such line".into() }, r#"{"refused":{"why":"no such line"}}"#),
        (Up::Watermark { at_ns: 12 }, r#"{"watermark":{"at_ns":12}}"#),
        (
            input(Source::Sensors, batch(vec![10, 20])),
            r#"{"input":{"source":"sensors","at_ns":5,"input":{"kind":"edges","body":{"channel":"flow.tip","sense":"forward","first_number":7,"first":1000,"then":[10,20]}}}}"#,
        ),
        (
            input(Source::Sensors, Input::Reading { channel: "pressure.line".into(), value: Real(f64::NAN) }),
            r#"{"input":{"source":"sensors","at_ns":5,"input":{"kind":"reading","body":{"channel":"pressure.line","value":"NaN"}}}}"#,
        ),
        (input(Source::Bench, Input::Done { id: 3 }), r#"{"input":{"source":"bench","at_ns":5,"input":{"kind":"done","body":{"id":3}}}}"#),
        (
            input(Source::Link, Input::Rx(Bytes(vec![0, 255]))),
            r#"{"input":{"source":"link","at_ns":5,"input":{"kind":"rx","body":"00ff"}}}"#,
        ),
    ] {
        assert_eq!(up.encode().unwrap(), line);
        assert_eq!(Up::decode(line).unwrap(), up);
        assert_eq!(Up::decode(&format!("{line}\r\n")).unwrap(), up);
    }
}

#[test]
fn lines_down_are_golden() {
    for (what, line) in [
        (
            Actuation::Line { line: "occluder".into(), active: true },
            r#"{"actuate":{"id":9,"what":{"line":{"line":"occluder","active":true}}}}"#,
        ),
        (
            Actuation::Plant(PlantChange::Reservoir { volume: Volume(2_000.0) }),
            r#"{"actuate":{"id":9,"what":{"plant":{"reservoir":{"volume":2000.0}}}}}"#,
        ),
        (
            Actuation::Plant(PlantChange::Fresh { seed: u64::MAX }),
            r#"{"actuate":{"id":9,"what":{"plant":{"fresh":{"seed":18446744073709551615}}}}}"#,
        ),
    ] {
        let down = Down::Actuate { id: 9, what };
        assert_eq!(down.encode().unwrap(), line);
        assert_eq!(Down::decode(line).unwrap(), down);
    }
}

#[test]
fn another_version_is_told() {
    let line = r#"{"hello":{"version":3,"model":"RP-9","serial":"0001","at_ns":0,"since":"later"}}"#;
    let error = Up::decode(line).unwrap_err();
    assert_eq!(error.to_string(), "the board's process speaks version 3 of the wire form, not 2");
}

#[test]
fn garbage_is_told_with_its_beginning() {
    for line in ["", "{", "null", r#"{"input":{"source":"nobody"}}"#, r#"{"hello":{"version":70000}}"#, "\u{1f4a7}\u{0}"] {
        assert!(matches!(Up::decode(line), Err(WireError::Malformed { .. })), "{line}");
        assert!(matches!(Down::decode(line), Err(WireError::Malformed { .. })), "{line}");
    }
    let error = Up::decode(&"x".repeat(1_000)).unwrap_err().to_string();
    assert!(error.contains(&format!("`{}`", "x".repeat(60))), "{error}");
}

#[test]
fn a_line_has_a_limit() {
    let long = Up::Input { source: Source::Sensors, at_ns: 0, input: batch(vec![i64::MAX; 4_000]) };
    assert!(matches!(long.encode(), Err(WireError::TooLong { bytes }) if bytes > MAX_LINE));
    assert!(matches!(Up::decode(&"[".repeat(MAX_LINE + 1)), Err(WireError::TooLong { .. })));
    // Deep nesting within the limit is an error, not a full stack.
    assert!(matches!(Up::decode(&"[".repeat(MAX_LINE)), Err(WireError::Malformed { .. })));
    // The largest batch that a plant makes fits.
    let largest = Up::Input { source: Source::Sensors, at_ns: i64::MIN, input: batch(vec![i64::MAX; 1_023]) };
    assert!(largest.encode().is_ok());
}

#[test]
fn times_inside_an_input_move_with_the_clock() {
    let mut input = batch(vec![10]);
    rebase(&mut input, -Span::nanoseconds(400));
    let Input::Edges(edges) = input else { panic!("still edges") };
    assert_eq!((edges.first, edges.then), (RigTime(600), vec![10]));
}
