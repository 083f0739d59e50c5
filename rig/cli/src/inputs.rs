//! Turns texts into what a run plays: bench, scenarios and plan; from files for a new run, from the header for a replay.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use rig_model::bench::{Bench, ExpectedFirmware};
use rig_model::fact::{CaseRef, Header, SourceText};
use rig_model::scenario::Scenario;
use rig_report::printable;
use rig_runner::{Plan, PlannedCase};
use rig_scenario::{Diagnostic, Loader, Requirements, SourceFile, calibration_warnings, lacking, parse_bench, parse_scenarios};
use sha2::{Digest, Sha256};

use crate::certificate::{Referred, referred};
use crate::failure::{Failure, USAGE, failure};
use crate::ledger::hex;
use crate::{files, own_rates, plan as approved};

/// The bench that is used when none is named: everything simulated.
pub const EMBEDDED_BENCH: (&str, &str) = ("sim.toml", include_str!("../../benches/sim.toml"));
/// Where the requirement catalogue is looked for, beside the scenarios.
pub const REQUIREMENTS: &str = "scenarios/requirements.csv";

/// Scenarios that parsed without an error, and every file that was read for them.
#[derive(Debug, Default)]
pub struct Suite {
    pub scenarios: Vec<Arc<Scenario>>,
    pub files: Vec<SourceText>,
}

impl Suite {
    /// The same scenarios, read anew from the same texts.
    pub fn again(&self) -> Result<Vec<Arc<Scenario>>> {
        let texts: BTreeMap<&str, &str> = self.files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
        let source =
            |s: &Arc<Scenario>| texts.get(s.file.as_str()).map(|text| SourceFile { path: s.file.clone(), text: (*text).to_owned() });
        let sources = self.scenarios.iter().filter_map(source).collect();
        let known = texts.get(REQUIREMENTS).map(|text| Requirements::parse(REQUIREMENTS, text)).transpose();
        let known = known.map_err(|found| in_record(&found))?;
        Ok(parse(sources, &mut FromHeader(texts), known.as_ref()).map_err(|found| in_record(&found))?.scenarios)
    }
}

/// What is wrong with the files, each as a text of its own: all errors of all of them.
#[derive(Debug, Default)]
pub struct Errors(Vec<String>);

impl Errors {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a command ends with them. What prints a failure says `error: ` before the first.
    pub fn failure(&self) -> Failure {
        let told = self.to_string();
        failure(USAGE, told.strip_prefix("error: ").unwrap_or(&told))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn diagnostics(&mut self, found: &[Diagnostic]) {
        found.iter().for_each(|d| self.add(d.to_string()));
    }

    fn other(&mut self, error: &anyhow::Error) {
        self.add(format!("error: {error:#}"));
    }

    /// A mistake in a file that no parser finds.
    pub fn in_file(&mut self, file: &str, what: &str) {
        self.add(format!("error: {}: {}", printable(file), printable(what)));
    }

    /// Once, however often the file is read.
    fn add(&mut self, error: String) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|e| writeln!(f, "{e}"))?;
        match self.0.len() {
            1 => f.write_str("1 error"),
            n => write!(f, "{n} errors"),
        }
    }
}

/// Reads and parses the scenarios that are asked for; what is wrong with them is added to `errors`, and what is right comes back.
pub fn suite(paths: &[PathBuf], errors: &mut Errors) -> Suite {
    let found = files::scenario_files(paths);
    found.unreadable.iter().for_each(|e| errors.other(e));
    let text = requirements_text(errors);
    let known = text.as_ref().map(|text| Requirements::parse(REQUIREMENTS, text)).transpose();
    let known = known.unwrap_or_else(|diagnostics| {
        errors.diagnostics(&diagnostics);
        None
    });
    if known.is_none() && errors.is_empty() {
        tracing::warn!("there is no {REQUIREMENTS} here: the requirements that checks name are not looked up");
    }
    let parsed = parse(found.sources, &mut files::Disk, known.as_ref());
    let mut suite = parsed.unwrap_or_else(|diagnostics| {
        errors.diagnostics(&diagnostics);
        Suite::default()
    });
    // What a requirement wanted on that day belongs into the record, and verdicts may follow from the rules that it states.
    if known.is_some() {
        suite.files.extend(text.map(|text| source(REQUIREMENTS.to_owned(), text)));
    }
    suite
}

