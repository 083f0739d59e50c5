//! A defective pump as checked: what is wrong with it, whom it would harm, how it is made, and which requirements it breaks.
//!
//! A suite that has not been seen to fail on a pump that deserves it shows nothing.

use crate::Name;

mod seam;

pub use seam::{Amount, Asked, Given, Kind, Seam, SeamKind, Stored, Told, Tones};

#[derive(Debug, Clone, PartialEq)]
pub struct Defect {
    /// The name that `--defect` takes.
    pub id: Name,
    /// The file that it stands in, without folder and ending: what kind of failure it is.
    pub family: Name,
    /// What is wrong with this pump.
    pub wrong: String,
    /// What it would do to a patient.
    pub harm: String,
    pub hazards: Vec<Name>,
    /// The failure of real pumps that it stands for, if there is one.
    pub field: Option<String>,
    /// It is caught by a FAIL of a check that verifies one of these.
    pub requirements: Vec<Name>,
    /// And by a FAIL of a row of one of these quantities that verifies no requirement at all (`answer`, `restarts`).
    pub quantities: Vec<Name>,
    pub made: Made,
}

/// How a defective pump is made of the sound one.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    /// Constants of the firmware have other values: name and value in the firmware's own unit.
    Constants(Vec<(Name, i64)>),
    /// Something lies between the firmware and what it is connected to.
    Seam(Vec<Seam>),
    /// The firmware's sources are changed by this patch, and built: a path below the folder of the catalogue.
    Patch(Name),
}

impl Made {
    /// The key that a catalogue has for it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Constants(_) => "constants",
            Self::Seam(_) => "seam",
            Self::Patch(_) => "patch",
        }
    }
}

/// A constant that the firmware can be built with another value of, and the values that it can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constant {
    pub name: &'static str,
    pub least: i64,
    pub most: i64,
}
