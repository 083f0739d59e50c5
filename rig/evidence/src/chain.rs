//! The statements of a run as a chain: numbered without gaps, each covering the manifest and every statement and signature before it.
//!
//! What is found here needs no signers: it is about what was signed, not by whom.

use std::collections::BTreeMap;

use crate::hash::Sha256Hex;
use crate::manifest::Manifest;
use crate::role::Role;
use crate::signers::Signers;
use crate::sshsig::{Good, Unproven, key_of};
use crate::statement::{Covered, Signed, Statement, StatementError};

/// A statement as it lies in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatement {
    pub statement: Statement,
    /// The bytes that were signed.
    pub text: Vec<u8>,
    /// The armored SSHSIG over them.
    pub signature: Vec<u8>,
}

/// All that lies in a run's folder `signed/`.
#[derive(Debug, Default)]
pub struct Chain {
    /// Those that can be read and have a signature, in their order.
    pub statements: Vec<SignedStatement>,
    /// What is wrong, in the order in which it was met; empty where nothing is.
    pub faults: Vec<ChainFault>,
    /// What is odd and breaks nothing, in sentences.
    pub warnings: Vec<String>,
    /// What the next statement has to cover.
    pub covers: Vec<Covered>,
    /// The number of the next statement.
    pub next: u32,
}

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {broken}")]
pub struct ChainFault {
    /// By its name in the run's folder.
    pub file: String,
    pub broken: Broken,
}

/// What can be wrong with a file of `signed/`.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("{0}")]
    Statement(#[from] StatementError),
    #[error("by what it says it should be called `{0}`")]
    Name(String),
    #[error("it is about run {found}, and this is run {expected}")]
    Run { found: String, expected: String },
    #[error("it covers `{file}` with SHA-256 {found}, and that file has {expected}: one of the two was changed after it was signed")]
    Changed { file: String, found: Sha256Hex, expected: Sha256Hex },
    #[error("it covers {found} where it should cover {expected}: something was added, removed or moved after it was signed")]
    Covers { found: String, expected: String },
    #[error("its time is `{0}`, expected one like 2026-01-31T12:00:00Z")]
    Time(String),
    #[error("a bench makes no deviations: it has no judgement")]
    BenchDeviation,
    #[error("statement {0} is missing before it")]
    Missing(u32),
    #[error("there is another statement with its number")]
    Twice,
    #[error("it has no signature: there is no `{0}`")]
    Unsigned(String),
    #[error("it is a signature without its statement")]
    Alone,
    #[error("it was left behind by a signing that was cut off; the next `rig sign` of this run clears it up")]
    Partial,
    #[error("it does not belong there")]
    Stray,
}

impl Chain {
    /// Looks through what lies in `signed/`: the files' names there, and their bytes. `run_id` and `manifest` are the run's.
    pub fn of(run_id: &str, manifest: &[u8], files: &[(String, Vec<u8>)]) -> Self {
        let mut left: BTreeMap<&str, &[u8]> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
        let mut chain = Self { next: 1, ..Self::default() };
        chain.covers.push(Covered { file: Manifest::NAME.to_owned(), sha256: Sha256Hex::of(manifest) });
        let mut numbered: Vec<(u32, &str)> = left.keys().filter_map(|name| Some((number(name)?, *name))).collect();
        numbered.sort_unstable();
        for (number, name) in numbered {
            let text = left.remove(name).unwrap_or_default();
            let signature_name = format!("{name}.sig");
            let signature = left.remove(&*signature_name);
            if number < chain.next {
                chain.fault(name, Broken::Twice);
            } else if number > chain.next {
                chain.fault(name, Broken::Missing(chain.next));
            }
            chain.next = chain.next.max(number.saturating_add(1));
            chain.take(run_id, name, text, signature);
        }
        for name in left.into_keys() {
            let broken = match name {
                _ if name.ends_with(".partial") => Broken::Partial,
                _ if name.strip_suffix(".sig").and_then(number).is_some() => Broken::Alone,
                _ => Broken::Stray,
            };
            chain.fault(name, broken);
        }
        chain
    }

    fn fault(&mut self, name: &str, broken: Broken) {
        self.faults.push(ChainFault { file: in_folder(name), broken });
    }

