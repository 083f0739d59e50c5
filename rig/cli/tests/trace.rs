//! `rig trace` over real runs: what it says, what it writes, and its exit codes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Outcome, SHORT, journal, project, reports, rig, table, write};
use tempfile::TempDir;

const REQUIREMENTS: &str = "id,text,source,hazard,class,rule,verification
REQ-A-01,A pump that stands still says so.,\"=HYPERLINK(\"\"x\"\")\",HAZ-A,delivery,,test
";

/// A project of its own: a table, a scenario, runs.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        lab.requirements(REQUIREMENTS);
        lab.scenario(&SHORT.replacen("{ state: stopped }", "{ state: stopped, verifies: REQ-A-01 }", 2));
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn requirements(&self, text: impl AsRef<[u8]>) {
        write(self.0.path(), "scenarios/requirements.csv", text);
    }

    fn scenario(&self, text: &str) {
        write(self.0.path(), "scenarios/short.yaml", text);
    }

    fn command(&self, command: &str, more: &[&str]) -> Outcome {
        Outcome::of(rig([command]).args(more).current_dir(self.0.path()).env("TMPDIR", self.0.path()))
    }

    /// Plays the scenario and returns the run's folder.
    fn play(&self, code: i32, more: &[&str]) -> PathBuf {
        let before = self.runs();
        let outcome = self.command("run", more);
        assert_eq!(outcome.code, Some(code), "{outcome:#?}");
        self.runs().into_iter().find(|run| !before.contains(run)).unwrap()
    }

    fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(reports(self.0.path())) else { return Vec::new() };
        entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect()
    }

    #[track_caller]
    fn trace(&self, more: &[&str], code: i32, words: &[&str]) -> Outcome {
        let outcome = self.command("trace", more);
        outcome.expect(code, &[]);
        for words in words {
            // Long lines are broken.
            let whole = outcome.stdout.replace("\n      ", " ");
            assert!(outcome.stdout.contains(words) || whole.contains(words), "`{words}` is not in:\n{}", outcome.stdout);
        }
        outcome
    }
}

/// A copy of a run with its journal altered; one of format 1, whose lines are not chained, so that what follows is still read.
fn altered(run: &Path, to: &Path, alter: impl Fn(String) -> String) {
    let unchained: String = journal(run)
        .lines()
        .map(|line| {
            let (head, _) = line.rsplit_once(",\"chain\":").unwrap();
            format!("{},\"chain\":null}}\n", head.replacen("{\"v\":2,", "{\"v\":1,", 1))
        })
        .collect();
    write(to, "journal.jsonl", alter(unchained));
}

#[test]
fn from_the_first_run_to_the_written_matrix() {
    let lab = Lab::new();
    fs::create_dir_all(lab.path("reports")).unwrap();
    lab.trace(&[], 6, &["REQ-A-01     not_run", "0 runs", "no firmware that was asked for was seen"]);
    let run = lab.play(0, &["--seed", "1"]);
    let outcome = lab.trace(
        &["--out", "out"],
        0,
        &["REQ-A-01     pass       2 of 2  not evidence  SHORT-01", "1 run, 0 of them evidence; firmware "],
    );
    assert!(!outcome.stdout.contains("not in the records"), "the record holds the requirements: {}", outcome.stdout);
    assert!(outcome.stdout.contains("verdicts of runs that are no evidence (2)"), "{}", outcome.stdout);
    let rows = table(&lab.path("out/trace.csv"));
    assert_eq!(rows.len(), 2);
    let results = table(&run.join("results.csv"));
    for (row, result) in rows.iter().zip(&results) {
        assert_eq!((&row["requirement"], &row["status"], &row["verdict"]), (&"REQ-A-01".into(), &"pass".into(), &"PASS".into()));
        for (here, there) in
            [("run_id", "run_id"), ("row", "row"), ("firmware_sha256", "firmware_sha256"), ("evidence", "evidence"), ("step", "step")]
        {
            assert_eq!(row[here], result[there], "{here}");
        }
        assert_eq!(row["source"], "'=HYPERLINK(\"x\")", "no cell is run as a formula");
    }
    let html = fs::read_to_string(lab.path("out/trace.html")).unwrap();
    assert!(html.contains("REQ-A-01") && html.contains("=HYPERLINK(&quot;x&quot;)") && !html.contains("<script"), "{html}");
    assert_eq!(support::names(&lab.path("out")), ["trace.csv", "trace.html"]);

    lab.trace(&["--evidence-only"], 6, &["not_shown", "PASS (in a run that is no evidence)"]);
    // The record of a run is not written into.
    lab.command("trace", &["--out", run.to_str().unwrap()]).expect(2, &["is the folder of a run"]);
    // One run's folder will do.
    lab.trace(&["--reports", run.to_str().unwrap()], 0, &["1 run"]);
}

