//! One body of tests, in the words of the model and with exact times, that every pump protocol passes: the reference pump's frames and
//! another maker's lines of text. Nothing but the `Protocol` differs between the two.

use crate::pumps::link_pump::LinkPump;
use crate::pumps::text_pump::TextPump;
use crate::pumps::{Do, Say, play};
use rig_model::dut::{Alarm, DutReport, PumpState, Refusal, Verb};
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::LinkFault;
use rig_model::time::Span;

/// Plays the script against both makers' pumps, bytes whole and in small pieces, and compares everything that came out.
#[track_caller]
fn check(script: &[(i64, Do)], end: i64, expected: &[&str]) {
    for split in [usize::MAX, 1, 2, 3, 7] {
        assert_eq!(play(&mut LinkPump::default(), split, script, end), expected, "pump-link in pieces of {split}");
        assert_eq!(play(&mut TextPump::default(), split, script, end), expected, "text lines in pieces of {split}");
    }
}

fn basal() -> Verb {
    Verb::ProgramBasal { rate: Flow(20.833) }
}

fn bolus() -> Verb {
    Verb::ProgramBolus { volume: Volume(200.0), over: Span::minutes(2) }
}

#[test]
fn every_verb_is_understood() {
    let verbs = [
        Verb::Identify,
        Verb::Status,
        Verb::FactoryReset,
        basal(),
        bolus(),
        Verb::ProgramPriming { volume: Volume(400.0) },
        Verb::Start,
        Verb::Stop,
        Verb::Acknowledge,
        Verb::Refill { volume: Volume(20_000.0) },
    ];
    let script: Vec<_> = (0..).zip(verbs).map(|(i, verb)| (i * 100, Do::Command(i as u64, verb))).collect();
    check(
        &script,
        1_000,
        &[
            "0 heard #1 identify",
            "10 identity PUMP-20 1.2.3",
            "10 ended 0 Accepted x1",
            "100 heard #2 status",
            "110 status stopped 20000 µL",
            "110 ended 1 Accepted x1",
            "200 heard #3 factory_reset",
            "210 ended 2 Accepted x1",
            "300 heard #4 program basal 20.833 µL/h",
            "310 ended 3 Accepted x1",
            "400 heard #5 program bolus 200 µL over 2 min",
            "410 ended 4 Accepted x1",
            "500 heard #6 program priming 400 µL",
            "510 ended 5 Accepted x1",
            "600 heard #7 start",
            "610 ended 6 Accepted x1",
            "700 heard #8 stop",
            "710 ended 7 Accepted x1",
            "800 heard #9 acknowledge",
            "810 ended 8 Accepted x1",
            "900 heard #10 refill 20000 µL",
            "910 ended 9 Accepted x1",
        ],
    );
}

#[test]
fn verbs_wait_for_each_other_and_go_before_polls() {
    check(
        &[
            (0, Do::Command(1, basal())),
            (5, Do::Command(2, Verb::Start)),
            // On the instant of the poll: the verb goes first, and puts the poll off.
            (10_020, Do::Command(3, Verb::Stop)),
        ],
        20_100,
        &[
            "0 heard #1 program basal 20.833 µL/h",
            "10 ended 1 Accepted x1",
            "10 heard #2 start",
            "20 ended 2 Accepted x1",
            "10020 heard #3 stop",
            "10030 ended 3 Accepted x1",
            "20030 heard #4 status",
            "20040 status stopped 20000 µL",
        ],
    );
}

#[test]
fn the_log_is_read_to_its_end() {
    check(
        &[(0, Do::Command(1, Verb::ReadLog))],
        100,
        &[
            "0 heard #1 read_log",
            "10 heard #2 read_log from 9",
            "20 heard #3 read_log from 17",
            "30 heard #4 read_log from 21",
            "40 log of 20",
            "40 ended 1 Accepted x4",
        ],
    );
}