/// The scenarios as they are, whatever requirements they name: those that are not in the table are for the trace to tell.
pub fn scenarios(paths: &[PathBuf], errors: &mut Errors) -> Suite {
    let found = files::scenario_files(paths);
    found.unreadable.iter().for_each(|e| errors.other(e));
    parse(found.sources, &mut files::Disk, None).unwrap_or_else(|diagnostics| {
        errors.diagnostics(&diagnostics);
        Suite::default()
    })
}

/// A table of requirements that must be there.
pub fn requirements(path: &Path, errors: &mut Errors) -> Option<Requirements> {
    let text = files::read(path).map_err(|e| errors.other(&e)).ok()?;
    Requirements::parse(&path.display().to_string(), &text).map_err(|found| errors.diagnostics(&found)).ok()
}

/// The requirement catalogue, where there is one; one that can't be read is an error and not none.
fn requirements_text(errors: &mut Errors) -> Option<String> {
    let path = Path::new(REQUIREMENTS);
    if !path.exists() {
        return None;
    }
    files::read(path).map_err(|error| errors.other(&error)).ok()
}

pub fn source(path: String, text: String) -> SourceText {
    SourceText { path, sha256: hex(&Sha256::digest(text.as_bytes())), text }
}

/// A scenario that is part of this program, as it stands there or made for one bench.
pub fn embedded(path: &str, text: String, loader: &mut dyn Loader) -> Result<Suite> {
    let mut errors = Errors::default();
    parse(vec![SourceFile { path: path.to_owned(), text }], loader, None).map_err(|found| {
        errors.diagnostics(&found);
        anyhow!("the rig's own scenario does not fit this bench:\n{errors}")
    })
}

/// Several such scenarios, with the requirements that they name.
pub fn embedded_suite(sources: Vec<SourceFile>, loader: &mut dyn Loader, known: Option<&Requirements>) -> Result<Suite> {
    parse(sources, loader, known).map_err(|found| {
        let mut errors = Errors::default();
        errors.diagnostics(&found);
        anyhow!("scenarios that are part of this program can't be read:\n{errors}")
    })
}

fn parse(sources: Vec<SourceFile>, loader: &mut dyn Loader, known: Option<&Requirements>) -> Result<Suite, Vec<Diagnostic>> {
    let parsed = parse_scenarios(sources, loader, known);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    Ok(Suite { scenarios: parsed.scenarios.into_iter().map(Arc::new).collect(), files: parsed.files })
}

/// A bench as it is measured with: its certificates were read, and say what the bench file says.
#[derive(Debug)]
pub struct CertifiedBench {
    pub bench: Bench,
    pub text: SourceText,
    pub certificates: Vec<SourceText>,
}

/// The bench file with its text and its certificates, or the embedded default; nothing where `errors` say what is wrong with them.
pub fn certified_bench(path: Option<&Path>, errors: &mut Errors) -> Option<CertifiedBench> {
    let (bench, text) = bench(path, errors)?;
    let Referred { texts, refused } = referred(&bench, path.and_then(Path::parent).unwrap_or(Path::new("")));
    if refused.is_empty() {
        return Some(CertifiedBench { bench, text, certificates: texts });
    }
    errors.0.extend(refused.iter().map(|why| format!("error: {}: {why}", text.path)));
    None
}

/// The bench file with its text, or the embedded default, whatever its certificates say: for those who measure nothing.
pub fn bench(path: Option<&Path>, errors: &mut Errors) -> Option<(Bench, SourceText)> {
    let (path, text) = match path {
        Some(path) => (path.display().to_string(), files::read(path).map_err(|e| errors.other(&e)).ok()?),
        None => (EMBEDDED_BENCH.0.to_owned(), EMBEDDED_BENCH.1.to_owned()),
    };
    let bench = parse_bench(&path, &text).map_err(|found| errors.diagnostics(&found)).ok()?;
    let contradicted = own_rates::contradicted(&bench, &text);
    contradicted.iter().for_each(|what| errors.in_file(&path, what));
    if !contradicted.is_empty() {
        return None;
    }
    Some((bench, source(path, text)))
}

