//! `rig schema`: the JSON Schema of scenario files, for editors.

use crate::failure::{BENCH, Failure, OrExit};
use crate::say;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_: &Args) -> Result<u8, Failure> {
    say::out(serde_json::to_string_pretty(&rig_scenario::schema()).or_exit(BENCH)?);
    Ok(0)
}
