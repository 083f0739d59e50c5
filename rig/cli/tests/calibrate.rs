//! `rig calibrate`: from weighed deliveries to a certificate that a bench may refer to, and everything that it may not.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Outcome, chained_anew, journal, project, reports, rig, table, write};
use tempfile::TempDir;

const SCENARIO: &str = "scenarios/calibration/k-factor.yaml";
const CURVE: &str = "scenarios/calibration/k-factor-curve.yaml";
/// The K-factor of flow.tip, of the two that the bench file has the second.
const STATED: &str = "name = \"flow.tip\"\nsensor = \"flow\"\nk_factor = \"10 pulses/µL\"\nk_uncertainty = \"1 %\"\n";
const CERTIFICATE: &str = "certificate = { id = \"SIM-FLOW-TIP\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"0 µL/h to 2 L/h\", instrument = \"simulated, number 1\" }";

/// A folder with benches, runs and certificates.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The simulated bench with a balance and sensors that truly make so many % more pulses than stated, with more changes.
    fn bench(&self, k_error: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut bench = fs::read_to_string(project().join("rig/benches/sim-balance.toml")).unwrap();
        bench = bench.replace("extra_pulses = \"0 %\"\n", &format!("extra_pulses = \"0 %\"\nk_error = \"{k_error}\"\n"));
        for (from, to) in changes {
            assert!(bench.contains(from), "{from}");
            bench = bench.replace(from, to);
        }
        write(self.0.path(), "bench.toml", bench)
    }

    fn run(&self, bench: &Path, scenario: &str, seed: u64) -> (Outcome, PathBuf) {
        let before = self.runs();
        let mut command = rig(["run", scenario, "--operator", "Grace", "--seed", &seed.to_string(), "--bench"]);
        let outcome = Outcome::of(command.arg(bench).arg("--out").arg(reports(self.0.path())).env("TMPDIR", self.0.path()));
        let made: Vec<PathBuf> = self.runs().into_iter().filter(|run| !before.contains(run)).collect();
        (outcome, made.into_iter().next().unwrap_or_default())
    }

    fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(reports(self.0.path())) else { return Vec::new() };
        entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect()
    }

    /// A whole run of the calibration's scenario.
    fn played(&self, k_error: &str, scenario: &str, seed: u64) -> PathBuf {
        let (outcome, run) = self.run(&self.bench(k_error, &[]), scenario, seed);
        outcome.expect(0, &[]);
        run
    }

    fn calibrate(&self, runs: &[&Path], condition: &str, more: &[&str]) -> Outcome {
        let mut command = rig(["calibrate", "--channel", "flow.tip", "--as", condition, "--out"]);
        command.arg(self.path("certificate.toml")).args(runs);
        Outcome::of(command.args(more))
    }

    fn approve(&self, name: &str) -> Outcome {
        Outcome::of(rig(["calibrate", "approve", "--by", name]).arg(self.path("certificate.toml")))
    }

    fn certificate(&self) -> String {
        fs::read_to_string(self.path("certificate.toml")).unwrap()
    }

    /// The bench with what the program said to paste, and more changes.
    fn referring(&self, k_error: &str, lines: &str, changes: &[(&str, &str)]) -> PathBuf {
        let (k, certificate) = lines.split_at(lines.find("certificate = ").unwrap());
        let stated = format!("name = \"flow.tip\"\nsensor = \"flow\"\n{k}");
        let mut all = vec![(STATED, &*stated), (CERTIFICATE, certificate)];
        all.extend(changes);
        self.bench(k_error, &all)
    }
}

/// The lines of the first block to paste: from the K-factor to the certificate.
fn pasted(outcome: &Outcome) -> String {
    let lines = outcome.stdout.lines().skip_while(|l| !l.starts_with("    k_factor")).take_while(|l| l.starts_with("    "));
    let text: Vec<&str> = lines.map(str::trim).collect();
    let text = text.join("\n");
    // The test's folder is the bench file's.
    let (before, rest) = text.split_once("file = \"").expect("a certificate");
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}file = \"certificate.toml\"{after}")
}

