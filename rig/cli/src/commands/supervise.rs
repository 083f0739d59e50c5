//! `rig supervise`: the process that owns the output lines of a real bench while a run uses them.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::Context;

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::{inputs, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bench file with the lines
    #[arg(long, value_name = "FILE")]
    bench: PathBuf,
    /// SHA-256 of the bench file as the run has read it
    #[arg(long, value_name = "HEX")]
    sha256: String,
}

/// Standard input is one end of a socket whose other end the run holds.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut errors = inputs::Errors::default();
    let Some((bench, text)) = inputs::bench(Some(&args.bench), &mut errors) else {
        say::err(&errors);
        return Ok(USAGE);
    };
    if text.sha256 != args.sha256 {
        return Err(failure(BENCH, format!("`{}` was changed while the run began: run again", args.bench.display())));
    }
    let socket = io::stdin().as_fd().try_clone_to_owned().context("failed to take over the socket to the run").or_exit(BENCH)?;
    rig_bench::supervise(&bench, UnixStream::from(socket)).map(|()| 0).or_exit(BENCH)
}
