//! A balance over a pty whose other end is a simulated one, and every way in which it is lost.

use std::path::Path;

use rig_model::bench::{Channel, Instrument};
use rig_model::input::Input;
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_plant::balance::BalanceParams;
use rig_plant::sics::{Sics, SicsParams};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_serial::SerialStream;

use super::PATIENCE;
use crate::balance::{Balance, BalanceError, Parity, Told};
use crate::clock::Clock;
use crate::error::BenchError;
use crate::instrument::mt_sics::{Answer, Failure, Mode, Order, Settings, Weighed};

/// Far faster than a real one, so that the tests don't wait.
fn quick() -> Settings {
    Settings { mode: Mode::Poll { every: Span::milliseconds(5) }, baud: 115_200, reply_limit: Span::seconds(5), ..Settings::new() }
}

/// The balance as a task. Ends with the other end of the line.
pub(super) fn serve(mut port: SerialStream, clock: Clock, mut sics: Sics, flow: f64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let (mut buffer, mut said) = ([0; 256], Vec::new());
        loop {
            let due = sics.next_event().unwrap_or(RigTime::MAX).min(clock.now() + Span::seconds(1));
            let n = tokio::select! {
                n = port.read(&mut buffer) => match n { Ok(n) if n > 0 => n, _ => return },
                () = tokio::time::sleep(clock.until(due)) => 0,
            };
            let now = clock.now();
            sics.advance(now, Volume(flow * (now - RigTime::ZERO).as_hours()), &mut said);
            sics.receive(&buffer[..n], &mut said);
            if port.write_all(&said).await.is_err() {
                return;
            }
            said.clear();
        }
    })
}

fn scale() -> Channel {
    Channel { name: "mass.tip".into(), instrument: Instrument::Alarm, certificate: None, wiring: None }
}

pub(super) fn still() -> BalanceParams {
    BalanceParams { conversion: Span::milliseconds(1), ..BalanceParams::semi_micro().undisturbed() }
}

struct Line {
    balance: Balance,
    server: JoinHandle<()>,
}

fn line(settings: Settings, params: BalanceParams, sics: SicsParams, flow: f64) -> Line {
    let clock = Clock::start();
    let (theirs, ours) = SerialStream::pair().unwrap();
    let server = serve(theirs, clock, Sics::new(params, sics, 1, RigTime::ZERO), flow);
    Line { balance: Balance::over(ours, Path::new("/dev/ttyBALANCE"), settings, clock), server }
}

impl Line {
    /// What is told until it is what is waited for.
    async fn until(&mut self, wanted: impl Fn(&Told) -> bool) -> Vec<Told> {
        let mut all = Vec::new();
        loop {
            let told = timeout(PATIENCE, self.balance.next()).await.expect("in time").unwrap();
            all.push(told);
            if all.last().is_some_and(&wanted) {
                return all;
            }
        }
    }

    async fn fails(&mut self) -> BalanceError {
        let failing = async {
            loop {
                if let Err(error) = self.balance.next().await {
                    return error;
                }
            }
        };
        timeout(PATIENCE, failing).await.expect("it fails in time")
    }
}

fn is_mass(told: &Told) -> bool {
    matches!(told, Told::Reading { weighed: Weighed::Mass { .. }, .. })
}

#[tokio::test]
async fn readings_come_in_order_and_with_stamps_of_the_clock() {
    for mode in [quick().mode, Mode::Repeat { silence: Span::seconds(5) }] {
        let sics = SicsParams { repeat_every: Span::milliseconds(5), ..SicsParams::new("B1") };
        let settings = Settings { mode, serial: Some("B1".to_owned()), ..quick() };
        let mut line = line(settings, still(), sics, 0.0);
        assert_eq!(line.until(|_| true).await, [Told::Ready { serial: "B1".to_owned() }]);
        let mut last = RigTime(i64::MIN);
        for _ in 0..20 {
            let complete = line.balance.complete();
            let told = line.until(is_mass).await.pop().unwrap();
            let Some((at, Input::Reading { channel, value })) = told.fact(&scale()) else { unreachable!() };
            assert_eq!((&*channel, value.0), ("mass.tip", 5_000.0));
            assert!(at >= last && at > complete, "{at:?} after {last:?}, {complete:?}");
            last = at;
        }
    }
}

