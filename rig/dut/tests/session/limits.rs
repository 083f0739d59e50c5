//! What is bounded, what is counted, and the bytes themselves.

use crate::pumps::link_pump::{LinkPump, SESSION, frame};
use crate::pumps::{Say, Wire, link, ms};
use proptest::prelude::*;
use pump_link::{FromPump, Response};
use rig_dut::{MAX_FAULTS, MAX_GARBAGE, MAX_QUEUE, Output, Session};
use rig_model::bench::Link;
use rig_model::dut::{DutReport, Outcome, Verb};
use rig_model::scenario::LinkFault;
use rig_model::time::Span;

fn session() -> Session {
    Session::new(&link(), SESSION).expect("the bench names pump-link")
}

fn drain(session: &mut Session) -> Vec<Output> {
    let all = std::iter::from_fn(|| session.poll_output());
    all.filter(|output| !matches!(output, Output::Disturbed { .. })).collect()
}

fn ended(id: u64, outcome: Outcome, transmissions: u32) -> Output {
    Output::Ended { id, verb: Verb::Start, outcome, transmissions }
}

#[test]
fn an_unknown_protocol_is_named() {
    let error = Session::new(&Link { protocol: "morse".into(), ..link() }, 1).unwrap_err();
    assert_eq!(error.to_string(), "choose a session for the link protocol `morse`: the known one is `pump-link`");
}

#[test]
fn the_bytes_of_a_start() {
    let mut session = Session::new(&link(), 7).unwrap();
    session.command(ms(0), 1, Verb::Start);
    // Delimiter; COBS code; session 7, number 1, command 6 (start); CRC-32 of these three bytes, little-endian; delimiter.
    assert_eq!(drain(&mut session), [Output::Tx(vec![0, 8, 7, 1, 6, 0xE3, 0x5B, 0x76, 0x0A, 0])]);
    session.tick(ms(500));
    session.command(ms(510), 2, Verb::Stop);
    assert_eq!(drain(&mut session), [Output::Tx(vec![0, 8, 7, 1, 6, 0xE3, 0x5B, 0x76, 0x0A, 0])], "the same again");
}

#[test]
fn nothing_is_said_before_it_is_asked_for() {
    let mut session = session();
    assert_eq!((session.next_deadline(), session.poll_output()), (None, None));
    session.link_up(ms(3));
    assert_eq!(session.next_deadline(), Some(ms(10_003)));
    session.tick(ms(10_002));
    assert_eq!(session.poll_output(), None);
}

#[test]
fn the_queue_is_bounded() {
    let mut session = session();
    for id in 0..=MAX_QUEUE as u64 {
        session.command(ms(0), id, Verb::Start);
    }
    assert_eq!(drain(&mut session).len(), 1, "one is outstanding, the others wait");
    session.command(ms(0), 99, Verb::Start);
    assert_eq!(drain(&mut session), [ended(99, Outcome::LinkFailed, 0)]);
}

#[test]
fn a_fault_that_cannot_be_armed_does_not_go_unseen() {
    for faults in [vec![LinkFault::LoseNextReply; MAX_FAULTS + 1], vec![LinkFault::Garbage(MAX_GARBAGE + 1)]] {
        let mut session = session();
        faults.into_iter().for_each(|fault| session.fault(ms(0), fault));
        session.command(ms(0), 1, Verb::Start);
        assert_eq!(drain(&mut session), [ended(1, Outcome::LinkFailed, 0)]);
    }
}

#[test]
fn replies_to_others_and_repeated_ones_are_counted() {
    let mut session = session();
    session.command(ms(0), 1, Verb::Start);
    drain(&mut session);
    let foreign = FromPump::Reply { session: SESSION + 1, seq: 1, response: Response::Accepted };
    let pump = LinkPump::default();
    session.receive(ms(1), &frame(&foreign));
    session.receive(ms(2), &pump.say(&Say::Accepted(2)));
    assert_eq!((drain(&mut session), session.stray_replies()), (vec![], 2));
    session.receive(ms(3), &pump.say(&Say::Accepted(1)));
    session.receive(ms(4), &pump.say(&Say::Accepted(1)));
    assert_eq!((drain(&mut session), session.stray_replies()), (vec![ended(1, Outcome::Accepted, 1)], 3));
}

#[test]
fn a_flood_of_garbage_is_one_output_and_harms_nothing() {
    let mut session = session();
    session.command(ms(0), 1, Verb::Start);
    drain(&mut session);
    let mut flood = b"\x55\0".repeat(50_000);
    flood.extend(vec![0xAA; 1_000_000]);
    flood.push(0);
    session.receive(ms(1), &flood);
    session.receive(ms(2), &LinkPump::default().say(&Say::Accepted(1)));
    assert_eq!(drain(&mut session), [Output::Garbage { bytes: 1_100_001 }, ended(1, Outcome::Accepted, 1)]);
}

