//! A whole run of the real program on a bench of GPIO lines: verdicts are those of the pump, and what the lines lose is no verdict on it.

use crate::setup::{Ended, Plan, Setup};

/// Delivery, alarm, relays, on lines only: a real bench has no simulated plumbing to prepare.
const SCENARIO: &str = "scenario: GPIO-01
title: A bolus is measured, a tone heard and relays moved on GPIO lines
time_limit: 2 min
given: { pump: factory_reset }
steps:
  - measure: outlet
    on: flow.pump
    during:
      - program: { bolus: 8 µL, over: 7 s }
      - measure: dose
        on: flow.tip
        until: { pump: stopped, then_quiet_for: 1 s }
        within: 1 min
        during: [start]
  - check: { volume_of: dose, is: 8 µL ± 5 % }
  - check: { volume_of: outlet, is: 8 µL ± 5 % }
  - check: { reverse_volume_of: dose, at_most: 0 µL, rule: simple }
  - check: { delivery_time_of: dose, is: 7 s ± 1 s }
  - set: { occluder: closed }
  - set: { leak: open }
";

fn play(plan: Plan) -> Ended {
    let setup = Setup::new(plan);
    let ended = setup.run(SCENARIO).end();
    assert!(setup.safe(), "{}", ended.said);
    setup.wait_until_released();
    ended
}

#[test]
fn a_sound_pump_passes() {
    let ended = play(Plan::default());
    ended.expect(0, &["bench shown safe"]);
    // Those of the scenario, and both of the dose oracle.
    assert_eq!(ended.verdicts(), ["PASS"; 4 + 2], "{}", ended.said);
    assert_eq!(ended.facts("data_lost"), [] as [&serde_json::Value; 0]);
    let alive = ended.facts("channel_alive");
    let alive: Vec<_> = alive.iter().map(|fact| fact["body"]["channel"].as_str().unwrap()).collect();
    // The alarm's first edge is the chirp of the self-test.
    assert_eq!(alive.len(), 3, "{alive:?}");
    assert_eq!(alive[0], "alarm");
}

#[test]
fn a_pump_whose_strokes_are_too_large_fails() {
    let ended = play(Plan { defect: Some("wrong_gain"), ..Plan::default() });
    ended.expect(1, &["bench shown safe", "is not within 7.6 … 8.4 µL"]);
}

#[test]
fn a_pulse_that_the_second_line_misses_is_no_pass() {
    let ended = play(Plan { missed: Some(50), ..Plan::default() });
    ended.expect(4, &["bench shown safe"]);
    let lost = ended.facts("data_lost");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0]["body"]["count"], 1);
    assert!(lost[0]["body"]["why"].as_str().unwrap().contains("its two lines differ"), "{lost:?}");
    let verdicts = ended.verdicts();
    // What was measured on the other channel stands; the dose oracle looks for an excess on both, and for what is missing at the outlet.
    assert_eq!(verdicts, ["ERROR", "PASS", "ERROR", "ERROR", "ERROR", "PASS"], "{}", ended.said);
}

/// Lines and port are the kernel's simulation: the record must say so by itself.
#[test]
fn the_record_says_that_it_is_simulated() {
    let scenario = "scenario: GPIO-02\ntitle: A pump that stands still\ntime_limit: 1 min\nsteps: [check: { state: stopped }]\n";
    let setup = Setup::new(Plan::default());
    let ended = setup.run(scenario).end();
    ended.expect(0, &[]);
    assert_eq!(ended.facts("header")[0]["body"]["simulated"], true);
}
