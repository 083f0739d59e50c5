//! `rig curves` as a user has it: records of other instruments, good and bad.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and write its files")]

mod support;

use std::path::Path;

use support::{Outcome, names, project, rig, table};

/// One file in a folder of its own; `rig curves` is asked there.
struct Place(tempfile::TempDir);

impl Place {
    fn with(text: impl AsRef<[u8]>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("record.csv"), text).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn curves(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(rig([&["curves", "record.csv"], arguments].concat()).current_dir(self.path()))
    }
}

/// SOURCES 1.8, V3: 1 mL/h, and one sample of 0.5 min with twice that. 60 min and one line for each half minute.
fn one_double_sample(header: &str, line: impl Fn(f64, f64) -> String) -> String {
    let volume = |i: u32| (f64::from(i) + if i >= 60 { 1.0 } else { 0.0 }) * 1_000.0 / 120.0;
    let lines = (0..=120).map(|i| line(30.0 * f64::from(i), volume(i)));
    std::iter::once(header.to_owned()).chain(lines).map(|line| line + "\n").collect()
}

const ONE_PERIOD: &[&str] =
    &["--rate", "1 mL/h", "--method", "custom", "--sample", "30 s", "--windows", "1 min, 2 min, 5 min, 11 min, 19 min, 31 min"];

#[track_caller]
fn is_v3(outcome: &Outcome) {
    outcome.expect(0, &[]);
    let rows: Vec<Vec<&str>> = outcome.stdout.lines().map(|l| l.split_whitespace().collect()).collect();
    for (window, n, max, min) in [
        ("1", "119", "+50.00", "+0.00"),
        ("2", "117", "+25.00", "+0.00"),
        ("5", "111", "+10.00", "+0.00"),
        ("11", "99", "+4.55", "+0.00"),
        ("19", "83", "+2.63", "+0.00"),
        ("31", "59", "+1.61", "+1.61"),
    ] {
        let row = rows.iter().find(|row| row.starts_with(&[window, "min"])).unwrap_or_else(|| panic!("no {window} min: {outcome:#?}"));
        let plain = |x: &str| x.replace("-0.00", "+0.00");
        assert_eq!((row[2], plain(row[3]).as_str(), plain(row[4]).as_str()), (n, max, min), "{}", outcome.stdout);
    }
    assert!(outcome.stdout.contains("B    +0.83 %"), "{}", outcome.stdout);
}

#[test]
fn the_same_record_in_many_forms() {
    let comma = |x: f64| x.to_string().replace('.', ",");
    let forms: [(&str, String, &[&str], &str); 8] = [
        (
            "plain",
            one_double_sample("time_s,volume_ul", |t, v| format!("{t},{v}")),
            &[],
            "time is column `time_s`, guessed by its name, in s, by the header",
        ),
        (
            "minutes and millilitres, other columns, a mark and a remark",
            "\u{feff}# pump 7\n".to_owned()
                + &one_double_sample("No.,Volume (mL),Time [min],remark", |t, v| format!("1,{},{},\"a, b\"", v / 1e3, t / 60.0)),
            &[],
            "volume is column `Volume (mL)`, guessed by its name, in mL",
        ),
        (
            "decimal commas",
            one_double_sample("Zeit;Menge", |t, v| format!("{};{}", comma(t / 3_600.0), comma(v))),
            &["--time", "Zeit", "--time-unit", "h", "--volume", "Menge", "--unit", "uL"],
            "columns are parted by semicolons, and numbers have a decimal comma",
        ),
        (
            "tabs, and lines as Windows ends them",
            one_double_sample("t/s\tv/ul", |t, v| format!("{t}\t{v}\r")),
            &[],
            "columns are parted by tabs",
        ),
        (
            "weighed, with a balance that was not set to zero",
            one_double_sample("elapsed_s,weight_g", |t, v| format!("{t},{}", 12.5 + v * 0.998 / 1e3)),
            &["--density", "0.998 g/mL"],
            "mass is column `weight_g`, guessed by its name, in g, by the header, made volume with 0.998 g/mL",
        ),
        (
            "from a time of day",
            one_double_sample("time_s,volume_ul", |t, v| format!("{},{v}", 1_764_000_000.0 + t)),
            &[],
            "121 readings, 120 samples of 30 s in 1 h",
        ),
        (
            "two channels, as delivery.csv has them",
            one_double_sample("elapsed_s,channel,volume_ul", |t, v| format!("{t},flow.pump,{}\n{t},flow.tip,{v}", 2.0 * v)),
            &["--only", "channel=flow.tip"],
            "121 readings",
        ),
        (
            "readings beside the grid",
            one_double_sample("time_s,volume_ul", |t, v| {
                format!("{t},{v}\n{},{}", t + 7.0, v + 7.0 / 3.6 * if t == 1_770.0 { 2.0 } else { 1.0 })
            }),
            &[],
            "242 readings",
        ),
    ];
    for (what, text, flags, words) in forms {
        let outcome = Place::with(text).curves(&[ONE_PERIOD, flags].concat());
        eprintln!("{what}");
        is_v3(&outcome);
        assert!(outcome.stdout.contains(words), "{what}: {}", outcome.stdout);
    }
}

