//! How a run's folder is closed: the manifest of all its files, then their final names. Done in one way, at the end of a run, by `rig report` and when
//! a run that was cut off is recovered.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, Result};
use rig_evidence::{FileDigest, Head, Manifest, Sha256Hex};
use rig_record::Link;
use rig_report::Digest;

use crate::folder::{JOURNAL, RunFolder, partial};
use crate::keeping::Keeping;

/// What a run's manifest is to say.
#[derive(Debug, Clone)]
pub struct Contents {
    pub run_id: String,
    pub journal: Head,
    /// Every file that is whole, the journal included.
    pub files: BTreeMap<String, Digest>,
}

/// How far a journal goes.
pub fn head(lines: u64, link: Option<Link>, complete: bool) -> Head {
    Head { lines, link: link.map(|link| parse(&link.to_string())), complete }
}

impl Contents {
    /// As `manifest.json` has it.
    pub fn manifest(&self) -> Result<String> {
        let digest = |d: &Digest| FileDigest { sha256: parse(&d.sha256), bytes: d.bytes };
        let files = self.files.iter().map(|(name, d)| (name.clone(), digest(d))).collect();
        let manifest = Manifest { v: Manifest::VERSION, run_id: self.run_id.clone(), journal: self.journal.clone(), files };
        manifest.render().context("failed to write the manifest")
    }

    /// Gives every file its final name: the reports, then the journal where it still has its partial one, the manifest last. Gives the manifest's
    /// SHA-256.
    pub fn close(&self, folder: &RunFolder, keeping: Keeping) -> Result<Sha256Hex> {
        let text = self.manifest()?;
        let writing = || format!("failed to write `{}`", folder.path().join(partial(Manifest::NAME)).display());
        folder
            .partial(Manifest::NAME)
            .and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
            .with_context(writing)?;
        let reports = self.files.keys().map(String::as_str).filter(|name| *name != JOURNAL);
        let journal = folder.is_cut().then_some(JOURNAL);
        folder.complete(reports.chain(journal).chain([Manifest::NAME]), keeping)?;
        Ok(Sha256Hex::of(text))
    }
}

fn parse(digits: &str) -> Sha256Hex {
    Sha256Hex::parse(digits).expect("links and digests are written in 64 digits")
}
