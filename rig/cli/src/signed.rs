//! What was signed about a run: the statements in its folder, and the deviations among them.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rig_evidence::{Broken, Chain, ChainFault, Deviation, Manifest, SignedStatement, Signers, Statement, Unproven, deviations, key_of};
use rig_report::printable;

use crate::allowed::SignersFile;
use crate::failure::Failure;
use crate::folder::RunFolder;
use crate::say;
use crate::terminal::Terminal;

/// Statements and signatures have some kB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The files of `signed/` by their names there; none where nothing was signed. What is no file is given by its name alone, so that it is found.
pub fn files(run: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = run.join(Statement::FOLDER);
    let listing = || format!("failed to list `{}`", folder.display());
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(listing),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(listing)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().with_context(listing)?.is_file();
        let bytes = if is_file { small(&entry.path())? } else { Vec::new() };
        files.push((name, bytes));
    }
    files.sort();
    Ok(files)
}

/// A file that is small by what it is.
pub fn small(path: &Path) -> Result<Vec<u8>> {
    let reading = || format!("failed to read `{}`", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).with_context(reading)?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("`{}` has more than {} MB, which none of the rig's has", path.display(), MAX_FILE / 1_000_000);
    }
    Ok(bytes)
}

/// The statements of a run. Without a manifest there are none that count.
pub fn chain(folder: &RunFolder, run_id: &str) -> Result<Chain> {
    let manifest = folder.path().join(Manifest::NAME);
    let manifest = if manifest.exists() { small(&manifest)? } else { Vec::new() };
    Ok(Chain::of(run_id, &manifest, &files(folder.path())?))
}

/// The deviations that were noted to a run's rows, and what is wrong with the chain that they stand in.
pub struct Noted {
    /// Those that somebody stands for: in a whole place of the chain, with a signature that is good.
    pub all: Vec<Deviation>,
    /// In sentences; empty where the chain of statements is whole and every signature good.
    pub troubles: Vec<String>,
}

/// All deviations of a run, in the order in which they were signed. A statement counts only with a signature over its bytes, by somebody who may sign
/// so where it is known who may; any other opens nothing, closes nothing, and is told.
pub fn noted_by(folder: &RunFolder, run_id: &str, signers: Option<&Signers>) -> Result<Noted> {
    let mut chain = chain(folder, run_id)?;
    let mut troubles: Vec<String> = chain.faults.iter().map(|fault| printable(&fault.to_string())).collect();
    let faults = std::mem::take(&mut chain.faults);
    chain.statements.retain(|signed| {
        let file = signed.statement.file();
        let named = |fault: &ChainFault| fault.file == file || matches!(&fault.broken, Broken::Name(name) if *name == file);
        match proven(signed, signers) {
            Ok(()) => !faults.iter().any(named),
            Err(why) => {
                troubles.push(printable(&format!("{file} does not count: {why}")));
                false
            }
        }
    });
    Ok(Noted { all: deviations(&chain), troubles })
}

/// As [`noted_by`], with the signers of the folder that the run lies in.
pub fn noted(folder: &RunFolder, run_id: &str) -> Result<Noted> {
    noted_by(folder, run_id, signers_of(folder.path()).as_ref())
}

fn proven(signed: &SignedStatement, signers: Option<&Signers>) -> Result<(), Unproven> {
    match signers {
        Some(signers) => signed.verify(signers).map(drop),
        None => key_of(&signed.signature, &signed.text, signed.statement.role).map(drop),
    }
}

/// Who may sign what lies in a folder of reports; `None` where no file says so.
pub fn signers(given: &SignersFile, reports: &Path) -> Result<Option<Signers>, Failure> {
    let named = given.signers.is_some() || given.path(reports).exists();
    if named { given.read(reports).map(|allowed| Some(allowed.signers)) } else { Ok(None) }
}

/// As [`signers`] for the folder that a run lies in, by the environment or the file beside the ledger. One that can't be read is told.
pub fn signers_of(run: &Path) -> Option<Signers> {
    let given = SignersFile { signers: std::env::var_os("RIG_SIGNERS").map(Into::into) };
    let path = run.canonicalize().unwrap_or_else(|_| run.to_owned());
    signers(&given, path.parent().unwrap_or(&path)).unwrap_or_else(|failure| {
        say::err(format_args!("warning: who may sign is not known: {:#}", failure.error));
        None
    })
}

/// Says which deviations of a run stand open.
pub fn tell_open(folder: &RunFolder, run_id: &str) {
    let Some(noted) = told(folder, run_id) else { return };
    let open = rig_evidence::open_deviations(&noted.all);
    if !open.is_empty() {
        say::out(format_args!("deviations that are open: {}", open.len()));
        open.iter().for_each(|deviation| say::out(format_args!("  {}", line(deviation))));
    }
}

/// The last word about each row and problem report of a run. What is wrong with the statements is told.
pub fn last_words(folder: &RunFolder, run_id: &str) -> Vec<Deviation> {
    let noted = told(folder, run_id);
    noted.iter().flat_map(|noted| rig_evidence::last_words(&noted.all)).cloned().collect()
}

/// Says what was noted to one row, closed or not.
pub fn tell_row(folder: &RunFolder, run_id: &str, row: u64, terminal: &Terminal) {
    let Some(noted) = told(folder, run_id) else { return };
    let of_row: Vec<&Deviation> = noted.all.iter().filter(|d| d.row == row).collect();
    if terminal.json {
        of_row.iter().for_each(|deviation| say::out(serde_json::json!({ "deviation": deviation })));
    } else if !of_row.is_empty() {
        say::out("\nDeviations");
        of_row.iter().for_each(|deviation| say::out(format_args!("  {}", line(deviation))));
    }
}

/// What is wrong with the statements is told, and hides nothing else.
fn told(folder: &RunFolder, run_id: &str) -> Option<Noted> {
    match noted(folder, run_id) {
        Ok(noted) => {
            noted.troubles.iter().for_each(|trouble| say::err(format_args!("warning: {trouble}")));
            Some(noted)
        }
        Err(error) => {
            say::err(format_args!("warning: what was signed can't be read: {error:#}"));
            None
        }
    }
}

/// One line about a deviation.
pub fn line(deviation: &Deviation) -> String {
    let Deviation { row, id, disposition, note, name, role, utc, .. } = deviation;
    printable(&format!("row {row}: {id}: {disposition}: {note} ({name}, {role}, {utc})"))
}
