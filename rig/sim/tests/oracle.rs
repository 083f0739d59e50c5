//! The dose oracle beside the reference pump: silent on the sound one whatever the seed, and on each pump that strays the right row says so.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use rig_model::bench::Bench;
use rig_model::defect::{Asked, Seam};
use rig_model::dut::{PatientBolus, Verb};
use rig_model::event::Event;
use rig_model::fact::{Body, Header, SourceText};
use rig_model::input::{NeedleSite, PlantChange};
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::{Case, Expected, Given, Scenario, Step, StepKind};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Verdict};
use rig_runner::{Plan, PlannedCase, Runner};
use rig_sim::{Board, Unit, play, reference_bench};

fn say(verb: Verb) -> StepKind {
    StepKind::Command { verb, expect: Expected::Accepted, verifies: vec!["REQ-1".into()] }
}

fn wait(span: Span) -> StepKind {
    StepKind::Wait(span)
}

/// A day in little: a basal rate with rules for the patient, a bolus, a press of the button, a pause, and the rate again.
fn day() -> Vec<StepKind> {
    let rules = PatientBolus {
        volume: Volume(30.0),
        over: Span::minutes(2),
        first_after: Span::ZERO,
        lockout: Span::hours(4),
        activations: 3,
        in_any: Span::hours(24),
    };
    vec![
        say(Verb::ProgramBasal { rate: Flow(60.0) }),
        say(Verb::ProgramPatientBolus(Box::new(rules))),
        say(Verb::ReadBack),
        say(Verb::Confirm),
        say(Verb::Start),
        wait(Span::hours(2)),
        say(Verb::ProgramBolus { volume: Volume(150.0), over: Span::minutes(10) }),
        say(Verb::Start),
        wait(Span::hours(1)),
        StepKind::Plant(PlantChange::Button { held: Span::milliseconds(400), bounces: 3 }),
        wait(Span::hours(1)),
        say(Verb::Stop),
        wait(Span::minutes(5)),
        say(Verb::Start),
        wait(Span::hours(1)),
        say(Verb::Stop),
        wait(Span::minutes(2)),
    ]
}

fn scenario(kinds: Vec<StepKind>) -> Scenario {
    let steps = kinds.into_iter().enumerate().map(|(n, kind)| Step { path: format!("steps.{n}").into(), text: format!("{n}"), kind });
    let case = Case {
        label: String::new(),
        time_limit: Span::hours(30),
        given: Given { factory_reset: true, ..Given::default() },
        watch: Vec::new(),
        steps: steps.collect(),
        finally: Vec::new(),
    };
    let text = |s: &str| s.to_owned();
    Scenario {
        id: "D".into(),
        title: text("day"),
        file: text("d.yaml"),
        sha256: text("0"),
        tags: vec![],
        hazards: vec![],
        cases: vec![case],
    }
}

fn rows(bench: Bench, kinds: Vec<StepKind>, unit: Option<&Unit>, seed: u64, dose_oracle: bool) -> Vec<CheckRow> {
    let header = Header {
        tool: "test".into(),
        run_id: "test".into(),
        started_utc: "2026-01-01T00:00:00Z".into(),
        bench: "sim".into(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        machine: None,
        evidence: false,
        seed,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle,
        cases: Vec::new(),
        bench_file: SourceText { path: "sim.toml".into(), sha256: "0".into(), text: String::new() },
        files: Vec::new(),
        host: String::new(),
        provenance: Box::default(),
    };
    let cases = vec![PlannedCase { scenario: Arc::new(scenario(kinds)), case: 0, lacking: Vec::new() }];
    let mut runner = Runner::new(Plan { header, bench: Arc::new(bench.clone()), cases }).unwrap();
    let (mut facts, mut board) = (Vec::new(), Board::new(&bench, seed, unit, RigTime::ZERO));
    play(&mut runner, &mut board, &mut facts, None, &mut |_| ControlFlow::Continue(())).unwrap();
    let rows = facts.into_iter().filter_map(|fact| if let Body::Event(Event::Check(row)) = fact.body { Some(*row) } else { None });
    rows.filter(|row| row.step.starts_with("oracle.")).collect()
}

fn verdicts(rows: &[CheckRow]) -> Vec<Verdict> {
    rows.iter().map(|row| row.verdict).collect()
}

#[test]
fn a_sound_pump_is_never_told_of() {
    for seed in 0..50 {
        let rows = rows(reference_bench(), day(), None, seed, true);
        let told: Vec<&str> = rows.iter().map(|row| &*row.reason).collect();
        assert_eq!(verdicts(&rows), [Verdict::Pass, Verdict::Pass], "seed {seed}: {told:#?}");
    }
}

#[test]
fn a_run_whose_header_does_not_ask_for_it_has_no_oracle() {
    assert!(rows(reference_bench(), day(), None, 1, false).is_empty());
}

#[test]
fn pumps_that_stray_are_told_of_by_the_right_row() {
    const OVER: [bool; 2] = [true, false];
    const UNDER: [bool; 2] = [false, true];
    for (name, seam, fails) in [
        ("12 % more", Seam::Gain { by: 1.12 }, OVER),
        ("15 % less", Seam::Gain { by: 0.85 }, UNDER),
        ("every sixth stroke moves nothing", Seam::StrokeLost { every: 6 }, UNDER),
        ("a bolus is taken as twice its volume", Seam::DoseScaled { by: 2.0 }, OVER),
        ("a bolus in half its time", Seam::TimeScaled { by: 0.5 }, OVER),
        ("its stop is answered and not carried out", Seam::CommandIgnored { which: Asked::Stop, every: 1 }, OVER),
        ("five strokes after a stop", Seam::StrokesAfterStop { strokes: 5, every_s: 2.0 }, OVER),
        ("it dribbles when it is stopped", Seam::Dribble { at: 60.0 }, OVER),
        ("the start comes a quarter of an hour late", Seam::CommandLate { which: Asked::Start, by_s: 900.0 }, UNDER),
        ("its supply browns out in a bolus", Seam::ResetsInBolus { after_strokes: 20 }, UNDER),
        ("fluid flows by itself", Seam::FreeFlow { at: 300.0, after_strokes: 20 }, OVER),
    ] {
        let rows = rows(reference_bench(), day(), Some(&Unit::with(&[seam])), 7, true);
        let failed: Vec<bool> = rows.iter().map(|row| row.verdict == Verdict::Fail).collect();
        let told: Vec<&str> = rows.iter().map(|row| &*row.reason).collect();
        assert_eq!(failed, fails, "{name}: {told:#?}");
    }
}

#[test]
fn what_an_overfilled_reservoir_presses_out_is_told_and_not_held_against_the_pump() {
    let needle = |volume| StepKind::Plant(PlantChange::Needle { into: NeedleSite::Reservoir, volume: Volume(volume) });
    let kinds = |surplus| {
        vec![
            StepKind::Plant(PlantChange::Reservoir { volume: Volume(20_000.0) }),
            needle(surplus),
            wait(Span::minutes(10)),
            StepKind::Plant(PlantChange::Withdraw { volume: Volume(surplus + 1_000.0) }),
            wait(Span::minutes(10)),
        ]
    };
    let rows = rows(reference_bench(), kinds(6_000.0), None, 1, true);
    // Lifted for half of the case; nothing had to come, and no row says that nothing was missing.
    assert_eq!(verdicts(&rows), [Verdict::Skipped]);
    assert!(rows[0].reason.contains("filled beyond its capacity"), "{}", rows[0].reason);
}
