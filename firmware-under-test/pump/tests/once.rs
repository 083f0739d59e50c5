//! Commands sent again, late, doubled or broken: executed once or not at all, and always answered.

mod support;

use pump_core::Input;
use pump_link::{Command, Refusal, Request, Response, State};
use support::{Did, HOUR, SECOND, Table};

#[test]
fn a_bolus_whose_replies_were_lost_is_delivered_once() {
    let mut table = Table::ready();
    let program = Request { session: 9, seq: 41, command: Command::ProgramBolus { volume_nl: 20_000, duration_ms: 20_000 } };
    let start = Request { session: 9, seq: 42, command: Command::Start };
    for _ in 0..3 {
        assert_eq!(table.send(program), Response::Accepted);
    }
    for _ in 0..3 {
        assert_eq!(table.send(start), Response::Accepted);
        table.run_for(5 * SECOND);
    }
    table.run_for(HOUR);
    // Once more when all is over, and the programme from before the start as a late double.
    assert_eq!(table.send(start), Response::Accepted);
    assert_eq!(table.send(program), Response::Refused(Refusal::Malformed));
    table.run_for(HOUR);
    assert_eq!(table.status().delivered_nl, 20_000);
    assert_eq!(table.state(), State::Stopped);
}

#[test]
fn a_refusal_is_repeated_too() {
    let mut table = Table::ready();
    let start = Request { session: 9, seq: 1, command: Command::Start };
    assert_eq!(table.send(start), Response::Refused(Refusal::NothingProgrammed));
    let basal = Request { session: 8, seq: 1, command: Command::Start };
    assert_eq!(table.send(basal), Response::Refused(Refusal::NothingProgrammed));
    table.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
    let start = Request { session: 1, seq: table.seq + 1, command: Command::Start };
    assert_eq!(table.send(start), Response::Accepted);
    assert_eq!(table.send(start), Response::Accepted);
    assert_eq!(table.send(Request { seq: start.seq + 1, ..start }), Response::Refused(Refusal::AlreadyRunning));
}

#[test]
fn polls_between_the_transmissions_do_not_make_it_forget() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBolus { volume_nl: 2_000, duration_ms: 4_000 });
    table.seq += 1;
    let start = Request { session: table.session, seq: table.seq, command: Command::Start };
    assert_eq!(table.send(start), Response::Accepted);
    table.run_for(HOUR);
    for _ in 0..1_000 {
        table.status();
    }
    assert_eq!(table.send(start), Response::Accepted);
    table.run_for(HOUR);
    assert_eq!(table.status().delivered_nl, 2_000);
}

#[test]
fn what_is_not_understood_is_refused_and_does_nothing() {
    let mut table = Table::ready();
    for (message, refusal) in
        [(&[1, 5, 32][..], Refusal::UnknownCommand), (&[1, 6, 3], Refusal::Malformed), (&[1, 7, 6, 0], Refusal::Malformed)]
    {
        let checksum = pump_link::crc32(message).to_le_bytes();
        let frame = cobs_by_hand(&[message, &checksum].concat());
        table.handle(Input::Bytes(&frame));
        let replies: Vec<_> = table.did.drain(..).map(|(_, did)| did).collect();
        assert_eq!(replies, [Did::Reply { seq: u16::from(message[1]), response: Response::Refused(refusal) }]);
    }
    assert_eq!(table.pump.skipped_bytes(), 0);
    assert_eq!(table.state(), State::Stopped);
}

#[test]
fn garbage_is_skipped_and_counted_and_the_next_frame_is_heard() {
    let mut table = Table::ready();
    table.handle(Input::Bytes(&[5; 1_000]));
    table.handle(Input::Bytes(&[0, 0]));
    assert_eq!(table.did, []);
    assert_eq!(table.state(), State::Stopped);
    assert_eq!(table.pump.skipped_bytes(), 1_001);
}

fn cobs_by_hand(plain: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    for group in plain.split(|byte| *byte == 0) {
        frame.push(group.len() as u8 + 1);
        frame.extend_from_slice(group);
    }
    frame.push(0);
    frame
}