#[test]
fn refusals_by_the_pump_and_before_it() {
    check(
        &[
            (0, Do::Refuse(Refusal::AlarmLatched)),
            (0, Do::Command(1, Verb::Start)),
            (50, Do::Command(2, Verb::Refill { volume: Volume(f64::NAN) })),
            (60, Do::Command(3, Verb::ProgramBasal { rate: Flow(f64::INFINITY) })),
        ],
        100,
        &[
            "0 heard #1 start",
            "10 ended 1 Refused(AlarmLatched) x1",
            "50 ended 2 Refused(VolumeOutOfRange) x0",
            "60 ended 3 Refused(RateOutOfRange) x0",
        ],
    );
}

#[test]
fn notices_are_reported_and_a_restart_asks_who_it_is() {
    let say = |report| Do::Say(Say::Notice(report));
    check(
        &[
            (5, say(DutReport::AlarmOn(Alarm::Occlusion))),
            (6, say(DutReport::State(PumpState::Halted))),
            (7, say(DutReport::AlarmOff(Alarm::Occlusion))),
            (10, Do::Command(1, Verb::Stop)),
            (15, say(DutReport::Restarted)),
        ],
        100,
        &[
            "5 AlarmOn(Occlusion)",
            "6 State(Halted)",
            "7 AlarmOff(Occlusion)",
            "10 heard #1 stop",
            "15 Restarted",
            "20 ended 1 Accepted x1",
            "20 heard #2 identify",
            "30 identity PUMP-20 1.2.3",
        ],
    );
}

#[test]
fn a_mute_pump_is_asked_three_times_and_then_polled_on() {
    check(
        &[(0, Do::Answer(None)), (0, Do::Command(1, Verb::Start)), (14_000, Do::Answer(Some(10)))],
        24_000,
        &[
            "0 heard #1 start",
            "500 heard #1 start",
            "1000 heard #1 start",
            "1500 ended 1 Unanswered x3",
            "11500 heard #2 status",
            "12000 heard #2 status",
            "12500 heard #2 status",
            "13000 silent",
            "23000 heard #3 status",
            "23010 status stopped 20000 µL",
        ],
    );
}

#[test]
fn a_reply_at_the_last_instant_counts_and_a_late_one_counts_for_the_same_number() {
    check(
        &[(0, Do::Answer(Some(500))), (0, Do::Command(1, Verb::Start)), (600, Do::Answer(Some(501))), (600, Do::Command(2, Verb::Stop))],
        2_000,
        &[
            "0 heard #1 start",
            "500 ended 1 Accepted x1",
            "600 heard #2 stop",
            // Sent again; then the answer to the first, and later one that nobody waits for.
            "1100 heard #2 stop",
            "1101 ended 2 Accepted x2",
        ],
    );
    check(
        &[
            (0, Do::Answer(Some(1_600))),
            (0, Do::Command(1, Verb::Start)),
            (1_550, Do::Answer(Some(10))),
            (1_595, Do::Command(2, Verb::Stop)),
        ],
        3_000,
        &[
            "0 heard #1 start",
            "500 heard #1 start",
            "1000 heard #1 start",
            "1500 ended 1 Unanswered x3",
            // The answers to number 1 come at 1600, 2100 and 2600 and are no answer to number 2.
            "1595 heard #2 stop",
            "1605 ended 2 Accepted x1",
        ],
    );
}

#[test]
fn a_pump_that_says_everything_twice() {
    check(
        &[(0, Do::Twice), (0, Do::Command(1, Verb::Start)), (20, Do::Command(2, Verb::Status))],
        100,
        &["0 heard #1 start", "10 ended 1 Accepted x1", "20 heard #2 status", "30 status stopped 20000 µL", "30 ended 2 Accepted x1"],
    );
}

#[test]
fn what_is_no_answer_to_the_question_is_not_taken_for_one() {
    check(
        &[
            (0, Do::Answer(None)),
            (0, Do::Command(1, Verb::Start)),
            (10, Do::Say(Say::Status(1))),
            (20, Do::Say(Say::Accepted(2))),
            (30, Do::Say(Say::Garbage)),
            (40, Do::Say(Say::Accepted(1))),
            (50, Do::Say(Say::Accepted(1))),
        ],
        100,
        &["0 heard #1 start", "30 garbage", "40 ended 1 Accepted x1"],
    );
}

