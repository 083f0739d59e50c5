//! The project's own files: the user guide's examples, the scenarios, the requirements and the bench files.
#![allow(clippy::disallowed_methods, reason = "the test reads the project's files")]

use std::path::{Path, PathBuf};

use rig_model::bench::{Bench, BenchKind};
use rig_model::time::Span;
use rig_scenario::{Parsed, Requirements, SourceFile, lacking, needs, parse_bench, parse_scenarios};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn requirements() -> Requirements {
    match Requirements::parse("scenarios/requirements.csv", &read("scenarios/requirements.csv")) {
        Ok(requirements) => requirements,
        Err(diagnostics) => panic!("{}", diagnostics.iter().map(|d| format!("{d}\n")).collect::<String>()),
    }
}

fn bench(name: &str) -> Bench {
    let path = format!("rig/benches/{name}.toml");
    match parse_bench(&path, &read(&path)) {
        Ok(bench) => bench,
        Err(diagnostics) => panic!("{}", diagnostics.iter().map(|d| format!("{d}\n")).collect::<String>()),
    }
}

fn without_errors(parsed: &Parsed) {
    assert!(parsed.diagnostics.is_empty(), "{}", parsed.diagnostics.iter().map(|d| format!("{d}\n")).collect::<String>());
}

/// The fenced blocks of one language on a page.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split_once("```").expect("a closed block").0).collect()
}

#[test]
fn every_example_of_the_guide_is_read_and_can_be_played() {
    let page = read("rig/docs/scenarios.md");
    let examples = blocks(&page, "yaml");
    assert!(examples.len() >= 10, "{}", examples.len());
    let fragment = examples.iter().find(|e| e.starts_with("fragment:")).expect("the example of a fragment");
    let mut loader = |path: &str| (path == "settle.yaml").then(|| (*fragment).to_owned()).ok_or_else(|| "no such file".to_owned());
    let files = examples.iter().enumerate().map(|(i, text)| SourceFile { path: format!("example-{}", i + 1), text: (*text).to_owned() });
    let parsed = parse_scenarios(files.collect(), &mut loader, Some(&requirements()));
    without_errors(&parsed);
    assert_eq!(parsed.scenarios.len(), examples.len() - 1, "all but the fragment");
    let sim = bench("sim-balance");
    for scenario in &parsed.scenarios {
        for case in &scenario.cases {
            assert_eq!(lacking(case, &sim), Vec::<String>::new(), "{}", scenario.id);
        }
    }
}

/// The example of a diagnostic is what the parser really says.
#[test]
fn the_guides_diagnostic_is_real() {
    let page = read("rig/docs/scenarios.md");
    let shown = blocks(&page, "text")[0];
    let text = "scenario: A\ntitle: B\ntime_limit: 5 min\n\nparameters: { dose: 0.2 ml, over: 2 min }\nsteps:\n  - program: { bolus: $dose, over: $over, verifies: R }\n";
    let source = SourceFile { path: "scenarios/trial/bolus.yaml".into(), text: text.into() };
    let parsed = parse_scenarios(vec![source], &mut (), None);
    assert_eq!(format!("{}\n", parsed.diagnostics[0]), shown);
}

#[test]
fn every_scenario_is_read_and_can_be_played_on_the_simulated_benches() {
    let mut files = Vec::new();
    collect(&root().join("scenarios"), &mut files);
    assert!(!files.is_empty());
    let mut loader = |path: &str| std::fs::read_to_string(root().join(path)).map_err(|e| e.to_string());
    let parsed = parse_scenarios(files, &mut loader, Some(&requirements()));
    without_errors(&parsed);
    for name in ["sim", "process", "sim-balance", "sim-trial"] {
        let bench = bench(name);
        let weighs = bench.channel("balance").is_some();
        // What only the external pump does is played with it.
        let played = |file: &str| name == "sim-trial" || !file.starts_with("scenarios/external/");
        for scenario in parsed.scenarios.iter().filter(|s| played(&s.file)) {
            for case in &scenario.cases {
                let lacks = lacking(case, &bench);
                let expected = if needs(case).balance && !weighs { vec!["no balance".to_owned()] } else { Vec::new() };
                assert_eq!(lacks, expected, "{} on {name}", scenario.id);
            }
        }
    }
}

/// What each scenario shows is told on the page of the suite, with the requirements that it verifies.
#[test]
fn the_page_of_the_suite_has_every_scenario() {
    let page = read("rig/docs/suite.md");
    let mut files = Vec::new();
    collect(&root().join("scenarios"), &mut files);
    let mut loader = |path: &str| std::fs::read_to_string(root().join(path)).map_err(|e| e.to_string());
    let parsed = parse_scenarios(files, &mut loader, Some(&requirements()));
    assert!(page.contains(&format!("all {} scenarios", parsed.scenarios.len())), "{} scenarios", parsed.scenarios.len());
    for scenario in &parsed.scenarios {
        let link = format!("| [`{}`](../../{}) | {} | ", scenario.id, scenario.file, scenario.title);
        assert!(page.contains(&link), "{link}");
    }
    for row in requirements().iter().filter(|row| !row.why.is_empty()) {
        assert!(page.contains(&format!("| `{}` {} | {} | {} |", row.id, row.text, row.verification.name(), row.why)), "{}", row.id);
    }
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            files.push(SourceFile { path, text });
        }
    }
}

#[test]
fn bench_files() {
    let sim = bench("sim");
    assert_eq!(sim.kind, BenchKind::Sim);
    assert_eq!(sim.link.reply_timeout, Span::milliseconds(500));
    assert_eq!((sim.link.baud, sim.link.transmissions, sim.link.poll_every), (115_200, 3, Span::seconds(10)));
    let safe: Vec<(&str, bool)> = sim.lines.iter().map(|l| (&*l.name, l.safe_active)).collect();
    assert_eq!(safe, [("power", false), ("occluder", false), ("leak", false), ("refill", false), ("button", false)]);
    let names: Vec<&str> = sim.channels.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["flow.pump", "flow.tip", "pressure.line", "alarm", "drug.tip"]);
    assert_eq!((sim.safe_down.dwell, sim.safe_down.at_most.0), (Span::minutes(2), 1.5));
    let plant = sim.plant.as_ref().expect("a plant");
    assert_eq!((plant.reservoir_capacity.0, plant.compliance, plant.resistance, plant.gain), (20_000.0, 0.15, 2.9e11, 1.0));
    assert_eq!(plant.edge_jitter, Span::microseconds(50));

    let process = bench("process");
    assert_eq!((process.kind, process.link.poll_every, process.safe_down.dwell), (BenchKind::Process, Span::seconds(2), Span::seconds(5)));
    assert_eq!((process.lines, process.channels, process.plant), (sim.lines, sim.channels, sim.plant));
}
