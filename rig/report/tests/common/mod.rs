//! A small run in which every verdict and every awkward text occurs, and a folder in memory.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rig_model::budget::{Component, Distribution, Origin};
use rig_model::curve::{CurvePlan, Curves, CustomMethod, Method, OverallError, Period, StartUpPoint, Trumpet, TrumpetPoint};
use rig_model::dut::{Alarm, AlarmClass, DutIdentity, Outcome, PumpState, Refusal, Verb};
use rig_model::event::{CaseEnded, CaseStarted, CurvesTold, Event, Figure, FiguresTold, RunEnded, SafeShown, WindowClosed};
use rig_model::fact::{Body, CaseRef, Fact, Header, SourceText};
use rig_model::input::{Action, Actuation, Bytes, Edges, Input, Lost, Real, Sense};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Condition, Counts, DecisionRule, Limits, Reason, StatedBy, Verdict};
use rig_report::{End, Finished, FlowChannel, Views};

/// Files by name, shared with the writers that fill them.
#[derive(Debug, Clone, Default)]
pub struct Folder(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

#[derive(Debug)]
pub struct File {
    folder: Folder,
    name: String,
}

impl Folder {
    pub fn open(&self, name: &str) -> io::Result<File> {
        self.0.lock().unwrap().insert(name.to_owned(), Vec::new());
        Ok(File { folder: self.clone(), name: name.to_owned() })
    }

    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.files().remove(name).expect(name)).unwrap()
    }
}

impl Write for File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.folder.0.lock().unwrap().get_mut(&self.name).expect("opened").extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn channels() -> Vec<FlowChannel> {
    ["flow.pump", "flow.tip"].map(|name| FlowChannel { name: name.into(), k_factor: 10.0 }).to_vec()
}

/// All files of a run.
pub fn report(facts: &[Fact], end: End) -> (Folder, Finished) {
    let folder = Folder::default();
    let mut views = Views::new(channels(), |name| folder.open(name));
    for fact in facts {
        views.take(fact);
    }
    let finished = views.finish(end);
    (folder, finished)
}

/// The rows of a table by column name, as a reader of RFC 4180 sees them.
pub fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    reader.records().map(|record| names.iter().map(str::to_owned).zip(record.unwrap().iter().map(str::to_owned)).collect()).collect()
}

pub fn fact(at_ms: i64, body: Body) -> Fact {
    Fact { at: RigTime(at_ms * 1_000_000), arrival: None, body }
}

pub fn event(at_ms: i64, event: Event) -> Fact {
    fact(at_ms, Body::Event(event))
}