#[tokio::test]
async fn what_is_not_at_rest_has_another_name() {
    // 3.6 L/h: a milligram in a millisecond.
    let mut line = line(quick(), BalanceParams { capacity: 5_200.0, ..still() }, SicsParams::new("B1"), 3.6e6);
    let told = line.until(|told| matches!(told, Told::Reading { weighed: Weighed::Mass { stable: false, .. }, .. })).await.pop().unwrap();
    let Some((_, Input::Reading { channel, value })) = told.fact(&scale()) else { unreachable!() };
    assert_eq!(&*channel, "mass.tip/unstable");
    assert!(value.0 > 5_000.0);
    // Until it is full.
    let told = line.until(|told| matches!(told, Told::Reading { weighed: Weighed::Overload, .. })).await.pop().unwrap();
    let Some((_, Input::Reading { channel, value })) = told.fact(&scale()) else { unreachable!() };
    assert!(&*channel == "mass.tip" && value.0.is_nan());
}

#[tokio::test]
async fn replies_that_do_not_come_are_asked_for_again_until_they_are_a_loss_of_the_channel() {
    let settings = Settings { reply_limit: Span::milliseconds(20), ..quick() };
    let dropping = |dropped_replies| SicsParams { dropped_replies, ..SicsParams::new("B1") };
    let mut some = line(settings.clone(), still(), dropping(0.3), 0.0);
    for _ in 0..30 {
        let all = some.until(is_mass).await;
        assert!(!all.iter().any(|told| matches!(told, Told::Lost { .. })), "{all:?}");
    }
    // Without any patience each of them is one.
    let mut none = line(Settings { silence: Span::ZERO, failures: 100, ..settings }, still(), dropping(0.3), 0.0);
    let all = none.until(|told| matches!(told, Told::Lost { why, .. } if why.contains("SI was not answered in time"))).await;
    let Some((_, Input::Lost { what })) = all.into_iter().next_back().and_then(|told| told.fact(&scale())) else { unreachable!() };
    assert_eq!(what.channel.as_deref(), Some("mass.tip"));
    none.until(is_mass).await;
}

#[tokio::test]
async fn zero_is_set_and_told() {
    let mut line = line(quick(), BalanceParams { vessel: 1_500.0, ..still() }, SicsParams::new("B1"), 0.0);
    line.until(is_mass).await;
    line.balance.order(Order::Zero).unwrap();
    let all = line.until(|told| matches!(told, Told::Answered { order: Order::Zero, .. })).await;
    assert!(matches!(all.last(), Some(Told::Answered { answer: Answer::Adjusted(_), .. })), "{all:?}");
    let told = line.until(is_mass).await.pop().unwrap();
    assert!(matches!(told, Told::Reading { weighed: Weighed::Mass { mg: 0.0, .. }, .. }), "{told:?}");
}

#[tokio::test]
async fn another_balance_and_a_silent_one_are_refused() {
    let mut other = line(Settings { serial: Some("B2".to_owned()), ..quick() }, still(), SicsParams::new("B1"), 0.0);
    let error = other.fails().await;
    assert!(matches!(&error, BalanceError::GivenUp { source: Failure::Another { .. }, .. }), "{error}");
    let impatient = Settings { reply_limit: Span::milliseconds(20), ..quick() };
    let mut silent = line(impatient, still(), SicsParams { dropped_replies: 1.0, ..SicsParams::new("B1") }, 0.0);
    let error = silent.fails().await;
    assert!(matches!(&error, BalanceError::GivenUp { source: Failure::Silent { .. }, .. }), "{error}");
}

#[tokio::test]
async fn an_unplugged_balance_is_gone() {
    let mut line = line(quick(), still(), SicsParams::new("B1"), 0.0);
    line.until(is_mass).await;
    line.server.abort();
    let error = line.fails().await;
    assert!(matches!(&error, BalanceError::Gone { path, .. } if path == Path::new("/dev/ttyBALANCE")), "{error}");
}

#[tokio::test]
async fn what_came_while_nobody_looked_is_asked_for_again() {
    let mut line = line(quick(), still(), SicsParams::new("B1"), 0.0);
    line.until(is_mass).await;
    // Until one look finds a reply and the look before seems long ago, each of them.
    for _ in 0..20 {
        line.balance.as_if_not_looked_for(Span::milliseconds(201));
        assert_eq!(timeout(PATIENCE, line.balance.look()).await.expect("it looks").unwrap(), None);
    }
    line.until(is_mass).await;
}

#[tokio::test]
async fn a_port_that_is_not_there_is_named() {
    let path = Path::new("/nonexistent-folder/ttyBALANCE");
    let error = Balance::open(path, Parity::Even, quick(), Clock::start()).unwrap_err();
    assert!(matches!(error, BenchError::PortMissing { .. }), "{error}");
}
