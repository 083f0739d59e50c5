//! What people signed to rows.

use super::*;

/// A row that is not to be relied on shows nothing, until it was played again.
#[test]
fn what_is_not_to_be_relied_on_is_no_pass() {
    let retest = [deviation(1, 2, Says::DiscardsRow)];
    let lab = || Lab::new().noted(&Run::on(1), ["PASS", "PASS"], &retest);
    let matrix = lab().matrix();
    assert_eq!(words(&matrix), ["pass", "not_shown"]);
    says(&matrix, &[FindingKind::Discarded, FindingKind::NotShown], 6);
    assert_eq!(matrix.findings[1].what, "check of steps.2: PASS (deviation PR-7 retest)");
    assert_eq!(matrix.findings[0].what, "PR-7 retest, row 2 of run run-1: a note");
    let again = lab().run(&Run::on(2), ["PASS", "PASS"]).matrix();
    says(&again, &[FindingKind::Decided], 0);
    // Evidence is not made up for by what is none, and a FAIL is excused by nothing.
    let no_evidence = Run { evidence: false, ..Run::on(2) };
    assert_eq!(words(&lab().run(&no_evidence, ["PASS", "PASS"]).matrix()), ["pass", "not_shown"]);
    let failed = Lab::new().noted(&Run::on(1), ["PASS", "FAIL"], &retest).run(&Run::on(2), ["PASS", "PASS"]).matrix();
    says(&failed, &[FindingKind::Fail, FindingKind::Decided], 1);
    // One of two rows that a check gave is enough.
    let mut gather = Run::on(1).gather().with([deviation(1, 1, Says::DiscardsRow)]);
    gather.take(&row("steps.1", &["REQ-1"], "PASS"));
    gather.take(&row("steps.1", &["REQ-1"], "PASS"));
    gather.take(&row("steps.2", &["REQ-2"], "PASS"));
    gather.take(&ended());
    let mut lab = Lab::new();
    lab.verdicts.add(gather);
    assert_eq!(words(&lab.matrix()), ["not_shown", "pass"]);
}

#[test]
fn a_firmware_that_is_at_fault_is_told_until_there_is_another() {
    let at_fault = [deviation(1, 2, Says::FirmwareDefect)];
    let lab = || Lab::new().noted(&Run::on(1), ["PASS", "PASS"], &at_fault);
    says(&lab().matrix(), &[FindingKind::FirmwareDefect], 6);
    says(
        &Lab::new().noted(&Run { hash: OLD, ..Run::on(1) }, ["PASS", "PASS"], &at_fault).run(&Run::on(2), ["PASS", "PASS"]).matrix(),
        &[FindingKind::Decided],
        0,
    );
    says(&Lab::new().noted(&Run::on(1), ["PASS", "PASS"], &[deviation(1, 2, Says::Closed)]).matrix(), &[FindingKind::Decided], 0);
    // Of a pump with a defect put in nothing is known of the firmware; what is open there is open.
    let defect = |says| RowDeviation { with_defect: true, ..deviation(9, 1, says) };
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.deviations.push(defect(Says::FirmwareDefect));
    says(&lab.matrix(), &[FindingKind::Decided], 0);
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.deviations.push(defect(Says::Open));
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::Deviation], 6);
    assert_eq!(matrix.findings[0].what, "PR-7 open, row 1 of run run-9, whose pump had a defect put in: a note");
}

#[test]
fn open_deviations_and_damaged_records_are_told() {
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.deviations.push(deviation(1, 3, Says::Open));
    says(&lab.matrix(), &[FindingKind::Deviation], 6);
    let matrix = Lab::new().noted(&Run::on(1), ["PASS", "PASS"], &[deviation(1, 2, Says::Open)]).matrix();
    says(&matrix, &[FindingKind::Deviation], 6);
    assert_eq!(
        (matrix.findings[0].requirements.as_slice(), matrix.findings[0].what.as_str()),
        (&["REQ-2".into()][..], "PR-7 open, row 2 of run run-1: a note")
    );

    for (kind, code) in [(FindingKind::Damaged, 6), (FindingKind::CutOff, 0)] {
        let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
        lab.found.push(Finding {
            kind,
            requirements: Vec::new(),
            key: None,
            run: Some("reports/x".into()),
            what: "reports/x: torn".into(),
        });
        says(&lab.matrix(), &[kind], code);
    }
}
