//! What truly is and was, for tests and for those who stand in for an instrument.

use rig_model::quantity::{Concentration, Mass, Pressure, Volume};

use crate::Plant;

impl Plant {
    /// The true pressure in the line.
    pub fn line_pressure(&self) -> Pressure {
        Pressure(self.line.pressure(&self.here))
    }

    /// What the reservoir truly holds.
    pub fn reservoir(&self) -> Volume {
        let (gone, back) = (self.head.draws(self.here.t).0, self.line.returned(&self.here));
        Volume((self.head.reservoir - gone + back).max(0.0))
    }

    /// Fluid that has left the tip, less what came back; the air ahead of it in an unprimed catheter doesn't count.
    pub fn delivered_at_tip(&self) -> Volume {
        Volume(self.delivered + if self.dry > 0.0 { 0.0 } else { self.line.out(&self.here) })
    }

    /// Air that the pump head has drawn instead of fluid.
    pub fn air_drawn(&self) -> Volume {
        Volume(self.head.air_drawn + self.head.draws(self.here.t).1)
    }

    /// Fluid that the pump head has moved out of the reservoir.
    pub fn pumped(&self) -> Volume {
        Volume(self.head.pumped + self.head.draws(self.here.t).0)
    }

    /// Fluid lost through the leak.
    pub fn leaked(&self) -> Volume {
        Volume(self.leaked + self.line.leaked(&self.here) * (1.0 - self.valves.lost_share()))
    }

    /// Fluid lost where the catheter came off.
    pub fn lost(&self) -> Volume {
        Volume(self.lost + self.line.leaked(&self.here) * self.valves.lost_share())
    }

    /// Fluid that went back into the reservoir.
    pub fn returned(&self) -> Volume {
        Volume(self.returned + self.line.returned(&self.here))
    }

    /// What needles put into the tissue beside the pump.
    pub fn in_pocket(&self) -> Volume {
        Volume(self.in_pocket)
    }

    /// Air in the reservoir, beside its fluid.
    pub fn air_in_reservoir(&self) -> Volume {
        Volume(self.head.air_after(self.here.t))
    }

    /// What the reservoir holds when it is full.
    pub fn capacity(&self) -> Volume {
        Volume(self.head.capacity)
    }

    /// The pressure of a reservoir that is too full, above ambient; otherwise none.
    pub fn reservoir_pressure(&self) -> Pressure {
        Pressure(self.head.pressure())
    }

    /// Concentration of the drug in the reservoir.
    pub fn concentration(&self) -> Concentration {
        Concentration(self.drug.in_reservoir())
    }

    /// Concentration of the drug in what is at the tip: none before fluid has arrived there, and in what came in from the patient.
    pub fn tip_concentration(&self) -> Concentration {
        Concentration(if self.dry > 0.0 { 0.0 } else { self.drug.at_tip(self.line.out(&self.here)) })
    }

    /// Drug that has left the tip.
    pub fn drug_delivered(&self) -> Mass {
        Mass(self.drug.delivered(if self.dry > 0.0 { 0.0 } else { self.line.out(&self.here) }))
    }
}
