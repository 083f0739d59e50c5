//! The loop with a real runner, on a bench whose lines answer and whose pump does not.

use std::sync::Arc;
use std::time::Duration;

use rig_model::bench::{Bench, SafeDown};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, FactSink, Header, SinkError, SourceText};
use rig_model::input::{Actuation, Input, Source};
use rig_model::quantity::Volume;
use rig_model::scenario::{Case, Given, Scenario, Step, StepKind};
use rig_model::time::Span;
use rig_plant::wire::Up;
use rig_runner::{Plan, PlannedCase, Runner};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use super::{Bed, PATIENCE, Server, Setup, safe_levels};
use crate::clock::Clock;
use crate::error::BenchError;
use crate::mark::{Mark, Marking, OnMark, wedged};
use crate::play::{Leaving, play_marked, play_on};
use crate::service::Service;
use crate::writer::record_beside;

const LIMIT: Span = Span::seconds(40);

/// A case that would take an hour.
fn runner() -> Runner {
    let step = Step { path: "steps.1".into(), text: "wait 1 h".to_owned(), kind: StepKind::Wait(Span::hours(1)) };
    let case = Case {
        label: String::new(),
        time_limit: Span::hours(2),
        given: Given::default(),
        watch: Vec::new(),
        steps: vec![step],
        finally: Vec::new(),
    };
    let scenario = Scenario {
        id: "WAIT-01".into(),
        title: "Nothing for an hour".to_owned(),
        file: "wait.yaml".to_owned(),
        sha256: String::new(),
        tags: Vec::new(),
        hazards: Vec::new(),
        cases: vec![case],
    };
    let cases = vec![PlannedCase { scenario: Arc::new(scenario), case: 0, lacking: Vec::new() }];
    let bench = Bench { safe_down: SafeDown { dwell: Span::milliseconds(20), at_most: Volume(1.0) }, ..super::bench() };
    Runner::new(Plan { header: header(), bench: Arc::new(bench), cases }).unwrap()
}

fn header() -> Header {
    Header {
        tool: "rig".to_owned(),
        run_id: "run".to_owned(),
        started_utc: "2031-02-03T04:05:06Z".to_owned(),
        bench: "process".to_owned(),
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
        bench_file: SourceText { path: String::new(), sha256: String::new(), text: String::new() },
        files: Vec::new(),
        host: String::new(),
        provenance: Box::default(),
    }
}

/// Does what a board's process does: obeys, and promises every 10 ms. Gives back the last orders.
async fn obey(server: Server, clock: Clock) -> Vec<Actuation> {
    obey_and(server, clock, || {}).await
}

/// The same, and tells when the first order has come.
async fn obey_and(mut server: Server, clock: Clock, mut first: impl FnMut()) -> Vec<Actuation> {
    let mut tick = interval(Duration::from_millis(10));
    let mut all = Vec::new();
    loop {
        let answer = tokio::select! {
            order = server.order() => match order {
                None => return all.split_off(all.len().saturating_sub(safe_levels().len())),
                Some((id, what)) => {
                    if all.is_empty() {
                        first();
                    }
                    all.push(what);
                    Some(Input::Done { id })
                }
            },
            _ = tick.tick() => None,
        };
        let at_ns = clock.epoch_ns() + clock.now().0;
        match answer {
            Some(input) => server.say(&Up::Input { source: Source::Bench, at_ns, input }).await,
            // The run may have ended since the last order.
            None => server.say_if_heard(&Up::Watermark { at_ns }).await,
        }
    }
}

/// Keeps the facts; asks for a stop, or fails, once the first actuation was answered.
struct Sink {
    facts: Vec<Fact>,
    stops: mpsc::Sender<String>,
    then: Then,
}

enum Then {
    Stop(&'static [&'static str]),
    Fail,
}

impl FactSink for Sink {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if matches!(fact.body, Body::Input(Input::Done { .. })) {
            match &mut self.then {
                Then::Stop(whys) => std::mem::take(whys).iter().for_each(|why| self.stops.try_send((*why).to_owned()).unwrap()),
                Then::Fail => return Err(SinkError { what: "no space left on device".to_owned(), source: None }),
            }
        }
        self.facts.push(fact.clone());
        Ok(())
    }
}

struct Played {
    result: Result<(), BenchError>,
    finished: bool,
    facts: Vec<Fact>,
    last_orders: Vec<Actuation>,
}

async fn played(then: Then) -> Played {
    played_with(then, None).await
}

async fn played_with(then: Then, mark: Option<Mark>) -> Played {
    let Bed { ports, server, clock, board, dir, .. } = Bed::new(Setup::default()).await;
    let mut runner = runner();
    let (to, mut stops) = mpsc::channel(4);
    let mut sink = Sink { facts: Vec::new(), stops: to, then };
    let leaving = Leaving { limit: LIMIT, service: Service::begin() };
    let playing = async { tokio::join!(play_marked(&mut runner, ports, mark, leaving, &mut sink, &mut stops), obey(server, clock)) };
    let (result, last_orders) = timeout(PATIENCE, playing).await.expect("the run ends");
    drop((board, dir));
    Played { result, finished: runner.finished(), facts: sink.facts, last_orders }
}

