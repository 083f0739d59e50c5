//! The simulated plumbing of a bench file.

use rig_model::bench::{DrugInLine, HeadValves, Inside, Plant};
use rig_model::quantity::Dimension::{self, Pressure, Ratio, Time, Volume};
use rig_model::quantity::{Concentration, Flow, Length, Temperature};

use crate::bench::BenchReader;
use crate::bench_grammar::{may, must};
use crate::grammar::{Key, Ty};
use crate::node::Node;
use crate::read::{Fields, Sign};

const COMPLIANCE: &[(&str, f64)] = &[("µL/kPa", 1.0), ("mL/kPa", 1_000.0)];
const RESISTANCE: &[(&str, f64)] = &[("Pa·s/m³", 1.0), ("Pa s/m3", 1.0)];
const PER_DEGREE: &[(&str, f64)] = &[("%/°C", 1.0), ("%/K", 1.0)];
const PER_KPA: &[(&str, f64)] = &[("%/kPa", 1.0)];
const STIFFNESS: &[(&str, f64)] = &[("kPa/mL", 1.0)];
/// In cm²/s.
const DIFFUSION: &[(&str, f64)] = &[("m²/s", 1e4), ("cm²/s", 1.0), ("mm²/s", 0.01)];
const CONDUCTANCE: &[(&str, f64)] = &[("µL/(h·kPa)", 1.0), ("µL/h/kPa", 1.0)];

pub(crate) const PLANT: &[Key] = &[
    must("reservoir_capacity", Ty::Quantity(Volume), "what the reservoir holds when full"),
    must("reservoir_empty", Ty::Quantity(Volume), "below this the pump head draws less and less"),
    must("dead_volume", Ty::Quantity(Volume), "pump tubing and catheter"),
    must("compliance", Ty::Text, "of the line, in µL/kPa"),
    must("resistance", Ty::Text, "of the catheter, in Pa·s/m³"),
    must("tip_pressure", Ty::Quantity(Pressure), "at the catheter's tip"),
    must("ambient_pressure", Ty::Quantity(Pressure), "absolute"),
    must("gain", Ty::Number, "true stroke volume over nominal"),
    must("stroke_noise", Ty::Quantity(Ratio), "standard deviation of one stroke's volume"),
    must("leak", Ty::Text, "conductance of the open leak valve, in µL/(h·kPa)"),
    must("pressure_noise", Ty::Quantity(Pressure), "standard deviation of a reading"),
    must("edge_jitter", Ty::Quantity(Time), "standard deviation of a pulse's time stamp"),
    must("missed_pulses", Ty::Quantity(Ratio), "probability that a pulse is missed"),
    must("extra_pulses", Ty::Quantity(Ratio), "probability that a pulse is doubled"),
    may("k_error", Ty::Quantity(Ratio), "by how much the flow sensors' true K-factor is above the stated one"),
    may("k_error_tip", Ty::Quantity(Ratio), "the same of the flow sensor at the tip, where that is another one"),
    may("pump_clock", Ty::Quantity(Ratio), "by how much the pump's clock goes fast on its first day"),
    may("head", Ty::Quantity(Dimension::Length), "the tip above the pump"),
    may("temperature", Ty::Quantity(Dimension::Temperature), "at which gain and resistance hold"),
    may("gain_per_degree", Ty::Text, "by how much the gain rises with temperature, in %/°C"),
    may("gain_per_kpa", Ty::Text, "by how much the gain rises as the ambient pressure falls, in %/kPa"),
    may("drug", Ty::Quantity(Dimension::Concentration), "what reservoir and line hold on the first day"),
    may("bore", Ty::Quantity(Dimension::Length), "inner diameter of the line"),
    may("drug_diffusion", Ty::Text, "molecular diffusion of the drug, in m²/s"),
    may("back_flow", Ty::Text, "conductance of an outlet valve that leaks back, in µL/(h·kPa)"),
    may("overfill_stiffness", Ty::Text, "pressure of the reservoir for each mL over its capacity, in kPa/mL"),
    may("overfill_holds", Ty::Quantity(Pressure), "pressure of the reservoir up to which the head's valves hold"),
    may("overfill_flow", Ty::Quantity(Dimension::Flow), "what they let through beyond"),
    must("relay_delay", Ty::Quantity(Time), "time a relay takes to move"),
    must("link_delay", Ty::Quantity(Time), "from a byte's end to its arrival"),
];

