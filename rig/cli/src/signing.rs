//! Adds a statement to a run: looks whether the run is intact, whether this key may, signs, and puts statement and signature into place.

use std::fs::File;
use std::io::{BufReader, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use rig_evidence::{Chain, Entry, Ledger, Manifest, Role, Roll, Sha256Hex, Signed, Statement, key_of, utc_text};
use rig_model::event::{Event, RunEnded};
use rig_model::fact::{Body, Header};
use rig_record::{End, JournalReader};
use rig_report::printable;

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::keys::SigningKey;
use crate::{ledger, say, signed};

/// A run that can be signed. Nobody else signs it as long as this is held.
#[derive(Debug)]
pub struct Signable {
    pub folder: RunFolder,
    pub header: Box<Header>,
    /// How the run ended; `None` where it was cut off.
    pub ended: Option<RunEnded>,
    pub manifest: Manifest,
    pub chain: Chain,
    /// Two who sign at once would both be number 2.
    _lock: File,
}

/// What is put to paper, as it were.
#[derive(Debug)]
pub struct Words<'a> {
    pub role: Role,
    pub signer: &'a str,
    pub name: &'a str,
    pub meaning: &'a str,
    pub what: Signed,
}

impl Signable {
    /// Opens a run's folder, clears up what a signing that was cut off has left, and looks whether the run is intact.
    pub fn open(run: &Path) -> Result<Self, Failure> {
        let shown = run.display();
        let path = run.canonicalize().with_context(|| format!("failed to open the run's folder `{shown}`")).or_exit(USAGE)?;
        let folder = RunFolder::open(&path);
        let manifest = path.join(Manifest::NAME);
        if !path.join(JOURNAL).exists() || !manifest.exists() {
            let what = match folder.journal().exists().then(|| folder.take_journal()) {
                None => "is no run: name the folder of one",
                Some(Ok(None)) => "is still going on: sign it when it has come to its end",
                Some(_) => "was cut off and is not closed: `rig recover` closes it",
            };
            return Err(failure(USAGE, format!("nothing was signed: `{shown}` {what}")));
        }
        let lock = lock(&path).context("nothing was signed").or_exit(USAGE)?;
        let lock = lock.ok_or_else(|| failure(USAGE, format!("nothing was signed: `{}` is gone", manifest.display())))?;
        Self::read(folder, lock).with_context(|| format!("nothing was signed: `{shown}` is not intact")).or_exit(BENCH)
    }

    /// A run that this process has closed a moment ago, and need not look through.
    pub fn just_closed(folder: &RunFolder, header: &Header) -> Result<Self> {
        let folder = RunFolder::open(&folder.path().canonicalize()?);
        let lock = lock(folder.path())?.with_context(|| format!("there is no {}", Manifest::NAME))?;
        let (bytes, manifest) = manifest_of(&folder)?;
        let chain = Chain::of(&manifest.run_id, &bytes, &signed::files(folder.path())?);
        Ok(Self { folder, header: Box::new(header.clone()), ended: None, manifest, chain, _lock: lock })
    }

    fn read(folder: RunFolder, lock: File) -> Result<Self> {
        let (bytes, manifest) = manifest_of(&folder)?;
        let (header, ended) = intact(&folder, &manifest)?;
        clear_up(folder.path(), &manifest.run_id)?;
        let chain = Chain::of(&manifest.run_id, &bytes, &signed::files(folder.path())?);
        if let Some(fault) = chain.faults.first() {
            bail!("{}", printable(&fault.to_string()));
        }
        enter(folder.path(), &manifest.run_id, &chain)?;
        Ok(Self { folder, header, ended, manifest, chain, _lock: lock })
    }

    /// The folder of reports that the run lies in.
    pub fn reports(&self) -> PathBuf {
        reports_of(self.folder.path())
    }

    /// The statement as it is to be signed.
    pub fn statement(&self, words: &Words<'_>, at: DateTime<Utc>) -> Statement {
        Statement {
            v: Statement::VERSION,
            number: self.chain.next,
            run_id: self.manifest.run_id.clone(),
            role: words.role,
            signer: words.signer.to_owned(),
            name: words.name.to_owned(),
            utc: utc_text(at),
            meaning: words.meaning.to_owned(),
            what: words.what.clone(),
            covers: self.chain.covers.clone(),
        }
    }

