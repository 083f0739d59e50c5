//! Whatever is sent, read and cut off, in any order: nothing panics, nothing flows that was not started, and never more than was programmed.

mod support;

use proptest::prelude::*;
use pump_core::{Config, Input};
use pump_link::{Command, Notice, Request, Response, State};
use support::{Did, Table};

#[derive(Debug, Clone)]
enum Op {
    Ask(Command),
    /// The last request again.
    Again,
    /// The one before it again, late.
    Late,
    Garbage(Vec<u8>),
    Wait(u64),
    Pressure(Option<i32>),
    /// A reading that nobody asked for.
    Reading(i32),
    PowerCycle,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Identify),
        Just(Command::Status),
        Just(Command::FactoryReset),
        prop_oneof![2_000..=1_000_000_u32, any::<u32>()].prop_map(|rate_nl_h| Command::ProgramBasal { rate_nl_h }),
        (prop_oneof![1_000..=1_000_000_u32, 1_000..5_000_u32, any::<u32>()], prop_oneof![0..120_000_u32, any::<u32>()])
            .prop_map(|(volume_nl, duration_ms)| Command::ProgramBolus { volume_nl, duration_ms }),
        prop_oneof![1_000..=20_000_u32, any::<u32>()].prop_map(|volume_nl| Command::ProgramPriming { volume_nl }),
        Just(Command::Start),
        Just(Command::Start),
        Just(Command::Start),
        Just(Command::Stop),
        Just(Command::Acknowledge),
        prop_oneof![0..=2_100_000_u32, any::<u32>()].prop_map(|volume_nl| Command::Refill { volume_nl }),
        any::<u32>().prop_map(|from| Command::ReadLog { from }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => command().prop_map(Op::Ask),
        1 => Just(Op::Again),
        1 => Just(Op::Late),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Op::Garbage),
        4 => prop_oneof![0..2_000_000_u64, 0..4_000_000_000_u64].prop_map(Op::Wait),
        1 => prop_oneof![Just(Some(0)), Just(Some(80_000)), Just(None), any::<i32>().prop_map(Some)].prop_map(Op::Pressure),
        1 => any::<i32>().prop_map(Op::Reading),
        1 => Just(Op::PowerCycle),
    ]
}

/// What may flow, counted beside the pump from the commands that it accepted.
#[derive(Debug, Default)]
struct Account {
    next_dose_nl: u64,
    doses_nl: u64,
    /// nL·µs/h
    basal: u128,
    flowed_nl: u64,
    flowed_since_reset_nl: u64,
    stopped: bool,
    state: Option<State>,
    busy_until: u64,
}

impl Account {
    fn command(&mut self, command: Command) {
        match command {
            Command::ProgramBolus { volume_nl, .. } | Command::ProgramPriming { volume_nl } => self.next_dose_nl = u64::from(volume_nl),
            Command::Start => {
                self.doses_nl += std::mem::take(&mut self.next_dose_nl);
                self.stopped = false;
            }
            Command::Stop => self.stopped = true,
            Command::FactoryReset => (self.next_dose_nl, self.flowed_since_reset_nl, self.stopped) = (0, 0, true),
            _ => {}
        }
    }

    fn read(&mut self, table: &mut Table) {
        for (at, did) in table.did.drain(..) {
            match did {
                Did::Stroke { volume_nl, duration_us } => {
                    assert!(matches!(self.state, Some(State::Infusing | State::Bolus | State::Priming)), "stroke while {:?}", self.state);
                    assert!(!self.stopped, "stroke after a stop");
                    assert!(at >= self.busy_until, "strokes overlap");
                    self.busy_until = at + u64::from(duration_us);
                    self.flowed_nl += u64::from(volume_nl);
                    self.flowed_since_reset_nl += u64::from(volume_nl);
                }
                Did::Abort => {
                    assert!(at <= self.busy_until, "no stroke to abort");
                    self.busy_until = at;
                }
                Did::Notice(Notice::State(state)) => self.state = Some(state),
                _ => {}
            }
        }
        assert!(u128::from(self.flowed_nl) <= u128::from(self.doses_nl) + self.basal / 3_600_000_000, "too much: {self:?}");
    }
}

fn play(ops: Vec<Op>) {
    let mut table = Table::power_on(Config::default(), None);
    let mut account = Account::default();
    let mut sent: Vec<Request> = Vec::new();
    for op in ops {
        match op {
            Op::Ask(command) => {
                // The account is told first, as a start's first stroke comes with its reply; and it is taken back if refused.
                let before = (account.next_dose_nl, account.doses_nl, account.stopped, account.flowed_since_reset_nl);
                account.command(command);
                let response = table.ask(command);
                if matches!(response, Response::Refused(_)) {
                    (account.next_dose_nl, account.doses_nl, account.stopped, account.flowed_since_reset_nl) = before;
                }
                sent.push(Request { session: table.session, seq: table.seq, command });
            }
            Op::Again => drop(sent.last().map(|request| table.send(*request))),
            Op::Late => drop(sent.iter().rev().nth(1).map(|request| table.send(*request))),
            Op::Garbage(bytes) => table.handle(Input::Bytes(&[&bytes[..], &[0]].concat())),
            Op::Wait(us) => {
                let status = table.status();
                account.basal += u128::from(status.basal_nl_h) * u128::from(us);
                table.run_for(us);
            }
            Op::Pressure(pressure) => table.pressure = pressure,
            Op::Reading(pascal) => table.handle(Input::Pressure { pascal }),
            Op::PowerCycle => {
                account.read(&mut table);
                table.power_cycle();
                (account.next_dose_nl, account.state, account.busy_until, account.stopped) = (0, None, 0, true);
                sent.clear();
            }
        }
        account.read(&mut table);
        assert_eq!(table.status().delivered_nl, account.flowed_since_reset_nl);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_flows_that_was_not_started(ops in prop::collection::vec(op(), 1..60)) {
        play(ops);
    }
}