#[test]
fn garbage_while_a_fault_waits_is_not_kept() {
    let mut session = session();
    session.fault(ms(0), LinkFault::LoseNextReply);
    session.command(ms(0), 1, Verb::Start);
    drain(&mut session);
    session.receive(ms(1), &vec![0xAA; 1_000_000]);
    session.receive(ms(2), &[0]);
    session.receive(ms(3), &LinkPump::default().say(&Say::Accepted(1)));
    assert_eq!(drain(&mut session), [Output::Garbage { bytes: 1_000_001 }], "the reply is lost all the same");
    session.tick(ms(500));
    session.receive(ms(510), &LinkPump::default().say(&Say::Accepted(1)));
    assert_eq!(drain(&mut session).last(), Some(&ended(1, Outcome::Accepted, 2)));
}

#[test]
fn half_a_message_from_before_the_power_went_does_not_swallow_the_next() {
    let pump = LinkPump::default();
    let mut session = session();
    session.link_up(ms(0));
    session.receive(ms(1), &pump.say(&Say::Status(1))[..9]);
    session.suspend(ms(2));
    session.resume(ms(3));
    session.receive(ms(4), &pump.say(&Say::Notice(DutReport::Restarted)));
    let outputs = drain(&mut session);
    assert_eq!(outputs[..2], [Output::Garbage { bytes: 9 }, Output::Report(DutReport::Restarted)]);
}

#[test]
fn a_log_without_end_is_no_answer() {
    let mut pump = LinkPump::default();
    let mut session = session();
    session.command(ms(0), 1, Verb::ReadLog);
    for _ in 0..10_000 {
        let outputs = drain(&mut session);
        let Some(Output::Tx(bytes)) = outputs.first() else {
            let end = Output::Ended { id: 1, verb: Verb::ReadLog, outcome: Outcome::Unanswered, transmissions: 2_049 };
            assert_eq!(outputs, [end]);
            return;
        };
        let (tag, _, from) = pump.hear(bytes)[0].clone();
        session.receive(ms(1), &pump.say(&Say::Log(tag, from.max(1), from.max(1) + 7)));
    }
    panic!("it reads on and on");
}

#[test]
fn a_log_that_goes_back_ends_there() {
    let pump = LinkPump::default();
    let mut session = session();
    session.command(ms(0), 1, Verb::ReadLog);
    session.receive(ms(1), &pump.say(&Say::Log(1, 1, 8)));
    session.receive(ms(2), &pump.say(&Say::Log(2, 1, 8)));
    let outputs = drain(&mut session);
    assert!(matches!(outputs.last(), Some(Output::Ended { outcome: Outcome::Accepted, .. })), "{outputs:?}");
}

proptest! {
    /// Whatever comes over the line, in whatever pieces, the session stays alive and its command ends.
    #[test]
    fn noise_never_hurts(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20), fault in any::<bool>()) {
        let mut session = session();
        if fault {
            session.fault(ms(0), LinkFault::DelayNextReply(Span::milliseconds(5)));
        }
        session.command(ms(0), 1, Verb::Start);
        for (at, piece) in (1..).zip(&pieces) {
            session.receive(ms(at), piece);
        }
        session.receive(ms(100), &[0]);
        session.receive(ms(101), &LinkPump::default().say(&Say::Accepted(1)));
        session.tick(ms(106));
        let outputs = drain(&mut session);
        prop_assert_eq!(outputs.last(), Some(&ended(1, Outcome::Accepted, 1)));
    }
}

/// How many messages were hit by what is armed before one command that is answered at once; and whether that was told before the end.
fn disturbed(faults: &[LinkFault]) -> u32 {
    let (mut session, mut pump) = (session(), LinkPump::default());
    faults.iter().for_each(|fault| session.fault(ms(0), *fault));
    session.command(ms(0), 1, Verb::Start);
    let mut hits = 0;
    for now in [0, 1, 500, 501] {
        session.tick(ms(now));
        let mut said = Vec::new();
        while let Some(output) = session.poll_output() {
            match output {
                Output::Tx(bytes) => said.extend(pump.hear(&bytes).into_iter().map(|(tag, ..)| pump.say(&Say::Accepted(tag)))),
                Output::Disturbed { messages } => hits += messages,
                _ => {}
            }
        }
        said.iter().for_each(|bytes| session.receive(ms(now), bytes));
    }
    while let Some(output) = session.poll_output() {
        if let Output::Disturbed { messages } = output {
            hits += messages;
        }
    }
    hits
}

#[test]
fn messages_that_a_disturbance_hit_are_counted() {
    use LinkFault::*;
    assert_eq!(disturbed(&[]), 0);
    let spoilt = |per_million| Interference { per_million, lasts: Span::milliseconds(400) };
    assert_eq!(disturbed(&[spoilt(0)]), 0, "armed, and nothing was hit");
    let singles = [LoseNextCommand, CorruptNextCommand, DuplicateNextCommand, DelayNextCommand(Span::milliseconds(1)), Garbage(9)];
    let replies = [LoseNextReply, CorruptNextReply, DuplicateNextReply, DelayNextReply(Span::milliseconds(1))];
    for fault in singles.into_iter().chain(replies).chain([spoilt(1_000_000)]) {
        assert_eq!(disturbed(&[fault]), 1, "{fault:?}");
    }
    assert_eq!(disturbed(&[LoseNextCommand, LoseNextReply]), 2);
}
