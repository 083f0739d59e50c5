//! Pumps that are known to be sound or defective, played by this program in virtual time with the scenarios that it brings along.

use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rig_bench::OnMark;
use rig_model::event::Event;
use rig_model::fact::{Body, CaseRef, Fact, FactSink, Header, SinkError, SourceText};
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Verdict};
use rig_runner::Runner;
use rig_scenario::{Loader, Requirements, SourceFile};
use rig_sim::Board;
use sha2::{Digest, Sha256};

use super::{Group, Items};
use crate::commands::run::{Given, Job};
use crate::defects::{BUILT_IN, Catalogue, DefectivePump};
use crate::inputs::{self, Suite};
use crate::ledger::hex;
use crate::terminal::Terminal;

const CAUGHT: &str = "UR-05";
const NO_FALSE_ALARM: &str = "UR-06";
const SAME_EVERYWHERE: &str = "UR-14";

/// Of the pack's runs: what is pinned below depends on it.
const SEED: u64 = 7;
/// SHA-256 over all checks of the sound pump, values to the last bit: a machine that computes otherwise has another. Of the scenarios that
/// are named below; changes with them, with the firmware and with the physics.
const SOUND: &str = include_str!("sound.sha256");

/// The scenarios of the pack: each kind of therapy and each kind of fault once.
const PACK: [&str; 7] = [
    "smoke/smoke.yaml",
    "trial/bolus.yaml",
    "implant/maximum-rate.yaml",
    "implant/curve.yaml",
    "refill/empty-reservoir.yaml",
    "faults/occlusion.yaml",
    "faults/link.yaml",
];

/// Which check must be FAIL on which pump: scenario, quantity, requirement.
const DESERVED: &[(&str, &str, &str, &str)] = &[
    ("wrong_gain", "trial/bolus.yaml", "volume", "REQ-BOL-01"),
    ("under_delivery", "trial/bolus.yaml", "volume", "REQ-BOL-01"),
    ("deaf_to_pressure", "faults/occlusion.yaml", "condition_delay", "REQ-OCC-01"),
    ("late_occlusion", "faults/occlusion.yaml", "max_pressure", "REQ-OCC-03"),
    ("double_bolus", "faults/link.yaml", "volume", "REQ-LNK-01"),
    ("no_low_warning", "refill/empty-reservoir.yaml", "alarm_count", "REQ-RES-01"),
    ("dribbles_after_stop", "trial/bolus.yaml", "volume", "REQ-BOL-05"),
    ("silent_sounder", "faults/occlusion.yaml", "signal_delay", "REQ-ALM-01"),
    ("slow_stop", "implant/curve.yaml", "after_run_volume", "REQ-INF-04"),
    ("slow_start", "implant/curve.yaml", "start_latency", "REQ-INF-07"),
    ("stuck_reservoir_count", "implant/maximum-rate.yaml", "reservoir_error", "REQ-RES-03"),
    ("resets_midway", "trial/bolus.yaml", "volume", "REQ-BOL-01"),
    ("mute", "trial/bolus.yaml", "answer", ""),
];

/// # Errors
/// The program's own scenarios can't be read: it was not built from a sound checkout.
pub fn play(items: &mut Items) -> Result<()> {
    let sound = played(&PACK, None)?;
    let (passed, all) = (sound.rows.iter().filter(|row| row.verdict == Verdict::Pass).count(), sound.rows.len());
    let clean = passed == all && all > 0 && sound.verdict == Some(Verdict::Pass);
    let what = format!("the sound pump in {} scenarios, seed {SEED}: checks that are PASS", PACK.len());
    items.add(Group::Pumps, NO_FALSE_ALARM, what, format!("all of {all}"), format!("{passed} of {all}"), clean);
    items.same(Group::Pumps, SAME_EVERYWHERE, "its checks to the last bit, as on other machines (SHA-256)", SOUND.trim(), sound.digest());
    let catalogue = Catalogue::built_in()?;
    for (defect, file, quantity, requirement) in DESERVED {
        let pump = named(&catalogue, defect)?;
        let found = played(&[file], Some(&pump))?.verdict_of(quantity, requirement);
        let what = format!("`{defect}` ({}): {quantity} {requirement} in {file}", pump.defect.wrong);
        items.same(Group::Pumps, CAUGHT, what, Verdict::Fail, found);
    }
    Ok(())
}

fn named(catalogue: &Catalogue, defect: &str) -> Result<DefectivePump> {
    let found = catalogue.find(defect).map_err(|failure| failure.error)?;
    catalogue.pump(found)
}

/// What was judged in a run; everything else is let go.
#[derive(Debug, Default)]
struct Judged {
    rows: Vec<CheckRow>,
    verdict: Option<Verdict>,
}

impl FactSink for Judged {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        match &fact.body {
            Body::Event(Event::Check(row)) => self.rows.push((**row).clone()),
            Body::Event(Event::RunEnded(ended)) => self.verdict = ended.verdict,
            _ => {}
        }
        Ok(())
    }
}

