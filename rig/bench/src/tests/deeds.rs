//! Injections through the lines of a bench without simulated plumbing.

use rig_model::bench::Line;
use rig_model::deed::Deed;
use rig_model::input::{Action, Actuation, Input, NeedleSite, PlantChange, Source};
use rig_model::quantity::{Flow, Volume};
use rig_plant::wire::Up;

use super::{Bed, Setup, bench, inputs, set};
use crate::feed::Heard;

/// A needle of 600 mL/min, and a connector.
async fn bed() -> Bed {
    let line = |name: &str, does| Line { name: name.into(), safe_active: false, gpio: None, does: Some(does) };
    let mut bench = bench();
    bench.lines.extend([line("needle", Deed::NeedleReservoir(Flow(36_000_000.0))), line("connector", Deed::Disconnect)]);
    Bed::new(Setup { bench, ..Setup::default() }).await
}

fn inject(bed: &mut Bed, id: u64, change: PlantChange) {
    bed.ports.carry_out(Action::Actuate { id, what: Actuation::Plant(change) });
}

fn needle(volume: f64) -> PlantChange {
    PlantChange::Needle { into: NeedleSite::Reservoir, volume: Volume(volume) }
}

async fn done(bed: &mut Bed, id: u64) {
    let at_ns = bed.clock.epoch_ns() + bed.clock.now().0;
    bed.server.say(&Up::Input { source: Source::Bench, at_ns, input: Input::Done { id } }).await;
}

/// The next order, while the run's loop goes round.
async fn order(bed: &mut Bed) -> (u64, Actuation) {
    order_and(bed, &mut Vec::new()).await
}

/// The same, with what is heard meanwhile.
async fn order_and(bed: &mut Bed, heard: &mut Vec<Heard>) -> (u64, Actuation) {
    let Bed { server, ports, .. } = bed;
    let round = async {
        loop {
            ports.take(heard);
            let soon = ports.clock().now() + rig_model::time::Span::milliseconds(10);
            ports.wait(soon).await;
        }
    };
    tokio::select! {
        order = server.order() => order.unwrap(),
        () = round => unreachable!("the round has no end"),
    }
}

fn answer(input: &Input) -> bool {
    matches!(input, Input::Done { .. } | Input::Failed { .. })
}

#[tokio::test]
async fn a_needle_works_for_its_time_and_is_answered_when_it_is_out() {
    let mut bed = bed().await;
    inject(&mut bed, 7, needle(1_000.0));
    let (id, what) = order(&mut bed).await;
    assert_eq!(what, set("needle", true));
    done(&mut bed, id).await;
    let (id, what) = order(&mut bed).await;
    assert_eq!(what, set("needle", false));
    done(&mut bed, id).await;
    assert_eq!(bed.hear_input(answer).await, Input::Done { id: 7 });
}

#[tokio::test]
async fn a_connector_stays_where_it_is_put() {
    let mut bed = bed().await;
    for (asked, open) in [(1, true), (2, false)] {
        inject(&mut bed, asked, PlantChange::Disconnected { open });
        let (id, what) = order(&mut bed).await;
        assert_eq!(what, set("connector", open));
        done(&mut bed, id).await;
        assert_eq!(bed.hear_input(answer).await, Input::Done { id: asked });
    }
}

#[tokio::test]
async fn a_needle_that_is_made_safe_meanwhile_has_failed() {
    let mut bed = bed().await;
    inject(&mut bed, 7, needle(1e6));
    let (id, _) = order(&mut bed).await;
    done(&mut bed, id).await;
    bed.ports.carry_out(Action::Actuate { id: 8, what: set("needle", false) });
    let mut heard = Vec::new();
    assert_eq!(order_and(&mut bed, &mut heard).await, (8, set("needle", false)));
    done(&mut bed, 8).await;
    heard.extend(bed.hear(|h| inputs(h).any(|i| *i == Input::Done { id: 8 })).await);
    let failed = |i: &&Input| matches!(i, Input::Failed { id: 7, why } if why.contains("`needle` was ordered otherwise"));
    assert_eq!(inputs(&heard).filter(failed).count(), 1, "{heard:?}");
    assert_eq!(inputs(&heard).filter(|i| answer(i)).count(), 2, "{heard:?}");
}

#[tokio::test]
async fn what_no_line_does_fails_with_what_to_add() {
    let mut bed = bed().await;
    inject(&mut bed, 3, PlantChange::Withdraw { volume: Volume(1_000.0) });
    let Input::Failed { id: 3, why } = bed.hear_input(answer).await else { panic!("not failed") };
    assert!(why.contains("add a `[[line]]` with `does = \"withdraw\"` and `rate`"), "{why}");
}

#[tokio::test]
async fn one_needle_does_one_thing_at_a_time() {
    let mut bed = bed().await;
    inject(&mut bed, 1, needle(1e6));
    inject(&mut bed, 2, needle(1.0));
    let Input::Failed { id: 2, why } = bed.hear_input(answer).await else { panic!("not failed") };
    assert!(why.contains("still works"), "{why}");
}

#[tokio::test]
async fn a_line_that_does_not_move_fails_its_injection() {
    let mut bed = bed().await;
    inject(&mut bed, 1, needle(1e6));
    let (id, _) = order(&mut bed).await;
    let at_ns = bed.clock.epoch_ns() + bed.clock.now().0;
    let failed = Input::Failed { id, why: "stuck".to_owned() };
    bed.server.say(&Up::Input { source: Source::Bench, at_ns, input: failed }).await;
    assert_eq!(bed.hear_input(answer).await, Input::Failed { id: 1, why: "stuck".to_owned() });
}
