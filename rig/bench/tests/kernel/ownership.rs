//! Who has a line, that nobody else gets it, and what becomes of an output whose owner dies.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use gpiocdev::line::Value;
use gpiocdev::{Chip, Request};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use rig_bench::gpio::{self, LineError, OutputSpec};
use rig_model::bench::LineBackend;

use crate::setup::{Plan, Setup};
use crate::sim::{ChipPlan, Hog, Level};

/// Set for a process that is to hold line 0 of this chip.
const OWN: &str = "KERNEL_TESTS_OWN";
const OWNER: &str = "the-owner";
const OWNED: &str = "owned";

const IDLE: &str = "scenario: IDLE-01
title: The pump has power and nothing is asked of it
time_limit: 2 min
steps:
  - wait: 1 min
  - check: { state: stopped }
";

fn output(chip: &Path, offset: u32, consumer: &str) -> gpiocdev::Result<Request> {
    Request::builder().on_chip(chip).with_consumer(consumer).with_line(offset).as_output(Value::Active).request()
}

fn assert_busy(request: gpiocdev::Result<Request>) {
    // gpiocdev tells the number in its debug form only.
    let error = format!("{:?}", request.unwrap_err());
    assert!(error.contains(&format!("Errno({})", Errno::EBUSY as i32)), "{error}");
}

#[test]
fn a_line_that_is_in_use_can_not_be_taken_and_its_consumer_is_told() {
    let chip = ChipPlan::new("busy", 2).name(0, "power").create().unwrap();
    let first = output(chip.device(), 0, OWNER).unwrap();
    assert_busy(output(chip.device(), 0, "another"));

    let info = Chip::from_path(chip.device()).unwrap().line_info(0).unwrap();
    assert_eq!((info.name.as_str(), info.consumer.as_str(), info.used), ("power", OWNER, true));

    drop(first);
    output(chip.device(), 0, "another").unwrap();
}

#[test]
fn a_line_that_the_kernel_holds_can_not_be_taken() {
    let chip = ChipPlan::new("hogged", 3)
        .hog(0, "lamp", Hog::OutputHigh)
        .hog(1, "fan", Hog::OutputLow)
        .name(2, "sense")
        .hog(2, "kernel", Hog::Input)
        .create()
        .unwrap();
    assert_busy(output(chip.device(), 0, "another"));
    assert_eq!(chip.line(0).unwrap().value().unwrap(), Level::High);
    assert_eq!(chip.line(1).unwrap().value().unwrap(), Level::Low);
    let found = Chip::from_path(chip.device()).unwrap();
    assert_eq!(found.info().unwrap().label, chip.label());
    let consumers: Vec<String> = (0..3).map(|offset| found.line_info(offset).unwrap().consumer).collect();
    assert_eq!(consumers, ["lamp", "fan", "kernel"]);
}

#[test]
fn an_output_is_released_when_its_owner_is_killed() {
    if let Some(chip) = std::env::var_os(OWN) {
        own(Path::new(&chip));
    }
    let chip = ChipPlan::new("killed", 1).create().unwrap();
    let line = chip.line(0).unwrap();
    line.pull(Level::Low).unwrap();

    // This test again, in a process of its own that takes the line and stays.
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ownership::an_output_is_released_when_its_owner_is_killed", "--nocapture"])
        .env(OWN, chip.device())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().ends_with(OWNED)), "the owner ended without the line");
    assert_eq!(line.value().unwrap(), Level::High);
    assert_busy(output(chip.device(), 0, "another"));

    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_eq!(line.value().unwrap(), Level::Low, "the pull has the line again");
    let info = Chip::from_path(chip.device()).unwrap().line_info(0).unwrap();
    assert!(!info.used, "{info:?}");
}

#[test]
fn outputs_of_a_run_are_its_supervisors_alone_until_it_dies() {
    let setup = Setup::new(Plan::default());
    let mut run = setup.run(IDLE);
    setup.wait_for_first_move(&mut run);
    for (name, gpio) in setup.output_pins() {
        let Err(refused) = gpio::outputs(LineBackend::Gpiochip, &[OutputSpec { name: "thief".into(), gpio, active: true }]) else {
            panic!("{name} was taken twice")
        };
        let LineError::Taken { consumer, .. } = refused else { panic!("{refused}") };
        assert_eq!(consumer, format!("rig {name}"));
    }

    kill(run.supervisor(), Signal::SIGKILL).unwrap();
    setup.wait_until_released();
    assert!(setup.safe(), "the resistors have the lines");
}

/// Holds the line until it is killed, or until the test that wants it is no more.
fn own(chip: &Path) -> ! {
    let _held = output(chip, 0, OWNER).unwrap();
    println!("{OWNED}");
    std::io::stdin().lines().for_each(drop);
    std::process::exit(0)
}
