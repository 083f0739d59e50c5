//! Keys of fixed seeds, and what `ssh-keygen` of OpenSSH 9.2 signed with keys that are thrown away.

use chrono::{DateTime, Utc};
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::signers::Signers;

/// One public key a line, each with its owner behind it.
pub const KEYS: &str = include_str!("vectors/keys.pub");
pub const TEXT: &[u8] = include_bytes!("vectors/text");

/// `type base64` of somebody's key.
pub fn public(owner: &str) -> String {
    let line = KEYS.lines().find(|l| l.ends_with(&format!(" {owner}"))).expect("a key");
    line.rsplit_once(' ').expect("a comment").0.to_owned()
}

pub fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

pub fn public_of(seed: u8) -> String {
    key(seed).public_key().to_openssh().expect("a key").trim_end().to_owned()
}

pub fn sign(seed: u8, namespace: &str, text: &[u8]) -> Vec<u8> {
    let signature = key(seed).sign(namespace, HashAlg::Sha512, text).expect("a signature");
    signature.to_pem(LineEnding::LF).expect("armor").into_bytes()
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn signers(text: &str) -> Signers {
    Signers::parse(text).unwrap_or_else(|e| panic!("{e:?}"))
}
