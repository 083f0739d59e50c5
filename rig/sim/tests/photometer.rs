//! The photometer of the simulated bench tells each change at its time, keeps its promise, and costs no events of its own.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "another test's part")]
mod desk;

use desk::{Desk, quiet_bench};
use rig_model::input::{Input, NeedleSite, PlantChange, Source};
use rig_model::quantity::{Concentration, Volume};
use rig_model::time::{RigTime, Span};
use rig_sim::Board;

const EVERY: Span = Span::seconds(60);

fn readings(desk: &Desk) -> Vec<(RigTime, f64)> {
    let reading =
        |input: &Input| if let Input::Reading { channel, value } = input { (&**channel == "drug.tip").then_some(value.0) } else { None };
    desk.seen.iter().filter_map(|a| reading(&a.input).map(|value| (a.at, value))).collect()
}

#[test]
fn it_is_never_silent_for_longer_than_it_promises() {
    let mut desk = Desk::new(&quiet_bench(), 1, None);
    desk.wait(Span::seconds(7));
    desk.line("power", true);
    desk.wait(Span::minutes(30));
    let all = readings(&desk);
    assert!(all.len() >= 30 && all.windows(2).all(|pair| pair[1].0 - pair[0].0 <= EVERY && pair[1].0 > pair[0].0), "{all:?}");
    assert!(all[0].0 <= RigTime::ZERO + Span::milliseconds(1), "it begins with what there is: {:?}", all[0]);
}

#[test]
fn its_noise_is_within_what_it_states_and_the_seeds_own() {
    let of = |seed| {
        let mut desk = Desk::new(&quiet_bench(), seed, None);
        desk.wait(Span::hours(2));
        readings(&desk)
    };
    let all: Vec<_> = (0..20).flat_map(of).collect();
    assert!(all.iter().all(|(_, value)| (value - 1_000.0).abs() <= 20.0), "2 % of 1 mg/mL");
    assert!(all.iter().any(|(_, value)| (value - 1_000.0).abs() > 5.0));
    assert_eq!(of(3), of(3));
    assert_ne!(of(3), of(4));
}

#[test]
fn an_empty_catheter_shows_no_drug() {
    let mut desk = Desk::new(&quiet_bench(), 1, None);
    assert!(desk.plant(PlantChange::Catheter { primed: false }));
    assert_eq!(readings(&desk).last().map(|(_, value)| *value), Some(0.0));
    assert!(desk.plant(PlantChange::Catheter { primed: true }));
    assert!(readings(&desk).last().is_some_and(|(_, value)| (value - 1_000.0).abs() <= 20.0));
}

#[test]
fn it_is_new_on_a_fresh_bench() {
    let mut desk = Desk::new(&quiet_bench(), 1, None);
    assert!(desk.plant(PlantChange::Drug { concentration: Concentration(2_000.0) }));
    assert!(desk.plant(PlantChange::Catheter { primed: true }));
    assert!(desk.plant(PlantChange::Needle { into: NeedleSite::Pocket, volume: Volume(5_000.0) }));
    assert!(desk.plant(PlantChange::Fresh { seed: 2 }));
    desk.wait(Span::seconds(1));
    assert!(readings(&desk).last().is_some_and(|(_, value)| (value - 1_000.0).abs() <= 20.0));
    assert_eq!((desk.board.plant().concentration().0, desk.board.plant().in_pocket().0), (1_000.0, 0.0));
}

#[test]
fn it_costs_no_event_of_its_own() {
    let mut without = quiet_bench();
    without.channels.retain(|c| &*c.name != "drug.tip");
    let events = |bench| {
        let (mut board, mut out) = (Board::new(bench, 1, None, RigTime::ZERO), Vec::new());
        let mut events = 0;
        while board.now() < RigTime::ZERO + Span::hours(10) {
            let next = board.next_event().unwrap();
            board.advance(next, &mut out);
            events += 1;
        }
        assert!(out.iter().all(|arrival| arrival.source == Source::Sensors));
        events
    };
    assert_eq!(events(&quiet_bench()), events(&without));
}
