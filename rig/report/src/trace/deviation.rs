//! What people signed to rows of runs, as far as the trace cares.

/// The last word that was signed about a row and a problem report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDeviation {
    pub run_id: String,
    /// The run's folder, as it was found.
    pub folder: String,
    /// Number of the row in the run's `results.csv`.
    pub row: u64,
    /// Number of the problem report.
    pub id: String,
    /// What is to become of it, in a word or two: `open`, `retest`.
    pub disposition: String,
    pub says: Says,
    /// The signer's note.
    pub note: String,
    /// A defect had been put into the run's pump, so that its rows show nothing of the firmware.
    pub with_defect: bool,
}

/// What a deviation means for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Nothing is decided.
    Open,
    /// The row is not to be relied on.
    DiscardsRow,
    /// The firmware is to be mended.
    FirmwareDefect,
    /// The row stands as it is.
    Closed,
}

impl RowDeviation {
    /// Problem report and disposition: `PR-123 retest`.
    pub fn words(&self) -> String {
        format!("{} {}", self.id, self.disposition)
    }

    /// In a sentence.
    pub(super) fn sentence(&self) -> String {
        let defect = if self.with_defect { ", whose pump had a defect put in" } else { "" };
        format!("{}, row {} of run {}{defect}: {}", self.words(), self.row, self.run_id, self.note)
    }
}
