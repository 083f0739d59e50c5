use super::*;
use crate::manifest::Head;
use crate::statement::Disposition;
use crate::tests_support::{public_of, sign, signers};

const RUN: &str = "8f14e45f-ceea-467f-9c3a-000000000001";

fn manifest() -> String {
    let journal = Head { lines: 3, link: Some(Sha256Hex::of("link")), complete: true };
    Manifest { v: 1, run_id: RUN.to_owned(), journal, files: BTreeMap::new() }.render().expect("JSON")
}

type Files = Vec<(String, Vec<u8>)>;

/// Adds what a key of that seed signs next.
fn add(files: &mut Files, role: Role, seed: u8, utc: &str, what: Signed) {
    let chain = Chain::of(RUN, manifest().as_bytes(), files);
    let signer = ["bench-3", "anna", "bert", "carl"][usize::from(seed)];
    let statement = Statement {
        v: Statement::VERSION,
        number: chain.next,
        run_id: RUN.to_owned(),
        role,
        signer: signer.to_owned(),
        name: signer.to_owned(),
        utc: utc.to_owned(),
        meaning: "as it says".to_owned(),
        what,
        covers: chain.covers,
    };
    let text = statement.render().expect("JSON").into_bytes();
    let name = |file: String| file.strip_prefix("signed/").expect("the folder").to_owned();
    files.push((name(statement.file()), text.clone()));
    files.push((name(statement.signature_file()), sign(seed, role.namespace(), &text)));
}

fn whole() -> Files {
    let mut files = Files::new();
    add(&mut files, Role::Bench, 0, "2026-11-25T10:00:00Z", Signed::Record);
    add(&mut files, Role::Operator, 1, "2026-11-25T10:05:00Z", Signed::Record);
    let open = Signed::Deviation { row: 3, id: "PR-1".to_owned(), disposition: Disposition::Open };
    add(&mut files, Role::Operator, 1, "2026-11-25T10:06:00Z", open);
    add(&mut files, Role::Reviewer, 2, "2026-11-25T11:00:00Z", Signed::Record);
    files
}

fn people() -> Signers {
    let line = |(who, role, seed)| format!("{who} namespaces=\"{role}\" {}\n", public_of(seed));
    signers(&[("bench-3", "rig-bench", 0), ("anna", "rig-operator", 1), ("bert", "rig-reviewer", 2)].map(line).concat())
}

fn of(files: &Files) -> Chain {
    Chain::of(RUN, manifest().as_bytes(), files)
}

/// Nothing is wrong, with the chain or with any signature.
fn sound(chain: &Chain) -> bool {
    chain.faults.is_empty() && chain.signatures(&people()).iter().all(Result::is_ok)
}

#[test]
fn a_chain_that_nobody_touched_is_sound() {
    let chain = of(&whole());
    assert!(sound(&chain), "{:?}", chain.faults);
    assert_eq!((chain.statements.len(), chain.next, chain.covers.len()), (4, 5, 9));
    assert_eq!(chain.warnings, [""; 0]);
    let names: Vec<String> = chain.statements.iter().map(|s| s.statement.file()).collect();
    assert_eq!(names, ["signed/0001-bench.json", "signed/0002-operator.json", "signed/0003-deviation.json", "signed/0004-reviewer.json"]);
    // Nothing signed yet is a chain too.
    assert!(sound(&of(&Files::new())));
}

#[test]
fn no_byte_can_be_changed() {
    let files = whole();
    for (place, (name, bytes)) in files.iter().enumerate() {
        for at in 0..bytes.len() {
            let mut changed = files.clone();
            changed[place].1[at] ^= 1;
            assert!(!sound(&of(&changed)), "{name}, byte {at}");
        }
    }
}

