//! The table of requirements: what is read, what is refused and why; and that the project's own leaves nothing of its sources out.
#![allow(clippy::disallowed_methods, reason = "the tests read the project's files")]

use std::collections::BTreeSet;
use std::path::Path;

use rig_model::requirement::Verification;
use rig_scenario::Requirements;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn errors(text: &str) -> Vec<String> {
    match Requirements::parse("requirements.csv", text) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(|d| format!("{}: {} | {}", d.line, d.message, d.suggestion.clone().unwrap_or_default())).collect(),
    }
}

#[test]
fn shorter_tables_are_read_as_they_always_were() {
    for (head, row) in [
        ("id,text,source,hazard,class", "REQ-A-01,A text,S,HAZ-A HAZ-B,delivery"),
        ("id,text,source,hazard,class,rule", "REQ-A-01,A text,S,HAZ-A;HAZ-B,delivery,"),
        ("id,text,source,hazard,class,rule,verification", "REQ-A-01,A text,S,HAZ-A HAZ-B,delivery,,test"),
        ("\u{feff}id,text,source,hazard,class,rule,verification", "REQ-A-01,A text,S,HAZ-A HAZ-B,delivery,,"),
        ("id,text,source,hazard,class\r", "REQ-A-01,A text,S,HAZ-A HAZ-B,delivery\r"),
    ] {
        let table = Requirements::parse("r.csv", &format!("{head}\n{row}\n")).expect(head);
        let row = table.get("REQ-A-01").expect("the row");
        assert_eq!(
            (&*row.text, row.hazards.len(), &*row.class, row.verification, &*row.why),
            ("A text", 2, "delivery", Verification::Test, "")
        );
    }
}

#[test]
fn how_it_is_verified_is_read_with_its_reason() {
    let table = "id,text,source,hazard,class,rule,verification\nREQ-A-01,T,S,,c,,planned: no sensor: none\nREQ-A-02,T,S,,c,,review: by eye\nREQ-A-03,T,S,,c,,absent: no sensor\n";
    let table = Requirements::parse("r.csv", table).expect("a table");
    let of = |id: &str| table.get(id).map(|r| (r.verification, r.why.as_str()));
    assert_eq!(of("REQ-A-01"), Some((Verification::Planned, "no sensor: none")));
    assert_eq!(of("REQ-A-02"), Some((Verification::Review, "by eye")));
    assert_eq!(of("REQ-A-03"), Some((Verification::Absent, "no sensor")));
}

/// What a spreadsheet would run is a text here; the tables that are written neutralise it.
#[test]
fn a_formula_is_a_text() {
    let table = Requirements::parse("r.csv", "id,text,source,hazard,class\nREQ-A-01,\"=HYPERLINK(\"\"x\"\")\",@S,,c\n").expect("a table");
    assert_eq!(table.get("REQ-A-01").map(|r| (r.text.as_str(), r.source.as_str())), Some(("=HYPERLINK(\"x\")", "@S")));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let row = |row: &str| errors(&format!("id,text,source,hazard,class,rule,verification\nREQ-0,Fine,S,HAZ-A,c,,test\n{row}\n"));
    for (text, expected) in [
        ("REQ-0,Again,S,HAZ-A,c,,", "3: the requirement `REQ-0` stands twice | "),
        (",No id,S,HAZ-A,c,,", "3: a requirement has an id and a text | "),
        ("REQ-1, ,S,HAZ-A,c,,", "3: a requirement has an id and a text | "),
        ("=1+1,T,S,HAZ-A,c,,", "3: the id `=1+1` is not a name | a name begins with a letter"),
        ("REQ 1,T,S,HAZ-A,c,,", "3: the id `REQ 1` is not a name | "),
        ("REQ-1;REQ-2,T,S,HAZ-A,c,,", "3: the id `REQ-1;REQ-2` is not a name | "),
        ("REQ-1,T,S,HAZ-A ?,c,,", "3: the hazard `?` is not a name | "),
        ("REQ-1,T,S,HAZ-A,two words,,", "3: the class `two words` is not a name | "),
        ("REQ-1,T\u{1b}[2J,S,HAZ-A,c,,", "3: the text holds the control character U+001B | write the text in one line"),
        ("REQ-1,\"one\ntwo\",S,HAZ-A,c,,", "3: the text holds the control character U+000A | write the text in one line"),
        ("REQ-1,T,S\u{0},HAZ-A,c,,", "3: the source holds the control character U+0000 | "),
        ("REQ-1,T,S,HAZ-A,c,about,", "3: `about` is not a decision rule | `simple`"),
        ("REQ-1,T,S,HAZ-A,c,,tested", "3: `tested` is no kind of verification | `test`, `planned: why`"),
        ("REQ-1,T,S,HAZ-A,c,,planned", "3: `planned` needs a reason | `planned: why`"),
        ("REQ-1,T,S,HAZ-A,c,,review: ", "3: `review` needs a reason | `review: why`"),
        ("REQ-1,T,S,HAZ-A,c,,absent", "3: `absent` needs a reason | `absent: why`"),
        ("REQ-1,T,S,HAZ-A,c,,test: it is", "3: what is verified by `test` needs no reason | "),
        (
            "REQ-1,a, comma,S,HAZ-A,c,,",
            "3: the row has 8 cells, and the table 7 columns | a text with a comma in it is put into quotation marks",
        ),
        ("REQ-1,T", "3: the row has 2 cells, and the table 7 columns | "),
    ] {
        let found = row(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(expected), "{text}: {found:?}");
    }
    assert_eq!(row("REQ-1,,S,HAZ-A,c,,\nREQ-0,T,S,HAZ-A,c,maybe,").len(), 2, "all of them in one go");
}

