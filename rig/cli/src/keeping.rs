//! What "kept" means: a file is on the disk when it and its folder were forced out to it.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rig_model::bench::BenchKind;

/// Whether a record must outlive a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Virtual time: with the system at each step's end, which may write it to the disk when it likes; the run can be played again at will.
    AtLeisure,
    /// Real time: on the disk at each step's end.
    Synced,
}

impl Keeping {
    /// A process bench is kept like a real one: it stands for the real one, and has the time.
    pub fn of(kind: BenchKind) -> Self {
        match kind {
            BenchKind::Sim => Self::AtLeisure,
            BenchKind::Process | BenchKind::Pi => Self::Synced,
        }
    }

    /// Forces a file out that has its name already, or still its partial one.
    pub fn file(self, path: &Path) -> io::Result<()> {
        match self {
            Self::AtLeisure => Ok(()),
            Self::Synced => File::open(path)?.sync_all(),
        }
    }

    /// A name is on the disk only when its folder is.
    pub fn folder(self, path: &Path) -> io::Result<()> {
        self.file(if path.as_os_str().is_empty() { Path::new(".") } else { path })
    }
}

/// A file that can be kept.
pub trait Kept: Write + Debug + Send {
    /// Returns when what was written is on the disk.
    fn keep(&self) -> io::Result<()>;
    /// Whether it still has a name: a file that was removed takes all that is written to it, and loses it in the end.
    fn is_there(&self) -> io::Result<bool>;
}

impl Kept for File {
    fn keep(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn is_there(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        Ok(self.metadata()?.nlink() > 0)
    }
}
