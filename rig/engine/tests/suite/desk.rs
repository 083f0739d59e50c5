//! An engine on a desk: a bench without lines, a pump that answers at once, and every instant given by hand.

use std::sync::Arc;

use rig_engine::{Effect, Engine, Memory, Stimulus};
use rig_model::bench::*;
use rig_model::dut::*;
use rig_model::event::{CaseEnded, Event};
use rig_model::input::{Edges, Lost, Sense};
use rig_model::quantity::{Concentration, Dimension, Flow, Pressure, Volume};
use rig_model::scenario::*;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, DecisionRule, Limits, Reason, Verdict};

pub const TIP: &str = "flow.tip";
pub const LINE: &str = "pressure.line";
pub const ALARM: &str = "alarm";
pub const PHOTOMETER: &str = "drug.tip";

/// An instant of a test, in ms.
pub fn ms(n: i64) -> RigTime {
    RigTime::ZERO + Span::milliseconds(n)
}

pub fn s(n: i64) -> RigTime {
    ms(n * 1_000)
}

pub struct Desk {
    pub engine: Engine,
    pub now: RigTime,
    pub said: Vec<(RigTime, Effect)>,
    /// What the pump answers; `None`: nothing at all.
    pub answer: fn(&Verb) -> Option<Outcome>,
    pub status: PumpStatus,
    /// What the pump tells when it is asked for it.
    pub therapy: Therapy,
    pub read_back: Vec<Verb>,
    pub log: Vec<LogEntry>,
    /// What the bench answers to actuations.
    pub bench: fn() -> Option<Result<(), &'static str>>,
    number: u64,
}

impl Desk {
    /// Begins the case at 0; the pump accepts everything at once.
    pub fn begin(case: &Case) -> Self {
        Self::begin_with(case, Memory::default(), |_| Some(Outcome::Accepted))
    }

    pub fn begin_with(case: &Case, memory: Memory, answer: fn(&Verb) -> Option<Outcome>) -> Self {
        Self::begin_on(bench(), case, memory, answer)
    }

    /// The same on another bench.
    pub fn begin_on(on: Bench, case: &Case, memory: Memory, answer: fn(&Verb) -> Option<Outcome>) -> Self {
        let engine = Engine::new(case, Arc::new(on), 1, memory);
        let (said, bench) = (Vec::new(), || Some(Ok(())));
        let mut desk = Self {
            engine,
            now: RigTime::ZERO,
            said,
            answer,
            status: status(PumpState::Stopped),
            therapy: Therapy { mode: TherapyMode::None, reported: Vec::new() },
            read_back: Vec::new(),
            log: Vec::new(),
            bench,
            number: 0,
        };
        desk.engine.start(RigTime::ZERO);
        desk.settle();
        desk
    }

