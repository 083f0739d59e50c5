//! The folder of a qualification: outcomes, and the views of them.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rig_qualify::{
    DrawnBench, Matrix, Played, Setup, defects_csv, false_alarms_csv, kill_matrix_csv, picture, read_outcomes, scenarios_csv, smallest,
    summary, write_outcomes,
};
use serde::{Deserialize, Serialize};

use super::prove::{Proof, command};
use super::work::Times;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};

const SETUP: &str = "qualification.json";
const OUTCOMES: &str = "outcomes.jsonl";
/// Of the machine, and the only file that differs from run to run.
const TIMES: &str = "times.csv";
/// Everything else; a part has none of them.
const VIEWS: [&str; 6] = ["kill-matrix.csv", "defects.csv", "scenarios.csv", "false-alarms.csv", "kill-matrix.svg", "summary.txt"];

#[derive(Debug, Serialize, Deserialize)]
struct Stated {
    #[serde(flatten)]
    setup: Setup,
    /// Which part of the whole; none where it is the whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    part: Option<String>,
}

/// A qualification that was written before.
#[derive(Debug)]
pub struct Earlier {
    pub path: PathBuf,
    pub setup: Setup,
    pub outcomes: Vec<Played>,
}

impl Earlier {
    pub fn matrix(&self) -> Matrix {
        Matrix::of(&self.setup, &self.outcomes)
    }
}

/// # Errors
/// A folder that is none of a qualification, or of one by another version.
pub fn read(path: &Path) -> Result<Earlier, Failure> {
    // Whoever names one of its files means the folder.
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let read = || -> Result<Earlier> {
        let text = fs::read_to_string(folder.join(SETUP)).with_context(|| format!("failed to read `{SETUP}`"))?;
        let Stated { setup, .. } = serde_json::from_str(&text).with_context(|| format!("failed to read `{SETUP}`"))?;
        let file = File::open(folder.join(OUTCOMES)).with_context(|| format!("failed to read `{OUTCOMES}`"))?;
        let outcomes = read_outcomes(BufReader::new(file)).with_context(|| format!("failed to read `{OUTCOMES}`"))?;
        Ok(Earlier { path: folder.to_owned(), setup, outcomes })
    };
    let earlier = read().with_context(|| format!("`{}` is no folder that `rig qualify` has written", folder.display())).or_exit(USAGE)?;
    if earlier.setup.version == Setup::VERSION {
        return Ok(earlier);
    }
    let (found, known) = (earlier.setup.version, Setup::VERSION);
    Err(failure(USAGE, format!("`{}` has layout {found}; this program knows {known}", folder.display())))
}

/// What is said of a folder whose set-up is not the one that an outcome is of.
pub fn other(folder: &Path, unit: &rig_qualify::Unit) -> String {
    let (folder, unit) = (folder.display(), rig_report::printable(&unit.to_string()));
    format!(
        "`{folder}`: `{OUTCOMES}` is of another qualification than the `{SETUP}` beside it, e.g. the outcome of {unit}; play this one again"
    )
}

/// Writes all files, each whole or not at all.
///
/// # Errors
/// When the folder can't be made or does not take them.
pub fn write(folder: &Path, proof: &Proof) -> Result<(), Failure> {
    let write = || -> Result<()> {
        fs::create_dir_all(folder)?;
        // What an earlier one has left would be taken for this one's.
        VIEWS.iter().chain([&TIMES]).for_each(|name| drop(fs::remove_file(folder.join(name))));
        drawn_benches(folder)?.iter().for_each(|path| drop(fs::remove_file(path)));
        file(folder, OUTCOMES, |out| Ok(write_outcomes(out, &proof.outcomes)?))?;
        for (seed, bench) in proof.outcomes.iter().filter_map(|p| Some((p.unit.seed, p.drawn.as_ref()?))) {
            file(folder, &DrawnBench::file_name(seed), |out| Ok(out.write_all(bench.text.as_bytes())?))?;
        }
        if proof.part.is_none() {
            views(folder, proof)?;
        }
        proof.times.as_ref().map_or(Ok(()), |times| file(folder, TIMES, |out| times_csv(out, times)))?;
        // Last, so that it never states what is not there.
        let stated = Stated { setup: proof.setup.clone(), part: proof.part.map(|part| part.to_string()) };
        file(folder, SETUP, |out| {
            serde_json::to_writer_pretty(&mut *out, &stated)?;
            Ok(out.write_all(b"\n")?)
        })
    };
    write().with_context(|| format!("failed to write to `{}`", folder.display())).or_exit(BENCH)
}

/// Those that an earlier qualification has left.
fn drawn_benches(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    let ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let seed = name.as_ref().and_then(|name| name.strip_prefix("drawn-")?.strip_suffix(".toml"));
        seed.is_some_and(|seed| seed.parse::<u64>().is_ok())
    };
    Ok(entries.into_iter().filter(ours).collect())
}

fn views(folder: &Path, proof: &Proof) -> Result<()> {
    let (matrix, sound) = (proof.matrix(), proof.sound());
    let subset = smallest(&matrix);
    let drawn = |unit: &rig_qualify::Unit| proof.outcomes.iter().find(|p| p.unit == *unit).and_then(|p| p.drawn.as_ref());
    file(folder, VIEWS[0], |out| Ok(kill_matrix_csv(out, &matrix)?))?;
    file(folder, VIEWS[1], |out| Ok(defects_csv(out, &matrix)?))?;
    file(folder, VIEWS[2], |out| Ok(scenarios_csv(out, &matrix, &subset)?))?;
    file(folder, VIEWS[3], |out| Ok(false_alarms_csv(out, &sound, drawn, |unit| command(&proof.setup, unit))?))?;
    file(folder, VIEWS[4], |out| Ok(out.write_all(picture(&matrix).as_bytes())?))?;
    file(folder, VIEWS[5], |out| Ok(out.write_all(summary(&matrix, &sound, &subset).as_bytes())?))
}

/// One row a scenario, then the sum.
fn times_csv(out: &mut BufWriter<File>, times: &Times) -> Result<()> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(["scenario", "plays", "processor_s", "processor_s_per_play"])?;
    for (scenario, (plays, took)) in &times.scenarios {
        let seconds = took.as_secs_f64();
        csv.write_record([&**scenario, &plays.to_string(), &format!("{seconds:.6}"), &format!("{:.6}", seconds / (*plays).max(1) as f64)])?;
    }
    Ok(csv.flush()?)
}

fn file(folder: &Path, name: &str, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let partial = folder.join(format!("{name}.partial"));
    let mut out = BufWriter::new(File::create(&partial)?);
    write(&mut out)?;
    out.flush()?;
    Ok(fs::rename(partial, folder.join(name))?)
}
