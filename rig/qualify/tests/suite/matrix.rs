use rig_model::time::Span;
use rig_model::verdict::Verdict;
use rig_qualify::{
    Behaviour, Conclusion, Ending, Explained, Judged, Make, Matrix, Played, Pump, Setup, Sound, Status, Whose, changes, smallest,
};

use crate::desk::{all, fail, played, pump, row, setup};

/// `d` breaks REQ-A; what came of it in A, B and C, and what is said of it.
fn check(but: Vec<Played>, status: Status, cells: &str, first: Option<(&str, i64)>) {
    let setup = setup(vec![pump("d", "REQ-A REQ-B")], 1);
    let matrix = Matrix::of(&setup, &all(&setup, but));
    let (_, standing) = matrix.defects().next().unwrap();
    let got: Vec<&str> = standing.cells.iter().map(|c| c.name()).collect();
    assert_eq!((standing.status, got.join(" ").as_str()), (status, cells));
    let got = standing.first.as_ref().map(|c| (&*setup.scenarios[c.scenario].id, c.at));
    assert_eq!(got, first.map(|(id, s)| (id, Span::seconds(s))));
}

#[test]
fn only_a_fail_for_its_own_reason_catches_a_defect() {
    check(vec![], Status::Survived, "pass pass pass", None);
    check(vec![played("d", "B", 1, vec![fail(5, "volume", "REQ-A")])], Status::Caught, "pass caught pass", Some(("B", 5)));
    check(vec![played("d", "B", 1, vec![fail(5, "volume", "REQ-X REQ-B")])], Status::Caught, "pass caught pass", Some(("B", 5)));
    check(vec![played("d", "B", 1, vec![fail(5, "volume", "REQ-X")])], Status::Survived, "pass other_fail pass", None);
    check(vec![played("d", "B", 1, vec![fail(5, "restarts", "")])], Status::Survived, "pass other_fail pass", None);
    check(vec![played("d", "B", 1, vec![fail(5, "answer", "")])], Status::Caught, "pass caught pass", Some(("B", 5)));
    check(vec![played("d", "B", 1, vec![fail(5, "answer", "REQ-X")])], Status::Survived, "pass other_fail pass", None);
    for (verdict, cell) in
        [(Verdict::Error, "error"), (Verdict::Aborted, "error"), (Verdict::Inconclusive, "inconclusive"), (Verdict::Skipped, "skipped")]
    {
        let cells = format!("pass pass {cell}");
        check(vec![played("d", "C", 1, vec![row(verdict, 5, "volume", "REQ-A")])], Status::Survived, &cells, None);
    }
}

#[test]
fn what_hung_or_broke_down_catches_nothing_whatever_it_said_before() {
    let with = |ending| Played { ending, ..played("d", "A", 1, vec![fail(5, "volume", "REQ-A")]) };
    check(vec![with(Ending::Hung)], Status::Survived, "hung pass pass", None);
    check(vec![with(Ending::Died("it panicked".to_owned()))], Status::Survived, "died pass pass", None);
    check(vec![with(Ending::NotPlayed("no binary".to_owned()))], Status::NotPlayed, "not_played pass pass", None);
}

/// A bench that can't have a pump says nothing of it, and hides nothing that the other benches say.
#[test]
fn what_a_bench_can_not_have_is_not_held_for_unplayed() {
    let with = |ending, id: &str, scenario: &str| Played { ending, cases: vec![], ..played(id, scenario, 1, vec![]) };
    let elsewhere = |scenario| with(Ending::NotApplicable("has no button".to_owned()), "d", scenario);
    let unplayed = |scenario| with(Ending::NotPlayed("no binary".to_owned()), "d", scenario);
    let caught = played("d", "A", 1, vec![fail(5, "volume", "REQ-A")]);
    for (but, status, cells, first, code) in [
        (vec![elsewhere("C")], Status::Survived, "pass pass not_applicable", None, 1),
        (vec![caught, elsewhere("C")], Status::Caught, "caught pass not_applicable", Some(("A", 5)), 0),
        (vec![unplayed("B"), elsewhere("C")], Status::NotPlayed, "pass not_played not_applicable", None, 6),
        (["A", "B", "C"].map(elsewhere).into(), Status::NotPlayed, "not_applicable not_applicable not_applicable", None, 6),
    ] {
        check(but.clone(), status, cells, first);
        let setup = setup(vec![pump("d", "REQ-A REQ-B")], 1);
        let outcomes = all(&setup, but);
        assert_eq!(Conclusion::of(&Matrix::of(&setup, &outcomes), &Sound::of(&setup, &outcomes)).exit_code(), code, "{cells}");
    }
}

#[test]
fn the_first_catch_is_by_order_of_the_suite_then_by_rig_time() {
    let late = vec![fail(9, "mean_flow", "REQ-A"), fail(7, "volume", "REQ-A"), fail(3, "answer", "REQ-X")];
    let early = vec![fail(1, "volume", "REQ-A")];
    check(vec![played("d", "C", 1, early), played("d", "B", 1, late)], Status::Caught, "pass caught caught", Some(("B", 7)));
}