pub fn header() -> Header {
    let case = |scenario: &str| CaseRef { file: "all.yaml".into(), scenario: scenario.into(), case: String::new() };
    Header {
        tool: "rig 0.1.0".into(),
        run_id: "2026-01-02T03-04-05Z_sim_1a2b3c".into(),
        started_utc: "2026-01-02T03:04:05Z".into(),
        bench: "sim".into(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: vec!["flow.tip: certificate CAL-0001 ran out on 2025-12-31".into()],
        machine: None,
        // A claim that no view may repeat.
        evidence: true,
        seed: 42,
        defect: None,
        operator: Some("=R. Müller".into()),
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: false,
        cases: ["BOLUS-01", "OCCLUSION-01", "REFILL-01"].map(case).to_vec(),
        bench_file: SourceText { path: "sim.toml".into(), sha256: "00ff".into(), text: "name = \"sim\"\n".into() },
        files: Vec::new(),
        host: "somewhere".into(),
        provenance: Box::default(),
    }
}

pub fn case_started(scenario: &str, case: &str, number: u64) -> Event {
    Event::CaseStarted(CaseStarted {
        scenario: scenario.into(),
        scenario_sha256: "ab12".into(),
        title: format!("Title of {scenario}, with a \"quote\""),
        case: case.into(),
        attempt: 1,
        number,
        of: 3,
        time_limit: Span::minutes(20),
        hazards: vec!["HAZ-01".into(), "HAZ-02".into()],
    })
}

pub fn row(step: &str, verdict: Verdict, value: f64) -> CheckRow {
    CheckRow {
        step: step.into(),
        check: "volume of dose is 200 µL ± 5 %".into(),
        requirements: vec!["REQ-BOL-01".into(), "REQ-BOL-02".into()],
        quantity: "volume".into(),
        channel: Some("flow.tip".into()),
        nominal: Some(200.0),
        value: Some(value),
        value_text: None,
        unit: "µL".into(),
        n: Some(1993),
        statistic: "single".into(),
        window_s: Some(120.5),
        standard_uncertainty: Some(0.6),
        effective_dof: None,
        coverage_factor: Some(2.0),
        expanded_uncertainty: Some(1.2),
        limits: Limits { lower: Some(190.0), upper: Some(210.0) },
        rule: DecisionRule::ThreeWay,
        guard_factor: 1.0,
        rule_stated_by: Default::default(),
        family: None,
        test_uncertainty_ratio: Some(8.333),
        budget: budget(),
        acceptance: Limits { lower: Some(191.2), upper: Some(208.8) },
        probability_of_conformity: Some(0.9999),
        verdict,
        condition: Some(Condition::Within),
        reason_code: Reason::WithinLimits,
        reason: format!("{value} µL, judged {verdict}"),
        certificates: vec!["CAL-0001".into()],
        started: RigTime(1_000_000_000),
        ended: RigTime(121_500_000_001),
    }
}

/// 0.48 µL from the K-factor and 0.36 µL from counting.
pub fn budget() -> Vec<Component> {
    let k_factor = Component {
        name: "K-factor".into(),
        estimate: 10.0,
        unit: "pulses/µL".into(),
        distribution: Distribution::Normal,
        standard_uncertainty: Some(0.024),
        sensitivity: -20.0,
        dof: None,
        origin: Origin::Certificate,
        certificate: Some("CAL-0001".into()),
        common: true,
        bound: None,
    };
    let counting = Component {
        name: "counting".into(),
        estimate: 2_000.0,
        unit: "pulses".into(),
        distribution: Distribution::Triangular,
        standard_uncertainty: Some(3.6),
        sensitivity: 0.1,
        origin: Origin::Derived,
        certificate: None,
        common: false,
        bound: Some(0.1),
        ..k_factor.clone()
    };
    vec![counting, k_factor]
}

/// A value of which nobody knows how far it may be off.
pub fn unstated_row(step: &str) -> CheckRow {
    let [counting, k_factor]: [Component; 2] = budget().try_into().unwrap();
    CheckRow {
        standard_uncertainty: None,
        coverage_factor: None,
        expanded_uncertainty: None,
        acceptance: Limits::default(),
        probability_of_conformity: None,
        rule: DecisionRule::Guarded,
        guard_factor: 0.5,
        rule_stated_by: StatedBy::Requirement,
        budget: vec![counting, Component { standard_uncertainty: None, origin: Origin::Datasheet, certificate: None, ..k_factor }],
        reason_code: Reason::UncertaintyMissing,
        ..row(step, Verdict::Inconclusive, 189.5)
    }
}

pub fn check(at_ms: i64, row: CheckRow) -> Fact {
    event(at_ms, Event::Check(Box::new(row)))
}

/// A row about a state, with texts that need care in a table and in XML.
pub fn awkward_row() -> CheckRow {
    CheckRow {
        check: "=HYPERLINK(\"x\"), a \"quoted\"\nline".into(),
        requirements: Vec::new(),
        quantity: "state".into(),
        channel: None,
        nominal: Some(0.0),
        value: None,
        value_text: Some("-halted".into()),
        unit: String::new(),
        n: None,
        window_s: None,
        standard_uncertainty: None,
        coverage_factor: None,
        expanded_uncertainty: None,
        test_uncertainty_ratio: None,
        budget: Vec::new(),
        limits: Limits::default(),
        acceptance: Limits::default(),
        probability_of_conformity: None,
        condition: None,
        reason_code: Reason::NotObserved,
        reason: "<never> & \u{1b}[31mred\u{1b}[0m \u{0}\u{b}\u{fffe}]]> \"seen\"".into(),
        certificates: Vec::new(),
        ..row("steps.2", Verdict::Fail, 0.0)
    }
}

fn edges(at_ms: i64, channel: &str, sense: Sense, then_ms: &[i64]) -> Fact {
    let first = RigTime(at_ms * 1_000_000);
    let then = then_ms.iter().map(|ms| ms * 1_000_000).collect();
    fact(at_ms, Body::Input(Input::Edges(Edges { channel: channel.into(), sense, first_number: 1, first, then })))
}

fn ended(verdict: Verdict, counts: Counts, reason: &str) -> Event {
    Event::CaseEnded(CaseEnded { verdict, counts, reason: reason.into() })
}

fn safe(shown: bool) -> Event {
    Event::Safe(SafeShown {
        shown,
        stop_acknowledged: true,
        lines_safe: true,
        dwell: Span::seconds(10),
        at_most: Some(Volume(0.1)),
        allowed: Volume(0.3),
        reason: "no pulse in the dwell".into(),
    })
}

/// BOLUS-01 passes, OCCLUSION-01 [rate=1 mL/h] fails, REFILL-01 is skipped without a row.
pub fn small_run() -> Vec<Fact> {
    let counts = |pass, fail, inconclusive| Counts { pass, fail, inconclusive, ..Counts::default() };
    let mut facts = vec![fact(0, Body::Header(Box::new(header())))];
    facts.extend(first_case(counts(1, 0, 0)));
    facts.extend(second_case(counts(0, 1, 1)));
    facts.extend([
        event(20_000, case_started("REFILL-01", "", 3)),
        event(20_000, ended(Verdict::Skipped, Counts::default(), "the bench has no line `refill`")),
        event(
            20_000,
            Event::RunEnded(RunEnded {
                verdict: Some(Verdict::Fail),
                checks: counts(1, 1, 1),
                cases: Counts { pass: 1, fail: 1, skipped: 1, ..Counts::default() },
                safe: true,
                exit_code: 1,
            }),
        ),
    ]);
    facts
}

fn first_case(counts: Counts) -> Vec<Fact> {
    let bolus = Verb::ProgramBolus { volume: Volume(200.0), over: Span::minutes(2) };
    vec![
        event(0, case_started("BOLUS-01", "", 1)),
        fact(10, Body::Action(Action::Actuate { id: 1, what: Actuation::Line { line: "power".into(), active: true } })),
        fact(20, Body::Input(Input::Done { id: 1 })),
        fact(30, Body::Action(Action::Tx(Bytes(vec![1, 2])))),
        fact(40, Body::Input(Input::Rx(Bytes(vec![3])))),
        event(
            40,
            Event::DutIdentified(DutIdentity {
                model: "REF-20".into(),
                serial: "0001".into(),
                firmware_version: "1.2.3".into(),
                firmware_hash: "c0ffee".into(),
                protocol_version: 1,
            }),
        ),
        event(100, Event::StepStarted { step: "steps.1".into(), what: "program bolus 200 µL over 2 min".into() }),
        event(100, Event::Command { id: 1, verb: bolus.clone() }),
        event(150, Event::Answered { id: 1, verb: bolus, outcome: Outcome::Accepted, transmissions: 2 }),
        event(160, Event::PumpState { from: Some(PumpState::Stopped), to: PumpState::Bolus }),
        event(200, Event::WindowOpened { window: "dose".into(), channel: "flow.tip".into() }),
        edges(900, "flow.pump", Sense::Forward, &[50, 50, 50]),
        event(900, Event::ChannelAlive { channel: "flow.pump".into() }),
        edges(1_200, "flow.tip", Sense::Forward, &[100; 9]),
        edges(3_500, "flow.tip", Sense::Reverse, &[]),
        fact(4_000, Body::Input(Input::Reading { channel: "pressure.line".into(), value: Real(f64::NAN) })),
        event(
            4_500,
            Event::WindowClosed(WindowClosed {
                window: "dose".into(),
                channel: "flow.tip".into(),
                opened: RigTime(200_000_000),
                forward: 10,
                reverse: 1,
                volume: Some(Volume(0.9)),
                mean_flow: Some(Flow(753.488_372_1)),
                ended: true,
            }),
        ),
        event(4_500, Event::Curves(Box::new(curves()))),
        event(4_500, Event::Figures(Box::new(FiguresTold { of: "dose".into(), channel: Some("flow.tip".into()), figures: figures() }))),
        check(4_500, row("steps.4", Verdict::Pass, 199.3)),
        event(5_000, Event::SafeDown { why: "end of the case".into() }),
        event(6_000, safe(true)),
        event(6_000, ended(Verdict::Pass, counts, "")),
    ]
}

fn curves() -> CurvesTold {
    let sample = Span::seconds(2);
    let method = Method::Custom(CustomMethod { sample, windows: vec![sample], excluded: Span::ZERO });
    let plan = CurvePlan::new(method, Flow(800.0));
    let b = OverallError { from: Span::ZERO, to: Span::seconds(4), volume: Volume(0.9), flow: Flow(810.0), error_percent: 1.25 };
    let point = TrumpetPoint {
        window: sample,
        windows: 2,
        max_percent: 12.5,
        min_percent: -10.0,
        mean_percent: 1.25,
        within_percent: 100.0,
        floor: None,
    };
    let start_up = vec![StartUpPoint { at: sample, flow: Flow(900.0) }, StartUpPoint { at: Span::seconds(4), flow: Flow(720.0) }];
    let trumpets = vec![Trumpet { period: Period::T2, from: b.from, to: b.to, points: vec![point], strokes: Vec::new() }];
    let curves = Curves { start_up, a: None, b, trumpets, hours: None };
    CurvesTold { window: "dose".into(), channel: "flow.tip".into(), plan, curves }
}

fn figures() -> Vec<Figure> {
    let figure = Figure {
        name: "longest_gap".into(),
        value: Some(1.2),
        unit: "s".into(),
        expanded_uncertainty: Some(0.05),
        n: Some(10),
        method: String::new(),
        note: "from 2.1 s to 3.3 s after the opening".into(),
    };
    let none = Figure {
        name: "overall_error_a".into(),
        value: None,
        unit: "%".into(),
        expanded_uncertainty: None,
        n: None,
        method: "custom, stabilisation_and_analysis".into(),
        note: "nothing was left out, so there is no T1".into(),
    };
    vec![figure, none]
}

fn second_case(counts: Counts) -> Vec<Fact> {
    vec![
        event(7_000, case_started("OCCLUSION-01", "rate=1 mL/h", 2)),
        event(7_100, Event::LinkDown { why: "no answer".into() }),
        event(7_200, Event::LinkUp),
        event(7_300, Event::Garbage { bytes: 3 }),
        event(8_000, Event::AlarmOn { alarm: Alarm::Occlusion }),
        event(8_100, Event::Tone { channel: "alarm".into(), class: AlarmClass::Critical, began_before: Span::milliseconds(250) }),
        event(8_200, Event::Answered { id: 2, verb: Verb::Start, outcome: Outcome::Refused(Refusal::AlarmLatched), transmissions: 1 }),
        event(
            8_300,
            Event::DataLost(Lost { channel: Some("flow.pump".into()), count: Some(2), spurious: false, why: "gap in the numbers".into() }),
        ),
        check(9_000, awkward_row()),
        check(9_500, unstated_row("steps.3")),
        event(10_000, Event::Noticed { step: "watch.1".into(), what: "+1 reverse pulse".into() }),
        event(11_000, Event::SafeDown { why: "end of the case".into() }),
        event(12_000, safe(true)),
        event(12_000, ended(Verdict::Fail, counts, "1 check is FAIL")),
    ]
}