/// A number behind `key = ` in a block of the certificate.
fn number(text: &str, block: &str, key: &str) -> f64 {
    let rest = &text[text.find(&format!("[{block}]")).unwrap_or_else(|| panic!("{block} is not in:\n{text}"))..];
    let line = rest.lines().find_map(|l| l.strip_prefix(&format!("{key} = "))).unwrap_or_else(|| panic!("{key} is not in:\n{rest}"));
    line.parse().unwrap_or_else(|_| panic!("{key} = {line}"))
}

#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    for words in words {
        assert!(outcome.stdout.contains(words), "`{words}` is not in:\n{}", outcome.stdout);
    }
}

#[test]
fn a_sensor_is_calibrated_approved_and_measured_with() {
    let lab = Lab::new();
    // 0.4 % more pulses than stated: within the 1 % of the bench file.
    let run = lab.played("0.4 %", SCENARIO, 1);
    let found = lab.calibrate(&[&run], "found", &["--sensor", "TIP-7", "--id", "CAL-7"]);
    found.expect(0, &[]);
    says(&found, &["15 deliveries", "within what was stated", "simulated: no real bench", "--as left"]);
    lab.approve("Ada Lovelace").expect(2, &["not how it was left"]);

    let as_found = lab.certificate();
    let left = lab.calibrate(&[&run], "left", &["--due", "2099-12-31"]);
    left.expect(0, &[]);
    let both = lab.certificate();
    let block = &as_found[as_found.find("[as_found]").unwrap()..];
    assert!(both.contains(block), "what was found is kept to the letter");
    for condition in ["as_found", "as_left"] {
        let k = number(&both, condition, "k_factor");
        let u = number(&both, condition, "k_uncertainty_percent");
        assert!((k / 10.04 - 1.0).abs() * 100.0 <= u && u < 0.2, "{condition}: {k} ± {u} %");
    }
    assert!((number(&both, "[as_found.point]", "deviation_percent") - 0.4).abs() < 0.1);
    assert!((number(&both, "[as_found.point]", "flow") - 7_200.0).abs() < 100.0, "the flow in a stroke, whatever is programmed");
    let header: serde_json::Value = serde_json::from_str(journal(&run).lines().next().unwrap()).unwrap();
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    for words in [
        &format!("id = {}", header["body"]["run_id"]),
        &format!("started_utc = {}", header["body"]["started_utc"]),
        "operator = \"Grace\"",
        "reference = \"SIM-BALANCE\"",
        "liquid = \"water, 20 °C ± 0.5 K\"",
        "simulated = true",
        "status = \"draft\"",
        "sensor = \"TIP-7\"",
    ] {
        assert!(both.contains(words), "{words} is not in:\n{both}");
    }
    let digest = both.lines().find_map(|l| l.strip_prefix("journal_sha256 = ")).unwrap().trim_matches('"');
    assert!(manifest.to_string().contains(digest), "{digest} is not in {manifest}");

    // A draft is not for use. With the K-factor that was found the bench states the true one.
    let bench = lab.referring("0 %", &pasted(&left), &[]);
    lab.run(&bench, SCENARIO, 2).0.expect(2, &["channel `flow.tip`", "is a draft"]);
    let approved = lab.approve("Ada Lovelace");
    approved.expect(0, &[]);
    assert_eq!(pasted(&approved), pasted(&left));
    let text = lab.certificate();
    assert!(
        text.contains("status = \"approved\"") && text.contains("approved_by = \"Ada Lovelace\"") && text.contains("approved_utc = \"2")
    );

    let (outcome, run) = lab.run(&bench, "scenarios/calibration/gravimetric-bolus.yaml", 3);
    outcome.expect(0, &[]);
    let rows = table(&run.join("results.csv"));
    assert!(rows.iter().all(|row| row["verdict"] == "PASS"), "{rows:#?}");
    // The record holds the certificate that it was measured with.
    let text = serde_json::Value::String(text).to_string();
    assert!(journal(&run).lines().next().unwrap().contains(&text));
    Outcome::of(rig(["replay"]).arg(&run)).expect(0, &[]);
    Outcome::of(rig(["check", "--bench"]).arg(&bench)).expect(0, &[]);
}

