//! `rig sign`: a person signs a run, as operator, reviewer or approver.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use chrono::{SubsecRound, Utc};
use clap::ValueEnum;
use rig_evidence::{Conflict, Person, Role, Signed, Statement, conflicts};
use rig_report::printable;

use crate::allowed::{Allowed, SignersFile};
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::keys::SigningKey;
use crate::say;
use crate::signing::{Signable, Words};
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// What the signature means, in your words
    #[arg(long, value_name = "TEXT", value_parser = words)]
    meaning: String,
    #[command(flatten)]
    by: By,
}

/// Who signs, and with what.
#[derive(Debug, Clone, clap::Args)]
pub struct By {
    /// In what capacity
    #[arg(long, value_enum)]
    pub role: PersonsRole,
    /// Private key (OpenSSH's format), or a public key whose private half is in the ssh-agent
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Your name as it is to be read; the principal of the allowed signers without
    #[arg(long, value_name = "NAME", value_parser = words)]
    pub name: Option<String>,
    /// Which of the names that the allowed signers have for your key; the first without
    #[arg(long, value_name = "NAME", value_parser = words)]
    pub principal: Option<String>,
    #[command(flatten)]
    pub signers: SignersFile,
}

/// As what a person can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PersonsRole {
    Operator,
    Reviewer,
    Approver,
}

impl From<PersonsRole> for Role {
    fn from(role: PersonsRole) -> Self {
        match role {
            PersonsRole::Operator => Self::Operator,
            PersonsRole::Reviewer => Self::Reviewer,
            PersonsRole::Approver => Self::Approver,
        }
    }
}

/// Far longer than any sentence that a person signs.
const MAX_WORDS: usize = 2000;

/// Text of one line that says something.
pub fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_WORDS || text.chars().any(char::is_control) {
        return Err(format!("it must say something, in one line of at most {MAX_WORDS} bytes"));
    }
    Ok(text.to_owned())
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let run = Signable::open(&args.run)?;
    add(&run, &args.by, &args.meaning, Signed::Record, terminal)
}

/// Looks whether this person may, shows what is signed, signs it. For every statement that a person makes about a run.
pub fn add(run: &Signable, by: &By, meaning: &str, what: Signed, terminal: &Terminal) -> Result<u8, Failure> {
    let role = Role::from(by.role);
    let mut key = SigningKey::open(&by.key).or_exit(USAGE)?;
    if let Some(last) = nothing_new(run, role, &what, &key) {
        return Err(failure(USAGE, last));
    }
    let allowed = by.signers.read(&run.reports())?;
    let now = Utc::now().trunc_subsecs(0);
    let signer = principal(&allowed, &key, by, now).or_exit(USAGE)?;
    let name = by.name.as_deref().unwrap_or(&signer);
    let me = Person { role, signer: signer.clone(), name: name.to_owned(), fingerprint: Some(fingerprint(&key)) };
    if let Some(conflict) = in_conflict(run, &me) {
        return Err(failure(USAGE, format!("nothing was signed: {}", printable(&conflict.to_string()))));
    }
    if let Some(operator) = run.header.operator.as_deref().filter(|o| role == Role::Operator && *o != signer && *o != name) {
        say::err(printable(&format!("note: the record names `{operator}` as operator, and you sign as `{name}` ({signer})")));
    }
    let statement = run.statement(&Words { role, signer: &signer, name, meaning, what }, now);
    if let Some(last) = run.chain.statements.last().filter(|last| last.statement.time() > statement.time()) {
        let (utc, file) = (&last.statement.utc, last.statement.file());
        say::err(format_args!("warning: by this machine's clock it is {}, and {file} says {utc}: one clock is wrong", statement.utc));
    }
    if !terminal.json {
        show(run, &statement, &key);
    }
    key.unlock().or_exit(USAGE)?;
    run.sign(&statement, &key).or_exit(BENCH)?;
    let file = run.folder.path().join(statement.file());
    if terminal.json {
        say::out(serde_json::json!({ "signed": file.display().to_string(), "key": fingerprint(&key), "statement": statement }));
    } else {
        say::out(format_args!("signed: {}", file.display()));
    }
    Ok(0)
}

/// As whom the key signs.
fn principal(allowed: &Allowed, key: &SigningKey, by: &By, now: chrono::DateTime<Utc>) -> Result<String> {
    let role = Role::from(by.role);
    let named = by.principal.as_deref();
    let names = allowed.signers.may_sign(key.public(), role, named, now);
    let names = names.map_err(|why| anyhow!("nothing was signed: {}\n{}", printable(&why.to_string()), allowed.who(role)))?;
    match named.map(str::to_owned).or_else(|| names.into_iter().next()) {
        Some(name) => Ok(name),
        None => bail!("nothing was signed: the allowed signers have only patterns for your key; say who you are with `--principal NAME`"),
    }
}

fn fingerprint(key: &SigningKey) -> String {
    key.public().fingerprint(ssh_key::HashAlg::Sha256).to_string()
}

/// Whether this person may not sign in this role because of what they, or others with the same key, have signed or done before.
fn in_conflict(run: &Signable, me: &Person) -> Option<Conflict> {
    let mut people = run.chain.people();
    people.push(me.clone());
    let found = conflicts(&people, run.header.operator.as_deref()).into_iter();
    found.into_iter().find(|conflict| conflict.reviewer == me.signer || conflict.operator == me.signer)
}

/// Who was the last to sign has something to sign again only where something was added since.
fn nothing_new(run: &Signable, role: Role, what: &Signed, key: &SigningKey) -> Option<String> {
    let last = run.chain.statements.last()?;
    let same = last.statement.role == role && last.statement.what == *what && last.fingerprint() == Some(fingerprint(key));
    let file = last.statement.file();
    same.then(|| format!("nothing was signed: this key has signed that already, as {role}, in {file}, and nothing was added since"))
}

fn show(run: &Signable, statement: &Statement, key: &SigningKey) {
    let Statement { role, signer, name, utc, meaning, .. } = statement;
    let ended = match &run.ended {
        Some(ended) => ended.verdict.map_or_else(|| "nothing was judged".to_owned(), |v| v.to_string()),
        None => "cut off".to_owned(),
    };
    let covered: Vec<&str> = statement.covers.iter().map(|c| &*c.file).filter(|file| !file.ends_with(".sig")).collect();
    let what = match &statement.what {
        Signed::Record => "the record".to_owned(),
        Signed::Deviation { row, id, disposition } => format!("a deviation: row {row}, {id}, {disposition}"),
    };
    let rows = [
        ("run", format!("{} ({ended}), {}", statement.run_id, shown(run.folder.path()))),
        ("what", what),
        ("as", format!("{role}: {name} ({signer})")),
        ("meaning", meaning.clone()),
        ("time", format!("{utc}, by this machine's clock")),
        ("key", fingerprint(key)),
        ("covers", covered.join(", ")),
    ];
    for (what, text) in rows {
        say::out(printable(&format!("{what:<8} {text}")));
    }
}

fn shown(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