    /// Judges what is due up to and including this instant.
    pub fn to(&mut self, at: RigTime) -> &mut Self {
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= at) {
            assert!(due >= self.now, "a deadline in the past");
            self.now = due;
            self.engine.tick(due);
            self.settle();
        }
        self.now = at;
        self
    }

    /// Tells of something at this instant, after the deadlines before it.
    pub fn tell(&mut self, at: RigTime, stimulus: Stimulus<'_>) -> &mut Self {
        self.to(RigTime(at.0 - 1));
        self.now = at;
        self.engine.handle(at, stimulus);
        self.settle();
        self
    }

    pub fn report(&mut self, at: RigTime, report: DutReport) -> &mut Self {
        match &report {
            DutReport::State(state) => self.status.state = *state,
            DutReport::AlarmOn(alarm) => self.status.alarms.push(*alarm),
            _ => {}
        }
        self.tell(at, Stimulus::Report(&report))
    }

    pub fn state(&mut self, at: RigTime, state: PumpState) -> &mut Self {
        self.report(at, DutReport::State(state))
    }

    /// Edges one after the other, each an input of its own as the runner's cutting would make it.
    pub fn edges(&mut self, channel: &str, sense: Sense, times: impl IntoIterator<Item = RigTime>) -> &mut Self {
        for at in times {
            let edges = Edges::single(channel.into(), sense, self.number, at);
            self.number += 1;
            self.tell(at, Stimulus::Edges(&edges));
        }
        self
    }

    /// A stroke of 1.2 µL, 12 pulses at 40 ms: 9,000 µL/h.
    pub fn stroke(&mut self, at: RigTime) -> &mut Self {
        self.edges(TIP, Sense::Forward, (0..12).map(|n| at + Span::milliseconds(40 * n)))
    }

    pub fn reading(&mut self, at: RigTime, value: f64) -> &mut Self {
        self.tell(at, Stimulus::Reading { channel: &LINE.into(), value })
    }

    /// The photometer at the tip, µg/mL.
    pub fn photometer(&mut self, at: RigTime, value: f64) -> &mut Self {
        self.tell(at, Stimulus::Reading { channel: &PHOTOMETER.into(), value })
    }

    /// One beep for a non-critical tone, two for a critical one.
    pub fn tone(&mut self, at: RigTime, class: AlarmClass) -> &mut Self {
        let beeps = if class == AlarmClass::Critical { 2 } else { 1 };
        for beep in 0..beeps {
            let on = at + Span::milliseconds(500 * beep);
            self.edges(ALARM, Sense::On, [on]).edges(ALARM, Sense::Off, [on + Span::milliseconds(300)]);
        }
        self
    }

    pub fn lose(&mut self, at: RigTime, channel: Option<&str>) -> &mut Self {
        let lost = Lost { channel: channel.map(Into::into), count: Some(3), spurious: false, why: "a queue overflowed".into() };
        self.tell(at, Stimulus::Lost(&lost))
    }

    pub fn abort(&mut self, at: RigTime) -> &mut Self {
        self.to(RigTime(at.0 - 1));
        self.now = at;
        self.engine.abort(at, "enough");
        self.settle();
        self
    }

    /// Lets time pass until the case has ended.
    pub fn end(&mut self) -> &mut Self {
        for _ in 0..10_000 {
            if self.engine.finished() {
                return self;
            }
            let due = self.engine.next_deadline().expect("a case that has not ended has a deadline");
            self.to(due);
        }
        panic!("the case does not end: {:#?}", self.engine);
    }

    pub fn events(&self) -> impl Iterator<Item = (RigTime, &Event)> {
        self.said.iter().filter_map(|(at, e)| if let Effect::Event(event) = e { Some((*at, event)) } else { None })
    }

    pub fn rows(&self) -> Vec<&CheckRow> {
        self.events().filter_map(|(_, e)| if let Event::Check(row) = e { Some(&**row) } else { None }).collect()
    }

    /// Verdict and reason of all rows of a step.
    pub fn of(&self, step: &str) -> Vec<(Verdict, Reason)> {
        self.rows().into_iter().filter(|r| &*r.step == step).map(|r| (r.verdict, r.reason_code)).collect()
    }

    pub fn ended(&self) -> &CaseEnded {
        self.events().find_map(|(_, e)| if let Event::CaseEnded(ended) = e { Some(ended) } else { None }).expect("the case has ended")
    }

    /// When a verb was given to the pump.
    pub fn commanded(&self, wanted: &Verb) -> Vec<RigTime> {
        let given = |e: &Effect| matches!(e, Effect::Command { verb, .. } if verb == wanted);
        self.said.iter().filter(|(_, e)| given(e)).map(|(at, _)| *at).collect()
    }

    fn settle(&mut self) {
        while let Some(effect) = self.engine.poll_effect() {
            self.said.push((self.now, effect.clone()));
            match effect {
                Effect::Command { id, verb } => self.command(id, &verb),
                Effect::Actuate { id, .. } => match (self.bench)() {
                    Some(Ok(())) => self.engine.handle(self.now, Stimulus::Done { id }),
                    Some(Err(why)) => self.engine.handle(self.now, Stimulus::Failed { id, why }),
                    None => {}
                },
                _ => {}
            }
        }
    }

    fn command(&mut self, id: u64, verb: &Verb) {
        let Some(outcome) = (self.answer)(verb) else { return };
        if outcome == Outcome::Accepted {
            let report = match verb {
                Verb::Status => Some(DutReport::Status(self.status.clone())),
                Verb::Identify => Some(DutReport::Identity(identity("0001"))),
                Verb::Therapy => Some(DutReport::Therapy(self.therapy.clone())),
                Verb::ReadBack => Some(DutReport::ReadBack(self.read_back.clone())),
                Verb::ReadLog => Some(DutReport::Log(self.log.clone())),
                _ => None,
            };
            report.iter().for_each(|report| self.engine.handle(self.now, Stimulus::Report(report)));
        }
        self.engine.handle(self.now, Stimulus::Ended { id, verb, outcome: &outcome, transmissions: 1 });
    }
}

pub fn status(state: PumpState) -> PumpStatus {
    PumpStatus {
        state,
        alarms: Vec::new(),
        reservoir: Volume(20_000.0),
        delivered: Volume(0.0),
        basal: Flow(0.0),
        bolus_left: Volume(0.0),
        strokes: 0,
        resets: 1,
        uptime_us: 0,
    }
}

pub fn identity(serial: &str) -> DutIdentity {
    let text = |s: &str| s.to_owned();
    DutIdentity { model: text("P"), serial: text(serial), firmware_version: text("1"), firmware_hash: text("ab"), protocol_version: 1 }
}

