//! What is signed: a small JSON text that names the signer, the time, what the signature means, and by their SHA-256 all that it covers.
//!
//! The statements of a run lie in its folder `signed/`, numbered; each covers the manifest and every statement and signature before it, so that
//! they are a chain of their own. `NNNN-WHAT.json` is the statement, `NNNN-WHAT.json.sig` the SSHSIG over its bytes.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::hash::Sha256Hex;
use crate::role::Role;

/// Folder of a run's statements.
const FOLDER: &str = "signed";

/// One statement about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Version of this layout.
    pub v: u32,
    /// From 1, without gaps.
    pub number: u32,
    pub run_id: String,
    pub role: Role,
    /// Who signs, as the file of allowed signers names them (the principal).
    pub signer: String,
    /// The person's name, or the bench's.
    pub name: String,
    /// ISO 8601, UTC, by the signer's clock.
    pub utc: String,
    /// What the signature means, in the signer's words.
    pub meaning: String,
    #[serde(flatten)]
    pub what: Signed,
    /// The manifest, then every file of `signed/` before this one, in order.
    pub covers: Vec<Covered>,
}

/// What kind of statement it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Signed {
    /// The run's record as it lies there.
    Record,
    /// A note to one row of `results.csv`, which it never changes.
    Deviation {
        /// Number of the row in `results.csv`.
        row: u64,
        /// Number of the problem report.
        id: String,
        disposition: Disposition,
    },
}

/// What is to become of a deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Nothing is decided; stays in every list until a later statement with the same row and id closes it.
    Open,
    /// The result stands as it is.
    AcceptAsIs,
    /// The case is to be played again, and this row is not to be relied on.
    Retest,
    /// The firmware is at fault and to be mended.
    FirmwareDefect,
    /// The bench was at fault.
    BenchFault,
}

/// A file by its name in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    pub file: String,
    pub sha256: Sha256Hex,
}

#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("it is no statement: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has layout {found}, expected {}", Statement::VERSION)]
    Version { found: u32 },
    #[error("it is not as the rig writes it: the same content in another spelling")]
    Spelling,
}

impl Statement {
    pub const VERSION: u32 = 1;
    /// Folder of a run's statements, in the run's folder.
    pub const FOLDER: &str = FOLDER;

    /// Its name in the run's folder.
    pub fn file(&self) -> String {
        let what = match self.what {
            Signed::Record => self.role.name(),
            Signed::Deviation { .. } => "deviation",
        };
        format!("{FOLDER}/{:04}-{what}.json", self.number)
    }

    /// The name of its signature in the run's folder.
    pub fn signature_file(&self) -> String {
        format!("{}.sig", self.file())
    }

    /// When it was signed, by the signer's clock; `None` where `utc` is not as [`utc_text`] writes it.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(&self.utc).ok()?.to_utc();
        (utc_text(time) == self.utc).then_some(time)
    }

    /// As the file holds it: these bytes are what is signed.
    ///
    /// # Errors
    /// None that can happen: there is nothing in it that JSON can't express.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Takes exactly what [`Self::render`] gives, and so no field that it does not know.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_str(text)?;
        if statement.v != Self::VERSION {
            return Err(StatementError::Version { found: statement.v });
        }
        if statement.render()? != text {
            return Err(StatementError::Spelling);
        }
        Ok(statement)
    }
}

/// A time as statements have it: ISO 8601 to the second, in UTC.
pub fn utc_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Disposition {
    pub const ALL: [Self; 5] = [Self::Open, Self::AcceptAsIs, Self::Retest, Self::FirmwareDefect, Self::BenchFault];

    /// As the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AcceptAsIs => "accept-as-is",
            Self::Retest => "retest",
            Self::FirmwareDefect => "firmware-defect",
            Self::BenchFault => "bench-fault",
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::AcceptAsIs => "accept as is",
            Self::Retest => "retest",
            Self::FirmwareDefect => "firmware defect",
            Self::BenchFault => "bench fault",
        })
    }
}
