//! What is done to the plumbing from outside.

use rig_model::input::{NeedleSite, PlantChange};

use crate::Plant;

impl Plant {
    /// Makes a change to the plumbing now. The pressure in the line stays as it is and relaxes from there; only a change of the ambient pressure
    /// is felt in it at once, by a bubble. `Fresh` is not for this method: a fresh bench is a new `Plant`. What happens to the board (supply, battery, rotor,
    /// firmware, memory, button, clock) changes nothing here.
    pub fn change(&mut self, change: &PlantChange) {
        self.change_now(|plant, pressure| plant.carry_out(change, pressure));
    }

    /// Gives the pressure in the line after it.
    fn carry_out(&mut self, change: &PlantChange, pressure: f64) -> f64 {
        match *change {
            PlantChange::Reservoir { volume } => (self.head.reservoir, self.head.air) = (volume.0.max(0.0), 0.0),
            PlantChange::Catheter { primed } => {
                self.dry = if primed { 0.0 } else { self.dead_volume };
                self.drug.fill();
            }
            PlantChange::AirBubble { volume } => self.valves.bubble = volume.0.max(0.0),
            PlantChange::Resistance { factor } => self.valves.factor = factor.max(0.0),
            PlantChange::TipPressure { pressure } => self.valves.set_tip(pressure.0),
            PlantChange::Head { height } => self.valves.set_head(height.0),
            PlantChange::Needle { into, volume } => self.inject(into, volume.0.max(0.0)),
            PlantChange::Withdraw { volume } => {
                self.head.withdraw(volume.0);
            }
            PlantChange::Drug { concentration } => self.drug.change(concentration.0),
            PlantChange::Disconnected { open } => self.valves.disconnected = open,
            PlantChange::BackFlow { open } => self.valves.leaks_back = open,
            PlantChange::Ambient { pressure: ambient } => {
                let felt = self.valves.set_ambient(ambient.0, pressure);
                self.head.surroundings = self.valves.of_gain();
                return felt;
            }
            PlantChange::Temperature { inside } => {
                self.valves.set_temperature(inside.0);
                self.head.surroundings = self.valves.of_gain();
            }
            PlantChange::Fresh { .. }
            | PlantChange::SupplyDip { .. }
            | PlantChange::Battery { .. }
            | PlantChange::Rotor { .. }
            | PlantChange::Hang
            | PlantChange::Memory { .. }
            | PlantChange::Button { .. }
            | PlantChange::PumpClock { .. } => {}
        }
        pressure
    }

    fn inject(&mut self, into: NeedleSite, volume: f64) {
        match into {
            NeedleSite::Reservoir => self.head.reservoir += volume,
            NeedleSite::AirIntoReservoir => self.head.air += volume,
            NeedleSite::Pocket => self.in_pocket += volume,
        }
    }
}
