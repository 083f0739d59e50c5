//! In place of `loaded`, where the program is linked statically, as the one for the Raspberry Pi is: there is no loader, and so no variant.

use std::path::Path;

use pump_core::ResetCause;
use rig_sim::{Build, Firmware, Fitted};

/// There is none.
#[derive(Debug)]
pub enum Loaded {}

impl Loaded {
    /// Whether this program can load anything.
    pub const POSSIBLE: bool = false;

    /// # Errors
    /// Always.
    pub fn open(_name: &str, _file: &Path) -> Result<Self, String> {
        Err("this program is linked statically and loads nothing".to_owned())
    }
}

impl Build for Loaded {
    fn power_on(&self, _: &Fitted, _: Option<&[u8]>, _: ResetCause) -> Box<dyn Firmware> {
        match *self {}
    }
}
