//! What the rig does to the bench: its lines, and changes to plumbing and pump.

use rig_model::input::{Actuation, Input, PlantChange, Source};

use super::{Arrival, Board, SOONEST};
use crate::hardware::{USUAL_BOUNCES, WATCHDOG, alter};

impl Board {
    pub(super) fn actuate(&mut self, id: u64, what: &Actuation, out: &mut Vec<Arrival>) {
        self.side.flow_to(self.now, out);
        let done = match what {
            Actuation::Line { line, active } => self.set_line(line, *active, out),
            Actuation::Plant(PlantChange::Fresh { seed }) => {
                self.fresh(*seed, out);
                Ok(())
            }
            Actuation::Plant(change) => self.change(change, out),
        };
        let input = match done {
            Ok(()) => Input::Done { id },
            Err(why) => Input::Failed { id, why },
        };
        out.push(Arrival { source: Source::Bench, at: self.now, input });
    }

    /// What is not of the plumbing is done to the board.
    pub(super) fn change(&mut self, change: &PlantChange, out: &mut Vec<Arrival>) -> Result<(), String> {
        let hardware = &mut self.side.hardware;
        match change {
            PlantChange::SupplyDip { to, lasts } => {
                hardware.dip(*to, self.now.saturating_add((*lasts).max(SOONEST)));
                self.supply_changed(out);
            }
            PlantChange::Battery { percent } => {
                hardware.set_battery(*percent);
                self.supply_changed(out);
            }
            PlantChange::Rotor { held } => self.hold_rotor(*held),
            PlantChange::Hang => self.hang(self.now + WATCHDOG),
            PlantChange::Memory { field, mask, sealed } => return alter(self.side.stored.as_mut(), field, *mask, *sealed),
            PlantChange::Button { held, bounces } => hardware.press(self.now, *held, *bounces),
            PlantChange::PumpClock { ppm } => {
                hardware.clock.set_error(self.now, *ppm);
                self.wake_as_wanted();
            }
            change => {
                if let PlantChange::Temperature { inside } = change {
                    hardware.set_temperature(*inside);
                }
                self.side.plant.change(change);
            }
        }
        Ok(())
    }

    pub(super) fn hold_rotor(&mut self, held: bool) {
        if self.side.hardware.hold_rotor(self.now, held) {
            self.side.plant.abort_stroke();
        }
    }

    pub(super) fn set_line(&mut self, line: &str, active: bool, out: &mut Vec<Arrival>) -> Result<(), String> {
        if !self.lines.iter().any(|l| &*l.name == line) {
            return Err(format!("the bench has no line `{line}`"));
        }
        match line {
            "power" if active && self.pump.is_none() => self.switch_on(out),
            "power" if !active => self.switch_off(out),
            "power" | "heartbeat" => {}
            "button" => {
                self.side.hardware.contact(self.now, active, USUAL_BOUNCES);
            }
            "magnet" => self.hold_rotor(active),
            "supply" if active => {
                self.side.hardware.pull_down();
                self.supply_changed(out);
            }
            "supply" => {
                self.side.hardware.dip_ends();
                self.supply_returns(out);
            }
            "occluder" => self.side.plant.set_occluder(active),
            "leak" => self.side.plant.set_leak(active),
            "refill" if active => self.side.refill(),
            "refill" => {}
            _ => return Err(format!("nothing of the simulated bench is on line `{line}`")),
        }
        Ok(())
    }

    /// Everything new, power off, lines safe.
    pub(super) fn fresh(&mut self, seed: u64, out: &mut Vec<Arrival>) {
        self.switch_off(out);
        self.to_pump.clear();
        self.delivered_before = self.delivered_in_all();
        self.side.refresh(seed, self.now);
        self.lines_safe();
    }

    /// Moves the valves to their safe positions; the power stays off whatever its line says.
    pub(super) fn lines_safe(&mut self) {
        let safe = |name: &str| self.lines.iter().any(|l| &*l.name == name && l.safe_active);
        self.side.plant.set_occluder(safe("occluder"));
        self.side.plant.set_leak(safe("leak"));
    }
}
