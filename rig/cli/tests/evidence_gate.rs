//! `--evidence`, and what a run says of its tool, its firmware, its clock and its surroundings.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

#[path = "support/hardware.rs"]
mod hardware;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rig_model::fact::{Body, Fact, Header, Note};
use rig_record::{JournalReader, JournalWriter};
use serde_json::Value;
use support::{Outcome, Run, SHORT, WHOLE, folder, journal, reports, rig, table, write};

const PROCESS: &str = "rig/benches/process.toml";
const STATED: [&str; 8] = ["--temperature", "22.5 °C", "--humidity", "41 %", "--air-pressure", "1009 hPa", "--liquid", "water, lot 17"];

fn header(folder: &Path) -> Value {
    let header: Value = serde_json::from_str(journal(folder).lines().next().expect("a header")).unwrap();
    header["body"].clone()
}

fn short(dir: &Path) -> String {
    write(dir, "short.yaml", SHORT).display().to_string()
}

/// The program itself, which hosts the firmware.
fn image() -> String {
    env!("CARGO_BIN_EXE_rig").to_owned()
}

#[test]
fn a_simulated_run_is_refused_with_every_reason_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let run = Run::with(dir, &["--evidence", &short, "--defect", "slow_stop", "--delivery-delay", "5"]);
    let words = [
        "nothing was played, because the run would be no evidence:\n",
        "\n  the bench is simulated (`kind = \"sim\"`)\n",
        "\n  the pump has a defect on purpose (`--defect slow_stop`)\n",
        "\n  inputs were delayed on purpose (`--delivery-delay`)\n",
        "\n  no firmware image and no build hash is named",
        "\n  no operator is named (`--operator`)\n",
        "\n  the environment is not stated (`--temperature`, `--humidity`, `--air-pressure`, `--liquid`)\n",
        "\n  there is no approved test plan\n",
    ];
    run.outcome.expect(2, &words);
    assert!(!run.outcome.stderr.contains("it was played without"), "{}", run.outcome.stderr);
    assert_eq!(folder(&reports(run.dir.path())), None, "nothing was played");
}

#[test]
fn a_plain_run_says_what_it_is_and_why_it_is_no_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let run = Run::with(dir, &[&[short.as_str(), "--operator", "A. Ngo", "--firmware", &image()], &STATED[..]].concat());
    run.outcome.expect(0, &[]);
    let reasons = "it was played without `--evidence`; the bench is simulated (`kind = \"sim\"`); there is no approved test plan";
    for name in ["results.csv", "scenarios.csv"] {
        for row in run.table(name) {
            assert_eq!((row["evidence"].as_str(), row["not_evidence"].as_str()), ("false", reasons), "{name}");
        }
    }
    let line = "NOT EVIDENCE: it was played without `--evidence`; and 2 more reasons, which every row of results.csv names\n";
    assert!(run.outcome.stdout.contains(line), "{}", run.outcome.stdout);

    let header = header(&run.folder());
    let provenance = &header["provenance"];
    assert_eq!(
        provenance["environment"],
        serde_json::json!({"temperature": 22.5, "humidity": 41.0, "air_pressure": 1009.0, "liquid": "water, lot 17"})
    );
    assert_eq!(provenance["clock"], Value::Null, "virtual time has no clock on the wall");
    assert_eq!(provenance["rig"]["executable_sha256"], Value::Null, "and starts in an instant");
    assert_eq!(provenance["rig"]["lock_sha256"].as_str().map(str::len), Some(64));
    let firmware = &provenance["firmware"];
    assert_eq!(firmware["bytes"].as_u64(), Some(fs::metadata(image()).unwrap().len()));
    assert_eq!(firmware["build_hashes"][0], run.table("results.csv")[0]["firmware_sha256"].as_str(), "the board tells what its image says");
    let files: Vec<&str> = header["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert!(files.contains(&"scenarios/requirements.csv"), "{files:?}");
    Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);
    let explained = Outcome::of(rig(["explain"]).arg(run.folder()).arg("1"));
    assert!(explained.stdout.contains("NOT EVIDENCE: the bench is simulated"), "{}", explained.stdout);
}

#[test]
fn machines_are_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let run = Run::with(dir, &[short.as_str(), "--json"]);
    let first: Value = serde_json::from_str(run.outcome.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["kind"], &first["body"]["evidence"]), (&Value::from("evidence"), &Value::from(false)));
    assert_eq!(first["body"]["not_evidence"][0], "it was played without `--evidence`");
}

