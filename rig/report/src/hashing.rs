//! A writer that knows the SHA-256 of what passed through it, so that no file need be read again for the manifest.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

#[derive(Debug)]
pub struct HashingWriter<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

/// What the manifest says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// Hexadecimal.
    pub sha256: String,
    pub bytes: u64,
}

impl<W> HashingWriter<W> {
    pub fn new(out: W) -> Self {
        Self { out, hash: Sha256::new(), bytes: 0 }
    }

    /// Of all that was written so far.
    pub fn digest(&self) -> Digest {
        let sha256 = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Digest { sha256, bytes: self.bytes }
    }

    pub fn get_ref(&self) -> &W {
        &self.out
    }

    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buf)?;
        // A writer that claims more than it was given would make the digest a lie; count what there was.
        let taken = buf.get(..written).unwrap_or(buf);
        self.hash.update(taken);
        self.bytes += taken.len() as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time.
    struct Narrow(Vec<u8>);

    impl Write for Narrow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let n = buf.len().min(3);
            self.0.extend_from_slice(&buf[..n]);
            Ok(n)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn hashes_what_was_written_and_nothing_twice() {
        let mut writer = HashingWriter::new(Narrow(Vec::new()));
        writer.write_all(b"abc").unwrap();
        writer.write_all(b"dbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").unwrap();
        // FIPS 180-2, appendix B.2.
        assert_eq!(writer.digest().sha256, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        assert_eq!((writer.digest().bytes, writer.into_inner().0.len()), (56, 56));
    }
}