impl BenchReader<'_> {
    pub fn plant(&mut self, node: &Node) -> Option<Plant> {
        let fields = self.read.map(node, PLANT, "`[plant]`")?;
        let read = &mut self.read;
        let mut volume = |key: &str| fields.get(key).and_then(|n| read.volume(n, key));
        let (capacity, empty, dead) = (volume("reservoir_capacity"), volume("reservoir_empty"), volume("dead_volume"));
        let mut pressure = |key: &str| fields.get(key).and_then(|n| read.pressure(n, key));
        let (tip, ambient, noise) = (pressure("tip_pressure"), pressure("ambient_pressure"), pressure("pressure_noise"));
        let mut number = |key: &str, dimension: Dimension| {
            fields.get(key).and_then(|n| read.quantity(n, key, dimension, Sign::NotNegative)).map(|q| q.to_f64())
        };
        let (gain, stroke_noise) = (number("gain", Dimension::Count), number("stroke_noise", Ratio));
        let (missed, extra) = (number("missed_pulses", Ratio), number("extra_pulses", Ratio));
        let mut time = |key: &str| fields.get(key).and_then(|n| read.time(n, key, Sign::NotNegative));
        let (jitter, relay, link) = (time("edge_jitter"), time("relay_delay"), time("link_delay"));
        let mut compound = |key: &str, units| fields.get(key).and_then(|n| self.compound(n, key, units));
        let (compliance, resistance) = (compound("compliance", COMPLIANCE), compound("resistance", RESISTANCE));
        let leak = compound("leak", CONDUCTANCE);
        let k_error = fields.get("k_error").map_or(Some(0.0), |n| self.k_error(n, "k_error"));
        let k_error_tip = fields.get("k_error_tip").map_or(Some(None), |n| self.k_error(n, "k_error_tip").map(Some));
        let pump_clock_ppm = fields.get("pump_clock").map_or(Some(0.0), |n| self.read.clock(n, "pump_clock"));
        let (inside, drug, valves) = (self.inside(&fields), self.drug_in_line(&fields), self.head_valves(&fields));
        let (missed, extra) = (missed?, extra?);
        if missed > 100.0 || extra > 100.0 {
            self.read.out.error(fields.at, "a probability is at most 100 %");
            return None;
        }
        Some(Plant {
            reservoir_capacity: capacity?,
            reservoir_empty: empty?,
            dead_volume: dead?,
            compliance: compliance?,
            resistance: resistance?,
            tip_pressure: tip?,
            ambient_pressure: ambient?,
            gain: gain?,
            stroke_noise_percent: stroke_noise?,
            leak: leak?,
            pressure_noise: noise?,
            edge_jitter: jitter?,
            missed_pulses: missed / 100.0,
            extra_pulses: extra / 100.0,
            k_error: k_error?,
            k_error_tip: k_error_tip?,
            pump_clock_ppm: pump_clock_ppm?,
            relay_delay: relay?,
            link_delay: link?,
            inside: inside?,
            drug: drug?,
            valves: valves?,
        })
    }

    /// A fraction.
    fn k_error(&mut self, node: &Node, key: &str) -> Option<f64> {
        let percent = self.read.quantity(node, key, Ratio, Sign::Any)?.to_f64();
        if percent <= -100.0 {
            self.read.out.error(node.at, format!("`{key}` is above -100 %: without pulses there is no sensor"));
            return None;
        }
        Some(percent / 100.0)
    }

    fn inside(&mut self, fields: &Fields<'_>) -> Option<Inside> {
        let usual = Inside::default();
        let head = self.stated(fields, "head", (Dimension::Length, Sign::Any), usual.head.0);
        let temperature = self.stated(fields, "temperature", (Dimension::Temperature, Sign::NotNegative), usual.temperature.0);
        let per_kelvin = self.either_way(fields, "gain_per_degree", PER_DEGREE, usual.gain_percent_per_kelvin);
        let per_kpa = self.either_way(fields, "gain_per_kpa", PER_KPA, usual.gain_percent_per_kpa);
        Some(Inside {
            head: Length(head?),
            temperature: Temperature(temperature?),
            gain_percent_per_kelvin: per_kelvin?,
            gain_percent_per_kpa: per_kpa?,
        })
    }

    fn drug_in_line(&mut self, fields: &Fields<'_>) -> Option<DrugInLine> {
        let usual = DrugInLine::default();
        let concentration = self.stated(fields, "drug", (Dimension::Concentration, Sign::NotNegative), usual.concentration.0);
        let bore = self.stated(fields, "bore", (Dimension::Length, Sign::Positive), usual.bore.0);
        let diffusion = fields.get("drug_diffusion").map_or(Some(usual.diffusion), |n| self.compound(n, "drug_diffusion", DIFFUSION));
        Some(DrugInLine { concentration: Concentration(concentration?), bore: Length(bore?), diffusion: diffusion? })
    }

    fn head_valves(&mut self, fields: &Fields<'_>) -> Option<HeadValves> {
        let usual = HeadValves::default();
        let back_flow = fields.get("back_flow").map_or(Some(usual.back_flow), |n| self.compound(n, "back_flow", CONDUCTANCE));
        let stiffness =
            fields.get("overfill_stiffness").map_or(Some(usual.overfill_kpa_per_ml), |n| self.compound(n, "overfill_stiffness", STIFFNESS));
        let holds = self.stated(fields, "overfill_holds", (Pressure, Sign::NotNegative), usual.overfill_holds.0);
        let flow = self.stated(fields, "overfill_flow", (Dimension::Flow, Sign::NotNegative), usual.overfill_flow.0);
        Some(HeadValves {
            back_flow: back_flow?,
            overfill_kpa_per_ml: stiffness?,
            overfill_holds: rig_model::quantity::Pressure(holds?),
            overfill_flow: Flow(flow?),
        })
    }

    /// A quantity that may be left out.
    fn stated(&mut self, fields: &Fields<'_>, key: &str, (dimension, sign): (Dimension, Sign), usual: f64) -> Option<f64> {
        let Some(node) = fields.get(key) else { return Some(usual) };
        self.read.quantity(node, key, dimension, sign).map(|q| q.to_f64())
    }

    /// A number of either sign that may be left out.
    fn either_way(&mut self, fields: &Fields<'_>, key: &str, units: &[(&str, f64)], usual: f64) -> Option<f64> {
        fields.get(key).map_or(Some(usual), |n| self.number_of(n, key, units))
    }
}