#[test]
fn link_faults() {
    let ms = Span::milliseconds;
    for (fault, expected) in [
        // The pump hears the command twice, with one number.
        (LinkFault::LoseNextReply, &["0 heard #1 start", "500 heard #1 start", "510 ended 1 Accepted x2"][..]),
        (LinkFault::LoseNextCommand, &["500 heard #1 start", "510 ended 1 Accepted x2"]),
        (LinkFault::CorruptNextCommand, &["500 heard #1 start", "510 ended 1 Accepted x2"]),
        (LinkFault::CorruptNextReply, &["0 heard #1 start", "10 garbage", "500 heard #1 start", "510 ended 1 Accepted x2"]),
        (LinkFault::DuplicateNextCommand, &["0 heard #1 start", "0 heard #1 start", "10 ended 1 Accepted x1"]),
        (LinkFault::DuplicateNextReply, &["0 heard #1 start", "10 ended 1 Accepted x1"]),
        (LinkFault::DelayNextCommand(ms(300)), &["300 heard #1 start", "310 ended 1 Accepted x1"]),
        (LinkFault::DelayNextCommand(ms(700)), &["500 heard #1 start", "510 ended 1 Accepted x2", "700 heard #1 start"]),
        (LinkFault::DelayNextReply(ms(300)), &["0 heard #1 start", "310 ended 1 Accepted x1"]),
        (LinkFault::DelayNextReply(ms(495)), &["0 heard #1 start", "500 heard #1 start", "505 ended 1 Accepted x2"]),
        (LinkFault::DelayNextReply(ms(800)), &["0 heard #1 start", "500 heard #1 start", "510 ended 1 Accepted x2"]),
        // The very first message begins with a delimiter, which ends the garbage.
        (LinkFault::Garbage(100), &["0 heard #1 start", "10 ended 1 Accepted x1"]),
    ] {
        check(&[(0, Do::Fault(fault)), (0, Do::Command(1, Verb::Start))], 2_000, expected);
    }
}

#[test]
fn interference_spoils_all_frames_either_way_and_ends() {
    let interference = |ms| LinkFault::Interference { per_million: 1_000_000, lasts: Span::milliseconds(ms) };
    // Commands, with more transmissions than the line has otherwise.
    let heard = &["2000 heard #1 start", "2010 ended 1 Accepted x5"];
    check(&[(0, Do::Fault(interference(1_999))), (0, Do::Command(1, Verb::Start))], 3_000, heard);
    // A reply and a notice on their way; what was spoilt is garbage.
    check(
        &[
            (0, Do::Command(1, Verb::Start)),
            (5, Do::Fault(interference(20))),
            (20, Do::Say(Say::Notice(DutReport::AlarmOn(Alarm::Occlusion)))),
            (30, Do::Say(Say::Notice(DutReport::AlarmOff(Alarm::Occlusion)))),
        ],
        1_000,
        &["0 heard #1 start", "10 garbage", "20 garbage", "30 AlarmOff(Occlusion)", "500 heard #1 start", "510 ended 1 Accepted x2"],
    );
    // Polls, and the way out of a scenario ends it.
    check(
        &[(0, Do::Command(1, Verb::Start)), (100, Do::Fault(interference(1_000_000))), (10_600, Do::Clear)],
        12_000,
        &["0 heard #1 start", "10 ended 1 Accepted x1", "11010 heard #2 status", "11020 status stopped 20000 µL"],
    );
    // One in a million spoils none of these.
    let rare = LinkFault::Interference { per_million: 1, lasts: Span::seconds(100) };
    check(&[(0, Do::Fault(rare)), (0, Do::Command(1, Verb::Start))], 100, &["0 heard #1 start", "10 ended 1 Accepted x1"]);
}