    /// Signs it, writes it and adds it to the ledger, where there is one. What was signed stays signed even if the ledger fails.
    pub fn sign(&self, statement: &Statement, key: &SigningKey) -> Result<()> {
        let text = statement.render().context("failed to write the statement")?.into_bytes();
        let signature = key.sign(statement.role, &text)?;
        let path = self.folder.path();
        put(path, statement, &text, &signature)
            .with_context(|| format!("failed to write into `{}`", path.join(Statement::FOLDER).display()))?;
        into_ledger(path, &statement.run_id, &statement.file(), &text, &signature)
    }
}

/// Shuts out whoever signs a run, or closes it anew; `None` where there is no manifest, and so nothing to be signed.
pub fn lock(run: &Path) -> Result<Option<File>> {
    let path = run.join(Manifest::NAME);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("failed to open `{}`", path.display())),
    };
    let of = |found: std::io::Result<std::fs::Metadata>| found.ok().map(|m| (m.dev(), m.ino()));
    // Whoever closed the run anew between the two has put another file there.
    if file.try_lock().is_err() || of(file.metadata()) != of(std::fs::metadata(&path)) {
        bail!("somebody else is signing or closing `{}` at this moment; try again", run.display());
    }
    Ok(Some(file))
}

/// Enters into the ledger what was signed while nobody could: where the power went between a signature and its line.
pub fn enter_missing(run: &Path, run_id: &str, known: &Ledger) -> Result<()> {
    let statements: Vec<String> = signed::files(run)?.into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".json")).collect();
    if statements.iter().all(|name| is_entered(known, run_id, &format!("{}/{name}", Statement::FOLDER))) {
        return Ok(());
    }
    let Some(_lock) = lock(run)? else { return Ok(()) };
    let chain = signed::chain(&RunFolder::open(run), run_id)?;
    // What is not whole is for `rig verify` to tell.
    if chain.faults.is_empty() { enter(run, run_id, &chain) } else { Ok(()) }
}

fn is_entered(known: &Ledger, run_id: &str, file: &str) -> bool {
    known.of_run(run_id).any(|n| matches!(&n.line.entry, Entry::Signed { statement, .. } if statement == file))
}

fn enter(run: &Path, run_id: &str, chain: &Chain) -> Result<()> {
    if chain.statements.is_empty() {
        return Ok(());
    }
    let known = Ledger::read(&ledger::read(&reports_of(run))?);
    if known.of_run(run_id).next().is_none() {
        return Ok(());
    }
    for signed in &chain.statements {
        let file = signed.statement.file();
        if !is_entered(&known, run_id, &file) && signed.fingerprint().is_some() {
            into_ledger(run, run_id, &file, &signed.text, &signed.signature)?;
            say::err(format_args!("note: {file} of `{}` was signed and not in the ledger of runs; it is now", run.display()));
        }
    }
    Ok(())
}

fn manifest_of(folder: &RunFolder) -> Result<(Vec<u8>, Manifest)> {
    let bytes = signed::small(&folder.path().join(Manifest::NAME))?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{} is no text", Manifest::NAME))?;
    // Its errors tell their cause themselves.
    let manifest = Manifest::parse(text).map_err(|error| anyhow!("{}: {}", Manifest::NAME, printable(&error.to_string())))?;
    Ok((bytes, manifest))
}

fn reports_of(run: &Path) -> PathBuf {
    run.parent().unwrap_or(run).to_owned()
}

/// The journal's chain up to where the manifest says it ends, and every file's hash.
fn intact(folder: &RunFolder, manifest: &Manifest) -> Result<(Box<Header>, Option<RunEnded>)> {
    let path = folder.path().join(JOURNAL);
    let mut reader = JournalReader::new(BufReader::with_capacity(1 << 18, File::open(&path).context("failed to open the journal")?));
    let (mut header, mut ended) = (None, None);
    for fact in reader.by_ref() {
        match fact?.1.body {
            Body::Header(found) => header = Some(found),
            Body::Event(Event::RunEnded(found)) => ended = Some(found),
            _ => {}
        }
    }
    let header = header.ok_or_else(|| anyhow!("the journal has no header"))?;
    let head = &manifest.journal;
    let link = reader.head().map(|link| link.to_string());
    if (reader.lines(), link, reader.end() == Some(End::Complete)) != (head.lines, head.link.map(|link| link.to_string()), head.complete) {
        bail!("the journal does not end where {} says that it ends", Manifest::NAME);
    }
    if manifest.run_id != header.run_id {
        bail!("{} is about run {}, and the journal is run {}", Manifest::NAME, printable(&manifest.run_id), printable(&header.run_id));
    }
    for (name, digest) in &manifest.files {
        let shown = printable(name);
        if Path::new(name).file_name().is_none_or(|only| only != name.as_str()) {
            bail!("{} names `{shown}`, which is no file of this folder", Manifest::NAME);
        }
        let mut hash = rig_report::HashingWriter::new(std::io::sink());
        let mut file = regular(&folder.path().join(name)).with_context(|| format!("failed to open `{shown}`"))?;
        std::io::copy(&mut file, &mut hash).with_context(|| format!("failed to read `{shown}`"))?;
        let (found, expected) = (hash.digest().sha256, digest.sha256.to_string());
        if found != expected {
            bail!("`{shown}` was changed: its SHA-256 is {found}, and {} has {expected}", Manifest::NAME);
        }
    }
    Ok((header, ended))
}

