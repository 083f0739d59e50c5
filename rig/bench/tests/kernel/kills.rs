//! Kills and stops the run at random moments while it moves outputs as fast as it can: whatever it was doing, they are safe soon after.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::setup::{Plan, Setup};

/// How often; a night's run sets more.
const COUNT: &str = "PUMP_RIG_KILLS";
const IN_CI: u32 = 50;
/// Of the moments; another one in its place repeats a night's run.
const SEED: &str = "PUMP_RIG_KILLS_SEED";
/// The run is ended so long after its first output has moved, at the most.
const LATEST: Duration = Duration::from_millis(1500);
/// Outputs are safe this soon.
const DEADLINE: Duration = Duration::from_millis(250);

/// No power cycle in it, so that outputs move from the first moment on.
const BUSY: &str = "scenario: BUSY-01
title: Outputs move there and back as fast as they can
time_limit: 10 min
steps:
  - repeat: 10000
    steps:
      - set: { occluder: closed }
      - set: { leak: open }
      - set: { occluder: open }
      - set: { leak: closed }
  - check: { state: stopped }
";

#[test]
fn outputs_are_safe_whenever_the_run_is_killed_or_stopped() {
    let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().unwrap());
    let count = asked(COUNT).unwrap_or(IN_CI);
    let seed = asked(SEED).unwrap_or_else(std::process::id);
    println!("{count} runs, {SEED}={seed}");

    let setup = Setup::new(Plan { switched: false, second: false, ..Plan::default() });
    let mut moments = Moments { state: u64::from(seed) };
    let mut took: Vec<Duration> = Vec::new();
    for number in 1..=count {
        let signal = if number % 2 == 0 { Signal::SIGSTOP } else { Signal::SIGKILL };
        let mut run = setup.run(BUSY);
        setup.wait_for_first_move(&mut run);
        let moment = moments.next();
        std::thread::sleep(moment);
        let cause = Instant::now();
        run.signal(signal);
        let after = setup.safe_after(cause);
        assert!(after <= DEADLINE, "run {number}, {signal} {moment:?} after the first move: safe only after {after:?}; {SEED}={seed}");
        took.push(after);
        // A run that stands still is killed here.
        drop(run);
        setup.wait_until_released();
        // Without this the next one would be refused, and rightly so.
        setup.take_mark_away();
    }
    for (signal, first) in [(Signal::SIGKILL, 0), (Signal::SIGSTOP, 1)] {
        let mut took: Vec<Duration> = took.iter().skip(first).step_by(2).copied().collect();
        took.sort_unstable();
        let (Some(median), Some(most)) = (took.get(took.len() / 2), took.last()) else { continue };
        println!("{signal} {} times: outputs safe after {:.1} ms (median), {:.1} ms (most)", took.len(), ms(*median), ms(*most));
    }
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// A generator that everybody can write down: Knuth's MMIX constants, of which the upper bits are used.
struct Moments {
    state: u64,
}

impl Moments {
    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        LATEST * (self.state >> 48) as u32 / (1 << 16)
    }
}
