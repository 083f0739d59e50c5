//! What a bench measures with, and what is known of it.

use crate::Name;
use crate::quantity::{Concentration, Pressure, Volume};
use crate::time::Span;
use crate::weighing::Balance;

#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a bench has a handful of them; a flow sensor is copied in every hot loop")]
pub enum Instrument {
    /// A flow sensor: pulses of one volume each, or readings that are integrated into such pulses.
    Flow(FlowSensor),
    /// An analogue pressure reading in kPa.
    Pressure(PressureSensor),
    /// A photometer at the tip: readings of the drug's concentration in µg/mL.
    Drug(DrugSensor),
    /// The mass of what has come out, in mg.
    Balance(Box<Balance>),
    /// The alarm output of the pump.
    Alarm,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowSensor {
    /// Pulses per µL.
    pub k_factor: f64,
    /// Expanded (k = 2) relative uncertainty of the K-factor, in %; absent when nobody states it.
    pub k_uncertainty_percent: Option<f64>,
    /// The K-factor over instantaneous flow, where the certificate has several points; `k_factor` is then the one in the middle.
    pub curve: KCurve,
    pub accuracy: Accuracy,
    /// Instantaneous flow below which the K-factor is not valid, µL/h; 0 where the certificate has no lower end.
    pub min_flow: f64,
    /// Instantaneous flow above which the K-factor is not valid, µL/h.
    pub max_flow: f64,
    /// A pause longer than this separates two strokes.
    pub stroke_gap: Span,
    /// Whether the sensor tells the direction of flow.
    pub bidirectional: bool,
    /// Expanded (k = 2) uncertainty of a reading at rest, µL/h; zero for a sensor of pulses, which says nothing at rest.
    pub zero_uncertainty: f64,
    /// The step in which its readings come, µL/h; zero for a sensor of pulses.
    pub resolution: f64,
    /// Half the range in which a pulse's time stamp lies around the pulse.
    pub stamp_half_width: Span,
    pub witness: Witness,
}

impl FlowSensor {
    /// Interrupt latency of a Linux board under load, an assumption that covers the boards this runs on. Next to a certificate's per
    /// cent it is invisible in every interval longer than 10 ms.
    pub const STAMP_HALF_WIDTH: Span = Span::microseconds(10);
}

/// A K-factor by instantaneous flow, as the points of a certificate. Between two points it is a straight line; beyond them nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KCurve {
    points: [KPoint; Self::MAX_POINTS],
    len: usize,
}

/// One point of a K-factor curve.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KPoint {
    /// Instantaneous flow, µL/h.
    pub flow: f64,
    /// Pulses per µL.
    pub k_factor: f64,
}

impl KCurve {
    /// Certificates have five to ten points.
    pub const MAX_POINTS: usize = 16;

    /// From at least two points in the order of flow, each flow once, flows and K-factors above zero, and more pulses at more flow; `None`
    /// for anything else.
    pub fn new(points: &[KPoint]) -> Option<Self> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let rises = |a: &KPoint, b: &KPoint| a.flow < b.flow && a.flow * a.k_factor < b.flow * b.k_factor;
        let sound = points.iter().all(|p| positive(p.flow) && positive(p.k_factor)) && points.is_sorted_by(rises);
        if !sound || !(2..=Self::MAX_POINTS).contains(&points.len()) {
            return None;
        }
        let mut curve = Self { len: points.len(), ..Self::default() };
        curve.points[..points.len()].copy_from_slice(points);
        Some(curve)
    }

    /// Empty where the certificate has a single K-factor.
    pub fn points(&self) -> &[KPoint] {
        &self.points[..self.len]
    }
}

/// What else is known of how far a flow sensor may be off, besides its K-factor's uncertainty. What is not stated is zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// How far the K-factor may stray from its stated value over the flow range, half width in %.
    pub linearity_percent: f64,
    /// Change of the K-factor in % for each K.
    pub temperature_percent_per_kelvin: f64,
    /// Half the range in K in which the temperature lies around the certificate's.
    pub temperature_band: f64,
    /// How many of the pulses may be missing, in %.
    pub missed_percent: f64,
    /// What both ends of a delivery together may hold back or let run out, half width.
    pub start_stop: Volume,
}

/// What the pulses of a sensor are held against besides the kernel's running number, which does not see every loss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Witness {
    /// The sensor can't make two pulses closer than this: what comes closer is bounce or a glitch.
    pub shortest_interval: Option<Span>,
    /// How far, in %, the pulses of one stroke may differ from those of the strokes around it.
    pub stroke_spread_percent: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PressureSensor {
    /// Expanded (k = 2) uncertainty of one reading; absent when nobody states it.
    pub uncertainty: Option<Pressure>,
    /// The step in which readings come; zero where it is far below the uncertainty.
    pub resolution: Pressure,
    pub min: Pressure,
    pub max: Pressure,
}

/// A photometer. It reports when what it reads has changed by a step, and in any case from time to time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrugSensor {
    /// Expanded (k = 2) relative uncertainty of a reading, in %; absent when nobody states it.
    pub uncertainty_percent: Option<f64>,
    /// Between two reports the concentration has changed by no more than this.
    pub step: Concentration,
    /// A report comes at the latest after this, also when nothing changes.
    pub every: Span,
    pub max: Concentration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    pub id: Name,
    /// ISO 8601 date on which the calibration was made.
    pub date: Option<String>,
    /// ISO 8601 date.
    pub due: String,
    /// The values that the calibration covers.
    pub range: Option<CertifiedRange>,
    /// Type and serial number of the instrument that was calibrated.
    pub instrument: Option<String>,
    /// The certificate itself, where the rig wrote it: a path from the bench file's folder.
    pub file: Option<String>,
    /// Where a balance of this bench was the reference.
    pub reference: Option<Reference>,
}

/// What a calibration covers, both ends included: µL/h for a flow sensor, kPa for a pressure sensor, mg for a balance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CertifiedRange {
    pub from: f64,
    pub to: f64,
}

/// What a calibration shares with its reference: both err alike by so much.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The reference's own certificate.
    pub certificate: Name,
    /// Expanded (k = 2) relative uncertainty that all volumes of the reference have in common, in %.
    pub uncertainty_percent: f64,
}
