//! A change of the drug arrives at the tip as the worked numbers of the field say.

mod common;

use common::*;
use rig_model::bench::{Channel, DrugSensor, Instrument, Plant as Config};
use rig_model::input::PlantChange;
use rig_model::quantity::{Concentration, Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;

/// 80 cm of catheter of 0.53 mm, wide open, so that what is pumped is at once at the tip.
fn catheter() -> Config {
    Config { dead_volume: Volume(DEAD), resistance: 1e6, compliance: 1e-6, ..config() }
}

const DEAD: f64 = 176.5;

/// A plant whose line holds nothing and whose reservoir holds 1 mg/mL, one dose of which is `DEAD` µg.
fn changed(config: &Config) -> Plant {
    let mut plant =
        plant(&Config { drug: rig_model::bench::DrugInLine { concentration: Concentration(0.0), ..config.drug }, ..config.clone() });
    plant.change(&PlantChange::Drug { concentration: Concentration(1_000.0) });
    plant
}

/// Pushes `volume` at once through it and gives concentration and dose, of what goes in and of the dead volume's.
fn after(volume: f64, lasts: Span) -> (f64, f64) {
    let mut plant = changed(&catheter());
    plant.stroke(Volume(volume), lasts);
    edges(&mut plant, RigTime::ZERO + lasts);
    (plant.tip_concentration().0 / 1_000.0, plant.drug_delivered().0 / DEAD)
}

#[test]
fn a_push_comes_early_and_stays_thin() {
    let instant = Span::milliseconds(1);
    let (exit, delivered) = after(DEAD, instant);
    near(exit, 0.75, 1e-4);
    near(delivered, 0.25, 1e-4);
    let (exit, delivered) = after(2.0 * DEAD, instant);
    near(exit, 0.9375, 1e-4);
    near(delivered, 1.125, 1e-4);
    assert_eq!(after(0.49 * DEAD, instant), (0.0, 0.0));
}

#[test]
fn an_infusion_arrives_sharply() {
    // SOURCES 5.6: 0.5 mL/day, 24 mL/day, 0.2 mL in 10 min.
    for (rate, width, early) in [(0.5 / 24.0, 0.015, 0.006), (1.0, 0.096, 0.038), (1.2, 0.105, 0.042)] {
        let hours = DEAD / 1e3 / rate;
        let (exit, delivered) = after(DEAD, Span::from_seconds(hours * 3_600.0));
        assert!((exit - 0.5).abs() < 0.002, "half of it is there with the dead volume: {exit}");
        near(delivered, early, 0.04);
        // One standard deviation before and after.
        let at = |x: f64| after(x * DEAD, Span::from_seconds(x * hours * 3_600.0)).0;
        assert!((at(1.0 - width) - 0.1587).abs() < 0.01, "{}", at(1.0 - width));
        assert!((at(1.0 + width) - 0.8413).abs() < 0.01, "{}", at(1.0 + width));
    }
}

#[test]
fn between_push_and_infusion_lies_what_lies_between() {
    // The faster, the earlier: from 1 ms to a day.
    let early: Vec<f64> = (0..9).map(|i| after(DEAD, Span::from_seconds(10f64.powi(i - 3))).1).collect();
    assert!(early.is_sorted_by(|a, b| a > b), "{early:?}");
    assert!(early[0] > 0.2499 && early[8] < 0.01, "{early:?}");
}

#[test]
fn strokes_deliver_all_of_it() {
    // Basal strokes of 1 µL each 173 s: after three dead volumes two doses have come, whatever the spread.
    let mut plant = changed(&catheter());
    let strokes = (3.0 * DEAD) as i32;
    for i in 0..strokes {
        plant.stroke(Volume(1.0), Span::milliseconds(500));
        edges(&mut plant, seconds(173.0 * f64::from(i + 1)));
    }
    near(plant.tip_concentration().0, 1_000.0, 1e-6);
    near(plant.drug_delivered().0, f64::from(strokes) - DEAD, 2e-3);
}

#[test]
fn a_second_change_follows_the_first() {
    // Half a dead volume of 1 mg/mL, then nothing again: what came in comes out.
    let mut plant = changed(&catheter());
    let hour = |n: i64| RigTime::ZERO + Span::hours(n);
    plant.stroke(Volume(0.5 * DEAD), Span::hours(4));
    edges(&mut plant, hour(4));
    plant.change(&PlantChange::Drug { concentration: Concentration(0.0) });
    plant.stroke(Volume(3.0 * DEAD), Span::hours(24));
    edges(&mut plant, hour(28));
    near(plant.drug_delivered().0, 0.5 * DEAD, 1e-3);
    assert!(plant.tip_concentration().0 < 1.0);
}

#[test]
fn many_changes_are_bounded() {
    let mut plant = plant(&catheter());
    for i in 0..100 {
        plant.change(&PlantChange::Drug { concentration: Concentration(f64::from(i % 7)) });
        plant.stroke(Volume(1.0), Span::seconds(1));
        edges(&mut plant, seconds(f64::from(2 * i + 2)));
        let tip = plant.tip_concentration().0;
        assert!((0.0..=1_000.0).contains(&tip), "{tip}");
    }
}

#[test]
fn what_is_rested_is_not_delivered() {
    let mut plant = changed(&catheter());
    plant.stroke(Volume(0.9 * DEAD), Span::hours(7));
    edges(&mut plant, RigTime::ZERO + Span::hours(7));
    let before = plant.drug_delivered();
    edges(&mut plant, RigTime::ZERO + Span::hours(2_000));
    plant.abort_stroke();
    assert_eq!(plant.drug_delivered(), before);
}

#[test]
fn an_unprimed_line_holds_no_drug_until_fluid_arrives() {
    let mut plant = plant(&catheter());
    plant.change(&PlantChange::Catheter { primed: false });
    plant.stroke(Volume(0.99 * DEAD), Span::hours(1));
    edges(&mut plant, RigTime::ZERO + Span::hours(1));
    assert_eq!((plant.tip_concentration().0, plant.drug_delivered().0), (0.0, 0.0));
    plant.stroke(Volume(0.02 * DEAD), Span::seconds(10));
    edges(&mut plant, RigTime::ZERO + Span::hours(2));
    assert_eq!(plant.tip_concentration().0, 1_000.0);
    near(plant.drug_delivered().0, 0.01 * DEAD, 1e-6);
}

#[test]
fn what_comes_in_from_the_patient_leaves_first_and_is_no_drug() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::TipPressure { pressure: Pressure(4.0) });
    edges(&mut plant, seconds(10.0));
    // 0.15 µL/kPa over 4 kPa came in.
    near(plant.delivered_at_tip().0, -0.6, 1e-9);
    assert_eq!((plant.tip_concentration().0, plant.drug_delivered().0), (0.0, 0.0));
    plant.stroke(Volume(1.0), Span::seconds(1));
    edges(&mut plant, seconds(60.0));
    assert_eq!(plant.tip_concentration().0, 1_000.0);
    near(plant.drug_delivered().0, 0.4, 1e-5);
}