#[test]
fn another_firmware_is_refused_and_a_replay_refuses_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let other = write(dir.path(), "other.elf", format!("\0pump-build:{hash}\n"));
    let run = Run::with(dir, &[short.as_str(), "--firmware", &other.display().to_string()]);
    run.outcome.expect(4, &[]);
    let row = run.table("results.csv").into_iter().find(|row| row["reason_code"] == "wrong_dut").expect("a row");
    assert_eq!((row["verdict"].as_str(), row["check"].as_str()), ("ERROR", "the pump runs the firmware that was named"));
    let told = row["firmware_sha256"].as_str();
    let words = format!("the board tells build hash {told} (firmware 0.1.0), but `{}` is {hash} or ", other.display());
    assert!(row["reason"].starts_with(&words), "{}", row["reason"]);
    assert!(run.table("results.csv").iter().all(|row| row["verdict"] != "PASS"));
    Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);
}

#[test]
fn a_bench_file_names_its_firmware() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let told = {
        let run = Run::of(&[&short]);
        run.table("results.csv")[0]["firmware_sha256"].clone()
    };
    let bench = |dut: &str| {
        let text = fs::read_to_string(support::project().join("rig/benches/sim.toml")).unwrap();
        write(dir.path(), "benches/b.toml", text.replace("[dut]", &format!("[dut]\n{dut}"))).display().to_string()
    };
    fs::create_dir_all(dir.path().join("benches")).unwrap();
    write(dir.path(), "benches/fw/pump.bin", format!("pump-build:{told}\n"));
    let other = "ab".repeat(20);
    for (dut, code, words) in [
        ("firmware = \"fw/pump.bin\"".to_owned(), 0, ""),
        (format!("build_hash = \"{told}\""), 0, ""),
        (format!("firmware = \"fw/pump.bin\"\nbuild_hash = \"{told}\""), 0, ""),
        (format!("build_hash = \"{other}\""), 4, ""),
        (format!("firmware = \"fw/pump.bin\"\nbuild_hash = \"{other}\""), 2, "the bench file names build hash abab"),
        ("firmware = \"fw/none.bin\"".to_owned(), 2, "failed to read the firmware image"),
        ("build_hash = \"abc\"".to_owned(), 2, "`build_hash` can't be `abc`"),
    ] {
        let run = Run::of(&["--bench", &bench(&dut), &short]);
        run.outcome.expect(code, &[words]);
        if code != 2 {
            Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);
        }
    }
}

#[test]
fn flags_that_say_nothing_sensible_are_named() {
    let empty = tempfile::tempdir().unwrap();
    let nothing = write(empty.path(), "empty.elf", "").display().to_string();
    for (flag, value, words) in [
        ("--temperature", "22", "`22` is no temperature; for example `22.5 °C`"),
        ("--temperature", "295 °C", "295 °C can't be: from 0 °C to 50 °C is taken"),
        ("--humidity", "0.4", "`0.4` has no unit"),
        ("--air-pressure", "1013 mbar", "unknown unit `mbar`"),
        ("--liquid", " ", "the liquid and its lot"),
        ("--firmware", "none.elf", "failed to read the firmware image `none.elf`"),
        ("--firmware", &nothing, "empty.elf` is empty"),
        ("--firmware", ".", "the firmware image `.` is no file"),
    ] {
        let run = Run::of(&[flag, value]);
        let named = if flag == "--firmware" { "firmware image" } else { flag };
        run.outcome.expect(2, &[words, named]);
    }
}

#[test]
fn the_process_bench_notes_clock_and_executable() {
    let dir = tempfile::tempdir().unwrap();
    let short = short(dir.path());
    let run = Run::with(dir, &["--bench", PROCESS, &short, "--firmware", &image()]);
    run.outcome
        .expect(0, &["not evidence: it was played without `--evidence`", "not evidence: the bench is simulated (`kind = \"process\"`)"]);
    let header = header(&run.folder());
    let (build, clock) = (&header["provenance"]["rig"], &header["provenance"]["clock"]);
    assert_eq!(build["executable_sha256"].as_str().map(str::len), Some(64), "{build}");
    assert!(clock["utc"].as_str().is_some_and(|utc| utc.ends_with('Z')) && clock["synchronised"].is_boolean(), "{clock}");
    let journal = journal(&run.folder());
    let kinds: Vec<Value> = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].clone()).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["wall_clock", "run_ended"]);
    assert_eq!(run.table("events.csv").iter().filter(|row| row["kind"] == "wall_clock").count(), 1);
    Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);
}

/// The record of a run with another header, and with a note before its end, if there is one.
fn rewritten(of: &Path, change: fn(&mut Header), note: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("run");
    fs::create_dir(&record).unwrap();
    let mut writer = JournalWriter::new(fs::File::create(record.join("journal.jsonl")).unwrap());
    for read in JournalReader::new(std::io::BufReader::new(fs::File::open(of.join("journal.jsonl")).unwrap())) {
        let (_, mut fact) = read.unwrap();
        if let Body::Header(header) = &mut fact.body {
            change(header);
        }
        if let (Body::Event(rig_model::event::Event::RunEnded(_)), Some(why)) = (&fact.body, note) {
            writer.write(&Fact { at: fact.at, arrival: None, body: Body::Note(Note::NotEvidence { why: why.to_owned() }) }).unwrap();
        }
        writer.write(&fact).unwrap();
    }
    writer.flush().unwrap();
    (dir, record)
}

