//! The project's own scenarios, their inputs delivered late and in batches: every row has the verdict that it has without delay.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test reads the project's files")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rig_model::bench::Bench;
use rig_model::defect::Seam;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Header, SourceText};
use rig_model::input::Input;
use rig_model::scenario::Scenario;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Verdict;
use rig_runner::{Plan, PlannedCase, Runner};
use rig_scenario::{SourceFile, parse_bench, parse_scenarios};
use rig_sim::{Board, DeliveryDelay, Unit, play};

/// Files, and which of their cases: those that are over soon enough.
const PLAYED: [(&str, &[usize]); 5] = [
    ("scenarios/smoke/smoke.yaml", &[0]),
    ("scenarios/trial/bolus.yaml", &[0]),
    ("scenarios/faults/occlusion.yaml", &[2]),
    ("scenarios/faults/link.yaml", &[0, 1, 2, 3, 4, 5]),
    ("scenarios/limits/refusals.yaml", &[0]),
];
const DELAYS: [Span; 4] = [Span::microseconds(300), Span::milliseconds(1), Span::milliseconds(50), Span::milliseconds(400)];

fn text_of(path: &str) -> Result<String, String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).map_err(|e| e.to_string())
}

fn bench() -> Bench {
    parse_bench("rig/benches/sim.toml", &text_of("rig/benches/sim.toml").unwrap()).unwrap()
}

fn scenario(path: &str) -> Arc<Scenario> {
    let files = vec![SourceFile { path: path.into(), text: text_of(path).unwrap() }];
    let parsed = parse_scenarios(files, &mut text_of, None);
    assert!(parsed.diagnostics.is_empty(), "{path}: {}", parsed.diagnostics[0]);
    Arc::new(parsed.scenarios[0].clone())
}

fn plan(scenario: &Arc<Scenario>, case: usize, bench: &Bench) -> Plan {
    let text = |s: &str| s.to_owned();
    let header = Header {
        tool: text("test"),
        run_id: text("test"),
        started_utc: text("2026-01-01T00:00:00Z"),
        bench: bench.name.clone(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        machine: None,
        evidence: false,
        seed: 1,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: true,
        dose_oracle: true,
        cases: vec![],
        bench_file: SourceText { path: text("sim.toml"), sha256: text("0"), text: text("") },
        files: vec![],
        host: text(""),
        provenance: Box::default(),
    };
    Plan { header, bench: Arc::new(bench.clone()), cases: vec![PlannedCase { scenario: scenario.clone(), case, lacking: vec![] }] }
}

fn played(scenario: &Arc<Scenario>, case: usize, unit: Option<&Unit>, delay: Option<DeliveryDelay>) -> Vec<Fact> {
    let bench = bench();
    let mut runner = Runner::new(plan(scenario, case, &bench)).unwrap();
    let mut board = Board::new(&bench, 1, unit, RigTime::ZERO);
    let mut facts = Vec::new();
    play(&mut runner, &mut board, &mut facts, delay, &mut |_| ControlFlow::Continue(())).unwrap();
    let lost = facts.iter().filter(|f| matches!(f.body, Body::Input(Input::Lost { .. }))).count();
    assert_eq!(lost, 0, "nothing is lost by being late");
    facts
}

/// Each row's place, question and verdict, in an order that does not depend on when it was given.
fn verdicts(facts: &[Fact]) -> Vec<(String, String, Verdict)> {
    let rows = facts.iter().filter_map(|f| if let Body::Event(Event::Check(row)) = &f.body { Some(row) } else { None });
    let mut all: Vec<_> = rows.map(|row| (row.step.to_string(), row.check.clone(), row.verdict)).collect();
    all.sort();
    all
}

fn delays_change_nothing(seeds: std::ops::Range<u64>, unit: Option<&Unit>, played_files: &[(&str, &[usize])]) {
    for (path, cases) in played_files {
        let scenario = scenario(path);
        for case in *cases {
            let at_once = verdicts(&played(&scenario, *case, unit, None));
            assert!(!at_once.is_empty());
            for (max, seed) in DELAYS.into_iter().flat_map(|max| seeds.clone().map(move |seed| (max, seed))) {
                let late = verdicts(&played(&scenario, *case, unit, Some(DeliveryDelay { seed, max })));
                let differs = at_once.iter().zip(&late).find(|(a, b)| a != b);
                assert!(at_once == late, "{path} case {case}, up to {max}, seed {seed}: {differs:#?}");
            }
        }
    }
}

#[test]
fn late_delivery_changes_no_verdict_of_the_projects_scenarios() {
    delays_change_nothing(1..7, None, &PLAYED);
}

#[test]
fn late_delivery_hides_no_defect() {
    for (seam, played) in [
        (Seam::RepeatedStart { after_s: 0.5 }, PLAYED[3]),
        (Seam::PressureStuck { kpa: 2.0 }, PLAYED[2]),
        (Seam::Gain { by: 1.12 }, PLAYED[1]),
        (Seam::Mute { after_s: 30.0 }, PLAYED[1]),
    ] {
        let unit = Unit::with(&[seam]);
        let played = (played.0, &played.1[..1]);
        let at_once = verdicts(&self::played(&scenario(played.0), played.1[0], Some(&unit), None));
        assert!(at_once.iter().any(|row| row.2 == Verdict::Fail), "{seam:?} shows: {at_once:#?}");
        delays_change_nothing(1..3, Some(&unit), &[played]);
    }
}

#[test]
fn what_a_pulse_sets_off_reaches_the_board_at_that_pulse() {
    let text = "scenario: PULSE-01
title: A stop that is set off by a pulse
time_limit: 2 h
given: { pump: factory_reset, reservoir: 20 mL, catheter: primed }
steps:
  - program: { basal: 1 mL/day }
  - start
  - expect: { volume: flow.tip, reaches: 2.3 µL, within: 1 h }
  - stop
  - expect: { state: stopped, within: 1 s }
  - measure: after
    on: flow.tip
    for: 10 min
  - check: { volume_of: after, at_most: 1 µL }
";
    let files = vec![SourceFile { path: "pulse.yaml".into(), text: text.into() }];
    let scenario = Arc::new(parse_scenarios(files, &mut (), None).scenarios[0].clone());
    let facts = played(&scenario, 0, None, None);
    let pulse = facts.iter().filter(|f| matches!(&f.body, Body::Input(Input::Edges(e)) if &*e.channel == "flow.tip")).nth(22).unwrap().at;
    let stop = facts.iter().find(|f| matches!(&f.body, Body::Event(Event::Command { verb: rig_model::dut::Verb::Stop, .. })));
    assert_eq!(stop.unwrap().at, pulse, "the 23rd pulse, each an input of its own while one is waited for");
    let at_once = verdicts(&facts);
    assert!(at_once.iter().all(|(.., verdict)| *verdict == Verdict::Pass), "{at_once:?}");
    for max in DELAYS {
        assert_eq!(verdicts(&played(&scenario, 0, None, Some(DeliveryDelay { seed: 1, max }))), at_once, "delayed by up to {max}");
    }
}