fn stop_requests(facts: &[Fact]) -> Vec<&str> {
    let requests =
        facts.iter().filter_map(|f| if let Body::Input(Input::StopRequest { why }) = &f.body { Some(why.as_str()) } else { None });
    requests.collect()
}

#[tokio::test]
async fn a_stop_request_ends_the_run_by_its_safe_down() {
    let Played { result, finished, facts, last_orders } = played(Then::Stop(&["SIGTERM"])).await;
    result.unwrap();
    assert!(finished);
    assert_eq!(stop_requests(&facts), ["SIGTERM"]);
    assert!(facts.iter().any(|f| matches!(&f.body, Body::Event(Event::Safe(shown)) if shown.lines_safe)));
    assert!(matches!(facts.last().unwrap().body, Body::Event(Event::RunEnded(_))));
    assert_eq!(last_orders, safe_levels());
}

#[tokio::test]
async fn a_second_stop_request_ends_the_waiting_and_still_makes_the_lines_safe() {
    let Played { result, finished, facts, last_orders } = played(Then::Stop(&["SIGINT", "SIGHUP"])).await;
    let BenchError::NotShownSafe { why, lines } = result.unwrap_err() else { panic!("another error") };
    assert_eq!((why.as_str(), lines.as_str()), ("SIGHUP came while it was under way", "answered"));
    assert!(!finished);
    assert!(!facts.iter().any(|f| matches!(&f.body, Body::Event(Event::Safe(_)))));
    assert_eq!(last_orders, safe_levels());
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_run_by_its_safe_down_too() {
    let Played { result, finished, facts, last_orders } = played(Then::Fail).await;
    let error = result.unwrap_err();
    assert!(matches!(&error, BenchError::Sink { source } if source.what == "no space left on device"), "{error}");
    assert!(finished, "the run was made safe without a record");
    assert!(!facts.iter().any(|f| matches!(&f.body, Body::Event(Event::RunEnded(_)))), "nothing is recorded after the failure");
    assert_eq!(last_orders, safe_levels());
}

/// A disk that takes nothing until it is let go.
struct Stalled {
    go: std::sync::mpsc::Receiver<()>,
    taken: usize,
}

impl FactSink for Stalled {
    fn record(&mut self, _: &Fact) -> Result<(), SinkError> {
        // Nobody ever sends: it goes on when the other end is gone.
        let _ = self.go.recv();
        self.taken += 1;
        Ok(())
    }
}

#[test]
fn a_stalled_disk_delays_no_output() {
    let (let_go, go) = std::sync::mpsc::channel();
    let mut stalled = Stalled { go, taken: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (orders, written) = record_beside(&mut stalled, |queue| {
        runtime.block_on(async {
            let Bed { ports, server, clock, board, dir, .. } = Bed::new(Setup::default()).await;
            let mut runner = runner();
            let (to, mut stops) = mpsc::channel(4);
            let leaving = Leaving { limit: LIMIT, service: Service::begin() };
            let playing = async {
                let board = obey_and(server, clock, || to.try_send("SIGTERM".to_owned()).unwrap());
                tokio::join!(play_on(&mut runner, ports, leaving, queue, &mut stops), board)
            };
            let (result, orders) = timeout(PATIENCE, playing).await.expect("the run ends although the disk stands still");
            result.unwrap();
            // The whole run is over, safe-down and all, and not one fact is on the disk.
            drop((board, dir, let_go));
            orders
        })
    });
    written.unwrap();
    assert_eq!(orders, safe_levels());
    assert!(stalled.taken > 10, "everything is written in the end: {}", stalled.taken);
}

#[tokio::test]
async fn the_mark_goes_with_the_proof_that_the_bench_is_safe_and_not_without() {
    for (then, because) in [
        (Then::Stop(&["SIGTERM"]), None),
        (Then::Stop(&["SIGINT", "SIGHUP"]), Some("SIGHUP came while it was under way")),
        // What is not recorded proves nothing to the next one.
        (Then::Fail, Some("facts could not be recorded")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rig-pi.wedged");
        let marking = Marking { path: path.clone(), run: "r1".to_owned(), since: "now".to_owned(), on_mark: OnMark::Refuse };
        let mark = Mark::make(marking).unwrap();
        let _ = played_with(then, Some(mark)).await;
        let found = wedged(&path).unwrap().map(|wedged| wedged.because.unwrap());
        assert_eq!(found.is_some(), because.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(because.unwrap_or_default()));
    }
}
