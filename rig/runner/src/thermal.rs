//! Thermal flow sensors: readings to pulses, so that windows, strokes and watchers see one kind of flow. The readings are what is recorded;
//! zero and integral are made again in a replay.

use rig_metrology::{FlowIntegrator, MIN_ZERO_SAMPLES, ZeroOffset};
use rig_model::Name;
use rig_model::bench::{Bench, Bus, Channel, Device, Instrument, Wiring};
use rig_model::input::{Edges, Lost, Sense};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

/// Readings this many periods apart are not joined by a straight line: some fall out on a loaded machine, and a stroke lasts longer.
const LONGEST_GAP_PERIODS: i64 = 5;
/// A sound sensor is within ten of its steps of zero. What is beyond is flow.
const MAX_ZERO_STEPS: f64 = 10.0;

/// The thermal flow channels of a bench.
#[derive(Debug, Default)]
pub(crate) struct Thermals {
    channels: Vec<Thermal>,
}

#[derive(Debug)]
struct Thermal {
    name: Name,
    /// Under this name come the readings that were taken with the valve shut, before all others.
    at_rest: Name,
    resolution: Flow,
    samples: Vec<f64>,
    zero: Option<ZeroOffset>,
    /// Why there is no zero was told.
    told: bool,
    integrator: FlowIntegrator,
    next: u64,
}

/// What a reading comes to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub pulses: Vec<Edges>,
    pub lost: Option<Lost>,
}

impl Thermals {
    pub fn new(bench: &Bench) -> Self {
        Self { channels: bench.channels.iter().filter_map(Thermal::new).collect() }
    }

    /// `None` for a reading of something else. Pulses that were due before `judged` are given there: what was judged stays judged.
    pub fn reading(&mut self, at: RigTime, channel: &Name, value: f64, judged: RigTime) -> Option<Found> {
        for thermal in &mut self.channels {
            if thermal.at_rest == *channel {
                thermal.samples.push(value);
                return Some(Found::default());
            }
            if thermal.name == *channel {
                return Some(thermal.flow(at, value, judged));
            }
        }
        None
    }
}

impl Thermal {
    fn new(channel: &Channel) -> Option<Self> {
        let Instrument::Flow(sensor) = &channel.instrument else { return None };
        let Some(Wiring::Bus(Bus { device: Device::Slf3s0600f { .. }, read_every, .. })) = &channel.wiring else { return None };
        let longest_gap = Span(read_every.0.saturating_mul(LONGEST_GAP_PERIODS));
        Some(Self {
            name: channel.name.clone(),
            at_rest: channel.at_rest(),
            resolution: Flow(sensor.resolution),
            samples: Vec::new(),
            zero: None,
            told: false,
            integrator: FlowIntegrator::new(Volume(1.0 / sensor.k_factor), longest_gap)?,
            next: 1,
        })
    }

    fn flow(&mut self, at: RigTime, value: f64, judged: RigTime) -> Found {
        let mut found = Found::default();
        if self.zero.is_none() {
            let at_most = Flow(MAX_ZERO_STEPS * self.resolution.0);
            match ZeroOffset::from_samples(&self.samples, self.resolution, at_most) {
                Ok(zero) => self.zero = Some(zero),
                Err(why) => {
                    if !std::mem::replace(&mut self.told, true) {
                        let why = format!("no zero could be taken with the valve shut: {why}");
                        found.lost = Some(Lost::because(why).of(self.name.clone()));
                    }
                    return found;
                }
            }
            self.samples = Vec::new();
        }
        let Some(zero) = self.zero else { return found };
        let (name, next, pulses) = (&self.name, &mut self.next, &mut found.pulses);
        let result = self.integrator.push(at, zero.correct(Flow(value)), |due, sense| {
            add(pulses, name, due.max(judged).min(at), sense, *next);
            *next += 1;
        });
        found.lost = result.err().map(|why| Lost::because(why.to_string()).of(self.name.clone()));
        found
    }
}

fn add(pulses: &mut Vec<Edges>, channel: &Name, at: RigTime, sense: Sense, number: u64) {
    match pulses.last_mut() {
        Some(edges) if edges.sense == sense => {
            let last = edges.last();
            edges.then.push((at - last).0);
        }
        _ => pulses.push(Edges::single(channel.clone(), sense, number, at)),
    }
}

