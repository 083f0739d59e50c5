//! A bench by hand: a text pump that answers after 5 ms, relays that answer after 10 ms, and inputs at instants that the test chooses.

use std::collections::BTreeMap;
use std::sync::Arc;

use rig_dut::Session;
use rig_model::bench::*;
use rig_model::dut::Verb;
use rig_model::event::{Event, RunEnded, SafeShown};
use rig_model::fact::{Body, Fact, FactSink, Header, SinkError, SourceText};
use rig_model::input::{Action, Actuation, Bytes, Edges, Input, Sense, Source};
use rig_model::quantity::Volume;
use rig_model::scenario::*;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Reason, Verdict};
use rig_runner::{Plan, PlannedCase, Runner};

use crate::text_pump::{TextPump, answer, asks};

pub const TIP: &str = "flow.tip";
const REPLY_AFTER: Span = Span::milliseconds(5);
pub const RELAY_AFTER: Span = Span::milliseconds(10);
/// From power on to the pump's hello.
const SELF_TEST: Span = Span::seconds(1);
/// From the run's begin to the first step: two relays, the supply's running down, a relay, the self-test, who is there, how is it.
pub const PRELUDE: Span = Span::milliseconds(10 + 10 + 500 + 10 + 1_000 + 5 + 5 + 5);
/// Rounds after which a run is taken to be stuck.
const MAX_ROUNDS: usize = 100_000;

pub fn s(n: i64) -> RigTime {
    RigTime::ZERO + Span::seconds(n)
}

pub type Answer = fn(&str, RigTime) -> Option<String>;
pub type Relay = fn(&Actuation, RigTime) -> Option<Result<(), &'static str>>;

pub struct Stand {
    pub runner: Runner,
    pub now: RigTime,
    pub done: Vec<(RigTime, Action)>,
    pub errors: usize,
    pub pump: Answer,
    pub relay: Relay,
    coming: BTreeMap<(RigTime, u64), (Source, Input)>,
    stops: Vec<RigTime>,
    number: u64,
    order: u64,
}

impl Stand {
    pub fn new(cases: Vec<Case>) -> Self {
        Self {
            runner: runner(cases),
            now: RigTime::ZERO,
            done: Vec::new(),
            errors: 0,
            pump: |request, _| answer(request),
            relay: |_, _| Some(Ok(())),
            coming: BTreeMap::new(),
            stops: Vec::new(),
            number: 0,
            order: 0,
        }
    }

    /// One input at this instant.
    pub fn at(mut self, at: RigTime, source: Source, input: Input) -> Self {
        self.comes(at, source, input);
        self
    }

    /// A pulse of the tip at each of these instants.
    pub fn pulses(mut self, times: impl IntoIterator<Item = RigTime>) -> Self {
        for at in times {
            let edges = Edges::single(TIP.into(), Sense::Forward, self.number, at);
            self.number += 1;
            self.comes(at, Source::Sensors, Input::Edges(edges));
        }
        self
    }

    /// This many pulses are lost from here on.
    pub fn gap(mut self, pulses: u64) -> Self {
        self.number += pulses;
        self
    }

    pub fn stop_at(mut self, at: RigTime) -> Self {
        self.stops.push(at);
        self
    }

    pub fn play(mut self) -> (Self, Vec<Fact>) {
        let mut facts = Vec::new();
        self.play_into(&mut facts);
        (self, facts)
    }

    pub fn play_into(&mut self, sink: &mut dyn FactSink) {
        self.play_until(sink, RigTime::MAX);
        assert!(self.runner.finished(), "the run does not end: {:#?}", self.runner);
    }

    /// Plays on up to this instant, which every source has then passed.
    pub fn play_until(&mut self, sink: &mut dyn FactSink, until: RigTime) {
        for _ in 0..MAX_ROUNDS {
            self.round(sink);
            if self.runner.finished() || self.now >= until {
                return;
            }
            let soonest = RigTime(self.now.0 + 1);
            let next = [self.coming.keys().next().map(|k| k.0), self.stops.first().copied(), self.runner.next_deadline()];
            self.now = next.into_iter().flatten().min().unwrap_or(soonest).clamp(soonest, until);
        }
    }