impl Judged {
    /// FAIL if any such row is; else the first one's verdict.
    fn verdict_of(&self, quantity: &str, requirement: &str) -> String {
        let asked = |row: &&CheckRow| {
            row.quantity == *quantity && row.requirements.iter().map(|r| &**r).eq((!requirement.is_empty()).then_some(requirement))
        };
        let mut rows = self.rows.iter().filter(asked);
        let fails = self.rows.iter().filter(asked).any(|row| row.verdict == Verdict::Fail);
        match rows.next() {
            Some(_) if fails => Verdict::Fail.to_string(),
            Some(row) => row.verdict.to_string(),
            None => "no such check".to_owned(),
        }
    }

    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for row in &self.rows {
            let value = row.value.map_or(0, f64::to_bits);
            hash.update(format!("{} {} {value:016x} {}\n", row.step, row.quantity, row.verdict));
        }
        hex(&hash.finalize())
    }
}

/// Scenarios of the pack against a pump, on the simulated bench that is part of the program.
fn played(files: &[&str], pump: Option<&DefectivePump>) -> Result<Judged> {
    let mut errors = inputs::Errors::default();
    let (bench, bench_text) =
        inputs::bench(None, &mut errors).ok_or_else(|| anyhow!("the program's own bench can't be read:\n{errors}"))?;
    let suite = suite(files)?;
    let header = header(bench_text, &suite, pump);
    let mut board = Board::new(&bench, SEED, pump.map(|pump| &pump.unit), RigTime::ZERO);
    let plan = inputs::plan(header, bench, &suite.scenarios)?;
    let mut runner = Runner::new(plan).context("the program's own scenarios can't be played")?;
    let mut judged = Judged::default();
    rig_sim::play(&mut runner, &mut board, &mut judged, None, &mut |_| ControlFlow::Continue(()))
        .context("a run of the pack did not come to its end")?;
    Ok(judged)
}

/// One scenario against a defective pump, recorded as any run is; the folder of the run, below `out`.
pub fn recorded(file: &str, defect: &str, out: &Path, terminal: &Terminal) -> Result<PathBuf> {
    let mut errors = inputs::Errors::default();
    let (bench, bench_text) =
        inputs::bench(None, &mut errors).ok_or_else(|| anyhow!("the program's own bench can't be read:\n{errors}"))?;
    let suite = suite(&[file])?;
    let pump = named(&Catalogue::built_in()?, defect)?;
    let cases = suite.scenarios.iter().flat_map(|s| (0..s.cases.len()).map(move |i| (s, i))).collect();
    let job = Job {
        bench,
        bench_text,
        suite: &suite,
        cases,
        defect: Some(&pump),
        bench_file: None,
        out,
        seed: Some(SEED),
        operator: None,
        allow_skipped: false,
        delivery_delay: None,
        given: Given::default(),
        on_mark: OnMark::Refuse,
        rerun_of: None,
        bench_key: None,
        under: None,
    };
    let quiet = Terminal { live: false, json: false, ..*terminal };
    let played = job.play(&quiet).map_err(|failure| failure.error)?;
    match played.troubles() {
        [] => Ok(played.folder.path().to_owned()),
        [trouble, ..] => Err(anyhow!("{trouble}")),
    }
}

fn suite(files: &[&str]) -> Result<Suite> {
    let text = |file: &str| Brought.load(&format!("scenarios/{file}")).map_err(|why| anyhow!(why));
    let sources =
        files.iter().map(|file| Ok(SourceFile { path: format!("scenarios/{file}"), text: text(file)? })).collect::<Result<Vec<_>>>()?;
    let known = Requirements::parse("scenarios/requirements.csv", &text("requirements.csv")?)
        .map_err(|found| anyhow!("the program's own requirements can't be read: {}", found[0]))?;
    inputs::embedded_suite(sources, &mut Brought, Some(&known))
}

/// Files that are part of the program.
struct Brought;

impl Loader for Brought {
    fn load(&mut self, path: &str) -> Result<String, String> {
        let missing = || format!("`{path}` is no part of this program");
        // Fragments are named from the folder of the scenario that includes them.
        let mut inside = PathBuf::new();
        for part in Path::new(path).strip_prefix("scenarios").map_err(|_| missing())?.components() {
            match part {
                Component::Normal(name) => inside.push(name),
                Component::ParentDir => {
                    inside.pop();
                }
                _ => {}
            }
        }
        let file = BUILT_IN.get_file(&inside).ok_or_else(missing)?;
        file.contents_utf8().map(str::to_owned).ok_or_else(|| format!("`{path}` is not UTF-8 text"))
    }
}

fn header(bench_file: SourceText, suite: &Suite, pump: Option<&DefectivePump>) -> Header {
    let cases = suite.scenarios.iter().flat_map(|s| s.cases.iter().map(move |case| (Arc::clone(s), case.label.clone())));
    Header {
        tool: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
        run_id: "qualification".to_owned(),
        started_utc: String::new(),
        bench: "sim".to_owned(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        evidence: false,
        seed: SEED,
        defect: pump.map(|pump| pump.defect.id.to_string()),
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: true,
        cases: cases.map(|(s, case)| CaseRef { file: s.file.clone(), scenario: s.id.to_string(), case }).collect(),
        bench_file,
        files: suite.files.clone(),
        machine: None,
        host: String::new(),
        provenance: Box::default(),
    }
}
