//! A balance in a bench file: what is read, and what is refused with what words.

use rig_model::bench::{Bench, Instrument, Parity, SerialInstrument, Wiring};
use rig_model::time::Span;
use rig_model::weighing::{Air, Balance, Liquid, Tube};
use rig_scenario::parse_bench;

const SIM: &str = include_str!("../../benches/sim-balance.toml");

/// Only the balance of the project's bench, with one line changed.
fn changed(from: &str, to: &str) -> String {
    assert!(SIM.contains(from), "the bench file no longer has `{from}`");
    SIM.replacen(from, to, 1)
}

fn balance(bench: &Bench) -> &Balance {
    let found = bench.channels.iter().find_map(|c| if let Instrument::Balance(balance) = &c.instrument { Some(balance) } else { None });
    found.expect("the bench has a balance")
}

fn read(text: &str) -> Balance {
    balance(&parse_bench("b.toml", text).expect("a good file")).clone()
}

fn messages(text: &str) -> Vec<String> {
    parse_bench("b.toml", text).expect_err("errors").into_iter().map(|d| d.message).collect()
}

#[test]
fn what_is_stated_is_read() {
    let found = read(SIM);
    assert_eq!(found.beside.as_deref(), Some("flow.tip"));
    assert_eq!((found.resolution, found.uncertainty, found.sensitivity_ppm, found.wander), (0.01, Some(0.04), 5.0, 0.02));
    assert_eq!(found.rest_rate_at_most, 2.0, "what nobody states is that of a covered dish");
    assert_eq!(read(&changed("wander", "rest_rate_at_most = \"500 µg/h\"\nwander")).rest_rate_at_most, 0.5);
    assert_eq!((found.min, found.max), (-1_000.0, 120_000.0));
    assert_eq!(found.liquid, Liquid::Water { celsius: 20.0, half_width: 0.5 });
    assert_eq!(found.air, Air::Assumed);
    assert_eq!(found.tube, Some(Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.05 }));
    assert_eq!((found.settle, found.read_every), (Span::seconds(10), Span::seconds(1)));
    assert_eq!(found.simulated.map(|s| (s.noise, s.evaporation, s.dropped_replies)), Some((0.015, 0.1, 0.0)));
}

