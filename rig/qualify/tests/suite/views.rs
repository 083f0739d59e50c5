use rig_model::time::Span;
use rig_model::verdict::Verdict;
use rig_qualify::{
    Behaviour, DrawnBench, Ending, Explained, Judged, Make, Matrix, Played, Pump, SHORT, SeedRange, Setup, Sound, Whose, defects_csv,
    false_alarms_csv, kill_matrix_csv, picture, scenarios_csv, smallest, summary, within,
};

use crate::desk::{all, fail, played, pump, row, setup};

fn example() -> (Setup, Vec<Played>) {
    let setup = setup(vec![pump("d", "REQ-A"), pump("=e", "REQ-A")], 1);
    let rows = vec![fail(5, "volume", "REQ-A REQ-C"), fail(6, "mean, flow", "REQ-A")];
    let other = vec![fail(7, "restarts", "")];
    let outcomes = all(
        &setup,
        vec![played("d", "A", 1, rows), played("d", "B", 1, other), played("-", "C", 1, vec![row(Verdict::Error, 2, "pressure", "REQ-P")])],
    );
    (setup, outcomes)
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn tables() {
    let (setup, outcomes) = example();
    let matrix = Matrix::of(&setup, &outcomes);
    let kill = text(|out| kill_matrix_csv(out, &matrix).unwrap());
    assert_eq!(kill, "defect,family,status,A,B,C\r\nd,gain,caught,caught,other_fail,pass\r\n'=e,gain,survived,pass,pass,pass\r\n");
    let defects = text(|out| defects_csv(out, &matrix).unwrap());
    let row = defects.lines().nth(1).unwrap();
    assert_eq!(
        row,
        "d,gain,seam,d is wrong,overdose,HAZ-OVERDOSE,,REQ-A;answer,caught,1,1,A,,steps.volume,volume is right,volume,REQ-A;REQ-C,5,1,A,\
         \"A steps.volume volume;A steps.mean, flow mean, flow\",B,,,,"
    );
    let scenarios = text(|out| scenarios_csv(out, &matrix, &smallest(&matrix)).unwrap());
    assert_eq!(scenarios.lines().nth(1).unwrap(), "A,scenarios/trial/A.yaml,A shows something,trial,1,10,1,1,d,true,");
    assert_eq!(scenarios.lines().nth(2).unwrap(), "B,scenarios/trial/B.yaml,B shows something,trial,1,10,0,0,,false,");
}

#[test]
fn false_alarms_name_what_was_drawn_and_how_to_play_it_again() {
    let (mut setup, _) = example();
    setup.sound_seeds = SeedRange { first: 40, count: 2 };
    let mut outcomes = all(&setup, vec![]);
    let drawn = outcomes.iter_mut().find(|p| p.unit.whose == Whose::Drawn && p.unit.seed == 41).unwrap();
    drawn.cases[0].rows = vec![row(Verdict::Fail, 2, "volume", "REQ-A")];
    drawn.cases[0].verdict = Verdict::Fail;
    drawn.cases[0].inconclusive = 3;
    drawn.drawn = Some(DrawnBench { told: "gain 0.99".to_owned(), text: "gain = 0.99\n".to_owned() });
    let sound = Sound::of(&setup, &outcomes);
    assert_eq!((sound.alarms.len(), sound.seeds, sound.plays, sound.inconclusive_rows), (1, 3, 9, 3));
    let table = text(|out| {
        false_alarms_csv(out, &sound, |u| outcomes.iter().find(|p| p.unit == *u)?.drawn.as_ref(), |u| format!("play {}", u.scenario))
            .unwrap()
    });
    assert_eq!(
        table.lines().nth(1).unwrap(),
        "drawn,41,A,,steps.volume,volume is right,volume,REQ-A,FAIL,,2,gain 0.99,play A,drawn-41.toml"
    );
}

#[test]
fn the_summary_says_what_matters() {
    let (setup, outcomes) = example();
    let matrix = Matrix::of(&setup, &outcomes);
    let text = summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix));
    for words in [
        "2 defects, 1 caught: 50.0 %\n",
        "caught first by: A 1\n",
        "survivors: 1\n  =e: =e is wrong\n    harm: overdose HAZ-OVERDOSE\n",
        "false alarms: 1 (1 seed, 3 scenarios, 3 plays)\n  ERROR C  seed 1: pressure is right",
        "smallest set of scenarios that still catches all of these: 1 of 3, 10 s of rig time (no choice takes less)\n",
    ] {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
}

