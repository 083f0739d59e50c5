//! The run folder: what is in it, that it can be rebuilt and re-derived, and what becomes of it when it was cut off or altered.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rig_evidence::{Entry, FileDigest, Ledger, Manifest, Sha256Hex};
use serde_json::Value;
use support::{Outcome, Run, SHORT, WHOLE, chained_anew, first_difference, journal, names, rig, table, write};

/// DESIGN.md, section 7. A published interface: columns are only ever added at the end, with a new schema version.
const RESULTS_HEADER: &str = "schema_version,run_id,row,started_utc,bench,simulated,evidence,scenario,scenario_sha256,case,attempt,step,check,\
requirements,hazards,quantity,channel,nominal,value,value_text,unit,error_percent,n,statistic,\
window_s,standard_uncertainty,effective_dof,coverage_factor,expanded_uncertainty,lower_limit,upper_limit,decision_rule,acceptance_lower,\
acceptance_upper,probability_of_conformity,verdict,condition,reason_code,reason,certificates,\
started_s,ended_s,seed,dut_model,dut_serial,firmware_version,firmware_sha256,operator,guard_factor,rule_stated_by,family_members,family_risk,test_uncertainty_ratio,unstated,warnings,not_evidence";

fn smoke(more: &[&str]) -> Run {
    Run::of(&[&["scenarios/smoke", "--seed", "7"], more].concat())
}

fn report(folder: &Path, out: &Path) -> Outcome {
    Outcome::of(rig(["report"]).arg(folder).arg("--out").arg(out))
}

fn replay(folder: &Path) -> Outcome {
    Outcome::of(rig(["replay"]).arg(folder))
}

