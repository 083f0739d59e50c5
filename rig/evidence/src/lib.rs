//! What makes a run's folder evidence: the manifest of its files, the ledger of all runs, and statements that people and benches sign.
//!
//! Pure: texts and bytes in, texts, bytes and findings out. Formats are described in `rig/docs/evidence.md`.

mod completeness;
mod hash;
mod ledger;
mod manifest;
mod plan;
mod role;
mod statement;

pub use completeness::{Aside, Attempt, Cell, Completeness, PlayedCase, PlayedRun};
pub use hash::Sha256Hex;
pub use ledger::{Closing, Entry, Fault, Ledger, LedgerLine};
pub use manifest::{FileDigest, Head, Manifest, ManifestError};
pub use plan::{ApprovedCase, ApprovedFirmware, ApprovedPlan, ApprovedTest, Extent, FileHash, PlanError, PlanSelection, PlanText};
pub use role::Role;
pub use statement::{Covered, Disposition, Signed, Statement, StatementError};
