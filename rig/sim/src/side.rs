//! What the pump's firmware is connected to: pump head and plumbing, pressure sensor, sounder, memory, and its end of the serial line.

use pump_core::{Input as PumpInput, Output, ReservoirSize, ResetCause, TRIAL_MODEL};
use rig_model::Name;
use rig_model::bench::{self, Bench, Channel, Instrument};
use rig_model::input::{Bytes, Edges, Input, PlantChange, Real, Sense, Source};
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;
use rig_plant::battery::BatteryParams;

use crate::board::Arrival;
use crate::faults::{Around, Faults};
use crate::firmware::{Fitted, Running, Unit};
use crate::hardware::Hardware;
use crate::photometer::Photometer;
use crate::uart::Uart;
use crate::weighed::Weighed;

/// The bench reads the line pressure at least this often, also when the pump is stopped or off.
const READING_EVERY: Span = Span::seconds(60);

#[derive(Debug)]
pub(crate) struct Side {
    pub plant: Plant,
    pub faults: Faults,
    /// From the pump to the rig.
    pub to_rig: Uart,
    /// What the pump's non-volatile memory holds; nothing on its first day.
    pub stored: Option<Vec<u8>>,
    /// The firmware asked for a pressure and waits for it.
    pub sample_wanted: bool,
    pub next_reading: RigTime,
    pub weighed: Option<Weighed>,
    pub hardware: Hardware,
    /// Whether the bench expects the external trial pump.
    trial: bool,
    photometer: Option<Photometer>,
    params: bench::Plant,
    unit: Unit,
    /// The one that the bench file names, so that several simulated units can be told apart.
    serial: Option<String>,
    flows: Vec<Numbering>,
    channels: Vec<Channel>,
    pressure: Option<Name>,
    alarm: Option<Name>,
    sounding: bool,
    /// Moves of the sounder that wait for the end of what the firmware does at this instant.
    held_tones: Vec<bool>,
    alarm_number: u64,
    edges: Vec<Edges>,
}

/// Edge numbers run on through the life of the bench, also over an exchange of the plumbing.
#[derive(Debug)]
struct Numbering {
    channel: Name,
    /// Edges before the present plumbing, and all.
    before: u64,
    next: u64,
}

impl Side {
    pub fn new(bench: &Bench, params: &bench::Plant, seed: u64, unit: Option<&Unit>, at: RigTime) -> Self {
        let unit = unit.cloned().unwrap_or_default();
        let named = |wanted: fn(&Instrument) -> bool| bench.channels.iter().find(|c| wanted(&c.instrument)).map(|c| c.name.clone());
        let trial = bench.dut.model == TRIAL_MODEL;
        let flows = bench.channels.iter().filter(|c| matches!(c.instrument, Instrument::Flow(_)));
        let mut side = Self {
            plant: Plant::new(params, &bench.channels, seed, at),
            faults: Faults::new(unit.seams.clone(), seed),
            unit,
            to_rig: Uart::new(bench.link.baud, params.link_delay),
            stored: None,
            sample_wanted: false,
            next_reading: at + READING_EVERY,
            weighed: Weighed::new(bench, seed, at),
            hardware: Hardware::new(
                if trial { BatteryParams::trial() } else { BatteryParams::default() },
                params.inside.temperature,
                params.pump_clock_ppm,
            ),
            trial,
            photometer: Photometer::new(bench),
            params: params.clone(),
            serial: bench.dut.serial.clone(),
            flows: flows.map(|c| Numbering { channel: c.name.clone(), before: 0, next: 0 }).collect(),
            channels: bench.channels.clone(),
            pressure: named(|i| matches!(i, Instrument::Pressure(_))),
            alarm: named(|i| *i == Instrument::Alarm),
            sounding: false,
            held_tones: Vec::new(),
            alarm_number: 0,
            edges: Vec::new(),
        };
        side.tune();
        side
    }

