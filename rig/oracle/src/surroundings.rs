//! What the scenario does around the pump: it may keep fluid from flowing for a while, and never lets more of it flow, unless it overfills
//! the reservoir.

use rig_model::input::{NeedleSite, PlantChange};
use rig_model::quantity::Volume;
use rig_model::time::Span;

use crate::band::{
    AMBIENT, EMPTY, KINK, MORE_PER_KELVIN, MORE_PER_KILOPASCAL, OCCLUSION_GRACE, PER_KELVIN, PER_KILOPASCAL, STALL_GRACE, TEMPERATURE,
};

#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    stroke: f64,
    /// What the reservoir holds when full, µL, where the bench states it.
    capacity: f64,
    occluder: bool,
    leak: bool,
    kinked: bool,
    rotor_held: bool,
    back_flow: bool,
    /// What the reservoir truly holds, µL, less what has come out since; absent where nobody said.
    reservoir: Option<f64>,
    temperature: f64,
    ambient: f64,
    /// What may still be missing before an alarm is due, µL.
    pub grace: f64,
}

/// What a change around the pump means for the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// The line was touched: what it stores may come out at the tip.
    Line,
    /// The same, of a line through which nothing flows yet: it comes to rest before anything does.
    Settles,
    /// Something is in the way of the fluid, and an alarm is due.
    Hindered,
    /// It is in the way no more.
    Free,
    /// The pump may have been reset, after this time.
    Dipped(Span),
    /// It stands still for good.
    Broken,
}

impl Surroundings {
    /// `leak` is the safe level of that line, in which a case finds it.
    pub fn new(stroke: f64, capacity: Option<f64>, leak: bool) -> Self {
        Self {
            stroke,
            capacity: capacity.unwrap_or(f64::INFINITY),
            occluder: false,
            leak,
            kinked: false,
            rotor_held: false,
            back_flow: false,
            reservoir: None,
            temperature: f64::midpoint(TEMPERATURE.0, TEMPERATURE.1),
            ambient: f64::midpoint(AMBIENT.0, AMBIENT.1),
            grace: 0.0,
        }
    }

    pub fn line(&mut self, line: &str, active: bool) -> Effect {
        match line {
            "occluder" => {
                let was = std::mem::replace(&mut self.occluder, active);
                self.hindrance(was, active, OCCLUSION_GRACE, Effect::Nothing)
            }
            "leak" if self.leak == active => Effect::Nothing,
            "leak" => {
                self.leak = active;
                Effect::Line
            }
            _ => Effect::Nothing,
        }
    }

    pub fn change(&mut self, change: &PlantChange, volt_brown_out: f64) -> Effect {
        match change {
            PlantChange::Reservoir { volume } => self.holds(*volume),
            PlantChange::Needle { into: NeedleSite::Reservoir, volume } => self.reservoir = self.reservoir.map(|held| held + volume.0),
            PlantChange::Withdraw { volume } => self.reservoir = self.reservoir.map(|held| (held - volume.0).max(0.0)),
            // It is air that the pump moves then, and nobody knows when.
            PlantChange::Needle { into: NeedleSite::AirIntoReservoir, volume } | PlantChange::AirBubble { volume } => {
                self.grace += volume.0 + 2.0 * self.stroke;
                return Effect::Line;
            }
            PlantChange::Resistance { factor } => {
                let was = std::mem::replace(&mut self.kinked, *factor >= KINK);
                return self.hindrance(was, self.kinked, OCCLUSION_GRACE, Effect::Line);
            }
            PlantChange::Rotor { held } => {
                let was = std::mem::replace(&mut self.rotor_held, *held);
                return self.hindrance(was, *held, STALL_GRACE * self.stroke, Effect::Nothing);
            }
            PlantChange::BackFlow { open } => {
                let was = std::mem::replace(&mut self.back_flow, *open);
                return if was && !*open { Effect::Free } else { Effect::Line };
            }
            PlantChange::SupplyDip { to, lasts } if to.0 < volt_brown_out => return Effect::Dipped(*lasts),
            PlantChange::Hang => return Effect::Broken,
            PlantChange::Temperature { inside } => {
                self.temperature = inside.0;
                return Effect::Settles;
            }
            PlantChange::Ambient { pressure } => {
                self.ambient = pressure.0;
                return Effect::Settles;
            }
            PlantChange::Catheter { primed: true } | PlantChange::TipPressure { .. } | PlantChange::Head { .. } => return Effect::Settles,
            PlantChange::Catheter { primed: false } | PlantChange::Disconnected { .. } => return Effect::Line,
            _ => {}
        }
        Effect::Nothing
    }

    /// Its grace is given once, and taken back with it; what was in nobody's way frees nothing.
    fn hindrance(&mut self, was: bool, there: bool, grace: f64, unchanged: Effect) -> Effect {
        match (was, there) {
            (false, true) => {
                self.grace = self.grace.max(grace);
                Effect::Hindered
            }
            (true, false) => {
                self.grace = 0.0;
                Effect::Free
            }
            _ => unchanged,
        }
    }

    /// A delivery begins with whatever is in its way.
    pub fn begins(&mut self) {
        let occluded = if self.occluder || self.kinked { OCCLUSION_GRACE } else { 0.0 };
        let stalled = if self.rotor_held { STALL_GRACE * self.stroke } else { 0.0 };
        self.grace = self.grace.max(occluded).max(stalled);
    }

    pub fn holds(&mut self, volume: Volume) {
        self.reservoir = Some(volume.0);
    }

    pub fn came_out(&mut self, volume: f64) {
        if let Some(held) = &mut self.reservoir {
            *held -= volume;
        }
    }

    /// Nothing can be demanded of the pump: there is nothing to deliver, or what it delivers comes back.
    pub fn excused(&self) -> bool {
        self.back_flow || self.reservoir.is_some_and(|held| held < EMPTY)
    }

    /// It was filled beyond what it holds: its pressure may lift the valves of any pump, and what comes then is not the pump's doing.
    pub fn overfilled(&self) -> bool {
        self.reservoir.is_some_and(|held| held > self.capacity)
    }

    /// What accuracy is lost outside the conditions for which it is required, as a fraction: too much, and too little. Only warmth and thin air
    /// make a head deliver more.
    pub fn loss_of_accuracy(&self) -> (f64, f64) {
        let beyond = |x: f64, (from, to): (f64, f64)| (from - x).max(x - to).max(0.0);
        let more =
            (self.temperature - TEMPERATURE.1).max(0.0) * MORE_PER_KELVIN + (AMBIENT.0 - self.ambient).max(0.0) * MORE_PER_KILOPASCAL;
        (more, beyond(self.temperature, TEMPERATURE) * PER_KELVIN + beyond(self.ambient, AMBIENT) * PER_KILOPASCAL)
    }
}