#[test]
fn a_sensor_that_is_off_is_told_loudly() {
    let lab = Lab::new();
    let run = lab.played("-3 %", SCENARIO, 1);
    let found = lab.calibrate(&[&run], "found", &[]);
    found.expect(1, &["OUT OF TOLERANCE", "look at every run"]);
    says(&found, &["OUT OF TOLERANCE", "10 pulses/µL, ± 1 %"]);
    let text = lab.certificate();
    assert!((number(&text, "as_found", "k_factor") / 9.7 - 1.0).abs() < 0.002);
    assert!(text.contains("within_stated = false"));
}

/// The whole way round: a sensor whose K-factor is 3 % off makes what is measured with it, or beside it, ERROR.
#[test]
fn a_balance_contradicts_a_wrong_k_factor() {
    let lab = Lab::new();
    let (outcome, run) = lab.run(&lab.bench("3 %", &[]), "scenarios/calibration/gravimetric-bolus.yaml", 1);
    outcome.expect(4, &[]);
    let rows = table(&run.join("results.csv"));
    let volume = rows.iter().find(|row| row["quantity"] == "volume").unwrap();
    assert_eq!((&*volume["verdict"], &*volume["reason_code"]), ("ERROR", "disagreement"), "{volume:#?}");
    assert!(volume["reason"].contains("chance explains that less than once in 300"), "{volume:#?}");
}

#[test]
fn three_flows_make_a_curve() {
    let lab = Lab::new();
    let runs = [lab.played("0.4 %", CURVE, 1), lab.played("0.4 %", SCENARIO, 2)];
    let left = lab.calibrate(&[&runs[0], &runs[1]], "left", &["--id", "CAL-8", "--due", "2099-12-31"]);
    left.expect(0, &[]);
    let text = lab.certificate();
    assert_eq!(text.matches("[[as_left.point]]").count(), 3, "strokes of both runs are one point:\n{}", left.stdout);
    assert_eq!((text.matches("[[as_left.delivery]]").count(), text.matches("[[as_left.run]]").count()), (30, 2));
    lab.approve("Ada").expect(0, &[]);
    // As one K-factor, and as a curve.
    let one = pasted(&left);
    Outcome::of(rig(["check", "--bench"]).arg(lab.referring("0.4 %", &one, &[]))).expect(0, &[]);
    let curve: Vec<&str> =
        left.stdout.lines().map(str::trim).skip_while(|l| !l.starts_with("k_curve")).take_while(|l| l.starts_with("k_")).collect();
    let lines: Vec<&str> = one.lines().filter(|l| l.starts_with("k_uncertainty")).chain(curve).collect();
    let certificate = one.lines().find(|l| l.starts_with("certificate")).unwrap();
    let lines = format!("{}\n{certificate}", lines.join("\n"));
    let range = ("max_flow = \"2 L/h\"", "max_flow = \"5 mL/h\"");
    let check = |lines: &str| Outcome::of(rig(["check", "--bench"]).arg(lab.referring("0.4 %", lines, &[range])));
    check(&lines).expect(0, &[]);
    let flow = lines.split("flow = \"").nth(1).unwrap().split(" µL/h").next().unwrap();
    let other = lines.replacen(flow, "1000", 1);
    check(&other).expect(2, &["flow of k_curve is 1000 µL/h in the bench file", flow]);
    let start = lines.find(", {").unwrap();
    let end = lines[start + 1..].find(", {").unwrap() + start + 1;
    check(&format!("{}{}", &lines[..start], &lines[end..])).expect(2, &["2 points in the bench file, and 3"]);
}

