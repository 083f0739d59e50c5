//! The two rows of the dose oracle, which every case has that starts anything: no scenario writes them, and all who read records know them.

/// What never changes of such a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoseRow {
    /// Where it stands, beside steps and watchers.
    pub step: &'static str,
    pub check: &'static str,
    /// In µL: by how much the delivered volume is beyond the band; the limit is 0.
    pub quantity: &'static str,
    pub requirement: &'static str,
}

impl DoseRow {
    pub const EXCESS: Self = Self {
        step: "oracle.excess",
        check: "no more flows than the prescription allows",
        quantity: "dose_excess",
        requirement: "REQ-DOSE-01",
    };
    pub const SHORTFALL: Self = Self {
        step: "oracle.shortfall",
        check: "no less flows than the prescription orders",
        quantity: "dose_shortfall",
        requirement: "REQ-DOSE-02",
    };
    pub const ALL: [Self; 2] = [Self::EXCESS, Self::SHORTFALL];

    /// The row that stands there, if it is one of these.
    pub fn at(step: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.step == step)
    }
}
