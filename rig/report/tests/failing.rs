//! One view that fails is named, and the others are none the worse for it.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{self, Write};

use common::{Folder, channels, report, small_run};
use rig_report::{End, Views};

/// A file that breaks after so many bytes.
#[derive(Debug)]
struct Breaking {
    file: common::File,
    left: usize,
}

impl Write for Breaking {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.left < buf.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= buf.len();
        self.file.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All files but one have room.
fn with_broken(broken: &str, room: Option<usize>) -> (Folder, rig_report::Finished) {
    let folder = Folder::default();
    let open = |name: &str| {
        let left = if name == broken { room.ok_or(io::ErrorKind::PermissionDenied)? } else { usize::MAX };
        Ok(Breaking { file: folder.open(name)?, left })
    };
    let mut views = Views::new(channels(), open);
    small_run().iter().for_each(|fact| views.take(fact));
    let finished = views.finish(End::Complete);
    (folder, finished)
}

#[test]
fn a_view_fails_alone() {
    let whole = report(&small_run(), End::Complete).0.files();
    for broken in whole.keys() {
        for room in [None, Some(0), Some(100)] {
            let (folder, finished) = with_broken(broken, room);
            assert_eq!(finished.errors.iter().map(|error| error.view).collect::<Vec<_>>(), [broken], "{room:?}");
            assert_eq!(finished.errors[0].to_string(), format!("write {broken}"));
            assert!(!finished.files.contains_key(broken), "a file that is not whole is not among the files");
            for (name, bytes) in whole.iter().filter(|(name, _)| *name != broken) {
                assert_eq!(&folder.files()[name], bytes, "{name} beside {broken}");
            }
        }
    }
}
