//! Kills runs, thousands of them if asked, and holds what is left against what had been reached. Needs strace and faketime, and is run by `.ci/crash`.
//!
//! `PUMP_RIG_KILLS` says how many, `PUMP_RIG_SEED` which: both are printed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the tests run the program, kill it and read its files"
)]

#[path = "../support/mod.rs"]
mod support;

mod left;
mod place;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use place::{Bench, Place};

use crate::left::Left;

/// So that CI is done within a minute or two.
const KILLS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn kills() -> u64 {
    number("PUMP_RIG_KILLS").unwrap_or(KILLS)
}

/// SplitMix64: the same draws for the same seed, on every machine.
struct Draws(u64);

impl Draws {
    fn of(what: &str) -> Self {
        let seed = number("PUMP_RIG_SEED").unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            now.as_nanos() as u64 >> 8 & 0xffff_ffff
        });
        println!("{what}: PUMP_RIG_SEED={seed} PUMP_RIG_KILLS={}", kills());
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What came of all of them, so that one sees that they were hit in all places.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, left: Left) {
        *self.0.entry(left.name()).or_default() += 1;
    }

    fn print(&self, what: &str) {
        let all: Vec<String> = self.0.iter().map(|(name, n)| format!("{n} {name}")).collect();
        println!("{what}: {}", all.join(", "));
    }

    #[track_caller]
    fn at_least_some(&self, left: Left) {
        assert!(self.0.contains_key(left.name()), "no run was {}: the kills do not hit where they should", left.name());
    }
}

/// System calls of a run on the simulated bench, and how many of each it makes.
const POINTS: [(&str, u64); 8] =
    [("write", 36), ("rename", 12), ("openat", 40), ("flock", 8), ("mkdir", 3), ("close", 40), ("statx", 40), ("fcntl", 18)];

#[test]
fn killed_at_exact_points() {
    let mut draws = Draws::of("killed at exact points");
    let place = Place::new(Bench::Sim);
    let mut tally = Tally::default();
    for n in 0..kills() * 6 / 10 {
        let (call, most) = POINTS[draws.below(POINTS.len() as u64) as usize];
        let when = 1 + draws.below(most);
        let before = place.before();
        let mut traced = place.under_strace(&format!("inject={call}:signal=SIGKILL:when={when}"));
        traced.status().unwrap();
        let left = place.check(&before, &format!("kill {n}, at {call} {when}"), draws.below(2) == 0);
        tally.count(left);
    }
    tally.print("killed at exact points");
    place.check_all();
    [Left::NotBegun, Left::Cut, Left::Closed].into_iter().for_each(|left| tally.at_least_some(left));
}

const SIGNALS: [Signal; 4] = [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Starts a run, sends it a signal after a while, and holds what is left against what it had said.
fn kill_after(place: &Place, wait: Duration, signal: Signal, what: &str, by_command: bool) -> Left {
    let before = place.before();
    let mut child = place.run().spawn().unwrap();
    std::thread::sleep(wait);
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(child.id() as i32), signal);
    child.wait().unwrap();
    place.check(&before, &format!("{what}, {} after {wait:?}", signal.as_str()), by_command)
}

#[test]
fn killed_at_random_times_in_virtual_time() {
    let mut draws = Draws::of("killed at random times in virtual time");
    let place = Place::new(Bench::SimLong);
    let mut tally = Tally::default();
    for n in 0..kills() * 3 / 10 {
        let wait = Duration::from_micros(draws.below(place.takes().as_micros() as u64));
        let signal = SIGNALS[draws.below(4) as usize];
        tally.count(kill_after(&place, wait, signal, &format!("kill {n}"), draws.below(2) == 0));
    }
    tally.print("killed at random times in virtual time");
    place.check_all();
}

/// So many benches side by side: they mostly wait.
const SIDE_BY_SIDE: u64 = 6;

#[test]
fn killed_at_random_times_in_real_time() {
    let mut draws = Draws::of("killed at random times in real time");
    let all: Vec<(u64, u64)> = (0..kills() / 10).map(|n| (n, draws.next())).collect();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let several = (0..SIDE_BY_SIDE).map(|side| {
            let own: Vec<(u64, u64)> = all.iter().copied().filter(|(n, _)| n % SIDE_BY_SIDE == side).collect();
            scope.spawn(move || {
                let place = Place::new(Bench::Process);
                let mut tally = Tally::default();
                for (n, seed) in own {
                    let mut draws = Draws(seed);
                    let wait = Duration::from_micros(draws.below(place.takes().as_micros() as u64));
                    let signal = SIGNALS[draws.below(4) as usize];
                    tally.count(kill_after(&place, wait, signal, &format!("kill {n}"), draws.below(4) != 0));
                }
                place.check_all();
                tally
            })
        });
        let several: Vec<_> = several.collect();
        several.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (side, tally) in tallies.iter().enumerate() {
        tally.print(&format!("killed at random times in real time, bench {side}"));
    }
}

/// The disk does not keep what it was given, at the first time, the second, and so on.
#[test]
fn a_disk_that_does_not_keep_ends_the_run_as_an_error() {
    let place = Place::new(Bench::Process);
    let mut told = 0;
    for (call, times) in [("fdatasync", 8), ("fsync", 20)] {
        for when in (1..=times).step_by(3) {
            let what = format!("{call} {when} fails");
            let before = place.before();
            let output = place.under_strace(&format!("inject={call}:error=EIO:when={when}")).stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let injected = said.contains("Input/output error") || said.contains("does not keep");
            let code = output.status.code();
            assert_eq!(code, if injected { Some(4) } else { Some(0) }, "{what}: {said}");
            told += u64::from(injected);
            place.check(&before, &what, true);
        }
    }
    println!("a disk that does not keep: told {told} times");
    assert!(told >= 6, "{told}");
    place.check_all();
}

/// Rig time comes from a clock that nobody sets.
#[test]
fn the_clock_on_the_wall_is_set_by_years_in_mid_run() {
    let library =
        std::fs::read_dir("/usr/lib").unwrap().map(|e| e.unwrap().path().join("faketime/libfaketimeMT.so.1")).find(|p| p.exists());
    let library = library.expect("faketime is installed");
    for step in ["+20y", "-20y", "+300d", "-1s"] {
        let place = Place::new(Bench::Process);
        let before = place.before();
        let clock = place.write("clock", "+0");
        let mut run = place.run();
        run.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
        run.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut child = run.spawn().unwrap();
        place.until_it_says("\"kind\":\"check\"");
        place.write("clock", step);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{step}");
        let left = place.check(&before, step, true);
        assert!(left == Left::Closed, "{step}");
        let closed = place.last_closing().utc;
        println!("the clock on the wall set by {step}: the ledger has the end at {closed}");
    }
}

#[test]
fn a_folder_that_is_removed_in_mid_run_ends_it_and_is_missed() {
    let place = Place::new(Bench::Process);
    let mut child = place.run().stderr(Stdio::piped()).spawn().unwrap();
    place.until_it_says("\"kind\":\"check\"");
    std::fs::remove_dir_all(place.last_folder()).unwrap();
    let status = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(status.code(), Some(4), "{said}");
    assert!(said.contains("the journal was removed from"), "{said}");
    let next = place.run().stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr);
    assert_eq!(next.status.code(), Some(0), "{said}");
    assert!(said.contains("1 run is in the ledger"), "{said}");
}