#[test]
fn a_check_that_the_sound_pump_fails_too_catches_nothing() {
    let rows = || vec![fail(5, "volume", "REQ-A")];
    check(vec![played("d", "B", 1, rows()), played("-", "B", 1, rows())], Status::Survived, "pass other_fail pass", None);
}

#[test]
fn a_mutant_is_caught_by_any_fail() {
    let mutant = Pump { judged: Judged::ByAny, ..pump("m", "") };
    let setup = setup(vec![mutant], 1);
    let matrix = Matrix::of(&setup, &all(&setup, vec![played("m", "B", 1, vec![fail(5, "answer", "")])]));
    assert_eq!(matrix.with_status(Status::Caught).count(), 1);
}

#[test]
fn what_is_caught_with_some_seeds_only_is_not_caught() {
    let setup = setup(vec![pump("d", "REQ-A")], 3);
    let rows = || vec![fail(5, "volume", "REQ-A")];
    let matrix = Matrix::of(&setup, &all(&setup, vec![played("d", "B", 2, rows()), played("d", "C", 3, rows())]));
    let (_, standing) = matrix.defects().next().unwrap();
    assert_eq!((standing.status, standing.caught_with), (Status::Sometimes, 2));
    assert_eq!(standing.first.as_ref().map(|c| (c.scenario, c.seed)), Some((1, 2)));
    let conclusion = Conclusion::of(&matrix, &Sound::of(&setup, &all(&setup, vec![])));
    assert_eq!(conclusion.exit_code(), 1);
    let every = vec![played("d", "B", 1, rows()), played("d", "B", 2, rows()), played("d", "C", 3, rows())];
    let matrix = Matrix::of(&setup, &all(&setup, every));
    assert_eq!(matrix.defects().next().unwrap().1.status, Status::Caught);
}

#[test]
fn what_only_one_scenario_catches_is_told_and_the_cheapest_set_keeps_it() {
    let setup = setup(vec![pump("d", "REQ-A"), pump("e", "REQ-A"), pump("f", "REQ-A")], 1);
    let rows = || vec![fail(5, "volume", "REQ-A")];
    let mut outcomes = all(
        &setup,
        vec![
            played("d", "A", 1, rows()),
            played("d", "B", 1, rows()),
            played("e", "B", 1, rows()),
            played("e", "C", 1, rows()),
            played("f", "C", 1, rows()),
        ],
    );
    // B takes a day.
    outcomes
        .iter_mut()
        .filter(|p| p.unit.whose == Whose::Sound && &*p.unit.scenario == "B")
        .for_each(|p| p.cases[0].lasted = Span::seconds(86_400));
    let matrix = Matrix::of(&setup, &outcomes);
    let only: Vec<Vec<&str>> = (0..3).map(|i| matrix.only_by(i).iter().map(|p| &*p.id).collect()).collect();
    assert_eq!(only, [vec![], vec![], vec!["f"]]);
    assert_eq!([0, 1, 2].map(|i| matrix.first_for(i)), [1, 1, 1]);
    let subset = smallest(&matrix);
    assert_eq!((subset.scenarios.as_slice(), subset.lasts, subset.exact()), (&[0, 2][..], Span::seconds(20), true));
}

#[test]
fn exit_codes() {
    let of = |setup: &Setup, but: Vec<Played>| {
        let outcomes = all(setup, but);
        Conclusion::of(&Matrix::of(setup, &outcomes), &Sound::of(setup, &outcomes)).exit_code()
    };
    let one = setup(vec![pump("d", "REQ-A")], 1);
    let caught = || played("d", "A", 1, vec![fail(5, "volume", "REQ-A")]);
    let not_played = |id| Played { ending: Ending::NotPlayed("why".to_owned()), cases: vec![], ..played(id, "C", 1, vec![]) };
    assert_eq!(of(&one, vec![caught()]), 0);
    assert_eq!(of(&one, vec![]), 1);
    assert_eq!(of(&one, vec![caught(), played("-", "B", 1, vec![row(Verdict::Error, 1, "volume", "")])]), 1, "a false alarm");
    assert_eq!(of(&one, vec![caught(), not_played("d")]), 0, "caught by another scenario");
    assert_eq!(of(&one, vec![not_played("d")]), 6);
    assert_eq!(of(&one, vec![caught(), not_played("-")]), 6);
    assert_eq!(of(&setup(vec![], 1), vec![]), 0);
    assert_eq!(of(&setup(vec![], 1), vec![played("-", "A", 1, vec![row(Verdict::Skipped, 1, "", "")])]), 6);
}