    /// New plumbing, memory and defect state, as on the first day; the instruments stay.
    pub fn refresh(&mut self, seed: u64, at: RigTime) {
        self.plant = Plant::new(&self.params, &self.channels, seed, at);
        self.weighed.iter_mut().for_each(|weighed| weighed.refresh(seed, at));
        self.faults.refresh(seed);
        self.hardware.refresh();
        self.to_rig.clear();
        self.stored = None;
        self.sample_wanted = false;
        for flow in &mut self.flows {
            flow.before = flow.next;
        }
        self.tune();
    }

    fn tune(&mut self) {
        self.plant.set_gain(self.params.gain * self.faults.gain());
    }

    /// What of the firmware's configuration follows from the bench and from the unit.
    fn fitted(&self) -> Fitted {
        let mut constants = self.unit.constants.clone();
        if !self.trial && self.params.reservoir_capacity.0 * 1e3 > f64::from(ReservoirSize::Ml20.capacity_nl()) {
            constants.insert(0, ("reservoir".into(), 40));
        }
        Fitted { serial: self.serial.clone(), trial: self.trial, constants }
    }

    /// Power comes on: the firmware, with what its memory holds.
    pub fn power_on(&mut self, at: RigTime, cause: ResetCause) -> Running {
        self.faults.powered_on(at);
        self.hardware.power_on(at);
        if let Some(ppm) = self.faults.clock_ppm() {
            self.hardware.clock.set_error(at, ppm);
        }
        self.faults.remember(&mut self.stored);
        Running::power_on(self.unit.firmware.as_ref(), &self.fitted(), self.stored.as_deref(), cause)
    }

    /// Lets the fluid flow up to `to` and reports the pulses.
    pub fn flow_to(&mut self, to: RigTime, out: &mut Vec<Arrival>) {
        if to <= self.plant.now() {
            return;
        }
        self.plant.advance(to, &mut self.edges);
        if let Some(photometer) = &mut self.photometer {
            photometer.tell(&mut self.plant, out);
        }
        if self.edges.is_empty() {
            return;
        }
        for mut edges in self.edges.drain(..) {
            if let Some(flow) = self.flows.iter_mut().find(|f| f.channel == edges.channel) {
                edges.first_number += flow.before;
                flow.next = edges.first_number + edges.count();
            }
            out.push(Arrival { source: Source::Sensors, at: edges.first, input: Input::Edges(edges) });
        }
    }

    /// Carries out what the firmware asks for. The plumbing must be at the instant `at`.
    pub fn output(&mut self, at: RigTime, output: Output<'_>, out: &mut Vec<Arrival>) {
        match output {
            Output::Send(bytes) => {
                let bytes = self.faults.bytes_from_pump(at, bytes.to_vec());
                self.to_rig.send(at, bytes);
            }
            Output::Stroke { volume_nl, duration_us } => {
                let duration = self.hardware.clock.lasts(at, duration_us);
                self.stroke(Volume(f64::from(volume_nl) / 1e3), duration, at)
            }
            Output::AbortStroke => {
                self.hardware.abort_stroke(at);
                self.plant.abort_stroke();
            }
            Output::AlarmLine(active) if self.faults.holds_tones() => self.held_tones.push(active),
            Output::AlarmLine(active) => self.tone(at, active, out),
            Output::SamplePressure => self.sample_wanted = true,
            Output::SampleSupply => self.hardware.supply_wanted = true,
            Output::SampleRotor => self.hardware.rotor_wanted = true,
            Output::ReadStore => self.hardware.read(self.stored.as_deref()),
            Output::Store(bytes) => {
                let stored = self.stored.get_or_insert_default();
                stored.clear();
                stored.extend_from_slice(bytes);
                self.faults.stored(bytes);
            }
        }
    }

    fn stroke(&mut self, volume: Volume, duration: Span, at: RigTime) {
        let turns = self.hardware.stroke(at, duration);
        if self.faults.none() {
            if turns {
                self.plant.stroke(volume, duration);
            }
            return;
        }
        let around = Around { reservoir: self.plant.reservoir(), pressure: self.plant.line_pressure() };
        if let Some(part) = self.faults.stroke(at, volume, duration, around).filter(|_| turns) {
            self.plant.set_gain(self.params.gain * self.faults.gain() * part);
            self.plant.stroke(volume, duration);
        }
    }