#[test]
fn nothing_can_be_removed_but_what_the_ledger_keeps() {
    let files = whole();
    for place in 0..files.len() {
        let mut changed = files.clone();
        let (name, _) = changed.remove(place);
        assert!(!of(&changed).faults.is_empty(), "{name}");
    }
    // The last statement with its signature leaves a whole chain: that one is missed in the ledger of runs.
    assert!(sound(&of(&files[..6].to_vec())));
    let mut changed = files.clone();
    changed.drain(2..4);
    assert_eq!(faults(&changed)[0], "signed/0003-deviation.json: statement 2 is missing before it");
}

fn faults(files: &Files) -> Vec<String> {
    of(files).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn swapped_and_renamed_statements_are_found() {
    let files = whole();
    for (a, b) in (0..files.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let mut changed = files.clone();
        let text = std::mem::take(&mut changed[a].1);
        changed[a].1 = std::mem::replace(&mut changed[b].1, text);
        assert!(!sound(&of(&changed)), "{} and {}", files[a].0, files[b].0);
    }
    let mut renamed = files;
    renamed[6].0 = "0004-approver.json".to_owned();
    renamed[7].0 = "0004-approver.json.sig".to_owned();
    assert_eq!(faults(&renamed), ["signed/0004-approver.json: by what it says it should be called `signed/0004-reviewer.json`"]);
}

#[test]
fn a_statement_of_another_run_or_manifest_is_found() {
    let files = whole();
    let other = Chain::of("another", manifest().as_bytes(), &files);
    assert_eq!(other.faults.len(), 4);
    let other = Chain::of(RUN, b"{}\n", &files);
    assert_eq!(other.faults.len(), 4);
    assert!(other.faults[0].to_string().contains("covers `manifest.json` with SHA-256"), "{}", other.faults[0]);
}

#[test]
fn files_with_strange_names_are_found() {
    for name in [
        "",
        "x",
        ".hidden",
        "README.md",
        "0005-operator",
        "0005-operator.json.sig.sig",
        "5-operator.json",
        "00005-operator.json",
        "+005-operator.json",
        "0000-operator.json",
        "0005-singer.json",
        "0005-operator.JSON",
        "0005-operator.json ",
        "0005-operator.json\n",
        "٠٠٠٥-operator.json",
    ] {
        let mut files = whole();
        files.push((name.to_owned(), b"{}".to_vec()));
        let chain = of(&files);
        assert!(matches!(chain.faults[..], [ChainFault { broken: Broken::Stray, .. }]), "{name}: {:?}", chain.faults);
        assert_eq!(chain.next, 5, "{name}");
    }
    let with = |name: &str| {
        let mut files = whole();
        files.push((name.to_owned(), Vec::new()));
        faults(&files)
    };
    assert_eq!(with("0005-operator.json.sig"), ["signed/0005-operator.json.sig: it is a signature without its statement"]);
    assert!(with("0005-operator.json.partial")[0].contains("cut off"));
    assert!(with("0004-operator.json").iter().any(|f| f.contains("another statement with its number")));
    assert!(with("4294967295-operator.json")[0].contains("statement 5 is missing before it"));
}

#[test]
fn a_clock_that_went_back_is_told_and_breaks_nothing() {
    let mut files = whole();
    add(&mut files, Role::Operator, 1, "2026-11-25T09:00:00Z", Signed::Record);
    let chain = of(&files);
    assert!(sound(&chain), "{:?}", chain.faults);
    assert_eq!(chain.warnings.len(), 1);
    add(&mut files, Role::Operator, 1, "yesterday", Signed::Record);
    assert!(faults(&files)[0].contains("its time is `yesterday`"));
}

#[test]
fn a_bench_makes_no_deviations() {
    let mut files = Files::new();
    let open = Signed::Deviation { row: 1, id: "PR-1".to_owned(), disposition: Disposition::AcceptAsIs };
    add(&mut files, Role::Bench, 0, "2026-11-25T10:00:00Z", open);
    assert!(faults(&files)[0].contains("a bench makes no deviations"));
}

#[test]
fn more_than_9999_statements_stay_in_order() {
    assert_eq!(number("9999-bench.json"), Some(9999));
    assert_eq!(number("10000-bench.json"), Some(10000));
    assert_eq!(number("010000-bench.json"), None);
}
