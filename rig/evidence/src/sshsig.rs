//! Signatures in the format of `ssh-keygen -Y sign` (PROTOCOL.sshsig), held against the allowed signers.

use chrono::{DateTime, Utc};
use ssh_key::public::KeyData;
use ssh_key::{LineEnding, PublicKey, SshSig};

use crate::role::Role;
use crate::signers::{Entry, Signers, fingerprint, supported};
use crate::statement::utc_text;

/// A signature is far shorter; a longer text is none.
const MAX_SIGNATURE: usize = 16 * 1024;

/// A signature that is what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Whose it is, as the signers' file has it.
    pub principal: String,
    /// Of the key, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Of the signers' file, from 1: the line that allows it.
    pub line: usize,
}

/// Why a signature proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("it is no SSH signature as ssh-keygen writes it: {0}")]
    Malformed(String),
    #[error("signatures of type `{0}` are not supported; sign with an ed25519 or ecdsa key")]
    Unsupported(String),
    #[error("it was made for namespace `{found}`, expected `{expected}`")]
    Namespace { found: String, expected: &'static str },
    #[error("it does not belong to this text: one of the two was changed, or another text was signed (key {fingerprint})")]
    Bad { fingerprint: String },
    #[error("key {fingerprint} is not among the allowed signers")]
    UnknownKey { fingerprint: String },
    #[error("key {fingerprint} is not `{principal}`'s; the allowed signers have it as `{whose}` (line {line})")]
    Principal { fingerprint: String, principal: String, whose: String, line: usize },
    #[error("`{whose}` may not sign as {role} (line {line} of the allowed signers has no `{}` among its namespaces)", role.namespace())]
    Role { whose: String, role: Role, line: usize },
    #[error("key {fingerprint} is a bench's and never a person's: line {line} of the allowed signers allows it rig-bench")]
    BenchKey { fingerprint: String, line: usize },
    #[error("`{whose}` may sign only from {} on (line {line} of the allowed signers), and this is {}", utc_text(*from), utc_text(*at))]
    NotYetValid { whose: String, from: DateTime<Utc>, at: DateTime<Utc>, line: usize },
    #[error("`{whose}` might sign until {} (line {line} of the allowed signers), and this is {}", utc_text(*until), utc_text(*at))]
    Expired { whose: String, until: DateTime<Utc>, at: DateTime<Utc>, line: usize },
}

/// The key that made a signature over a text in a role, whosever it may be.
///
/// # Errors
/// Where it is no such signature.
pub fn key_of(signature: &[u8], text: &[u8], role: Role) -> Result<PublicKey, Unproven> {
    let signature = parse(signature)?;
    if signature.namespace() != role.namespace() {
        return Err(Unproven::Namespace { found: signature.namespace().to_owned(), expected: role.namespace() });
    }
    let key = PublicKey::from(signature.public_key().clone());
    match key.verify(role.namespace(), text, &signature) {
        Ok(()) => Ok(key),
        Err(_) => Err(Unproven::Bad { fingerprint: fingerprint(key.key_data()) }),
    }
}

/// Takes one spelling only, so that no byte of the file can be changed unseen.
fn parse(signature: &[u8]) -> Result<SshSig, Unproven> {
    let malformed = |what: &str| Unproven::Malformed(what.to_owned());
    if signature.len() > MAX_SIGNATURE {
        return Err(malformed("it is far too long"));
    }
    let text = std::str::from_utf8(signature).map_err(|_| malformed("it is not text"))?;
    let parsed = SshSig::from_pem(text).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnsupported { algorithm } => Unproven::Unsupported(algorithm.as_str().to_owned()),
        error => Unproven::Malformed(error.to_string()),
    })?;
    supported(&parsed.public_key().algorithm()).map_err(Unproven::Unsupported)?;
    if parsed.version() != SshSig::VERSION {
        return Err(malformed("it has another version"));
    }
    if !parsed.reserved().is_empty() {
        return Err(malformed("it has something in a field that is reserved"));
    }
    match parsed.to_pem(LineEnding::LF) {
        Ok(again) if again == text => Ok(parsed),
        _ => Err(malformed("the same content is in another spelling")),
    }
}

impl Signers {
    /// Whether a signature over a text was made by this principal, in this role, with a key that was allowed to at that time.
    ///
    /// # Errors
    /// The first thing that speaks against it.
    pub fn verify(&self, signature: &[u8], text: &[u8], role: Role, principal: &str, at: DateTime<Utc>) -> Result<Good, Unproven> {
        let key = key_of(signature, text, role)?;
        let entry = self.allowed(key.key_data(), role, Some(principal), at)?;
        Ok(Good { principal: principal.to_owned(), fingerprint: fingerprint(key.key_data()), line: entry.line })
    }

    /// Whether a key may sign in a role at a time, and as whom: the names that its lines allow without a wildcard, each once.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_sign(&self, key: &PublicKey, role: Role, principal: Option<&str>, at: DateTime<Utc>) -> Result<Vec<String>, Unproven> {
        let key = key.key_data();
        self.allowed(key, role, principal, at)?;
        let mut names: Vec<String> = Vec::new();
        for entry in self.of_key(key).filter(|e| e.allows(role) && e.at(at).is_ok()) {
            for name in entry.principals.exact() {
                if !names.iter().any(|n| n == name) {
                    names.push(name.to_owned());
                }
            }
        }
        Ok(names)
    }

    /// The first line that allows all of it; otherwise what the line fails on that comes nearest.
    fn allowed(&self, key: &KeyData, role: Role, principal: Option<&str>, at: DateTime<Utc>) -> Result<&Entry, Unproven> {
        let fingerprint = || fingerprint(key);
        let of_key: Vec<&Entry> = self.of_key(key).collect();
        let Some(first) = of_key.first() else { return Err(Unproven::UnknownKey { fingerprint: fingerprint() }) };
        let named: Vec<&Entry> = match principal {
            Some(name) => of_key.iter().copied().filter(|e| e.principals.matches(name)).collect(),
            None => of_key.clone(),
        };
        let Some(first) = named.first() else {
            let principal = principal.unwrap_or_default().to_owned();
            return Err(Unproven::Principal { fingerprint: fingerprint(), principal, whose: first.names.clone(), line: first.line });
        };
        if let (true, Some(line)) = (role != Role::Bench, self.bench_line(key)) {
            return Err(Unproven::BenchKey { fingerprint: fingerprint(), line });
        }
        let in_role: Vec<&Entry> = named.iter().copied().filter(|e| e.allows(role)).collect();
        if in_role.is_empty() {
            return Err(Unproven::Role { whose: first.names.clone(), role, line: first.line });
        }
        let mut refused = None;
        for entry in in_role {
            match entry.at(at) {
                Ok(()) => return Ok(entry),
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        Err(refused.expect("there was an entry, and none was returned"))
    }
}

impl Entry {
    /// Both ends are inclusive, as with OpenSSH.
    fn at(&self, at: DateTime<Utc>) -> Result<(), Unproven> {
        let (whose, line) = (self.names.clone(), self.line);
        match (self.after, self.before) {
            (Some(from), _) if at < from => Err(Unproven::NotYetValid { whose, from, at, line }),
            (_, Some(until)) if at > until => Err(Unproven::Expired { whose, until, at, line }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "tests/sshsig.rs"]
mod tests;
