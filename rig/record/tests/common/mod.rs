//! Every kind of fact, once.
#![allow(dead_code, reason = "each test file uses its part")]

use rig_model::curve::{
    CurvePlan, Curves, HourStatistics, Method, OverallError, Period, PulsatilityFloor, StartUpPoint, StrokePoint, Trumpet, TrumpetPoint,
};
use rig_model::dut::{Alarm, AlarmClass, DutIdentity, LogEntry, Outcome, PumpState, Refusal, Verb};
use rig_model::event::{
    CaseEnded, CaseStarted, Comparability, Comparison, CurvesTold, Event, Figure, FiguresTold, LinkLatency, RunEnded, SafeShown, Weighed,
    WeighedAgainst, WindowClosed,
};
use rig_model::fact::{
    Approval, Body, CaseRef, Environment, Fact, FirmwareImage, Header, Note, Predecessor, Provenance, RigBuild, SourceText, WallClock,
};
use rig_model::input::{Action, Actuation, Bytes, Edges, Input, Lost, PlantChange, Real, Sense};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Condition, Counts, DecisionRule, Limits, Reason, Verdict};

pub fn fact(at: i64, body: Body) -> Fact {
    Fact { at: RigTime(at), arrival: None, body }
}

pub fn header() -> Header {
    Header {
        tool: "rig 0.1.0".into(),
        run_id: "2026-01-02T03-04-05Z_sim_1a2b3c".into(),
        started_utc: "2026-01-02T03:04:05Z".into(),
        bench: "sim".into(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        machine: None,
        evidence: false,
        seed: u64::MAX,
        defect: Some("deaf_to_pressure".into()),
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: false,
        cases: vec![CaseRef { file: "smoke.yaml".into(), scenario: "SMOKE-01".into(), case: "rate=1 µL/h".into() }],
        bench_file: SourceText { path: "sim.toml".into(), sha256: "00ff".into(), text: "name = \"sim\"\n".into() },
        files: vec![SourceText { path: "smoke.yaml".into(), sha256: "ab".into(), text: "scenario: SMOKE-01\n".into() }],
        host: "somewhere".into(),
        provenance: Box::default(),
    }
}

pub fn row() -> CheckRow {
    CheckRow {
        step: "steps.4".into(),
        check: "volume of dose is 200 µL ± 5 %".into(),
        requirements: vec!["REQ-BOL-01".into()],
        quantity: "volume".into(),
        channel: Some("flow.tip".into()),
        nominal: Some(200.0),
        value: Some(199.3),
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
        test_uncertainty_ratio: None,
        budget: Vec::new(),
        acceptance: Limits { lower: Some(191.2), upper: Some(208.8) },
        probability_of_conformity: Some(0.9999),
        verdict: Verdict::Pass,
        condition: Some(Condition::Within),
        reason_code: Reason::WithinLimits,
        reason: "199.3 µL is within 191.2 … 208.8 µL".into(),
        certificates: vec!["CAL-0001".into()],
        started: RigTime(1_000_000_000),
        ended: RigTime(121_500_000_000),
    }
}

fn inputs() -> Vec<Input> {
    vec![
        Input::Rx(Bytes(vec![0x00, 0x1f, 0xff])),
        Input::Edges(Edges {
            channel: "flow.tip".into(),
            sense: Sense::Forward,
            first_number: 7,
            first: RigTime(-5),
            then: vec![50_000_000, 1],
        }),
        Input::Edges(Edges::single("alarm \"µ\"".into(), Sense::Off, u64::MAX, RigTime(i64::MAX))),
        Input::Reading { channel: "pressure.line".into(), value: Real(101.325) },
        Input::Reading { channel: "pressure.line".into(), value: Real(f64::NAN) },
        Input::Reading { channel: "pressure.line".into(), value: Real(f64::NEG_INFINITY) },
        Input::Done { id: 3 },
        Input::Failed { id: 4, why: "relay stuck".into() },
        Input::LinkDown { why: "hang-up".into() },
        Input::LinkUp,
        Input::Lost {
            what: Lost { channel: Some("flow.tip".into()), count: Some(2), spurious: false, why: "gap in the kernel's numbers".into() },
        },
        Input::StopRequest { why: "SIGINT".into() },
        Input::Answer { id: 5, operator: Some("R. Müller".into()) },
    ]
}

fn actions() -> Vec<Action> {
    let plant = |change| Action::Actuate { id: 7, what: Actuation::Plant(change) };
    vec![
        Action::Tx(Bytes(vec![0x01, 0xa0])),
        Action::Tx(Bytes(vec![])),
        Action::Actuate { id: 6, what: Actuation::Line { line: "occluder".into(), active: true } },
        plant(PlantChange::Fresh { seed: 42 }),
        plant(PlantChange::Reservoir { volume: Volume(20_000.0) }),
        plant(PlantChange::Catheter { primed: true }),
        plant(PlantChange::AirBubble { volume: Volume(5.5) }),
        plant(PlantChange::Resistance { factor: 1e30 }),
        plant(PlantChange::TipPressure { pressure: Pressure(1.5) }),
        Action::Prompt { id: 8, text: "close\tthe clamp".into() },
    ]
}

fn verbs() -> Vec<Verb> {
    vec![
        Verb::Identify,
        Verb::Status,
        Verb::FactoryReset,
        Verb::ProgramBasal { rate: Flow(20.833333333333332) },
        Verb::ProgramBolus { volume: Volume(200.0), over: Span::minutes(2) },
        Verb::ProgramPriming { volume: Volume(90.0) },
        Verb::Start,
        Verb::Stop,
        Verb::Acknowledge,
        Verb::Refill { volume: Volume(20_000.0) },
        Verb::ReadLog,
    ]
}

fn events() -> Vec<Event> {
    let counts = Counts { fail: 1, error: 2, aborted: 3, inconclusive: 4, skipped: 5, pass: 6 };
    let answered = |outcome| Event::Answered { id: 1, verb: Verb::Start, outcome, transmissions: 3 };
    let mut events = vec![
        Event::CaseStarted(CaseStarted {
            scenario: "SMOKE-01".into(),
            scenario_sha256: "ab".into(),
            title: "Smoke".into(),
            case: "rate=1 µL/h".into(),
            attempt: 1,
            number: 1,
            of: 1,
            time_limit: Span::minutes(20),
            hazards: vec!["HAZ-01".into()],
        }),
        Event::DutIdentified(DutIdentity {
            model: "REF-20".into(),
            serial: "0001".into(),
            firmware_version: "1.2.3".into(),
            firmware_hash: "c0ffee".into(),
            protocol_version: 1,
        }),
        Event::StepStarted { step: "steps.1".into(), what: "start".into() },
        Event::StepEnded { step: "steps.1".into() },
    ];
    events.extend(verbs().into_iter().map(|verb| Event::Command { id: 1, verb }));
    events.extend([
        answered(Outcome::Accepted),
        answered(Outcome::Refused(Refusal::AlarmLatched)),
        answered(Outcome::Unanswered),
        answered(Outcome::LinkFailed),
        Event::PumpState { from: None, to: PumpState::SelfTest },
        Event::PumpState { from: Some(PumpState::SelfTest), to: PumpState::Stopped },
        Event::AlarmOn { alarm: Alarm::Occlusion },
        Event::AlarmOff { alarm: Alarm::Occlusion },
        Event::Tone { channel: "alarm".into(), class: AlarmClass::Critical, began_before: Span::milliseconds(250) },
        Event::PumpRestarted,
        Event::Log { entries: vec![LogEntry { number: 1, uptime_us: 2, what: "power on".into(), code: None, value: None }] },
        Event::LinkDown { why: "no answer".into() },
        Event::LinkUp,
        Event::Garbage { bytes: 9 },
        Event::Mark { name: "closed".into() },
        Event::WindowOpened { window: "dose".into(), channel: "flow.tip".into() },
        Event::WindowClosed(WindowClosed {
            window: "dose".into(),
            channel: "flow.tip".into(),
            opened: RigTime(5),
            forward: 10,
            reverse: 1,
            volume: Some(Volume(0.9)),
            mean_flow: None,
            ended: true,
        }),
        Event::Noticed { step: "watch.1".into(), what: "reverse flow".into() },
        Event::ChannelAlive { channel: "flow.tip".into() },
        Event::DataLost(Lost { channel: None, count: None, spurious: false, why: "queue full".into() }),
        Event::Check(Box::new(row())),
        Event::Prompted { id: 8, text: "close the clamp".into() },
        Event::Answer { id: 8, operator: None },
        Event::SafeDown { why: "end of the case".into() },
        Event::Safe(SafeShown {
            shown: true,
            stop_acknowledged: true,
            lines_safe: true,
            dwell: Span::seconds(10),
            at_most: Some(Volume(0.1)),
            allowed: Volume(0.3),
            reason: "no pulse".into(),
        }),
        Event::CaseEnded(CaseEnded { verdict: Verdict::Fail, counts, reason: "1 check is FAIL".into() }),
        Event::LinkLatency(LinkLatency { replies: 3, least: Span(1), mean: Span(2), most: Span(3) }),
        Event::Curves(Box::new(CurvesTold {
            window: "basal".into(),
            channel: "flow.tip".into(),
            plan: CurvePlan { stroke_cycle: Some(Span::minutes(3)), ..CurvePlan::new(Method::Ambulatory, Flow(20.0)) },
            curves: curves(),
        })),
        Event::Figures(Box::new(FiguresTold {
            of: "basal".into(),
            channel: Some("flow.tip".into()),
            figures: vec![
                Figure {
                    name: "longest_gap".into(),
                    value: Some(180.5),
                    unit: "s".into(),
                    expanded_uncertainty: Some(0.25),
                    n: Some(900),
                    method: "ambulatory".into(),
                    note: "from 1 h".into(),
                },
                Figure {
                    name: "overall_error_b".into(),
                    value: None,
                    unit: "%".into(),
                    expanded_uncertainty: None,
                    n: None,
                    method: String::new(),
                    note: String::new(),
                },
            ],
        })),
        Event::RunEnded(RunEnded { verdict: Some(Verdict::Fail), checks: counts, cases: counts, safe: true, exit_code: 1 }),
    ]);
    events
}

/// The least that has every part of a curve.
fn curves() -> Curves {
    let overall = OverallError { from: Span::hours(24), to: Span::hours(50), volume: Volume(530.4), flow: Flow(20.4), error_percent: 2.0 };
    let point = TrumpetPoint {
        window: Span::minutes(15),
        windows: 104,
        max_percent: 20.0,
        min_percent: -20.0,
        mean_percent: 2.0,
        within_percent: 87.5,
        floor: Some(PulsatilityFloor { max_percent: 20.0, min_percent: 0.0 }),
    };
    let whole = StrokePoint { instead_of: Span::minutes(15), strokes: 5, point: TrumpetPoint { floor: None, ..point } };
    let hours =
        HourStatistics { hours: 26, mean_percent: 2.0, sd_percent: None, min_percent: 0.0, max_percent: 5.0, within_percent: 100.0 };
    Curves {
        start_up: vec![StartUpPoint { at: Span::minutes(15), flow: Flow(20.0) }],
        a: Some(overall),
        b: overall,
        trumpets: vec![Trumpet { period: Period::T2, from: overall.from, to: overall.to, points: vec![point], strokes: vec![whole] }],
        hours: Some(hours),
    }
}

/// The journal of a run in which everything happens that format version 1 knows.
pub fn every_kind() -> Vec<Fact> {
    let bodies = std::iter::once(Body::Header(Box::new(header()))).chain(happenings()).chain(events().into_iter().map(Body::Event));
    numbered(bodies)
}

/// The same in format version 2: a header that says where all came from, and what the rig notes down of itself.
pub fn every_kind_of_version_2() -> Vec<Fact> {
    let mut events: Vec<Body> = events().into_iter().map(Body::Event).collect();
    let end = events.pop().expect("the end of the run");
    let late = [
        Body::Event(Event::Weighed(weighed())),
        Body::Note(Note::NotEvidence { why: "the clock on the wall was set by 2 h while the run was played".into() }),
        Body::Note(Note::WallClock(clock("2026-01-02T05:04:05Z", false))),
    ];
    numbered(std::iter::once(Body::Header(Box::new(full_header()))).chain(happenings()).chain(events).chain(late).chain([end]))
}

/// The journal of these facts.
pub fn written(facts: &[Fact]) -> String {
    let mut writer = rig_record::JournalWriter::new(Vec::new());
    for fact in facts {
        writer.write(fact).expect("a Vec takes all that is written");
    }
    String::from_utf8(writer.into_inner()).expect("JSON is text")
}

fn happenings() -> impl Iterator<Item = Body> {
    inputs().into_iter().map(Body::Input).chain(actions().into_iter().map(Body::Action))
}

fn numbered(bodies: impl Iterator<Item = Body>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = bodies.enumerate().map(|(i, body)| fact(i as i64 * 1_000, body)).collect();
    facts[2].arrival = Some(RigTime(2_345));
    facts[3].at = RigTime(i64::MIN);
    facts
}

/// Of a real bench, with nothing left out.
pub fn full_header() -> Header {
    Header {
        simulated: false,
        simulated_because: vec!["the port is a pty".into()],
        warnings: vec!["flow.tip: its K-factor rests on no certificate".into()],
        machine: Some("Raspberry Pi 5".into()),
        operator: Some("R. Müller".into()),
        allow_skipped: true,
        delivery_delay: true,
        dose_oracle: false,
        provenance: Box::new(provenance()),
        ..header()
    }
}

fn provenance() -> Provenance {
    Provenance {
        number: Some(17),
        rig: Some(RigBuild {
            version: "0.1.0".into(),
            commit: Some("c0ffee".into()),
            uncommitted: true,
            target: "aarch64-unknown-linux-musl".into(),
            profile: "release".into(),
            lock_sha256: "1a".into(),
            executable_sha256: Some("2b".into()),
        }),
        clock: Some(clock("2026-01-02T03:04:05Z", true)),
        environment: Some(Environment {
            temperature: Some(21.5),
            humidity: Some(45.0),
            air_pressure: Some(1013.25),
            liquid: Some("water, lot 7".into()),
        }),
        firmware: Some(FirmwareImage {
            path: "pump.bin".into(),
            sha256: "3c".into(),
            bytes: 65_536,
            build_hashes: vec!["c0ffee".into(), "3c".into()],
        }),
        approval: Some(Approval {
            document: SourceText { path: "plan.approved.json".into(), sha256: "4d".into(), text: "{}\n".into() },
            signature: "-----BEGIN SSH SIGNATURE-----\n".into(),
            test: "bench 3".into(),
        }),
        rerun_of: vec![Predecessor { run_id: "1a2b3c".into(), folder: "20260101T030405Z_sim_1a2b3c".into(), reason: "power cut".into() }],
        not_evidence: vec!["the port is a pty".into()],
    }
}

fn clock(utc: &str, synchronised: bool) -> WallClock {
    WallClock { utc: utc.into(), synchronised, max_error_ms: synchronised.then_some(1.5), source: Some("tsc".into()) }
}

fn weighed() -> Weighed {
    let comparison = Comparison { difference: Volume(0.5), standard_uncertainty: 0.25, e_n: Some(1.0), chance: 0.0455 };
    Weighed {
        window: "dose".into(),
        flow: "flow.tip".into(),
        balance: "balance".into(),
        against: WeighedAgainst {
            flow_volume: Volume(200.5),
            weighed: Some(Volume(200.0)),
            budget: Vec::new(),
            comparison: Some(comparison),
            outcome: Comparability::Agree,
            why: String::new(),
        },
    }
}
