//! `trace.html`: self-contained, without network or script, for the screen in light and dark and for paper. Problems come first.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use rig_model::requirement::Requirement;
use rig_model::verdict::Verdict;

use super::csv::names;
use super::finding::{Finding, Kind};
use super::gather::Seen;
use super::link::{Link, Status};
use super::matrix::{Matrix, Traced};
use super::text::many;
use crate::palette::printable;

/// A group with more findings is folded.
const LONG: usize = 20;
const STYLE: &str = include_str!("trace.css");
/// The words of requirements, what they mean, and their colours.
const WORDS: [(&str, &str, &str); 11] = [
    ("pass", "PASS", "pass"),
    ("fail", "FAIL", "fail"),
    ("uncovered", "no check", "fail"),
    ("not_shown", "not shown", "doubt"),
    ("not_run", "not all run", "unrun"),
    ("stale", "other firmware", "doubt"),
    ("suspect", "suspect", "open"),
    ("planned", "only planned", "plan"),
    ("review", "by review", "none"),
    ("analysis", "by analysis", "none"),
    ("absent", "no such function", "none"),
];

/// `made_utc` is when, ISO 8601, UTC.
pub fn trace_html(matrix: &Matrix, made_utc: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Traceability" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(matrix, made_utc))
                (problems(matrix))
                (requirements(matrix))
                (untraced(matrix))
            }
        }
    };
    page.into_string()
}

fn head(matrix: &Matrix, made_utc: &str) -> Markup {
    let (class, words) = match matrix.exit_code() {
        0 => ("pass", "Every requirement that is to be verified by test is covered, fresh and PASS."),
        1 => ("fail", "There is a FAIL. What else is open stands below it."),
        _ => ("doubt", "No FAIL, but not all of it is shown: what is missing stands below."),
    };
    let counted: Vec<_> = WORDS.iter().map(|word| (matrix.count(word.0), word)).filter(|(n, _)| *n > 0).collect();
    html! {
        h1 { "Traceability" }
        p.dim { "requirement ↔ scenario ↔ check ↔ verdict ↔ firmware ↔ run · made " (printable(made_utc)) }
        @for firmware in &matrix.firmware {
            p { "Firmware " b { (printable(&firmware.version)) } " " code { (printable(&firmware.hash)) } }
        }
        @if matrix.firmware.is_empty() { p { b { "No firmware that was asked for was seen in any run." } } }
        p.dim {
            (many(matrix.runs, "run")) ", " (matrix.evidence_runs) " of them evidence"
            @if matrix.other_firmware > 0 { "; " (many(matrix.other_firmware as u64, "other build")) }
            @if matrix.with_defect > 0 { "; left out: " (many(matrix.with_defect, "run")) " of pumps with a defect put in" }
            @if matrix.without_requirements > 0 {
                "; the texts of the requirements are not in the records of " (many(matrix.without_requirements, "run")) ": whether they have changed since is not known"
            }
        }
        @for remark in &matrix.remarks { p { (printable(remark)) } }
        div class=(format!("verdict {class}")) {
            b { (words) }
            @if matrix.of(Kind::NotEvidence).next().is_some() { " Not all of the verdicts are evidence: each that is not says so." }
        }
        div.tiles {
            div.tile.none { b { (matrix.requirements.len()) } "requirements" }
            @for (n, (_, words, class)) in &counted { div class=(format!("tile {class}")) { b { (n) } (words) } }
        }
        div.bar { @for (n, (_, words, class)) in &counted { span class=(class) style=(format!("flex:{n}")) title=(words) {} } }
        (nav(matrix))
    }
}

/// A link to every group.
fn nav(matrix: &Matrix) -> Markup {
    let groups = Kind::ALL.into_iter().map(|kind| (kind, matrix.of(kind).count())).filter(|(kind, n)| *n > 0 && *kind != Kind::Untraced);
    html! {
        nav {
            p {
                a href="#problems" { "Problems" }
                a href="#matrix" { "Matrix" }
                a href="#untraced" { "Checks without a requirement" }
            }
            p.groups { @for (kind, n) in groups { a href=(format!("#{}", kind.name())) { (capital(kind.title())) " " span.dim { "(" (n) ")" } } } }
        }
    }
}

fn problems(matrix: &Matrix) -> Markup {
    let of = |kind: Kind| matrix.of(kind).collect::<Vec<_>>();
    let found: Vec<(Kind, Vec<&Finding>)> = Kind::ALL.into_iter().map(|k| (k, of(k))).filter(|(_, f)| !f.is_empty()).collect();
    html! {
        h2 #problems { "Problems" }
        @if !found.iter().any(|(kind, _)| matrix.counts(*kind)) { p { "None." } }
        @for (kind, findings) in found.iter().filter(|(kind, _)| *kind != Kind::Untraced) {
            @let folded = !matrix.counts(*kind) || (findings.len() > LONG && *kind != Kind::Fail);
            details id=(kind.name()) open[!folded] {
                summary { (capital(kind.title())) " " span.dim { "(" (findings.len()) ")" } }
                @if matches!(kind, Kind::Uncovered | Kind::Planned) { (table_of_requirements(matrix, findings)) } @else { (table_of(findings)) }
            }
        }
    }
}