#[test]
fn other_columns_are_another_table() {
    for (head, help) in [
        ("id,text,source,hazard", "found: id,text,source,hazard"),
        ("id,text,source,hazard,class,verification", "found: "),
        ("text,id,source,hazard,class", "found: text,id,"),
        ("id,text,source,hazard,class,rule,verification,owner", "found: "),
        ("ID,Text,Source,Hazard,Class", "found: ID,"),
        ("id;text;source;hazard;class", "the cells are separated by commas"),
        ("", "found: "),
    ] {
        let found = errors(&format!("{head}\nREQ-1,T,S,H,c\n"));
        assert_eq!(found.len(), 1, "{head}: {found:?}");
        assert!(
            found[0].contains("the columns must be id,text,source,hazard,class,rule,verification; the last two may be missing"),
            "{found:?}"
        );
        assert!(found[0].contains(help), "{head}: {found:?}");
    }
}

/// Each item of the catalogue from which the requirements are written: L, *Open PCA Pump System Requirements*, and G, the *Generic
/// Infusion Pump Hazard Analysis*, as they stand in the 54 rows of the field's notes.
const CATALOGUE: &[&str] = &[
    "L R5.1.0(2)",
    "L R5.1.0(3)",
    "L R5.1.0(4)",
    "L R5.1.0(5)",
    "L R5.2.0(2)",
    "L R5.2.0(3)",
    "L R5.2.0(5)",
    "L R5.2.0(6)",
    "L R5.3.0(2)",
    "L R5.3.0(3)",
    "L R5.3.0(5)",
    "L R5.3.0(6)",
    "L R5.3.0(7)",
    "L R6.1.0(1)",
    "L R6.2.0(2)",
    "L R6.2.0(3)",
    "L R7.2.0(2)",
    "G 1.8.1",
    "L R6.4.0(2)",
    "L R6.4.0(3)",
    "L R6.4.0(4)",
    "L R6.4.0(5)",
    "L R6.4.0(6)",
    "L R6.4.0(7)",
    "L R6.4.1(2)",
    "L R6.5.0(9)",
    "L R6.5.0(10)",
    "L R6.5.0(18)",
    "L R6.6.0(1)",
    "L R6.6.0(2)",
    "L R6.6.0(3)",
    "L R6.6.0(8)",
    "L R6.6.0(4)",
    "L R6.6.0(5)",
    "L R6.8.0(3)",
    "L R6.8.0(9)",
    "L R6.8.0(10)",
    "L R7.2.0(7)",
    "L R6.9.0(3)",
    "L R7.2.0(1)",
    "L R7.2.0(4)",
    "L R7.2.0(5)",
    "L R7.2.0(6)",
    "L R7.2.0(3)",
    "G 1.9.1",
    "L R7.3.0(1)",
    "L R7.3.0(4)",
    "L R7.3.0(6)",
    "L R7.4.0(1)",
    "L R7.4.0(2)",
    "L R7.4.0(6)",
    "G 1.1.7",
    "G 1.2.1",
    "G 1.2.2",
    "G 1.2.3",
    "G 1.4.3",
    "G 1.4.4",
    "G 1.4.5",
    "G 1.4.6",
    "G 1.4.7",
    "G 1.4.11",
    "G 3.4.6",
    "G 1.4.12",
    "G 1.5.1",
    "G 1.5.2",
    "G 1.5.3",
    "G 1.5.4",
    "G 1.5.5",
    "G 1.5.6",
    "G 1.6.1",
    "G 1.6.2",
    "G 1.10.3",
    "G 1.10.4",
    "G 1.10.5",
    "G 1.10.6",
    "G 1.10.7",
    "G 2.2.2",
    "G 2.2.3",
    "G 2.2.4",
    "G 2.2.5",
    "G 2.3.1",
    "G 3.2.1",
    "G 3.4.3",
    "G 3.5.2",
    "G 3.5.4",
    "G 5.1.4",
    "G 5.1.6",
    "G 6.2.1",
    "G 6.2.2",
    "G HID 8.1",
    "G HID 8.2",
    "G HID 1.13",
    "G HID 1.14",
    "G HID 5.10",
    "G HID 5.11",
];