#[test]
fn what_changes_after_the_run_makes_it_suspect() {
    let lab = Lab::new();
    lab.play(0, &["--seed", "1"]);
    lab.requirements(REQUIREMENTS.replace("stands still", "rests"));
    lab.trace(&[], 6, &["suspect", "the text of REQ-A-01 was `A pump that stands still says so.`"]);
    lab.requirements(REQUIREMENTS);
    let scenario = fs::read_to_string(lab.path("scenarios/short.yaml")).unwrap();
    lab.scenario(&scenario.replace("1500 ms", "1600 ms"));
    lab.trace(&[], 6, &["suspect", "the scenario has changed: short.yaml"]);
    lab.scenario(&format!("{scenario}  - stop\n"));
    lab.trace(&[], 6, &["suspect"]);
    lab.scenario(&scenario);
    lab.trace(&[], 0, &["pass"]);
}

#[test]
fn a_fail_stays_and_a_defect_is_left_out() {
    let lab = Lab::new();
    let run = lab.play(0, &["--seed", "1"]);
    altered(&run, &lab.path("reports/0_failed"), |text| {
        text.replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1)
            .replace(&*run_id(&run), "an-earlier-run")
            .replace("\"started_utc\":\"20", "\"started_utc\":\"19")
    });
    lab.trace(&[], 1, &["REQ-A-01     fail", "of run an-earlier-run); PASS in run", "takes nothing back"]);
    fs::remove_dir_all(lab.path("reports/0_failed")).unwrap();
    // A copy counts once, and pumps with a defect show what the suite finds.
    altered(&run, &lab.path("reports/0_copy"), |text| text);
    altered(&run, &lab.path("reports/0_defect"), |text| {
        text.replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1).replace(&*run_id(&run), "another").replacen(
            "\"seed\":1",
            "\"seed\":1,\"defect\":\"no_alarm\"",
            1,
        )
    });
    lab.trace(&[], 0, &["1 run, ", "left out: 1 run of pumps with a defect put in"]);
}

