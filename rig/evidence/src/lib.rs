//! What makes a run's folder evidence: the manifest of its files, the ledger of all runs, and statements that people and benches sign.
//!
//! Pure: texts and bytes in, texts, bytes and findings out. Formats are described in `rig/docs/evidence.md`.

mod chain;
mod completeness;
mod deviations;
mod hash;
mod ledger;
mod manifest;
mod patterns;
mod people;
mod plan;
mod role;
mod roll;
mod signers;
mod sshsig;
mod statement;

pub use chain::{Broken, Chain, ChainFault, SignedStatement};
pub use completeness::{Aside, Attempt, Cell, Completeness, PlayedCase, PlayedRun};
pub use deviations::{Deviation, deviations, last_words, open_deviations};
pub use hash::Sha256Hex;
pub use ledger::{Closing, Entry, Fault, Ledger, LedgerLine, Numbered, next_line};
pub use manifest::{FileDigest, Head, Manifest, ManifestError};
pub use people::{Conflict, Person, Same, conflicts};
pub use plan::{ApprovedCase, ApprovedFirmware, ApprovedPlan, ApprovedTest, Extent, FileHash, PlanError, PlanSelection, PlanText};
pub use role::Role;
pub use roll::{Closed, Listed, Roll, next_number};
pub use signers::{Signers, SignersError, Wrong, public_key};
pub use ssh_key::PublicKey;
pub use sshsig::{Good, Unproven, key_of};
pub use statement::{Covered, Disposition, Signed, Statement, StatementError, utc_text};

#[cfg(test)]
#[path = "tests/support.rs"]
mod tests_support;
