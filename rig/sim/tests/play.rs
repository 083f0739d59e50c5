//! The loop between runner and board comes to its end, by itself and when stopped, and late delivery changes no verdict.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;

use rig_model::defect::Seam;
use rig_model::dut::{PumpState, Verb};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, FactSink, Header, SinkError, SourceText};
use rig_model::input::Input;
use rig_model::quantity::Volume;
use rig_model::scenario::{Case, Condition, Expected, Given, Scenario, Step, StepKind};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Verdict;
use rig_runner::{Plan, PlannedCase, Runner};
use rig_sim::{Board, DeliveryDelay, PlayError, Unit, play, reference_bench};

fn command(verb: Verb) -> StepKind {
    StepKind::Command { verb, expect: Expected::Accepted, verifies: vec!["REQ-1".into()] }
}

fn expect(state: PumpState, within: Span) -> StepKind {
    StepKind::Expect { what: Condition::State(state), within, verifies: vec!["REQ-2".into()] }
}

fn bolus() -> Scenario {
    let kinds = [
        command(Verb::ProgramBolus { volume: Volume(20.0), over: Span::seconds(60) }),
        command(Verb::Start),
        expect(PumpState::Bolus, Span::seconds(30)),
        StepKind::Wait(Span::seconds(10)),
        expect(PumpState::Stopped, Span::minutes(3)),
    ];
    let steps = kinds.into_iter().enumerate().map(|(n, kind)| Step { path: format!("steps.{n}").into(), text: format!("{n}"), kind });
    let case = Case {
        label: String::new(),
        time_limit: Span::minutes(10),
        given: Given { factory_reset: true, ..Given::default() },
        watch: Vec::new(),
        steps: steps.collect(),
        finally: Vec::new(),
    };
    let text = |s: &str| s.to_owned();
    Scenario {
        id: "B".into(),
        title: text("bolus"),
        file: text("b.yaml"),
        sha256: text("0"),
        tags: vec![],
        hazards: vec![],
        cases: vec![case],
    }
}

fn runner() -> Runner {
    let source = SourceText { path: "sim.toml".into(), sha256: "0".into(), text: String::new() };
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
        seed: 3,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: true,
        cases: Vec::new(),
        bench_file: source,
        files: Vec::new(),
        host: String::new(),
        provenance: Box::default(),
    };
    let cases = vec![PlannedCase { scenario: Arc::new(bolus()), case: 0, lacking: Vec::new() }];
    Runner::new(Plan { header, bench: Arc::new(reference_bench()), cases }).unwrap()
}

struct Played {
    runner: Runner,
    facts: Vec<Fact>,
}

fn played(unit: Option<&Unit>, delay: Option<DeliveryDelay>, stop_at: RigTime) -> Played {
    let (mut runner, mut facts) = (runner(), Vec::new());
    let mut board = Board::new(&reference_bench(), 3, unit, RigTime::ZERO);
    let mut progress = |at| if at >= stop_at { ControlFlow::Break("enough".to_owned()) } else { ControlFlow::Continue(()) };
    play(&mut runner, &mut board, &mut facts, delay, &mut progress).unwrap();
    assert!(!board.powered(), "the bench was left safe");
    Played { runner, facts }
}

fn verdict(played: &Played) -> Option<Verdict> {
    played.runner.ended().unwrap().verdict
}

fn lost(played: &Played) -> usize {
    let lost = |fact: &&Fact| matches!(&fact.body, Body::Input(Input::Lost { .. }) | Body::Event(Event::DataLost(_)));
    played.facts.iter().filter(lost).count()
}

#[test]
fn a_bolus_passes_on_a_sound_board_and_fails_on_a_mute_one() {
    let sound = played(None, None, RigTime::MAX);
    assert_eq!((verdict(&sound), lost(&sound)), (Some(Verdict::Pass), 0));
    let mute = Unit::with(&[Seam::Mute { after_s: 30.0 }]);
    assert_eq!(verdict(&played(Some(&mute), None, RigTime::MAX)), Some(Verdict::Fail));
}

#[test]
fn the_same_seed_gives_the_same_facts() {
    assert!(played(None, None, RigTime::MAX).facts == played(None, None, RigTime::MAX).facts);
}

#[test]
fn late_delivery_loses_nothing_and_changes_no_verdict() {
    for seed in 0..20 {
        // Shorter than the time in which a command must be answered, or the link itself would be judged slow.
        let late = played(None, Some(DeliveryDelay { seed, max: Span::milliseconds(50) }), RigTime::MAX);
        assert_eq!((verdict(&late), lost(&late)), (Some(Verdict::Pass), 0), "seed {seed}");
        assert!(late.facts.iter().any(|f| f.arrival.is_some_and(|arrival| arrival > f.at)));
    }
}

#[test]
fn a_stop_ends_the_run_early_and_safely() {
    let stopped = played(None, None, RigTime::ZERO + Span::seconds(20));
    assert_eq!(verdict(&stopped), Some(Verdict::Aborted));
    assert!(stopped.runner.ended().unwrap().safe);
}

/// Takes so many facts and no more.
struct Full(usize);

impl FactSink for Full {
    fn record(&mut self, _: &Fact) -> Result<(), SinkError> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| SinkError { what: "disk full".into(), source: None })?;
        Ok(())
    }
}

#[test]
fn a_full_disk_still_leaves_the_bench_safe() {
    let mut board = Board::new(&reference_bench(), 3, None, RigTime::ZERO);
    let result = play(&mut runner(), &mut board, &mut Full(40), None, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(PlayError::Sink(_))), "{result:?}");
    assert!(!board.powered());
}
