//! The defective pumps that are asked for, and how each is played.

use std::path::PathBuf;

use rig_model::bench::Bench;
use rig_model::defect::{Defect, Made};
use rig_qualify::Pump;
use rig_sim::Unit;

use super::args::Args;
use super::mutants;
use super::prove::sha256;
use crate::defects::{self, applies};
use crate::failure::{Failure, USAGE, failure};

/// How a pump is played.
#[derive(Debug, Clone)]
pub enum How {
    /// In this process.
    Here(Unit),
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

/// What `--defect` says besides ids.
pub const NONE: &str = "none";
pub const HELP: &str = "help";

/// # Errors
/// A catalogue that can't be read, or a defect that it does not have.
pub fn catalogue(args: &Args, bench: &Bench) -> Result<Catalogue, Failure> {
    let mutants = args.mutants.as_deref().map(mutants::read).transpose()?.unwrap_or_default();
    if args.defect.iter().any(|id| id == NONE) {
        let alone = args.defect.len() == 1;
        return if alone {
            Ok(Catalogue { pumps: mutants })
        } else {
            Err(failure(USAGE, "`--defect none` stands alone: it plays the sound pump only"))
        };
    }
    let all = defects::Catalogue::here()?;
    let wanted: Vec<&Defect> = if args.defect.is_empty() {
        all.defects.iter().collect()
    } else {
        // In the order of the catalogue, however they were named.
        let named = args.defect.iter().map(|id| all.find(id)).collect::<Result<Vec<_>, _>>()?;
        all.defects.iter().filter(|d| named.iter().any(|n| n.id == d.id)).collect()
    };
    let made = all.pumps(&wanted);
    let pumps = wanted.iter().zip(made).map(|(defect, made)| {
        let patch = match &defect.made {
            Made::Patch(path) => all.patch(path).unwrap_or_default(),
            Made::Constants(_) | Made::Seam(_) => "",
        };
        // With what it does wrong and what is expected to notice; the patch by its text and not by its name.
        let pump = Pump::of(defect, sha256(&format!("{:?}\n{patch}", defect.made)));
        match (applies(defect, bench), made) {
            (Err(why), _) => not(pump, format!("it {why}")),
            (Ok(()), Err(error)) => not(pump, format!("{error:#}")),
            (Ok(()), Ok(made)) => (pump, How::Here(made.unit)),
        }
    });
    Ok(Catalogue { pumps: pumps.chain(mutants).collect() })
}

fn not(pump: Pump, why: String) -> (Pump, How) {
    (Pump { unplayable: Some(why.clone()), ..pump }, How::Not(why))
}
