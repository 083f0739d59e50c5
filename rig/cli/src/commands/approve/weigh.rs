//! Looks at everything that a plan names, as it is before anybody puts a name to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rig_evidence::{ApprovedCase, ApprovedFirmware, ApprovedTest, FileHash, PlanSelection, Sha256Hex};
use rig_model::bench::{Bench, BenchKind};
use rig_model::fact::SourceText;
use rig_scenario::{PlannedFirmware, PlannedTest, TestPlan};

use crate::commands::run::{Selection, now_utc};
use crate::inputs::{self, CertifiedBench, Suite};
use crate::{decidability, firmware, say};

/// A test as it will be approved, and what the approver is to know of it.
#[derive(Debug)]
pub struct Weighed {
    pub test: ApprovedTest,
    pub requirements: Option<FileHash>,
    /// Each case with its checks in brief.
    pub checks: Vec<(ApprovedCase, Vec<String>)>,
    pub warnings: Vec<String>,
}

/// All tests of the plan; what is wrong with any of them is added to `errors`.
pub fn tests(plan: &TestPlan, path: &Path, errors: &mut inputs::Errors) -> Vec<Weighed> {
    plan.tests.iter().filter_map(|t| test(t, path, errors)).collect()
}

fn test(planned: &PlannedTest, path: &Path, errors: &mut inputs::Errors) -> Option<Weighed> {
    let plan = path.display().to_string();
    let refuse = |errors: &mut inputs::Errors, why: &str| errors.in_file(&plan, &format!("test `{}`: {why}", planned.name));
    let before = errors.len();
    let bench = inputs::certified_bench(Some(Path::new(&planned.bench)), errors);
    let selection = selection(planned);
    let suite = inputs::suite(&selection.paths, errors);
    let firmware = firmware_of(&planned.firmware).map_err(|why| refuse(errors, &format!("{why:#}"))).ok();
    let CertifiedBench { bench, text, certificates } = bench?;
    if errors.len() > before {
        return None;
    }
    let selected = selection.cases(&suite);
    if selected.is_empty() {
        refuse(errors, "no case matches its scenarios, tags and filter");
    }
    not_the_bench(planned, firmware.as_ref(), &bench).iter().for_each(|why| refuse(errors, why));
    for (scenario, i) in &selected {
        let case = &scenario.cases[*i];
        let lacking = rig_scenario::lacking(case, &bench);
        if !lacking.is_empty() {
            let name = format!("{} {}", scenario.id, case.label);
            refuse(errors, &format!("{} would be skipped on bench `{}`: {}", name.trim_end(), bench.name, lacking.join(", ")));
        }
    }
    if errors.len() > before {
        return None;
    }
    let plans = decidability::plans(selected.iter().map(|(s, i)| (&***s, *i)), &bench);
    let undecidable: Vec<String> = decidability::texts(&plans, false).collect();
    let case = |(scenario, i): &(&std::sync::Arc<rig_model::scenario::Scenario>, usize), checks: usize| ApprovedCase {
        scenario: scenario.id.to_string(),
        case: scenario.cases[*i].label.clone(),
        file: scenario.file.clone(),
        checks,
    };
    let checks: Vec<(ApprovedCase, Vec<String>)> =
        selected.iter().zip(&plans).map(|(s, plan)| (case(s, plan.briefly().len()), plan.briefly().collect())).collect();
    let cases: Vec<ApprovedCase> = checks.iter().map(|(case, _)| case.clone()).collect();
    let files = scenario_files(&suite);
    Some(Weighed {
        test: ApprovedTest {
            name: planned.name.to_string(),
            duts: planned.duts.clone(),
            model: bench.dut.model.clone(),
            firmware: firmware?,
            bench: bench.name.clone(),
            bench_file: hash(&text),
            certificates: certificates.iter().map(hash).collect(),
            selection: PlanSelection { paths: planned.scenarios.clone(), tags: planned.tags.clone(), filter: planned.filter.clone() },
            files: files.iter().map(|f| hash(f)).collect(),
            cases,
            repeats: planned.repeats,
            undecidable,
        },
        requirements: suite.files.iter().find(|f| f.path == inputs::REQUIREMENTS).map(hash),
        checks,
        warnings: warnings(&bench),
    })
}

pub fn selection(planned: &PlannedTest) -> Selection {
    let paths = planned.scenarios.iter().map(PathBuf::from).collect();
    Selection { paths, tag: planned.tags.clone(), filter: planned.filter.clone() }
}

/// All that was read of the suite but the requirements, which stand by themselves.
fn scenario_files(suite: &Suite) -> Vec<&SourceText> {
    let mut seen = BTreeSet::new();
    suite.files.iter().filter(|f| f.path != inputs::REQUIREMENTS && seen.insert(&f.path)).collect()
}

fn hash(text: &SourceText) -> FileHash {
    FileHash { path: text.path.clone(), sha256: Sha256Hex::of(&text.text) }
}

/// Why the plan can't be played on its bench.
fn not_the_bench(planned: &PlannedTest, firmware: Option<&ApprovedFirmware>, bench: &Bench) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(model) = planned.model.as_ref().filter(|m| **m != bench.dut.model) {
        found.push(format!("it names the model `{model}`, its bench file `{}`", bench.dut.model));
    }
    if let Some(serial) = bench.dut.serial.as_ref().filter(|s| planned.duts != [(*s).clone()]) {
        let planned = planned.duts.join(", ");
        found
            .push(format!("its boards are {planned}, and the bench file takes only {serial}: take `serial` out of it, or plan that board"));
    }
    let stated = bench.dut.firmware.as_ref().map(|f| &f.build_hashes).filter(|hashes| !hashes.is_empty());
    if let (Some(stated), Some(firmware)) = (stated, firmware)
        && !stated.iter().any(|hash| firmware.build_hashes.contains(hash))
    {
        let (stated, planned) = (stated.join(" or "), firmware.build_hashes.join(" or "));
        found.push(format!("its firmware is {planned}, and the bench file names build hash {stated}"));
    }
    found
}

/// What the approver must know, and what keeps no plan from being approved.
fn warnings(bench: &Bench) -> Vec<String> {
    let mut found = inputs::warnings(bench, &now_utc());
    if bench.kind != BenchKind::Pi {
        found.push(format!("bench `{}` is simulated: no run on it is evidence", bench.name));
    }
    found
}

fn firmware_of(planned: &PlannedFirmware) -> Result<ApprovedFirmware> {
    match planned {
        PlannedFirmware::Hash(hash) => Ok(ApprovedFirmware { build_hashes: vec![hash.clone()], image: None }),
        PlannedFirmware::Image(path) => {
            let image = firmware::read(Path::new(path))?;
            let sha256 = Sha256Hex::parse(&image.sha256).context("the image's hash is none")?;
            Ok(ApprovedFirmware { build_hashes: image.build_hashes, image: Some(FileHash { path: image.path, sha256 }) })
        }
    }
}

/// What can't be decided, for the one who is asked to approve it all the same.
pub fn tell_undecidable(tests: &[Weighed]) -> usize {
    let all: Vec<&String> = tests.iter().flat_map(|t| &t.test.undecidable).collect();
    all.iter().for_each(say::err);
    all.len()
}