#[test]
fn a_whole_run_leaves_these_files_and_their_true_hashes() {
    let run = smoke(&["--operator", "=cmd()"]);
    run.outcome.expect(0, &[]);
    let folder = run.folder();
    assert_eq!(names(&folder), WHOLE);
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert!(name.split('_').nth(1) == Some("sim"), "{name}");
    assert!(run.outcome.stdout.contains(&format!("record: {}", folder.display())), "{}", run.outcome.stdout);

    let manifest = Manifest::parse(&fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let journal = journal(&folder);
    let link = journal.trim_end().strip_suffix("\"}").unwrap().rsplit_once('"').unwrap().1;
    assert_eq!((manifest.journal.lines, manifest.journal.complete), (journal.lines().count() as u64, true));
    assert_eq!(manifest.journal.link, Sha256Hex::parse(link));
    let header: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    assert_eq!(header["body"]["run_id"], manifest.run_id);
    let hashes: BTreeMap<String, FileDigest> = manifest.files;
    assert_eq!(
        hashes.keys().map(String::as_str).collect::<Vec<_>>(),
        WHOLE.into_iter().filter(|n| *n != "manifest.json").collect::<Vec<_>>()
    );
    for (name, told) in hashes {
        let bytes = fs::read(folder.join(&name)).unwrap();
        assert_eq!((told.sha256, told.bytes), (Sha256Hex::of(&bytes), bytes.len() as u64), "{name}");
    }

    let text = fs::read_to_string(folder.join("results.csv")).unwrap();
    assert_eq!(text.lines().next(), Some(RESULTS_HEADER));
    for row in run.table("results.csv") {
        assert_eq!((row["simulated"].as_str(), row["evidence"].as_str(), row["operator"].as_str()), ("true", "false", "'=cmd()"));
        assert!(row["value"].parse::<f64>().is_ok() || row["value"].is_empty(), "{row:?}");
    }
    let described: Value = serde_json::from_slice(&fs::read(folder.join("datapackage.json")).unwrap()).unwrap();
    let columns =
        described["resources"].as_array().unwrap().iter().find(|r| r["path"] == "results.csv").unwrap()["schema"]["fields"].clone();
    let columns: Vec<&str> = columns.as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(columns.join(","), RESULTS_HEADER);
}

#[test]
fn junit_has_a_test_case_for_each_check() {
    let run = smoke(&["--defect", "wrong_gain"]);
    let text = fs::read_to_string(run.folder().join("junit.xml")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e) => {
                *seen.entry(String::from_utf8(e.name().as_ref().to_vec()).unwrap()).or_default() += 1;
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    let results = run.table("results.csv");
    // What can't be decided is a failure there too, never skipped.
    let failed = results.iter().filter(|r| ["FAIL", "INCONCLUSIVE"].contains(&r["verdict"].as_str())).count();
    assert_eq!((seen["testcase"], seen["failure"]), (results.len(), failed));
}

#[test]
fn every_view_is_rebuilt_byte_for_byte() {
    let run = smoke(&["--defect", "wrong_gain"]);
    run.outcome.expect(1, &[]);
    let (folder, out) = (run.folder(), run.dir.path().join("again"));
    let outcome = report(&folder, &out);
    outcome.expect(1, &[]);
    for name in WHOLE.into_iter().filter(|n| *n != "journal.jsonl") {
        assert!(fs::read(folder.join(name)).unwrap() == fs::read(out.join(name)).unwrap(), "{name} differs");
    }
    let summary = run.outcome.stdout.rsplit_once("record: ").unwrap().0;
    assert_eq!(outcome.stdout, summary, "the same words on the terminal");

    // In place: what was removed or spoilt comes back.
    let before: Vec<Vec<u8>> = WHOLE.iter().map(|n| fs::read(folder.join(n)).unwrap()).collect();
    fs::remove_file(folder.join("junit.xml")).unwrap();
    fs::write(folder.join("results.csv"), "spoilt").unwrap();
    Outcome::of(rig(["report"]).arg(&folder)).expect(1, &[]);
    assert!(before == WHOLE.iter().map(|n| fs::read(folder.join(n)).unwrap()).collect::<Vec<_>>());
    assert_eq!(names(&folder), WHOLE);
}

/// Every line boundary of a short run with a FAIL in it, and places in the middle of lines.
#[test]
fn a_journal_cut_off_anywhere_keeps_its_fails_and_never_passes() {
    let scenario = SHORT.replace("  - wait", "  - program: { basal: 2 L/h }\n  - wait");
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "short.yaml", scenario);
    let run = Run::with(dir, &[path.to_str().unwrap(), "--seed", "7"]);
    run.outcome.expect(1, &[]);
    let whole = journal(&run.folder());
    let fail = whole.lines().position(|l| l.contains(r#""kind":"check""#) && l.contains(r#""FAIL""#)).expect("a FAIL") + 1;
    let boundaries: Vec<usize> = whole.match_indices('\n').map(|(i, _)| i + 1).collect();
    let lines = boundaries.len();
    // Whole lines only, half of the next line, and all of it but its end.
    let mut cuts: Vec<(usize, usize)> = vec![(0, 0), (1, 0)];
    for (n, &end) in boundaries.iter().enumerate().take(lines - 1) {
        let next = boundaries[n + 1];
        cuts.push((end, n + 1));
        if n % 7 == 0 {
            cuts.extend([(end + (next - end) / 2, n + 1), (next - 2, n + 1)]);
        }
    }
    for (bytes, complete_lines) in cuts {
        check_cut(run.dir.path(), &whole.as_bytes()[..bytes], complete_lines >= fail);
    }
}

fn check_cut(dir: &Path, bytes: &[u8], fail_is_in: bool) {
    let cut = dir.join("cut");
    let _ = fs::remove_dir_all(&cut);
    write(&cut, "journal.jsonl.partial", bytes);
    let at = bytes.len();
    let out = cut.join("out");
    let outcome = report(&cut, &out);
    assert_eq!(outcome.signal, None, "{outcome:#?}");
    let code = outcome.code.unwrap();
    assert!([1, 4, 5].contains(&code), "cut at {at}: {outcome:#?}");
    assert!(!outcome.stderr.is_empty() && !outcome.stderr.contains("panicked"), "cut at {at}: {outcome:#?}");
    assert!(!outcome.stdout.lines().any(|l| l.starts_with("PASS  cases")), "cut at {at}: {outcome:#?}");
    assert_eq!(code == 1, fail_is_in, "a FAIL stays, cut at {at}: {outcome:#?}");
    if fail_is_in {
        assert!(table(&out.join("results.csv")).iter().any(|r| r["verdict"] == "FAIL"), "cut at {at}");
        assert!(table(&out.join("scenarios.csv")).iter().all(|r| r["verdict"] == "FAIL"), "cut at {at}");
    }
    // It is no whole record for the replay either.
    assert_eq!(replay(&cut).code, Some(4), "cut at {at}");
}

#[test]
fn a_replay_is_identical() {
    for more in [&[][..], &["--defect", "resets_midway"], &["--delivery-delay", "400"]] {
        let run = smoke(more);
        let outcome = replay(&run.folder());
        outcome.expect(0, &[]);
        assert_eq!(outcome.stdout, format!("identical: {} facts\n", journal(&run.folder()).lines().count()), "{more:?}");
    }
}

/// Whoever makes a FAIL a PASS in the record is found, and so is whoever changes what was measured.
#[test]
fn an_altered_journal_is_shown_at_its_first_difference() {
    let run = smoke(&["--defect", "wrong_gain"]);
    let folder = run.folder();
    let whole = journal(&folder);
    let altered = |from: &str, to: &str, kind: &str| {
        let mut done = None;
        let lines = whole.lines().enumerate().map(|(n, line)| {
            if done.is_none() && line.contains(kind) && line.contains(from) {
                done = Some(n + 1);
                return line.replacen(from, to, 1) + "\n";
            }
            format!("{line}\n")
        });
        let text: String = lines.collect();
        (text, done.unwrap_or_else(|| panic!("no {kind} with {from}")))
    };
    // As it stands it is found by its chain; one that was chained anew, by the replay.
    let (text, line) = altered(r#""FAIL""#, r#""PASS""#, r#""kind":"check""#);
    fs::write(folder.join("journal.jsonl"), text).unwrap();
    replay(&folder).expect(4, &[&format!("line {line} of the journal: the chain is broken")]);
    for (from, to, kind) in [(r#""FAIL""#, r#""PASS""#, r#""kind":"check""#), (r#""then":["#, r#""then":[1,"#, r#""channel":"flow.tip""#)] {
        let (text, line) = altered(from, to, kind);
        fs::write(folder.join("journal.jsonl"), chained_anew(&text)).unwrap();
        let outcome = replay(&folder);
        outcome.expect(4, &[]);
        let shown: usize = outcome
            .stdout
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("different at line "))
            .unwrap_or_else(|| panic!("{outcome:#?}"))
            .parse()
            .unwrap();
        assert!(shown >= line, "{outcome:#?}");
        assert!(kind.contains("flow") || shown == line, "{outcome:#?}");
        assert!(outcome.stdout.contains("  recorded: ") && outcome.stdout.contains("  replayed: "), "{outcome:#?}");
    }
    // A line that is no fact any more.
    fs::write(folder.join("journal.jsonl"), chained_anew(&whole.replacen(r#""kind":"check""#, r#""kind":"chick""#, 1))).unwrap();
    replay(&folder).expect(4, &["line ", "journal.jsonl"]);
    let outcome = report(&folder, &run.dir.path().join("out"));
    assert_ne!(outcome.code, Some(0), "{outcome:#?}");
    assert!(outcome.stderr.contains("line "), "{outcome:#?}");
}

#[test]
fn the_same_seed_gives_the_same_record() {
    let [a, b] = [(); 2].map(|()| journal(&smoke(&[]).folder()));
    assert_eq!(first_difference(&a, &b), None);
    let other = journal(&Run::of(&["scenarios/smoke", "--seed", "8"]).folder()).replacen("\"seed\":8", "\"seed\":7", 1);
    let (line, ..) = first_difference(&a, &other).expect("another seed is another run");
    assert!(line > 1, "the headers differ, and nothing was learnt of what follows");
}

#[test]
fn the_ledger_chains_starts_and_ends_of_all_runs_and_numbers_them() {
    let dir = tempfile::tempdir().unwrap();
    let short = write(dir.path(), "short.yaml", SHORT);
    let reports = support::reports(dir.path());
    for number in 1..=3 {
        let outcome = Outcome::of(&mut Run::command(dir.path(), &[short.to_str().unwrap()]));
        outcome.expect(0, &[]);
        assert!(outcome.stdout.contains(&format!("run {number}, bench sim")), "{outcome:#?}");
    }
    let bytes = fs::read(reports.join("ledger.jsonl")).unwrap();
    let ledger = Ledger::read(&bytes);
    assert_eq!(ledger.faults, []);
    let mut folders = Vec::new();
    for (number, lines) in (1..).zip(ledger.lines.chunks(2)) {
        let [start, end] = lines else { panic!("{lines:#?}") };
        let (Entry::Started { number: told, folder, .. }, Entry::Ended(end)) = (&start.line.entry, &end.line.entry) else {
            panic!("{lines:#?}")
        };
        let run = reports.join(folder);
        let header: Value = serde_json::from_str(journal(&run).lines().next().unwrap()).unwrap();
        assert_eq!((*told, &header["body"]["provenance"]["number"]), (number, &Value::from(number)));
        let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
        assert_eq!(end.manifest_sha256, Some(Sha256Hex::of(&manifest)));
        assert_eq!(end.journal, Some(Manifest::parse(&manifest).unwrap().journal));
        assert_eq!((end.verdict.as_deref(), end.exit_code), (Some("PASS"), Some(0)));
        folders.push(folder.clone());
    }
    assert_eq!(folders.len(), 3);
    folders.push("ledger.jsonl".to_owned());
    folders.sort();
    assert_eq!(names(&reports), folders);
}

/// What people signed is not written over by what comes out otherwise.
#[test]
fn the_reports_of_a_signed_run_come_out_as_they_were_or_not_at_all() {
    let run = smoke(&[]);
    let folder = run.folder();
    write(&folder, "signed/0001-operator.json", "{}\n");
    let before = fs::read(folder.join("manifest.json")).unwrap();
    fs::write(folder.join("results.csv"), "spoilt").unwrap();
    Outcome::of(rig(["report"]).arg(&folder)).expect(0, &[]);
    assert!(fs::read_to_string(folder.join("results.csv")).unwrap().starts_with(RESULTS_HEADER));
    assert!(fs::read(folder.join("manifest.json")).unwrap() == before);

    // As a rig of another version would have written it.
    let other = String::from_utf8(before).unwrap().replacen("\"bytes\": ", "\"bytes\": 1", 1);
    fs::write(folder.join("manifest.json"), &other).unwrap();
    fs::write(folder.join("results.csv"), "kept").unwrap();
    let refused = Outcome::of(rig(["report"]).arg(&folder));
    refused.expect(4, &["is signed", "nothing was written", "--out", "manifest.json differs"]);
    assert_eq!(fs::read_to_string(folder.join("results.csv")).unwrap(), "kept");
    assert_eq!(fs::read_to_string(folder.join("manifest.json")).unwrap(), other);
    assert!(names(&folder).iter().all(|n| !n.ends_with(".partial")), "{:?}", names(&folder));
    report(&folder, &run.dir.path().join("elsewhere")).expect(0, &[]);

    // Without a signature it is written, told, and entered into the ledger.
    fs::remove_dir_all(folder.join("signed")).unwrap();
    Outcome::of(rig(["report"]).arg(&folder)).expect(0, &["not those that were here before"]);
    let ledger = Ledger::read(&fs::read(folder.parent().unwrap().join("ledger.jsonl")).unwrap());
    let last = &ledger.lines.last().unwrap().line.entry;
    let manifest = Sha256Hex::of(fs::read(folder.join("manifest.json")).unwrap());
    assert!(matches!(last, Entry::Recovered(closing) if closing.manifest_sha256 == Some(manifest)), "{last:?}");
}

#[test]
fn a_folder_without_a_record_is_bad_usage() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["report", "replay"] {
        Outcome::of(rig([command]).arg(dir.path())).expect(2, &["there is no journal.jsonl in", "name the folder of one run"]);
        Outcome::of(rig([command]).arg(dir.path().join("none"))).expect(2, &["there is no journal.jsonl in"]);
    }
    write(dir.path(), "journal.jsonl", "{}\n");
    for command in ["report", "replay"] {
        Outcome::of(rig([command]).arg(dir.path())).expect(4, &["line 1"]);
    }
}
