use super::*;
use crate::tests_support::{TEXT, at, public, public_of, sign, signers};

const NOW: &str = "2026-11-25T12:00:00Z";

fn vectors() -> Vec<(&'static str, Role, &'static [u8])> {
    vec![
        ("anna", Role::Operator, include_bytes!("vectors/anna.operator.sig")),
        ("anna", Role::Operator, include_bytes!("vectors/anna.sha256.sig")),
        ("bert", Role::Reviewer, include_bytes!("vectors/bert.reviewer.sig")),
        ("carl", Role::Approver, include_bytes!("vectors/carl.approver.sig")),
        ("bench", Role::Bench, include_bytes!("vectors/bench.bench.sig")),
    ]
}

/// Everybody in one role.
fn everybody() -> Signers {
    let line = |(who, role): (&str, &str)| format!("{who} namespaces=\"{role}\" {}\n", public(who));
    let roles = [("anna", "rig-operator"), ("bert", "rig-reviewer"), ("carl", "rig-approver"), ("bench", "rig-bench")];
    signers(&roles.map(line).concat())
}

#[test]
fn what_ssh_keygen_signed_is_good() {
    for (who, role, signature) in vectors() {
        let good = everybody().verify(signature, TEXT, role, who, at(NOW)).unwrap_or_else(|e| panic!("{who}: {e}"));
        assert_eq!(good.principal, who);
        assert!(good.fingerprint.starts_with("SHA256:"), "{good:?}");
    }
}

#[test]
fn no_byte_of_signature_or_text_can_be_changed() {
    for (who, role, signature) in vectors() {
        let signers = everybody();
        let check = |signature: &[u8], text: &[u8]| signers.verify(signature, text, role, who, at(NOW));
        for place in 0..signature.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128] {
                let mut changed = signature.to_vec();
                changed[place] ^= flip;
                assert!(check(&changed, TEXT).is_err(), "{who}: byte {place} of the signature, {flip}");
            }
            assert!(matches!(check(&signature[..place], TEXT), Err(Unproven::Malformed(_))), "cut at {place}");
            for put in [b'\n', b' ', b'A', b'='] {
                let mut longer = signature.to_vec();
                longer.insert(place, put);
                assert!(check(&longer, TEXT).is_err(), "{who}: {put} put in at {place}");
            }
        }
        for place in 0..TEXT.len() {
            let mut changed = TEXT.to_vec();
            changed[place] ^= 1;
            assert!(matches!(check(signature, &changed), Err(Unproven::Bad { .. })), "byte {place} of the text");
        }
        for more in ["\n", "x", "-----BEGIN SSH SIGNATURE-----\n"] {
            assert!(check(&[signature, more.as_bytes()].concat(), TEXT).is_err(), "{more:?} behind it");
        }
    }
}

#[test]
fn what_is_no_signature_is_told() {
    let check = |signature: &[u8]| everybody().verify(signature, TEXT, Role::Operator, "anna", at(NOW));
    for garbage in [&b""[..], b"\xff\xfe", b"yes", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", &[b'A'; 100_000]] {
        assert!(matches!(check(garbage), Err(Unproven::Malformed(_))));
    }
    assert_eq!(check(include_bytes!("vectors/rita.operator.sig")), Err(Unproven::Unsupported("ssh-rsa".to_owned())));
    assert_eq!(check(include_bytes!("vectors/paul.operator.sig")), Err(Unproven::Unsupported("ecdsa-sha2-nistp521".to_owned())));
    assert!(check(include_bytes!("vectors/anna.cert.sig")).is_err(), "a certificate's");
    let crlf = String::from_utf8_lossy(include_bytes!("vectors/anna.operator.sig")).replace('\n', "\r\n");
    assert!(matches!(check(crlf.as_bytes()), Err(Unproven::Malformed(_))));
}

/// The version is not among what the key signs.
#[test]
fn another_version_of_the_format_is_refused() {
    let version_0 = String::from_utf8_lossy(include_bytes!("vectors/anna.operator.sig")).replace("U1NIU0lHAAAAAQ", "U1NIU0lHAAAAAA");
    let check = everybody().verify(version_0.as_bytes(), TEXT, Role::Operator, "anna", at(NOW));
    assert_eq!(check, Err(Unproven::Malformed("it has another version".to_owned())));
}

