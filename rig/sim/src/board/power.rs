//! The firmware's power: switched, too low, back again; and the watchdog.

use pump_core::ResetCause;
use rig_model::time::RigTime;

use super::{Arrival, Board, Powered};

impl Board {
    pub(super) fn switch_on(&mut self, out: &mut Vec<Arrival>) {
        self.waits_for_supply = Some(ResetCause::PowerOn);
        self.supply_returns(out);
    }

    pub(super) fn switch_off(&mut self, out: &mut Vec<Arrival>) {
        self.waits_for_supply = None;
        self.power_off(out);
    }

    /// The firmware begins if it waits for the supply and that is good.
    pub(super) fn supply_returns(&mut self, out: &mut Vec<Arrival>) {
        if self.side.hardware.supplied(self.now)
            && let Some(cause) = self.waits_for_supply.take()
        {
            self.power_on(cause, out);
        }
    }

    /// The detector holds the firmware in reset while the supply is too low; above that the firmware is told that something has happened to it.
    pub(super) fn supply_changed(&mut self, out: &mut Vec<Arrival>) {
        if !self.side.hardware.supplied(self.now) {
            self.brown_out(out);
        } else if self.pump.is_some() {
            let supply = self.side.supply(self.now);
            self.feed(supply, out);
        } else {
            self.supply_returns(out);
        }
    }

    pub(super) fn brown_out(&mut self, out: &mut Vec<Arrival>) {
        if self.pump.is_some() {
            self.power_off(out);
            self.waits_for_supply = Some(ResetCause::BrownOut);
        }
    }

    /// What is in flight is lost as with the power; the firmware begins anew at once.
    pub(super) fn reset(&mut self, cause: ResetCause, out: &mut Vec<Arrival>) {
        self.power_off(out);
        self.power_on(cause, out);
    }

    pub(super) fn power_on(&mut self, cause: ResetCause, out: &mut Vec<Arrival>) {
        if self.side.faults.dead() {
            return;
        }
        let pump = self.side.power_on(self.now, cause);
        self.pump = Some(Powered { pump, wake: None, hung_until: None });
        self.settle(out);
    }

    pub(super) fn power_off(&mut self, out: &mut Vec<Arrival>) {
        if self.pump.take().is_some() {
            self.side.power_lost(self.now, out);
        }
    }

    /// The firmware stands still: nothing reaches it, and its watchdog is served no more.
    pub(super) fn hang(&mut self, until: RigTime) {
        if let Some(powered) = &mut self.pump {
            (powered.wake, powered.hung_until) = (None, Some(until));
        }
    }
}
