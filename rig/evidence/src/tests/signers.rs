use super::*;
use crate::tests_support::{at, public, public_of, signers};

/// The file's only line, with one key behind the options.
fn wrong(line: &str) -> Wrong {
    let mut errors = Signers::parse(&line.replace("KEY", &public_of(1))).expect_err(line);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0).wrong
}

#[test]
fn every_error_of_the_file_is_told_with_its_line() {
    let text = format!("# people\n\nanna\nbert sings=\"x\" {key}\ncarl {key}\n  \t\ndora ssh-ed25519 AAAA\n", key = public_of(1));
    let errors = Signers::parse(&text).expect_err("three are wrong");
    assert_eq!(errors.iter().map(|e| e.line).collect::<Vec<_>>(), [3, 4, 7]);
    assert_eq!(
        errors[1].to_string(),
        "line 4: unknown option `sings`; there are namespaces=\"…\", valid-after=\"…\" and valid-before=\"…\""
    );
}

#[test]
fn what_can_not_be_understood_is_refused() {
    assert_eq!(wrong("anna"), Wrong::Incomplete);
    assert_eq!(wrong("anna namespaces=\"rig-operator\""), Wrong::Incomplete);
    assert_eq!(wrong("anna namespaces=\"rig-operator\"KEY"), Wrong::Incomplete);
    assert_eq!(wrong("anna namespaces=\"rig-operator\" "), Wrong::Incomplete);
    assert_eq!(wrong("anna,,bert KEY"), Wrong::Principal);
    assert_eq!(wrong("\"anna\" KEY"), Wrong::Principal);
    assert_eq!(wrong("anna\u{7} KEY"), Wrong::Character);
    assert_eq!(wrong("\u{feff}anna KEY"), Wrong::Character);
    assert_eq!(wrong("anna namespaces=rig-operator KEY"), Wrong::Quotes("namespaces"));
    assert_eq!(wrong("anna namespaces=\"rig-operator KEY"), Wrong::Quotes("namespaces"));
    assert_eq!(wrong("anna namespaces=\"rig\\\" KEY"), Wrong::Quotes("namespaces"));
    assert_eq!(wrong("anna namespaces=\"\" KEY"), Wrong::Namespaces);
    assert_eq!(wrong("anna namespaces=\"a\",namespaces=\"b\" KEY"), Wrong::Twice("namespaces"));
    assert_eq!(wrong("anna namespaces KEY"), Wrong::Option("namespaces".to_owned()));
    assert_eq!(wrong("anna ,namespaces=\"a\" KEY"), Wrong::Option(String::new()));
    assert_eq!(wrong("anna cert-authority KEY"), Wrong::Authority);
    assert_eq!(wrong("anna CERT-AUTHORITY,namespaces=\"a\" KEY"), Wrong::Authority);
    assert_eq!(wrong(&format!("anna {}", include_str!("vectors/anna-cert.pub").trim_end())), Wrong::Authority);
    assert_eq!(wrong(&format!("rita {}", public("rita"))), Wrong::KeyType("ssh-rsa".to_owned()));
    assert_eq!(wrong(&format!("paul {}", public("paul"))), Wrong::KeyType("ecdsa-sha2-nistp521".to_owned()));
    for broken in
        ["ssh-ed25519 AAAA", "ssh-ed25519 ????", "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIJts2Qv9FuQnpCToZ9m9gK+ueGeyuY29mtpTdnLw6Et8"]
    {
        assert!(matches!(wrong(&format!("anna {broken}")), Wrong::Key(_)), "{broken}");
    }
}

#[test]
fn times_are_in_utc_and_of_the_calendar() {
    let read = |value: &str| {
        let text = format!("anna valid-after=\"{value}\" {}", public_of(1));
        Signers::parse(&text).map(|s| s.entries[0].after.expect("a time")).map_err(|mut e| e.remove(0).wrong)
    };
    assert_eq!(read("20260131Z"), Ok(at("2026-01-31T00:00:00Z")));
    assert_eq!(read("202601311530Z"), Ok(at("2026-01-31T15:30:00Z")));
    assert_eq!(read("20260131153059z"), Ok(at("2026-01-31T15:30:59Z")));
    assert_eq!(read("20260131"), Err(Wrong::TimeZone("20260131".to_owned())));
    for no_time in ["", "Z", "20260230Z", "20261301Z", "2026013Z", "2026013115Z", "202601312460Z", "+0260131Z", "20260131 Z", "２０２６Z"]
    {
        assert_eq!(read(no_time), Err(Wrong::Time(no_time.to_owned())), "{no_time}");
    }
    let span = |after, before| format!("anna valid-after=\"{after}\",valid-before=\"{before}\" KEY");
    assert_eq!(wrong(&span("20260131Z", "20260131Z")), Wrong::Never);
}

#[test]
fn a_line_says_whose_key_may_do_what() {
    let (a, b, c) = (public_of(1), public_of(2), public_of(3));
    let text = format!(
        "anna,anna@lab\tnamespaces=\"rig-operator,rig-approver\",Valid-Before=\"20270101Z\"\t{a} her laptop\r\n bench-3 NAMESPACES=\"rig-bench\" {b}\nbert {c}\n"
    );
    let signers = signers(&text);
    assert_eq!(signers.who(Role::Operator), [("anna,anna@lab".to_owned(), fingerprint(&signers.entries[0].key))]);
    assert_eq!(signers.who(Role::Bench).len(), 1);
    assert_eq!(signers.who(Role::Reviewer), [], "a line without namespaces gives no role");
    assert_eq!(signers.entries[0].before, Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(signers.bench_line(&signers.entries[1].key), Some(2));
}

#[test]
fn no_text_makes_the_reader_panic() {
    let line = format!("anna,b* namespaces=\"rig-operator\",valid-after=\"20260101Z\" {} c", public_of(1));
    for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
        let _ = Signers::parse(&line[..end]);
        let _ = Signers::parse(&line[end..]);
        for put in ["\"", ",", " ", "=", "µ", "\0", "\n"] {
            let _ = Signers::parse(&format!("{}{put}{}", &line[..end], &line[end..]));
        }
    }
}