    fn take(&mut self, run_id: &str, name: &str, text: &[u8], signature: Option<&[u8]>) {
        let parsed = std::str::from_utf8(text).map_err(|_| Broken::NotText).and_then(|text| Ok(Statement::parse(text)?));
        match parsed {
            Ok(statement) => {
                self.compare(run_id, name, &statement);
                match signature {
                    Some(signature) => {
                        self.later_than_the_one_before(name, &statement);
                        self.statements.push(SignedStatement { statement, text: text.to_vec(), signature: signature.to_vec() });
                    }
                    None => self.fault(name, Broken::Unsigned(in_folder(&format!("{name}.sig")))),
                }
            }
            Err(broken) => self.fault(name, broken),
        }
        self.covers.push(Covered { file: in_folder(name), sha256: Sha256Hex::of(text) });
        if let Some(signature) = signature {
            self.covers.push(Covered { file: in_folder(&format!("{name}.sig")), sha256: Sha256Hex::of(signature) });
        }
    }

    /// What a statement says against what is there.
    fn compare(&mut self, run_id: &str, name: &str, statement: &Statement) {
        if statement.file() != in_folder(name) {
            self.fault(name, Broken::Name(statement.file()));
        }
        if statement.run_id != run_id {
            self.fault(name, Broken::Run { found: statement.run_id.clone(), expected: run_id.to_owned() });
        }
        if statement.time().is_none() {
            self.fault(name, Broken::Time(statement.utc.clone()));
        }
        if statement.role == Role::Bench && !matches!(statement.what, Signed::Record) {
            self.fault(name, Broken::BenchDeviation);
        }
        if let Some(broken) = difference(&statement.covers, &self.covers) {
            self.fault(name, broken);
        }
    }

    fn later_than_the_one_before(&mut self, name: &str, statement: &Statement) {
        let before = self.statements.last().map(|s| &s.statement);
        if let Some(before) = before.filter(|before| statement.time() < before.time()) {
            let (file, utc, earlier) = (in_folder(name), &statement.utc, &before.utc);
            self.warnings.push(format!("{file} says {utc}, and covers a statement that says {earlier}: a clock was wrong"));
        }
    }

    /// Of each statement in its order: whether its signature is good, at the time that it says.
    pub fn signatures(&self, signers: &Signers) -> Vec<Result<Good, Unproven>> {
        self.statements.iter().map(|s| s.verify(signers)).collect()
    }
}

impl SignedStatement {
    /// Whether the signature is good, and by whom the statement says, in the role and at the time that it says.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify(&self, signers: &Signers) -> Result<Good, Unproven> {
        let said = &self.statement;
        let at = said.time().ok_or_else(|| Unproven::Malformed(format!("the statement's time is `{}`", said.utc)))?;
        signers.verify(&self.signature, &self.text, said.role, &said.signer, at)
    }

    /// Fingerprint of the key that made it; `None` where the signature is not one over this text.
    pub fn fingerprint(&self) -> Option<String> {
        let key = key_of(&self.signature, &self.text, self.statement.role).ok()?;
        Some(crate::signers::fingerprint(key.key_data()))
    }
}

/// The first difference between what a statement covers and what it should.
fn difference(found: &[Covered], expected: &[Covered]) -> Option<Broken> {
    let name = |covered: Option<&Covered>| covered.map_or_else(|| "nothing more".to_owned(), |c| format!("`{}`", c.file));
    for at in 0..found.len().max(expected.len()) {
        match (found.get(at), expected.get(at)) {
            (Some(found), Some(expected)) if found == expected => {}
            (Some(found), Some(expected)) if found.file == expected.file => {
                return Some(Broken::Changed { file: found.file.clone(), found: found.sha256, expected: expected.sha256 });
            }
            (found, expected) => return Some(Broken::Covers { found: name(found), expected: name(expected) }),
        }
    }
    None
}

fn in_folder(name: &str) -> String {
    format!("{}/{name}", Statement::FOLDER)
}

/// Of a name such as `0001-operator.json`, exactly as the rig writes it.
fn number(name: &str) -> Option<u32> {
    let (digits, what) = name.strip_suffix(".json")?.split_once('-')?;
    let known = what == "deviation" || Role::ALL.iter().any(|role| role.name() == what);
    let number: u32 = digits.parse().ok()?;
    (known && number > 0 && format!("{number:04}") == digits).then_some(number)
}

#[cfg(test)]
#[path = "tests/chain.rs"]
mod tests;
