//! What a view is, and how one fails.

use std::fmt;
use std::io;

use rig_model::fact::Fact;
use rig_model::time::RigTime;

use crate::hashing::Digest;

/// Makes one file of the facts.
pub trait View: fmt::Debug + Send {
    /// The name of its file in the run's folder.
    fn name(&self) -> &'static str;
    /// `seq` is the fact's number in the journal, from 1.
    fn take(&mut self, seq: u64, fact: &Fact) -> Result<(), ViewError>;
    /// Completes and flushes the file.
    fn finish(&mut self, closing: Closing) -> Result<Digest, ViewError>;
}

/// How the facts ended, and when the last of them happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    pub end: End,
    pub last: RigTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last fact was the end of the run.
    Complete,
    /// The record was cut off, or could not be read on: what had begun is ABORTED unless a FAIL was already there.
    Cut,
}

/// One view failed; the others go on without it.
#[derive(Debug, thiserror::Error)]
#[error("write {view}")]
pub struct ReportError {
    pub view: &'static str,
    #[source]
    pub source: ViewError,
}

#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("open the file")]
    Open(#[source] io::Error),
    #[error("write to the file")]
    Io(#[from] io::Error),
    #[error("write a row")]
    Csv(#[from] csv::Error),
    #[error("write JSON")]
    Json(#[from] serde_json::Error),
    #[error("write XML")]
    Xml(#[from] quick_junit::SerializeError),
    #[error("hold more than {most} test cases")]
    TooManyTestCases { most: usize },
}