    /// What the firmware gets to see of supply and temperature.
    pub fn supply(&mut self, at: RigTime) -> PumpInput<'static> {
        let (millivolt, temperature_dc) = self.hardware.supply(at);
        let (millivolt, temperature_dc) = self.faults.supply(millivolt, temperature_dc);
        PumpInput::Supply { millivolt, temperature_dc }
    }

    /// What it gets to see of the rotor.
    pub fn rotor(&mut self) -> PumpInput<'static> {
        let free = self.hardware.rotor();
        PumpInput::Rotor { turned: self.faults.rotor(free) }
    }

    /// The firmware moves the sounder.
    fn tone(&mut self, at: RigTime, active: bool, out: &mut Vec<Arrival>) {
        if let Some(level) = self.faults.tone(at, active) {
            self.sound(at, level, out);
        }
    }

    /// The firmware has done all that it does at this instant.
    pub fn release_tones(&mut self, at: RigTime, out: &mut Vec<Arrival>) {
        for active in std::mem::take(&mut self.held_tones) {
            self.tone(at, active, out);
        }
    }

    /// One reading of the line pressure, as the bench reports it.
    pub fn sample(&mut self, at: RigTime, out: &mut Vec<Arrival>) -> Pressure {
        self.next_reading = at + READING_EVERY;
        let reading = self.plant.read_pressure();
        if let Some(channel) = &self.pressure {
            let input = Input::Reading { channel: channel.clone(), value: Real(reading.0) };
            out.push(Arrival { source: Source::Sensors, at, input });
        }
        if let Some(photometer) = &mut self.photometer {
            photometer.tell_if_silent(at, self.next_reading, &mut self.plant, out);
        }
        reading
    }

    /// The same, and what the firmware gets to see of it, in Pa.
    pub fn sample_for_pump(&mut self, at: RigTime, out: &mut Vec<Arrival>) -> i32 {
        let reading = self.sample(at, out);
        let Pressure(seen) = self.faults.pressure(reading);
        // A cast holds at the ends of the range, and no sensor of the pump goes that far.
        (seen * 1e3) as i32
    }

    /// One reading of the balance. The plumbing must be at the instant `at`.
    pub fn weigh(&mut self, at: RigTime, out: &mut Vec<Arrival>) {
        let delivered = self.plant.delivered_at_tip();
        out.extend(self.weighed.as_mut().and_then(|weighed| weighed.read(at, delivered)));
    }

    pub fn sound(&mut self, at: RigTime, active: bool, out: &mut Vec<Arrival>) {
        if self.sounding == active {
            return;
        }
        self.sounding = active;
        let Some(channel) = &self.alarm else { return };
        let sense = if active { Sense::On } else { Sense::Off };
        let edges = Edges::single(channel.clone(), sense, self.alarm_number, at);
        self.alarm_number += 1;
        out.push(Arrival { source: Source::Sensors, at, input: Input::Edges(edges) });
    }

    /// Bytes whose last one reaches the rig no later than `to`.
    pub fn received(&mut self, to: RigTime) -> Option<Arrival> {
        let (at, bytes) = self.to_rig.receive(to)?;
        Some(Arrival { source: Source::Link, at, input: Input::Rx(Bytes(bytes)) })
    }

    /// The needle fills the reservoir to its capacity.
    pub fn refill(&mut self) {
        self.plant.change(&PlantChange::Reservoir { volume: self.params.reservoir_capacity });
    }

    pub fn power_lost(&mut self, at: RigTime, out: &mut Vec<Arrival>) {
        self.plant.abort_stroke();
        self.to_rig.sender_dies(at);
        self.sample_wanted = false;
        self.hardware.power_lost(at);
        self.faults.forget(&mut self.stored);
        self.faults.powered_off(at);
        self.sound(at, false, out);
    }
}
