//! The lines channel: what is understood, what is refused, and what happens when it falls silent.

use rig_model::input::{Action, Edges, Input, Real, Sense, Source};
use rig_model::time::{RigTime, Span};
use rig_plant::wire::{MAX_LINE, Up, VERSION};
use tokio::net::UnixListener;

use super::{Bed, Setup, hello, inputs, is_in_order, lost, serve_hello, set, socket, watermark};
use crate::clock::Clock;
use crate::error::BenchError;
use crate::feed::Heard;
use crate::lines::Channel;
use crate::pace::LAG_LIMIT;
use crate::ports::ACTUATION_LIMIT;

fn pulses(first_ns: i64, then: &[i64]) -> Input {
    let single = Edges::single("flow.tip".into(), Sense::Forward, 5, RigTime(first_ns));
    Input::Edges(Edges { then: then.to_vec(), ..single })
}

#[tokio::test]
async fn stamps_become_rig_time_and_a_watermark_holds_for_both_sources() {
    let mut bed = Bed::new(Setup { clock: Clock::started_before(Span::seconds(1)), ..Setup::default() }).await;
    let epoch = bed.clock.epoch_ns();
    let reading = Input::Reading { channel: "pressure.line".into(), value: Real(f64::NAN) };
    bed.server.say(&Up::Input { source: Source::Sensors, at_ns: epoch + 1_000, input: pulses(epoch + 1_000, &[20, 30]) }).await;
    bed.server.say(&Up::Input { source: Source::Sensors, at_ns: epoch + 2_000, input: reading.clone() }).await;
    bed.server.say(&Up::Watermark { at_ns: epoch + 3_000 }).await;
    let complete = Some(RigTime(2_999));
    let heard = bed.hear(|h| watermark(h, Source::Sensors) >= complete && watermark(h, Source::Bench) >= complete).await;
    let sensed: Vec<_> = heard
        .iter()
        .filter_map(|h| match h {
            Heard::Input { source: Source::Sensors, at, input, arrival } => Some((*at, input.clone(), arrival.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(sensed, [(RigTime(1_000), pulses(1_000, &[20, 30]), true), (RigTime(2_000), reading, true)]);
    assert_eq!((watermark(&heard, Source::Sensors), watermark(&heard, Source::Bench)), (complete, complete));
}

#[tokio::test]
async fn an_actuation_is_answered_once() {
    let mut bed = Bed::new(Setup::default()).await;
    for id in [7, 8] {
        bed.ports.carry_out(Action::Actuate { id, what: set("occluder", true) });
        assert_eq!(bed.server.order().await, Some((id, set("occluder", true))));
    }
    let at_ns = bed.clock.epoch_ns() + bed.clock.now().0;
    let failed = Input::Failed { id: 8, why: "stuck".to_owned() };
    for input in [Input::Done { id: 7 }, failed.clone(), Input::Done { id: 7 }] {
        bed.server.say(&Up::Input { source: Source::Bench, at_ns, input }).await;
    }
    let heard = bed.hear(|h| inputs(h).any(lost("actuation 7 was answered when no answer was expected"))).await;
    let answers: Vec<_> = inputs(&heard).filter(|i| matches!(i, Input::Done { .. } | Input::Failed { .. })).cloned().collect();
    assert_eq!(answers, [Input::Done { id: 7 }, failed]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_and_what_follows_is_taken() {
    let mut bed = Bed::new(Setup::default()).await;
    let epoch = bed.clock.epoch_ns();
    let now = epoch + bed.clock.now().0;
    let future = now + Span::hours(1).0;
    let up = |up: Up| up.encode().unwrap().into_bytes();
    let reading =
        |at_ns| Up::Input { source: Source::Sensors, at_ns, input: Input::Reading { channel: "pressure.line".into(), value: Real(1.5) } };
    let cases = [
        (b"\xff\xfe{not json".to_vec(), "not of the wire form"),
        (vec![b'x'; MAX_LINE + 1], "longer than"),
        (vec![b'x'; 5 * MAX_LINE], "longer than"),
        (up(Up::Watermark { at_ns: future }), "in the future"),
        (up(Up::Watermark { at_ns: i64::MAX }), "in the future"),
        (up(reading(future)), "in the future"),
        (up(Up::Input { source: Source::Sensors, at_ns: now, input: pulses(now, &[5, -6]) }), "goes back in time"),
        (up(Up::Input { source: Source::Sensors, at_ns: now, input: pulses(now, &[i64::MAX]) }), "goes back in time"),
        (up(Up::Input { source: Source::Link, at_ns: now, input: Input::LinkUp }), "does not come this way"),
        (up(Up::Input { source: Source::Bench, at_ns: now, input: pulses(now, &[]) }), "does not come this way"),
        (
            up(Up::Input { source: Source::Operator, at_ns: now, input: Input::StopRequest { why: "me".to_owned() } }),
            "does not come this way",
        ),
        (up(hello()), "second hello"),
    ];
    for (line, why) in cases {
        bed.server.say_raw(&line).await;
        let sound = bed.clock.epoch_ns() + bed.clock.now().0;
        bed.server.say(&reading(sound)).await;
        let heard = bed.hear(|h| inputs(h).any(|i| matches!(i, Input::Reading { .. }))).await;
        assert_eq!(inputs(&heard).filter(|i| lost(why)(i)).count(), 1, "{why}: {heard:?}");
        assert_eq!(inputs(&heard).count(), 2, "{why}: {heard:?}");
        assert!(is_in_order(&heard, Source::Sensors));
    }
}

#[tokio::test]
async fn what_happened_before_the_run_is_no_part_of_it() {
    let mut bed = Bed::new(Setup::default()).await;
    let epoch = bed.clock.epoch_ns();
    bed.server.say(&Up::Input { source: Source::Sensors, at_ns: epoch - 1, input: pulses(epoch - 1, &[]) }).await;
    bed.server.say(&Up::Watermark { at_ns: epoch + 1 }).await;
    let heard = bed.hear(|h| watermark(h, Source::Sensors) >= Some(RigTime::ZERO)).await;
    assert_eq!(inputs(&heard).count(), 0, "{heard:?}");
}

#[tokio::test]
async fn a_closed_channel_fails_what_is_outstanding_and_what_comes_and_holds_nothing_up() {
    let mut bed = Bed::new(Setup::default()).await;
    bed.ports.carry_out(Action::Actuate { id: 1, what: set("power", true) });
    bed.server.order().await.unwrap();
    let gone = std::mem::replace(&mut bed.server, other_server().await);
    drop(gone);
    let mut all = bed.hear(|h| inputs(h).any(lost("the lines channel is gone"))).await;
    let failed = |id: u64| move |i: &Input| matches!(i, Input::Failed { id: f, .. } if *f == id);
    assert!(inputs(&all).any(failed(1)), "{all:?}");

    bed.ports.carry_out(Action::Actuate { id: 2, what: set("power", true) });
    all.extend(bed.hear(|h| inputs(h).any(failed(2))).await);
    let now = bed.clock.now();
    all.extend(bed.hear(|h| [Source::Bench, Source::Sensors].iter().all(|s| watermark(h, *s) >= Some(now))).await);
    assert!(is_in_order(&all, Source::Bench) && is_in_order(&all, Source::Sensors), "{all:?}");
}

/// A dwell that began after the loss must not take the silence of dead sensors for an end of flow.
#[tokio::test]
async fn sensors_that_are_gone_go_on_being_lost() {
    let mut bed = Bed::new(Setup::default()).await;
    drop(std::mem::replace(&mut bed.server, other_server().await));
    let told = |heard: &[Heard]| {
        let sensors =
            |h: &&Heard| matches!(h, Heard::Input { source: Source::Sensors, input, .. } if lost("the lines channel is gone")(input));
        heard.iter().filter(sensors).count()
    };
    let all = bed.hear(|heard| told(heard) == 3).await;
    assert!(is_in_order(&all, Source::Sensors), "{all:?}");
}

async fn other_server() -> super::Server {
    let dir = tempfile::tempdir().unwrap();
    super::channel(&dir).await.1
}

#[tokio::test]
async fn a_source_that_lags_is_told_and_waited_for_no_longer_until_it_has_caught_up() {
    let ago = LAG_LIMIT + Span::seconds(30);
    let mut bed = Bed::new(Setup { clock: Clock::started_before(ago), ..Setup::default() }).await;
    let forced = RigTime::ZERO + Span::seconds(30);
    let mut all = bed.hear(|h| [Source::Bench, Source::Sensors].iter().all(|s| watermark(h, *s) >= Some(forced))).await;
    for source in ["sensors", "bench"] {
        let told = inputs(&all).filter(|i| matches!(i, Input::Lost { what } if what.why.to_lowercase().starts_with(source))).count();
        assert_eq!(told, 1, "{source}: {all:?}");
    }
    let now = bed.clock.now();
    bed.server.say(&Up::Watermark { at_ns: bed.clock.epoch_ns() + now.0 }).await;
    let caught_up = now - Span::nanoseconds(1);
    all.extend(bed.hear(|h| watermark(h, Source::Sensors) >= Some(caught_up)).await);
    assert!(is_in_order(&all, Source::Sensors));
}

#[tokio::test]
async fn an_actuation_that_nobody_answers_fails() {
    let mut bed = Bed::new(Setup::default()).await;
    bed.ports.carry_out(Action::Actuate { id: 3, what: set("leak", true) });
    let Input::Failed { id: 3, why } = bed.hear_input(|i| matches!(i, Input::Failed { .. })).await else { panic!("another one") };
    assert_eq!(why, format!("no answer within {ACTUATION_LIMIT}"));
}

#[tokio::test]
async fn a_peer_of_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket(&dir)).unwrap();
    let other = Up::Hello { version: VERSION + 1, model: "REF-1".to_owned(), serial: "1".to_owned(), at_ns: 0 };
    let path = socket(&dir);
    let (channel, _server) = tokio::join!(Channel::connect(&path), serve_hello(listener, other));
    let error = channel.unwrap_err();
    assert!(
        matches!(&error, BenchError::LinesUnfit { name, why } if *name == path.display().to_string() && why.contains("version 3")),
        "{error}"
    );
}