#[test]
fn what_is_interpolated_is_said() {
    let text = "time_s,volume_ul\n0,0\n45,45\n90,90\n135,135\n180,180";
    let flags = ["--rate", "3600 µL/h", "--method", "custom", "--sample", "30 s", "--windows", "1 min"];
    let outcome = Place::with(text).curves(&flags);
    outcome.expect(0, &[]);
    for words in [
        "4 of 7 instants of the grid lie between readings",
        "readings are up to 45 s apart; shorter windows show straight lines in part",
        "the last line has no line end",
        "T2, analysis, from the start to 3 min: 180 µL, 3600 µL/h",
        "none: nothing was left out",
        "hours: none",
    ] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
}

#[test]
fn tables_are_written_once() {
    let place = Place::with(one_double_sample("time_s,volume_ul", |t, v| format!("{t},{v}")));
    let out = [ONE_PERIOD, &["--stroke", "1 mL", "--out", "found/here"]].concat();
    is_v3(&place.curves(&out));
    let folder = place.path().join("found/here");
    assert_eq!(names(&folder), ["curves.csv", "figures.csv"]);
    let curves = table(&folder.join("curves.csv"));
    assert_eq!(curves.iter().filter(|row| row["curve"] == "startup").count(), 120);
    let point = curves.iter().find(|row| row["curve"] == "trumpet" && row["x"] == "31").unwrap();
    assert!((point["max_percent"].parse::<f64>().unwrap() - 100.0 / 62.0).abs() < 1e-9, "{point:?}");
    assert_eq!((point["n"].as_str(), point["window"].as_str(), point["channel"].as_str()), ("59", "record.csv", "volume_ul"));
    // A stroke an hour: SOURCES 1.4.
    assert!((point["floor_max_percent"].parse::<f64>().unwrap() - 93.548).abs() < 0.001, "{point:?}");
    let figures = table(&folder.join("figures.csv"));
    let b = figures.iter().find(|row| row["figure"] == "overall_error_b").unwrap();
    assert!((b["value"].parse::<f64>().unwrap() - 100.0 / 120.0).abs() < 1e-9, "{b:?}");

    let before = std::fs::read(folder.join("curves.csv")).unwrap();
    std::fs::remove_file(folder.join("figures.csv")).unwrap();
    place.curves(&out).expect(2, &["found/here/curves.csv` is there already; name another folder with --out"]);
    assert_eq!((names(&folder), std::fs::read(folder.join("curves.csv")).unwrap()), (vec!["curves.csv".to_owned()], before));
}

#[test]
fn a_folder_that_cant_be_made_is_told() {
    let place = Place::with(one_double_sample("time_s,volume_ul", |t, v| format!("{t},{v}")));
    place.curves(&[ONE_PERIOD, &["--out", "record.csv/here"]].concat()).expect(4, &["failed to make the folder `record.csv/here`"]);
}

#[test]
fn bad_records_are_refused_with_their_place() {
    let good = "time_s,volume_ul\n0,0\n30,8\n60,16\n90,24\n";
    let cases: &[(&str, String, &[&str])] = &[
        ("no unit", good.replace("time_s", "time"), &["record.csv", "the column `time` states no unit", "--time-unit s"]),
        ("unknown header", good.replace("volume_ul", "x_ul"), &["no column is known by its name for volume or mass", "`time_s`, `x_ul`"]),
        ("no header", good.replace("time_s,volume_ul\n", ""), &["no column is known by its name for time", "`0`, `0`"]),
        ("unsorted", good.replace("60,", "20,"), &["line 4", "the times must increase: 20 s comes after 30 s"]),
        (
            "the same time twice",
            good.replace("60,", "30,"),
            &["line 4", "the times must increase: 30 s comes after 30 s; where several records share a file", "--only"],
        ),
        ("NaN", good.replace("16", "NaN"), &["line 4", "`NaN` in column `volume_ul` is not a finite number"]),
        ("infinite", good.replace("16", "inf"), &["line 4", "`inf` in column `volume_ul` is not a finite number"]),
        ("a word", good.replace("16", "OL"), &["line 4", "`OL` in column `volume_ul` is not a number"]),
        ("nothing", good.replace("16", ""), &["line 4", "there is nothing in column `volume_ul`"]),
        ("clock times", good.replace("60,", "00:01:00,"), &["line 4", "`00:01:00`", "not told by the clock"]),
        ("cut off", good.replace("90,24\n", "90"), &["line 5 has 1 columns, the header has 2; was the file cut off"]),
        ("decimal commas between commas", good.replace("16", "16,2"), &["line 4 has 3 columns", "decimal commas between commas"]),
        ("quoted decimal commas", good.replace("16", "\"16,2\""), &["line 4", "decimal comma are read where semicolons or tabs"]),
        ("both decimal signs", good.replace(',', ";").replace("16", "16,2").replace("24", "24.5"), &["line 5", "only if all have it"]),
        ("thousands", good.replace(',', ";").replace("16", "1.016,2"), &["line 4", "`1.016,2`", "only if all have it"]),
        ("too short", good[..good.find("60,").unwrap()].to_owned(), &["shorter than the 2 h of the start-up period T0"]),
        ("one reading", "time_s,volume_ul\n0,0\n".to_owned(), &["does not hold one whole sample of 30 s"]),
        ("no reading", "time_s,volume_ul\n".to_owned(), &["the record has no samples"]),
        ("empty", String::new(), &["there is nothing in it"]),
        ("centuries", good.replace("90,", "9e10,"), &["line 5", "more than ten years", "is the unit of time right?"]),
    ];
    for (what, text, words) in cases {
        eprintln!("{what}");
        Place::with(text).curves(&["--rate", "1 mL/h"]).expect(2, words);
    }
    Place::with(b"time_s,volume \xb5L\n0,0\n").curves(&["--rate", "1 mL/h"]).expect(2, &["is not UTF-8 text"]);
    Outcome::of(rig(["curves", "none.csv", "--rate", "1 mL/h"]).current_dir(Place::with("").path()))
        .expect(2, &["failed to open `none.csv`"]);
}