/// Mutants: how many of those that could be noticed are, and where each survivor is.
#[test]
fn the_summary_names_mutants_by_their_place() {
    let mutant = |line: u32| {
        let name = format!("src/log.rs:{line}:9: replace < with <=");
        Pump { made: Make::Mutant, judged: Judged::ByAny, wrong: name.clone(), harm: String::new(), ..pump(&name, "") }
    };
    let mut mutants: Vec<Pump> = (1..=4).map(mutant).collect();
    let caught = |setup: &Setup| all(setup, vec![played(&setup.pumps[0].id, "A", 1, vec![fail(5, "volume", "REQ-A")])]);
    let told = |pumps: Vec<Pump>| {
        let setup = setup(pumps, 1);
        let outcomes = caught(&setup);
        let matrix = Matrix::of(&setup, &outcomes);
        summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix))
    };
    let text = told(mutants.clone());
    assert!(text.contains("4 generated mutants, 1 caught: 25.0 %\n"), "{text}");
    assert!(text.contains("survivors: 3\n  src/log.rs:2:9: replace < with <=\n  src/log.rs:3:9: "), "{text}");
    let said = |behaviour, why: &str| Some(Explained { behaviour, why: why.to_owned() });
    mutants[1].explained = said(Behaviour::Same, "both ways the same");
    mutants[2].explained = said(Behaviour::Differs, "coarser than anybody sees");
    let text = told(mutants.clone());
    // What differs counts against the suite, explained or not.
    assert!(
        text.contains(
            "4 generated mutants, 1 caught\n  0 not played, 1 the same as the sound pump; of the 3 others 1 are caught: 33.3 %\n"
        ),
        "{text}"
    );
    assert!(text.contains("survivors: 1\n  src/log.rs:4:9: "), "{text}");
    let differ = "survivors that differ, as is explained: 1\n  src/log.rs:3:9: replace < with <=\n    coarser than anybody sees\n";
    assert!(text.contains(differ), "{text}");
    let same = "survivors that are the same as the sound pump: 1\n  src/log.rs:2:9: replace < with <=\n    both ways the same\n";
    assert!(text.contains(same), "{text}");
    assert!(!text.contains("yet caught"), "{text}");
    // An explanation that the suite shows to be wrong, or that is no longer needed.
    mutants[0].explained = said(Behaviour::Same, "nobody calls it");
    let text = told(mutants);
    assert!(text.contains("explained, and yet caught: 1\n  src/log.rs:1:9: replace < with <=\n    nobody calls it\n"), "{text}");
}

/// The share that is asked, and what does not compile, each in a line of its own.
#[test]
fn the_summary_says_when_too_few_mutants_are_caught_and_how_many_do_not_compile() {
    let told = |caught: usize, of: usize, not_compiled: usize| {
        let mutant = |i: usize| {
            let explained = Some(Explained { behaviour: Behaviour::Differs, why: "finer than is measured".to_owned() });
            Pump { made: Make::Mutant, judged: Judged::ByAny, explained, ..pump(&format!("m{i}"), "") }
        };
        let names = (0..not_compiled).map(|i| format!("n{i}").as_str().into()).collect();
        let setup = Setup { not_compiled: names, ..setup((0..of).map(mutant).collect(), 1) };
        let outcomes = all(&setup, (0..caught).map(|i| played(&format!("m{i}"), "A", 1, vec![fail(5, "volume", "")])).collect());
        let matrix = Matrix::of(&setup, &outcomes);
        summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix))
    };
    let (few, sample) =
        ("too few generated mutants are caught: ", "95 % are asked of 100 mutants and more that change behaviour; these are ");
    for (caught, of, words, none) in [
        (95, 100, "100 generated mutants, 95 caught: 95.0 %\n", [few, sample]),
        (94, 100, "too few generated mutants are caught: 94 of the 100 that change behaviour, under 95 %\n", [sample, "compile"]),
        (1, 2, "these are 2\n", [few, "compile"]),
    ] {
        let text = told(caught, of, 0);
        assert!(text.contains(words) && none.iter().all(|none| !text.contains(none)), "{caught} of {of}:\n{text}");
    }
    assert!(told(1, 2, 1).contains("2 generated mutants, 1 caught: 50.0 %\n1 generated mutant does not compile and is no pump\n"));
    let text = told(0, 0, 120);
    assert!(text.starts_with("120 generated mutants do not compile and are no pumps\n"), "{text}");
}

