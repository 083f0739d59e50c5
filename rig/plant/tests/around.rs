//! Needle, air, connector, valve, head, altitude and warmth do to the plumbing what the model's text says.

mod common;

use common::*;
use rig_model::bench::{HeadValves, Plant as Config};
use rig_model::input::{NeedleSite, PlantChange, Sense};
use rig_model::quantity::{Flow, Length, Pressure, Temperature, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;

fn needle(plant: &mut Plant, into: NeedleSite, volume: f64) {
    plant.change(&PlantChange::Needle { into, volume: Volume(volume) });
}

/// Strokes of 1 µL, one a second, until `to` s.
fn strokes(plant: &mut Plant, to: u32) -> Vec<rig_model::input::Edges> {
    let mut out = Vec::new();
    while plant.now() < seconds(f64::from(to)) {
        plant.stroke(Volume(1.0), Span::milliseconds(500));
        plant.advance(plant.now() + Span::seconds(1), &mut out);
    }
    out
}

#[test]
fn a_needle_fills_the_reservoir_or_the_pocket() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::Reservoir { volume: Volume(5_000.0) });
    needle(&mut plant, NeedleSite::Reservoir, 10_000.0);
    assert_eq!((plant.reservoir().0, plant.in_pocket().0), (15_000.0, 0.0));
    needle(&mut plant, NeedleSite::Pocket, 5_000.0);
    assert_eq!((plant.reservoir().0, plant.in_pocket().0), (15_000.0, 5_000.0));
}

#[test]
fn what_is_withdrawn_is_what_there_is() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::Withdraw { volume: Volume(5_000.0) });
    assert_eq!(plant.reservoir().0, 15_000.0);
    plant.change(&PlantChange::Withdraw { volume: Volume(50_000.0) });
    assert_eq!(plant.reservoir().0, 0.0);
}

#[test]
fn air_takes_its_share_of_each_stroke() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::Reservoir { volume: Volume(9_000.0) });
    needle(&mut plant, NeedleSite::AirIntoReservoir, 1_000.0);
    strokes(&mut plant, 1);
    near(plant.pumped().0, 0.9, 1e-12);
    near(plant.air_drawn().0, 0.1, 1e-12);
    near(plant.air_in_reservoir().0, 999.9, 1e-12);
    strokes(&mut plant, 1_000);
    // The mixture stays what it is.
    near(plant.pumped().0, 900.0, 1e-9);
    near(plant.reservoir().0, 8_100.0, 1e-9);
    plant.change(&PlantChange::Withdraw { volume: Volume(8_500.0) });
    near(plant.air_in_reservoir().0, 500.0, 1e-9);
}

#[test]
fn a_reservoir_that_is_too_full_lifts_the_valves() {
    // 10 kPa/mL, and 50 kPa are held: 5 mL. One mL more runs off at 100 µL/h.
    let mut plant = plant(&config());
    needle(&mut plant, NeedleSite::Reservoir, 4_900.0);
    near(plant.reservoir_pressure().0, 49.0, 1e-12);
    edges(&mut plant, RigTime::ZERO + Span::hours(1));
    assert_eq!(plant.pumped().0, 0.0);
    needle(&mut plant, NeedleSite::Reservoir, 1_100.0);
    edges(&mut plant, RigTime::ZERO + Span::hours(3));
    near(plant.pumped().0, 200.0, 1e-9);
    edges(&mut plant, RigTime::ZERO + Span::hours(100));
    near(plant.pumped().0, 1_000.0, 1e-9);
    near(plant.reservoir().0, 25_000.0, 1e-12);
}

#[test]
fn lifted_valves_shut_when_the_line_holds_against_them() {
    let mut plant = plant(&Config { valves: HeadValves { overfill_flow: Flow(60.0), ..Default::default() }, ..config() });
    plant.set_occluder(true);
    needle(&mut plant, NeedleSite::Reservoir, 6_000.0);
    edges(&mut plant, RigTime::ZERO + Span::hours(10));
    near(plant.line_pressure().0, 50.0, 1e-9);
    near(plant.pumped().0, 50.0 * 0.15, 1e-9);
}

