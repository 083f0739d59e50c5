//! Firmware that hangs is reset by its watchdog, and the rig finds nothing wrong with that, whatever it was just asking.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use rig_model::defect::Seam;
use rig_model::dut::{Alarm, PumpState, Verb};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Header, SourceText};
use rig_model::input::PlantChange;
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::{Case, Condition, Expected, Given, Scenario, Step, StepKind};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Reason, Verdict};
use rig_runner::{Plan, PlannedCase, Runner};
use rig_sim::{Board, Unit, play, reference_bench};

fn hangs_after(wait: Span) -> Scenario {
    let command = |verb| StepKind::Command { verb, expect: Expected::Accepted, verifies: Vec::new() };
    let alarm = Condition::Alarm(Alarm::WatchdogReset);
    let kinds = [
        command(Verb::ProgramBasal { rate: Flow(400.0) }),
        command(Verb::Start),
        StepKind::Wait(Span::minutes(1) + wait),
        StepKind::Plant(PlantChange::Hang),
        StepKind::Expect { what: alarm, within: Span::minutes(3), verifies: Vec::new() },
        StepKind::Expect { what: Condition::State(PumpState::Halted), within: Span::minutes(1), verifies: Vec::new() },
        StepKind::Wait(Span::minutes(2)),
    ];
    let step = |(n, kind)| Step { path: format!("steps.{n}").into(), text: format!("{n}"), kind };
    let case = Case {
        label: String::new(),
        time_limit: Span::minutes(30),
        given: Given { factory_reset: true, reservoir: Some(Volume(20_000.0)), catheter_primed: Some(true), ..Given::default() },
        watch: Vec::new(),
        steps: kinds.into_iter().enumerate().map(step).collect(),
        finally: Vec::new(),
    };
    let text = |s: &str| s.to_owned();
    Scenario {
        id: "H".into(),
        title: text("hang"),
        file: text("h.yaml"),
        sha256: text("0"),
        tags: vec![],
        hazards: vec![],
        cases: vec![case],
    }
}

fn header() -> Header {
    Header {
        tool: "test".into(),
        run_id: "test".into(),
        started_utc: "2026-01-01T00:00:00Z".into(),
        bench: "sim".into(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        machine: None,
        evidence: false,
        seed: 1,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: true,
        cases: Vec::new(),
        bench_file: SourceText { path: "sim.toml".into(), sha256: "0".into(), text: String::new() },
        files: Vec::new(),
        host: String::new(),
        provenance: Box::default(),
    }
}

fn played(wait: Span, unit: Option<&Unit>) -> (Option<Verdict>, Vec<Reason>) {
    let bench = reference_bench();
    let cases = vec![PlannedCase { scenario: Arc::new(hangs_after(wait)), case: 0, lacking: Vec::new() }];
    let mut runner = Runner::new(Plan { header: header(), bench: Arc::new(bench.clone()), cases }).unwrap();
    let mut facts: Vec<Fact> = Vec::new();
    let mut board = Board::new(&bench, 1, unit, RigTime::ZERO);
    play(&mut runner, &mut board, &mut facts, None, &mut |_| ControlFlow::Continue(())).unwrap();
    let wrong = facts.iter().filter_map(|fact| match &fact.body {
        Body::Event(Event::Check(row)) if row.verdict == Verdict::Fail => Some(row.reason_code),
        _ => None,
    });
    (runner.ended().unwrap().verdict, wrong.collect())
}

#[test]
fn a_hang_passes_in_every_phase_of_the_poll() {
    let every = reference_bench().link.poll_every;
    let step = Span::milliseconds(100);
    let mut wait = Span::ZERO;
    while wait <= every + step {
        assert_eq!(played(wait, None), (Some(Verdict::Pass), vec![]), "hangs {wait} later");
        wait = wait + step;
    }
}

#[test]
fn a_pump_that_stays_silent_is_found_afterwards() {
    let mute = Unit::with(&[Seam::Mute { after_s: 63.0 }]);
    let (verdict, wrong) = played(Span::ZERO, Some(&mute));
    assert_eq!(verdict, Some(Verdict::Fail));
    assert!(wrong.contains(&Reason::Unresponsive), "{wrong:?}");
}
