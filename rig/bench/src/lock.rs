//! One run per bench: a lock that the kernel takes back when its holder dies, however it dies.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::error::BenchError;

/// Longer than what a holder writes; the rest of a file that is not ours is of no interest.
const HOLDER_BYTES: u64 = 256;

/// Whoever makes the file first must not shut the others out: runs by hand and the nightly service are different users of one group.
const FOR_THE_GROUP: u32 = 0o664;

/// Held as long as it lives. The file stays: removing it would let two runs lock two files of the same name.
#[derive(Debug)]
pub struct BenchLock {
    _file: Flock<File>,
}

impl BenchLock {
    /// Takes the lock at once or says who holds it. `since` (a time that people read) is what the next one is told.
    pub fn take(path: &Path, since: &str) -> Result<Self, BenchError> {
        let failed = |source: std::io::Error| BenchError::LockFailed { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => locked,
            Err((mut file, Errno::EWOULDBLOCK)) => return Err(BenchError::LockHeld { path: path.to_owned(), holder: holder(&mut file) }),
            Err((_, errno)) => return Err(failed(errno.into())),
        };
        if file.metadata().map_err(failed)?.uid() == geteuid().as_raw() {
            file.set_permissions(Permissions::from_mode(FOR_THE_GROUP)).map_err(failed)?;
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "pid {} since {since}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    let read = file.take(HOLDER_BYTES).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    match (read, text.lines().next()) {
        (Ok(_), Some(line)) if !line.trim().is_empty() => line.trim().to_owned(),
        // The holder has the lock but has not written yet.
        _ => "which one is not known yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_run_is_told_who_holds_the_bench_and_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bench.lock");
        std::fs::write(&path, "pid 1 since a run that was killed, with a long line of text that must not show through\n").unwrap();

        let first = BenchLock::take(&path, "2031-02-03T04:05:06Z").unwrap();
        let BenchError::LockHeld { path: named, holder } = BenchLock::take(&path, "later").unwrap_err() else { panic!("another error") };
        assert_eq!(named, path);
        assert_eq!(holder, format!("pid {} since 2031-02-03T04:05:06Z", std::process::id()));

        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, FOR_THE_GROUP);
        drop(first);
        BenchLock::take(&path, "later").unwrap();
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let path = Path::new("/nonexistent-folder/bench.lock");
        let error = BenchLock::take(path, "now").unwrap_err();
        assert!(matches!(&error, BenchError::LockFailed { path: named, .. } if named == path), "{error}");
    }
}
