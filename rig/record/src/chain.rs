//! The chain through a journal: each line holds the SHA-256 of the link before it and of itself up to the link.
//!
//! So no line can be changed, left out, added or moved without every link after it being made anew. A chain alone does not show that lines are
//! missing at its end, nor that all of it was made anew: the manifest and the ledger, which hold its last link, do.

use std::fmt;

use sha2::{Digest, Sha256};

/// What stands between a line and its link, and after it.
pub(crate) const BEFORE: &str = ",\"chain\":\"";
pub(crate) const AFTER: &str = "\"}";
const DIGITS: usize = 64;

/// The link that a line ends in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; 32]);

impl Link {
    /// The link of a line: `text` is the line up to its link, `before` the link of the line before it; there is none before the first.
    pub fn of(before: Option<Self>, text: &[u8]) -> Self {
        let mut hash = Sha256::new();
        if let Some(before) = before {
            hash.update(before.digits());
        }
        hash.update(text);
        Self(hash.finalize().into())
    }

    /// In hexadecimal, lower case.
    pub(crate) fn digits(self) -> [u8; DIGITS] {
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]];
        }
        digits
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits().iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A chained line in two: the text that its link is of, and the link's digits. `None` where it does not end as the writer ends lines.
pub(crate) fn split(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_suffix(AFTER)?;
    let (head, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    Some((head.strip_suffix(BEFORE)?, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_what_sha256sum_says() {
        // printf '%s' '{"v":2' | sha256sum; then that, followed by '{"v":2,"seq":2', again.
        let first = Link::of(None, b"{\"v\":2");
        assert_eq!(first.to_string(), "d1d97ca534f4da443f7c1f0ec4025916cfaaf5662a7af63caaabe7a78f38d7ae");
        assert_eq!(
            Link::of(Some(first), b"{\"v\":2,\"seq\":2").to_string(),
            "51bffc6c8bbd4ccd1a7fbeb5aff1e598374a782717540556f67b2d4be2f43490"
        );
    }

    #[test]
    fn only_lines_that_end_in_a_link_are_split() {
        let digits = "0".repeat(64);
        assert_eq!(split(&format!("{{\"v\":2,\"chain\":\"{digits}\"}}")), Some(("{\"v\":2", &*digits)));
        for line in ["", "\"}", "{\"v\":2,\"chain\":null}", &format!("{{\"chain\":\"{digits}\"}}"), &format!("µ{digits}\"}}")] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
