//! The firmware of a simulated board: the one that is linked in, or one that was built apart.

use std::fmt::Debug;
use std::sync::Arc;

use pump_core::{Config, Input, Micros, Output, Pump, ResetCause};
use rig_model::Name;
use rig_model::defect::{Constant, Made, Seam};

/// A pump's firmware from one power-on to the next loss of power; what [`Pump`] is.
pub trait Firmware: Debug + Send {
    /// As [`Pump::handle`].
    fn handle(&mut self, now: Micros, input: Input<'_>, out: &mut dyn FnMut(Output<'_>));
    /// As [`Pump::next_wakeup`].
    fn next_wakeup(&self) -> Option<Micros>;
}

/// A build of the firmware, of which boards are made.
pub trait Build: Debug + Send + Sync {
    /// As [`Pump::power_on`], with the build's own constants but for what `fitted` says.
    fn power_on(&self, fitted: &Fitted, stored: Option<&[u8]>, cause: ResetCause) -> Box<dyn Firmware>;
}

/// What of a board's configuration follows from the bench, and not from the build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fitted {
    pub serial: Option<String>,
    /// The external trial pump instead of the implant.
    pub trial: bool,
    /// Constants of the firmware by name, in its own units.
    pub constants: Vec<(Name, i64)>,
}

impl Fitted {
    /// The configuration of the firmware that is linked in. A serial number that is too long for the link stays out, and the pump is refused as
    /// another than the bench file names; constants that there are not, or that can't hold their value, stay as they are.
    pub fn config(&self) -> Config {
        let mut config = if self.trial { Config::trial() } else { Config::default() };
        if let Some(serial) = self.serial.as_deref().and_then(|serial| serial.try_into().ok()) {
            config.identity.serial = serial;
        }
        for (name, value) in &self.constants {
            // The reader of the catalogue has refused what can't be.
            let _ = config.alter(name, *value);
        }
        config
    }
}

/// The pump on a simulated bench, as far as it differs from the sound one. The default is the sound one.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// What goes wrong between the firmware and what it is connected to.
    pub seams: Arc<[Seam]>,
    /// Constants of the firmware, by name, in its own units.
    pub constants: Vec<(Name, i64)>,
    /// Another build than the one that is linked in.
    pub firmware: Option<Arc<dyn Build>>,
}

impl Unit {
    /// `None` for a patch: that must be built first.
    pub fn of(made: &Made) -> Option<Self> {
        match made {
            Made::Constants(constants) => Some(Self { constants: constants.clone(), ..Self::default() }),
            Made::Seam(seams) => Some(Self::with(seams)),
            Made::Patch(_) => None,
        }
    }

    /// The sound pump but for these seams.
    pub fn with(seams: &[Seam]) -> Self {
        Self { seams: seams.into(), ..Self::default() }
    }

    /// The sound pump with another build of the firmware.
    pub fn built(firmware: Arc<dyn Build>) -> Self {
        Self { firmware: Some(firmware), ..Self::default() }
    }
}

/// The constants that a catalogue may alter.
pub fn constants() -> Vec<Constant> {
    pump_core::CONSTANTS.iter().map(|(name, least, most)| Constant { name, least: *least, most: *most }).collect()
}

/// A firmware that runs. The one that is linked in is called without a detour.
#[derive(Debug)]
pub(crate) enum Running {
    LinkedIn(Box<Pump>),
    Other(Box<dyn Firmware>),
}

impl Running {
    pub fn power_on(firmware: Option<&Arc<dyn Build>>, fitted: &Fitted, stored: Option<&[u8]>, cause: ResetCause) -> Self {
        match firmware {
            None => Self::LinkedIn(Box::new(Pump::power_on(fitted.config(), stored, cause))),
            Some(build) => Self::Other(build.power_on(fitted, stored, cause)),
        }
    }

    pub fn handle(&mut self, now: Micros, input: Input<'_>, out: &mut dyn FnMut(Output<'_>)) {
        match self {
            Self::LinkedIn(pump) => pump.handle(now, input, out),
            Self::Other(firmware) => firmware.handle(now, input, out),
        }
    }

    pub fn next_wakeup(&self) -> Option<Micros> {
        match self {
            Self::LinkedIn(pump) => pump.next_wakeup(),
            Self::Other(firmware) => firmware.next_wakeup(),
        }
    }
}
