//! A defective pump as checked: what is wrong with it, whom it would harm, how it is made, and which requirements it breaks.
//!
//! A suite that has not been seen to fail on a pump that deserves it shows nothing.

use crate::Name;

#[derive(Debug, Clone, PartialEq)]
pub struct Defect {
    /// The name that `--defect` takes.
    pub id: Name,
    /// What is wrong with this pump.
    pub wrong: String,
    /// What it would do to a patient.
    pub harm: String,
    pub hazards: Vec<Name>,
    /// The failure of real pumps that it stands for, if there is one.
    pub field: Option<String>,
    /// It is caught by a FAIL of a check that verifies one of these, and by nothing else.
    pub requirements: Vec<Name>,
    pub made: Made,
}

/// How a defective pump is made of the sound one.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    /// Constants of the firmware have other values: name and value in the firmware's own unit.
    Constants(Vec<(Name, i64)>),
    /// Something lies between the firmware and what it is connected to.
    Seam(Vec<Seam>),
    /// The firmware's sources are changed by this patch, and built.
    Patch(Name),
}

/// One thing that goes wrong at a seam of the firmware (its bytes, readings, strokes, tones, power): what, and how much of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seam {
    pub what: Name,
    /// By name, in the units that the catalogue's page states.
    pub amounts: Vec<(Name, f64)>,
}
