//! The order in which inputs reach the rig is not the order in which they happened, and must not matter.

use proptest::prelude::*;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::input::{Edges, Input, Source};
use rig_model::time::{RigTime, Span};
use rig_runner::Runner;

use crate::stand::*;

/// A run's inputs by source, as they happened.
fn recorded() -> (Vec<Fact>, [Vec<(RigTime, Input)>; 4]) {
    let strokes = [2, 4, 7, 13, 14].into_iter().flat_map(|at| (0..8).map(move |n| s(at) + Span::milliseconds(40 * n)));
    // Pulses all around the window's end, where answers of the pump come between them.
    let dense = (0..60).map(|n| s(11) + Span::milliseconds(530 + 2 * n));
    let mut times: Vec<_> = strokes.chain(dense).collect();
    times.sort();
    let (_, facts) = Stand::new(vec![infusion()]).pulses(times).play();
    let mut sources = [const { Vec::new() }; 4];
    for fact in &facts {
        let Body::Input(input) = &fact.body else { continue };
        let source = match input {
            Input::Rx(_) => Source::Link,
            Input::Done { .. } => Source::Bench,
            _ => Source::Sensors,
        };
        sources[source as usize].push((fact.at, input.clone()));
    }
    (facts, sources)
}

/// One delivery: how many of which source's inputs, edges in batches or not, and how far its promise then goes.
#[derive(Debug, Clone)]
struct Delivery {
    source: usize,
    count: usize,
    batched: bool,
    promise: bool,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    (0..4usize, 1..12usize, any::<bool>(), any::<bool>()).prop_map(|(source, count, batched, promise)| Delivery {
        source,
        count,
        batched,
        promise,
    })
}

/// Offers a run's inputs in this order and gives what became of them.
fn delivered(sources: &[Vec<(RigTime, Input)>; 4], deliveries: &[Delivery]) -> (Runner, Vec<Fact>) {
    let (mut runner, mut facts, mut actions) = (runner(vec![infusion()]), Vec::new(), Vec::new());
    let mut next = [0usize; 4];
    // At last everything, in whatever order is left.
    let rest = (0..4).map(|source| Delivery { source, count: usize::MAX, batched: true, promise: true });
    for Delivery { source, count, batched, promise } in deliveries.iter().cloned().chain(rest) {
        let all = &sources[source];
        let end = next[source].saturating_add(count).min(all.len());
        for (at, input) in joined(&all[next[source]..end], batched) {
            runner.offer(Source::ALL[source], at, None, input);
        }
        next[source] = end;
        if promise {
            // The truth: nothing older than just before the next one.
            let until = all.get(end).map_or(RigTime(i64::MAX / 2), |(at, _)| RigTime(at.0 - 1));
            runner.watermark(Source::ALL[source], until);
        }
        runner.run(RigTime::ZERO, &mut facts, &mut actions).unwrap();
    }
    (runner, facts)
}

/// Edges that follow each other made one batch.
fn joined(inputs: &[(RigTime, Input)], batched: bool) -> Vec<(RigTime, Input)> {
    let mut joined: Vec<(RigTime, Input)> = Vec::new();
    for (at, input) in inputs {
        if batched
            && let Input::Edges(edge) = input
            && let Some((_, Input::Edges(batch))) = joined.last_mut()
        {
            batch.then.push(edge.first.0 - batch.last().0);
            continue;
        }
        joined.push((*at, input.clone()));
    }
    joined
}

/// All inputs in the order in which they were handled, batches taken apart.
fn handled(facts: &[Fact]) -> Vec<(RigTime, String)> {
    let of = |fact: &Fact| match &fact.body {
        Body::Input(Input::Edges(edges)) => {
            let Edges { channel, sense, .. } = edges;
            edges.times().map(|at| (at, format!("{channel} {sense:?}"))).collect()
        }
        Body::Input(input) => vec![(fact.at, format!("{input:?}"))],
        _ => Vec::new(),
    };
    facts.iter().flat_map(of).collect()
}

/// What was concluded, and when. That a channel is alive is told with a batch's end, wherever that is.
fn concluded(facts: &[Fact]) -> Vec<(RigTime, String)> {
    let told = events(facts).filter(|(_, e)| !matches!(e, Event::ChannelAlive { .. }));
    told.map(|(at, e)| (at, format!("{e:?}"))).collect()
}

fn first_difference<T: PartialEq>(a: Vec<T>, b: Vec<T>) -> Option<(usize, Option<T>, Option<T>)> {
    let place = (0..a.len().max(b.len())).find(|n| a.get(*n) != b.get(*n))?;
    Some((place, a.into_iter().nth(place), b.into_iter().nth(place)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_true_delivery_gives_the_same_order_and_the_same_conclusions(deliveries in prop::collection::vec(delivery(), 0..60)) {
        let (recorded, sources) = recorded();
        let (runner, facts) = delivered(&sources, &deliveries);
        prop_assert!(runner.finished());
        prop_assert_eq!(first_difference(handled(&facts), handled(&recorded)), None);
        prop_assert_eq!(first_difference(concluded(&facts), concluded(&recorded)), None);
    }
}

#[test]
fn a_batch_that_reaches_over_a_deadline_is_judged_on_both_sides_of_it() {
    // The window ends between the second and the third pulse; all five come as one batch, long afterwards.
    let end = RigTime::ZERO + PRELUDE + RELAY_AFTER + Span::seconds(10);
    let times = [s(3), RigTime(end.0 - 1), RigTime(end.0 + 1), s(12), s(13)];
    for (times, expected) in [(times, 2), ([s(3), s(4), end, s(12), s(13)], 3)] {
        let mut sources = recorded().1;
        let single = |at: &RigTime| (*at, Input::Edges(Edges::single(TIP.into(), rig_model::input::Sense::Forward, 0, *at)));
        sources[Source::Sensors as usize] = times.iter().map(single).collect();
        let facts = delivered(&sources, &[]).1;
        assert_eq!(rows(&facts).iter().find(|r| r.quantity == "volume").and_then(|r| r.n), Some(expected), "{times:?}");
    }
}