/// A pipe in a file's place would keep the program waiting for ever.
fn regular(path: &Path) -> std::io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    File::open(path)
}

/// Statement and signature are on the disk before either has its name. The statement's comes last: with it they are both there.
fn put(run: &Path, statement: &Statement, text: &[u8], signature: &[u8]) -> std::io::Result<()> {
    let signed = run.join(Statement::FOLDER);
    if !signed.is_dir() {
        std::fs::create_dir(&signed)?;
        File::open(run)?.sync_all()?;
    }
    let files = [(run.join(statement.signature_file()), signature), (run.join(statement.file()), text)];
    for (path, bytes) in &files {
        let mut file = File::create(partial(path))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    for (path, _) in &files {
        std::fs::rename(partial(path), path)?;
    }
    File::open(&signed)?.sync_all()
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// What a signing that was cut off has left: where the signature has its name already, the statement is given its own; otherwise nothing was signed,
/// and what was begun is removed.
fn clear_up(run: &Path, run_id: &str) -> Result<()> {
    for (name, bytes) in signed::files(run)? {
        let Some(whole) = name.strip_suffix(".partial") else { continue };
        let signed = run.join(Statement::FOLDER);
        let (from, to, signature) = (signed.join(&name), signed.join(whole), signed.join(format!("{whole}.sig")));
        let statement = std::str::from_utf8(&bytes).ok().and_then(|text| Statement::parse(text).ok());
        let half = signature.exists() && !to.exists();
        match statement.filter(|statement| half && statement.file() == format!("{}/{whole}", Statement::FOLDER)) {
            Some(statement) => {
                let signature = signed::small(&signature)?;
                if let Err(unproven) = key_of(&signature, &bytes, statement.role) {
                    bail!("`{}` was left behind by a signing that was cut off, and its signature is not good: {unproven}", from.display());
                }
                std::fs::rename(&from, &to).with_context(|| format!("failed to rename `{}`", from.display()))?;
                File::open(&signed).and_then(|folder| folder.sync_all()).context("failed to keep the statements' folder")?;
                say::err(format_args!("note: a signing that was cut off is completed: {}", statement.file()));
                into_ledger(run, run_id, &statement.file(), &bytes, &signature)?;
            }
            // Anything else of that name is somebody else's, and is told as a stray.
            None if !half && is_ours(whole) => {
                std::fs::remove_file(&from).with_context(|| format!("failed to remove `{}`", from.display()))?;
                say::err(format_args!("note: a signing was cut off before it had signed anything; `{name}` is removed"));
            }
            None => {}
        }
    }
    Ok(())
}

/// Whether the rig gives such names, with their beginning in digits.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(".sig").unwrap_or(name);
    let what = name.strip_suffix(".json").and_then(|name| name.split_once('-'));
    what.is_some_and(|(digits, what)| {
        digits.bytes().all(|b| b.is_ascii_digit()) && (what == "deviation" || Role::ALL.iter().any(|role| role.name() == what))
    })
}

fn into_ledger(run: &Path, run_id: &str, statement: &str, text: &[u8], signature: &[u8]) -> Result<()> {
    let reports = reports_of(run);
    let entry = Entry::Signed { statement: statement.to_owned(), sha256: Sha256Hex::of(text), signature_sha256: Sha256Hex::of(signature) };
    let knows = ledger::read(&reports).map(|bytes| Roll::read(&bytes).runs.iter().any(|run| run.run_id == run_id));
    let entered = knows.and_then(|knows| match knows {
        true => ledger::add(&reports, run_id, entry, Keeping::Synced),
        false => {
            let reports = reports.display();
            say::err(format_args!("note: no ledger of runs in `{reports}` knows this run: that it was signed is kept in its folder alone"));
            Ok(())
        }
    });
    entered.with_context(|| format!("`{statement}` was signed and is in place, but the ledger of runs does not say so"))
}
