//! Bench files that can't be used say why, all at once.

use rig_model::bench::{
    Accuracy, Bench, BenchKind, Bias, Bus, Device, Direction, Drive, DrugInLine, DrugSensor, EdgeWiring, ExpectedFirmware, FlowSensor,
    Gpio, HeadValves, Inside, Instrument, KPoint, LineBackend, Liquid, OwnRates, Stroke, TwoPoints, Wiring,
};
use rig_model::deed::Deed;
use rig_model::quantity::{Concentration, Flow, Length, Pressure, Temperature, Voltage, Volume};
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Rule, StatedBy};
use rig_scenario::{calibration_gaps, calibration_warnings, parse_bench};

const PI: &str = r#"
name = "pi"
kind = "pi"
[link]
protocol = "pump-link"
path = "/dev/serial/by-id/usb-pump"
baud = 115200
reply_timeout = "500 ms"
transmissions = 3
poll_every = "10 s"
[dut]
model = "RP-1 reference"
serial = "0001"
[[line]]
name = "power"
safe = "off"
chip = "pinctrl-rp1"
offset = 17
active_low = true
[[channel]]
name = "flow.tip"
sensor = "flow"
k_factor = "12 pulses/mL"
k_uncertainty = "0.8 %"
max_flow = "20 mL/h"
stroke_gap = "1 s"
bidirectional = false
certificate = { id = "C-123", due = "2027-06-30" }
chip = "pinctrl-rp1"
offset = 22
active_low = false
[safe_down]
dwell = "2 min"
at_most = "1.5 uL"
"#;

fn gpio(offset: u32, active_low: bool) -> Gpio {
    let chip = "pinctrl-rp1".into();
    Gpio { chip, offset, line_name: None, active_low, bias: Bias::AsIs, drive: Drive::PushPull, debounce: None }
}

fn messages(text: &str) -> Vec<String> {
    parse_bench("b.toml", text).expect_err("errors").iter().map(|d| format!("{}:{} {}", d.line, d.column, d.message)).collect()
}

#[test]
fn a_real_bench() {
    let bench = parse_bench("pi.toml", PI).expect("a good file");
    assert_eq!(bench.kind, BenchKind::Pi);
    assert_eq!(bench.dut.serial.as_deref(), Some("0001"));
    assert_eq!(bench.lines[0].gpio, Some(gpio(17, true)));
    let Instrument::Flow(sensor) = &bench.channels[0].instrument else { panic!("a flow channel") };
    assert_eq!((sensor.k_factor, sensor.k_uncertainty_percent, sensor.max_flow), (0.012, Some(0.8), 20_000.0));
    assert_eq!(bench.plant, None);
}

/// [`PI`] with more behind its flow channel and before its safe-down.
fn wired(flow: &str, more: &str) -> String {
    let pi = PI.replace("offset = 22\nactive_low = false\n", &format!("offset = 22\nactive_low = false\n{flow}"));
    pi.replace("[safe_down]", &format!("{more}\n[safe_down]"))
}

const SECOND: &str = r#"second = { chip = "pinctrl-rp1", offset = 23, active_low = true, bias = "pull_up" }"#;
const PHASE: &str = r#"quadrature = { chip = "pinctrl-rp1", offset = 24, line_name = "GPIO24", active_low = false, debounce = "20 µs" }"#;
const PRESSURE: &str = r#"[[channel]]
name = "pressure.line"
sensor = "pressure"
uncertainty = "0.5 kPa"
min = "-20 kPa"
max = "250 kPa"
converter = "ads1115"
bus = "/dev/i2c-1"
address = 73
input = 2
read_every = "100 ms"
low = { code = 2600, pressure = "0 kPa" }
high = { code = 21300, pressure = "200 kPa" }
"#;
const THERMAL: &str = r#"[[channel]]
name = "flow.pump"
sensor = "slf3s-0600f"
k_uncertainty = "5 %"
zero_uncertainty = "6 µL/h"
stroke_gap = "1 s"
liquid = "isopropanol"
bus = "/dev/i2c-1"
read_every = "20 ms"
"#;

