//! `rig doctor --stress`: how fast this machine counts without a loss.

use rig_bench::{Loop, Rate, Stress, stress};
use rig_model::bench::Bench;
use rig_model::time::Span;

use crate::failure::{BENCH, Failure, OrExit, USAGE};
use crate::say;
use crate::terminal::Terminal;

pub fn run(bench: &Bench, wired: &str, terminal: &Terminal) -> Result<u8, Failure> {
    let wired = Loop::parse(bench, wired).or_exit(USAGE)?;
    let done = stress(bench, &wired, |rate| tell(rate, terminal)).or_exit(BENCH)?;
    if terminal.json {
        say::out(serde_json::to_string(&done).expect("numbers"));
    } else {
        conclude(&done);
    }
    Ok(if done.highest_clean().is_some() { 0 } else { BENCH })
}

fn tell(rate: &Rate, terminal: &Terminal) {
    if terminal.json {
        return;
    }
    let Rate { asked, per_second, sent, told, numbered, median_ns, longest_ns } = rate;
    let latency = |ns: &Option<i64>| ns.map_or("–".to_owned(), |ns| Span(ns).to_string());
    let outcome = if rate.clean() { "clean" } else { "LOST" };
    say::out(format_args!(
        "{asked:>7} /s asked  {per_second:>9.0} /s driven  {sent:>7} sent  {numbered:>7} numbered  {told:>7} told  latency {} median, {} longest  {outcome}",
        latency(median_ns),
        latency(longest_ns)
    ));
}

fn conclude(done: &Stress) {
    let Some(clean) = done.highest_clean() else {
        say::out("\nnot even the lowest rate was clean: check the wire, then the load of the machine");
        return;
    };
    // Rounded up: what is kept must cover what was seen.
    let stamp = done.longest_latency().map_or(0, |longest| (longest.0 + 999) / 1_000);
    say::out(format_args!("\nto keep it, put this into each pulse channel of the bench file:"));
    say::out(format_args!("# counted without a loss up to {:.0} edges a second on this machine", clean.per_second));
    say::out(format_args!("stamp_uncertainty = \"{stamp} µs\""));
}
