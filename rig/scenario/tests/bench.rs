//! Bench files that can't be used say why, all at once.

use rig_model::bench::{
    BenchKind, Bias, Bus, Device, Direction, Drive, EdgeWiring, Gpio, Instrument, LineBackend, Liquid, TwoPoints, Wiring,
};
use rig_model::quantity::Pressure;
use rig_model::time::Span;
use rig_scenario::parse_bench;

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
