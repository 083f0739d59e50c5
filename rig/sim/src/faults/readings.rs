//! Sensors that read something else than what is there.

use std::collections::VecDeque;
use std::sync::Arc;

use rig_model::defect::Seam;
use rig_model::quantity::Pressure;

use super::Faults;

#[derive(Debug, Default)]
pub(super) struct Readings {
    count: u32,
    /// The newest last.
    past: VecDeque<f64>,
    stuck_at: Option<f64>,
    stood_still: u32,
}

impl Faults {
    /// The pressure that the firmware reads, for the pressure that is there.
    pub fn pressure(&mut self, truth: Pressure) -> Pressure {
        if self.none() {
            return truth;
        }
        self.readings.count += 1;
        let seams = Arc::clone(&self.seams);
        Pressure(seams.iter().fold(truth.0, |seen, seam| self.seen(*seam, seen)))
    }

    fn seen(&mut self, seam: Seam, truth: f64) -> f64 {
        match seam {
            Seam::PressureScaled { by } => truth * by,
            Seam::PressureOffset { kpa } => truth + kpa,
            Seam::PressureStuck { kpa } => kpa,
            Seam::PressureStuckAfter { strokes } if self.strokes.count >= strokes => *self.readings.stuck_at.get_or_insert(truth),
            Seam::PressureLate { by } => {
                let past = &mut self.readings.past;
                past.push_back(truth);
                while past.len() > by as usize + 1 {
                    past.pop_front();
                }
                past.front().copied().unwrap_or(truth)
            }
            Seam::PressureSpikes { every, readings, kpa } if self.readings.count >= every && self.readings.count % every < readings => kpa,
            _ => truth,
        }
    }

    /// Battery voltage in mV and temperature in tenths of a degree, as the firmware reads them.
    pub fn supply(&self, millivolt: u32, temperature_dc: i16) -> (u32, i16) {
        self.seams.iter().fold((millivolt, temperature_dc), |(mv, dc), seam| match *seam {
            Seam::SupplyStuck { volt } => ((volt * 1e3) as u32, dc),
            Seam::SupplyOffset { volt } => ((f64::from(mv) + volt * 1e3) as u32, dc),
            Seam::TemperatureStuck { celsius } => (mv, (celsius * 10.0) as i16),
            _ => (mv, dc),
        })
    }

    /// Whether the firmware sees that the rotor has turned in the last stroke, which the plumbing lets it or not.
    pub fn rotor(&mut self, free: bool) -> bool {
        let turned = free && self.strokes.turned;
        self.readings.stood_still += u32::from(!turned);
        let (count, stood_still) = (self.strokes.count, self.readings.stood_still);
        self.seams.iter().fold(turned, |seen, seam| match *seam {
            Seam::RotorAlwaysTurned => true,
            Seam::RotorNeverTurned { after_strokes } if count > after_strokes => false,
            // Of those in a row it takes the others as turned, and the count of them begins anew.
            Seam::RotorMisses { every } if !turned => !stood_still.is_multiple_of(every),
            _ => seen,
        })
    }
}
