//! What makes a run's folder evidence: the manifest of its files, the ledger of all runs, and statements that people and benches sign.
//!
//! Pure: texts and bytes in, texts, bytes and findings out. Formats are described in `rig/docs/evidence.md`.

mod hash;
mod ledger;
mod manifest;
mod role;
mod roll;
mod statement;

pub use hash::Sha256Hex;
pub use ledger::{Closing, Entry, Fault, Ledger, LedgerLine, Numbered, next_line};
pub use manifest::{FileDigest, Head, Manifest, ManifestError};
pub use role::Role;
pub use roll::{Closed, Listed, Roll};
pub use statement::{Covered, Disposition, Signed, Statement, StatementError};
