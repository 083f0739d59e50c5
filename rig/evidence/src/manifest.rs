//! `manifest.json`: the SHA-256 of every file of a run, and the last link of its journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hash::Sha256Hex;

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this file's layout.
    pub v: u32,
    pub run_id: String,
    pub journal: Head,
    /// By name; the manifest itself and what is signed afterwards are not in it.
    pub files: BTreeMap<String, FileDigest>,
}

/// How far the journal goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Lines that are whole.
    pub lines: u64,
    /// The last of them ends in this link; absent in a journal without a chain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<Sha256Hex>,
    /// Whether the last line is the end of the run.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    pub sha256: Sha256Hex,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("it is no manifest: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has layout {found}, expected {}", Manifest::VERSION)]
    Version { found: u32 },
    #[error("it is not as the rig writes it: the same content in another spelling")]
    Spelling,
}

impl Manifest {
    pub const VERSION: u32 = 1;
    pub const NAME: &str = "manifest.json";

    /// As the file holds it.
    ///
    /// # Errors
    /// None that can happen: there is nothing in it that JSON can't express.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Takes exactly what [`Self::render`] gives: whatever else says the same is another file, and was not signed.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(text)?;
        if manifest.v != Self::VERSION {
            return Err(ManifestError::Version { found: manifest.v });
        }
        if manifest.render()? != text {
            return Err(ManifestError::Spelling);
        }
        Ok(manifest)
    }
}
