//! The photometer of a simulated bench: what it reports of its own accord, and that it still lives.

use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::input::{Input, Real, Source};
use rig_model::quantity::Concentration;
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;

use crate::board::Arrival;

#[derive(Debug)]
pub(crate) struct Photometer {
    channel: Name,
    every: Span,
    /// Its last report.
    last: Option<RigTime>,
    readings: Vec<(RigTime, Concentration)>,
}

impl Photometer {
    /// `None` on a bench without one.
    pub fn new(bench: &Bench) -> Option<Self> {
        let (channel, sensor) = bench.channels.iter().find_map(|c| match &c.instrument {
            Instrument::Drug(sensor) => Some((c.name.clone(), *sensor)),
            _ => None,
        })?;
        Some(Self { channel, every: sensor.every, last: None, readings: Vec::new() })
    }

    /// Reports the changes that the plumbing's last advance brought.
    pub fn tell(&mut self, plant: &mut Plant, out: &mut Vec<Arrival>) {
        plant.drug_readings(&mut self.readings);
        let Some((at, _)) = self.readings.last() else { return };
        self.last = Some(*at);
        for (at, Concentration(value)) in self.readings.drain(..) {
            let input = Input::Reading { channel: self.channel.clone(), value: Real(value) };
            out.push(Arrival { source: Source::Sensors, at, input });
        }
    }

    /// Reports what it sees now, if by the next time that it is asked, `next` at the latest, it would have said nothing for too long. To be
    /// called at instants that there are anyway, so that a bench on which nothing happens has no more events for having a photometer.
    pub fn tell_if_silent(&mut self, at: RigTime, next: RigTime, plant: &mut Plant, out: &mut Vec<Arrival>) {
        if self.last.is_some_and(|last| next <= last + self.every) {
            return;
        }
        if let Some(Concentration(value)) = plant.read_drug() {
            self.last = Some(at);
            let input = Input::Reading { channel: self.channel.clone(), value: Real(value) };
            out.push(Arrival { source: Source::Sensors, at, input });
        }
    }
}