/// The readings at rest that a zero needs.
pub const ZERO_SAMPLES: usize = MIN_ZERO_SAMPLES;

#[cfg(test)]
mod tests {
    use rig_model::bench::{FlowSensor, Liquid};

    use super::*;

    fn thermals() -> Thermals {
        let sensor = FlowSensor {
            k_factor: 100.0,
            k_uncertainty_percent: Some(5.0),
            curve: Default::default(),
            accuracy: Default::default(),
            min_flow: 0.0,
            max_flow: 120_000.0,
            stroke_gap: Span::seconds(1),
            bidirectional: true,
            zero_uncertainty: 6.0,
            resolution: 6.0,
            stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
            witness: Default::default(),
        };
        let bus =
            Bus { path: "/dev/i2c-1".into(), device: Device::Slf3s0600f { liquid: Liquid::Water }, read_every: Span::milliseconds(20) };
        let channel =
            Channel { name: "flow.tip".into(), instrument: Instrument::Flow(sensor), certificate: None, wiring: Some(Wiring::Bus(bus)) };
        Thermals { channels: vec![Thermal::new(&channel).unwrap()] }
    }

    fn at(ms: i64) -> RigTime {
        RigTime::ZERO + Span::milliseconds(ms)
    }

    fn zeroed(offset: f64) -> Thermals {
        let mut thermals = thermals();
        for _ in 0..ZERO_SAMPLES {
            assert!(thermals.reading(at(0), &"flow.tip/at_rest".into(), offset, at(0)).is_some());
        }
        thermals
    }

    #[test]
    fn a_stroke_comes_out_as_its_pulses_with_the_zero_taken_off() {
        let mut thermals = zeroed(12.0);
        let mut pulses = 0;
        // 1 µL in half a second is 7200 µL/h.
        for n in 0..=25 {
            let found = thermals.reading(at(n * 20), &"flow.tip".into(), 7_200.0 + 12.0, at(n * 20 - 20)).unwrap();
            assert!(found.lost.is_none());
            for edges in found.pulses {
                assert_eq!((edges.sense, edges.first_number), (Sense::Forward, pulses + 1));
                assert!(edges.first > at(n * 20 - 20) && edges.last() <= at(n * 20));
                pulses += edges.count();
            }
        }
        assert!((99..=100).contains(&pulses), "{pulses}");
        assert!(thermals.reading(at(520), &"pressure.line".into(), 1.0, at(500)).is_none());
    }

    #[test]
    fn without_a_zero_nothing_is_measured_and_that_is_told_once() {
        let mut flowing = zeroed(600.0);
        let first = flowing.reading(at(0), &"flow.tip".into(), 600.0, at(0)).unwrap();
        assert!(first.lost.unwrap().why.contains("no zero could be taken"));
        let second = flowing.reading(at(20), &"flow.tip".into(), 600.0, at(0)).unwrap();
        assert!(second.lost.is_none() && second.pulses.is_empty());
        let mut none = thermals();
        assert!(none.reading(at(0), &"flow.tip".into(), 0.0, at(0)).unwrap().lost.is_some());
    }

    #[test]
    fn a_missing_reading_is_a_loss() {
        let mut thermals = zeroed(0.0);
        for (ms, value, lost) in [(0, 10.0, false), (20, f64::NAN, true), (40, 10.0, false), (160, 10.0, true), (180, 10.0, false)] {
            assert_eq!(thermals.reading(at(ms), &"flow.tip".into(), value, at(0)).unwrap().lost.is_some(), lost, "{ms}");
        }
    }

    #[test]
    fn what_was_judged_stays_judged() {
        let mut thermals = zeroed(0.0);
        thermals.reading(at(0), &"flow.tip".into(), 7_200.0, at(0));
        let found = thermals.reading(at(20), &"flow.tip".into(), 7_200.0, at(15)).unwrap();
        assert_eq!(found.pulses[0].first, at(15), "due at 5 ms, but 15 ms was judged already");
    }
}
