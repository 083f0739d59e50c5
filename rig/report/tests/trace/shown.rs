//! Table, page and terminal.

use super::*;

fn awkward() -> Matrix {
    let noted = [deviation(1, 2, Says::DiscardsRow)];
    let mut lab =
        Lab::new().noted(&Run::on(1), ["FAIL", "INCONCLUSIVE"], &noted).run(&Run { evidence: false, ..Run::on(2) }, ["PASS", "PASS"]);
    lab.today
        .requirements
        .push(Requirement { text: "=1+1 <script>alert(1)</script>\u{1b}[2J".into(), ..requirement("REQ-3", Verification::Planned) });
    lab.today.checks.push(check("steps.3", &[]));
    lab.matrix()
}

#[test]
fn the_table_has_a_cell_for_each_column_and_no_formula() {
    let mut out = Vec::new();
    trace_csv(&mut out, &awkward()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<&str> = TRACE.iter().map(|c| c.name).collect();
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names);
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 4);
    let of = |i: usize, column: &str| rows[i][column].clone();
    assert_eq!([of(0, "requirement"), of(0, "status"), of(0, "verdict"), of(0, "run_id")], ["REQ-1", "fail", "FAIL", "run-1"]);
    assert_eq!(
        [of(0, "latest_verdict"), of(0, "latest_run_id"), of(0, "worst_verdict"), of(0, "worst_row")],
        ["PASS", "run-2", "FAIL", "1"]
    );
    assert_eq!([of(1, "evidence"), of(1, "firmware_sha256"), of(1, "runs")], ["true", NEW, "2"]);
    assert_eq!([of(2, "requirement_status"), of(2, "scenario"), of(2, "verification_why")], ["planned", "", "for a reason"]);
    assert_eq!([of(0, "deviations"), of(1, "deviations")], ["", "PR-7 retest"]);
    assert!(of(2, "text").starts_with("'=1+1"));
    assert_eq!([of(3, "requirement"), of(3, "step"), of(3, "status"), of(3, "run_id")], ["", "steps.3", "not_run", ""]);
}

#[test]
fn the_page_of_the_table_describes_every_column() {
    let page = include_str!("../../../docs/traceability.md");
    for column in TRACE {
        assert!(page.contains(&format!("| `{}` | {} |", column.name, column.description)), "{}", column.name);
    }
    for kind in FindingKind::ALL {
        assert!(page.contains(&format!("| `{}` |", kind.name())), "{}", kind.name());
    }
    let page = include_str!("../../../docs/calibration.md");
    for column in rig_report::IMPACT {
        assert!(page.contains(&format!("| `{}` | {} |", column.name, column.description)), "{}", column.name);
    }
}

#[test]
fn the_page_is_self_contained_and_nothing_in_it_is_run() {
    let html = trace_html(&awkward(), "2026-11-25T00:00:00Z");
    assert!(html.contains("=1+1 &lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}[2J"), "{html}");
    for never in ["<script", "http:", "https:", "url(", "@import", "src=", "\u{1b}"] {
        assert!(!html.contains(never), "{never}");
    }
    assert!(html.find("id=\"problems\"").unwrap() < html.find("id=\"matrix\"").unwrap(), "problems first");
}

#[test]
fn the_terminal_is_told_the_worst_first_and_not_worked() {
    let text = trace_text(&awkward(), Palette::plain());
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains("REQ-1        fail       0 of 1  S-01\n"), "{text}");
    assert!(text.contains("\nFAIL (1)\n  REQ-1  S-01 steps.1  check of steps.1: it is FAIL (row 1 of run run-1)\n"), "{text}");
    assert!(
        text.contains("\n3 requirements: 1 fail, 1 not_shown, 1 planned\n2 runs, 1 of them evidence; firmware 1.0 aaaaaaaaaa\nthere is no ledger\u{fffd}\n"),
        "{text}"
    );
}

#[test]
fn no_line_on_the_terminal_is_wider_than_it_need_be() {
    let long = ["a rather long sentence about the pump"; 20].join(" ");
    let mut lab = Lab::new().noted(&Run::on(1), ["PASS", "PASS"], &[RowDeviation { note: long.clone(), ..deviation(1, 2, Says::Open) }]);
    lab.today.requirements.push(Requirement { why: long.clone(), ..requirement("REQ-3", Verification::Planned) });
    lab.today.remarks.push(long);
    let text = trace_text(&lab.matrix(), Palette::plain());
    assert!(text.lines().all(|line| line.chars().count() <= 110 && !line.ends_with(' ')), "{text}");
    assert!(text.matches("sentence").count() == 60, "nothing is lost: {text}");
    // A word that is wider is not torn.
    let mut lab = Lab::new();
    lab.today.remarks.push(format!("in {}", "x".repeat(200)));
    assert!(trace_text(&lab.matrix(), Palette::plain()).contains(&"x".repeat(200)));
}

/// What somebody must look at first is first, each group has its link, and no column is there for nothing.
#[test]
fn the_page_leads_to_what_counts() {
    let mut lab = Lab::new().noted(&Run::on(1), ["FAIL", "PASS"], &[deviation(1, 2, Says::Open)]);
    lab.today.checks.extend((10..40).map(|n| check(&format!("steps.{n}"), &["REQ-1"])));
    let gone = Finding { kind: FindingKind::GoneRun, requirements: Vec::new(), key: None, run: None, what: "run 3".into() };
    lab.found.push(gone);
    let html = trace_html(&lab.matrix(), "2026-11-25T00:00:00Z");
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("`{text}` is not in {html}"));
    let groups =
        ["<details id=\"fail\" open>", "<details id=\"deviation\" open>", "<details id=\"gone_run\" open>", "<details id=\"not_run\">"];
    assert!(groups.iter().map(|group| at(group)).is_sorted(), "{html}");
    for name in ["fail", "deviation", "gone_run", "not_run"] {
        at(&format!("href=\"#{name}\""));
    }
    let of_gone = &html[at(groups[2])..at(groups[3])];
    assert!(
        of_gone.contains("<th>what</th>") && !of_gone.contains("<th>requirement</th>") && !of_gone.contains("<th>run</th>"),
        "{of_gone}"
    );
}