#[test]
fn faults_wait_for_their_command_and_leave_polls_and_notices_alone() {
    check(
        &[
            (0, Do::Command(1, Verb::Start)),
            // While 1 is outstanding and 2 waits: for neither of them.
            (1, Do::Command(2, Verb::Acknowledge)),
            (2, Do::Fault(LinkFault::LoseNextReply)),
            (2, Do::Fault(LinkFault::Garbage(50))),
            (11_000, Do::Command(3, bolus())),
            (11_005, Do::Say(Say::Notice(DutReport::State(PumpState::Halted)))),
        ],
        12_000,
        &[
            "0 heard #1 start",
            "10 ended 1 Accepted x1",
            "10 heard #2 acknowledge",
            "20 ended 2 Accepted x1",
            "10020 heard #3 status",
            "10030 status stopped 20000 µL",
            // The garbage swallows the first message; the reply to the second is lost.
            "11005 State(Halted)",
            "11500 heard #4 program bolus 200 µL over 2 min",
            "12000 heard #4 program bolus 200 µL over 2 min",
        ],
    );
}

#[test]
fn faults_follow_each_other() {
    check(
        &[
            (0, Do::Fault(LinkFault::LoseNextReply)),
            (0, Do::Fault(LinkFault::LoseNextReply)),
            (0, Do::Command(1, Verb::Start)),
            (2_000, Do::Command(2, Verb::Stop)),
        ],
        3_000,
        &[
            "0 heard #1 start",
            "500 heard #1 start",
            "1000 heard #1 start",
            "1010 ended 1 Accepted x3",
            "2000 heard #2 stop",
            "2010 ended 2 Accepted x1",
        ],
    );
}

#[test]
fn power_off_and_on() {
    check(
        &[
            (0, Do::Answer(None)),
            (0, Do::Command(1, Verb::Start)),
            (0, Do::Command(2, Verb::Stop)),
            (100, Do::Suspend),
            // No poll in a minute of darkness; a verb given now is sent, and its silence observed.
            (60_000, Do::Command(3, Verb::Status)),
            (70_000, Do::Answer(Some(10))),
            (70_000, Do::Resume),
            (70_700, Do::Say(Say::Notice(DutReport::Restarted))),
        ],
        81_000,
        &[
            "0 heard #1 start",
            "100 ended 1 Unanswered x1",
            "100 ended 2 Unanswered x0",
            // Number 2 was given to no message before: the stop was never sent.
            "60000 heard #2 status",
            "60500 heard #2 status",
            "61000 heard #2 status",
            "61500 ended 3 Unanswered x3",
            "70700 Restarted",
            "70700 heard #3 identify",
            "70710 identity PUMP-20 1.2.3",
            "80710 heard #4 status",
            "80720 status stopped 20000 µL",
        ],
    );
}

#[test]
fn a_restart_that_was_not_heard_is_asked_about_all_the_same() {
    check(
        &[(0, Do::LinkUp), (100, Do::Suspend), (200, Do::Resume), (300, Do::Answer(None)), (11_000, Do::Answer(Some(10)))],
        22_000,
        &[
            "10200 heard #1 identify",
            "10700 heard #1 identify",
            "11200 heard #1 identify",
            "11210 identity PUMP-20 1.2.3",
            "21210 heard #2 status",
            "21220 status stopped 20000 µL",
        ],
    );
}

#[test]
fn a_port_that_goes_and_comes_back() {
    check(
        &[
            (0, Do::Command(1, Verb::Start)),
            (0, Do::Command(2, Verb::Stop)),
            (5, Do::LinkDown),
            (20, Do::Command(3, Verb::Status)),
            (60_000, Do::LinkUp),
        ],
        60_100,
        &[
            "0 heard #1 start",
            "5 ended 1 LinkFailed x1",
            "5 ended 2 LinkFailed x0",
            "20 ended 3 LinkFailed x0",
            "60000 heard #2 identify",
            "60010 identity PUMP-20 1.2.3",
        ],
    );
}