#[test]
fn what_came_to_light_late_marks_the_rebuilt_reports() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::with(dir, &["scenarios/smoke", "--seed", "7"]);
    for (note, evidence) in [(None, "true"), (Some("the clock on the wall was lost"), "false")] {
        let (_dir, record) = rewritten(&run.folder(), hardware::real, note);
        let outcome = Outcome::of(rig(["report"]).arg(&record));
        outcome.expect(0, &[]);
        let line = format!("NOT EVIDENCE: {}\n", note.unwrap_or_default());
        assert_eq!(outcome.stdout.contains(&line), note.is_some(), "{}", outcome.stdout);
        for name in WHOLE.iter().filter(|name| name.ends_with(".csv")) {
            let rows = table(&record.join(name));
            assert!(rows.iter().all(|row| row["evidence"] == evidence), "{name}: {:?}", rows.first());
            assert!(rows.iter().all(|row| row.get("not_evidence").is_none_or(|why| why == note.unwrap_or_default())), "{name}");
        }
        let pooled = record.with_extension("csv");
        // One unit is no verification.
        Outcome::of(rig(["pool"]).arg(&record).arg("--out").arg(&pooled)).expect(3, &[]);
        assert!(table(&pooled).iter().all(|row| row["evidence"] == evidence), "{:?}", table(&pooled).first());
    }
}

#[test]
fn a_note_is_passed_over_by_a_replay() {
    let run = Run::of(&["scenarios/smoke", "--seed", "7"]);
    let (_dir, record) = rewritten(&run.folder(), |_| {}, Some("the clock on the wall was lost"));
    Outcome::of(rig(["replay"]).arg(&record)).expect(0, &[]);
}

/// Whoever alters a header and chains the journal anew leaves the bench file in it, or what else the gate asks for.
#[test]
fn every_view_holds_a_claim_against_its_own_header() {
    type Forge = fn(&mut Header);
    let run = Run::of(&["scenarios/smoke", "--seed", "7"]);
    let forge: [(Forge, &str); 4] = [
        (
            |h| {
                (h.simulated, h.evidence) = (false, true);
                h.provenance.not_evidence.clear();
            },
            "the bench is simulated (`kind = \"sim\"`)",
        ),
        (
            |h| {
                hardware::real(h);
                h.provenance.approval = None;
            },
            "there is no approved test plan",
        ),
        (
            |h| {
                hardware::real(h);
                h.started_utc = "2100-01-01T00:00:00Z".to_owned();
            },
            "flow.pump: certificate YOUR-CERTIFICATE-1 ran out on 2099-12-31",
        ),
        (
            |h| {
                hardware::real(h);
                h.provenance.environment = None;
            },
            "the environment is not stated",
        ),
    ];
    for (forge, words) in forge {
        let (_dir, record) = rewritten(&run.folder(), forge, None);
        let outcome = Outcome::of(rig(["report"]).arg(&record));
        outcome.expect(0, &[]);
        assert!(outcome.stdout.contains("NOT EVIDENCE: "), "{words}: {}", outcome.stdout);
        let rows = table(&record.join("results.csv"));
        assert!(rows.iter().all(|row| row["evidence"] == "false" && row["not_evidence"].contains(words)), "{words}: {:?}", rows[0]);
        let package: Value = serde_json::from_str(&fs::read_to_string(record.join("datapackage.json")).unwrap()).unwrap();
        assert_eq!(package["evidence"], Value::Bool(false), "{words}");
        let explained = Outcome::of(rig(["explain"]).arg(&record).arg("1"));
        assert!(explained.stdout.contains(words), "{words}: {}", explained.stdout);
    }
}

#[test]
fn an_operator_is_somebody() {
    for name in ["", " ", "\u{200b}", "A\nB", "A\u{1b}[2J"] {
        Run::of(&["scenarios/smoke", "--operator", name]).outcome.expect(2, &["it must name somebody, in one line"]);
    }
}

#[test]
fn the_build_is_told() {
    let long = Outcome::of(&mut rig(["--version"]));
    long.expect(0, &[]);
    for line in ["commit: ", "uncommitted changes: ", "target: ", "profile: ", "Cargo.lock SHA-256: "] {
        assert!(long.stdout.lines().any(|l| l.starts_with(line)), "{}", long.stdout);
    }
    let short = Outcome::of(&mut rig(["-V"]));
    assert_eq!(short.stdout.lines().count(), 1, "{}", short.stdout);
    assert!(short.stdout.starts_with(concat!("rig ", env!("CARGO_PKG_VERSION"), " (")), "{}", short.stdout);
}
