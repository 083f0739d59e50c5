//! Digital lines: what a bench needs of them, and the two ways to have it.

mod chip;
mod gpiochip;
mod rppal;

use std::path::PathBuf;
use std::time::Duration;

use rig_model::Name;
use rig_model::bench::{Gpio, LineBackend};

pub use chip::{Chip, ChipLine, chips};

/// An output as it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec {
    pub name: Name,
    pub gpio: Gpio,
    /// The position in which it is taken; it is never in another one on the way there.
    pub active: bool,
}

/// An input as it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSpec {
    /// What is on it, as messages call it: `flow.tip`, `flow.tip/second`.
    pub name: Name,
    pub gpio: Gpio,
    pub watch: Watch,
}

/// Which edges of an input are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// From inactive to active.
    Rising,
    Both,
}

/// One edge, as the kernel stamped and numbered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Which of the inputs, in the order in which they were asked for.
    pub input: usize,
    /// `CLOCK_MONOTONIC`, ns.
    pub at_ns: i64,
    /// The running number of the line's edges, from 1 when the line was taken; it wraps. A number that is left out is an edge that was lost.
    pub number: u32,
    /// Whether the line became active.
    pub rising: bool,
}

/// The outputs of a bench, for as long as this lives.
pub trait Outputs: Send {
    /// Moves the output; it is there when this returns.
    fn set(&mut self, output: usize, active: bool) -> Result<(), LineError>;
    /// What is read back from it.
    fn is_active(&mut self, output: usize) -> Result<bool, LineError>;
}

/// The inputs of a bench, for as long as this lives.
pub trait Inputs: Send {
    /// Waits for an edge, at most for this long, and takes every edge that is there by then. Those of one line come in their order.
    fn wait(&mut self, timeout: Duration, edges: &mut Vec<Edge>) -> Result<(), LineError>;
    fn is_active(&mut self, input: usize) -> Result<bool, LineError>;
}

/// Takes the outputs, each in its position.
///
/// # Errors
/// What is wrong with the first of them that can't be had. None is held then.
pub fn outputs(backend: LineBackend, specs: &[OutputSpec]) -> Result<Box<dyn Outputs>, LineError> {
    Ok(match backend {
        LineBackend::Gpiochip => Box::new(gpiochip::ChipOutputs::take(specs)?),
        LineBackend::Rppal => Box::new(rppal::PiOutputs::take(specs)?),
    })
}

/// Takes the inputs; edges are told from now on.
///
/// # Errors
/// What is wrong with the first of them that can't be had. None is held then.
pub fn inputs(backend: LineBackend, specs: &[InputSpec]) -> Result<Box<dyn Inputs>, LineError> {
    Ok(match backend {
        LineBackend::Gpiochip => Box::new(gpiochip::ChipInputs::take(specs)?),
        LineBackend::Rppal => Box::new(rppal::PiInputs::take(specs)?),
    })
}

/// Under this name others see who holds a line.
pub(crate) fn consumer(name: &str) -> String {
    // The kernel keeps 31 bytes.
    format!("rig {name}").chars().take(31).collect()
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    #[error("there is no GPIO chip labelled `{label}`; {}", instead(.there))]
    NoChip { label: String, there: Vec<String> },
    #[error("{} GPIO chips are labelled `{label}` ({}): unplug all but one, no label tells them apart", .paths.len(), list(.paths))]
    ChipTwice { label: String, paths: Vec<String> },
    #[error("GPIO chip {} may not be opened by this user: `sudo usermod -aG $(stat -c %G {}) $USER`, then log in again", .path.display(), .path.display())]
    Denied { path: PathBuf },
    #[error("GPIO chip {} can't be used: {why}", .path.display())]
    Chip { path: PathBuf, why: String },
    #[error("{what}: {chip} has {lines} lines and no line {offset}")]
    NoLine { what: String, chip: String, offset: u32, lines: u32 },
    #[error("{what}: line {offset} of {chip} is called `{found}` and not `{wanted}`: the bench file means another line, or another board")]
    OtherName { what: String, chip: String, offset: u32, wanted: String, found: String },
    #[error(
        "{what}: line {offset} of {chip} is taken by `{consumer}`: end that program, or take the kernel's own use of it out of the device tree"
    )]
    Taken { what: String, chip: String, offset: u32, consumer: String },
    #[error("{what}: line {offset} of {chip} can't be taken as the bench file wants it: {why}")]
    Refused { what: String, chip: String, offset: u32, why: String },
    #[error("{what} failed: {why}")]
    Failed { what: String, why: String },
}

fn instead(there: &[String]) -> String {
    match there {
        [] => "there is none at all: run this on the machine on which the bench hangs".to_owned(),
        _ => format!("there is {}: name one of them as `chip` in the bench file", list(there)),
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}
