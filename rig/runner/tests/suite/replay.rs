//! A run played again from its raw inputs gives the same facts, whatever happened in it; and one fact altered shows.

use std::ops::ControlFlow;

use rig_model::bench::Bench;
use rig_model::defect::{Seam, Told, Tones};
use rig_model::fact::{Body, Fact};
use rig_model::input::{Action, Input, Source};
use rig_model::scenario::Case;
use rig_model::time::{RigTime, Span};
use rig_runner::{Difference, Replay, Runner};
use rig_sim::{Board, DeliveryDelay, Unit, play, reference_bench};

use crate::stand::*;

/// A generator of numbers good enough to choose what happens in a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Two cases: a pump that is told to infuse at 1 mL/h.
fn cases() -> Vec<Case> {
    use rig_model::{dut::Verb, quantity::Flow, scenario::*};
    let mut case = infusion();
    case.given = Given { factory_reset: true, ..Given::default() };
    let verb = Verb::ProgramBasal { rate: Flow(1_000.0) };
    let program = StepKind::Command { verb, expect: Expected::Accepted, verifies: vec![] };
    case.steps.splice(..0, steps("before", [program]));
    let what = Watched::NoAlarm { only: vec![] };
    case.watch.push(Watch { path: "watch.1".into(), text: "no alarm".into(), what, rule: None, verifies: vec![] });
    vec![case.clone(), case]
}

fn simulated() -> (Bench, Runner) {
    let bench = reference_bench();
    let runner = Runner::new(plan(bench.clone(), cases())).unwrap();
    (bench, runner)
}

/// What may be wrong with the pump.
const DEFECTS: [Seam; 12] = [
    Seam::Gain { by: 1.12 },
    Seam::Gain { by: 0.85 },
    Seam::PressureStuck { kpa: 2.0 },
    Seam::PressureScaled { by: 0.6 },
    Seam::RepeatedStart { after_s: 0.5 },
    Seam::Dribble { at: 30.0 },
    Seam::ToneMuted { which: Tones::Any, after: 0 },
    Seam::StrokesAfterStop { strokes: 5, every_s: 2.0 },
    Seam::FirstStrokesLost { strokes: 3 },
    Seam::ToldStuck { which: Told::Reservoir },
    Seam::Resets { after_strokes: 20 },
    Seam::Mute { after_s: 30.0 },
];

/// Plays on the simulated board, with what the dice choose: noise, a defect, delays, a stop, losses.
fn chosen(seed: u64) -> Vec<Fact> {
    let mut dice = Dice(seed);
    let (bench, mut runner) = simulated();
    let unit = (dice.roll(3) == 0).then(|| Unit::with(&[DEFECTS[dice.roll(DEFECTS.len() as u64) as usize]]));
    let delay = (dice.roll(2) == 0).then(|| DeliveryDelay { seed, max: Span::milliseconds(1 + dice.roll(300) as i64) });
    let stop = (dice.roll(2) == 0).then(|| RigTime((dice.roll(120_000) * 1_000_003) as i64));
    let mut board = Board::new(&bench, seed, unit.as_ref(), RigTime::ZERO);
    let mut facts = Vec::new();
    let mut progress = |now| if stop.is_some_and(|at| now >= at) { ControlFlow::Break("enough".into()) } else { ControlFlow::Continue(()) };
    play(&mut runner, &mut board, &mut facts, delay, &mut progress).unwrap();
    assert!(runner.finished());
    facts
}

/// Plays the record on a fresh runner.
fn again(runner: Runner, facts: &[Fact]) -> Result<(), Box<Difference>> {
    let mut replay = Replay::new(runner);
    facts.iter().try_for_each(|fact| replay.take(fact))?;
    replay.finish()
}

#[test]
fn every_run_replays_identically() {
    for seed in 0..60 {
        let facts = chosen(seed);
        assert_eq!(again(simulated().1, &facts), Ok(()), "seed {seed}, {} facts", facts.len());
    }
}

