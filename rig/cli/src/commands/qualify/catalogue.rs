//! The defective pumps that are asked for, and how each is played.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::defect::{Defect, Made};
use rig_qualify::Pump;
use rig_sim::Unit;

use super::args::Args;
use super::benches::Benches;
use super::mutants::{self, Mutants};
use super::prove::sha256;
use crate::defects::{self, applies};
use crate::failure::{Failure, USAGE, failure};

/// How a pump is played.
#[derive(Debug, Clone)]
pub enum How {
    /// In this process.
    Here(Unit),
    /// In a process of its own, which is told by these arguments which pump it is.
    Alone(Vec<String>),
    /// Not at all; why.
    Not(String),
    /// Not on this bench, which can't have it; why.
    NotHere(String),
}

/// Pumps with how they are played, in the order of the catalogue.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub pumps: Vec<(Pump, How)>,
    /// Those that can't be put into the pump of one of the other benches, which stand by their number.
    elsewhere: BTreeMap<(Name, usize), How>,
    /// Mutants that the compiler refuses.
    pub not_compiled: Vec<Name>,
    /// Which catalogue of defects they are of; none where none was asked for.
    pub told: Option<String>,
}

impl Catalogue {
    /// On the bench with this number, from 0.
    pub fn how(&self, id: &Name, bench: usize) -> Option<&How> {
        if let Some(how) = (bench > 0).then(|| self.elsewhere.get(&(id.clone(), bench))).flatten() {
            return Some(how);
        }
        self.pumps.iter().find(|(pump, _)| pump.id == *id).map(|(_, how)| how)
    }
}

/// What `--defect` says besides ids.
pub const NONE: &str = "none";
pub const HELP: &str = "help";

/// # Errors
/// A catalogue that can't be read, a defect that it does not have, or nothing to qualify the suite against, where that was not asked for.
pub fn catalogue(args: &Args, benches: &Benches) -> Result<Catalogue, Failure> {
    let none = args.defect.iter().any(|id| id == NONE);
    if none && args.defect.len() > 1 {
        return Err(failure(USAGE, "`--defect none` stands alone: of the catalogue, nothing is played then"));
    }
    // What can be refused is refused before anything is built.
    let mutants = args.mutants.as_deref().map(Mutants::read).transpose()?;
    let explained = args.explained.as_deref().map(mutants::explained).transpose()?.unwrap_or_default();
    let (mut pumps, mut elsewhere, mut not_compiled, mut told) = (Vec::new(), BTreeMap::new(), Vec::new(), None);
    if !none {
        let all = defects::Catalogue::here()?;
        pumps = of_catalogue(args, benches, &all)?;
        elsewhere = not_elsewhere(benches, &all);
        told = Some(all.told());
    }
    if let Some(mutants) = mutants {
        let built = mutants.pumps(explained, args.mutants_sample)?;
        if built.pumps.is_empty() && pumps.is_empty() {
            let n = built.not_compiled.len();
            return Err(failure(
                USAGE,
                format!("nothing to qualify against: of the mutants that are asked for none compiles ({n} do not)"),
            ));
        }
        pumps.extend(built.pumps);
        not_compiled = built.not_compiled;
    }
    if pumps.is_empty() && !none {
        let catalogue = told.unwrap_or_default();
        let without = if args.without_patches { ", without patches" } else { "" };
        let what = format!("nothing to qualify against: no defective pump is left to play ({catalogue}{without})");
        return Err(failure(USAGE, format!("{what}; for the sound pump alone say `--defect none`")));
    }
    Ok(Catalogue { pumps, elsewhere, not_compiled, told })
}

fn not_elsewhere(benches: &Benches, all: &defects::Catalogue) -> BTreeMap<(Name, usize), How> {
    let mut lacking = BTreeMap::new();
    for (number, given) in benches.all().iter().enumerate().skip(1) {
        let why =
            |defect: &Defect| Some(((defect.id.clone(), number), How::NotHere(format!("it {}", applies(defect, &given.bench).err()?))));
        lacking.extend(all.defects.iter().filter_map(why));
    }
    lacking
}

fn of_catalogue(args: &Args, benches: &Benches, all: &defects::Catalogue) -> Result<Vec<(Pump, How)>, Failure> {
    // In the order of the catalogue, however they were named.
    let named = args.defect.iter().map(|id| all.find(id)).collect::<Result<Vec<_>, _>>()?;
    let patched = |d: &Defect| matches!(d.made, Made::Patch(_));
    if let Some(left_out) = named.iter().find(|d| args.without_patches && patched(d)) {
        let what = format!("the defect `{}` is a patch of the firmware, and `--without-patches` leaves it out", left_out.id);
        return Err(failure(USAGE, format!("{what}; say one of the two")));
    }
    let asked = |d: &&Defect| named.is_empty() || named.iter().any(|n| n.id == d.id);
    let built = |d: &&Defect| !args.without_patches || !patched(d);
    let wanted: Vec<&Defect> = all.defects.iter().filter(asked).filter(built).collect();
    // Patched ones are built here, all in one go; the processes that play them find them built.
    let made = all.pumps(&wanted);
    let pump = |(defect, made): (&&Defect, anyhow::Result<defects::DefectivePump>)| {
        let patch = match &defect.made {
            Made::Patch(path) => all.patch(path),
            Made::Constants(_) | Made::Seam(_) => None,
        };
        // A patch by its text, wherever it lies.
        let what = patch.map_or_else(|| format!("{:?}", defect.made), str::to_owned);
        let pump = Pump::of(defect, sha256(&what));
        match (applies(defect, &benches.all()[0].bench), made) {
            (Err(why), _) => mutants::not(pump, format!("it {why}")),
            (Ok(()), Err(error)) => mutants::not(pump, format!("{error:#}")),
            (Ok(()), Ok(_)) if patch.is_some() || args.worker.is_some() => {
                (pump, How::Alone(vec!["--defect".to_owned(), defect.id.to_string()]))
            }
            (Ok(()), Ok(made)) => (pump, How::Here(made.unit)),
        }
    };
    Ok(wanted.iter().zip(made).map(pump).collect())
}
