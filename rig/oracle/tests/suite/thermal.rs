//! A thermal sensor, whose zero may be off by as much as a basal rate.
use crate::bed::{Bed, HOUR, SECOND, basal, bench, bolus};
use rig_model::bench::{Bench, Channel, Instrument};
use rig_model::dut::Verb;
use rig_model::verdict::Verdict::{self, Fail, Inconclusive, Pass};
use rig_model::verdict::{CheckRow, DecisionRule, Rule};

const M: i64 = 60 * SECOND;
const PULSES: [&str; 2] = ["flow.pump", "flow.tip"];

fn thermal(name: &str) -> Channel {
    let Instrument::Flow(mut sensor) = bench().channels[0].instrument.clone() else { panic!() };
    (sensor.k_uncertainty_percent, sensor.zero_uncertainty) = (Some(2.0), 6.0);
    Channel { name: name.into(), instrument: Instrument::Flow(sensor), certificate: None, wiring: None }
}

/// Beside sensors of pulses, or as the only one, at the outlet.
fn with(alone: bool) -> Bench {
    let mut bench = bench();
    if alone {
        bench.channels = vec![thermal("flow.pump")];
    } else {
        bench.channels.push(thermal("flow.line"));
    }
    bench
}

/// 20 µL/h up to an hour, or to the end at 9 h; the thermal sensor reads so much more than that from the hour, or from the start on.
fn played(stops: bool, offset: f64, bench: Bench) -> Vec<CheckRow> {
    let mut bed = Bed::new();
    bed.say(M, basal(20.0)).say(2 * M, Verb::Start);
    let name = if bench.channels.len() == 1 { "flow.pump" } else { "flow.line" };
    let until = if stops { HOUR } else { 9 * HOUR };
    if name == "flow.line" {
        bed.flows_on(&PULSES, 2 * M, until, 20.0);
    }
    if stops {
        bed.say(HOUR, Verb::Stop).flows_on(&[name], 2 * M, HOUR, 20.0);
        if offset > 0.0 {
            bed.flows_on(&[name], HOUR, 9 * HOUR, offset);
        }
    } else {
        bed.flows_on(&[name], 2 * M, 9 * HOUR, 20.0 + offset);
    }
    bed.rows_on(bench, 9 * HOUR)
}

fn verdicts(rows: &[CheckRow]) -> Vec<Verdict> {
    rows.iter().map(|row| row.verdict).collect()
}

fn expect(stops: bool, offset: f64, alone: bool, expected: [Verdict; 2]) {
    let rows = played(stops, offset, with(alone));
    let told: Vec<&str> = rows.iter().map(|row| &*row.reason).collect();
    assert_eq!(verdicts(&rows), expected, "stops: {stops}, {offset} µL/h off, alone: {alone}: {told:#?}");
}

#[test]
fn what_is_within_its_zero_is_nobodys_fault() {
    for offset in [0.0, 1.0, 2.0, 4.0] {
        expect(true, offset, false, [Pass, Pass]);
        expect(false, offset, false, [Pass, Pass]);
    }
    for offset in [-4.0, -2.0, 0.0, 2.0, 4.0] {
        expect(false, offset, true, [Inconclusive, Inconclusive]);
    }
    expect(true, 2.0, true, [Inconclusive, Inconclusive]);
    // A rest in which nothing had to come puts nothing that came before it in doubt.
    let mut bed = Bed::new();
    bed.say(M, bolus(500.0, 1800.0)).say(2 * M, Verb::Start).flows_on(&["flow.pump"], 2 * M, 32 * M, 1000.0);
    assert_eq!(verdicts(&bed.rows_on(with(true), 20 * HOUR)), [Inconclusive, Pass]);
}

#[test]
fn what_is_beyond_its_zero_counts() {
    for alone in [false, true] {
        let short = if alone { Inconclusive } else { Pass };
        expect(true, 15.0, alone, [Fail, short]);
        expect(false, 20.0, alone, [Fail, Pass]);
    }
    assert_eq!(verdicts(&played(false, -15.0, with(true)))[1], Fail);
    // What was missing after a long rest is not lost in it.
    let mut bed = Bed::new();
    bed.say(M, bolus(500.0, 1800.0)).say(2 * M, Verb::Start).flows_on(&["flow.pump"], 2 * M, 32 * M, 1000.0);
    bed.say(20 * HOUR, bolus(100.0, 600.0)).say(20 * HOUR + M, Verb::Start);
    assert_eq!(verdicts(&bed.rows_on(with(true), 21 * HOUR))[1], Fail);
}

#[test]
fn a_rule_that_takes_doubt_for_a_fail_leaves_it_out_as_well() {
    let guarded = |offset: f64| {
        let mut bench = with(false);
        bench.rule = Some(Rule { rule: DecisionRule::Guarded, ..Rule::default() });
        verdicts(&played(true, offset, bench))
    };
    assert_eq!((guarded(1.0), guarded(15.0)), (vec![Pass, Pass], vec![Fail, Pass]));
}

#[test]
fn a_finer_one_that_fails_or_is_not_there_decides_nothing_for_it() {
    let mut bed = Bed::new();
    bed.say(M, basal(20.0)).say(2 * M, Verb::Start).flows_on(&["flow.line"], 2 * M, 9 * HOUR, 20.0);
    let mut bench = with(false);
    bench.channels.remove(0);
    let rows = bed.rows_on(bench, 9 * HOUR);
    assert_eq!(verdicts(&rows), [Verdict::Error], "the finer one is not alive");
    let mut bed = Bed::new();
    bed.say(M, basal(20.0)).say(2 * M, Verb::Start).flows_on(&PULSES, 2 * M, 9 * HOUR, 30.0).flows_on(
        &["flow.line"],
        2 * M,
        9 * HOUR,
        20.0,
    );
    assert_eq!(verdicts(&bed.rows_on(with(false), 9 * HOUR)), [Fail, Pass]);
}
