//! `rig approve`: a person gives leave to a test plan before it is played; how much of it has been played.

mod records;
mod show;
pub mod status;
mod weigh;
mod write;

use clap::Subcommand;

use crate::allowed::SignersFile;
use crate::failure::{Failure, USAGE, failure};
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    status: Option<What>,
    #[command(flatten)]
    approve: Option<write::Approve>,
    // Not among the others: what is optional as a whole can't have parts of its own.
    #[command(flatten)]
    signers: SignersFile,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How much of an approved plan has been played as evidence, with each attempt, and what is missing
    Status(status::Args),
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    match (&args.status, &args.approve) {
        (Some(What::Status(args)), _) => status::run(args, terminal),
        (None, Some(approve)) => write::run(approve, &args.signers),
        (None, None) => Err(failure(USAGE, "name the plan to approve, or `status`")),
    }
}
