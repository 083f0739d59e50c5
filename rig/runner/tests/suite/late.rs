//! Inputs that are late, missing from the running number, or too many: told as lost, and never quietly left out.

use rig_model::event::Event;
use rig_model::fact::Fact;
use rig_model::input::{Edges, Input, Real, Sense, Source};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Reason::{BeyondLimits, DataLost, WithinLimits};
use rig_model::verdict::Verdict::{Error, Fail, Pass};

use crate::stand::*;

fn lost(facts: &[Fact]) -> Vec<(Option<String>, Option<u64>)> {
    let lost = |(_, e): (RigTime, &Event)| match e {
        Event::DataLost(lost) => Some((lost.channel.as_ref().map(ToString::to_string), lost.count)),
        _ => None,
    };
    events(facts).filter_map(lost).collect()
}

#[test]
fn a_gap_in_the_running_number_is_a_loss() {
    let ten = |from: i64| (0..10).map(move |n| s(from) + Span::milliseconds(40 * n));
    for (gap, more, expected) in [
        (0, 0, (Pass, WithinLimits)),
        (1, 0, (Error, DataLost)),
        // 10 pulses/µL and at most 5 µL: sixty pulses prove too much, whatever is missing.
        (1, 40, (Fail, BeyondLimits)),
        (0, 40, (Fail, BeyondLimits)),
    ] {
        let more = (0..more).map(|n| s(8) + Span::milliseconds(40 * n));
        let (stand, facts) = Stand::new(vec![infusion()]).pulses(ten(3)).gap(gap).pulses(ten(5)).pulses(more).play();
        assert_eq!(of(&facts, "steps.2"), [expected], "{gap} missing");
        let told: Vec<_> = (gap > 0).then(|| (Some(TIP.to_owned()), Some(gap))).into_iter().collect();
        assert_eq!(lost(&facts), told);
        assert_eq!(stand.ended().verdict, Some(expected.0));
    }
}

#[test]
fn numbers_that_run_backwards_are_a_loss_of_nobody_knows_how_many() {
    let backwards = Edges::single(TIP.into(), Sense::Forward, 0, s(6));
    let (_, facts) = Stand::new(vec![infusion()]).pulses([s(3), s(4)]).at(s(6), Source::Sensors, Input::Edges(backwards)).play();
    assert_eq!((lost(&facts), of(&facts, "steps.2")), (vec![(Some(TIP.into()), None)], vec![(Error, DataLost)]));
    let absurd = Edges::single(TIP.into(), Sense::Forward, u64::MAX, s(6));
    let (_, facts) = Stand::new(vec![infusion()]).pulses([s(3), s(4)]).at(s(6), Source::Sensors, Input::Edges(absurd)).play();
    assert_eq!(of(&facts, "steps.2"), [(Error, DataLost)]);
}

/// Plays an infusion, but at 6 s offers this input with this older time.
fn with_late(source: Source, at: RigTime, input: Input) -> Vec<Fact> {
    let mut stand = Stand::new(vec![infusion()]).pulses([s(3), s(4)]);
    let mut facts = Vec::new();
    stand.play_until(&mut facts, s(6));
    stand.runner.offer(source, at, Some(s(6)), input);
    stand.play_into(&mut facts);
    facts
}

#[test]
fn what_comes_after_its_time_was_judged_is_lost() {
    let reading = |channel: &str| Input::Reading { channel: channel.into(), value: Real(1.0) };
    let edge = Input::Edges(Edges::single(TIP.into(), Sense::Forward, 2, s(5)));
    let bytes = || Input::Rx(rig_model::input::Bytes(b"! bolus\n".to_vec()));
    for (source, input, channel, expected) in [
        (Source::Sensors, edge, Some(TIP), (Error, DataLost)),
        (Source::Sensors, reading(TIP), Some(TIP), (Error, DataLost)),
        (Source::Sensors, reading("pressure.line"), Some("pressure.line"), (Pass, WithinLimits)),
        (Source::Link, bytes(), Some("link"), (Pass, WithinLimits)),
        (Source::Bench, Input::Done { id: 999 }, None, (Error, DataLost)),
    ] {
        let facts = with_late(source, s(5), input.clone());
        assert_eq!(of(&facts, "steps.2"), [expected], "{input:?}");
        assert_eq!(lost(&facts), [(channel.map(str::to_owned), Some(1))], "{input:?}");
        let taken = facts.iter().any(|f| f.body == rig_model::fact::Body::Input(input.clone()));
        assert!(!taken, "{input:?} was not handled late");
    }
}

#[test]
fn a_flood_is_bounded_and_told_once() {
    let mut stand = Stand::new(vec![infusion()]).pulses([s(3), s(4)]);
    let mut facts = Vec::new();
    stand.play_until(&mut facts, s(6));
    // The sensors tell and tell, but nobody else promises anything.
    let flood = (1 << 17) + 1_000;
    for n in 0..flood {
        let edges = Edges::single(TIP.into(), Sense::Forward, 2 + n, RigTime(s(7).0 + n as i64));
        stand.runner.offer(Source::Sensors, edges.first, None, Input::Edges(edges));
    }
    let before = facts.len();
    stand.play_into(&mut facts);
    assert_eq!(lost(&facts[before..])[0], (Some(TIP.into()), Some(1_000)));
    assert_eq!(of(&facts, "steps.2"), [(Fail, BeyondLimits)], "131,072 pulses are too many, whatever is missing");
}

#[test]
fn a_flood_of_late_inputs_is_one_fact_for_each_channel() {
    let mut stand = Stand::new(vec![infusion()]).pulses([s(3), s(4)]);
    let mut facts = Vec::new();
    stand.play_until(&mut facts, s(6));
    for n in 0..1_000 {
        for channel in [TIP, "flow.pump"] {
            stand.runner.offer(Source::Sensors, s(5), None, Input::Edges(Edges::single(channel.into(), Sense::Forward, n, s(5))));
        }
    }
    stand.play_into(&mut facts);
    assert_eq!(lost(&facts), [(Some(TIP.into()), Some(1_000)), (Some("flow.pump".into()), Some(1_000))]);
}