#[test]
fn a_mutant_that_is_explained_may_survive() {
    for (explained, code) in [(None, 1), (Some(Behaviour::Same), 0), (Some(Behaviour::Differs), 0)] {
        assert_eq!(conclusion(&setup(vec![mutant("m", explained)], 1), vec![]).exit_code(), code);
    }
}

fn mutant(id: &str, explained: Option<Behaviour>) -> Pump {
    let explained = explained.map(|behaviour| Explained { behaviour, why: "both ways round up".to_owned() });
    Pump { judged: Judged::ByAny, made: Make::Mutant, explained, ..pump(id, "") }
}

fn conclusion(setup: &Setup, but: Vec<Played>) -> Conclusion {
    let outcomes = all(setup, but);
    Conclusion::of(&Matrix::of(setup, &outcomes), &Sound::of(setup, &outcomes))
}

/// Whoever says that it is no other pump, of one that came out otherwise, has not explained it.
#[test]
fn an_explanation_that_is_shown_to_be_wrong_explains_nothing() {
    let odd = || vec![Played { ending: Ending::Hung, cases: vec![], ..played("m", "B", 1, vec![]) }];
    for (said, but, explained, code) in [
        (Behaviour::Same, vec![], 1, 0),
        (Behaviour::Same, odd(), 0, 1),
        // It was said to be another one.
        (Behaviour::Differs, odd(), 1, 0),
    ] {
        let found = conclusion(&setup(vec![mutant("m", Some(said))], 1), but);
        assert_eq!((found.survived, found.explained, found.exit_code()), (1, explained, code), "{said:?}");
    }
}

/// Survivors are explained, one by one; there may still be too many of them.
#[test]
fn of_a_hundred_mutants_that_change_behaviour_ninety_five_must_be_caught() {
    let of = |caught: usize, differ: usize, same: usize, unplayed: usize| {
        let ids = |what: &str, n: usize| (0..n).map(|i| format!("{what}{i}")).collect::<Vec<_>>();
        let pumps = |what: &str, n: usize, said: Option<Behaviour>| ids(what, n).iter().map(|id| mutant(id, said)).collect::<Vec<_>>();
        let (differs, as_sound) = (Some(Behaviour::Differs), Some(Behaviour::Same));
        let kinds = [
            pumps("c", caught, None),
            pumps("d", differ, differs),
            pumps("s", same, as_sound),
            pumps("u", unplayed, None),
            vec![pump("x", "")],
        ];
        let setup = setup(kinds.concat(), 1);
        let fail = |id: &String| played(id, "A", 1, vec![fail(5, "volume", "")]);
        let not_played = |id: &String| Played { ending: Ending::NotPlayed("why".to_owned()), cases: vec![], ..played(id, "C", 1, vec![]) };
        let catalogue = played("x", "A", 1, vec![row(Verdict::Fail, 5, "answer", "")]);
        let but = ids("c", caught).iter().map(fail).chain(ids("u", unplayed).iter().map(not_played)).chain([catalogue]).collect();
        let found = conclusion(&setup, but);
        assert_eq!((found.mutants.caught, found.mutants.of), (caught, caught + differ));
        found.exit_code()
    };
    assert_eq!(of(95, 5, 0, 0), 0);
    assert_eq!(of(94, 6, 0, 0), 1);
    assert_eq!(of(1899, 100, 0, 0), 1, "94.997 %");
    assert_eq!(of(94, 5, 6, 0), 0, "of fewer than a hundred nothing is asked; the same pump is none");
    assert_eq!(of(95, 5, 6, 0), 0, "nor do those count that are the same");
    assert_eq!(of(94, 6, 0, 6), 1, "nor those that were not played, which hide nothing");
    assert_eq!(of(95, 5, 0, 6), 6);
    assert_eq!(of(3, 3, 0, 0), 0);
}

#[test]
fn what_does_not_compile_is_neither_a_survivor_nor_unplayed() {
    let setup = Setup { not_compiled: vec!["m".into(), "n".into()], ..setup(vec![], 1) };
    let found = conclusion(&setup, vec![]);
    assert_eq!((found.defects, found.not_compiled, found.not_played, found.exit_code()), (0, 2, 0, 0));
}

#[test]
fn what_has_changed_since_is_told() {
    let before = setup(vec![pump("d", "REQ-A"), pump("gone", "REQ-A")], 1);
    let now = setup(vec![pump("d", "REQ-A"), pump("new", "REQ-A")], 1);
    let caught = played("d", "A", 1, vec![fail(5, "volume", "REQ-A")]);
    let (before, now) = (Matrix::of(&before, &all(&before, vec![caught])), Matrix::of(&now, &all(&now, vec![])));
    let found: Vec<_> = changes(&before, &now).into_iter().map(|c| (c.defect.to_string(), c.before, c.now)).collect();
    let (caught, survived) = (Some(Status::Caught), Some(Status::Survived));
    assert_eq!(found, [("d".to_owned(), caught, survived), ("new".to_owned(), None, survived), ("gone".to_owned(), survived, None)]);
}
