//! Gives the firmware its build hash: of its own sources and those of the link it speaks, so that a changed pump can't pass for the old one.

#![allow(clippy::disallowed_methods, reason = "a build script reads the sources that it hashes")]

use std::error::Error;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The wire has room for so much of the hash.
const BYTES: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut hash = Sha256::new();
    for folder in [here.join("src"), here.join("../../rig/link/src")] {
        println!("cargo::rerun-if-changed={}", folder.display());
        for file in sources(&folder)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read(&file)?;
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    let hash = hash.finalize();
    let digits: String = hash[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("build_mark");
    // The line feed ends the digits, whatever the linker puts behind them.
    std::fs::write(out, format!("pump-build:{digits}\n"))?;
    Ok(())
}

fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}