#[test]
fn a_disconnected_catheter_gives_nothing_and_holds_no_pressure() {
    let mut plant = plant(&Config { tip_pressure: Pressure(1.2), ..config() });
    plant.change(&PlantChange::Disconnected { open: true });
    let out = strokes(&mut plant, 100);
    assert_eq!((count(&out, "flow.tip"), count(&out, "flow.pump") / 10), (0, 100));
    assert!(plant.line_pressure().0.abs() < 1e-3, "{}", plant.line_pressure());
    // What was stored at the tip's pressure is lost as well.
    near(plant.lost().0, 100.0 + 1.2 * 0.15, 1e-6);
    assert_eq!((plant.delivered_at_tip().0, plant.leaked().0, plant.drug_delivered().0), (0.0, 0.0, 0.0));
    plant.change(&PlantChange::Disconnected { open: false });
    strokes(&mut plant, 200);
    near(plant.delivered_at_tip().0, 100.0 - 1.2 * 0.15, 1e-3);
}

#[test]
fn a_valve_that_leaks_back_takes_what_was_delivered() {
    let mut plant = plant(&Config { tip_pressure: Pressure(1.2), ..config() });
    plant.change(&PlantChange::BackFlow { open: true });
    edges(&mut plant, RigTime::ZERO + Span::hours(1));
    // 5 µL/(h·kPa) against a catheter of far less resistance: 6 µL/h, but for what the catheter takes of the pressure.
    let through = 5.0 / 3_600.0;
    let expected = 3_600.0 * through * 1.2 / (1.0 + through * 0.29);
    near(plant.returned().0, expected, 1e-4);
    near(plant.reservoir().0, 20_000.0 + plant.returned().0, 1e-12);
    near(plant.delivered_at_tip().0, -expected, 1e-4);
    assert_eq!(plant.tip_concentration().0, 0.0);
}

#[test]
fn the_sensor_at_the_pump_sees_what_goes_back() {
    let mut plant =
        plant(&Config { tip_pressure: Pressure(1.2), valves: HeadValves { back_flow: 50.0, ..Default::default() }, ..config() });
    plant.change(&PlantChange::BackFlow { open: true });
    let out = edges(&mut plant, RigTime::ZERO + Span::hours(1));
    let back: u64 = out.iter().filter(|e| &*e.channel == "flow.pump" && e.sense == Sense::Reverse).map(|e| e.count()).sum();
    assert_eq!(back, count(&out, "flow.pump"));
    assert!((back as f64 - 10.0 * plant.returned().0).abs() <= 1.0, "{back} pulses for {}", plant.returned());
    // A stroke goes forward all the same.
    plant.stroke(Volume(1.0), Span::milliseconds(500));
    let out = edges(&mut plant, RigTime::ZERO + Span::hours(1) + Span::milliseconds(500));
    assert!(out.iter().filter(|e| &*e.channel == "flow.pump").all(|e| e.sense == Sense::Forward));
    plant.change(&PlantChange::BackFlow { open: false });
    let before = plant.returned();
    edges(&mut plant, RigTime::ZERO + Span::hours(2));
    assert_eq!(plant.returned(), before);
}

#[test]
fn nothing_goes_back_into_a_higher_pressure() {
    let mut plant = plant(&Config { tip_pressure: Pressure(1.2), ..config() });
    needle(&mut plant, NeedleSite::Reservoir, 200.0);
    plant.change(&PlantChange::BackFlow { open: true });
    edges(&mut plant, RigTime::ZERO + Span::hours(10));
    assert_eq!(plant.returned().0, 0.0);
    // After a stroke the line is higher for a moment.
    plant.stroke(Volume(20.0), Span::milliseconds(500));
    edges(&mut plant, RigTime::ZERO + Span::hours(20));
    assert!(plant.returned().0 > 0.0);
    near(plant.line_pressure().0, 1.2, 1e-12);
}

