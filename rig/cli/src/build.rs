//! Which build of the program this is: what `build.rs` found, and the hash of the file that runs.

use std::fs::File;

use rig_model::bench::BenchKind;
use rig_model::fact::RigBuild;
use sha2::{Digest, Sha256};

use crate::ledger::hex;

/// Version and commit, with a `+` for sources that differed from it.
pub const SHORT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("RIG_SHORT"), ")");
/// All of it, a line each.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("RIG_SHORT"),
    ")\ncommit: ",
    env!("RIG_COMMIT"),
    "\nuncommitted changes: ",
    env!("RIG_UNCOMMITTED"),
    "\ntarget: ",
    env!("RIG_TARGET"),
    "\nprofile: ",
    env!("RIG_PROFILE"),
    "\nCargo.lock SHA-256: ",
    env!("RIG_LOCK_SHA256"),
);

/// This build. The simulated bench, which starts in an instant, does without the hash of the executable.
pub fn build(kind: BenchKind) -> RigBuild {
    RigBuild {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: Some(env!("RIG_COMMIT").to_owned()).filter(|commit| !commit.is_empty()),
        uncommitted: env!("RIG_UNCOMMITTED") == "yes",
        target: env!("RIG_TARGET").to_owned(),
        profile: env!("RIG_PROFILE").to_owned(),
        lock_sha256: env!("RIG_LOCK_SHA256").to_owned(),
        executable_sha256: if kind == BenchKind::Sim { None } else { executable() },
    }
}

/// Of the file that is running, even where another one has taken its place since.
pub fn executable() -> Option<String> {
    let mut file = File::open("/proc/self/exe").ok()?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(hex(&hash.finalize()))
}
