//! The grid of `delivery.csv` is bounded, loses no pulse, and says at each of its times what had passed by then.
#![allow(clippy::unwrap_used)]

mod common;

use common::{channels, fact, report, rows};
use proptest::prelude::*;
use rig_model::fact::{Body, Fact};
use rig_model::input::{Edges, Input, Sense};
use rig_model::time::RigTime;
use rig_report::{End, MAX_ROWS_PER_CHANNEL};

const SECOND: i64 = 1_000_000_000;

fn pulses(channel: &str, sense: Sense, first: i64, then: Vec<i64>) -> Fact {
    let edges = Edges { channel: channel.into(), sense, first_number: 1, first: RigTime(first), then };
    Fact { at: RigTime(first), arrival: None, body: Body::Input(Input::Edges(edges)) }
}

#[test]
fn three_days_fit_in_the_grid_with_every_pulse() {
    // 0.5 mL/day in strokes of 1 µL: ten pulses every 172.8 s, the first after one second.
    let stroke = |i: i64| pulses("flow.tip", Sense::Forward, SECOND + i * 172_800_000_000, vec![50_000_000; 9]);
    let facts: Vec<Fact> = (0..1_500).map(stroke).chain([fact(72 * 3_600_000, Body::Input(Input::LinkUp))]).collect();
    let (folder, _) = report(&facts, End::Cut);
    let rows = rows(&folder.text("delivery.csv"));
    let tip: Vec<_> = rows.iter().filter(|row| row["channel"] == "flow.tip").collect();
    // 259,200 s in the finest power of two seconds that fits: 32 s.
    assert_eq!(tip.len(), 8_101);
    assert!(tip.len() <= MAX_ROWS_PER_CHANNEL);
    assert_eq!((tip[1]["elapsed_s"].as_str(), tip[1]["volume_ul"].as_str(), tip[1]["flow_ul_h"].as_str()), ("32", "1", "112.5"));
    let last = tip.last().expect("rows");
    assert_eq!((last["elapsed_s"].as_str(), last["volume_ul"].as_str()), ("259200", "1500"));
    let delivered: f64 = tip.iter().map(|row| row["flow_ul_h"].parse::<f64>().unwrap_or(0.0) * 32.0 / 3_600.0).sum();
    assert!((delivered - 1_500.0).abs() < 1e-6, "the flows add up to the volume: {delivered}");
}

#[test]
fn times_at_the_ends_of_the_scale_are_held() {
    let facts = [
        pulses("flow.tip", Sense::Forward, i64::MIN, vec![i64::MAX, i64::MAX, i64::MAX]),
        pulses("flow.tip", Sense::Reverse, i64::MAX, vec![i64::MAX]),
        pulses("flow.unknown", Sense::Forward, 5, Vec::new()),
        pulses("alarm", Sense::On, 5, Vec::new()),
    ];
    let (folder, finished) = report(&facts, End::Cut);
    assert!(finished.errors.is_empty());
    let rows = rows(&folder.text("delivery.csv"));
    assert!(rows.len() <= 2 * MAX_ROWS_PER_CHANNEL);
    assert_eq!(rows.last().expect("rows")["volume_ul"], "0.2");
}

#[test]
fn the_last_row_is_the_end_of_the_run() {
    let facts = [pulses("flow.tip", Sense::Forward, 2 * SECOND + 250_000_000, Vec::new()), fact(2_500, Body::Input(Input::LinkUp))];
    let (folder, _) = report(&facts, End::Cut);
    let rows = rows(&folder.text("delivery.csv"));
    let last = rows.last().expect("rows");
    assert_eq!((last["elapsed_s"].as_str(), last["flow_ul_h"].as_str()), ("2.5", "720"), "one pulse of 0.1 µL in half a second");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_row_is_what_had_passed_by_then(
        batches in prop::collection::vec((0..2usize, any::<bool>(), 0..30_000i64, prop::collection::vec(0..4_000i64, 0..20)), 1..40),
    ) {
        let mut passed: Vec<Vec<(i64, i64)>> = vec![Vec::new(), Vec::new()];
        let facts: Vec<Fact> = batches
            .into_iter()
            .map(|(channel, forward, first_s, then_s)| {
                let sense = if forward { Sense::Forward } else { Sense::Reverse };
                let fact = pulses(&channels()[channel].name, sense, first_s * SECOND, then_s.iter().map(|s| s * SECOND).collect());
                if let Body::Input(Input::Edges(edges)) = &fact.body {
                    passed[channel].extend(edges.times().map(|at| (at.0, if forward { 1 } else { -1 })));
                }
                fact
            })
            .collect();
        let (folder, _) = report(&facts, End::Cut);
        let rows = rows(&folder.text("delivery.csv"));
        prop_assert!(rows.len() <= 2 * MAX_ROWS_PER_CHANNEL);
        for (number, channel) in channels().iter().enumerate() {
            // Every hundredth row is enough to see a pulse in a wrong interval, as volumes add up.
            for row in rows.iter().filter(|row| row["channel"] == *channel.name).step_by(100) {
                let at = row["elapsed_s"].parse::<f64>().unwrap() * 1e9;
                let net: i64 = passed[number].iter().filter(|(pulse, _)| *pulse as f64 <= at).map(|(_, sign)| sign).sum();
                prop_assert_eq!(row["volume_ul"].parse::<f64>().unwrap(), net as f64 / channel.k_factor);
            }
        }
    }
}
