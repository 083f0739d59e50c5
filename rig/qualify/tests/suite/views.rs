use rig_model::verdict::Verdict;
use rig_qualify::{
    Matrix, Played, SeedRange, Setup, Sound, Whose, defects_csv, false_alarms_csv, kill_matrix_csv, picture, scenarios_csv, smallest,
    summary,
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
    assert_eq!(scenarios.lines().nth(1).unwrap(), "A,scenarios/trial/A.yaml,A shows something,trial,1,10,1,1,d,true");
    assert_eq!(scenarios.lines().nth(2).unwrap(), "B,scenarios/trial/B.yaml,B shows something,trial,1,10,0,0,,false");
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
    let sound = Sound::of(&setup, &outcomes);
    assert_eq!((sound.alarms.len(), sound.seeds, sound.plays, sound.inconclusive_rows), (1, 3, 9, 3));
    let table = text(|out| false_alarms_csv(out, &sound, |u| format!("gain of {}", u.seed), |u| format!("play {}", u.scenario)).unwrap());
    assert_eq!(table.lines().nth(1).unwrap(), "drawn,41,A,,steps.volume,volume is right,volume,REQ-A,FAIL,,2,gain of 41,play A");
}

#[test]
fn the_summary_says_what_matters() {
    let (setup, outcomes) = example();
    let matrix = Matrix::of(&setup, &outcomes);
    let text = summary(&matrix, &Sound::of(&setup, &outcomes), &smallest(&matrix));
    for words in [
        "2 defects, 1 caught\n",
        "caught first by: A 1\n",
        "survivors: 1\n  =e: =e is wrong\n    harm: overdose HAZ-OVERDOSE\n",
        "false alarms: 1 (1 seed, 3 scenarios, 3 plays)\n  ERROR C  seed 1: pressure is right",
        "smallest set of scenarios that still catches all of these: 1 of 3, 10 s of rig time (no choice takes less)\n",
    ] {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
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
    assert!(!svg.contains("href") && !svg.contains("url(") && svg.matches("http").count() == 1, "only the name space");
}