/// What is said to be no other pump, and does not come out as the sound one does, is another.
#[test]
fn a_mutant_that_comes_out_otherwise_is_not_the_same() {
    let why = "nobody calls it";
    let explained = Some(Explained { behaviour: Behaviour::Same, why: why.to_owned() });
    let mutant = Pump { made: Make::Mutant, judged: Judged::ByAny, wrong: "src/log.rs:1:9".to_owned(), explained, ..pump("m", "") };
    let setup = setup(vec![mutant], 1);
    let of = |id: &str, verdict| {
        let mut played = played(id, "B", 1, vec![]);
        played.cases[0].verdict = verdict;
        played
    };
    let ended = |id: &str, ending| Played { ending, cases: vec![], ..played(id, "B", 1, vec![]) };
    let unsure = |id: &str| {
        let mut played = of(id, Verdict::Inconclusive);
        played.cases[0].inconclusive = 1;
        played
    };
    let died = || Ending::Died("it panicked".to_owned());
    for (but, otherwise) in [
        (vec![], false),
        (vec![of("m", Verdict::Error)], true),
        (vec![of("m", Verdict::Error), of("-", Verdict::Error)], false),
        (vec![of("m", Verdict::Skipped), of("-", Verdict::Skipped)], false),
        (vec![ended("m", Ending::Hung)], true),
        (vec![ended("m", Ending::Hung), ended("-", Ending::Hung)], false),
        (vec![ended("m", died())], true),
        (vec![unsure("m")], true),
        (vec![unsure("m"), unsure("-")], false),
        (vec![unsure("m"), of("-", Verdict::Inconclusive)], true),
        (vec![of("m", Verdict::Fail), of("-", Verdict::Error)], true),
    ] {
        let outcomes = all(&setup, but.clone());
        let matrix = Matrix::of(&setup, &outcomes);
        let text = summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix));
        let titles = [
            ("explained as the same, and yet otherwise: 1\n  src/log.rs:1:9\n", otherwise),
            ("    otherwise than the sound pump: B\n    nobody calls it\n", otherwise),
            ("survivors that are the same as the sound pump: 1\n", !otherwise),
            ("0 not played, 1 the same as the sound pump", !otherwise),
        ];
        for (words, there) in titles {
            assert_eq!(text.contains(words), there, "{but:?}: `{words}` in:\n{text}");
        }
    }
}

/// A takes ten minutes and catches both, B one minute and one of them.
#[test]
fn the_summary_says_what_short_time_can_catch() {
    let setup = setup(vec![pump("d", "REQ-A"), pump("e", "REQ-A")], 1);
    let rows = || vec![fail(5, "volume", "REQ-A")];
    let mut outcomes = all(&setup, vec![played("d", "A", 1, rows()), played("e", "A", 1, rows()), played("d", "B", 1, rows())]);
    for played in outcomes.iter_mut().filter(|p| p.unit.whose == Whose::Sound) {
        played.cases[0].lasted = Span::seconds(if &*played.unit.scenario == "A" { 600 } else { 60 });
    }
    let matrix = Matrix::of(&setup, &outcomes);
    let short = within(&matrix, SHORT);
    assert_eq!((short.scenarios.as_slice(), short.caught, short.catchable, short.at_most), (&[1][..], 1, 2, 1));
    let text = summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix));
    assert!(text.contains("within 5 min of rig time: 1 scenarios catch 1 of these 2 (no choice catches more)\n"), "{text}");
    assert!(text.contains("  it leaves 1, by hazard HAZ-OVERDOSE 1\n"), "{text}");
}

#[test]
fn the_picture_holds_every_defect_and_scenario_and_nothing_from_outside() {
    let (mut setup, outcomes) = example();
    setup.pumps[1].wrong = "a < b & \"c\"".to_owned();
    let svg = picture(&Matrix::of(&setup, &outcomes));
    for words in
        [">d<", ">=e<", ">A<", ">B<", ">C<", "a &lt; b &amp;", "volume REQ-A REQ-C in A", "2 defective pumps in 3 scenarios: 1 caught"]
    {
        assert!(svg.contains(words), "`{words}` is not in:\n{svg}");
    }
    let mut families = setup;
    families.pumps[1].family = "other".to_owned();
    let svg = picture(&Matrix::of(&families, &outcomes));
    assert_eq!(svg.matches("rotate(-60").count(), 6, "the names of the scenarios above each family");
    assert!(!svg.contains("href") && !svg.contains("url(") && svg.matches("http").count() == 1, "only the name space");
}
