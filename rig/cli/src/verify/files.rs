//! The files of a run, wherever they are: in a folder, or in memory, where tests change every byte of them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rig_evidence::Statement;

use crate::folder::JOURNAL;

/// What lies in the folder of one run.
pub trait Files {
    /// The names of all files, those of the folder of statements with it in front; any other folder, and one of statements without any, with a
    /// slash at its end.
    fn names(&self) -> io::Result<BTreeSet<String>>;
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;
    /// Those of the names that are links to another place.
    fn links(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// A file that is small by what it is; one that is larger than [`MOST`] is refused before it is held in memory.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(name)?.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return Err(io::Error::other(format!("it has more than {MOST} bytes")));
        }
        Ok(bytes)
    }
}

/// Manifests, statements and signatures have some kB.
const MOST: u64 = 4 * 1024 * 1024;

/// A folder on the disk.
#[derive(Debug)]
pub struct Disk(pub PathBuf);

impl Files for Disk {
    fn names(&self) -> io::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        list(&self.0, "", &mut names)?;
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let path = self.0.join(name);
        // A pipe or a device in a file's place would keep the check waiting for ever, and what a link leads to is not of this folder.
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok(Box::new(File::open(path)?))
    }

    fn links(&self) -> io::Result<Vec<String>> {
        let mut links: Vec<String> =
            self.names()?.into_iter().filter(|name| self.0.join(name.trim_end_matches('/')).is_symlink()).collect();
        links.sort_by_key(|name| name != JOURNAL);
        Ok(links)
    }
}

fn list(folder: &Path, before: &str, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if !entry.file_type()?.is_dir() {
            names.insert(name);
        } else if before.is_empty() && name == Statement::FOLDER {
            let folder = format!("{name}/");
            let before = names.len();
            list(&entry.path(), &folder, names)?;
            if names.len() == before {
                names.insert(folder);
            }
        } else {
            names.insert(format!("{name}/"));
        }
    }
    Ok(())
}

/// Files that are held in memory, for those who alter them.
#[derive(Debug, Clone, Default)]
pub struct Memory(pub std::collections::BTreeMap<String, std::sync::Arc<[u8]>>);

impl Files for Memory {
    fn names(&self) -> io::Result<BTreeSet<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(io::Cursor::new(bytes.clone())))
    }
}
