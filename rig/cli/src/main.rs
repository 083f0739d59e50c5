//! `rig`: plays scenarios against pump firmware, measures what comes out, and writes the record.

#![warn(clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::disallowed_methods, reason = "the command line is where files, clocks and processes are allowed")]

mod agent;
mod allowed;
mod build;
mod certificate;
mod clock;
mod closing;
mod commands;
mod decidability;
mod defects;
mod environment;
mod failure;
mod files;
mod firmware;
mod folder;
mod gate;
mod inputs;
mod keeping;
mod keys;
mod ledger;
mod marks;
mod own_rates;
mod plan;
mod progress;
mod rebuild;
mod recorder;
mod recovery;
mod reports;
mod say;
mod signed;
mod signing;
mod terminal;
mod texts;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Parser, Subcommand};

use crate::commands::{
    approve, calibrate, calibration, check, curves, deviation, doctor, explain, host, list, pool, qualify, qualify_tool, recover, replay,
    report, run, schema, sign, supervise, trace, verify as verification,
};
use crate::failure::Failure;

/// Plays scenarios against the firmware of an intrathecal drug pump, measures what comes out, and says PASS or FAIL.
///
/// Without a command: `rig run`.
#[derive(Debug, Parser)]
#[command(name = "rig", version = build::SHORT, long_version = build::LONG, max_term_width = 110, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Args,
    #[command(flatten)]
    global: terminal::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios on a bench and write the record (the default)
    Run(run::Args),
    /// Check scenario and bench files; every error of every file in one go
    Check(check::Args),
    /// Look whether a bench is fit for a run, try its relays and sensors, recover one that was not shown safe
    Doctor(doctor::Args),
    /// List the scenarios and their cases
    List(list::Args),
    /// Rebuild all reports of a run from its journal
    Report(report::Args),
    /// Close the runs that were cut off; say which runs of the ledger are missing
    Recover(recover::Args),
    /// Derive all events of a run again from its raw inputs and compare
    Replay(replay::Args),
    /// Show that runs are as they were recorded, and that their verdicts follow from what was measured
    Verify(verification::Args),
    /// Explain one verdict: value, limits, rule, and the uncertainty budget behind it
    Explain(explain::Args),
    /// Start-up graph, trumpet curve and hour statistics of a record from elsewhere
    Curves(curves::Args),
    /// Take the deliveries of several runs together: spread and tolerance interval, by unit and of all
    Pool(pool::Args),
    /// Find a flow sensor's K-factor from weighed deliveries and write a draft certificate; approve one
    Calibrate(calibrate::Args),
    /// Show that this program computes, judges and keeps records as it should on this machine, and write a report of it
    QualifyTool(qualify_tool::Args),
    /// Show that the suite notices defective pumps and accuses no sound one: kill matrix, survivors, false alarms
    Qualify(qualify::Args),
    /// Play the firmware that this program was built with, as it is asked; started by `rig qualify`
    #[command(hide = true)]
    QualifyWorker(qualify::WorkerArgs),
    /// Approve a test plan before it is played; tell how much of it has been
    Approve(approve::Args),
    /// What of a bench's calibration is due when, and what rests on a certificate that is in doubt
    Calibration(calibration::Args),
    /// Which requirement is verified by which check, with what verdict, on which firmware, in which run; and what is missing
    Trace(trace::Args),
    /// Sign a run, as operator, reviewer or approver
    Sign(sign::Args),
    /// Add a signed note to one row of a run, which it never changes
    Deviation(deviation::Args),
    /// Print the JSON Schema of scenario files
    Schema(schema::Args),
    /// Run the simulated board as a process of its own, behind a serial line
    Host(host::Args),
    /// Own the output lines of a real bench for a run; started by the run itself
    #[command(hide = true)]
    Supervise(supervise::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = cli.global.start();
    outlive_the_file_size_limit();
    let result = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args, &terminal),
        Command::Check(args) => check::run(&args, &terminal),
        Command::Doctor(args) => doctor::run(&args, &terminal),
        Command::List(args) => list::run(&args, &terminal),
        Command::Report(args) => report::run(&args, &terminal),
        Command::Recover(args) => recover::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Verify(args) => verification::run(&args, &terminal),
        Command::Explain(args) => explain::run(&args, &terminal),
        Command::Curves(args) => curves::run(&args),
        Command::Pool(args) => pool::run(&args, &terminal),
        Command::Calibrate(args) => calibrate::run(&args, &terminal),
        Command::QualifyTool(args) => qualify_tool::run(&args, &terminal),
        Command::Qualify(args) => qualify::run(&args, &terminal),
        Command::QualifyWorker(args) => qualify::worker(&args),
        Command::Approve(args) => approve::run(&args, &terminal),
        Command::Calibration(args) => calibration::run(&args, &terminal),
        Command::Trace(args) => trace::run(&args, &terminal),
        Command::Sign(args) => sign::run(&args, &terminal),
        Command::Deviation(args) => deviation::run(&args, &terminal),
        Command::Schema(args) => schema::run(&args),
        Command::Host(args) => host::run(&args),
        Command::Supervise(args) => supervise::run(&args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, error }) => {
            say::err(format_args!("error: {error:#}"));
            ExitCode::from(code)
        }
    }
}

/// A file that may not grow any more is an error that a write returns, like a full disk; unheeded, the signal would kill the run in its middle.
fn outlive_the_file_size_limit() {
    let unread = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, unread) {
        tracing::warn!("SIGXFSZ can't be caught: {error}");
    }
}
