//! `rig host`: the simulated board as a process of its own, in real time.

use std::path::PathBuf;

use anyhow::Context;
use pump_host::{BalanceOptions, LinesPort, LinkPort, Options};

use crate::failure::{BENCH, Failure, OrExit, USAGE};
use crate::{defects, inputs, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bench file with the simulated plumbing
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
    /// Seed of all simulated noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give the pump this defect
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
    /// Make a link of this name to the serial line's device
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Put the bench's balance, or a usual one, under the catheter, on a serial line of its own; make a link of this name to its device
    #[arg(long, value_name = "PATH", num_args = 0..=1)]
    balance: Option<Option<PathBuf>>,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut errors = inputs::Errors::default();
    let Some((bench, _)) = inputs::bench(args.bench.as_deref(), &mut errors) else {
        say::err(&errors);
        return Ok(USAGE);
    };
    let defect = defects::named(args.defect.as_deref(), &bench)?;
    let socket = std::env::temp_dir().join(format!("rig-host-{}.sock", std::process::id()));
    let balance = args.balance.clone().map(|symlink| BalanceOptions::of(&bench, LinkPort::Pty { symlink }));
    let link = LinkPort::Pty { symlink: args.link.clone() };
    let options = Options { link, lines: LinesPort::Unix(socket), bench, seed: args.seed, unit: defect.map(|pump| pump.unit), balance };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start the runtime").or_exit(BENCH)?;
    let ready = |announcement: &pump_host::Announcement| match serde_json::to_string(announcement) {
        Ok(line) => say::out(line),
        Err(error) => tracing::error!("the announcement can't be written: {error}"),
    };
    runtime.block_on(async {
        let stop = pump_host::terminated().context("failed to listen to signals").or_exit(BENCH)?;
        pump_host::run(options, ready, stop).await.map(|_| 0).or_exit(BENCH)
    })
}