#[test]
fn how_a_real_bench_is_wired() {
    let text = wired(&format!("{SECOND}\nshortest_interval = \"2 ms\"\nstroke_spread = \"30 %\"\n"), &format!("{PRESSURE}{THERMAL}"));
    let text = format!("lines = \"rppal\"\n{text}\n[supervisor]\nsilence = \"100 ms\"\nwatchdog = \"/dev/watchdog\"\n");
    let bench = parse_bench("pi.toml", &text).expect("a good file");
    assert_eq!(bench.backend, LineBackend::Rppal);
    assert_eq!((bench.supervision.silence, bench.supervision.watchdog.as_deref()), (Span::milliseconds(100), Some("/dev/watchdog")));
    let Instrument::Flow(sensor) = &bench.channels[0].instrument else { panic!("a flow channel") };
    assert_eq!((sensor.witness.shortest_interval, sensor.witness.stroke_spread_percent), (Some(Span::milliseconds(2)), Some(30.0)));
    let second = Some(Gpio { bias: Bias::PullUp, ..gpio(23, true) });
    assert_eq!(bench.channels[0].wiring, Some(Wiring::Edges(EdgeWiring { line: gpio(22, false), second, direction: None })));
    assert_eq!(bench.channels[0].second().as_deref(), Some("flow.tip/second"));
    let calibration = TwoPoints { low: (2_600, Pressure(0.0)), high: (21_300, Pressure(200.0)) };
    let bus = |device, ms| Some(Wiring::Bus(Bus { path: "/dev/i2c-1".into(), device, read_every: Span::milliseconds(ms) }));
    assert_eq!(bench.channels[1].wiring, bus(Device::Ads1115 { address: 73, input: 2, calibration }, 100));
    assert_eq!(bench.channels[2].wiring, bus(Device::Slf3s0600f { liquid: Liquid::Isopropanol }, 20));
    let Instrument::Flow(thermal) = &bench.channels[2].instrument else { panic!("a flow channel") };
    assert_eq!((thermal.zero_uncertainty, thermal.max_flow, thermal.bidirectional), (6.0, 120_000.0, true));
}

#[test]
fn a_sensor_that_tells_its_direction() {
    let told = wired(&format!("{PHASE}\n"), "").replace("bidirectional = false", "bidirectional = true");
    let bench = parse_bench("pi.toml", &told).expect("a good file");
    let Some(Wiring::Edges(EdgeWiring { direction: Some(Direction::Quadrature(phase)), .. })) = &bench.channels[0].wiring else {
        panic!("a second phase: {:?}", bench.channels[0])
    };
    assert_eq!((phase.offset, phase.line_name.as_deref(), phase.debounce), (24, Some("GPIO24"), Some(Span::microseconds(20))));
}

