//! Generated mutants: which there are, and the programs that were built of them.

use std::path::Path;

use anyhow::{Context, bail};
use rig_qualify::{Judged, Make, Pump};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::catalogue::How;
use super::prove::sha256;
use crate::failure::{Failure, OrExit, USAGE};
use crate::files;
use crate::ledger::hex;

/// What all of them are grouped under.
const FAMILY: &str = "mutants";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    mutant: Vec<Mutant>,
}

/// One `[[mutant]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    id: String,
    /// What was changed, and where.
    what: String,
    /// A `rig` that was built with the changed firmware; a path from the file's folder. None where it could not be built.
    program: Option<String>,
    /// Why nothing can notice it, or why nothing has to.
    explained: Option<String>,
}

/// The mutants of this file, in its order.
///
/// # Errors
/// A file that can't be read, or names a mutant twice.
pub fn read(path: &Path) -> Result<Vec<(Pump, How)>, Failure> {
    let read = || {
        let File { mutant } = toml::from_str(&files::read(path)?)?;
        let twice = mutant.iter().enumerate().find(|(i, m)| mutant[..*i].iter().any(|before| before.id == m.id));
        if let Some((_, mutant)) = twice {
            bail!("the mutant `{}` stands twice", mutant.id);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(mutant.into_iter().map(|mutant| of(mutant, folder)).collect())
    };
    read().with_context(|| format!("`{}` is no list of mutants", path.display())).or_exit(USAGE)
}

fn of(mutant: Mutant, folder: &Path) -> (Pump, How) {
    let Mutant { id, what, program, explained } = mutant;
    let program = program.map(|program| folder.join(program));
    let bytes = program.as_ref().map(std::fs::read);
    let (how, sha256) = match (program, bytes) {
        (Some(program), Some(Ok(bytes))) => (How::Alone(program), hex(&Sha256::digest(bytes))),
        (Some(program), Some(Err(error))) => (How::Not(format!("`{}` can't be read: {error}", program.display())), sha256(&what)),
        _ => (How::Not("it was not built".to_owned()), sha256(&what)),
    };
    let unplayable = if let How::Not(why) = &how { Some(why.clone()) } else { None };
    let pump = Pump {
        id: id.into(),
        family: FAMILY.to_owned(),
        wrong: what,
        harm: String::new(),
        hazards: Vec::new(),
        field: String::new(),
        judged: Judged::ByAny,
        made: Make::Mutant,
        sha256,
        explained,
        unplayable,
    };
    (pump, how)
}
