//! What the pages say can be done: their commands run, their links lead somewhere, their examples are read.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests read the pages and run the program")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Outcome, project, rig, write};

/// README, architecture, and every page below `rig/docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "rig/ARCHITECTURE.md", "reports/README.md"].iter().map(|p| project().join(p)).collect();
    for folder in ["rig/docs", "rig/docs/decisions"] {
        let entries = fs::read_dir(project().join(folder)).unwrap().map(|e| e.unwrap().path());
        pages.extend(entries.filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    pages.sort();
    assert!(pages.len() > 8, "{pages:?}");
    pages
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|e| panic!("{}: {e}", page.display()))
}

/// The fenced blocks of a page: language and text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block that is not closed");
    blocks
}

/// The arguments of a line that runs the program.
fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let line = line.split(" > ").next()?.split(" #").next()?.trim();
    let rest = match line.strip_prefix("cargo run --release") {
        Some("") => "",
        Some(rest) => rest.strip_prefix(" -- ")?,
        None => line.strip_prefix("rig ")?,
    };
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// All commands of all pages with the page that has them.
fn commands() -> Vec<(PathBuf, String, Vec<String>)> {
    let mut commands = Vec::new();
    for page in pages() {
        for (language, body) in blocks(&read(&page)) {
            if matches!(language.as_str(), "console" | "sh" | "text") {
                commands.extend(body.lines().filter_map(|l| Some((page.clone(), l.to_owned(), arguments(l)?))));
            }
        }
    }
    assert!(commands.len() > 10, "{commands:#?}");
    commands
}

#[test]
fn every_command_names_what_there_is() {
    for (page, line, arguments) in commands() {
        let outcome = Outcome::of(rig(&arguments).arg("--help"));
        assert_eq!(outcome.code, Some(0), "{}: `{line}`: {}", page.display(), outcome.stderr);
    }
}

/// On the simulated bench, each once, as it stands there but for the place of the reports.
#[test]
fn every_command_on_the_simulated_bench_does_what_it_should() {
    let mut done = BTreeSet::new();
    for (page, line, arguments) in commands() {
        let first = arguments.first().map_or("run", String::as_str);
        // What takes a run of the reader's own, a real second for a second, or shows something that fails.
        let in_real_time = first != "check" && arguments.iter().any(|a| a.contains("benches/process"));
        let readers = |a: &String| a.contains("RUN") || a.contains('<') || a.contains('…') || a == "reports";
        let of_ones_own = arguments.iter().any(readers) || first == "host";
        if in_real_time || of_ones_own || !done.insert(arguments.clone()) {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let mut command = rig(&arguments);
        if matches!(first, "run" | "report" | "qualify") || first.starts_with("--") {
            command.arg("--out").arg(dir.path());
        }
        let outcome = Outcome::of(&mut command);
        let defective = arguments.windows(2).any(|a| a[0] == "--defect" && a[1] != "none");
        let code = i32::from(defective);
        assert_eq!(outcome.code, Some(code), "{}: `{line}`: {outcome:#?}", page.display());
    }
    assert!(done.len() > 5, "{done:?}");
}

/// The excerpt of the README, line by line.
#[test]
fn the_readme_shows_real_output() {
    let text = read(&project().join("README.md"));
    let (_, excerpt) = blocks(&text).into_iter().find(|(language, _)| language == "text").expect("an excerpt");
    for shown in excerpt.split("$ ").skip(1) {
        let (line, shown) = shown.split_once('\n').unwrap();
        let dir = tempfile::tempdir().unwrap();
        let outcome = Outcome::of(rig(arguments(line).expect("a command")).arg("--out").arg(dir.path()));
        let real: Vec<&str> = outcome.stdout.lines().filter(|l| !l.starts_with("record: ")).collect();
        assert_eq!(shown.trim_end().lines().collect::<Vec<_>>(), real, "`{line}`");
    }
}

/// The explained row is one of the committed sample, word for word.
#[test]
fn the_explanation_that_is_shown_is_real() {
    let text = read(&project().join("rig/docs/uncertainty.md"));
    let shown = blocks(&text).into_iter().find(|(language, body)| language == "text" && body.starts_with("$ rig explain")).unwrap().1;
    let (line, shown) = shown.split_once('\n').unwrap();
    let outcome = Outcome::of(&mut rig(arguments(line).expect("a command")));
    outcome.expect(0, &[]);
    assert_eq!(outcome.stdout, shown, "`{line}`");
}

#[test]
fn every_example_that_is_a_scenario_is_read() {
    for page in pages() {
        // That page's examples are tested where the language is, with their fragments.
        if page.ends_with("rig/docs/scenarios.md") {
            continue;
        }
        for (_, body) in blocks(&read(&page)).into_iter().filter(|(l, b)| l == "yaml" && b.starts_with("scenario:")) {
            let dir = tempfile::tempdir().unwrap();
            let file = write(dir.path(), "example.yaml", body);
            Outcome::of(rig(["check"]).arg(file)).expect(0, &[]);
        }
    }
}

/// As GitHub makes them of headings.
fn anchors(page: &Path) -> BTreeSet<String> {
    let headings = read(page);
    let headings = headings.lines().filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim().to_lowercase());
    headings
        .map(|h| h.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(p, a)| (p, Some(a)));
            let file = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let alive = file.exists() && anchor.is_none_or(|a| anchors(&file).contains(a));
            if !alive {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}
