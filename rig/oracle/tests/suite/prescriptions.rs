//! Prescriptions drawn at random: a pump that follows them to the letter is never told of, one that doubles a bolus always is.
use crate::bed::{Bed, HOUR, SECOND, basal, bolus, patient, s};
use proptest::prelude::*;
use rig_model::dut::Verb;
use rig_model::input::PlantChange;
use rig_model::time::Span;
use rig_model::verdict::Verdict;

/// What happens in one hour of a case.
#[derive(Debug, Clone)]
enum Order {
    Rate(f64),
    /// µL, s.
    Bolus(f64, f64),
    Button,
    Stop,
    /// A plain start.
    Start,
    Nothing,
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        (2.0..450.0).prop_map(Order::Rate),
        (8.0..300.0, 0.0..1.0).prop_map(|(volume, slow): (f64, f64)| Order::Bolus(volume.floor(), volume * (0.6 + 5.0 * slow))),
        Just(Order::Button),
        Just(Order::Stop),
        Just(Order::Start),
        Just(Order::Nothing),
    ]
}

/// Plays the orders, one an hour, with a pump that does what they mean; the bolus of this number comes twice. How many boluses there were.
fn play(bed: &mut Bed, orders: &[Order], doubled: Option<usize>, gain: f64) -> usize {
    bed.prescribe(SECOND, [basal(20.0), patient()]).say(60 * SECOND, Verb::Start);
    let (mut rate, mut from, mut running, mut boluses, mut last): (f64, i64, bool, usize, i64) = (20.0, 60 * SECOND, true, 0, -24 * HOUR);
    let mut given: Vec<i64> = Vec::new();
    let mut deliver = |bed: &mut Bed, at: i64, volume: f64, over: f64| {
        bed.bolus(at, volume * gain, over);
        if doubled == Some(boluses) {
            bed.bolus(at + s(over) + 30 * SECOND, volume, over);
        }
        boluses += 1;
    };
    for (n, order) in orders.iter().enumerate() {
        let at = (n as i64 + 1) * HOUR;
        match order {
            Order::Rate(new) => {
                if running {
                    bed.flows(from, at + SECOND, rate * gain);
                }
                bed.say(at, basal(*new)).say(at + SECOND, Verb::Start);
                (rate, from, running) = (*new, at + SECOND, true);
            }
            Order::Bolus(volume, over) if running => {
                bed.say(at, bolus(*volume, *over)).say(at + SECOND, Verb::Start);
                deliver(bed, at + SECOND, *volume, *over);
            }
            Order::Button if running => {
                bed.plant(at, PlantChange::Button { held: Span::milliseconds(400), bounces: 3 });
                let free = at - last >= 4 * HOUR && given.iter().filter(|g| at - **g < 24 * HOUR).count() < 3;
                if free {
                    deliver(bed, at + SECOND, 50.0, 120.0);
                    given.push(at);
                    last = at;
                }
            }
            Order::Stop if running => {
                bed.say(at, Verb::Stop).flows(from, at, rate * gain);
                running = false;
            }
            Order::Start if !running => {
                bed.say(at, Verb::Start);
                (from, running) = (at, true);
            }
            _ => {}
        }
    }
    if running {
        bed.flows(from, (orders.len() as i64 + 1) * HOUR, rate * gain);
    }
    boluses
}

fn end(orders: &[Order]) -> i64 {
    (orders.len() as i64 + 1) * HOUR
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_pump_that_follows_its_prescription_is_never_told_of(orders in prop::collection::vec(order(), 1..16), gain in 0.955..1.045) {
        let mut bed = Bed::new();
        play(&mut bed, &orders, None, gain);
        let rows = bed.rows(end(&orders));
        prop_assert!(rows.len() == 2 && rows.iter().all(|row| row.verdict == Verdict::Pass), "{:#?}", rows.iter().map(|r| (&r.verdict, &r.reason)).collect::<Vec<_>>());
    }

    #[test]
    fn a_pump_that_doubles_any_bolus_always_is(orders in prop::collection::vec(order(), 1..16), which in 0usize..8) {
        let boluses = play(&mut Bed::new(), &orders, None, 1.0);
        prop_assume!(boluses > 0);
        let mut bed = Bed::new();
        play(&mut bed, &orders, Some(which % boluses), 1.0);
        prop_assert_eq!(bed.verdicts(end(&orders)).0, Verdict::Fail);
    }

    #[test]
    fn a_pump_that_gives_or_takes_an_eighth_is_told_of(orders in prop::collection::vec(order(), 8..16)) {
        for (gain, over) in [(1.125, true), (0.875, false)] {
            let mut bed = Bed::new();
            bed.say(0, Verb::FactoryReset);
            play(&mut bed, &[vec![Order::Rate(60.0), Order::Nothing, Order::Nothing], orders.clone()].concat(), None, gain);
            let (excess, shortfall) = bed.verdicts(end(&orders) + 3 * HOUR);
            prop_assert_eq!(if over { excess } else { shortfall }, Verdict::Fail);
        }
    }
}
