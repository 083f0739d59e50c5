//! The file of allowed signers in OpenSSH's format (ssh-keygen(1), ALLOWED SIGNERS): which key is whose, and who may sign as what.
//!
//! Stricter than OpenSSH where the rig must be sure: a line without `namespaces` gives no role, a key that any line allows `rig-bench` is no
//! person's, times are in UTC, and a file with a line that can't be understood is refused as a whole.

use chrono::{DateTime, NaiveDate, Utc};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::patterns::Patterns;
use crate::role::Role;

/// Who may sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signers {
    entries: Vec<Entry>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// From 1.
    pub line: usize,
    pub principals: Patterns,
    /// As the file has them, for people.
    pub names: String,
    pub namespaces: Option<Patterns>,
    /// The first moment at which the key may sign.
    pub after: Option<DateTime<Utc>>,
    /// The last.
    pub before: Option<DateTime<Utc>>,
    pub key: KeyData,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct SignersError {
    /// From 1.
    pub line: usize,
    pub wrong: Wrong,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("a control character or byte order mark; save the file as plain UTF-8 text")]
    Character,
    #[error("expected who, what they may sign as, and their key: `anna namespaces=\"rig-operator\" ssh-ed25519 AAAA…`")]
    Incomplete,
    #[error("a principal that is empty, or in quotes; names stand there with commas between them and without spaces")]
    Principal,
    #[error("unknown option `{0}`; there are namespaces=\"…\", valid-after=\"…\" and valid-before=\"…\"")]
    Option(String),
    #[error("option `{0}` is there twice")]
    Twice(&'static str),
    #[error("option `{0}` wants its value in double quotes, without `\\` or quotes in it")]
    Quotes(&'static str),
    #[error(
        "`namespaces` has an empty entry; expected some of rig-operator, rig-reviewer, rig-approver, rig-bench, with commas between them"
    )]
    Namespaces,
    #[error("certificates are not supported: give each person's own key a line, without `cert-authority`")]
    Authority,
    #[error("`{0}` is no time; expected YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ")]
    Time(String),
    #[error("`{0}` does not say its time zone, and would mean something else on each machine; put a `Z` behind it, for UTC")]
    TimeZone(String),
    #[error("`valid-before` is not after `valid-after`: the key would never be valid")]
    Never,
    #[error("keys of type `{0}` are not supported; use an ed25519 or ecdsa key: `ssh-keygen -t ed25519`")]
    KeyType(String),
    #[error("this is no key: expected its type and the long text beginning with AAAA, as the `.pub` file has them ({0})")]
    Key(String),
}

impl Signers {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of its lines.
    pub fn parse(text: &str) -> Result<Self, Vec<SignersError>> {
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim_matches([' ', '\t', '\r']);
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match entry(line, text) {
                Ok(entry) => entries.push(entry),
                Err(wrong) => errors.push(SignersError { line, wrong }),
            }
        }
        if errors.is_empty() { Ok(Self { entries }) } else { Err(errors) }
    }

    pub(crate) fn of_key<'s, 'k>(&'s self, key: &'k KeyData) -> impl Iterator<Item = &'s Entry> + use<'s, 'k> {
        self.entries.iter().filter(move |entry| entry.key == *key)
    }

    /// Who may sign in a role, for people: each line's principals as the file has them, and the key's fingerprint.
    pub fn who(&self, role: Role) -> Vec<(String, String)> {
        let may = self.entries.iter().filter(|e| e.allows(role) && (role == Role::Bench || self.bench_line(&e.key).is_none()));
        may.map(|e| (e.names.clone(), fingerprint(&e.key))).collect()
    }

    /// The first line that allows this key to sign as the bench: it is no person's then.
    pub(crate) fn bench_line(&self, key: &KeyData) -> Option<usize> {
        self.of_key(key).find(|entry| entry.allows(Role::Bench)).map(|entry| entry.line)
    }
}

impl Entry {
    pub(crate) fn allows(&self, role: Role) -> bool {
        self.namespaces.as_ref().is_some_and(|namespaces| namespaces.matches(role.namespace()))
    }
}

/// As `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether signatures of such keys can be made sure of here.
///
/// # Errors
/// The name of the type.
pub(crate) fn supported(algorithm: &Algorithm) -> Result<(), String> {
    match algorithm {
        Algorithm::Ed25519
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
        other => Err(other.as_str().to_owned()),
    }
}