#[test]
fn a_bench_that_says_otherwise_than_its_certificate_does_not_run() {
    let lab = Lab::new();
    let run = lab.played("0.4 %", SCENARIO, 1);
    let left = lab.calibrate(&[&run], "left", &["--id", "CAL-9", "--due", "2099-12-31"]);
    left.expect(0, &[]);
    lab.approve("Ada").expect(0, &[]);
    let lines = pasted(&left);
    let k = lines.lines().next().unwrap();
    let line = |key: &str| lines.lines().find(|l| l.starts_with(key)).unwrap().to_owned();
    let uncertainty = line("k_uncertainty");
    let reference = lines.split("reference_uncertainty = \"").nth(1).unwrap().split(" %").next().unwrap().to_owned();
    let refused = |from: &str, to: &str, words: &[&str]| {
        assert!(lines.contains(from), "{from}");
        let bench = lab.referring("0.4 %", &lines.replacen(from, to, 1), &[]);
        Outcome::of(rig(["check", "--bench"]).arg(&bench)).expect(2, words);
        let (outcome, run) = lab.run(&bench, SCENARIO, 2);
        outcome.expect(2, words);
        assert_eq!(run, PathBuf::new(), "nothing was played");
    };
    refused(k, "k_factor = \"10 pulses/µL\"", &["k_factor is 10 pulses/µL in the bench file", "in the certificate"]);
    refused(&uncertainty, "k_uncertainty = \"0.05 %\"", &["k_uncertainty is 0.05 % in the bench file, less than"]);
    refused(&uncertainty, "", &["k_uncertainty is not in the bench file"]);
    refused("CAL-9", "CAL-8", &["names id `CAL-8`, the certificate `CAL-9`"]);
    refused("2099-12-31", "2100-12-31", &["names due date `2100-12-31`"]);
    refused(" µL/h\", file", "9 µL/h\", file", &["range is ", " µL/h in the bench file, and "]);
    refused("date = \"20", "date = \"19", &["names date `19", "the certificate `20"]);
    refused("SIM-BALANCE", "OTHER", &["names reference `OTHER`, the certificate `SIM-BALANCE`"]);
    refused(&format!("\"{reference} %\""), "\"0.5 %\"", &["reference_uncertainty is 0.5 % in the bench file"]);
    refused("certificate.toml", "elsewhere.toml", &["failed to open", "elsewhere.toml"]);
    // A bench may know its sensor less well than the certificate does: by what it drifts.
    let wider = lab.referring("0.4 %", &lines.replacen(&uncertainty, "k_uncertainty = \"0.5 %\"", 1), &[]);
    Outcome::of(rig(["check", "--bench"]).arg(&wider)).expect(0, &[]);

    // Another channel, and a real bench.
    let good = lab.referring("0.4 %", &lines, &[]);
    let renamed = fs::read_to_string(&good)
        .unwrap()
        .replace("flow.pump", "flow.old")
        .replace("flow.tip", "flow.pump")
        .replace("flow.old", "flow.tip");
    let renamed = write(lab.0.path(), "renamed.toml", renamed);
    Outcome::of(rig(["check", "--bench"]).arg(&renamed)).expect(2, &["names channel `flow.pump`, the certificate `flow.tip`"]);
    let pi = fs::read_to_string(project().join("rig/benches/pi.toml")).unwrap();
    let (k_lines, certificate) = lines.split_at(lines.find("certificate = ").unwrap());
    let pi = pi.replace(STATED, &format!("name = \"flow.tip\"\nsensor = \"flow\"\n{k_lines}"));
    let own = pi.lines().find(|line| line.starts_with("certificate = { id = \"YOUR-CERTIFICATE-2\"")).expect("the tip's certificate");
    let pi = pi.replace(own, certificate);
    let pi = write(lab.0.path(), "pi.toml", pi);
    Outcome::of(rig(["check", "--bench"]).arg(&pi)).expect(2, &["no real bench may go by it"]);
    Outcome::of(rig(["doctor", "--bench"]).arg(&pi)).expect(2, &["no real bench may go by it"]);

    // Altered after approval, by one digit.
    let text = lab.certificate();
    let altered = text.replacen("n = 15", "n = 25", 1);
    assert_ne!(text, altered);
    write(lab.0.path(), "certificate.toml", altered);
    Outcome::of(rig(["check", "--bench"]).arg(&good)).expect(2, &["altered after `rig` wrote it"]);
    write(lab.0.path(), "certificate.toml", "id = \"CAL-9\"\n");
    Outcome::of(rig(["check", "--bench"]).arg(&good)).expect(2, &["no certificate that `rig calibrate` wrote"]);
}