#[test]
fn runs_with_losses_and_stops_by_hand_replay_identically() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut stand = Stand::new(vec![infusion(), infusion()]);
        for n in 0..dice.roll(20) {
            stand =
                stand.gap(u64::from(dice.roll(9) == 0)).pulses([RigTime((2_000_000_000 + n * 700_000_000) as i64 + dice.roll(5) as i64)]);
        }
        if dice.roll(2) == 0 {
            stand = stand.stop_at(RigTime((dice.roll(60_000) * 1_000_000) as i64));
        }
        let mut facts = Vec::new();
        // Late inputs in twos, so that one loss comes upon another.
        for _ in 0..dice.roll(4) {
            let at = stand.now + Span::milliseconds(dice.roll(20_000) as i64);
            stand.play_until(&mut facts, at);
            for channel in [TIP, "flow.pump"] {
                let reading = Input::Reading { channel: channel.into(), value: rig_model::input::Real(0.0) };
                stand.runner.offer(rig_model::input::Source::Sensors, RigTime(-1), Some(at), reading);
            }
        }
        stand.play_into(&mut facts);
        assert_eq!(again(runner(vec![infusion(), infusion()]), &facts), Ok(()), "seed {seed}, {} facts", facts.len());
    }
}

#[test]
fn losses_and_a_refusal_before_the_first_case_replay_identically() {
    let mut stand = Stand::new(vec![infusion()]);
    stand.runner.refuse("the port is busy");
    for channel in [TIP, "flow.pump"] {
        let reading = Input::Reading { channel: channel.into(), value: rig_model::input::Real(0.0) };
        stand.runner.offer(rig_model::input::Source::Sensors, RigTime(-1), None, reading);
    }
    let (_, facts) = stand.play();
    assert_eq!(again(runner(vec![infusion()]), &facts), Ok(()));
}

#[test]
fn one_altered_fact_shows() {
    let facts = chosen(1);
    let mut kinds = std::collections::BTreeSet::new();
    for (n, fact) in facts.iter().enumerate() {
        let kind = format!("{:?}", fact.body);
        let kind = kind.split(['(', ' ', '{']).take(2).collect::<Vec<_>>().join(" ");
        let mut altered = facts.clone();
        // An event's or an action's own time, or what an input says: whatever follows from it is different then.
        match &mut altered[n].body {
            Body::Header(header) => header.seed += 1,
            Body::Input(Input::Done { id }) => *id += 1_000_000,
            // A lone delimiter says nothing.
            Body::Input(Input::Rx(bytes)) if bytes.0 == [0] => continue,
            Body::Input(Input::Rx(bytes)) => bytes.0.iter_mut().for_each(|byte| *byte ^= 1),
            Body::Input(Input::Edges(edges)) => edges.first_number += 5,
            // A reading that no check asks for leaves no trace in the events; the record's chain guards it.
            Body::Input(_) => continue,
            // About the record itself, which a replay passes over.
            Body::Note(_) => continue,
            Body::Action(Action::Tx(bytes)) => bytes.0.push(0),
            Body::Action(_) | Body::Event(_) => altered[n].at.0 += 1,
        }
        if kinds.insert(kind.clone()) {
            assert!(again(simulated().1, &altered).is_err(), "{kind} altered at {n}");
            let mut without = facts.clone();
            without.remove(n);
            assert!(again(simulated().1, &without).is_err(), "{kind} taken out at {n}");
        }
    }
    assert!(kinds.len() >= 15, "{kinds:?}");
}

/// A signal may come before the bench has promised anything at all.
#[test]
fn a_run_that_is_stopped_before_its_first_case_is_replayed() {
    for promised in [None, Some(-1), Some(0), Some(1)] {
        let (_, mut runner) = simulated();
        let mut facts = Vec::new();
        if let Some(at) = promised {
            Source::ALL.into_iter().for_each(|source| runner.watermark(source, RigTime(at)));
        }
        runner.stop(RigTime(5_000), "SIGTERM");
        runner.run(RigTime(5_000), &mut facts, &mut Vec::new()).unwrap();
        assert!(facts.len() >= 2, "{promised:?}: {facts:#?}");
        again(simulated().1, &facts).unwrap_or_else(|difference| panic!("{promised:?}: {difference:#?}"));
        let all = Source::ALL;
        all.into_iter().for_each(|source| runner.watermark(source, RigTime(10_000)));
        runner.run(RigTime(10_000), &mut facts, &mut Vec::new()).unwrap();
        again(simulated().1, &facts).unwrap_or_else(|difference| panic!("{promised:?}, gone on: {difference:#?}"));
    }
}
