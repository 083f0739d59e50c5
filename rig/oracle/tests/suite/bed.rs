//! Orders and deliveries written down side by side, in order of time, and what the oracle makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use rig_model::bench::*;
use rig_model::dose::DoseRow;
use rig_model::dut::{Alarm, Days, DutReport, Outcome, PatientBolus, PumpState, PumpStatus, Refusal, ScheduleStep, Verb};
use rig_model::input::{Actuation, Edges, Lost, PlantChange, Sense};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Verdict};
use rig_oracle::{Heard, Oracle};

pub const SECOND: i64 = 1_000_000_000;
pub const HOUR: i64 = 3_600 * SECOND;
/// From a command to its answer.
const ANSWER: i64 = SECOND / 50;

#[derive(Debug, Clone)]
enum What {
    Command(u64, Verb),
    Ended(u64, Verb, Outcome),
    Pulse(&'static str),
    /// So many of one stroke, told together at its end.
    Batch(&'static str, u32, Span),
    Report(DutReport),
    Actuate(u64, Actuation),
    Done(u64),
    Prompt(&'static str),
    SetUp(PlantChange),
    Lost(Lost),
}

#[derive(Debug, Default)]
pub struct Bed {
    events: Vec<(i64, What)>,
    id: u64,
    /// What the bench file states of the pump.
    pub own: OwnRates,
    /// What the pump says all the time that it does; absent: it infuses.
    pub state: Option<PumpState>,
    /// From these instants on it says another state, and how often it has begun anew.
    said: Vec<(i64, PumpState, u32)>,
}

pub fn s(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

impl Bed {
    /// A pump that was reset to its first day.
    pub fn new() -> Self {
        let mut bed = Self::default();
        bed.say(0, Verb::FactoryReset);
        bed
    }

    pub fn say(&mut self, at: i64, verb: Verb) -> &mut Self {
        self.answered(at, verb, Outcome::Accepted)
    }

    pub fn refused(&mut self, at: i64, verb: Verb, why: Refusal) -> &mut Self {
        self.answered(at, verb, Outcome::Refused(why))
    }

    pub fn answered(&mut self, at: i64, verb: Verb, outcome: Outcome) -> &mut Self {
        self.id += 1;
        self.events.push((at, What::Command(self.id, verb.clone())));
        self.events.push((at + ANSWER, What::Ended(self.id, verb, outcome)));
        self
    }

    /// Accepted, after this time.
    pub fn answered_after(&mut self, at: i64, verb: Verb, after: i64) -> &mut Self {
        self.id += 1;
        self.events.push((at, What::Command(self.id, verb.clone())));
        self.events.push((at + after, What::Ended(self.id, verb, Outcome::Accepted)));
        self
    }

    /// Programs, reads back and confirms.
    pub fn prescribe(&mut self, at: i64, parts: impl IntoIterator<Item = Verb>) -> &mut Self {
        let mut at = at;
        for verb in parts.into_iter().chain([Verb::ReadBack, Verb::Confirm]) {
            self.say(at, verb);
            at += 2 * ANSWER;
        }
        self
    }

    /// Somebody is asked to do something by hand.
    pub fn prompt(&mut self, at: i64, text: &'static str) -> &mut Self {
        self.events.push((at, What::Prompt(text)));
        self
    }

    /// It is set up by hand, before the steps.
    pub fn set_up(&mut self, at: i64, change: PlantChange) -> &mut Self {
        self.events.push((at, What::SetUp(change)));
        self
    }

    /// Pulses of this channel are lost.
    pub fn lost(&mut self, at: i64, channel: &str) -> &mut Self {
        self.events.push((at, What::Lost(Lost::because("a queue was full").of(channel.into()))));
        self
    }

    pub fn plant(&mut self, at: i64, change: PlantChange) -> &mut Self {
        self.actuate(at, Actuation::Plant(change))
    }

    pub fn line(&mut self, at: i64, line: &str, active: bool) -> &mut Self {
        self.actuate(at, Actuation::Line { line: line.into(), active })
    }

    fn actuate(&mut self, at: i64, what: Actuation) -> &mut Self {
        self.id += 1;
        self.events.push((at, What::Actuate(self.id, what)));
        self.events.push((at + ANSWER, What::Done(self.id)));
        self
    }

    pub fn alarm(&mut self, at: i64, alarm: Alarm) -> &mut Self {
        self.events.push((at, What::Report(DutReport::AlarmOn(alarm))));
        self
    }

    pub fn restarted(&mut self, at: i64) -> &mut Self {
        self.events.push((at, What::Report(DutReport::Restarted)));
        self
    }

    /// From then on it says so at each poll.
    pub fn says(&mut self, from: i64, state: PumpState, resets: u32) -> &mut Self {
        self.said.push((from, state, resets));
        self
    }

    /// What flows at an even rate from one instant to another, in strokes of 1 µL and 10 pulses, on both channels.
    pub fn flows(&mut self, from: i64, to: i64, rate: f64) -> &mut Self {
        self.flows_on(&["flow.pump", "flow.tip"], from, to, rate)
    }

    pub fn flows_on(&mut self, channels: &[&'static str], from: i64, to: i64, rate: f64) -> &mut Self {
        let strokes = ((to - from) as f64 * rate / 3.6e12 + 1e-6).floor() as i64;
        let period = 3.6e12 / rate;
        // A stroke takes half a second, or as long as there is.
        let pulse = (period / 12.0).min(5e7);
        for stroke in 1..=strokes {
            // The last pulse of a stroke comes when the volume is due.
            let due = from as f64 + stroke as f64 * period;
            for n in 0..10 {
                let at = (due - f64::from(9 - n) * pulse) as i64;
                channels.iter().for_each(|channel| self.events.push((at, What::Pulse(channel))));
            }
        }
        self
    }

    /// The same flow in strokes of half a second whose pulses are told together at their end, those of the tip first.
    pub fn strokes_told_whole(&mut self, from: i64, to: i64, rate: f64) -> &mut Self {
        let period = (3.6e12 / rate) as i64;
        for end in (from + s(0.45)..=to).step_by(period as usize) {
            for channel in ["flow.tip", "flow.pump"] {
                self.events.push((end, What::Batch(channel, 10, Span::milliseconds(50))));
            }
        }
        self
    }

    /// Volume in µL over a time in s.
    pub fn bolus(&mut self, from: i64, volume: f64, over: f64) -> &mut Self {
        self.flows(from, from + s(over), volume * 3600.0 / over)
    }

    /// Both rows' verdicts.
    pub fn verdicts(&mut self, end: i64) -> (Verdict, Verdict) {
        let rows = self.rows(end);
        let verdict = |step: &str| rows.iter().find(|row| &*row.step == step).map_or(Verdict::Skipped, |row| row.verdict);
        (verdict(DoseRow::EXCESS.step), verdict(DoseRow::SHORTFALL.step))
    }

    pub fn rows(&mut self, end: i64) -> Vec<CheckRow> {
        let mut bench = bench();
        bench.dut.own = self.own;
        self.rows_on(bench, end)
    }

    pub fn rows_on(&mut self, bench: Bench, end: i64) -> Vec<CheckRow> {
        let mut events = std::mem::take(&mut self.events);
        let mut at = 0;
        while at < end {
            let otherwise = self.said.iter().rev().find(|(from, ..)| *from <= at);
            let (state, resets) = otherwise.map_or((self.state.unwrap_or(PumpState::Infusing), 0), |(_, state, resets)| (*state, *resets));
            events.push((at, What::Report(DutReport::Status(PumpStatus { state, resets, ..status() }))));
            at += 10 * SECOND;
        }
        events.sort_by_key(|(at, _)| *at);
        let mut oracle = Oracle::new(Arc::new(bench), RigTime(0));
        for (at, what) in events.iter().take_while(|(at, _)| *at <= end) {
            let now = RigTime(*at);
            match what {
                What::Command(id, verb) => oracle.hear(now, Heard::Command { id: *id, verb }),
                What::Ended(id, verb, outcome) => oracle.hear(now, Heard::Ended { id: *id, verb, outcome }),
                What::Report(report) => oracle.hear(now, Heard::Report(report)),
                What::Actuate(id, what) => oracle.hear(now, Heard::Actuate { id: *id, what }),
                What::Done(id) => oracle.hear(now, Heard::Done { id: *id }),
                What::Prompt(text) => oracle.hear(now, Heard::Prompt { text, change: None }),
                What::SetUp(change) => oracle.hear(now, Heard::Prompt { text: "set up by hand", change: Some(change) }),
                What::Lost(lost) => oracle.hear(now, Heard::Lost(lost)),
                What::Batch(channel, pulses, apart) => {
                    let then = vec![apart.0; *pulses as usize - 1];
                    let first = RigTime(at - apart.0 * then.len() as i64);
                    let edges = Edges { then, ..Edges::single((*channel).into(), Sense::Forward, 0, first) };
                    oracle.hear(now, Heard::Edges(&edges));
                }
                What::Pulse(channel) => {
                    oracle.hear(now, Heard::Edges(&Edges::single((*channel).into(), Sense::Forward, 0, now)));
                }
            }
        }
        oracle.judge(RigTime(end), &BTreeSet::new())
    }
}

/// Plays it to its end and says which rows are not PASS.
pub fn check(name: &str, hours: f64, expected: (Verdict, Verdict), play: impl Fn(&mut Bed)) {
    check_on(bench(), name, hours, expected, play);
}

pub fn check_on(bench: Bench, name: &str, hours: f64, expected: (Verdict, Verdict), play: impl Fn(&mut Bed)) {
    let mut bed = Bed::new();
    play(&mut bed);
    let bench = Bench { dut: DutExpected { own: bed.own, ..bench.dut.clone() }, ..bench };
    let rows = bed.rows_on(bench, (hours * HOUR as f64) as i64);
    let verdict = |n: usize| rows.get(n).map_or(Verdict::Skipped, |row| row.verdict);
    let told: Vec<&str> = rows.iter().map(|row| &*row.reason).collect();
    assert_eq!((verdict(0), verdict(1)), expected, "{name}: {told:#?}");
}

fn status() -> PumpStatus {
    PumpStatus {
        state: PumpState::Infusing,
        alarms: Vec::new(),
        reservoir: Volume(0.0),
        delivered: Volume(0.0),
        basal: Flow(0.0),
        bolus_left: Volume(0.0),
        strokes: 0,
        resets: 0,
        uptime_us: 0,
    }
}

pub fn basal(rate: f64) -> Verb {
    Verb::ProgramBasal { rate: Flow(rate) }
}

pub fn bolus(volume: f64, over: f64) -> Verb {
    Verb::ProgramBolus { volume: Volume(volume), over: Span(s(over)) }
}

pub fn step(from_h: i64, rate: f64) -> Verb {
    Verb::ProgramStep(Box::new(ScheduleStep { days: Days::ALL, from: Span::hours(from_h), rate: Flow(rate), bolus: None }))
}

pub fn limit(volume: f64, hours: i64) -> Verb {
    Verb::ProgramLimit { volume: Volume(volume), in_any: Span::hours(hours) }
}

/// 50 µL over 2 min, at once, every 4 h, 3 in any 24 h.
pub fn patient() -> Verb {
    Verb::ProgramPatientBolus(Box::new(PatientBolus {
        volume: Volume(50.0),
        over: Span::minutes(2),
        first_after: Span::ZERO,
        lockout: Span::hours(4),
        activations: 3,
        in_any: Span::hours(24),
    }))
}

pub fn bench() -> Bench {
    let flow = FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(1.0),
        curve: Default::default(),
        accuracy: Default::default(),
        min_flow: 0.0,
        max_flow: 2e6,
        stroke_gap: Span::milliseconds(500),
        bidirectional: true,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    };
    let channel = |name: &str| Channel { name: name.into(), instrument: Instrument::Flow(flow), certificate: None, wiring: None };
    Bench {
        name: "bed".into(),
        kind: BenchKind::Pi,
        backend: Default::default(),
        supervision: Default::default(),
        link: Link {
            protocol: "none".into(),
            path: None,
            baud: 115_200,
            reply_timeout: Span::milliseconds(250),
            transmissions: 3,
            poll_every: Span::seconds(10),
        },
        dut: DutExpected { model: "T".into(), serial: None, serials: Vec::new(), stroke: None, own: Default::default(), firmware: None },
        lines: Vec::new(),
        channels: vec![channel("flow.pump"), channel("flow.tip")],
        safe_down: SafeDown { dwell: Span::seconds(30), at_most: Volume(0.5) },
        rule: None,
        clock_ppm: 0.0,
        plant: None,
    }
}

/// Plumbing whose reservoir holds 20 mL.
pub fn plant() -> Plant {
    Plant {
        reservoir_capacity: Volume(20_000.0),
        reservoir_empty: Volume(500.0),
        dead_volume: Volume(200.0),
        compliance: 0.1,
        resistance: 1e12,
        tip_pressure: Pressure(1.0),
        ambient_pressure: Pressure(101.3),
        gain: 1.0,
        stroke_noise_percent: 0.0,
        leak: 0.0,
        pressure_noise: Pressure(0.0),
        edge_jitter: Span::ZERO,
        missed_pulses: 0.0,
        extra_pulses: 0.0,
        k_error: 0.0,
        k_error_tip: None,
        pump_clock_ppm: 0.0,
        relay_delay: Span::ZERO,
        link_delay: Span::ZERO,
        inside: Inside::default(),
        drug: DrugInLine::default(),
        valves: HeadValves::default(),
    }
}
