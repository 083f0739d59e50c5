//! Sensors of a bench: what is known of them, and how well.

use rig_model::bench::{Accuracy, BenchKind, DrugSensor, FlowSensor, KCurve, KPoint, PressureSensor, Witness};
use rig_model::quantity::{Concentration, Dimension, Pressure, Volume};

use crate::bench::BenchReader;
use crate::bench_grammar::{K_POINT, KELVIN, PER_KELVIN, PER_VOLUME};
use crate::node::Node;
use crate::read::{Fields, Sign};

/// 10 nL each: far below a stroke, far above what its noise adds up to in one.
const THERMAL_PULSES_PER_MICROLITRE: f64 = 100.0;
/// 0.1 µL/min in µL/h: a third of a basal rate of 0.5 mL/day.
const THERMAL_STEP: f64 = 6.0;
/// A change over the whole range is told by as many readings as a converter of 16 bit has codes, at the most.
const MAX_STEPS: f64 = 65_536.0;
/// ±2 mL/min in µL/h, the sensor's calibrated range.
const THERMAL_MAX_FLOW: f64 = 120_000.0;

impl BenchReader<'_> {
    pub(crate) fn flow_sensor(&mut self, fields: &Fields<'_>) -> Option<FlowSensor> {
        let k = self.k_factors(fields);
        let k_uncertainty_percent = self.stated_percent(fields, "k_uncertainty");
        let accuracy = self.accuracy(fields);
        let min_flow = self.quantity_or_zero(fields, "min_flow", Dimension::Flow);
        let max_flow = fields.get("max_flow").and_then(|n| self.read.quantity(n, "max_flow", Dimension::Flow, Sign::Positive));
        let stroke_gap = fields.get("stroke_gap").and_then(|n| self.read.time(n, "stroke_gap", Sign::Positive));
        let bidirectional = fields.get("bidirectional").and_then(|n| self.switch(n, "bidirectional"));
        let witness = Witness {
            shortest_interval: fields.get("shortest_interval").and_then(|n| self.read.time(n, "shortest_interval", Sign::Positive)),
            stroke_spread_percent: fields
                .get("stroke_spread")
                .and_then(|n| self.read.quantity(n, "stroke_spread", Dimension::Ratio, Sign::Positive))
                .map(|q| q.to_f64()),
        };
        let stamp = fields.get("stamp_uncertainty").map(|n| self.read.time(n, "stamp_uncertainty", Sign::Positive));
        let stamp_half_width = stamp.unwrap_or(Some(FlowSensor::STAMP_HALF_WIDTH))?;
        let ((k_factor, curve), min_flow, max_flow) = (k?, min_flow?, max_flow?.to_f64());
        if min_flow >= max_flow {
            self.read.out.error(fields.key_at("min_flow"), "`min_flow` lies below `max_flow`");
        }
        if let (Some(first), Some(last)) = (curve.points().first(), curve.points().last())
            && (min_flow != 0.0 && min_flow < first.flow || max_flow > last.flow)
        {
            let help =
                "a K-factor is known between its points and nowhere else: narrow `min_flow` and `max_flow`, or have more points calibrated";
            self.read.out.error_with_help(fields.key_at("k_curve"), "the range of the sensor reaches beyond its K-factor curve", help);
        }
        // A curve that says nothing of its lower end ends at its first point.
        let min_flow = curve.points().first().map_or(min_flow, |p| p.flow.max(min_flow));
        Some(FlowSensor {
            k_factor,
            k_uncertainty_percent: k_uncertainty_percent?,
            curve,
            accuracy: accuracy?,
            min_flow,
            max_flow,
            stroke_gap: stroke_gap?,
            bidirectional: bidirectional?,
            zero_uncertainty: 0.0,
            resolution: 0.0,
            stamp_half_width,
            witness,
        })
    }

    /// One K-factor, or several with the flows at which they hold.
    fn k_factors(&mut self, fields: &Fields<'_>) -> Option<(f64, KCurve)> {
        match (fields.get("k_factor"), fields.get("k_curve")) {
            (Some(node), None) => Some((self.k_factor(node)?, KCurve::default())),
            (None, Some(node)) => self.k_curve(node),
            (None, None) => {
                let help = "`k_factor = \"10 pulses/µL\"`, or `k_curve` with several points";
                self.read.out.error_with_help(fields.at, "a flow channel lacks `k_factor`", help);
                None
            }
            (Some(_), Some(_)) => {
                self.read.out.error(fields.key_at("k_curve"), "`k_factor` and `k_curve` can't stand together");
                None
            }
        }
    }

    fn k_factor(&mut self, node: &Node) -> Option<f64> {
        let k = self.compound(node, "k_factor", PER_VOLUME)?;
        if k > 0.0 {
            return Some(k);
        }
        self.read.out.error(node.at, "`k_factor` is above zero: without pulses there is no volume");
        None
    }

    fn k_curve(&mut self, node: &Node) -> Option<(f64, KCurve)> {
        let items = self.read.list(node, "k_curve")?;
        let mut points = Vec::with_capacity(items.len());
        for item in items {
            let fields = self.read.map(item, K_POINT, "a point of `k_curve`")?;
            let flow = fields.get("flow").and_then(|n| self.read.quantity(n, "flow", Dimension::Flow, Sign::Positive));
            let k_factor = fields.get("k_factor").and_then(|n| self.k_factor(n));
            points.push(KPoint { flow: flow?.to_f64(), k_factor: k_factor? });
        }
        let Some(curve) = KCurve::new(&points) else {
            let message = format!("`k_curve` wants 2 to {} points in the order of flow, with more pulses at more flow", KCurve::MAX_POINTS);
            self.read.out.error(node.at, message);
            return None;
        };
        Some((points[points.len() / 2].k_factor, curve))
    }

    fn accuracy(&mut self, fields: &Fields<'_>) -> Option<Accuracy> {
        let linearity = self.quantity_or_zero(fields, "k_linearity", Dimension::Ratio);
        let missed = self.quantity_or_zero(fields, "missed_pulses", Dimension::Ratio);
        let start_stop = self.quantity_or_zero(fields, "start_stop", Dimension::Volume);
        let coefficient = self.compound_or_zero(fields, "temperature_coefficient", PER_KELVIN);
        let band = self.compound_or_zero(fields, "temperature_band", KELVIN);
        let (temperature_percent_per_kelvin, temperature_band) = (coefficient?, band?);
        if (temperature_percent_per_kelvin == 0.0) != (temperature_band == 0.0) {
            self.read
                .out
                .error(fields.at, "`temperature_coefficient` and `temperature_band` go together: one says nothing without the other");
        }
        Some(Accuracy {
            linearity_percent: linearity?,
            temperature_percent_per_kelvin,
            temperature_band,
            missed_percent: missed?,
            start_stop: Volume(start_stop?),
        })
    }

    fn quantity_or_zero(&mut self, fields: &Fields<'_>, key: &str, dimension: Dimension) -> Option<f64> {
        let Some(node) = fields.get(key) else { return Some(0.0) };
        self.read.quantity(node, key, dimension, Sign::NotNegative).map(|q| q.to_f64())
    }

    fn compound_or_zero(&mut self, fields: &Fields<'_>, key: &str, units: &[(&str, f64)]) -> Option<f64> {
        let Some(node) = fields.get(key) else { return Some(0.0) };
        self.compound(node, key, units)
    }

    /// A relative uncertainty that may be absent, which is not the same as none.
    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one an uncertainty that nobody states")]
    fn stated_percent(&mut self, fields: &Fields<'_>, key: &str) -> Option<Option<f64>> {
        let Some(node) = fields.get(key) else { return Some(None) };
        self.read.quantity(node, key, Dimension::Ratio, Sign::NotNegative).map(|q| Some(q.to_f64()))
    }

    /// What is behind `k_factor` here is a choice, not a property: the flow is integrated into pulses of this volume.
    pub(crate) fn thermal_sensor(&mut self, fields: &Fields<'_>) -> Option<FlowSensor> {
        let k_uncertainty_percent = self.stated_percent(fields, "k_uncertainty");
        let zero =
            fields.get("zero_uncertainty").and_then(|n| self.read.quantity(n, "zero_uncertainty", Dimension::Flow, Sign::NotNegative));
        let stroke_gap = fields.get("stroke_gap").and_then(|n| self.read.time(n, "stroke_gap", Sign::Positive));
        Some(FlowSensor {
            k_factor: THERMAL_PULSES_PER_MICROLITRE,
            k_uncertainty_percent: k_uncertainty_percent?,
            curve: KCurve::default(),
            accuracy: Accuracy::default(),
            min_flow: 0.0,
            max_flow: THERMAL_MAX_FLOW,
            stroke_gap: stroke_gap?,
            bidirectional: true,
            zero_uncertainty: zero?.to_f64(),
            resolution: THERMAL_STEP,
            stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
            witness: Witness::default(),
        })
    }

    pub(crate) fn pressure_sensor(&mut self, fields: &Fields<'_>) -> Option<PressureSensor> {
        let mut pressure = |key: &str| fields.get(key).map(|n| self.read.pressure(n, key));
        let (uncertainty, resolution) = (pressure("uncertainty"), pressure("resolution").unwrap_or(Some(Pressure(0.0))));
        let (min, max) = (pressure("min").flatten(), pressure("max").flatten());
        let uncertainty = uncertainty.map_or(Some(None), |stated| stated.map(Some));
        let (uncertainty, resolution, min, max) = (uncertainty?, resolution?, min?, max?);
        if uncertainty.is_some_and(|u| u.0 < 0.0) || resolution.0 < 0.0 || min >= max {
            self.read.out.error(fields.at, "`min` lies below `max`, and `uncertainty` and `resolution` are not negative");
            return None;
        }
        Some(PressureSensor { uncertainty, resolution, min, max })
    }

    pub(crate) fn drug_sensor(&mut self, fields: &Fields<'_>) -> Option<DrugSensor> {
        if self.kind == BenchKind::Pi {
            let help = "weigh what the pump delivers, or take a sample: no photometer has a driver here";
            self.read.out.error_with_help(fields.at, "a `drug` channel is one of a simulated bench", help);
            return None;
        }
        let uncertainty_percent = self.stated_percent(fields, "uncertainty");
        let mut concentration =
            |key: &str| fields.get(key).and_then(|n| self.read.quantity(n, key, Dimension::Concentration, Sign::Positive));
        let (step, max) = (concentration("step"), concentration("max"));
        let every = fields.get("every").and_then(|n| self.read.time(n, "every", Sign::Positive));
        let (step, max) = (step?.to_f64(), max?.to_f64());
        if step * MAX_STEPS < max {
            let help = format!("between none and `max` lie at most {MAX_STEPS} steps");
            self.read.out.error_with_help(fields.key_at("step"), "the step is too fine for the range", help);
        }
        Some(DrugSensor { uncertainty_percent: uncertainty_percent?, step: Concentration(step), every: every?, max: Concentration(max) })
    }
}
