use rig_qualify::{Besides, Ending, Partition, Played, Reusable, UnionError, Whose, read_outcomes, union, write_outcomes};

use crate::desk::{all, fail, played, pump, row, setup};

#[test]
fn parts_are_disjoint_and_make_the_whole() {
    let setup = setup(vec![pump("d", "REQ-A"), pump("e", "REQ-A")], 2);
    let whole = all(&setup, vec![played("d", "A", 1, vec![fail(5, "volume", "REQ-A")])]);
    for of in 1..=20 {
        let parts: Vec<Partition> = (1..=of).map(|k| format!("{k}/{of}").parse().unwrap()).collect();
        let units: Vec<_> = parts.iter().map(|p| p.of(&setup)).collect();
        assert_eq!(units.iter().map(Vec::len).sum::<usize>(), whole.len());
        let of_part = |part: &Vec<_>| whole.iter().filter(|p| part.contains(&p.unit)).cloned().collect::<Vec<_>>();
        // In any order.
        let mixed: Vec<Played> = units.iter().rev().flat_map(of_part).collect();
        assert_eq!(union(&setup, mixed).unwrap(), whole);
        if of == 3 {
            let sizes: Vec<usize> = units.iter().map(Vec::len).collect();
            assert_eq!(sizes, [6, 6, 6], "each part has its share");
        }
    }
}

/// Another bench has no drawn ones beside it.
#[test]
fn what_is_played_on_another_bench_is_not_drawn() {
    let mut setup = setup(vec![pump("d", "REQ-A")], 1);
    setup.sound_seeds.count = 2;
    setup.scenarios[2].besides = Some(Besides { bench: "other.toml".to_owned(), sha256: String::new() });
    let units = setup.units();
    let of = |whose: &Whose| units.iter().filter(|u| u.whose == *whose).map(|u| &*u.scenario).collect::<String>();
    assert_eq!([of(&Whose::Sound), of(&Whose::Defect("d".into())), of(&Whose::Drawn)], ["ABC", "ABC", "ABAB"]);
    let parts = ["1/2", "2/2"].map(|part| part.parse::<Partition>().unwrap().of(&setup));
    assert_eq!(parts[0].len() + parts[1].len(), units.len());
}

#[test]
fn parts_that_lack_something_or_differ_are_refused() {
    let setup = setup(vec![pump("d", "REQ-A")], 1);
    let mut whole = all(&setup, vec![]);
    let twice = Played { ending: Ending::Hung, ..whole[0].clone() };
    assert!(matches!(union(&setup, [whole.clone(), vec![twice]].concat()), Err(UnionError::Differ { .. })));
    assert!(union(&setup, [whole.clone(), whole.clone()].concat()).is_ok(), "the same twice is no matter");
    let lost = whole.pop().unwrap();
    let error = union(&setup, whole).unwrap_err();
    assert!(matches!(&error, UnionError::Missing { missing: 1, all: 6, .. }), "{error}");
    assert!(error.to_string().contains(&*lost.unit.scenario), "{error}");
}

#[test]
fn what_is_no_part_is_refused() {
    for text in ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/10001", "1 / 2"] {
        assert!(text.parse::<Partition>().is_err(), "{text}");
    }
    assert_eq!("2/4".parse::<Partition>().unwrap().to_string(), "2/4");
}

#[test]
fn outcomes_are_read_as_they_were_written_and_found_by_their_keys() {
    let setup = setup(vec![pump("d", "REQ-A")], 1);
    let mut whole =
        all(&setup, vec![played("d", "A", 1, vec![fail(5, "volume", "REQ-A"), row(rig_model::verdict::Verdict::Error, 6, "x", "")])]);
    whole[1].ending = Ending::Died("it panicked".to_owned());
    whole[2].ending = Ending::NotPlayed("no binary".to_owned());
    let mut text = Vec::new();
    write_outcomes(&mut text, &whole).unwrap();
    assert_eq!(read_outcomes(text.as_slice()).unwrap(), whole);
    let error = read_outcomes(&b"{}\n"[..]).unwrap_err();
    assert_eq!(error.to_string(), "line 1 is no outcome");
    let reusable = Reusable::new(whole.clone());
    assert_eq!(reusable.len(), whole.len() - 1, "what was not played may be playable now");
    assert_eq!(reusable.get(&whole[0].key), Some(&whole[0]));
    assert!(reusable.get("another").is_none() && reusable.get(&whole[2].key).is_none());
}
