use rig_model::fact::{FirmwareImage, Provenance};
use rig_scenario::parse_bench;

use super::*;

const PI: &str = include_str!("../../../benches/pi.toml");
const SIM: &str = include_str!("../../../benches/sim.toml");
const APPROVED: PlanStanding<'static> = PlanStanding::Approved { differences: &[] };

fn bench(text: &str) -> Bench {
    parse_bench("b.toml", text).expect("a good file")
}

/// A run on hardware against which nothing stands.
fn header() -> Header {
    let text = r#"{"tool":"t","run_id":"r","started_utc":"2026-11-25T22:00:00Z","bench":"b","simulated":false,"evidence":false,"seed":1,
        "operator":"A. Ngo","allow_skipped":false,"cases":[],"bench_file":{"path":"b.toml","sha256":"","text":""},"files":[],"host":"h"}"#;
    let mut header: Header = serde_json::from_str(text).expect("a header");
    header.provenance = Box::new(Provenance {
        rig: Some(RigBuild {
            version: "1".into(),
            commit: Some("ab".into()),
            uncommitted: false,
            target: "aarch64".into(),
            profile: "release".into(),
            lock_sha256: "cd".into(),
            executable_sha256: Some("ef".into()),
        }),
        clock: Some(WallClock { utc: String::new(), synchronised: true, max_error_ms: None, source: None }),
        environment: Some(Environment {
            temperature: Some(22.5),
            humidity: Some(41.0),
            air_pressure: Some(1009.0),
            liquid: Some("water, lot 17".into()),
        }),
        firmware: Some(FirmwareImage { path: "p".into(), sha256: "12".into(), bytes: 1, build_hashes: vec!["34".into()] }),
        ..Provenance::default()
    });
    header
}

fn asked(header: &Header, bench: &Bench) -> Vec<String> {
    reasons(header, bench, Ask { asked: Asked::Evidence, plan: APPROVED, undecided: 0 })
}

#[test]
fn nothing_stands_against_a_run_that_has_everything() {
    assert_eq!(asked(&header(), &bench(PI)), [""; 0]);
    assert_eq!(reasons(&header(), &bench(PI), Ask { plan: APPROVED, ..Ask::default() }), [NOT_ASKED]);
}

/// One thing taken away, and the one reason that it gives.
#[test]
fn each_reason_has_been_seen() {
    type Change = fn(&mut Header);
    let changes: [(Change, &str); 21] = [
        (|h| h.simulated = true, "something of the bench was simulated"),
        (|h| h.simulated_because = vec!["the port is a pty; so there".into()], "the port is a pty, so there"),
        (|h| h.defect = Some("late-tone".into()), "the pump has a defect on purpose (`--defect late-tone`)"),
        (|h| h.delivery_delay = true, "inputs were delayed on purpose"),
        (|h| h.started_utc = "2026-06-30T23:59:59Z".into(), "flow.pump: certificate YOUR-CERTIFICATE-1 is of 2026-07-01, which is still"),
        (|h| h.started_utc = "2027-07-01T00:00:00Z".into(), "flow.pump: certificate YOUR-CERTIFICATE-1 ran out on 2027-06-30"),
        (|h| h.provenance.firmware = None, "no firmware image and no build hash is named"),
        (|h| h.provenance.rig = None, "it is not known which build of `rig` plays"),
        (|h| h.provenance.rig.as_mut().unwrap().commit = None, "`rig` was built outside a checkout"),
        (|h| h.provenance.rig.as_mut().unwrap().uncommitted = true, "`rig` was built from sources with uncommitted changes"),
        (|h| h.provenance.rig.as_mut().unwrap().profile = "debug".into(), "`rig` was built with the profile `debug`"),
        (|h| h.provenance.rig.as_mut().unwrap().lock_sha256.clear(), "`rig` was built without its `Cargo.lock`"),
        (|h| h.provenance.rig.as_mut().unwrap().executable_sha256 = None, "the executable of `rig` could not be read"),
        (|h| h.provenance.clock.as_mut().unwrap().synchronised = false, "the clock on the wall is not synchronised"),
        (|h| h.provenance.clock = None, "the state of the clock on the wall is not known"),
        (|h| h.operator = None, "no operator is named"),
        (|h| h.operator = Some(" ".into()), "no operator is named"),
        (|h| h.operator = Some("\u{200b}".into()), "no operator is named"),
        (|h| h.allow_skipped = true, "skipped cases were allowed for (`--allow-skipped`)"),
        (
            |h| h.provenance.environment = None,
            "the environment is not stated (`--temperature`, `--humidity`, `--air-pressure`, `--liquid`)",
        ),
        (|h| h.provenance.environment.as_mut().unwrap().liquid = None, "the environment is not stated (`--liquid`)"),
    ];
    for (change, words) in changes {
        let mut header = header();
        change(&mut header);
        let found = asked(&header, &bench(PI));
        assert!(found.first().is_some_and(|why| why.starts_with(words)), "{words}: {found:#?}");
        // The dates concern all three channels.
        assert!(found.len() == if words.starts_with("flow.pump") { 3 } else { 1 }, "{words}: {found:#?}");
        assert!(found.iter().all(|why| !why.contains(';')), "{found:?}");
    }
}

#[test]
fn what_the_bench_file_and_the_plan_add() {
    let hash = "build_hash = \"0123456789abcdef0123456789abcdef01234567\"";
    let named = bench(&PI.replace("[dut]", &format!("[dut]\n{hash}")));
    let mut without_image = header();
    without_image.provenance.firmware = None;
    assert_eq!(asked(&without_image, &named), [""; 0], "a build hash in the bench file will do");
    let uncertified = bench(&PI.replace("certificate = { id = \"YOUR-CERTIFICATE-3\"", "# certificate = {"));
    assert_eq!(asked(&header(), &uncertified), ["pressure.line: it has no certificate"]);
    let differences = ["scenario A-01 is not what was approved".to_owned()];
    for (plan, undecided, expected) in [
        (PlanStanding::None, 0, "there is no approved test plan"),
        (PlanStanding::Approved { differences: &differences }, 0, "scenario A-01 is not what was approved"),
        (APPROVED, 2, "2 of the checks can't be decided on this bench (`rig check --bench` says which and why)"),
    ] {
        assert_eq!(reasons(&header(), &bench(PI), Ask { asked: Asked::Evidence, plan, undecided }), [expected]);
    }
    let undecided = Ask { asked: Asked::Nothing, plan: APPROVED, undecided: 2 };
    assert_eq!(reasons(&header(), &bench(PI), undecided), [NOT_ASKED], "a check that can't be decided is INCONCLUSIVE, and no mark");
}

#[test]
fn a_simulated_bench_has_the_same_reasons_on_every_machine() {
    let mut elsewhere = header();
    elsewhere.provenance.rig = None;
    elsewhere.provenance.clock = None;
    let ask = Ask { plan: APPROVED, ..Ask::default() };
    for header in [header(), elsewhere.clone()] {
        assert_eq!(reasons(&header, &bench(SIM), ask), [NOT_ASKED, "the bench is simulated (`kind = \"sim\"`)"]);
    }
    assert_eq!(asked(&elsewhere, &bench(SIM)).len(), 3, "who asks for evidence is told everything");
    let mut of_sim = header();
    of_sim.provenance.rig.as_mut().unwrap().executable_sha256 = None;
    assert_eq!(asked(&of_sim, &bench(SIM)).len(), 1, "the simulated bench takes no hash of its executable");
}