#[test]
fn bad_flags_are_refused() {
    let place = Place::with(one_double_sample("time_s,volume_ul", |t, v| format!("{t},{v}")));
    for (flags, words) in [
        (&["--rate", "1 mL"][..], "--rate: `1 mL` is a volume; a flow is wanted here"),
        (&["--rate", "1"], "--rate: `1` has no unit"),
        (&["--rate", "0 mL/h"], "the set rate must be a positive number, not 0 µL/h"),
        (&["--rate=-1 mL/h"], "the set rate must be a positive number, not -1000 µL/h"),
        (&["--rate", "1 mL/h", "--within", "15"], "--within: `15` has no unit"),
        (&["--rate", "1 mL/h", "--within=-15 %"], "not -15"),
        (&["--rate", "1 mL/h", "--stroke", "0 µL"], "--stroke: a stroke has a volume, or takes a time, above zero"),
        (&["--rate", "1 mL/h", "--stroke", "1 kPa"], "--stroke: `1 kPa` is a pressure; a volume or a time is wanted here"),
        (&["--rate", "1 mL/h", "--sample", "1 min"], "--sample goes with `--method custom`"),
        (&["--rate", "1 mL/h", "--method", "custom"], "needs --sample \"30 s\" and --windows"),
        (&["--rate", "1 mL/h", "--method", "custom", "--sample", "30 s", "--windows", "45 s"], "45 s is not a whole multiple"),
        (
            &["--rate", "1 mL/h", "--method", "custom", "--sample", "30 s", "--windows", "2 h"],
            "2 h is longer than its analysis period of 1 h",
        ),
        (&["--rate", "1 mL/h", "--method", "ambulatory", "--periods", "second-and-last-hour"], "the second hour lies in the first 1 d"),
        (&["--rate", "1 mL/h"], "the record of 1 h is shorter than the 2 h of the start-up period T0"),
        (&["--rate", "1 mL/h", "--volume", "volume", "--mass", "volume"], "cannot be used with"),
        (&[], "--rate <FLOW>"),
    ] {
        place.curves(flags).expect(2, &[words]);
    }
}

/// The page's example shows what the program says.
#[test]
fn the_page_shows_real_output() {
    let page = std::fs::read_to_string(project().join("rig/docs/curves.md")).unwrap();
    let (_, example) = page.split_once("```text\n$ cargo run --release -- ").expect("an example");
    let (example, _) = example.split_once("```").unwrap();
    let (command, shown) = example.split_once('\n').unwrap();
    let outcome = Outcome::of(&mut rig(command.split_whitespace()));
    outcome.expect(0, &[]);
    assert_eq!(shown.trim_end(), outcome.stdout.trim_end());
}

#[test]
fn the_page_describes_every_column() {
    let page = std::fs::read_to_string(project().join("rig/docs/curves.md")).unwrap();
    for column in rig_report::CURVES.iter().chain(rig_report::FIGURES) {
        let unit = match column.unit {
            Some("as column unit") => "`unit`",
            Some("as column x_unit") => "`x_unit`",
            Some(unit) => unit,
            None => "",
        };
        let line = format!("| `{}` | {} | {unit} | {} |\n", column.name, column.kind.name(), column.description);
        assert!(page.contains(&line), "rig/docs/curves.md lacks {line}");
    }
}