/// A public key as a `.pub` file or a line of the signers has it: type, text, and a comment or none.
///
/// # Errors
/// What is wrong with it, in words.
pub fn public_key(text: &str) -> Result<PublicKey, Wrong> {
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(body)) = (words.next(), words.next()) else { return Err(Wrong::Incomplete) };
    if kind.contains("-cert-v") {
        return Err(Wrong::Authority);
    }
    // Before its body is looked at: one that is not supported may not even be read.
    if let Ok(algorithm) = Algorithm::new(kind) {
        supported(&algorithm).map_err(Wrong::KeyType)?;
    }
    let key = PublicKey::from_openssh(&format!("{kind} {body}")).map_err(|e| Wrong::Key(e.to_string()))?;
    supported(&key.algorithm()).map_err(Wrong::KeyType)?;
    Ok(key)
}

fn entry(line: usize, text: &str) -> Result<Entry, Wrong> {
    if text.chars().any(|c| (c.is_control() && c != '\t') || c == '\u{feff}') {
        return Err(Wrong::Character);
    }
    let (names, rest) = text.split_once([' ', '\t']).ok_or(Wrong::Incomplete)?;
    let principals = Patterns::parse(names).filter(|_| !names.contains('"')).ok_or(Wrong::Principal)?;
    let rest = rest.trim_start();
    let (options, key) = if begins_with_a_key(rest) { (Options::default(), rest) } else { options(rest)? };
    let key = public_key(key)?;
    let span = (options.after, options.before);
    if let (Some(after), Some(before)) = span
        && before <= after
    {
        return Err(Wrong::Never);
    }
    Ok(Entry {
        line,
        principals,
        names: names.to_owned(),
        namespaces: options.namespaces,
        after: options.after,
        before: options.before,
        key: key.key_data().clone(),
    })
}

fn begins_with_a_key(text: &str) -> bool {
    let kind = text.split([' ', '\t']).next().unwrap_or_default();
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|beginning| kind.starts_with(beginning))
}

#[derive(Default)]
struct Options {
    namespaces: Option<Patterns>,
    after: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

/// The options, and what comes behind them.
fn options(mut text: &str) -> Result<(Options, &str), Wrong> {
    let mut options = Options::default();
    loop {
        let end = text.find(['=', ',', ' ', '\t']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let lower = name.to_ascii_lowercase();
        text = match (&*lower, rest.strip_prefix('=')) {
            ("namespaces", Some(rest)) => {
                let (value, rest) = quoted("namespaces", rest)?;
                once("namespaces", &mut options.namespaces, Patterns::parse(value).ok_or(Wrong::Namespaces)?)?;
                rest
            }
            ("valid-after", Some(rest)) => {
                let (value, rest) = quoted("valid-after", rest)?;
                once("valid-after", &mut options.after, time(value)?)?;
                rest
            }
            ("valid-before", Some(rest)) => {
                let (value, rest) = quoted("valid-before", rest)?;
                once("valid-before", &mut options.before, time(value)?)?;
                rest
            }
            ("cert-authority", _) => return Err(Wrong::Authority),
            _ => return Err(Wrong::Option(name.to_owned())),
        };
        if let Some(rest) = text.strip_prefix(',') {
            text = rest;
        } else if text.starts_with([' ', '\t']) {
            return Ok((options, text.trim_start()));
        } else {
            return Err(Wrong::Incomplete);
        }
    }
}

fn quoted<'t>(option: &'static str, text: &'t str) -> Result<(&'t str, &'t str), Wrong> {
    let inside = text.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    inside.filter(|(value, _)| !value.contains('\\')).ok_or(Wrong::Quotes(option))
}

fn once<T>(option: &'static str, place: &mut Option<T>, value: T) -> Result<(), Wrong> {
    if place.replace(value).is_some() { Err(Wrong::Twice(option)) } else { Ok(()) }
}

/// YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a `Z` behind it.
fn time(text: &str) -> Result<DateTime<Utc>, Wrong> {
    let digits = text.strip_suffix(['Z', 'z']);
    let read = |digits: &str| {
        let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok());
        let whole = digits.bytes().all(|b| b.is_ascii_digit()) && matches!(digits.len(), 8 | 12 | 14);
        let date = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(4..6)?, number(6..8)?)?;
        let part = |range: std::ops::Range<usize>| if digits.len() >= range.end { number(range) } else { Some(0) };
        date.and_hms_opt(part(8..10)?, part(10..12)?, part(12..14)?).filter(|_| whole).map(|time| time.and_utc())
    };
    match digits {
        Some(digits) => read(digits).ok_or_else(|| Wrong::Time(text.to_owned())),
        None if read(text).is_some() => Err(Wrong::TimeZone(text.to_owned())),
        None => Err(Wrong::Time(text.to_owned())),
    }
}

#[cfg(test)]
#[path = "tests/signers.rs"]
mod tests;
