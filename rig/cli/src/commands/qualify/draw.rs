//! Benches for the sound pump: everything that a bench file leaves open is drawn from the seed, within the specification.
//!
//! A drawn bench is a bench file as any other: what is played is what is read from its text, so that `rig run --bench` plays the same one.
//! The ranges are those of the table in `rig/docs/qualify.md`.

use anyhow::{Context, Result, anyhow};
use rig_model::bench::{Bench, Instrument, Plant};
use rig_model::fact::SourceText;
use rig_model::time::Span;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use toml::{Table, Value};

/// How far the stroke volume may be off, in %: half of what the strictest requirement (REQ-RES-03, the account within 2 %) leaves it.
const GAIN_PERCENT: f64 = 1.0;
/// How far the pump's clock may be off, in %: a third of the 10 ms in a minute that REQ-LOG-01 leaves it, and what a crystal keeps.
const CLOCK_PERCENT: f64 = 0.005;
/// How far compliance and resistance of one catheter differ from another's, in %.
const LINE_PERCENT: f64 = 10.0;
/// Pressure of the cerebrospinal fluid, lying, in kPa: 7 to 18 cm of water.
const TIP_KPA: (f64, f64) = (0.7, 1.8);
/// Air pressure at most places where people live, in kPa.
const AMBIENT_KPA: (f64, f64) = (95.0, 104.0);
/// Relays and links are at their quickest with a quarter of the stated time, at their slowest with the whole of it.
const QUICKEST: f64 = 0.25;
/// The status is asked for a little more often than stated, so that polls lie anywhere between what else happens.
const SOONEST_POLL: f64 = 0.9;
/// Of the seeds' stream, so that no draw is one of the noise as well.
const STREAM: u64 = 0x5eed;

/// A bench, the file that describes it, and what was drawn for it.
pub struct Drawn {
    pub bench: Bench,
    pub text: String,
    /// In the order of drawing; for people.
    pub told: Vec<String>,
}

struct Draw {
    rng: ChaCha8Rng,
    file: Table,
    told: Vec<String>,
}

impl Draw {
    /// Uniform between the two, as a bench file has it: to so many decimals.
    fn between(&mut self, (from, to): (f64, f64), decimals: usize) -> String {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        let part = ((self.rng.next_u64() >> 11) as f64 + 0.5) * STEP;
        format!("{:.decimals$}", from + (to - from) * part)
    }

    /// Into the file, and told.
    fn set(&mut self, table: &str, key: &str, value: Value) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.told.push(format!("{key} {text}"));
        if let Some(Value::Table(table)) = self.file.get_mut(table) {
            table.insert(key.to_owned(), value);
        }
    }

    fn plant(&mut self, key: &str, unit: &str, range: (f64, f64)) {
        let value = self.between(range, 4);
        self.set("plant", key, format!("{value} {unit}").into());
    }

    fn span(&mut self, (table, key): (&str, &str), quickest: f64, stated: Span) {
        let ms = stated.0 as f64 / 1e6;
        let value = self.between((ms * quickest, ms), 4);
        self.set(table, key, format!("{value} ms").into());
    }

    /// Around what is stated, by so many %.
    fn around(&mut self, key: &str, unit: &str, stated: f64, percent: f64) {
        let by = self.between((-percent, percent), 4).parse::<f64>().unwrap_or(0.0);
        let value = format!("{:.6e} {unit}", stated * (1.0 + by / 100.0));
        self.set("plant", key, value.into());
    }
}