#[test]
fn a_tip_above_the_pump_presses_by_its_height() {
    let mut plant = plant(&Config { tip_pressure: Pressure(1.2), ..config() });
    plant.change(&PlantChange::Head { height: Length(50.0) });
    edges(&mut plant, seconds(60.0));
    near(plant.line_pressure().0, 1.2 + 4.9, 1e-9);
    plant.change(&PlantChange::TipPressure { pressure: Pressure(1.0) });
    plant.change(&PlantChange::Head { height: Length(-20.0) });
    edges(&mut plant, seconds(120.0));
    near(plant.line_pressure().0, 1.0 - 1.96, 1e-9);
}

#[test]
fn warmth_and_altitude_change_what_a_stroke_moves() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::Temperature { inside: Temperature(40.0) });
    strokes(&mut plant, 1);
    near(plant.pumped().0, 1.03, 1e-12);
    plant.change(&PlantChange::Ambient { pressure: Pressure(91.3) });
    strokes(&mut plant, 2);
    near(plant.pumped().0, 1.03 + 1.04, 1e-12);
    plant.set_gain(0.5);
    strokes(&mut plant, 3);
    near(plant.pumped().0, 1.03 + 1.04 + 0.52, 1e-12);
}

#[test]
fn cold_fluid_flows_harder() {
    let at = |celsius: f64| {
        let mut plant = plant(&config());
        plant.change(&PlantChange::Temperature { inside: Temperature(celsius) });
        plant.stroke(Volume(100.0 / plant_gain(celsius)), Span::seconds(10));
        edges(&mut plant, seconds(9.0));
        plant.line_pressure().0
    };
    // SOURCES 5.2: 4.2e11 at 20 °C, 2.9e11 at 37 °C.
    near(at(20.0) / at(37.0), 4.2 / 2.9, 0.02);
}

fn plant_gain(celsius: f64) -> f64 {
    1.0 + 0.01 * (celsius - 37.0)
}

#[test]
fn a_bubble_gives_way_to_altitude() {
    // Walls of 0.15 µL/kPa and 10 µL of air: from 101.3 to 85 kPa it wants to grow by 1.92 µL, and the line's pressure rises as far as both allow.
    let mut plant = plant(&config());
    plant.change(&PlantChange::AirBubble { volume: Volume(10.0) });
    plant.set_occluder(true);
    plant.change(&PlantChange::Ambient { pressure: Pressure(85.0) });
    let p = plant.line_pressure().0;
    near(0.15 * p, 1_013.0 / (p + 85.0) - 10.0, 1e-9);
    plant.change(&PlantChange::Ambient { pressure: Pressure(101.3) });
    assert!(plant.line_pressure().0.abs() < 1e-9, "and back");
}

#[test]
fn nothing_is_made_or_lost() {
    let mut plant = plant(&Config { tip_pressure: Pressure(1.2), leak: 10.0, ..config() });
    let stored = 1.2 * 0.15;
    needle(&mut plant, NeedleSite::Reservoir, 5_500.0);
    for round in 1..=40u32 {
        match round % 5 {
            0 => plant.change(&PlantChange::BackFlow { open: round % 10 == 0 }),
            1 => plant.change(&PlantChange::Disconnected { open: round % 2 == 0 }),
            2 => plant.set_leak(round % 4 == 0),
            3 => plant.set_occluder(round % 3 == 0),
            _ => plant.change(&PlantChange::Head { height: Length(f64::from(round)) }),
        }
        strokes(&mut plant, 50 * round);
    }
    let out = plant.delivered_at_tip().0 + plant.leaked().0 + plant.lost().0;
    near(plant.pumped().0 - plant.returned().0 + stored, out + plant.line_pressure().0 * 0.15, 1e-9);
    near(plant.reservoir().0 + plant.pumped().0 - plant.returned().0, 25_500.0, 1e-12);
}
