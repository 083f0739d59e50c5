//! Known signatures: one that `ssh-keygen` made, and everything by which it would be none.

use chrono::{DateTime, Utc};
use rig_evidence::{Role, Signers};

use super::{Group, Items};

const PERSONS: &str = "UR-12";

/// Made with `ssh-keygen -Y sign -n rig-operator` of OpenSSH 9.2, with a key that was thrown away.
const SIGNATURE: &[u8] = include_bytes!("../../../../evidence/src/tests/vectors/anna.operator.sig");
const TEXT: &[u8] = include_bytes!("../../../../evidence/src/tests/vectors/text");
const KEYS: &str = include_str!("../../../../evidence/src/tests/vectors/keys.pub");

pub fn play(items: &mut Items) {
    let key = KEYS.lines().next().unwrap_or_default();
    let today = DateTime::parse_from_rfc3339("2026-11-25T12:00:00Z").map_or_else(|_| DateTime::<Utc>::UNIX_EPOCH, |t| t.to_utc());
    let mut try_with = |what: &str, good: bool, line: String, signature: &[u8], text: &[u8], role: Role, who: &str| {
        let found = match Signers::parse(&line) {
            Ok(signers) => {
                signers.verify(signature, text, role, who, today).map_or_else(|why| format!("refused: {why}"), |_| "good".to_owned())
            }
            Err(_) => "the allowed signers can't be read".to_owned(),
        };
        let passed = if good { found == "good" } else { found.starts_with("refused: ") };
        items.add(Group::Signatures, PERSONS, what, if good { "good" } else { "refused" }.to_owned(), found, passed);
    };
    let allowed = || format!("anna namespaces=\"rig-operator\" {key}\n");
    let mut altered = (TEXT.to_vec(), SIGNATURE.to_vec());
    altered.0[0] ^= 1;
    let middle = altered.1.len() / 2;
    altered.1[middle] ^= 1;
    try_with("a signature by `ssh-keygen`, in its role", true, allowed(), SIGNATURE, TEXT, Role::Operator, "anna");
    try_with("the same over a text with one bit turned over", false, allowed(), SIGNATURE, &altered.0, Role::Operator, "anna");
    try_with("the same with one bit of it turned over", false, allowed(), &altered.1, TEXT, Role::Operator, "anna");
    try_with("the same taken for a reviewer's", false, allowed(), SIGNATURE, TEXT, Role::Reviewer, "anna");
    try_with("the same under another name", false, allowed(), SIGNATURE, TEXT, Role::Operator, "bert");
    try_with("the same by a key that nobody allowed", false, String::new(), SIGNATURE, TEXT, Role::Operator, "anna");
    let expired = format!("anna namespaces=\"rig-operator\",valid-before=\"20260101Z\" {key}\n");
    try_with("the same after the key had expired", false, expired, SIGNATURE, TEXT, Role::Operator, "anna");
    let no_role = format!("anna {key}\n");
    try_with("the same by a key without a role", false, no_role, SIGNATURE, TEXT, Role::Operator, "anna");
    let bench = format!("anna namespaces=\"rig-operator\" {key}\nbench namespaces=\"rig-bench\" {key}\n");
    try_with("the same by a key that is also a bench's", false, bench, SIGNATURE, TEXT, Role::Operator, "anna");
}
