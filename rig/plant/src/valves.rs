//! What makes up the present plumbing between pump head and tip, and what its surroundings do to it.

use rig_model::bench;

use crate::line::Plumbing;

/// No line is stiffer, µL/kPa: without any compliance its pressure would jump.
const STIFFEST: f64 = 1e-6;

/// No catheter is wider, Pa·s/m³: without any resistance its flow would jump.
const WIDEST: f64 = 1e6;

/// Pa·s/m³ in kPa·s/µL.
const RESISTANCE_UNIT: f64 = 1e-12;

/// Absolute pressure at the tip at the least, as a fraction of ambient: a bubble has no volume in a vacuum.
const THINNEST: f64 = 0.01;

/// kPa for each cm of head: 9.8 kPa/m.
const PER_CM: f64 = 0.098;

/// What is left of the catheter's resistance before the connector, which is at the pump.
const TO_CONNECTOR: f64 = 0.01;

/// 0 °C in K; no temperature is lower than the freezing point here, nor higher than where water boils.
const ZERO_CELSIUS: f64 = 273.15;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Valves {
    pub(crate) occluded: bool,
    pub(crate) leaking: bool,
    pub(crate) disconnected: bool,
    /// The outlet valve of the head leaks back.
    pub(crate) leaks_back: bool,
    /// Pa·s/m³ at the bench's temperature.
    resistance: f64,
    pub(crate) factor: f64,
    /// Viscosity over that at the bench's temperature.
    viscosity: f64,
    /// µL/(h·kPa).
    leak: f64,
    back: f64,
    compliance: f64,
    ambient: f64,
    pub(crate) bubble: f64,
    /// At the tip without the head, kPa.
    tip: f64,
    /// kPa.
    head: f64,
    inside: bench::Inside,
    /// At which the gain holds, kPa.
    ambient_of_gain: f64,
    temperature: f64,
}

impl Valves {
    pub(crate) fn new(config: &bench::Plant) -> Self {
        let ambient = config.ambient_pressure.0.max(1.0);
        Self {
            occluded: false,
            leaking: false,
            disconnected: false,
            leaks_back: false,
            resistance: config.resistance,
            factor: 1.0,
            viscosity: 1.0,
            leak: config.leak.max(0.0),
            back: config.valves.back_flow.max(0.0),
            compliance: config.compliance.max(STIFFEST),
            ambient,
            bubble: 0.0,
            tip: config.tip_pressure.0,
            head: config.inside.head.0 * PER_CM,
            inside: config.inside,
            ambient_of_gain: ambient,
            temperature: config.inside.temperature.0,
        }
    }

    pub(crate) fn set_tip(&mut self, kpa: f64) {
        self.tip = kpa;
    }

    pub(crate) fn set_head(&mut self, cm: f64) {
        self.head = cm * PER_CM;
    }

    /// Of the bubble the amount stays, not the volume. `line` is the pressure that it is under, kPa; the new one is told.
    pub(crate) fn set_ambient(&mut self, kpa: f64, line: f64) -> f64 {
        let (before, ambient) = (self.ambient, kpa.max(1.0));
        self.bubble *= before / ambient;
        self.ambient = ambient;
        if self.bubble == 0.0 {
            return line;
        }
        // What the bubble gives way by, the walls of the line take: together they hold what they held.
        let amount = self.bubble * ambient;
        let gap = amount / (line + before).max(THINNEST) - amount / (line + ambient).max(THINNEST);
        let closed = crate::line::Stretch::new(Plumbing { tip_conductance: 0.0, leak_conductance: 0.0, ..self.plumbing(None) }, line, 0.0);
        line + closed.rise_when_stored(-gap)
    }

    /// °C.
    pub(crate) fn set_temperature(&mut self, celsius: f64) {
        let celsius = celsius.clamp(0.0, 100.0);
        self.temperature = celsius;
        self.viscosity = viscosity(celsius) / viscosity(self.inside.temperature.0.clamp(0.0, 100.0));
    }

    /// What temperature and ambient pressure make of the head's gain: a factor.
    pub(crate) fn of_gain(&self) -> f64 {
        let by_temperature = self.inside.gain_percent_per_kelvin * (self.temperature - self.inside.temperature.0);
        let by_ambient = self.inside.gain_percent_per_kpa * (self.ambient_of_gain - self.ambient);
        (1.0 + (by_temperature + by_ambient) / 100.0).max(0.0)
    }

    /// At the tip, kPa above ambient.
    pub(crate) fn tip(&self) -> f64 {
        (self.tip + self.head).max(self.ambient * (THINNEST - 1.0))
    }

    /// `back`: the reservoir's pressure (kPa), where fluid goes back into it.
    pub(crate) fn plumbing(&self, back: Option<f64>) -> Plumbing {
        let resistance = (self.resistance * self.factor * self.viscosity).max(WIDEST) * RESISTANCE_UNIT;
        let leak = if self.leaking { self.leak / 3600.0 } else { 0.0 };
        Plumbing {
            compliance: self.compliance,
            ambient: self.ambient,
            bubble: self.bubble,
            tip: self.tip(),
            tip_conductance: if self.occluded || self.disconnected { 0.0 } else { 1.0 / resistance },
            leak_conductance: leak + self.opening(),
            back_conductance: if back.is_some() { self.back / 3600.0 } else { 0.0 },
            back_pressure: back.unwrap_or(0.0),
        }
    }

    /// Of what leaks the part that is lost at the open connector, 0 to 1.
    pub(crate) fn lost_share(&self) -> f64 {
        let opening = self.opening();
        if opening > 0.0 { opening / (opening + if self.leaking { self.leak / 3600.0 } else { 0.0 }) } else { 0.0 }
    }

    /// Conductance of the connector that the catheter has come off, µL/(s·kPa).
    fn opening(&self) -> f64 {
        let before = (self.resistance * self.viscosity * TO_CONNECTOR).max(WIDEST) * RESISTANCE_UNIT;
        if self.disconnected { 1.0 / before } else { 0.0 }
    }
}

/// Of water, in Pa·s; within 2.5 % from 0 to 100 °C.
fn viscosity(celsius: f64) -> f64 {
    2.414e-5 * libm::exp10(247.8 / (celsius + ZERO_CELSIUS - 140.0))
}
