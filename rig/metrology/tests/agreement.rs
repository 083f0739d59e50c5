//! Agreement of two results; chances against values computed elsewhere (`golden/gravimetry.py`).

use rig_metrology::{Agrees, CHANCE_LIMIT, Estimate, NotComparable, agreement, shared};

const GOLDEN: &str = include_str!("golden/gravimetry.csv");

fn known(value: f64, u: f64) -> Estimate {
    Estimate::new(value, u, f64::INFINITY)
}

fn golden(kind: &str) -> Vec<[f64; 3]> {
    let mut reader = csv::Reader::from_reader(GOLDEN.as_bytes());
    let rows = reader.records().map(|row| row.expect("a row"));
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    rows.filter(|row| &row[0] == kind).map(|row| [number(&row[1]), number(&row[2]), number(&row[4])]).collect()
}

#[test]
fn chances_are_those_computed_elsewhere() {
    let rows = golden("chance");
    assert_eq!(rows.len(), 48);
    for [t, dof, chance] in rows {
        for sign in [1.0, -1.0] {
            // All of the uncertainty is of the first, and so are the degrees of freedom.
            let got = agreement(&Estimate::new(7.0 + sign * t, 1.0, dof), &known(7.0, 0.0), 0.0).expect("sound");
            assert!((got.chance - chance).abs() <= 1e-9 * chance, "{t} {dof}: {} is not {chance}", got.chance);
            assert!((got.e_n - sign * t / 2.0).abs() < 1e-15);
        }
    }
}

#[test]
fn the_limit_is_once_in_three_hundred() {
    let [_, _, z] = golden("limit")[0];
    assert!((z - 2.935).abs() < 1e-3);
    for (z, agrees) in [
        (0.0, Agrees::Yes),
        (2.0, Agrees::Yes),
        (2.001, Agrees::Hardly),
        (z * (1.0 - 1e-9), Agrees::Hardly),
        (z * (1.0 + 1e-9), Agrees::No),
        (-z * (1.0 + 1e-9), Agrees::No),
        (40.0, Agrees::No),
    ] {
        let got = agreement(&known(z, 1.0), &known(0.0, 0.0), 0.0).expect("sound");
        assert_eq!(got.agrees(), agrees, "{z}: {} of {CHANCE_LIMIT}", got.chance);
    }
}

#[test]
fn uncertainties_add_and_what_is_shared_cancels() {
    // By hand: 3 and 4 are 5; with cov = 6 the variance is 25 − 12 = 13.
    let (a, b) = (known(110.0, 3.0), known(100.0, 4.0));
    let apart = agreement(&a, &b, 0.0).expect("sound");
    assert_eq!((apart.difference, apart.standard_uncertainty, apart.e_n), (10.0, 5.0, 1.0));
    let together = agreement(&a, &b, 6.0).expect("sound");
    assert!((together.standard_uncertainty - 13f64.sqrt()).abs() < 1e-15);
    assert_eq!((together.agrees(), apart.agrees()), (Agrees::Hardly, Agrees::Yes), "10/√13 = 2.77");
    // A K-factor that was found with the same balance to 0.5 %: 100 µL and 102 µL share 0.5 µL.
    assert!((shared(100.0, 102.0, 0.005) - 0.255).abs() < 1e-12);
}

#[test]
fn degrees_of_freedom_are_those_of_the_difference() {
    // u = 3 with 5 and u = 4 with 10: 625/(81/5 + 256/10) = 14.952.
    let got = agreement(&Estimate::new(15.0, 3.0, 5.0), &Estimate::new(0.0, 4.0, 10.0), 0.0).expect("sound");
    let same = agreement(&Estimate::new(3.0, 1.0, 625.0 / 41.8), &known(0.0, 0.0), 0.0).expect("sound");
    assert!((got.chance / same.chance - 1.0).abs() < 1e-12);
}

#[test]
fn what_can_not_be_compared() {
    let good = known(1.0, 0.1);
    for bad in [known(f64::NAN, 0.1), known(1.0, f64::INFINITY), known(1.0, f64::NAN), known(1.0, -0.1), Estimate::new(1.0, 0.1, 0.5)] {
        assert_eq!(agreement(&good, &bad, 0.0), Err(NotComparable::Unsound), "{bad:?}");
        assert_eq!(agreement(&bad, &good, 0.0), Err(NotComparable::Unsound), "{bad:?}");
    }
    for covariance in [0.011, -0.011, f64::NAN, f64::INFINITY] {
        assert_eq!(agreement(&good, &good, covariance), Err(NotComparable::Covariance), "{covariance}");
    }
    // Nothing but what they share, and yet they differ: that is no chance.
    assert_eq!(agreement(&known(1.1, 0.1), &good, 0.01).expect("sound").agrees(), Agrees::No);
    assert_eq!(agreement(&known(1.0, 0.0), &known(1.0, 0.0), 0.0).expect("sound").agrees(), Agrees::Yes);
    assert_eq!(agreement(&known(1.0, 0.0), &known(1.1, 0.0), 0.0).expect("sound").agrees(), Agrees::No);
}
