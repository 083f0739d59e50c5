//! The firmware image that a board must run: read once, hashed, and searched for the mark by which it says its own build hash.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_model::bench::Bench;
use rig_model::fact::FirmwareImage;
use sha2::{Digest, Sha256};

use crate::ledger::hex;

/// Stands before the build hash in an image; see rig/docs/firmware.md. The digits end with any byte that is none.
const MARK: &[u8] = b"pump-build:";
/// Hexadecimal digits of a build hash.
const DIGITS: [usize; 2] = [40, 64];
/// An image for a microcontroller has a few MiB, one with debug information a hundred.
const MAX_BYTES: u64 = 256 << 20;
/// An image of several parts has a mark in each; more are no image of one pump.
const MAX_MARKS: usize = 8;

/// The image that the command line names, or else the bench file; nothing where neither names one.
pub fn named(argument: Option<&Path>, bench: &Bench, bench_file: Option<&Path>) -> Result<Option<FirmwareImage>> {
    let of_bench = bench.dut.firmware.as_ref();
    let in_folder = |image: &String| bench_file.and_then(Path::parent).unwrap_or(Path::new("")).join(image);
    let path: Option<PathBuf> = argument.map(Path::to_owned).or_else(|| of_bench.and_then(|f| f.image.as_ref()).map(in_folder));
    let Some(path) = path else { return Ok(None) };
    let image = read(&path)?;
    if let Some(stated) = of_bench.and_then(|f| f.build_hashes.first())
        && !image.build_hashes.contains(stated)
    {
        let hashes = image.build_hashes.join(" or ");
        bail!("the bench file names build hash {stated}, but the firmware image `{}` is {hashes}", path.display());
    }
    Ok(Some(image))
}

fn read(path: &Path) -> Result<FirmwareImage> {
    let reading = || format!("failed to read the firmware image `{}`", path.display());
    let file = std::fs::File::open(path).with_context(reading)?;
    if !file.metadata().with_context(reading)?.is_file() {
        bail!("the firmware image `{}` is no file", path.display());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(reading)?;
    if bytes.is_empty() {
        bail!("the firmware image `{}` is empty", path.display());
    }
    if bytes.len() as u64 > MAX_BYTES {
        bail!("the firmware image `{}` has more than {} MiB", path.display(), MAX_BYTES >> 20);
    }
    let sha256 = hex(&Sha256::digest(&bytes));
    let mut build_hashes = marks(&bytes);
    if build_hashes.len() > MAX_MARKS {
        bail!("`{}` has more than {MAX_MARKS} different marks `pump-build:`: it is not the image of one firmware", path.display());
    }
    // A board may as well tell the beginning of the image's own hash, in either length.
    build_hashes.extend(DIGITS.map(|digits| sha256[..digits].to_owned()));
    Ok(FirmwareImage { path: path.display().to_string(), sha256, bytes: bytes.len() as u64, build_hashes })
}

/// The build hashes that the image says, each once, in the order in which they stand; in small letters.
fn marks(image: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = image;
    while let Some(at) = find(rest, MARK) {
        rest = &rest[at + MARK.len()..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = String::from_utf8_lossy(&rest[..length]).to_ascii_lowercase();
        if DIGITS.contains(&length) && !found.contains(&digits) && found.len() <= MAX_MARKS {
            found.push(digits);
        }
    }
    found
}

/// The mark's first byte is rare enough that looking for it comes first.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, mut from) = (*wanted.first()?, 0);
    loop {
        let at = from + bytes[from..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn marks_are_found_where_they_stand() {
        let long = "ab".repeat(32);
        for (image, expected) in [
            (format!("\0\0pump-build:{HASH}\n\0"), vec![HASH.to_owned()]),
            (format!("pump-build:{HASH}"), vec![HASH.to_owned()]),
            (format!("pump-build:{}\0", HASH.to_uppercase()), vec![HASH.to_owned()]),
            (format!("ppump-build:{long}!pump-build:{HASH} pump-build:{HASH} "), vec![long.clone(), HASH.to_owned()]),
            (format!("pump-build:pump-build:{HASH} "), vec![HASH.to_owned()]),
            // Neither a hash of another length nor the mark alone, which stands in this very program.
            (format!("pump-build:{HASH}0 pump-build:{} pump-build: pump-build", &HASH[1..]), vec![]),
            (String::new(), vec![]),
        ] {
            assert_eq!(marks(image.as_bytes()), expected, "{image:?}");
        }
    }

    #[test]
    fn an_image_that_is_none_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path: &Path| format!("{:#}", read(path).unwrap_err());
        let path = dir.path().join("pump.elf");
        assert!(
            error(&path).starts_with("failed to read the firmware image `") && error(&path).contains("No such file"),
            "{}",
            error(&path)
        );
        assert!(error(dir.path()).ends_with("is no file"), "{}", error(dir.path()));
        std::fs::write(&path, "").unwrap();
        assert!(error(&path).ends_with("pump.elf` is empty"));
        let many: String = (0..9).map(|i| format!("pump-build:{i}{}\n", &HASH[1..])).collect();
        std::fs::write(&path, many).unwrap();
        assert!(error(&path).contains("more than 8 different marks"), "{}", error(&path));
        std::fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(error(&path).ends_with("has more than 256 MiB"), "{}", error(&path));
    }

    #[test]
    fn an_image_without_a_mark_is_known_by_its_own_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pump.bin");
        std::fs::write(&path, "abc").unwrap();
        let image = read(&path).unwrap();
        // FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((image.sha256.as_str(), image.bytes), (sha256, 3));
        assert_eq!(image.build_hashes, [&sha256[..40], sha256]);
    }
}
