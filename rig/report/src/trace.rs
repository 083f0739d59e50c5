//! The trace: requirement ↔ scenario ↔ check ↔ verdict ↔ firmware ↔ run, over many runs, and what in it is missing or can't be relied on.
//!
//! No view of a run: it is made of the requirements and scenarios of today and of the judged rows of all runs. It judges nothing; it only
//! says which verdicts stand for what.

mod checks;
mod csv;
mod deviation;
mod finding;
mod gather;
mod html;
mod link;
mod matrix;
mod text;

pub use checks::{TracedCheck, checks_of};
pub use csv::{TRACE, TRACE_VERSION, trace_csv};
pub use deviation::{RowDeviation, Says};
pub use finding::{Finding, Kind as FindingKind};
pub use gather::{Firmware, Gather, Key, RunInfo, Seen, SeenCase, Verdicts};
pub use html::trace_html;
pub use link::{Link, Status};
pub use matrix::{Matrix, Today, Traced};
pub use text::trace_text;
