//! Bench files that can't be used say why, all at once.

use rig_model::bench::{BenchKind, Gpio, Instrument};
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

fn messages(text: &str) -> Vec<String> {
    parse_bench("b.toml", text).expect_err("errors").iter().map(|d| format!("{}:{} {}", d.line, d.column, d.message)).collect()
}

#[test]
fn a_real_bench() {
    let bench = parse_bench("pi.toml", PI).expect("a good file");
    assert_eq!(bench.kind, BenchKind::Pi);
    assert_eq!(bench.dut.serial.as_deref(), Some("0001"));
    assert_eq!(bench.lines[0].gpio, Some(Gpio { chip: "pinctrl-rp1".into(), offset: 17, active_low: true }));
    let Instrument::Flow(sensor) = &bench.channels[0].instrument else { panic!("a flow channel") };
    assert_eq!((sensor.k_factor, sensor.k_uncertainty_percent, sensor.max_flow), (0.012, 0.8, 20_000.0));
    assert_eq!(bench.plant, None);
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