    fn round(&mut self, sink: &mut dyn FactSink) {
        let now = self.now;
        while let Some(entry) = self.coming.first_entry().filter(|e| e.key().0 <= now) {
            let ((at, _), (source, input)) = entry.remove_entry();
            self.runner.offer(source, at, None, input);
        }
        Source::ALL.into_iter().for_each(|source| self.runner.watermark(source, now));
        if self.stops.first().is_some_and(|at| *at <= now) {
            self.stops.remove(0);
            self.runner.stop(now, "enough");
        }
        let mut actions = Vec::new();
        self.errors += usize::from(self.runner.run(now, sink, &mut actions).is_err());
        actions.into_iter().for_each(|action| self.carry_out(action));
    }

    fn comes(&mut self, at: RigTime, source: Source, input: Input) {
        self.order += 1;
        self.coming.insert((at, self.order), (source, input));
    }

    fn carry_out(&mut self, action: Action) {
        let now = self.now;
        match &action {
            Action::Tx(bytes) => {
                let requests = String::from_utf8(bytes.0.clone()).unwrap();
                let replies: Vec<_> = requests.lines().filter_map(|line| (self.pump)(line, now)).collect();
                for reply in replies {
                    self.comes(now + REPLY_AFTER, Source::Link, Input::Rx(Bytes(reply.into_bytes())));
                }
            }
            Action::Actuate { id, what } => match (self.relay)(what, now) {
                Some(Ok(())) => {
                    self.comes(now + RELAY_AFTER, Source::Bench, Input::Done { id: *id });
                    if matches!(what, Actuation::Line { line, active: true } if &**line == "power") {
                        let hello = Input::Rx(Bytes(b"! HELLO\n".to_vec()));
                        self.comes(now + RELAY_AFTER + SELF_TEST, Source::Link, hello);
                    }
                }
                Some(Err(why)) => self.comes(now + RELAY_AFTER, Source::Bench, Input::Failed { id: *id, why: why.to_owned() }),
                None => {}
            },
            Action::Prompt { .. } => {}
        }
        self.done.push((now, action));
    }

    pub fn ended(&self) -> &RunEnded {
        self.runner.ended().unwrap()
    }

    /// When this verb was sent.
    pub fn sent(&self, verb: &Verb) -> Vec<RigTime> {
        self.done.iter().filter(|(_, a)| matches!(a, Action::Tx(bytes) if asks(&bytes.0, verb))).map(|(at, _)| *at).collect()
    }

    /// When the lines were last moved, to what.
    pub fn last_lines(&self) -> BTreeMap<String, (RigTime, bool)> {
        let line = |(at, action): &(RigTime, Action)| match action {
            Action::Actuate { what: Actuation::Line { line, active }, .. } => Some((line.to_string(), (*at, *active))),
            _ => None,
        };
        self.done.iter().filter_map(line).collect()
    }
}

/// Takes so many facts and no more.
pub struct Full(pub usize);

impl FactSink for Full {
    fn record(&mut self, _: &Fact) -> Result<(), SinkError> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| SinkError { what: "disk full".into(), source: None })?;
        Ok(())
    }
}

pub fn events(facts: &[Fact]) -> impl Iterator<Item = (RigTime, &Event)> {
    facts.iter().filter_map(|f| if let Body::Event(event) = &f.body { Some((f.at, event)) } else { None })
}

pub fn rows(facts: &[Fact]) -> Vec<&CheckRow> {
    events(facts).filter_map(|(_, e)| if let Event::Check(row) = e { Some(&**row) } else { None }).collect()
}

/// Verdict and reason of a step's rows.
pub fn of(facts: &[Fact], step: &str) -> Vec<(Verdict, Reason)> {
    rows(facts).into_iter().filter(|r| &*r.step == step).map(|r| (r.verdict, r.reason_code)).collect()
}

/// Each safe-down: when it began, when it ended, what was shown.
pub fn safe_downs(facts: &[Fact]) -> Vec<(RigTime, RigTime, &SafeShown)> {
    let begins = events(facts).filter(|(_, e)| matches!(e, Event::SafeDown { .. })).map(|(at, _)| at);
    let ends = events(facts).filter_map(|(at, e)| if let Event::Safe(shown) = e { Some((at, shown)) } else { None });
    begins.zip(ends).map(|(begin, (end, shown))| (begin, end, shown)).collect()
}

pub fn runner(cases: Vec<Case>) -> Runner {
    runner_on(bench(), cases)
}