#[test]
fn what_can_t_be_approved() {
    let lab = Lab::new();
    let run = lab.played("0.4 %", SCENARIO, 1);
    lab.approve("Ada").expect(2, &["failed to open"]);
    lab.calibrate(&[&run], "left", &["--id", "CAL-9"]).expect(0, &[]);
    for nobody in ["", "  "] {
        lab.approve(nobody).expect(2, &["it must say something"]);
    }
    let draft = lab.certificate();
    write(lab.0.path(), "certificate.toml", draft.replacen("simulated = true", "simulated = false", 1));
    lab.approve("Ada").expect(2, &["altered after `rig` wrote it"]);
    write(lab.0.path(), "certificate.toml", &draft);
    lab.approve("Grace").expect(0, &["Grace ran the calibration too"]);
    lab.approve("Ada").expect(2, &["approved already, by Grace"]);
    lab.calibrate(&[&run], "found", &["--id", "CAL-9"]).expect(2, &["is approved already"]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let lab = Lab::new();
    let run = lab.played("0.4 %", SCENARIO, 1);
    let twice = lab.run(&lab.bench("0.4 %", &[]), SCENARIO, 1).1;
    lab.calibrate(&[&run, &run], "found", &[]).expect(2, &["are the same run"]);
    lab.calibrate(&[&run, &twice], "found", &[]).expect(2, &["one simulated run played twice"]);
    let other = lab.bench("0.4 %", &[("liquid = { water = \"20 °C\"", "liquid = { water = \"22 °C\"")]);
    let warm = lab.run(&other, SCENARIO, 2).1;
    lab.calibrate(&[&run, &warm], "found", &[]).expect(2, &["not of one bench"]);

    let channel = |name: &str| {
        let out = lab.path("other.toml");
        Outcome::of(rig(["calibrate", "--channel", name, "--as", "found", "--out"]).arg(out).arg(&run))
    };
    channel("flow.nowhere").expect(2, &["no flow channel `flow.nowhere`; it has flow.pump, flow.tip"]);
    channel("flow.pump").expect(2, &["no balance beside `flow.pump`"]);
    let bare = "\ncertificate = { id = \"SIM-BALANCE\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"-1 g to 120 g\", instrument = \"simulated, number 1\" }";
    let uncertified = lab.run(&lab.bench("0 %", &[(bare, "")]), SCENARIO, 3).1;
    lab.calibrate(&[&uncertified], "found", &[]).expect(2, &["traceable to nothing"]);
    let unstated = lab.run(&lab.bench("0 %", &[("\nuncertainty = \"0.04 mg\"", "")]), SCENARIO, 4).1;
    lab.calibrate(&[&unstated], "found", &[]).expect(4, &["balance of delivery 1 is stated by nobody"]);
    let none = lab.run(&lab.bench("0 %", &[]), "scenarios/smoke", 5).1;
    lab.calibrate(&[&none], "found", &[]).expect(4, &["there is no delivery"]);
    let single = lab.run(&lab.bench("0 %", &[]), "scenarios/calibration/gravimetric-bolus.yaml", 5).1;
    lab.calibrate(&[&single], "found", &[]).expect(4, &["1 deliveries at", "needs 3 at the least"]);

    // One condition is written once, of one sensor.
    lab.calibrate(&[&run], "found", &["--id", "CAL-9", "--sensor", "A"]).expect(0, &[]);
    let before = lab.certificate();
    lab.calibrate(&[&run], "found", &["--id", "CAL-9"]).expect(2, &["as found already, and that is not written over"]);
    lab.calibrate(&[&run], "left", &["--id", "CAL-10"]).expect(2, &["number `CAL-9` there, `CAL-10` here"]);
    lab.calibrate(&[&run], "left", &["--sensor", "B"]).expect(2, &["sensor `A` there, `B` here"]);
    for bad in [["--due", "soon"], ["--due", "2027-02-30"], ["--id", "9"], ["--sensor", " "]] {
        lab.calibrate(&[&run], "left", &bad).expect(2, &["invalid value"]);
    }
    assert_eq!(lab.certificate(), before);
}

/// Journals that are cut off, damaged, or say what their raw inputs do not.
#[test]
fn only_what_follows_from_raw_inputs_is_calibrated_with() {
    let lab = Lab::new();
    let run = lab.played("0.4 %", SCENARIO, 1);
    let whole = journal(&run);
    let with = |name: &str, text: &str| {
        let folder = lab.path(name);
        write(&folder, "journal.jsonl", text);
        lab.calibrate(&[&folder], "found", &[])
    };
    with("cut", &whole[..whole.len() / 2]).expect(4, &["cut off at line"]);
    let weighed = whole.find("\"weighed\":2").unwrap();
    let mut altered = whole.clone();
    altered.replace_range(weighed..weighed + 11, "\"weighed\":3");
    with("altered", &altered).expect(4, &["the chain is broken"]);
    with("anew", &chained_anew(&altered)).expect(4, &["is not what follows from its raw inputs"]);
    lab.calibrate(&[&lab.path("nowhere")], "found", &[]).expect(2, &["there is no journal.jsonl"]);
    assert!(!lab.path("certificate.toml").exists());
}

#[test]
fn a_delivery_that_was_not_weighed_is_left_out_with_a_word() {
    let lab = Lab::new();
    // The window inside another measures the same delivery; the last one has no rest behind it.
    let text = fs::read_to_string(project().join(SCENARIO)).unwrap();
    let text = text.replace("for_each: { over: [2 min, 4 min, 12 min] }\n", "").replace("dose: 200 µL,", "dose: 200 µL, over: 4 min,");
    let hasty = "  - program: { bolus: $dose, over: $over }
  - measure: hasty
    on: balance
    for: $over + 30 s
    during:
      - measure: same
        on: flow.tip
        for: $over + 30 s
        during: [start]
finally:";
    let scenario = write(lab.0.path(), "hasty.yaml", text.replace("finally:", hasty));
    let (outcome, run) = lab.run(&lab.bench("0 %", &[]), scenario.to_str().unwrap(), 1);
    outcome.expect(0, &[]);
    let found = lab.calibrate(&[&run], "found", &[]);
    found.expect(0, &[]);
    says(
        &found,
        &["5 deliveries", "left out: window `hasty`", "left out: window `same`", "after the delivery: a rest of the balance needs"],
    );
    assert_eq!(lab.certificate().matches("[[as_found.left_out]]").count(), 2);
    assert_eq!(lab.certificate().matches("[[as_found.delivery]]").count(), 5);
}

#[test]
fn the_certificate_as_json() {
    let lab = Lab::new();
    let run = lab.played("0.4 %", SCENARIO, 1);
    let outcome = lab.calibrate(&[&run], "found", &["--json", "--id", "CAL-1"]);
    outcome.expect(0, &[]);
    let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&told["id"], &told["as_found"]["point"][0]["n"]), (&"CAL-1".into(), &15.into()));
}

/// The first block of the page, with a run of one's own.
#[test]
fn the_page_can_be_followed() {
    let lab = Lab::new();
    let page = fs::read_to_string(project().join("rig/docs/calibration.md")).unwrap();
    let block = page.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let commands: Vec<&str> = block.lines().map(|l| l.strip_prefix("rig ").expect("a command")).collect();
    let (play, rest) = commands.split_first().unwrap();
    Outcome::of(rig(play.split_whitespace()).arg("--out").arg(reports(lab.0.path()))).expect(0, &[]);
    let runs = lab.runs();
    let certificate = lab.path("CAL-7.toml");
    for command in rest {
        let arguments = command.split_whitespace().map(|a| match a {
            "RUN" => runs[0].as_path(),
            "CAL-7.toml" | "<CAL-7.toml>" => &certificate,
            other => Path::new(other),
        });
        Outcome::of(&mut rig(arguments)).expect(0, &[]);
    }
    assert!(fs::read_to_string(certificate).unwrap().contains("approved_by = \"Lovelace\""));
}