#[test]
fn other_liquids_and_measured_air() {
    let liquid = r#"liquid = { water = "20 °C", within = "0.5 K" }"#;
    let other = read(&changed(liquid, r#"liquid = { density = "1.004 g/mL", uncertainty = "1 kg/m³" }"#));
    assert_eq!(other.liquid, Liquid::Stated { density: 1_004.0, expanded: Some(1.0) });
    let unstated = read(&changed(liquid, r#"liquid = { density = "1004 kg/m³" }"#));
    assert_eq!(unstated.liquid, Liquid::Stated { density: 1_004.0, expanded: None });
    let air = format!("{liquid}\nair = {{ temperature = \"21 °C\", pressure = \"101.3 kPa\", humidity = \"50 %\" }}");
    assert_eq!(read(&changed(liquid, &air)).air, Air::Measured { celsius: 21.0, pressure: 101.3, humidity: 50.0 });
    assert_eq!(read(&changed("uncertainty = \"0.04 mg\"\n", "")).uncertainty, None, "what nobody states is not zero");
}

#[test]
fn the_port_of_a_real_one() {
    let real = changed("kind = \"sim\"", "kind = \"process\"");
    let line = "simulated = { noise = \"0.015 mg\", drift = \"0 mg/h\", evaporation = \"0.1 mg/h\" }";
    let port = "port = \"/dev/serial/by-id/usb-balance\"\nserial = \"B021002593\"\nparity = \"even\"\nrepeats = true";
    let bench = parse_bench("b.toml", &real.replace(line, port)).expect("a good file");
    let wiring = bench.channel("balance").and_then(|c| c.wiring.clone());
    let expected = SerialInstrument {
        path: Some("/dev/serial/by-id/usb-balance".into()),
        baud: 9_600,
        parity: Parity::Even,
        serial: Some("B021002593".into()),
        repeats: true,
    };
    assert_eq!(wiring, Some(Wiring::Serial(expected)));

    // Where the bench hosts it there is a line too.
    let bench = parse_bench("b.toml", &real).expect("a good file");
    let expected = SerialInstrument { path: None, baud: 9_600, parity: Parity::None, serial: None, repeats: false };
    assert_eq!(bench.channel("balance").and_then(|c| c.wiring.clone()), Some(Wiring::Serial(expected)));

    for (port, expected) in [("parity = \"mark\"", "`parity` can't be `mark`"), ("baud = 1200", "`baud`"), ("repeats = 1", "`repeats`")] {
        let found = messages(&real.replace(line, &format!("{port}\n{line}")));
        assert!(found.len() == 1 && found[0].contains(expected), "{port}: {found:?}");
    }
}

#[test]
fn one_slip_one_error() {
    for (from, to, expected) in [
        (r#"resolution = "0.01 mg""#, r#"resolution = "0.01 µL""#, "`resolution` can't be `0.01 µL`"),
        (r#"resolution = "0.01 mg""#, r#"resolution = "-0.01 mg""#, "`resolution` is not negative"),
        (r#"resolution = "0.01 mg""#, "", "a balance channel lacks `resolution`"),
        (r#"uncertainty = "0.04 mg""#, r#"uncertainty = "NaN mg""#, "`uncertainty` can't be `NaN mg`"),
        (r#"beside = "flow.tip""#, r#"beside = "flow.tap""#, "`balance` is beside `flow.tap`, which is no flow channel of this bench"),
        (
            r#"beside = "flow.tip""#,
            r#"beside = "pressure.line""#,
            "`balance` is beside `pressure.line`, which is no flow channel of this bench",
        ),
        (r#"water = "20 °C""#, r#"water = "45 °C""#, "`liquid` is water of a temperature, or has a density"),
        (r#"water = "20 °C""#, r#"water = "20 °C", density = "1 g/mL""#, "`liquid` is water of a temperature, or has a density"),
        (r#"outer = "1 mm""#, r#"outer = "11 mm""#, "the tube is thinner than the vessel is wide"),
        (r#"min = "-1 g""#, r#"min = "120 g""#, "`min` lies below `max`"),
        (r#"name = "balance""#, r#"name = "scale""#, "a balance channel can't be called `scale`"),
        (r#"settle = "10 s""#, "settle = \"10 s\"\nrest_rate_at_most = \"2 mg\"", "`rest_rate_at_most` can't be `2 mg`"),
        (r#"settle = "10 s""#, r#"settle = "10 mL""#, "`settle` wants a time"),
        (r#"noise = "0.015 mg", "#, "", "`simulated` lacks `noise`"),
        (r#"read_every = "1 s""#, "read_every = \"1 s\"\nport = \"/dev/ttyUSB0\"", "a balance on the simulated bench has no `port`"),
        (
            r#"range = "-1 g to 120 g", instrument = "simulated, number 1" }
simulated"#,
            r#"range = "-1 g to 120 g", reference = "B-1" }
simulated"#,
            "`reference` and `reference_uncertainty` go together",
        ),
    ] {
        let found = messages(&changed(from, to));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{to}: {found:?}");
    }
}

#[test]
fn a_certificate_that_the_rig_wrote() {
    let plain = "certificate = { id = \"SIM-FLOW-TIP\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"0 µL/h to 2 L/h\", instrument = \"simulated, number 1\" }";
    let full =
        "certificate = { id = \"K-7\", due = \"2099-12-31\", file = \"k/7.toml\", reference = \"B\", reference_uncertainty = \"0.12 %\" }";
    let bench = parse_bench("b.toml", &changed(plain, full)).expect("a good file");
    let certificate = bench.channel("flow.tip").and_then(|c| c.certificate.clone()).expect("a certificate");
    assert_eq!(certificate.file.as_deref(), Some("k/7.toml"));
    assert_eq!(certificate.reference.map(|r| (r.certificate.to_string(), r.uncertainty_percent)), Some(("B".to_owned(), 0.12)));
    assert_eq!(messages(&changed(plain, &full.replace("\"k/7.toml\"", "[\"k/7.toml\"]"))).len(), 1, "a path is a text");
}

#[test]
fn the_error_of_simulated_sensors() {
    let with = |k_error: &str| changed("extra_pulses = \"0 %\"", &format!("extra_pulses = \"0 %\"\nk_error = \"{k_error}\""));
    for (text, fraction) in [("3 %", 0.03), ("-3 %", -0.03), ("0 %", 0.0)] {
        let bench = parse_bench("b.toml", &with(text)).expect("a good file");
        assert_eq!(bench.plant.map(|p| p.k_error), Some(fraction), "{text}");
    }
    assert_eq!(parse_bench("b.toml", SIM).expect("a good file").plant.map(|p| p.k_error), Some(0.0));
    let tip = |text: &str| parse_bench("b.toml", &with(text)).expect("a good file").plant.map(|p| (p.k_error_tip, p.pump_clock_ppm));
    assert_eq!(tip("0.5 %"), Some((None, 0.0)));
    assert_eq!(tip("0.5 %\"\nk_error_tip = \"-0.4 %\"\npump_clock = \"-0.003 %"), Some((Some(-0.004), -30.0)));
    assert_eq!(messages(&with("-100 %")), ["`k_error` is above -100 %: without pulses there is no sensor"]);
    assert_eq!(messages(&with("3 µL")).len(), 1);
}