/// The hazards of the FDA's tables that are worth a scenario, by the labels of the field's notes: each of these begins a source.
const HAZARD_ROWS: &[&str] = &[
    "F-T3 air in line",
    "F-T3 bolus after occlusion",
    "F-T3 free flow",
    "F-T3 reverse flow",
    "F-T3 too many boluses",
    "F-T3 bolus history",
    "F-T3 uneven bolus",
    "F-T3 leakage",
    "F-T3 actual not programmed",
    "F-T3 reservoir detached",
    "F-T4 environment",
    "F-T4 electromagnetic",
    "F-T5 supply",
    "F-T5 battery",
    "F-T5 short",
    "F-T6 watchdog",
    "F-T6 memory integrity",
    "F-T6 sensor",
    "F-T6 false alarm",
    "F-T6 key bounce",
    "F-T7 memory safety",
    "F-T7 corrupted commands",
    "F-T7 wrong version",
    "F-T7 alarm priority",
    "F-T8 key stuck",
    "F-T8 speaker",
    "F-T8 motor fails",
    "F-T9 precipitation",
    "F-T9 adsorption",
    "F-T10 wrong units",
    "F-T10 wrong concentration",
    "F-T10 forgets to resume",
    "F-T10 tampering",
    "F alarms list",
];

/// What public descriptions of intrathecal pumps say that they do, and how they have failed in the field, by the labels of the page.
const IMPLANTS: &[&str] = &[
    "I modes",
    "I programming",
    "I priming",
    "I bridge",
    "I dose in mass",
    "I patient bolus",
    "I trial",
    "I follow-up",
    "I refill",
    "I refill mismatch",
    "I overfill",
    "I air",
    "I pocket fill",
    "I alarms",
    "I low reservoir",
    "I replacement",
    "I stall",
    "I MRI",
    "I feed-through",
    "I over-infusion",
    "I catheter",
    "I back-flow",
];

/// What no requirement of this pump answers; `docs/traceability.md` says why.
const LEFT_OUT: [&str; 3] = ["G 2.3.1", "F-T6 key bounce", "F-T8 key stuck"];

#[test]
fn nothing_of_the_catalogue_is_left_out_without_a_reason() {
    let table = Requirements::parse("scenarios/requirements.csv", &read("scenarios/requirements.csv")).expect("a sound table");
    let sources: BTreeSet<&str> = table.iter().flat_map(|r| r.source.split(';').map(str::trim)).collect();
    let page = read("rig/docs/traceability.md");
    for id in CATALOGUE.iter().chain(HAZARD_ROWS).chain(IMPLANTS) {
        let left_out = LEFT_OUT.contains(id);
        assert!(sources.contains(id) != left_out, "{id}");
        assert!(!left_out || page.contains(&format!("| `{id}` |")), "{id} is left out, and the page does not say why");
    }
    let known: BTreeSet<&str> = CATALOGUE.iter().chain(HAZARD_ROWS).chain(IMPLANTS).copied().collect();
    let unknown: Vec<_> = sources.difference(&known).collect();
    assert!(unknown.is_empty(), "no such items: {unknown:?}");
}

/// A hazard that nothing controls would be one that nobody tests.
#[test]
fn each_row_of_the_project_is_whole() {
    let table = Requirements::parse("scenarios/requirements.csv", &read("scenarios/requirements.csv")).expect("a sound table");
    for row in table.iter() {
        assert!(!row.hazards.is_empty() && !row.class.is_empty() && !row.source.is_empty(), "{}", row.id);
        assert_eq!(row.rule, None, "{}: a rule changes verdicts; say so in the page", row.id);
    }
}
