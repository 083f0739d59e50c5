//! Whatever is programmed, confirmed, pressed and cut off, in any order and at any time: nothing panics, nothing flows without a start, no more
//! than the limit begins in any period, and the patient has no more boluses than the rule lets him have.

mod support;

use proptest::prelude::*;
use pump_core::{Config, Input};
use pump_link::{Command, LogCode, Notice, Response, State};
use support::{Did, SECOND, Table};

const PERIOD_S: u32 = 600;
const LIMIT_NL: u32 = 40_000;

#[derive(Debug, Clone)]
enum Op {
    Ask(Command),
    /// Reads back and confirms.
    Confirm,
    Press(u64),
    Wait(u64),
    Pressure(i32),
    PowerCycle,
}

/// Small numbers, so that a few minutes are eventful.
fn part() -> impl Strategy<Value = Command> {
    let ms = prop_oneof![0..60_000_u32, 1_000..600_000_u32, any::<u32>()];
    let nl = prop_oneof![1_000..20_000_u32, 1_000..50_000_u32, any::<u32>()];
    let rate = prop_oneof![2_000..=1_000_000_u32, any::<u32>()];
    prop_oneof![
        rate.clone().prop_map(|rate_nl_h| Command::ProgramBasal { rate_nl_h }),
        (nl.clone(), ms.clone()).prop_map(|(volume_nl, duration_ms)| Command::ProgramBolus { volume_nl, duration_ms }),
        nl.clone().prop_map(|volume_nl| Command::ProgramPriming { volume_nl }),
        prop_oneof![1..3_u32, any::<u32>()].prop_map(|ng_per_ul| Command::ProgramConcentration { ng_per_ul }),
        any::<u32>().prop_map(|ng_per_h| Command::ProgramBasalDose { ng_per_h }),
        (0..50_000_u32, ms.clone()).prop_map(|(ng, duration_ms)| Command::ProgramBolusDose { ng, duration_ms }),
        (prop_oneof![Just(0x7f), any::<u8>()], 0..60_u16, rate.clone(), prop_oneof![Just(0), 1_000..9_000_u32], 0..90_000_u32).prop_map(
            |(days, minute, rate_nl_h, bolus_nl, ms)| Command::ProgramStep {
                days,
                minute,
                rate_nl_h,
                bolus_nl,
                bolus_ms: if bolus_nl == 0 { 0 } else { ms },
            }
        ),
        (nl.clone(), ms.clone(), 0..600_u32).prop_map(|(volume_nl, duration_ms, every_s)| Command::ProgramMicrodose {
            volume_nl,
            duration_ms,
            every_s
        }),
        Just(Command::ProgramMinimum),
        (nl.clone(), ms, 0..60_u32, 0..60_u32, 0..9_u16, 60..900_u32).prop_map(
            |(volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s)| Command::ProgramPatientBolus {
                volume_nl,
                duration_ms,
                first_after_s,
                lockout_s,
                activations,
                period_s,
            }
        ),
        (nl, rate).prop_map(|(volume_nl, rate_nl_h)| Command::ProgramBridge { volume_nl, rate_nl_h }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let command = prop_oneof![
        8 => part(),
        6 => Just(Command::Start),
        1 => Just(Command::Stop),
        1 => Just(Command::ShutDown),
        2 => Just(Command::Discard),
        3 => Just(Command::PatientBolus),
        1 => Just(Command::Acknowledge),
        1 => Just(Command::BeginRefill),
        2 => (0..20_000_000_u32, 500_000..21_000_000_u32, 0..3_u32)
            .prop_map(|(withdrawn_nl, filled_nl, ng_per_ul)| Command::EndRefill { withdrawn_nl, filled_nl, ng_per_ul }),
        2 => (0..3_700_u32).prop_map(|second_of_week| Command::SetClock { second_of_week }),
        1 => any::<u32>().prop_map(|checksum| Command::Confirm { checksum }),
        1 => Just(Command::Therapy),
    ];
    prop_oneof![
        10 => command.prop_map(Op::Ask),
        6 => Just(Op::Confirm),
        2 => (0..100_000_u64).prop_map(Op::Press),
        8 => prop_oneof![0..2_000_000_u64, 0..400_000_000_u64].prop_map(Op::Wait),
        1 => prop_oneof![Just(0), Just(80_000)].prop_map(Op::Pressure),
        1 => Just(Op::PowerCycle),
    ]
}

#[derive(Default)]
struct Watch {
    /// Of all power-ons: the time goes on without a gap, as if no time had passed without power.
    strokes: Vec<(u64, u32)>,
    before: u64,
    started: bool,
    state: Option<State>,
    busy_until: u64,
}

impl Watch {
    fn read(&mut self, table: &mut Table) {
        for (at, did) in table.did.drain(..) {
            match did {
                Did::Stroke { volume_nl, duration_us } => {
                    let runs = [State::Infusing, State::Bolus, State::Priming, State::PatientBolus, State::Bridge];
                    assert!(self.started && self.state.is_some_and(|state| runs.contains(&state)), "stroke while {:?}", self.state);
                    assert!(at >= self.busy_until, "strokes overlap");
                    self.busy_until = at + u64::from(duration_us);
                    self.strokes.push((self.before + at, volume_nl));
                }
                Did::Abort => self.busy_until = at,
                Did::Notice(Notice::State(state)) => self.state = Some(state),
                _ => {}
            }
        }
    }

    /// Two whole periods that touch have no instant in common.
    fn check(&self) {
        let mut first = 0;
        let mut sum = 0;
        for (at, volume) in &self.strokes {
            sum += volume;
            while self.strokes[first].0 + u64::from(PERIOD_S) * 1_000_000 <= *at {
                sum -= self.strokes[first].1;
                first += 1;
            }
            assert!(sum <= LIMIT_NL, "{sum} nL in the period that ends at {at} µs");
        }
    }
}

fn play(ops: Vec<Op>) {
    let mut table = Table::ready_with(Config::default());
    table.prescribe(&[Command::ProgramLimit { volume_nl: LIMIT_NL, period_s: PERIOD_S }]);
    let mut watch = Watch { state: Some(State::Stopped), ..Watch::default() };
    for op in ops {
        match op {
            Op::Ask(command) => {
                // A start's first stroke comes with its reply.
                let before = watch.started;
                watch.started |= command == Command::Start;
                if matches!(table.ask(command), Response::Refused(_)) {
                    watch.started = before;
                }
            }
            Op::Confirm => drop(table.ask_confirm()),
            Op::Press(us) => {
                table.handle(Input::Button { pressed: true });
                table.run_for(us);
                table.handle(Input::Button { pressed: false });
            }
            Op::Wait(us) => table.run_for(us),
            Op::Pressure(pascal) => table.pressure = Some(pascal),
            Op::PowerCycle => {
                watch.read(&mut table);
                watch.before += table.now;
                table.power_cycle();
                (watch.started, watch.state, watch.busy_until) = (false, None, 0);
                table.run_to(SECOND);
            }
        }
        watch.read(&mut table);
        if matches!(watch.state, Some(State::Stopped | State::ShutDown | State::Halted)) {
            watch.started = false;
        }
        table.therapy();
    }
    watch.check();
}

/// The rule of the patient alone: by the log, no more than `at_most` in any period, none within the lockout.
fn ask_at(gaps: Vec<u64>) {
    let (lockout, at_most, period) = (30_000_000, 3, 200_000_000);
    let mut table = Table::ready();
    let rule = Command::ProgramPatientBolus {
        volume_nl: 2_000,
        duration_ms: 4_000,
        first_after_s: 60,
        lockout_s: 30,
        activations: 3,
        period_s: 200,
    };
    table.prescribe(&[Command::ProgramMinimum, rule]);
    let confirmed = table.now;
    table.accepted(Command::Start);
    let mut given: Vec<u64> = Vec::new();
    for gap in gaps {
        table.run_for(gap);
        let now = table.now;
        let recent = given.iter().filter(|at| **at + period > now).count();
        let expected = now >= confirmed + 60_000_000 && given.last().is_none_or(|last| now >= last + lockout) && recent < at_most;
        let accepted = table.ask(Command::PatientBolus) == Response::Accepted;
        assert_eq!(accepted, expected, "at {now} after {given:?}");
        if accepted {
            given.push(now);
        }
    }
    let started = table.log(0).iter().filter(|(code, _)| *code == LogCode::PatientBolusStarted).count();
    assert!(started <= given.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_period_has_more_than_the_limit_and_nothing_flows_without_a_start(ops in prop::collection::vec(op(), 1..80)) {
        play(ops);
    }

    #[test]
    fn the_patient_has_what_the_rule_lets_him_have(gaps in prop::collection::vec(0..90_000_000_u64, 1..40)) {
        ask_at(gaps);
    }
}
