//! The serial port of the board.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rig_model::bench::Bench;

use super::{Finding, Ground, access};
use crate::error::BenchError;
use crate::serial::{self, PortOf};

const WHAT: &str = "serial port";
/// Character devices 136 to 143 are the near ends of pseudo-terminals (Documentation/admin-guide/devices.txt).
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;
/// Names that stay the same whatever is plugged in when.
const STABLE: &str = "/dev/serial/";
/// Names that the kernel gives in the order of plugging in.
const COUNTED: [&str; 2] = ["/dev/ttyUSB", "/dev/ttyACM"];

pub(super) fn look(bench: &Bench, ground: &Ground) -> Finding {
    let Some(path) = bench.link.path.as_deref() else {
        return Finding::bad(WHAT, "the bench file names none", "`ls -l /dev/serial/by-id` lists them; enter one as `path` in `[link]`");
    };
    let device = ground.path(path);
    match open(&device, bench.link.baud) {
        Ok(()) => named(path).simulated(pty(&device)),
        Err(BenchError::PortDenied { path }) => {
            Finding::bad(WHAT, format!("{} may not be opened by this user", path.display()), access::remedy(&path))
        }
        Err(error) => Finding::of_error(WHAT, &error.to_string().trim_start_matches("serial port ")),
    }
}

pub(super) fn simulated(bench: &Bench, ground: &Ground) -> Option<String> {
    pty(&ground.path(bench.link.path.as_deref()?))
}

/// Opens it as a run would, for this program alone, and lets it go.
fn open(path: &Path, baud: u32) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| BenchError::PortUnusable { path: path.to_owned(), of: PortOf::Board, why: error.to_string() })?;
    let _within = runtime.enter();
    serial::open(path, baud).map(drop)
}

fn named(path: &str) -> Finding {
    let words = format!("{path} opens, and no other program has it");
    match counted(path) {
        Some(remedy) => Finding::warning(WHAT, words, remedy),
        None => Finding::good(WHAT, words),
    }
}

/// What to do about a name that may mean another port tomorrow.
pub(super) fn counted(path: &str) -> Option<&'static str> {
    let counted = !path.starts_with(STABLE) && COUNTED.iter().any(|counted| path.starts_with(counted));
    counted.then_some("take its name below /dev/serial/by-id: this one goes to whatever is plugged in first")
}

/// Why the port is no hardware, if it is a pseudo-terminal.
pub(super) fn pty(path: &Path) -> Option<String> {
    let device: PathBuf = std::fs::canonicalize(path).ok()?;
    let metadata = std::fs::metadata(&device).ok()?;
    let is_pty = metadata.file_type().is_char_device() && PTY_MAJORS.contains(&nix::sys::stat::major(metadata.rdev()));
    is_pty.then(|| format!("serial port {} is a pseudo-terminal ({}), not a serial device", path.display(), device.display()))
}

#[cfg(test)]
mod tests {
    use nix::pty::openpty;

    use rig_model::bench::Link;

    use super::*;
    use crate::inspect::State;

    fn bench_on(path: &str) -> Bench {
        let bench = crate::tests::bench();
        Bench { link: Link { path: Some(path.to_owned()), ..bench.link.clone() }, ..bench }
    }

    #[test]
    fn a_pseudo_terminal_is_found_out_behind_any_name() {
        let pair = openpty(None, None).unwrap();
        let device = nix::unistd::ttyname(&pair.slave).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("usb-FTDI");
        std::os::unix::fs::symlink(&device, &link).unwrap();
        let found = look(&bench_on(link.to_str().unwrap()), &Ground::default());
        assert_eq!(found.state, State::Good, "{found:?}");
        let why = found.simulated.unwrap();
        assert!(why.contains("usb-FTDI is a pseudo-terminal (/dev/pts/"), "{why}");
        assert_eq!(pty(Path::new("/dev/null")), None);
    }

    #[test]
    fn a_port_that_is_not_there_is_bad_and_a_counted_name_is_told() {
        let found = look(&bench_on("/dev/nonexistent-port"), &Ground::default());
        assert_eq!((found.state, found.words.as_str()), (State::Bad, "/dev/nonexistent-port is not there"));
        assert!(found.remedy.unwrap().contains("plugged in"));
        assert_eq!(named("/dev/ttyUSB0").state, State::Warning);
        assert_eq!(named("/dev/serial/by-id/usb-FTDI-if00").state, State::Good);
    }
}
