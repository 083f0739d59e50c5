//! The refill session: what was expected, what came out, what went in.

mod support;

use pump_link::{Alarm, Command, LogCode, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

fn end(withdrawn_nl: u32, filled_nl: u32, ng_per_ul: u32) -> Command {
    Command::EndRefill { withdrawn_nl, filled_nl, ng_per_ul }
}

#[test]
fn a_session_stops_after_the_stroke_and_fixes_what_is_expected() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 5_000_000 });
    table.infuse(36_000);
    table.run_for(1_000 * SECOND + 200_000);
    table.accepted(Command::BeginRefill);
    assert_eq!(table.state(), State::Infusing, "a stroke is in progress");
    assert_eq!(table.times_of(&Did::Abort), []);
    table.run_for(HOUR);
    assert_eq!((table.state(), table.strokes().len()), (State::Stopped, 10));
    assert_eq!(table.therapy().expected_nl, 4_990_000);
    table.refused(Command::Start, Refusal::OutOfOrder);
    table.accepted(end(4_900_000, 18_000_000, 0));
    let (status, told) = (table.status(), table.therapy());
    assert_eq!((status.reservoir_nl, status.state, told.expected_nl), (18_000_000, State::Stopped, 0));
    assert!(!status.alarms.contains(Alarm::RefillDiscrepancy));
    let log = table.log(0);
    for entry in [(LogCode::RefillBegun, 4_990_000), (LogCode::Refilled, 18_000_000), (LogCode::Withdrawn, 4_900_000)] {
        assert!(log.contains(&entry), "{entry:?} in {log:?}");
    }
    table.accepted(Command::Start);
}

#[test]
fn a_difference_of_more_than_a_fifth_is_told() {
    for (expected_nl, withdrawn_nl, told) in [
        (10_000_000, 10_000_000, false),
        (10_000_000, 8_000_000, false),
        (10_000_000, 7_999_999, true),
        (10_000_000, 12_000_000, false),
        (10_000_000, 12_000_001, true),
        (10_000_000, 0, true),
        (2_000_000, 1_500_000, false),
        (2_000_000, 1_499_999, true),
        (0, 500_000, false),
        (0, 500_001, true),
        (2_500_000, 2_000_000, false),
        (2_500_000, 1_999_999, true),
    ] {
        let mut table = Table::ready();
        table.accepted(Command::Refill { volume_nl: expected_nl });
        table.accepted(Command::BeginRefill);
        table.accepted(end(withdrawn_nl, 20_000_000, 0));
        let status = table.status();
        assert_eq!(status.alarms.contains(Alarm::RefillDiscrepancy), told, "{expected_nl} expected, {withdrawn_nl} withdrawn");
        assert_eq!(status.reservoir_nl, 20_000_000);
        table.accepted(Command::Acknowledge);
        assert!(!table.status().alarms.contains(Alarm::RefillDiscrepancy), "somebody knows");
    }
}

#[test]
fn without_a_session_or_with_impossible_volumes_nothing_is_changed() {
    let mut table = Table::ready();
    table.refused(end(0, 20_000_000, 0), Refusal::NoRefillSession);
    table.accepted(Command::BeginRefill);
    for (command, refusal) in [
        (end(0, 20_000_001, 0), Refusal::VolumeOutOfRange),
        (end(20_000_001, 20_000_000, 0), Refusal::VolumeOutOfRange),
        (end(u32::MAX, u32::MAX, 0), Refusal::VolumeOutOfRange),
        (end(20_000_000, 20_000_000, 50_001), Refusal::ConcentrationOutOfRange),
    ] {
        table.refused(command, refusal);
        assert_eq!(table.therapy().expected_nl, 20_000_000);
    }
    table.accepted(end(20_000_000, 10_000_000, 50_000));
    assert_eq!((table.status().reservoir_nl, table.therapy().ng_per_ul), (10_000_000, 50_000));
    table.refused(end(0, 20_000_000, 0), Refusal::NoRefillSession);
}

