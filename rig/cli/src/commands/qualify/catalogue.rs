//! The defective pumps that are asked for, and how each is played.

use rig_model::bench::Bench;
use rig_model::defect::{Defect, Made};
use rig_qualify::Pump;
use rig_sim::Unit;

use super::args::Args;
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
    let mut pumps = if args.defect.iter().any(|id| id == NONE) {
        if args.defect.len() > 1 {
            return Err(failure(USAGE, "`--defect none` stands alone: of the catalogue, nothing is played then"));
        }
        Vec::new()
    } else {
        of_catalogue(args, bench)?
    };
    if let Some(file) = &args.mutants {
        pumps.extend(Mutants::read(file)?.pumps(args.explained.as_deref())?);
    }
    Ok(Catalogue { pumps })
}

fn of_catalogue(args: &Args, bench: &Bench) -> Result<Vec<(Pump, How)>, Failure> {
    let all = defects::Catalogue::here()?;
    // In the order of the catalogue, however they were named.
    let named = args.defect.iter().map(|id| all.find(id).map(|d| &d.id)).collect::<Result<Vec<_>, _>>()?;
    let asked = |d: &&Defect| named.is_empty() || named.contains(&&d.id);
    let built = |d: &&Defect| !args.without_patches || !matches!(d.made, Made::Patch(_));
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
        match (applies(defect, bench), made) {
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
