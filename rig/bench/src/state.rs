//! Where the rig keeps what outlives a run and belongs to the bench: its lock, and the mark of a bench that was not shown safe.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rig_model::bench::Bench;

/// Names the folder, over all others.
const CHOSEN: &str = "PUMP_RIG_STATE";
/// Set by systemd where a service has `StateDirectory=`; paths are parted by colons.
const OF_SERVICE: &str = "STATE_DIRECTORY";
/// Made by the package, for everybody who may touch the bench.
const INSTALLED: &str = "/var/lib/pump-rig";

/// What belongs to one bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchState {
    /// Its lock says that the bench is in use.
    pub lock: PathBuf,
    /// It is there as long as the bench is not shown safe.
    pub mark: PathBuf,
}

impl BenchState {
    /// In the folder that the environment names, the installed one, or, where there is neither, the one for temporary files.
    pub fn of(bench: &Bench) -> Self {
        let folder = folder(|name| std::env::var_os(name), Path::new(INSTALLED));
        Self { lock: folder.join(format!("rig-{}.lock", bench.name)), mark: folder.join(format!("rig-{}.wedged", bench.name)) }
    }
}

fn folder(variable: impl Fn(&str) -> Option<OsString>, installed: &Path) -> PathBuf {
    let named = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(chosen) = named(CHOSEN) {
        return chosen.into();
    }
    if let Some(first) = named(OF_SERVICE).and_then(|all| std::env::split_paths(&all).next()) {
        return first;
    }
    // Whoever may not write there must not have a lock and a mark of his own beside those of the others: he is told when the lock is taken.
    if installed.is_dir() { installed.to_owned() } else { std::env::temp_dir() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_the_installed_folder_and_that_before_the_temporary_one() {
        let dir = tempfile::tempdir().unwrap();
        let (chosen, service) = ((CHOSEN, "/chosen"), (OF_SERVICE, "/of-service:/second"));
        let with = |variables: &[(&str, &str)], installed: &Path| {
            folder(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into()), installed)
        };
        assert_eq!(with(&[chosen, service], dir.path()), Path::new("/chosen"));
        assert_eq!(with(&[(CHOSEN, ""), service], dir.path()), Path::new("/of-service"));
        assert_eq!(with(&[], dir.path()), dir.path());
        assert_eq!(with(&[], Path::new("/nonexistent-folder")), std::env::temp_dir());
    }
}
