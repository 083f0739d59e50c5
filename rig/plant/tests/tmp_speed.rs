#![allow(clippy::disallowed_methods)]
mod common;
use common::*;
use rig_model::bench::Plant as Config;
use rig_model::input::PlantChange;
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;
#[test]
fn speed() {
    let noisy = Config {
        stroke_noise_percent: 1.0,
        edge_jitter: Span::microseconds(20),
        missed_pulses: 1e-4,
        extra_pulses: 1e-4,
        pressure_noise: Pressure(0.1),
        ..config()
    };
    for (name, config, bubble) in [("quiet", config(), 0.0), ("noisy", noisy.clone(), 0.0), ("noisy+air", noisy, 10.0)] {
        for strokes in [1_500_i64, 45_000] {
            let mut plant = Plant::new(&config, &channels(), 1, RigTime::ZERO);
            plant.change(&PlantChange::AirBubble { volume: Volume(bubble) });
            let mut out = Vec::new();
            let mut n = 0;
            let start = std::time::Instant::now();
            for i in 0..strokes {
                if i % 15_000 == 0 {
                    plant.change(&PlantChange::Reservoir { volume: Volume(20_000.0) });
                }
                plant.stroke(Volume(1.0), Span::milliseconds(500));
                // Status polls and readings each 10 s.
                for j in 1..=17 {
                    plant.advance(RigTime(172_800_000_000 * i + 10_000_000_000 * j), &mut out);
                    if j % 6 == 1 {
                        plant.read_pressure();
                    }
                }
                plant.advance(RigTime(172_800_000_000 * (i + 1)), &mut out);
                n += out.iter().map(|e| e.count()).sum::<u64>();
                out.clear();
            }
            let t = start.elapsed();
            println!("{name} {strokes}: {t:?} {n} edges, {:.1} ns/edge", t.as_nanos() as f64 / n as f64);
        }
    }
}