#[test]
fn wiring_that_can_not_be() {
    let two_points = PRESSURE.replace("21300", "2600");
    let lacks = PRESSURE.replace("input = 2\n", "").replace("read_every = \"100 ms\"\n", "");
    for (text, expected) in [
        (wired(&SECOND.replace("23", "17"), ""), "the second line of `flow.tip` and line `power` are both on line 17 of pinctrl-rp1"),
        (wired(PHASE, ""), "the wiring does not say what `bidirectional` says"),
        (wired("", "").replace("bidirectional = false", "bidirectional = true"), "the wiring does not say what `bidirectional` says"),
        (
            wired(&format!("{SECOND}\n{PHASE}"), "").replace("bidirectional = false", "bidirectional = true"),
            "the second phase is a witness already: take `second` out",
        ),
        (wired("drive = \"open_drain\"", ""), "unknown key `drive` in a flow channel"),
        (wired("bias = \"up\"", ""), "`bias` can't be `up`"),
        (wired("", &two_points), "the two points of the calibration make no line"),
        (wired("", &PRESSURE.replace("input = 2", "input = 4")), "`input` wants a whole number from 0 to 3"),
        (wired("", &PRESSURE.replace("ads1115", "mcp3208")), "an MCP3208 is on SPI and has no address"),
        (wired("", &lacks), "a pressure channel of a real bench lacks `input`"),
        (wired("", &lacks), "a pressure channel of a real bench lacks `read_every`"),
        (wired("", &THERMAL.replace("isopropanol", "blood")), "`liquid` can't be `blood`"),
        (format!("{PI}[supervisor]\nsilence = \"1 ms\"\n"), "`silence` is from 50 ms to 10 s"),
    ] {
        let found = messages(&text);
        assert!(found.iter().any(|m| m.contains(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn one_change_one_error() {
    for (from, to, expected) in [
        ("safe = \"off\"\n", "", "14:1 `[[line]]` lacks `safe` (the position to which every way out returns the line)"),
        ("safe = \"off\"", "safe = \"closed\"", "16:8 `closed` is not a position of `power`"),
        ("baud = 115200", "baud = 12", "7:8 `baud` wants a whole number from 300 to 4000000"),
        ("baud", "buad", "4:1 `[link]` lacks `baud` (bits a second)"),
        ("\"500 ms\"", "\"500 mS\"", "8:22 unknown unit `mS`"),
        ("\"500 ms\"", "\"500 mL\"", "8:17 `reply_timeout` wants a time (ns, µs, ms, s, min, h, d); `500 mL` is a volume"),
        ("\"500 ms\"", "500", "8:17 `500` has no unit; a time is wanted here"),
        ("\"12 pulses/mL\"", "\"12\"", "23:12 `k_factor` can't be `12`"),
        ("name = \"flow.tip\"", "name = \"tip\"", "21:8 a flow channel can't be called `tip`"),
        ("2027-06-30", "30.6.2027", "28:37 `30.6.2027` is not a date"),
        ("chip = \"pinctrl-rp1\"\noffset = 17\n", "", "14:1 a line of a real bench lacks `chip`"),
        ("path = \"/dev/serial/by-id/usb-pump\"\n", "", "4:1 `[link]` lacks `path`"),
        ("[safe_down]", "[plant]\n[safe_down]", "32:1 a real bench has no simulated plumbing: take `[plant]` out"),
        ("kind = \"pi\"", "kind = \"pie\"", "3:8 `kind` can't be `pie`"),
        ("transmissions = 3", "transmissions = ", "9:17 not TOML: "),
    ] {
        let text = PI.replacen(from, to, 1);
        assert_ne!(text, PI, "{from}");
        let found = messages(&text);
        assert!(found.iter().any(|m| m.starts_with(expected)), "{to}: {found:#?}");
    }
}

/// What a certificate and a data sheet may say of a flow sensor beyond its K-factor.
const ACCURACY: &str = r#"k_linearity = "0.5 %"
temperature_coefficient = "0.1 %/K"
temperature_band = "2 K"
missed_pulses = "0.3 %"
start_stop = "200 nL"
min_flow = "0.1 mL/h"
"#;
/// In place of the K-factor of [`PI`].
const CURVE: &str = r#"k_curve = [
    { flow = "0.5 mL/h", k_factor = "11 pulses/mL" },
    { flow = "5 mL/h", k_factor = "12 pulses/mL" },
    { flow = "20 mL/h", k_factor = "12.5 pulses/mL" },
]"#;

/// [`PI`] with something else for its K-factor.
fn with_k(k: &str) -> String {
    PI.replace("k_factor = \"12 pulses/mL\"", k)
}

fn flow_sensor(text: &str) -> FlowSensor {
    let bench = parse_bench("pi.toml", text).unwrap_or_else(|found| panic!("a good file: {found:#?}"));
    let Instrument::Flow(sensor) = bench.channels[0].instrument else { panic!("a flow channel") };
    sensor
}

#[test]
fn what_is_known_of_a_flow_sensor() {
    let sensor = flow_sensor(&wired(ACCURACY, ""));
    let accuracy = Accuracy {
        linearity_percent: 0.5,
        temperature_percent_per_kelvin: 0.1,
        temperature_band: 2.0,
        missed_percent: 0.3,
        start_stop: Volume(0.2),
    };
    assert_eq!((sensor.accuracy, sensor.min_flow), (accuracy, 100.0));
    // What is not stated of it is none, but for the uncertainty of the K-factor, which is not known then.
    let plain = flow_sensor(&PI.replace("k_uncertainty = \"0.8 %\"\n", ""));
    assert_eq!((plain.accuracy, plain.min_flow, plain.k_uncertainty_percent), (Accuracy::default(), 0.0, None));
}

#[test]
fn a_k_factor_of_several_points() {
    let sensor = flow_sensor(&with_k(CURVE));
    let points = [(500.0, 0.011), (5_000.0, 0.012), (20_000.0, 0.0125)].map(|(flow, k_factor)| KPoint { flow, k_factor });
    assert_eq!((sensor.curve.points(), sensor.k_factor), (&points[..], 0.012));
    assert_eq!(sensor.min_flow, 500.0, "a curve that says nothing of its lower end ends at its first point");
    assert_eq!(flow_sensor(&with_k(&format!("{CURVE}\nmin_flow = \"2 mL/h\""))).min_flow, 2_000.0);
}

#[test]
fn what_a_bench_may_say_besides() {
    let text = PI.replace("kind = \"pi\"\n", "kind = \"pi\"\nclock_uncertainty = \"0.002 %\"\n");
    let text = text.replace("serial = \"0001\"\n", "serial = \"0001\"\nstroke_volume = \"1 µL\"\nstroke_duration = \"300 ms\"\n");
    let own = "minimum_rate = \"10 µL/h\"\npriming_rate = \"12 mL/h\"\nsoft_basal = \"5 mL/h\"\nsoft_bolus = \"1 mL\"\n";
    let text = text.replace("stroke_volume = ", &format!("{own}stroke_volume = "));
    let text = text.replace("[safe_down]", "[decision]\nrule = \"guarded\"\nguard_factor = 0.5\n[safe_down]");
    let text =
        text.replace("[safe_down]", &format!("{}[safe_down]", PRESSURE.replace("uncertainty = \"0.5 kPa\"", "resolution = \"10 Pa\"")));
    let bench = parse_bench("pi.toml", &text).expect("a good file");
    assert_eq!(bench.clock_ppm, 20.0);
    assert_eq!(bench.dut.stroke, Some(Stroke { volume: Volume(1.0), duration: Span::milliseconds(300) }));
    let own = OwnRates { minimum: Flow(10.0), priming: Flow(12_000.0), soft_basal: Flow(5_000.0), soft_bolus: Volume(1_000.0) };
    assert_eq!(bench.dut.own, own);
    assert_eq!(bench.rule, Some(Rule { rule: DecisionRule::Guarded, guard_factor: 0.5, stated_by: StatedBy::Bench }));
    let Instrument::Pressure(sensor) = &bench.channels[1].instrument else { panic!("a pressure channel") };
    assert_eq!((sensor.uncertainty, sensor.resolution), (None, Pressure(0.01)));
    let plain = parse_bench("pi.toml", PI).expect("a good file");
    assert_eq!((plain.clock_ppm, plain.dut.stroke, plain.rule), (Bench::CLOCK_PPM, None, None));
    assert_eq!(plain.dut.own, OwnRates::default());
}

#[test]
fn calibration_that_can_not_be() {
    let point = |flow: &str, k: &str| format!("{{ flow = \"{flow}\", k_factor = \"{k} pulses/mL\" }}");
    let curve = |points: &[(&str, &str)]| {
        with_k(&format!("k_curve = [{}]", points.iter().map(|(flow, k)| point(flow, k)).collect::<Vec<_>>().join(", ")))
    };
    let decision = |text: &str| PI.replace("[safe_down]", &format!("[decision]\n{text}\n[safe_down]"));
    let own = |text: &str| PI.replace("serial = ", &format!("{text}\nserial = "));
    let accuracy = |from: &str, to: &str| wired(&ACCURACY.replace(from, to), "");
    let many: Vec<String> = (1..=17).map(|i| format!("{i} mL/h")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|flow| (flow.as_str(), "12")).collect();
    for (text, expected) in [
        (with_k("k_factor = \"0 pulses/mL\""), "23:12 `k_factor` is above zero: without pulses there is no volume"),
        (with_k("k_factor = \"-12 pulses/mL\""), "23:12 `k_factor` is not negative"),
        (with_k("k_factor = \"nan pulses/mL\""), "23:12 `k_factor` can't be `nan pulses/mL`"),
        (with_k("k_factor = \"inf pulses/mL\""), "23:12 `k_factor` can't be `inf pulses/mL`"),
        (with_k("k_factor = \"12 mL\""), "23:12 `k_factor` can't be `12 mL`"),
        (with_k(""), "a flow channel lacks `k_factor`"),
        (with_k(&format!("k_factor = \"12 pulses/mL\"\n{CURVE}")), "`k_factor` and `k_curve` can't stand together"),
        (curve(&[("5 mL/h", "12")]), "`k_curve` wants 2 to 16 points in the order of flow, with more pulses at more flow"),
        (curve(&[]), "`k_curve` wants 2 to 16 points"),
        (curve(&many), "`k_curve` wants 2 to 16 points"),
        (curve(&[("20 mL/h", "12"), ("5 mL/h", "12")]), "`k_curve` wants 2 to 16 points in the order of flow"),
        (curve(&[("5 mL/h", "12"), ("5 mL/h", "12.5"), ("20 mL/h", "12")]), "`k_curve` wants 2 to 16 points in the order of flow"),
        (curve(&[("5 mL/h", "12"), ("20 mL/h", "2")]), "with more pulses at more flow"),
        (curve(&[("5 mL/h", "0"), ("20 mL/h", "12")]), "`k_factor` is above zero"),
        (curve(&[("0 mL/h", "12"), ("20 mL/h", "12")]), "`flow`"),
        (curve(&[("5 mL", "12"), ("20 mL/h", "12")]), "`flow` wants a flow"),
        (curve(&[("5 mL/h", "12"), ("10 mL/h", "12")]), "the range of the sensor reaches beyond its K-factor curve"),
        (with_k(&format!("{CURVE}\nmin_flow = \"0.1 mL/h\"")), "the range of the sensor reaches beyond its K-factor curve"),
        (accuracy("0.1 mL/h", "20 mL/h"), "`min_flow` lies below `max_flow`"),
        (accuracy("0.1 mL/h", "0.1 mL"), "`min_flow` wants a flow"),
        (accuracy("0.1 %/K", "0.1 %"), "`temperature_coefficient` can't be `0.1 %`"),
        (accuracy("0.1 %/K", "-0.1 %/K"), "`temperature_coefficient` is not negative"),
        (accuracy("2 K", "2 %"), "`temperature_band` can't be `2 %`"),
        (accuracy("temperature_band = \"2 K\"\n", ""), "`temperature_coefficient` and `temperature_band` go together"),
        (accuracy("temperature_coefficient = \"0.1 %/K\"\n", ""), "`temperature_coefficient` and `temperature_band` go together"),
        (accuracy("0.5 %", "0.5"), "`0.5` has no unit; a ratio is wanted here"),
        (accuracy("0.5 %", "0.5 %/K"), "a number was expected, not `K`"),
        (accuracy("0.3 %", "-0.3 %"), "`missed_pulses`"),
        (accuracy("200 nL", "200 nL/h"), "`start_stop` wants a volume"),
        (PI.replace("\"0.8 %\"", "\"-0.8 %\""), "`k_uncertainty`"),
        (PI.replace("\"0.8 %\"", "\"0.8 µL\""), "`k_uncertainty` wants a ratio"),
        (wired("", &PRESSURE.replace("\"0.5 kPa\"", "\"-0.5 kPa\"")), "`uncertainty` and `resolution` are not negative"),
        (wired("", &PRESSURE.replace("\"0.5 kPa\"", "\"0.5 %\"")), "`uncertainty` wants a pressure"),
        (wired("", &PRESSURE.replace("uncertainty", "resolution = \"1 mL\"\nuncertainty")), "`resolution` wants a pressure"),
        (PI.replace("kind = \"pi\"\n", "kind = \"pi\"\nclock_uncertainty = \"20\"\n"), "`clock_uncertainty` can't be `20`"),
        (PI.replace("kind = \"pi\"\n", "kind = \"pi\"\nclock_uncertainty = \"20 s\"\n"), "`clock_uncertainty` can't be `20 s`"),
        (PI.replace("serial = ", "stroke_volume = \"1 µL\"\nserial = "), "`stroke_volume` and `stroke_duration` go together"),
        (PI.replace("serial = ", "stroke_duration = \"1 s\"\nserial = "), "`stroke_volume` and `stroke_duration` go together"),
        (own("minimum_rate = \"500 µL/h\""), "13:1 `minimum_rate` is 500 µL/h, and `soft_basal` is 500 µL/h"),
        (own("soft_basal = \"2 µL/h\""), "13:1 `minimum_rate` is 2 µL/h, and `soft_basal` is 2 µL/h"),
        (own("soft_basal = \"9 mL/h\"\nminimum_rate = \"6 mL/h\""), "14:1 `minimum_rate` is 6000 µL/h, and `priming_rate` is 6000 µL/h"),
        (own("priming_rate = \"1 µL/h\""), "13:1 `minimum_rate` is 2 µL/h, and `priming_rate` is 1 µL/h"),
        (own("soft_basal = \"10.001 mL/h\""), "13:1 `soft_basal` is 10001 µL/h, at most 10000 µL/h"),
        (decision("rule = \"strict\""), "`rule` can't be `strict`"),
        (decision("guard_factor = 0.5"), "`[decision]` lacks `rule`"),
        (decision("rule = \"three-way\"\nguard_factor = 0.5"), "only the guarded rule has a `guard_factor`"),
        (decision("rule = \"guarded\"\nguard_factor = 0"), "a `guard_factor` of 0 is simple acceptance by another name"),
        (decision("rule = \"guarded\"\nguard_factor = -0.5"), "`guard_factor`"),
        (decision("rule = \"guarded\"\nguard_factor = \"0.5 %\""), "`guard_factor`"),
        (PI.replace("2027-06-30", "2027-02-30"), "28:37 the calendar has no day `2027-02-30`"),
        (PI.replace("2027-06-30", "2027-02-29"), "28:37 the calendar has no day `2027-02-29`"),
        (PI.replace("2027-06-30", "2027-13-01"), "28:37 the calendar has no day `2027-13-01`"),
        (PI.replace("2027-06-30", "2027-06-00"), "28:37 the calendar has no day `2027-06-00`"),
        (PI.replace("2027-06-30", "2027-6-3"), "28:37 `2027-6-3` is not a date"),
        (PI.replace("id = \"C-123\", ", ""), "`certificate` lacks `id`"),
        (certified("date = \"2026-6-3\", "), "28:38 `2026-6-3` is not a date"),
        (certified("date = \"2026-02-30\", "), "28:38 the calendar has no day `2026-02-30`"),
        (certified("date = \"2027-07-01\", "), "28:31 the certificate was due before it was made"),
        (certified("range = \"20 mL/h\", "), "28:39 `range` can't be `20 mL/h`"),
        (certified("range = \"\", "), "`range` wants a value, not nothing"),
        (certified("range = \"2 µL/h to 20\", "), "`20` has no unit; a flow is wanted here"),
        (certified("range = \"2 to 20 mL/h\", "), "`2` has no unit; a flow is wanted here"),
        (certified("range = \"2 µL to 20 mL\", "), "`range` wants a flow"),
        (certified("range = \"20 mL/h to 2 mL/h\", "), "the range begins below its end"),
        (certified("range = \"2 mL/h to 2 mL/h\", "), "the range begins below its end"),
        (certified("range = \"nan to inf\", "), "28:40 a number was expected"),
        (PI.replace("serial = ", "firmware = \"\"\nserial = "), "`firmware` wants a value"),
        (PI.replace("serial = ", "build_hash = \"12ab\"\nserial = "), "13:14 `build_hash` can't be `12ab`"),
        (PI.replace("serial = ", &format!("build_hash = \"{}\"\nserial = ", "g".repeat(40))), "13:14 `build_hash` can't be `ggg"),
        (PI.replace("serial = ", &format!("build_hash = \"{}\"\nserial = ", "a".repeat(41))), "13:14 `build_hash` can't be `aaa"),
        (PI.replace("\"C-123\"", "\"\""), "28:"),
    ] {
        assert_ne!(text, PI, "{expected}");
        let found = messages(&text);
        assert!(found.iter().any(|m| m.contains(expected)), "{expected}: {found:#?}");
    }
    parse_bench("pi.toml", &PI.replace("2027-06-30", "2028-02-29")).expect("a leap year");
}

#[test]
fn calibration_that_must_be_told() {
    let told = |text: &str, day: &str| calibration_warnings(&parse_bench("pi.toml", text).expect("a good file"), day);
    let nothing: [&str; 0] = [];
    let expired = ["flow.tip: certificate C-123 ran out on 2027-06-30"];
    for (day, expected) in [("2027-06-29", &nothing[..]), ("2027-06-30", &nothing), ("2027-07-01", &expired), ("2030-01-01", &expired)] {
        assert_eq!(told(PI, day), expected, "{day}");
    }
    let without_certificate = PI.replace("certificate = { id = \"C-123\", due = \"2027-06-30\" }\n", "");
    assert_eq!(told(&without_certificate, "2027-01-01"), ["flow.tip: its K-factor rests on no certificate"]);
    let unstated = PI.replace("k_uncertainty = \"0.8 %\"\n", "");
    let words = "flow.tip: nobody states the uncertainty of its K-factor, so that only simple acceptance can pass on it";
    assert_eq!(told(&unstated, "2027-01-01"), [words]);
    assert_eq!(told(&wired("", PRESSURE), "2027-01-01"), ["pressure.line: its uncertainty rests on no certificate"]);
    let neither = PRESSURE.replace("uncertainty = \"0.5 kPa\"\n", "");
    let words = "pressure.line: nobody states its uncertainty, so that only simple acceptance can pass on it";
    assert_eq!(told(&wired("", &neither), "2027-01-01"), [words]);
    let balance = include_str!("../../benches/sim-balance.toml");
    assert_eq!(told(balance, "2027-01-01"), nothing);
    let unstated = balance
        .replace("uncertainty = \"0.04 mg\"\n", "")
        .replace("{ water = \"20 °C\", within = \"0.5 K\" }", "{ density = \"1000 kg/m³\" }");
    let words = |what: &str| format!("balance: nobody states {what}, so that only simple acceptance can pass on it");
    assert_eq!(told(&unstated, "2027-01-01"), [words("its uncertainty"), words("the uncertainty of the liquid's density")]);
}

/// [`PI`] with more in its certificate.
fn certified(more: &str) -> String {
    PI.replace("due = ", &format!("{more}due = "))
}

#[test]
fn what_keeps_a_bench_from_measuring_evidence() {
    let gaps = |text: &str, day: &str| calibration_gaps(&parse_bench("pi.toml", text).expect("a good file"), day);
    let date = "instrument = \"FS-10, 20417\", date = \"2026-07-01\", ";
    let whole = certified(&format!("{date}range = \"0 µL/h to 20 mL/h\", "));
    let nothing: [&str; 0] = [];
    for day in ["2026-07-01", "2027-06-30"] {
        assert_eq!(gaps(&whole, day), nothing, "{day}");
    }
    assert_eq!(gaps(&whole, "2027-07-01"), ["flow.tip: certificate C-123 ran out on 2027-06-30"]);
    assert_eq!(gaps(&whole, "2026-06-30"), ["flow.tip: certificate C-123 is of 2026-07-01, which is still to come"]);
    let all = [
        "flow.tip: certificate C-123 does not say of which instrument it is",
        "flow.tip: certificate C-123 has no date of calibration",
        "flow.tip: certificate C-123 states no range",
    ];
    assert_eq!(gaps(PI, "2027-01-01"), all);
    let none = PI.replace("certificate = { id = \"C-123\", due = \"2027-06-30\" }\n", "");
    assert_eq!(gaps(&none, "2027-01-01"), ["flow.tip: it has no certificate"]);
    for (range, covers) in [("1 mL/h to 20 mL/h", "1000 to 20000 µL/h"), ("0 µL/h to 19 mL/h", "0 to 19000 µL/h")] {
        let text = certified(&format!("{date}range = \"{range}\", "));
        let words = format!("flow.tip: certificate C-123 covers {covers}, and the channel is used from 0 to 20000 µL/h");
        assert_eq!(gaps(&text, "2027-01-01"), [words]);
    }
    let narrowed = certified(&format!("{date}range = \"1 mL/h to 20 mL/h\", ")).replace("max_flow", "min_flow = \"1 mL/h\"\nmax_flow");
    assert_eq!(gaps(&narrowed, "2027-01-01"), nothing, "a bench that uses less of its sensor");
    let unstated = whole.replace("k_uncertainty = \"0.8 %\"\n", "");
    let words = "flow.tip: nobody states the uncertainty of its K-factor, so that only simple acceptance can pass on it";
    assert_eq!(gaps(&unstated, "2027-01-01"), [words], "what `rig calibration` tells, the gate tells");
    let balance = include_str!("../../benches/sim-balance.toml");
    assert_eq!(gaps(balance, "2027-01-01"), nothing);
    let tip = "id = \"SIM-FLOW-TIP\", ";
    assert!(balance.contains(tip) && balance.contains("due = \"2099-12-31\""), "{balance}");
    let by = |due: &str| {
        let text = balance.replace(tip, &format!("{tip}reference = \"SIM-BALANCE\", reference_uncertainty = \"0.1 %\", "));
        let line =
            text.lines().find(|l| l.contains("\"SIM-BALANCE\", ") && !l.contains("SIM-FLOW-TIP")).expect("its certificate").to_owned();
        text.replace(&line, &line.replace("2099-12-31", due).replace("2025-01-01", "2023-01-01"))
    };
    assert_eq!(gaps(&by("2099-12-31"), "2027-01-01"), nothing);
    let ran_out = "which had run out on 2024-12-31";
    assert!(gaps(&by("2024-12-31"), "2027-01-01").iter().any(|g| g.starts_with("flow.tip: it was made on ") && g.ends_with(ran_out)));
    let words = ["balance: certificate SIM-BALANCE covers 0 to 120000 mg, and the channel is used from -1000 to 120000 mg"];
    assert_eq!(gaps(&balance.replace("-1 g to 120 g", "0 g to 120 g"), "2027-01-01"), words);
    let words = ["pressure.line: certificate SIM-PRESSURE-LINE covers 0 to 250 kPa, and the channel is used from -20 to 250 kPa"];
    assert_eq!(gaps(&balance.replace("-20 kPa to 250 kPa", "0 kPa to 0.25 MPa"), "2027-01-01"), words);
}

#[test]
fn the_firmware_that_a_board_must_run() {
    let hash = "0123456789abcdef0123456789ABCDEF01234567";
    let text = PI.replace("serial = ", &format!("firmware = \"pump.elf\"\nbuild_hash = \"{hash}\"\nserial = "));
    let expected = ExpectedFirmware { image: Some("pump.elf".into()), build_hashes: vec![hash.to_lowercase()] };
    assert_eq!(parse_bench("pi.toml", &text).expect("a good file").dut.firmware, Some(expected));
    assert_eq!(parse_bench("pi.toml", PI).expect("a good file").dut.firmware, None);
}

#[test]
fn all_errors_at_once() {
    let text = PI.replace("safe = \"off\"\n", "").replace("500 ms", "500 mS").replace("dwell = \"2 min\"\n", "");
    let found = messages(&text);
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn a_simulated_bench_needs_its_plumbing() {
    let found = messages(&PI.replace("\"pi\"\n[link]", "\"sim\"\n[link]"));
    assert!(found.iter().any(|m| m.ends_with("a simulated bench lacks `[plant]`")), "{found:#?}");
    assert!(found.iter().any(|m| m.ends_with("a simulated bench has no `chip`")), "{found:#?}");
}

const NEEDLE: &str = r#"[[line]]
name = "needle"
safe = "off"
chip = "pinctrl-rp1"
offset = 5
active_low = false
does = "needle_reservoir"
rate = "10 mL/min"
"#;

#[test]
fn what_lines_do() {
    let with = |does: &str, amount: &str| wired("", &NEEDLE.replace("needle_reservoir", does).replace("rate = \"10 mL/min\"", amount));
    for (does, amount, deed) in [
        ("needle_reservoir", "rate = \"10 mL/min\"", Deed::NeedleReservoir(Flow(600_000.0))),
        ("needle_pocket", "rate = \"10 mL/min\"", Deed::NeedlePocket(Flow(600_000.0))),
        ("air", "rate = \"1 mL/min\"", Deed::Air(Flow(60_000.0))),
        ("withdraw", "rate = \"5 mL/min\"", Deed::Withdraw(Flow(300_000.0))),
        ("disconnect", "", Deed::Disconnect),
        ("kink", "factor = 50", Deed::Kink(50.0)),
        ("back_flow", "", Deed::BackFlow),
        ("magnet", "", Deed::Magnet),
        ("supply_dip", "voltage = \"1.8 V\"", Deed::SupplyDip(Voltage(1.8))),
        ("button", "", Deed::Button),
    ] {
        let bench = parse_bench("pi.toml", &with(does, amount)).expect("a good file");
        assert_eq!(bench.line("needle").and_then(|line| line.does), Some(deed));
    }
    for (does, amount, message) in [
        ("needle_reservoir", "", "38:1 a line that does this states its `rate`"),
        ("needle_reservoir", "rate = \"10 mL\"", "39:8 `rate` wants a flow"),
        ("kink", "factor = -1", "39:10 `factor` must be more than zero"),
        ("magnet", "factor = 50", "39:1 `does = \"magnet\"` has no `factor`"),
    ] {
        let found = messages(&with(does, amount));
        assert!(found.len() == 1 && found[0].starts_with(message), "{found:?}");
    }
    let found = messages(&wired("", &NEEDLE.replace("safe = \"off\"", "safe = \"on\"")));
    assert_eq!(found, ["34:1 a line that does `needle_reservoir` is safe when it doesn't"]);
    let found = messages(&wired("", &NEEDLE.replace("does = \"needle_reservoir\"\n", "")));
    assert_eq!(found, ["38:1 a line without `does` has no `rate`"]);
}

const SIM: &str = include_str!("../../benches/sim.toml");

#[test]
fn the_plumbing_has_what_is_usual_and_what_is_stated() {
    let plant = |more: &str| parse_bench("sim.toml", &format!("{SIM}{more}\n")).expect("a good file").plant.expect("a plant");
    let usual = plant("");
    assert_eq!((usual.inside, usual.drug, usual.valves), Default::default());
    let stated = plant(
        "head = \"-30 cm\"\ntemperature = \"20 °C\"\ngain_per_degree = \"-0.5 %/°C\"\ngain_per_kpa = \"0 %/kPa\"\ndrug = \"2 mg/mL\"\nbore = \"0.6 mm\"\n\
         drug_diffusion = \"1e-9 m²/s\"\nback_flow = \"7 µL/(h·kPa)\"\noverfill_stiffness = \"20 kPa/mL\"\noverfill_holds = \"30 kPa\"\noverfill_flow = \"1 mL/h\"",
    );
    let inside = Inside { head: Length(-30.0), temperature: Temperature(20.0), gain_percent_per_kelvin: -0.5, gain_percent_per_kpa: 0.0 };
    assert_eq!(stated.inside, inside);
    assert_eq!(stated.drug, DrugInLine { concentration: Concentration(2_000.0), bore: Length(0.06), diffusion: 1e-5 });
    let valves = HeadValves { back_flow: 7.0, overfill_kpa_per_ml: 20.0, overfill_holds: Pressure(30.0), overfill_flow: Flow(1_000.0) };
    assert_eq!(stated.valves, valves);
    for (more, message) in [
        ("drug = \"-1 mg/mL\"", "`drug` can't be negative"),
        ("drug = \"1 mg\"", "`drug` wants a concentration"),
        ("bore = \"0 mm\"", "`bore` must be more than zero"),
        ("back_flow = \"-7 µL/(h·kPa)\"", "`back_flow` is not negative"),
        ("gain_per_degree = \"1 %\"", "`gain_per_degree` can't be `1 %`"),
        ("heat = 1", "unknown key `heat`"),
    ] {
        let found = messages(&format!("{SIM}{more}\n"));
        assert!(found.len() == 1 && found[0].contains(message), "{found:?}");
    }
}

#[test]
fn a_photometer_is_one_of_a_simulated_bench() {
    let sim = parse_bench("sim.toml", SIM).expect("a good file");
    let sensor =
        DrugSensor { uncertainty_percent: Some(2.0), step: Concentration(5.0), every: Span::seconds(60), max: Concentration(50_000.0) };
    assert_eq!(sim.channel("drug.tip").map(|c| &c.instrument), Some(&Instrument::Drug(sensor)));
    for (from, to, message) in [
        ("name = \"drug.tip\"", "name = \"flow.drug\"", "a drug channel can't be called `flow.drug`"),
        ("step = \"5 µg/mL\"", "step = \"1 ng/mL\"", "the step is too fine for the range"),
        ("step = \"5 µg/mL\"", "step = \"5 µL\"", "`step` wants a concentration"),
        ("step = \"5 µg/mL\"\n", "", "lacks `step`"),
        ("0 mg/mL to 50 mg/mL", "0 kPa to 50 kPa", "`range` wants a concentration"),
    ] {
        let found = messages(&SIM.replace(from, to));
        assert!(found.len() == 1 && found[0].contains(message), "{found:?}");
    }
    let drug = "[[channel]]\nname = \"drug.tip\"\nsensor = \"drug\"\nstep = \"5 µg/mL\"\nevery = \"60 s\"\nmax = \"50 mg/mL\"\n";
    assert!(messages(&wired("", drug))[0].contains("is one of a simulated bench"));
}

#[test]
fn the_lines_that_the_example_of_a_real_bench_offers_can_be_taken() {
    let text = include_str!("../../benches/pi.toml");
    let offered = text.find("# [[line]]").expect("lines behind a #");
    let taken = text[offered..].lines().map(|line| line.trim_start_matches("# ").trim_start_matches('#')).collect::<Vec<_>>().join("\n");
    let bench = parse_bench("pi.toml", &format!("{}\n{taken}\n", &text[..offered])).expect("a good file");
    let does: Vec<&str> = bench.lines.iter().filter_map(|line| line.does).map(Deed::name).collect();
    assert_eq!(does, ["needle_reservoir", "disconnect", "kink", "magnet"]);
}
