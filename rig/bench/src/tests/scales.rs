//! A balance among all that the loop hears from.

use rig_model::bench::{Bench, Channel, Instrument, Parity, SerialInstrument, Wiring};
use rig_model::input::{BENCH_ITSELF, Input, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_model::weighing;
use rig_plant::sics::{Sics, SicsParams};
use rig_plant::wire::Up;
use tokio::task::JoinHandle;
use tokio_serial::SerialStream;

use super::balance::{serve, still};
use super::{Bed, Setup, inputs, is_in_order, lost, watermark};
use crate::clock::Clock;
use crate::feed::Heard;
use crate::scales::Scales;

fn bench() -> Bench {
    let stated = weighing::Balance {
        beside: None,
        resolution: 0.01,
        uncertainty: None,
        sensitivity_ppm: 0.0,
        wander: 0.0,
        min: 0.0,
        max: 100_000.0,
        liquid: weighing::Liquid::Water { celsius: 20.0, half_width: 0.5 },
        air: weighing::Air::Assumed,
        tube: None,
        start_stop: Volume(0.0),
        rest_rate_at_most: weighing::Balance::REST_RATE_AT_MOST,
        settle: Span::seconds(1),
        read_every: Span::milliseconds(5),
        simulated: None,
    };
    let serial = SerialInstrument { path: None, baud: 9_600, parity: Parity::Even, serial: Some("B1".to_owned()), repeats: false };
    let wiring = Some(Wiring::Serial(serial));
    let balance = Channel { name: "balance".into(), instrument: Instrument::Balance(Box::new(stated)), certificate: None, wiring };
    Bench { channels: vec![balance], ..super::bench() }
}

/// A bed with a balance, and the balance.
async fn bed() -> (Bed, JoinHandle<()>) {
    let clock = Clock::start();
    let (theirs, ours) = SerialStream::pair().unwrap();
    let server = serve(theirs, clock, Sics::new(still(), SicsParams::new("B1"), 1, RigTime::ZERO), 0.0);
    let scales = Some(Scales::over(&bench(), ours));
    (Bed::new(Setup { scales, clock, ..Setup::default() }).await, server)
}

/// The process with the plumbing says that its sensors have come as far as this.
async fn promise(bed: &mut Bed) -> RigTime {
    let now = bed.clock.now();
    let at_ns = bed.clock.epoch_ns() + now.0;
    bed.server.say(&Up::Watermark { at_ns }).await;
    // Something at this very time may still come.
    now - Span::nanoseconds(1)
}

fn readings(heard: &[Heard]) -> usize {
    inputs(heard).filter(|i| matches!(i, Input::Reading { channel, .. } if &**channel == "balance")).count()
}

#[tokio::test]
async fn its_readings_come_among_those_of_the_other_sensors_and_no_promise_overtakes_them() {
    let (mut bed, _server) = bed().await;
    let first = promise(&mut bed).await;
    let mut all = bed.hear(|heard| readings(heard) >= 10).await;
    assert!(watermark(&all, Source::Sensors) <= Some(first), "the others have come no further");
    let later = promise(&mut bed).await;
    all.extend(bed.hear(|heard| watermark(heard, Source::Sensors) >= Some(later)).await);
    // What is on the wire is waited for, however far ahead the others are.
    for _ in 0..20 {
        promise(&mut bed).await;
        all.extend(bed.hear(|heard| readings(heard) >= 1).await);
    }
    assert!(is_in_order(&all, Source::Sensors));
    assert!(!inputs(&all).any(lost("said nothing")), "the promise was theirs: {all:?}");
}

#[tokio::test]
async fn one_that_is_unplugged_fails_the_bench_and_is_not_waited_for() {
    let (mut bed, server) = bed().await;
    bed.hear(|heard| readings(heard) >= 1).await;
    server.abort();
    let all = bed.hear(|heard| inputs(heard).any(|i| matches!(i, Input::Failed { id: BENCH_ITSELF, .. }))).await;
    let Some(Input::Lost { what }) = inputs(&all).find(|i| lost("channel `balance` can't be read any more")(i)) else { panic!("{all:?}") };
    assert_eq!(what.channel.as_deref(), Some("balance"));
    assert!(what.why.contains("is gone"), "{}", what.why);
    // The flow sensors alone say now how far all have come.
    let later = promise(&mut bed).await;
    let all = bed.hear(|heard| watermark(heard, Source::Sensors) >= Some(later)).await;
    assert!(!inputs(&all).any(lost("said nothing")), "the promise was theirs: {all:?}");
}