fn photometer() -> Channel {
    let sensor = DrugSensor { uncertainty_percent: None, step: Concentration(5.0), every: Span::seconds(60), max: Concentration(50_000.0) };
    Channel { name: "drug.tip".into(), instrument: Instrument::Drug(sensor), certificate: None, wiring: None }
}

/// All readings of 12 h of strokes while a front passes, advanced in pieces of `piece`.
fn readings(piece: Span) -> Vec<(RigTime, Concentration)> {
    let channels: Vec<Channel> = channels().into_iter().chain([photometer()]).collect();
    let mut plant = Plant::new(&Config { dead_volume: Volume(20.0), ..config() }, &channels, 1, RigTime::ZERO);
    plant.change(&PlantChange::Drug { concentration: Concentration(2_000.0) });
    let (mut all, mut edges) = (Vec::new(), Vec::new());
    for i in 0..60i64 {
        plant.stroke(Volume(1.0), Span::milliseconds(500));
        let end = RigTime::ZERO + Span::seconds(60 * (i + 1));
        while plant.now() < end {
            plant.advance((plant.now() + piece).min(end), &mut edges);
            plant.drug_readings(&mut all);
        }
    }
    all
}

#[test]
fn a_photometer_reports_each_step_at_its_instant() {
    let all = readings(Span::seconds(60));
    assert!(all.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(all[0].1, Concentration(1_000.0));
    let steps: Vec<f64> = all.windows(2).map(|pair| pair[1].1.0 - pair[0].1.0).collect();
    let larger: Vec<&f64> = steps.iter().filter(|step| step.abs() > 5.0 + 1e-9).collect();
    assert!(larger.is_empty(), "no step is larger than stated: {larger:?}");
    assert!(all.last().is_some_and(|(_, c)| c.0 > 1_990.0));
    assert_eq!(all, readings(Span::milliseconds(7)), "the same however time is cut");
}