fn run_id(run: &Path) -> String {
    let header: Value = serde_json::from_str(journal(run).lines().next().unwrap()).unwrap();
    header["body"]["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn another_firmware_makes_it_stale() {
    let lab = Lab::new();
    let run = lab.play(0, &["--seed", "1"]);
    let hash = table(&run.join("results.csv"))[0]["firmware_sha256"].clone();
    lab.trace(&["--firmware", &hash[..8].to_uppercase()], 0, &[&hash]);
    lab.trace(&["--firmware", "0.1.0"], 0, &[&hash]);
    lab.trace(&["--firmware", "9.9"], 6, &["stale", "no firmware that was asked for was seen"]);
    // Too few digits could be those of any build.
    lab.trace(&["--firmware", &hash[..3]], 6, &["stale"]);
    lab.command("trace", &["--firmware", " "]).expect(2, &["wants a version"]);
    // Another build comes, and tries another scenario only.
    altered(&run, &lab.path("reports/1_new"), |text| {
        text.replace(&*run_id(&run), "a-later-run")
            .replace("\"started_utc\":\"20", "\"started_utc\":\"29")
            .replace(&hash, &"e".repeat(40))
            .replace("SHORT-01", "OTHER-01")
    });
    lab.trace(&[], 6, &["stale", &format!("PASS is of 0.1.0 {hash}"), "1 other build"]);
}

#[test]
fn what_is_damaged_or_cut_off_is_named_and_what_was_proven_stands() {
    let lab = Lab::new();
    let run = lab.play(0, &["--seed", "1"]);
    let whole = journal(&run);
    let cut = write(&lab.path("reports/1_cut"), "journal.jsonl.partial", &whole[..whole.len() - 40]);
    lab.trace(&["--reports", cut.parent().unwrap().to_str().unwrap()], 0, &["records that were cut off", "1_cut: its record ends at line"]);
    // In the middle of its case: nothing passed.
    let middle = whole.lines().position(|l| l.contains("\"case_ended\"")).unwrap();
    let head: String = whole.lines().take(middle).map(|l| format!("{l}\n")).collect();
    fs::write(&cut, head).unwrap();
    lab.trace(&["--reports", cut.parent().unwrap().to_str().unwrap()], 6, &["ABORTED (record cut off)"]);
    // The whole run beside it is not shadowed by what is left of its copy.
    fs::rename(lab.path("reports/1_cut"), lab.path("reports/0_cut")).unwrap();
    lab.trace(&[], 0, &["records that were cut off", "REQ-A-01     pass       2 of 2"]);
    fs::remove_dir_all(lab.path("reports/0_cut")).unwrap();

    write(
        &lab.path("reports/1_changed"),
        "journal.jsonl",
        whole.replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1).replace("\"v\":2,\"seq\":1,", "\"v\":2,\"seq\":1, "),
    );
    write(&lab.path("reports/2_empty"), "journal.jsonl.partial", "");
    write(&lab.path("reports/3_lost"), "results.csv", "");
    write(&lab.path("reports/4_something"), "else.txt", "");
    write(&lab.path("reports/5_bytes"), "journal.jsonl", [0xff, 0xfe, b'\n']);
    let outcome = lab.trace(
        &[],
        6,
        &[
            "records that can't be read to their end (3)",
            "1_changed: nothing of it counts: failed to read line 1",
            "3_lost",
            "5_bytes",
            "2_empty",
        ],
    );
    assert!(!outcome.stdout.contains("4_something"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("REQ-A-01     pass"), "{}", outcome.stdout);
}

#[test]
fn what_has_no_partner_is_told() {
    let lab = Lab::new();
    lab.play(0, &["--seed", "1"]);
    let more = "REQ-B-01,Nobody looks.,S,HAZ-A,c,,\nREQ-C-01,Later.,S,HAZ-A,c,,planned: no sensor\nREQ-D-01,By eye.,S,HAZ-A,c,,review: no rig sees it\n";
    lab.requirements(format!("{REQUIREMENTS}{more}"));
    let outcome = lab.trace(&["--json"], 6, &[]);
    let lines: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |id: &str| lines.iter().find(|l| l["requirement"] == id).unwrap()["status"].as_str().unwrap().to_owned();
    assert_eq!([of("REQ-A-01"), of("REQ-B-01"), of("REQ-C-01"), of("REQ-D-01")], ["pass", "uncovered", "planned", "review"]);
    let last = lines.last().unwrap();
    assert_eq!((&last["findings"]["uncovered"], &last["findings"]["planned"], &last["exit_code"]), (&1.into(), &1.into(), &6.into()));

    lab.requirements(REQUIREMENTS.replace("REQ-A-01", "REQ-Z-01"));
    lab.trace(
        &[],
        6,
        &[
            "requirements that checks name and the table does not have (2)",
            "`REQ-A-01` is not in the table of requirements (scenarios/short.yaml)",
        ],
    );
}

#[test]
fn bad_files_are_refused() {
    let lab = Lab::new();
    lab.command("trace", &[]).expect(2, &["failed to list the runs in `reports`"]);
    fs::create_dir_all(lab.path("reports")).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(REQUIREMENTS.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin1: Vec<u8> = REQUIREMENTS.replace("still", "st\u{fc}ll").chars().map(|c| c as u8).collect();
    for (table, words) in [
        (utf16, &["this is UTF-16 text", "scenarios/requirements.csv:1:1"][..]),
        (latin1, &["this is not UTF-8 text", "scenarios/requirements.csv:2:"]),
        (b"id,text\nREQ-A-01,T\n".to_vec(), &["the columns must be id,text,source,hazard,class,rule,verification", "found: id,text"]),
        (
            format!("{REQUIREMENTS}REQ-A-01,Again.,S,H,c,,\n").into_bytes(),
            &["the requirement `REQ-A-01` stands twice", "requirements.csv:3:1"],
        ),
        (b"id,text,source,hazard,class\nREQ-A-01,a\x1b[2Jb,S,H,c\n".to_vec(), &["control character U+001B"]),
    ] {
        lab.requirements(table);
        // A run does not go on as if there were none, either.
        for command in ["trace", "run"] {
            let outcome = lab.command(command, &[]);
            outcome.expect(2, words);
            assert!(!outcome.stderr.contains('\u{1b}'), "{}", outcome.stderr);
        }
    }
    lab.requirements(REQUIREMENTS);
    lab.command("trace", &["--requirements", "none.csv"]).expect(2, &["failed to open `none.csv`"]);
    lab.scenario("scenario: [");
    lab.command("trace", &[]).expect(2, &["short.yaml"]);
}

/// A FAIL is not made good by taking its run away.
#[test]
fn a_run_that_was_taken_away_is_missed() {
    let lab = Lab::new();
    let run = lab.play(0, &["--seed", "1"]);
    let ledger = lab.path("reports/ledger.jsonl");
    let whole = fs::read_to_string(&ledger).unwrap();
    lab.play(0, &["--seed", "2"]);
    lab.trace(&[], 0, &["2 runs"]);
    fs::write(&ledger, fs::read_to_string(&ledger).unwrap().replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1)).unwrap();
    let name = run.file_name().unwrap().to_str().unwrap();
    fs::rename(&run, lab.path("elsewhere")).unwrap();
    lab.trace(
        &[],
        6,
        &["runs that the ledger knows and that are not there (1)\n", name, "run 1 of 20", "Z, FAIL, is in the ledger", "is damaged, line"],
    );
    // Under another name it is there.
    fs::rename(lab.path("elsewhere"), lab.path("reports/renamed")).unwrap();
    lab.trace(&[], 0, &["2 runs"]);
    lab.trace(&["--reports", lab.path("reports/renamed").to_str().unwrap()], 0, &["1 run,"]);
    fs::remove_file(&ledger).unwrap();
    lab.trace(&[], 0, &["there is no ledger of runs in reports: whether one was taken away is not known"]);
    // A run that was begun and never came to an end is one, too.
    fs::write(&ledger, whole.lines().next().unwrap().to_owned() + "\n").unwrap();
    fs::remove_dir_all(lab.path("reports/renamed")).unwrap();
    lab.trace(&[], 6, &["without an end, is in the ledger and not here"]);
}

/// What a header claims is held against its own bench file.
#[test]
fn a_claim_to_be_evidence_is_not_believed() {
    let lab = Lab::new();
    let run = lab.play(0, &["--seed", "1"]);
    let claims = |text: String| {
        let (first, rest) = text.split_once('\n').unwrap();
        let mut header: Value = serde_json::from_str(first).unwrap();
        header["body"]["evidence"] = true.into();
        header["body"]["simulated"] = false.into();
        header["body"].as_object_mut().unwrap().remove("simulated_because");
        header["body"]["provenance"].as_object_mut().unwrap().remove("not_evidence");
        format!("{header}\n{rest}")
    };
    altered(&run, &lab.path("reports/claims"), claims);
    fs::rename(&run, lab.path("elsewhere")).unwrap();
    fs::remove_file(lab.path("reports/ledger.jsonl")).unwrap();
    lab.trace(&["--evidence-only"], 6, &["not_shown", "1 run, 0 of them evidence", "PASS (in a run that is no evidence)"]);
}

#[test]
fn too_few_digits_are_no_build_hash() {
    let lab = Lab::new();
    lab.play(0, &["--seed", "1"]);
    lab.trace(&["--firmware", "27"], 6, &["no firmware that was asked for was seen"])
        .expect(6, &["`27` is taken as a version", "at least 6 digits"]);
    let named = lab.trace(&["--firmware", "27.x"], 6, &[]);
    assert!(!named.stderr.contains("is taken as a version"), "{named:#?}");
}

/// The project's own table against its own scenarios: nothing is only planned, and nothing that is to be tested has no check. That the dose
/// oracle watches each case is known from runs, and there is none here: its two requirements are the only ones without a check.
#[test]
fn the_projects_own_requirements_are_covered_as_the_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = Outcome::of(rig(["trace", "--json", "--reports"]).arg(dir.path()).current_dir(project()));
    outcome.expect(6, &[]);
    let lines: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let last = lines.last().unwrap();
    let uncovered: Vec<&Value> = lines.iter().filter(|l| l["status"] == "uncovered").map(|l| &l["requirement"]).collect();
    assert_eq!(uncovered, ["REQ-DOSE-01", "REQ-DOSE-02"]);
    assert_eq!(last["findings"]["unknown"], 0);
    let planned = lines.iter().filter(|l| l["status"] == "planned").count();
    assert_eq!(last["findings"]["planned"], planned);
    assert!(planned == 0 && lines.iter().filter(|l| l["status"] == "not_run").count() >= 100);
}