/// The bench of this seed. One without simulated plumbing stays as it is.
///
/// # Errors
/// A bench file that can't be read, of which a checked bench was made before; or a draw that no bench file may have.
pub fn bench(described: &Bench, file: &SourceText, seed: u64) -> Result<Drawn> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(STREAM);
    let table: Table = file.text.parse().context("the bench file, which was read before, can't be read")?;
    let mut draw = Draw { rng, file: table, told: Vec::new() };
    if let Some(plant) = &described.plant {
        plumbing(&mut draw, plant, uncertainties(described));
        draw.span(("link", "poll_every"), SOONEST_POLL, described.link.poll_every);
    }
    let Draw { file: table, told, .. } = draw;
    let text = format!("# Drawn from {} with seed {seed}.\n\n{table}", printable_name(file));
    let bench = rig_scenario::parse_bench("drawn bench", &text);
    let bench = bench.map_err(|found| anyhow!("{}", found.first().map_or_else(String::new, ToString::to_string)))?;
    Ok(Drawn { bench, text, told })
}

fn printable_name(file: &SourceText) -> String {
    rig_report::printable(&file.path).to_string().replace('\n', " ")
}

fn plumbing(draw: &mut Draw, plant: &Plant, (k, pressure): (f64, f64)) {
    draw.plant("k_error", "%", (-k, k));
    draw.plant("k_error_tip", "%", (-k, k));
    draw.plant("pump_clock", "%", (-CLOCK_PERCENT, CLOCK_PERCENT));
    let by = draw.between((-GAIN_PERCENT, GAIN_PERCENT), 4).parse::<f64>().unwrap_or(0.0);
    draw.set("plant", "gain", Value::Float(plant.gain * (1.0 + by / 100.0)));
    draw.around("compliance", "µL/kPa", plant.compliance, LINE_PERCENT);
    draw.around("resistance", "Pa·s/m³", plant.resistance, LINE_PERCENT);
    draw.plant("tip_pressure", "kPa", TIP_KPA);
    draw.plant("ambient_pressure", "kPa", AMBIENT_KPA);
    // With noise alone a reading is off by its expanded uncertainty as seldom as k = 2 says.
    draw.plant("pressure_noise", "kPa", (0.0, pressure / 2.0));
    draw.span(("plant", "edge_jitter"), QUICKEST, plant.edge_jitter);
    draw.span(("plant", "relay_delay"), QUICKEST, plant.relay_delay);
    draw.span(("plant", "link_delay"), QUICKEST, plant.link_delay);
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
        let (described, file) = inputs::bench(None, &mut inputs::Errors::default()).expect("the program's own bench");
        let drawn = |seed| bench(&described, &file, seed).expect("a bench file");
        let plant = |seed| drawn(seed).bench.plant.expect("plumbing");
        assert_eq!((drawn(7).told, drawn(7).text), (drawn(7).told, drawn(7).text));
        assert_ne!(plant(7), plant(8));
        let stated = described.plant.clone().expect("plumbing");
        let mut apart = 0.0_f64;
        for seed in 0..300 {
            let Drawn { bench, .. } = drawn(seed);
            let (plant, link) = (bench.plant.clone().expect("plumbing"), bench.link.clone());
            let tip = plant.k_error_tip.expect("drawn");
            apart = apart.max((plant.k_error - tip).abs());
            assert!(plant.k_error.abs() <= 0.01 && tip.abs() <= 0.01 && (plant.gain - 1.0).abs() <= 0.0101, "{seed}: {plant:?}");
            assert!((plant.compliance / stated.compliance - 1.0).abs() <= 0.1001 && plant.pressure_noise.0 <= 0.25, "{seed}: {plant:?}");
            assert!(plant.relay_delay <= stated.relay_delay && plant.link_delay.0 > 0, "{seed}: {plant:?}");
            assert!(plant.pump_clock_ppm.abs() <= 50.0, "{seed}: {plant:?}");
            assert!((Span::seconds(9)..=Span::seconds(10)).contains(&link.poll_every), "{seed}: {link:?}");
            assert_eq!((plant.missed_pulses, plant.extra_pulses), (0.0, 0.0));
            // Nothing else is another one.
            assert_eq!(Bench { plant: described.plant.clone(), link: described.link.clone(), ..bench }, described, "{seed}");
        }
        assert!(apart > 0.015, "one channel high and the other low: {apart}");
    }
}