pub fn runner_on(bench: Bench, cases: Vec<Case>) -> Runner {
    let session = Session::with_protocol(Box::<TextPump>::default(), &bench.link);
    Runner::with_session(plan(bench, cases), session)
}

pub fn plan(bench: Bench, cases: Vec<Case>) -> Plan {
    let text = |s: &str| s.to_owned();
    let count = cases.len();
    let scenario = Arc::new(Scenario {
        id: "T".into(),
        title: text("by hand"),
        file: text("t.yaml"),
        sha256: text("0"),
        tags: vec![],
        hazards: vec![],
        cases,
    });
    let header = Header {
        tool: text("test"),
        run_id: text("test"),
        started_utc: text("2026-01-01T00:00:00Z"),
        bench: bench.name.clone(),
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
        dose_oracle: false,
        cases: vec![],
        bench_file: SourceText { path: text("b.toml"), sha256: text("0"), text: text("") },
        files: vec![],
        host: text(""),
        provenance: Box::default(),
    };
    let planned = |case| PlannedCase { scenario: scenario.clone(), case, lacking: vec![] };
    Plan { header, bench: Arc::new(bench), cases: (0..count).map(planned).collect() }
}

pub fn bench() -> Bench {
    let flow = FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(0.0),
        curve: Default::default(),
        accuracy: Default::default(),
        min_flow: 0.0,
        max_flow: 20_000.0,
        stroke_gap: Span::milliseconds(500),
        bidirectional: true,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    };
    let line = |name: &str| Line { name: name.into(), safe_active: false, gpio: None, does: None };
    let channel = |name: &str, instrument| Channel { name: name.into(), instrument, certificate: None, wiring: None };
    Bench {
        name: "stand".into(),
        kind: BenchKind::Pi,
        backend: Default::default(),
        supervision: Default::default(),
        link: Link {
            protocol: "text".into(),
            path: None,
            baud: 115_200,
            reply_timeout: Span::milliseconds(250),
            transmissions: 3,
            poll_every: Span::seconds(10),
        },
        dut: DutExpected { model: "T".into(), serial: None, serials: Vec::new(), stroke: None, own: Default::default(), firmware: None },
        lines: vec![line("power"), line("occluder"), Line { safe_active: true, ..line("shut") }],
        channels: vec![
            channel(TIP, Instrument::Flow(flow)),
            channel("flow.pump", Instrument::Flow(flow)),
            channel("alarm", Instrument::Alarm),
        ],
        safe_down: SafeDown { dwell: Span::seconds(30), at_most: Volume(0.5) },
        rule: None,
        clock_ppm: 0.0,
        plant: None,
    }
}

/// Starts the pump, lets it run for 10 s in a window, and judges the volume; `finally` stops it.
pub fn infusion() -> Case {
    let start = StepKind::Command { verb: Verb::Start, expect: Expected::Accepted, verifies: vec!["R".into()] };
    let window = Measure {
        name: "w".into(),
        channel: TIP.into(),
        during: steps("during", [start]),
        until: Until::Elapsed(Span::seconds(10)),
        rolling: vec![],
        drug: None,
        curve: None,
        delivery: None,
    };
    let check = rig_model::scenario::Check {
        subject: Subject::Window { window: "w".into(), quantity: WindowQuantity::Volume },
        dimension: rig_model::quantity::Dimension::Volume,
        limits: rig_model::verdict::Limits { lower: None, upper: Some(5.0) },
        nominal: None,
        rule: Some(rig_model::verdict::DecisionRule::Simple.into()),
        verifies: vec!["R".into()],
    };
    let stop = StepKind::Command { verb: Verb::Stop, expect: Expected::Accepted, verifies: vec![] };
    Case {
        label: String::new(),
        time_limit: Span::minutes(2),
        given: Given::default(),
        watch: vec![],
        steps: steps("steps", [StepKind::Measure(window), StepKind::Check(Box::new(check))]),
        finally: steps("finally", [stop]),
    }
}

pub fn steps(under: &str, kinds: impl IntoIterator<Item = StepKind>) -> Vec<Step> {
    let step = |(n, kind)| Step { path: format!("{under}.{}", n + 1).into(), text: format!("{kind:?}"), kind };
    kinds.into_iter().enumerate().map(step).collect()
}
