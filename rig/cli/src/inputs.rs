//! Turns texts into what a run plays: bench, scenarios and plan; from files for a new run, from the header for a replay.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use rig_model::bench::Bench;
use rig_model::fact::{CaseRef, Header, SourceText};
use rig_model::scenario::Scenario;
use rig_runner::{Plan, PlannedCase};
use rig_scenario::{Diagnostic, Loader, Requirements, SourceFile, lacking, parse_bench, parse_scenarios};
use sha2::{Digest, Sha256};

use crate::files;
use crate::ledger::hex;

/// The bench that is used when none is named: everything simulated.
pub const EMBEDDED_BENCH: (&str, &str) = ("sim.toml", include_str!("../../benches/sim.toml"));
/// Where the requirement catalogue is looked for, beside the scenarios.
const REQUIREMENTS: &str = "scenarios/requirements.csv";

/// Scenarios that parsed without an error, and every file that was read for them.
#[derive(Debug)]
pub struct Suite {
    pub scenarios: Vec<Arc<Scenario>>,
    pub files: Vec<SourceText>,
}

/// Parses; all errors of all files come back in one text.
pub fn suite(sources: Vec<SourceFile>) -> Result<Suite, Vec<Diagnostic>> {
    let known = std::fs::read_to_string(REQUIREMENTS).ok().map(|text| Requirements::parse(REQUIREMENTS, &text)).transpose()?;
    parse(sources, &mut files::Disk, known.as_ref())
}

fn parse(sources: Vec<SourceFile>, loader: &mut dyn Loader, known: Option<&Requirements>) -> Result<Suite, Vec<Diagnostic>> {
    let parsed = parse_scenarios(sources, loader, known);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    Ok(Suite { scenarios: parsed.scenarios.into_iter().map(Arc::new).collect(), files: parsed.files })
}

/// The bench file with its text, or the embedded default.
pub fn bench(path: Option<&Path>) -> Result<(Bench, SourceText)> {
    let (path, text) = match path {
        Some(path) => (path.display().to_string(), files::read(path)?),
        None => (EMBEDDED_BENCH.0.to_owned(), EMBEDDED_BENCH.1.to_owned()),
    };
    let bench = parse_bench(&path, &text).map_err(|errors| anyhow!(together(&errors)))?;
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    Ok((bench, SourceText { path, sha256, text }))
}

/// All diagnostics, and how many there are.
pub fn together(errors: &[Diagnostic]) -> String {
    let mut text: String = errors.iter().map(|e| format!("{e}\n")).collect();
    text.push_str(&match errors.len() {
        1 => "1 error".to_owned(),
        n => format!("{n} errors"),
    });
    text
}

/// The cases of a header as the runner plays them.
pub fn plan(header: Header, bench: Bench, scenarios: &[Arc<Scenario>]) -> Result<Plan> {
    let find = |wanted: &CaseRef| {
        let scenario = scenarios.iter().find(|s| *s.id == *wanted.scenario)?;
        let case = scenario.cases.iter().position(|c| c.label == wanted.case)?;
        Some(PlannedCase { scenario: scenario.clone(), case, lacking: lacking(&scenario.cases[case], &bench) })
    };
    let missing = |wanted: &CaseRef| anyhow!("no case `{}` in scenario {}", wanted.case, wanted.scenario);
    let cases = header.cases.iter().map(|c| find(c).ok_or_else(|| missing(c))).collect::<Result<Vec<_>>>()?;
    Ok(Plan { header, bench: Arc::new(bench), cases })
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
    let suite = parse(sources, &mut FromHeader(texts), None).map_err(|errors| anyhow!(together(&errors)))?;
    plan(header.clone(), bench, &suite.scenarios)
}

pub fn bench_of_record(header: &Header) -> Result<Bench> {
    parse_bench(&header.bench_file.path, &header.bench_file.text).map_err(|errors| anyhow!(together(&errors)))
}

/// Fragments as the header holds them.
struct FromHeader<'h>(BTreeMap<&'h str, &'h str>);

impl Loader for FromHeader<'_> {
    fn load(&mut self, path: &str) -> Result<String, String> {
        self.0.get(path).map(|text| (*text).to_owned()).ok_or_else(|| format!("the journal's header lacks the text of `{path}`"))
    }
}
