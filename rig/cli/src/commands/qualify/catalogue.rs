//! The defective pumps that are asked for, and how each is played.

use std::path::PathBuf;

use rig_model::bench::Bench;
use rig_model::time::RigTime;
use rig_qualify::{Judged, Make, Pump};
use rig_sim::{Board, Defect};
use sha2::{Digest, Sha256};

use super::args::Args;
use crate::failure::{Failure, USAGE, failure};
use crate::ledger::hex;

/// What is wrong with a pump in this process.
#[derive(Debug, Clone)]
pub struct Fault(Defect);

impl Fault {
    pub fn board(&self, bench: &Bench, seed: u64) -> Board {
        Board::new(bench, seed, Some(self.0), RigTime::ZERO)
    }

    /// A board with a sound pump.
    pub fn sound(bench: &Bench, seed: u64) -> Board {
        Board::new(bench, seed, None, RigTime::ZERO)
    }
}

/// How a pump is played.
#[derive(Debug, Clone)]
pub enum How {
    /// In this process.
    Here(Fault),
    /// By a program that was built with its firmware.
    Alone(PathBuf),
    /// Not at all; why.
    Not(String),
}

/// Pumps with how they are played, in the order of the catalogue.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub pumps: Vec<(Pump, How)>,
}

impl Catalogue {
    pub fn how(&self, id: &str) -> Option<&How> {
        self.pumps.iter().find(|(pump, _)| &*pump.id == id).map(|(_, how)| how)
    }
}

/// # Errors
/// A defect that there is none of.
pub fn catalogue(args: &Args) -> Result<Catalogue, Failure> {
    let _ = &args.mutants;
    if args.defect == ["none"] {
        return Ok(Catalogue::default());
    }
    if let Some(unknown) = args.defect.iter().find(|id| Defect::from_name(id).is_none()) {
        return Err(failure(USAGE, format!("there is no defect `{unknown}`")));
    }
    let wanted = |d: &&Defect| args.defect.is_empty() || args.defect.iter().any(|id| id == d.name());
    let pump = |d: &Defect| Pump {
        id: d.name().into(),
        family: "today".to_owned(),
        wrong: d.wrong().to_owned(),
        harm: d.hazard().to_owned(),
        hazards: Vec::new(),
        field: String::new(),
        judged: Judged::ByAny,
        made: Make::Seam,
        sha256: hex(&Sha256::digest(d.name())),
        unplayable: None,
    };
    Ok(Catalogue { pumps: Defect::ALL.iter().filter(wanted).map(|d| (pump(d), How::Here(Fault(*d)))).collect() })
}
