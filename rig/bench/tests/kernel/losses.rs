//! More pulses than the kernel keeps while nobody reads: the loss is found every time, and what rests on them is no verdict.

use std::time::Duration;

use nix::sys::signal::Signal;
use rig_bench::gpio::{self, Edge, InputSpec, Watch};
use rig_model::bench::LineBackend;

use crate::events::LARGEST_QUEUE;
use crate::setup::{Ended, Plan, Setup};
use crate::sim::{ChipPlan, SimChip};

/// No pause between edges.
const FLAT_OUT: Duration = Duration::ZERO;
/// Between the edges of a burst that a flow sensor could have made: 2,500 pulses a second.
const GAP: Duration = Duration::from_micros(200);

#[test]
fn at_every_burst_size_around_the_limit_the_numbers_tell_what_is_missing() {
    let chip = ChipPlan::new("bursts", 1).create().unwrap();
    let sizes = (LARGEST_QUEUE - 8..=LARGEST_QUEUE + 8).chain([2 * LARGEST_QUEUE - 1, 2 * LARGEST_QUEUE, 2 * LARGEST_QUEUE + 1, 5000]);
    for pulses in sizes {
        check_burst(&chip, Watch::Rising, pulses, pulses);
        check_burst(&chip, Watch::Both, pulses / 2, pulses / 2 * 2);
    }
}

/// `pulses` that nobody reads meanwhile make so many `edges`.
fn check_burst(chip: &SimChip, watch: Watch, pulses: u32, edges: u32) {
    let gpio = chip.pin(0, false);
    let mut inputs = gpio::inputs(LineBackend::Gpiochip, &[InputSpec { name: "flow.tip".into(), gpio, watch }]).unwrap();
    let line = chip.line(0).unwrap();
    line.pulses(pulses, FLAT_OUT).unwrap();
    let mut told: Vec<Edge> = Vec::new();
    inputs.wait(FLAT_OUT, &mut told).unwrap();
    // What comes later shows that nothing more is in the queue.
    line.pulses(1, FLAT_OUT).unwrap();
    let before = told.len();
    inputs.wait(FLAT_OUT, &mut told).unwrap();

    let first = edges.saturating_sub(LARGEST_QUEUE) + 1;
    let numbers: Vec<u32> = told[..before].iter().map(|edge| edge.number).collect();
    assert_eq!(numbers, (first..=edges).collect::<Vec<_>>(), "{watch:?}, {pulses} pulses");
    assert_eq!(told[before].number, edges + 1);
}

const STRETCH: &str = "scenario: BURST-01
title: A burst on the tip's line, and a quiet stretch behind it
time_limit: 1 min
steps:
  - set: { leak: open }
  - measure: burst
    on: flow.tip
    for: 2 s
    during: [ { set: { occluder: closed } } ]
  - check: { volume_of: burst, between: 0 µL and 1 mL }
  - measure: behind
    on: flow.tip
    for: 1 s
  - check: { volume_of: behind, at_most: 10 µL }
";

/// The run is stopped for as long as a burst of so many pulses takes.
fn burst_while_the_rig_stands_still(pulses: u32) -> Ended {
    let setup = Setup::new(Plan { second: false, silence: "10 s", ..Plan::default() });
    let mut run = setup.run(STRETCH);
    setup.wait_for_danger(&mut run);
    // A thread that still ran would take the first pulse, and the rest would fit.
    run.stop();
    setup.tip().pulses(pulses, GAP).unwrap();
    run.signal(Signal::SIGCONT);
    run.end()
}

/// Losses of the tip's channel, by how many pulses. The serial port was not looked at either meanwhile, which is told too.
fn lost(ended: &Ended) -> Vec<u64> {
    let lost = ended.facts("data_lost").into_iter().map(|fact| &fact["body"]);
    lost.filter(|lost| lost["channel"] == "flow.tip").map(|lost| lost["count"].as_u64().unwrap()).collect()
}

#[test]
fn a_burst_that_the_queue_holds_is_counted_whole() {
    let ended = burst_while_the_rig_stands_still(LARGEST_QUEUE);
    ended.expect(1, &["bench shown safe"]);
    assert_eq!(lost(&ended), [0; 0]);
    // Nobody ordered what came.
    assert_eq!(ended.verdicts(), ["PASS", "PASS", "FAIL"], "{}", ended.said);
    assert_eq!(ended.facts("window_closed")[0]["body"]["forward"], LARGEST_QUEUE);
}

#[test]
fn a_burst_of_one_more_is_found_and_is_no_pass() {
    let ended = burst_while_the_rig_stands_still(LARGEST_QUEUE + 1);
    ended.expect(1, &["bench shown safe"]);
    assert_eq!(lost(&ended), [1]);
    // What lies behind the loss stands; and what did come proves by itself that it was too much.
    assert_eq!(ended.verdicts(), ["ERROR", "PASS", "FAIL"], "{}", ended.said);
}
