//! The drivers against models of the devices: registers, states and timing after their data sheets, not lists of expected calls.

mod ads1115;
mod mcp3208;
mod slf3s;

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{self, ErrorKind, NoAcknowledgeSource};

const BUS: &str = "/dev/i2c-1";

fn bus() -> &'static Path {
    Path::new(BUS)
}

/// Time as the model and the driver under test share it, in ns.
#[derive(Debug, Clone, Default)]
struct Time(Rc<Cell<u64>>);

impl Time {
    fn now(&self) -> u64 {
        self.0.get()
    }
}

impl DelayNs for Time {
    fn delay_ns(&mut self, ns: u32) {
        self.0.set(self.0.get() + u64::from(ns));
    }
}

/// How a transfer on a modelled bus fails.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0}")]
struct Fault(ErrorKind);

const NACK: Fault = Fault(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));

impl i2c::Error for Fault {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// What is wrong with a modelled bus.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Wiring {
    #[default]
    Sound,
    /// Nobody there.
    Open,
    /// The controller notices that SDA or SCL is low and gives up.
    Hangs(ErrorKind),
    /// SDA low, and a controller that takes this for acknowledges and zeros.
    ReadsZeros,
}