#[test]
fn an_unanswered_discrepancy_outlives_a_loss_of_power() {
    let mut table = Table::ready();
    table.accepted(Command::BeginRefill);
    table.accepted(end(10_000_000, 20_000_000, 0));
    for answered in [false, true] {
        if answered {
            table.accepted(Command::Acknowledge);
        }
        table.power_cycle();
        table.run_to(SECOND);
        assert_eq!((table.state(), table.status().alarms.contains(Alarm::RefillDiscrepancy)), (State::Stopped, !answered));
        assert_eq!(table.edges().iter().filter(|(_, level)| *level).count(), 1 + usize::from(!answered), "beside the chirp");
        table.run_for(SECOND);
    }
}

#[test]
fn a_session_outlives_a_loss_of_power() {
    let mut table = Table::ready();
    table.accepted(Command::BeginRefill);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.therapy().expected_nl, 20_000_000);
    table.accepted(end(20_000_000, 20_000_000, 0));
}

#[test]
fn an_empty_pump_is_refilled_and_new_drug_locks_the_patient_out() {
    let mut table = Table::ready();
    let rule = Command::ProgramPatientBolus {
        volume_nl: 4_000,
        duration_ms: 8_000,
        first_after_s: 600,
        lockout_s: 60,
        activations: 6,
        period_s: 3_600,
    };
    table.prescribe(&[Command::ProgramBasal { rate_nl_h: 36_000 }, rule]);
    table.accepted(Command::Refill { volume_nl: 501_000 });
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(table.state(), State::Halted);
    table.accepted(Command::BeginRefill);
    table.accepted(Command::Acknowledge);
    table.accepted(end(499_000, 20_000_000, 2_000));
    assert_eq!((table.state(), table.status().alarms.is_empty()), (State::Stopped, true));
    table.accepted(Command::Start);
    table.run_for(599 * SECOND);
    assert_eq!(table.ask(Command::PatientBolus), Response::Refused(Refusal::LockedOut));
    table.run_for(SECOND);
    table.accepted(Command::PatientBolus);
}

#[test]
fn nothing_that_was_put_aside_outlives_a_refill_with_another_concentration() {
    let concentration = Command::ProgramConcentration { ng_per_ul: 1_000 };
    let basal = Command::ProgramBasal { rate_nl_h: 100_000 };
    let bolus = Command::ProgramBolus { volume_nl: 200_000, duration_ms: 600_000 };
    let mass = Command::ProgramBolusDose { ng: 200_000, duration_ms: 600_000 };
    for known in [false, true] {
        for parts in [&[basal][..], &[bolus], &[basal, bolus], &[concentration, basal], &[concentration, mass]] {
            let mut table = Table::ready();
            if known {
                table.prescribe(&[concentration]);
            }
            for part in parts {
                table.accepted(*part);
            }
            table.accepted(Command::BeginRefill);
            table.accepted(end(20_000_000, 20_000_000, 10_000));
            assert_eq!((table.therapy().programmed, table.read_back().0), (0, vec![]), "{parts:?}");
            table.refused(Command::Confirm { checksum: 0 }, Refusal::NothingToConfirm);
            table.refused(Command::Start, Refusal::NothingProgrammed);
            assert!(table.log(0).contains(&(LogCode::Discarded, parts.len() as u32)));
        }
    }
    // The same drug again, or none told: what was put aside is as right as before.
    for ng_per_ul in [0, 1_000] {
        let mut table = Table::ready();
        table.prescribe(&[concentration]);
        table.accepted(basal);
        table.accepted(Command::BeginRefill);
        table.accepted(end(20_000_000, 20_000_000, ng_per_ul));
        table.accepted(Command::Start);
        assert_eq!(table.status().basal_nl_h, 100_000);
    }
}

#[test]
fn a_bridge_follows_a_refill_with_another_concentration() {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 1_000 }, Command::ProgramBasal { rate_nl_h: 36_000 }]);
    table.accepted(Command::Start);
    table.run_for(HOUR);
    table.prescribe(&[Command::ProgramBridge { volume_nl: 4_000, rate_nl_h: 36_000 }]);
    table.accepted(Command::BeginRefill);
    table.run_for(SECOND);
    table.accepted(end(19_900_000, 20_000_000, 2_000));
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bridge);
}