/// What is wrong with the calibration of a bench at this time (ISO 8601, UTC), in sentences.
pub fn warnings(bench: &Bench, time: &str) -> Vec<String> {
    let day = time.split_once('T').map_or(time, |(day, _)| day);
    calibration_warnings(bench, day)
}

/// In the record, where nothing may be wrong any more.
fn in_record(found: &[Diagnostic]) -> anyhow::Error {
    let mut errors = Errors::default();
    errors.diagnostics(found);
    anyhow!("the texts in the journal's header are not what this version of `rig` understands:\n{errors}")
}

/// The cases of a header as the runner plays them.
pub fn plan(header: Header, mut bench: Bench, scenarios: &[Arc<Scenario>]) -> Result<Plan> {
    bench.dut.firmware = expected_firmware(&header, &bench);
    approved::hold_to(&header, &mut bench)?;
    let find = |wanted: &CaseRef| {
        let scenario = scenarios.iter().find(|s| *s.id == *wanted.scenario)?;
        let case = scenario.cases.iter().position(|c| c.label == wanted.case)?;
        Some(PlannedCase { scenario: scenario.clone(), case, lacking: lacking(&scenario.cases[case], &bench) })
    };
    let missing = |wanted: &CaseRef| anyhow!("no case `{}` in scenario {}", wanted.case, wanted.scenario);
    let cases = header.cases.iter().map(|c| find(c).ok_or_else(|| missing(c))).collect::<Result<Vec<_>>>()?;
    Ok(Plan { header, bench: Arc::new(bench), cases })
}

/// What the board must run: the image in the header, of whose build hashes the bench file may name one.
fn expected_firmware(header: &Header, bench: &Bench) -> Option<ExpectedFirmware> {
    let of_bench = bench.dut.firmware.as_ref();
    let Some(image) = &header.provenance.firmware else { return of_bench.cloned() };
    let stated = of_bench.map(|f| &f.build_hashes).filter(|hashes| !hashes.is_empty());
    Some(ExpectedFirmware { image: Some(image.path.clone()), build_hashes: stated.unwrap_or(&image.build_hashes).clone() })
}

/// The plan of a recorded run, from nothing but its header.
pub fn plan_of_record(header: &Header) -> Result<Plan> {
    let bench = bench_of_record(header)?;
    let texts: BTreeMap<&str, &str> = header.files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
    let scenario_files: std::collections::BTreeSet<&str> = header.cases.iter().map(|c| c.file.as_str()).collect();
    let sources = scenario_files
        .iter()
        .map(|path| {
            let text = texts.get(path).ok_or_else(|| anyhow!("the journal's header lacks the text of `{path}`"))?;
            Ok(SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
        })
        .collect::<Result<Vec<_>>>()?;
    let known = texts.get(REQUIREMENTS).map(|text| Requirements::parse(REQUIREMENTS, text)).transpose();
    let known = known.map_err(|found| in_record(&found))?;
    let suite = parse(sources, &mut FromHeader(texts), known.as_ref()).map_err(|found| in_record(&found))?;
    plan(header.clone(), bench, &suite.scenarios)
}

pub fn bench_of_record(header: &Header) -> Result<Bench> {
    parse_bench(&header.bench_file.path, &header.bench_file.text).map_err(|found| in_record(&found))
}

/// Fragments as the header holds them.
struct FromHeader<'h>(BTreeMap<&'h str, &'h str>);

impl Loader for FromHeader<'_> {
    fn load(&mut self, path: &str) -> Result<String, String> {
        self.0.get(path).map(|text| (*text).to_owned()).ok_or_else(|| format!("the journal's header lacks the text of `{path}`"))
    }
}
