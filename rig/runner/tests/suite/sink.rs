//! The record fails at every place in turn: the error is given once, and the bench is left as safe as ever.

use rig_model::dut::Verb;
use rig_model::input::Source;
use rig_model::time::RigTime;

use crate::stand::*;

#[test]
fn a_sink_that_fails_anywhere_ends_the_run_safely_and_never_with_success() {
    let pulses = || [s(3), s(5), s(6)];
    let (_, whole) = Stand::new(vec![infusion()]).pulses(pulses()).play();
    let started = whole.iter().position(|f| format!("{:?}", f.body).contains("CaseStarted")).unwrap();
    for k in 0..whole.len() {
        let mut stand = Stand::new(vec![infusion()]).pulses(pulses());
        stand.play_into(&mut Full(k));
        assert_eq!(stand.errors, 1, "after {k} facts: once");
        assert!(matches!(stand.ended().exit_code, 4 | 7), "after {k} facts: {:?}", stand.ended());
        if k < started {
            continue; // Nothing was begun.
        }
        let safe = [("occluder", false), ("power", false), ("shut", true)];
        let lines: Vec<_> = stand.last_lines().into_iter().map(|(line, (_, active))| (line, active)).collect();
        assert_eq!(lines, safe.map(|(line, active)| (line.to_owned(), active)), "after {k} facts");
        assert!(!stand.sent(&Verb::Stop).is_empty(), "after {k} facts the pump is told to stop");
    }
    let mut enough = Stand::new(vec![infusion()]).pulses(pulses());
    enough.play_into(&mut Full(whole.len()));
    assert_eq!((enough.errors, enough.ended().exit_code), (0, 0));
}

#[test]
fn the_pump_is_stopped_in_the_very_call_in_which_the_record_fails() {
    let (_, whole) = Stand::new(vec![infusion()]).pulses([s(3), s(5), s(6)]).play();
    // The second pulse's fact is not taken. Far ahead everything is known already: the stop does not come after it.
    let k = whole.iter().position(|f| f.at == s(5)).unwrap();
    let mut stand = Stand::new(vec![infusion()]).pulses([s(3), s(5), s(6)]);
    Source::ALL.into_iter().for_each(|source| stand.runner.watermark(source, RigTime::ZERO));
    stand.play_into(&mut Full(k));
    assert_eq!(stand.sent(&Verb::Stop)[0], s(5));
}
