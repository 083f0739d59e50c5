//! What a pump may hold from before the case, whatever it is told in it.
use crate::bed::{Bed, HOUR, SECOND, basal, bolus, patient};
use rig_model::dut::{Outcome, Refusal, Verb};
use rig_model::quantity::Mass;
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Pass, Skipped};

const M: i64 = 60 * SECOND;

/// 20 µL/h of a case of its own, on a pump that was not reset in it, and what comes of what it was told before.
fn remembered(play: impl Fn(&mut Bed)) -> Bed {
    let mut bed = Bed::default();
    bed.say(M, basal(20.0)).say(2 * M, Verb::Start);
    play(&mut bed);
    bed
}

#[test]
fn a_basal_rate_of_its_own_is_not_all_that_a_pump_holds() {
    let mut press = remembered(|bed| {
        bed.flows(2 * M, 12 * HOUR, 20.0);
        bed.line(HOUR, "button", true).line(HOUR + SECOND, "button", false).bolus(HOUR + SECOND, 50.0, 120.0);
    });
    assert_eq!(press.verdicts(12 * HOUR), (Skipped, Skipped), "the patient's rules");
    let mut bridge = remembered(|bed| {
        bed.bolus(2 * M, 40.0, 1800.0).flows(32 * M, 12 * HOUR, 20.0);
    });
    assert_eq!(bridge.verdicts(12 * HOUR), (Skipped, Skipped), "a bridge");
    let mut limit = remembered(|bed| {
        bed.flows(2 * M, HOUR, 20.0);
    });
    assert_eq!(limit.verdicts(12 * HOUR), (Skipped, Skipped), "a limit, to which it keeps");
    let mut dose = Bed::default();
    dose.prescribe(M, [basal(20.0), Verb::ProgramBolusDose { dose: Mass(50.0), over: Span::minutes(2) }]).say(2 * M, Verb::Start);
    dose.bolus(2 * M, 50.0, 120.0).flows(2 * M, 3 * HOUR, 20.0);
    assert_eq!(dose.verdicts(4 * HOUR), (Skipped, Skipped), "a concentration");
}

#[test]
fn a_start_that_may_have_been_heard_may_have_begun_it() {
    let mut bed = Bed::default();
    bed.say(M, basal(20.0)).answered(2 * M, Verb::Start, Outcome::Unanswered).flows(2 * M, 3 * HOUR, 50.0);
    assert_eq!(bed.verdicts(3 * HOUR), (Skipped, Skipped));
    let mut bed = Bed::default();
    bed.say(M, basal(20.0)).refused(2 * M, Verb::Start, Refusal::OutOfOrder).flows(2 * M, 3 * HOUR, 50.0);
    assert_eq!(bed.verdicts(3 * HOUR).0, Fail, "one that was refused has begun nothing");
}

#[test]
fn what_comes_before_the_answer_to_a_start_may_be_of_it() {
    let mut bed = Bed::default();
    bed.say(M, basal(20.0)).answered_after(2 * M, Verb::Start, 6 * SECOND).bolus(2 * M, 3.5, 5.0).flows(2 * M + 6 * SECOND, 3 * HOUR, 20.0);
    assert_eq!(bed.verdicts(3 * HOUR), (Skipped, Skipped));
    let mut bed = Bed::default();
    bed.say(M, basal(20.0)).refused(2 * M, Verb::Start, Refusal::OutOfOrder).bolus(2 * M + SECOND, 3.5, 5.0);
    assert_eq!(bed.verdicts(HOUR).0, Fail, "behind a refusal nothing of it is");
}

#[test]
fn what_came_before_the_first_start_is_judged() {
    let mut bed = remembered(|bed| {
        bed.bolus(M, 50.0, 30.0).flows(2 * M, 12 * HOUR, 20.0);
    });
    assert_eq!(bed.verdicts(12 * HOUR), (Fail, Skipped));
}

#[test]
fn a_pump_that_was_reset_holds_what_it_was_told_since() {
    let mut bed = remembered(|bed| {
        bed.flows(2 * M, HOUR, 20.0).say(HOUR, Verb::Stop);
    });
    bed.say(90 * SECOND, Verb::FactoryReset).say(100 * SECOND, basal(20.0));
    assert_eq!(bed.verdicts(2 * HOUR), (Pass, Pass));
    // Later in the case it is too late: whatever began before is not judged any more.
    let mut bed = remembered(|bed| {
        bed.flows(2 * M, HOUR, 50.0).say(HOUR, Verb::FactoryReset);
        bed.prescribe(HOUR + M, [basal(20.0), patient(), bolus(10.0, 60.0)]).say(HOUR + 2 * M, Verb::Start);
    });
    assert_eq!(bed.verdicts(2 * HOUR), (Skipped, Skipped));
}