#[test]
fn who_may_not_sign_is_told_why() {
    let text = format!(
        "anna namespaces=\"rig-operator\" {a}\nbert namespaces=\"rig-reviewer\",valid-after=\"20260201Z\",valid-before=\"20260301Z\" {b}\ncarl {c}\nbench namespaces=\"rig-*\" {d}\ndora namespaces=\"rig-operator\" {d}\n",
        a = public_of(1),
        b = public_of(2),
        c = public_of(3),
        d = public_of(4),
    );
    let signers = signers(&text);
    let check = |seed: u8, role: Role, principal: &str, time: &str| {
        signers.verify(&sign(seed, role.namespace(), TEXT), TEXT, role, principal, at(time)).map(|good| good.line)
    };
    assert_eq!(check(1, Role::Operator, "anna", NOW), Ok(1));
    assert!(matches!(check(9, Role::Operator, "anna", NOW), Err(Unproven::UnknownKey { .. })));
    assert!(matches!(check(1, Role::Operator, "bert", NOW), Err(Unproven::Principal { line: 1, .. })));
    assert!(matches!(check(1, Role::Reviewer, "anna", NOW), Err(Unproven::Role { line: 1, .. })));
    assert!(matches!(check(3, Role::Operator, "carl", NOW), Err(Unproven::Role { line: 3, .. })), "no namespaces, no role");
    // Both ends belong to the time in which a key is valid.
    assert!(matches!(check(2, Role::Reviewer, "bert", "2026-01-31T23:59:59Z"), Err(Unproven::NotYetValid { line: 2, .. })));
    assert_eq!(check(2, Role::Reviewer, "bert", "2026-02-01T00:00:00Z"), Ok(2));
    assert_eq!(check(2, Role::Reviewer, "bert", "2026-03-01T00:00:00Z"), Ok(2));
    assert!(matches!(check(2, Role::Reviewer, "bert", "2026-03-01T00:00:01Z"), Err(Unproven::Expired { line: 2, .. })));
    // A bench's key is a bench's, whatever other lines say.
    assert_eq!(check(4, Role::Bench, "bench", NOW), Ok(4));
    for (role, principal) in [(Role::Operator, "bench"), (Role::Operator, "dora"), (Role::Approver, "bench")] {
        assert!(matches!(check(4, role, principal, NOW), Err(Unproven::BenchKey { line: 4, .. })), "{role} {principal}");
    }
    let other = signers.verify(&sign(1, "file", TEXT), TEXT, Role::Operator, "anna", at(NOW));
    assert_eq!(other, Err(Unproven::Namespace { found: "file".to_owned(), expected: "rig-operator" }));
}

#[test]
fn a_key_on_several_lines_may_what_any_of_them_allows() {
    let key = public_of(1);
    let text = format!(
        "anna namespaces=\"rig-operator\",valid-before=\"20260101Z\" {key}\nanna,a.m namespaces=\"rig-operator\" {key}\n*@lab namespaces=\"rig-operator\" {key}\n"
    );
    let signers = signers(&text);
    let key = crate::signers::public_key(&key).expect("a key");
    assert_eq!(signers.may_sign(&key, Role::Operator, None, at(NOW)), Ok(vec!["anna".to_owned(), "a.m".to_owned()]));
    let signature = sign(1, "rig-operator", TEXT);
    assert_eq!(signers.verify(&signature, TEXT, Role::Operator, "anna", at(NOW)).map(|g| g.line), Ok(2));
    assert_eq!(signers.verify(&signature, TEXT, Role::Operator, "x@lab", at(NOW)).map(|g| g.line), Ok(3));
}

/// A FIDO key signs hashes with a flag and a counter between them (PROTOCOL.u2f).
#[test]
fn a_security_key_signs_too() {
    use sha2::{Digest, Sha256};
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let kind = b"sk-ssh-ed25519@openssh.com";
    let point = crate::tests_support::key(5).public_key().key_data().ed25519().expect("ed25519").0;
    let key = PublicKey::from_bytes(&[string(kind), string(&point), string(b"ssh:")].concat()).expect("a key");
    let to_sign = SshSig::signed_data("rig-operator", ssh_key::HashAlg::Sha512, TEXT).expect("data");
    let flags_and_counter = [1, 0, 0, 0, 7];
    let hashed = [Sha256::digest("ssh:").to_vec(), flags_and_counter.to_vec(), Sha256::digest(&to_sign).to_vec()].concat();
    let raw = [try_sign(5, &hashed), flags_and_counter.to_vec()].concat();
    let signature = ssh_key::Signature::new(ssh_key::Algorithm::SkEd25519, raw).expect("a signature");
    let sshsig = SshSig::new(key.key_data().clone(), "rig-operator", ssh_key::HashAlg::Sha512, signature).expect("a signature");
    let armored = sshsig.to_pem(LineEnding::LF).expect("armor");
    let signers = signers(&format!("anna namespaces=\"rig-operator\" {}", key.to_openssh().expect("a key")));
    // Held against ssh-keygen in `cli/tests/sign.rs`.
    assert_eq!(
        (&*armored, &*format!("{}\n", key.to_openssh().expect("a key"))),
        (include_str!("vectors/token.operator.sig"), include_str!("vectors/token.pub"))
    );
    let good = signers.verify(armored.as_bytes(), TEXT, Role::Operator, "anna", at(NOW));
    assert_eq!(good.map(|g| g.line), Ok(1));
    assert!(signers.verify(armored.as_bytes(), b"else", Role::Operator, "anna", at(NOW)).is_err());
}

/// Ed25519 over the bytes themselves.
fn try_sign(seed: u8, bytes: &[u8]) -> Vec<u8> {
    fn signature(key: &impl ssh_key::SigningKey, bytes: &[u8]) -> Vec<u8> {
        key.try_sign(bytes).expect("a signature").as_bytes().to_vec()
    }
    signature(&crate::tests_support::key(seed), bytes)
}