/// A real bench without lines: nothing stands before the first step but the question who is there.
pub fn bench() -> Bench {
    let flow = FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(0.5),
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
    let pressure =
        PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(0.0), min: Pressure(-50.0), max: Pressure(300.0) };
    let channel = |name: &str, instrument| Channel { name: name.into(), instrument, certificate: None, wiring: None };
    Bench {
        name: "desk".into(),
        kind: BenchKind::Pi,
        backend: Default::default(),
        supervision: Default::default(),
        link: Link {
            protocol: "by hand".into(),
            path: None,
            baud: 115_200,
            reply_timeout: Span::milliseconds(250),
            transmissions: 3,
            poll_every: Span::seconds(10),
        },
        dut: DutExpected { model: "P".into(), serial: None, serials: Vec::new(), stroke: None, own: Default::default(), firmware: None },
        lines: Vec::new(),
        channels: vec![
            channel("flow.pump", Instrument::Flow(flow)),
            channel(TIP, Instrument::Flow(flow)),
            channel(LINE, Instrument::Pressure(pressure)),
            channel(ALARM, Instrument::Alarm),
        ],
        safe_down: SafeDown { dwell: Span::seconds(30), at_most: Volume(0.5) },
        rule: None,
        clock_ppm: 0.0,
        plant: None,
    }
}

/// The same with a photometer at the tip: steps of 20 µg/mL, a reading each minute, 2 % (k = 2).
pub fn bench_with_photometer() -> Bench {
    let sensor =
        DrugSensor { uncertainty_percent: Some(2.0), step: Concentration(20.0), every: Span::minutes(1), max: Concentration(10_000.0) };
    let mut bench = bench();
    bench.channels.push(Channel { name: PHOTOMETER.into(), instrument: Instrument::Drug(sensor), certificate: None, wiring: None });
    bench
}

/// A case of these steps: `steps.1`, `steps.2` …
pub fn case(kinds: impl IntoIterator<Item = StepKind>) -> Case {
    Case {
        label: String::new(),
        time_limit: Span::minutes(10),
        given: Given::default(),
        watch: Vec::new(),
        steps: steps("steps", kinds),
        finally: Vec::new(),
    }
}

pub fn watched(mut case: Case, what: Watched) -> Case {
    let path = format!("watch.{}", case.watch.len() + 1).into();
    case.watch.push(Watch { path, text: format!("{what:?}"), what, rule: None, verifies: vec!["REQ-W".into()] });
    case
}

pub fn steps(under: &str, kinds: impl IntoIterator<Item = StepKind>) -> Vec<Step> {
    let step = |(n, kind)| Step { path: format!("{under}.{}", n + 1).into(), text: format!("{kind:?}"), kind };
    kinds.into_iter().enumerate().map(step).collect()
}

pub fn expect(what: Condition, within: Span) -> StepKind {
    StepKind::Expect { what, within, verifies: vec!["REQ-E".into()] }
}

pub fn hold(what: Condition, lasts: Span) -> StepKind {
    StepKind::Hold { what, lasts, verifies: vec!["REQ-H".into()] }
}

pub fn command(verb: Verb) -> StepKind {
    StepKind::Command { verb, expect: Expected::Accepted, verifies: Vec::new() }
}

pub fn quiet(lasts: Span) -> Condition {
    Condition::Quiet { channel: TIP.into(), lasts }
}

/// A window named `w`.
pub fn measure(channel: &str, until: Until, during: impl IntoIterator<Item = StepKind>) -> StepKind {
    let rolling = vec![Rolling::Every(Span::seconds(2)), Rolling::Strokes(1)];
    let during = steps("during", during);
    let (name, channel) = ("w".into(), channel.into());
    StepKind::Measure(Measure { name, channel, during, until, rolling, drug: None, curve: None, delivery: None })
}

/// The same, with the drug that comes through the tip.
pub fn measure_drug(until: Until, in_every: &[Span]) -> StepKind {
    let StepKind::Measure(measure) = measure(TIP, until, []) else { unreachable!("it is a window") };
    StepKind::Measure(Measure { drug: Some(DrugAsked { in_every: in_every.to_vec() }), ..measure })
}

pub fn check(subject: Subject, lower: Option<f64>, upper: Option<f64>) -> StepKind {
    StepKind::Check(Box::new(Check {
        subject,
        dimension: Dimension::Count,
        limits: Limits { lower, upper },
        nominal: None,
        rule: Some(DecisionRule::ThreeWay.into()),
        verifies: vec!["REQ-C".into()],
    }))
}

/// A quantity of the window `w`.
pub fn of_window(quantity: WindowQuantity) -> Subject {
    Subject::Window { window: "w".into(), quantity }
}

pub fn volume_at_most(upper: f64) -> StepKind {
    check(of_window(WindowQuantity::Volume), None, Some(upper))
}