/// Of requirements without a check: there is no place and no run.
fn table_of_requirements(matrix: &Matrix, findings: &[&Finding]) -> Markup {
    let of = |finding: &Finding| finding.requirements.first().and_then(|id| matrix.requirements.iter().find(|t| t.requirement.id == *id));
    html! {
        div.scroll {
            table {
                thead { tr { th { "requirement" } th { "text" } th { "hazards" } th { "why" } } }
                tbody {
                    @for Requirement { id, text, hazards, why, .. } in findings.iter().filter_map(|f| of(f)).map(|t| &t.requirement) {
                        tr {
                            td.nowrap { (id) }
                            td.text { (printable(text)) }
                            td { small { (printable(&names(hazards))) } }
                            td.text { @if why.is_empty() { "no check verifies it" } @else { (printable(why)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Without a column that would be empty.
fn table_of(findings: &[&Finding]) -> Markup {
    let any = |has: fn(&Finding) -> bool| findings.iter().any(|finding| has(finding));
    let (requirements, places, runs) = (any(|f| !f.requirements.is_empty()), any(|f| f.key.is_some()), any(|f| f.run.is_some()));
    html! {
        div.scroll {
            table {
                thead { tr { @if requirements { th { "requirement" } } @if places { th { "where" } } th { "what" } @if runs { th { "run" } } } }
                tbody {
                    @for finding in findings {
                        tr {
                            @if requirements { td.names { (printable(&names(&finding.requirements))) } }
                            @if places { td.where { @if let Some(key) = &finding.key { (place(&key.scenario, &key.case, &key.step)) } } }
                            td.text { (printable(&finding.what)) }
                            @if runs { td { @if let Some(run) = &finding.run { code { (printable(last_part(run))) } } } }
                        }
                    }
                }
            }
        }
    }
}

fn requirements(matrix: &Matrix) -> Markup {
    html! {
        h2 #matrix { "Matrix" }
        div.scroll {
            table {
                thead { tr { th { "requirement, scenario" } th { "text, check" } th { "status" } th { "run, firmware, board" } } }
                tbody { @for traced in &matrix.requirements { (requirement(traced)) } }
            }
        }
    }
}

fn requirement(traced: &Traced) -> Markup {
    let Requirement { id, text, source, hazards, class, why, rule, .. } = &traced.requirement;
    let (_, words, colour) = WORDS.iter().find(|w| w.0 == traced.word()).copied().unwrap_or(("", "", "none"));
    html! {
        tr class=(format!("requirement {colour}")) id=(id) {
            td.nowrap { b { (id) } br; small { (printable(class)) } }
            td.text {
                (printable(text))
                br; small { (printable(source)) " · " (printable(&names(hazards))) }
                @if let Some(rule) = rule { br; small { "decision rule: " (rule.rule.name()) } }
            }
            td {
                span class=(format!("badge {colour}")) { (words) }
                @if traced.without_evidence() { br; small { "not evidence" } }
            }
            td { small { (printable(why)) } }
        }
        @for link in &traced.links { (check(link)) }
    }
}

fn check(link: &Link) -> Markup {
    let key = &link.check.key;
    html! {
        tr {
            td.where { (place(&key.scenario, &key.case, &key.step)) }
            td.text {
                (printable(&link.check.text))
                @for suspicion in &link.suspicions { br; small { "since then: " (printable(suspicion)) } }
                @if let Some(seen) = link.counted.as_ref().filter(|s| s.verdict != Verdict::Pass) { br; small { (printable(&seen.reason)) } }
                @for deviation in link.deviations() { br; small { "deviation " (printable(&deviation.words())) ": " (printable(&deviation.note)) } }
                @if let Some(case) = &link.without_rows { br; small { "the case was " (case.verdict.name()) ": " (printable(&case.reason)) } }
            }
            td { (status(link)) }
            td {
                @if let Some(seen) = &link.counted { (run(seen)) }
                @if let Some(worst) = &link.worst { br; "worst: " (run(worst)) }
                @if let Some(latest) = &link.latest { br; "latest: " (run(latest)) }
            }
        }
    }
}

fn status(link: &Link) -> Markup {
    let verdict = |v: Verdict| match v {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        _ => "doubt",
    };
    html! {
        @match &link.counted {
            Some(seen) => { span class=(format!("badge {}", verdict(seen.verdict))) { (seen.verdict.name()) } }
            None => { span.badge.unrun { "not run" } }
        }
        @if let Some(worst) = &link.worst { " " span class=(format!("badge {}", verdict(worst.verdict))) { "worst " (worst.verdict.name()) } }
        @if link.status == Status::Suspect { " " span.badge.open { "suspect" } }
        @if link.status == Status::Stale { " " span.badge.doubt { "other firmware" } }
        @if link.counted.as_ref().is_some_and(|seen| !seen.run.evidence) { br; small { "not evidence" } }
    }
}

/// Verdict, row and run in short; the table in CSV has all of it.
fn run(seen: &Seen) -> Markup {
    let hash: String = seen.firmware.hash.chars().take(8).collect();
    html! {
        code { (printable(last_part(&seen.run.folder))) } " row " (seen.row)
        br; small { (printable(&seen.firmware.version)) " " (printable(&hash)) " · " (printable(&seen.dut_serial)) }
    }
}

fn untraced(matrix: &Matrix) -> Markup {
    let found: Vec<&Finding> = matrix.of(Kind::Untraced).collect();
    html! {
        h2 #untraced { "Checks without a requirement " span.dim { "(" (found.len()) ")" } }
        p.dim { "They are judged like any other, and show nothing of a requirement." }
        details open[found.len() <= LONG] {
            summary { "The checks" }
            div.scroll {
                table {
                    thead { tr { th { "where" } th { "check" } } }
                    tbody {
                        @for finding in &found {
                            tr {
                                td.where { @if let Some(key) = &finding.key { (place(&key.scenario, "", &key.step)) } }
                                td.text { (printable(&finding.what)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn place(scenario: &str, case: &str, step: &str) -> Markup {
    html! {
        span.mono { (printable(scenario)) }
        @if !case.is_empty() { " " small { (printable(case)) } }
        br; small { (printable(step)) }
    }
}

fn last_part(folder: &str) -> &str {
    folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
