//! Benches for the sound pump: everything that a bench file leaves open is drawn from the seed, within the specification.
//!
//! The ranges are those of the table in `rig/docs/qualify.md`.

use rig_model::bench::{Bench, Instrument};
use rig_model::quantity::Pressure;
use rig_model::time::Span;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// How far the stroke volume may be off, in %: half of what the strictest requirement (REQ-RES-03, the account within 2 %) leaves it.
const GAIN_PERCENT: f64 = 1.0;
/// How far compliance and resistance of one catheter differ from another's, in %.
const LINE_PERCENT: f64 = 10.0;
/// Pressure of the cerebrospinal fluid, lying, in kPa: 7 to 18 cm of water.
const TIP_KPA: (f64, f64) = (0.7, 1.8);
/// Air pressure at most places where people live, in kPa.
const AMBIENT_KPA: (f64, f64) = (95.0, 104.0);
/// Relays and links are at their quickest with a quarter of the stated time, at their slowest with the whole of it.
const QUICKEST: f64 = 0.25;
/// Of the seeds' stream, so that no draw is one of the noise as well.
const STREAM: u64 = 0x5eed;

/// A bench and what was drawn for it.
pub struct Drawn {
    pub bench: Bench,
    /// In the order of drawing; for people.
    pub told: Vec<String>,
}

struct Draw {
    rng: ChaCha8Rng,
    told: Vec<String>,
}

impl Draw {
    /// Uniform between the two.
    fn between(&mut self, name: &str, unit: &str, (from, to): (f64, f64)) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        let part = ((self.rng.next_u64() >> 11) as f64 + 0.5) * STEP;
        let value = from + (to - from) * part;
        self.told.push(format!("{name} {value:.4}{unit}"));
        value
    }

    fn percent(&mut self, name: &str, most: f64) -> f64 {
        self.between(name, " %", (-most, most)) / 100.0
    }

    fn span(&mut self, name: &str, longest: Span) -> Span {
        let ms = longest.0 as f64 / 1e6;
        Span((self.between(name, " ms", (ms * QUICKEST, ms)) * 1e6) as i64)
    }
}

/// The bench of this seed. One without simulated plumbing stays as it is.
pub fn bench(described: &Bench, seed: u64) -> Drawn {
    let mut bench = described.clone();
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(STREAM);
    let mut draw = Draw { rng, told: Vec::new() };
    let (k, pressure) = uncertainties(&bench);
    if let Some(plant) = &mut bench.plant {
        plant.k_error = draw.percent("k_factor", k);
        plant.gain *= 1.0 + draw.percent("gain", GAIN_PERCENT);
        plant.compliance *= 1.0 + draw.percent("compliance", LINE_PERCENT);
        plant.resistance *= 1.0 + draw.percent("resistance", LINE_PERCENT);
        plant.tip_pressure = Pressure(draw.between("tip_pressure", " kPa", TIP_KPA));
        plant.ambient_pressure = Pressure(draw.between("ambient", " kPa", AMBIENT_KPA));
        // With noise alone a reading is off by its expanded uncertainty as seldom as k = 2 says.
        plant.pressure_noise = Pressure(draw.between("pressure_noise", " kPa", (0.0, pressure / 2.0)));
        plant.edge_jitter = draw.span("edge_jitter", plant.edge_jitter);
        plant.relay_delay = draw.span("relay_delay", plant.relay_delay);
        plant.link_delay = draw.span("link_delay", plant.link_delay);
    }
    Drawn { bench, told: draw.told }
}

/// The smallest that any sensor of the kind states: K-factors in %, pressure in kPa. What nobody states is not varied.
fn uncertainties(bench: &Bench) -> (f64, f64) {
    let least = |stated: &mut dyn Iterator<Item = f64>| stated.reduce(f64::min).unwrap_or(0.0);
    let k = least(&mut bench.channels.iter().filter_map(|c| match &c.instrument {
        Instrument::Flow(flow) => flow.k_uncertainty_percent,
        _ => None,
    }));
    let pressure = least(&mut bench.channels.iter().filter_map(|c| match &c.instrument {
        Instrument::Pressure(sensor) => sensor.uncertainty.map(|u| u.0),
        _ => None,
    }));
    (k, pressure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs;

    #[test]
    fn a_seed_gives_one_bench_and_all_stay_within_the_specification() {
        let (described, _) = inputs::bench(None, &mut inputs::Errors::default()).expect("the program's own bench");
        let plant = |seed| bench(&described, seed).bench.plant.expect("plumbing");
        assert_eq!(bench(&described, 7).told, bench(&described, 7).told);
        assert_ne!(plant(7), plant(8));
        let stated = described.plant.clone().expect("plumbing");
        for seed in 0..1_000 {
            let drawn = plant(seed);
            assert!(drawn.k_error.abs() <= 0.01 && (drawn.gain - 1.0).abs() <= 0.01, "{seed}: {drawn:?}");
            assert!((drawn.compliance / stated.compliance - 1.0).abs() <= 0.1 && drawn.pressure_noise.0 <= 0.25, "{seed}: {drawn:?}");
            assert!(drawn.relay_delay <= stated.relay_delay && drawn.link_delay.0 > 0, "{seed}: {drawn:?}");
            assert_eq!((drawn.missed_pulses, drawn.extra_pulses), (0.0, 0.0));
        }
    }
}
