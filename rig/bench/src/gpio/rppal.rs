//! Lines through the registers of a Raspberry Pi. Anybody else may write them too, and a process that is killed leaves them as they were:
//! this is for benches that must, and for tests that both ways do the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use rig_model::Name;
use rig_model::bench::{Bias, Drive, Gpio};
use rppal::gpio::{Event, Gpio as Registers, InputPin, Level, OutputPin, Pin, Trigger};

use super::chip::Chip;
use super::{Edge, InputSpec, Inputs, LineError, OutputSpec, Outputs, Watch};

/// Edges of all lines that wait to be taken; the kernel's own queue of 1024 for each line lies before it.
const QUEUE: usize = 8 * 1_024;
/// `rppal` asks the kernel for a line's edges on a thread that it has just started.
const WATCHED_WITHIN: Duration = Duration::from_secs(1);

pub struct PiOutputs {
    lines: Vec<(Name, OutputPin, bool)>,
}

impl PiOutputs {
    pub fn take(specs: &[OutputSpec]) -> Result<Self, LineError> {
        let take = |spec: &OutputSpec| {
            if spec.gpio.drive != Drive::PushPull {
                return Err(refused(&spec.name, &spec.gpio, "rppal drives lines as `push_pull` only"));
            }
            let pin = pin(&spec.name, &spec.gpio)?;
            // The level is set before the line becomes an output.
            let pin = match level(spec.active, spec.gpio.active_low) {
                Level::High => pin.into_output_high(),
                Level::Low => pin.into_output_low(),
            };
            Ok((spec.name.clone(), pin, spec.gpio.active_low))
        };
        Ok(Self { lines: specs.iter().map(take).collect::<Result<_, _>>()? })
    }
}

impl Outputs for PiOutputs {
    fn set(&mut self, output: usize, active: bool) -> Result<(), LineError> {
        let (_, pin, active_low) = &mut self.lines[output];
        pin.write(level(active, *active_low));
        Ok(())
    }

    fn is_active(&mut self, output: usize) -> Result<bool, LineError> {
        let (_, pin, active_low) = &self.lines[output];
        Ok(pin.is_set_high() != *active_low)
    }
}

pub struct PiInputs {
    lines: Vec<(Name, InputPin, bool)>,
    edges: Receiver<Edge>,
    /// An edge found no room.
    full: Arc<AtomicBool>,
}

impl PiInputs {
    pub fn take(specs: &[InputSpec]) -> Result<Self, LineError> {
        let (to, edges) = sync_channel(QUEUE);
        let full = Arc::new(AtomicBool::new(false));
        let mut lines = Vec::new();
        for (input, spec) in specs.iter().enumerate() {
            let (name, gpio) = (&spec.name, &spec.gpio);
            let pin = pin(name, gpio)?;
            let mut pin = match gpio.bias {
                Bias::AsIs | Bias::Disabled => pin.into_input(),
                Bias::PullUp => pin.into_input_pullup(),
                Bias::PullDown => pin.into_input_pulldown(),
            };
            let active_low = gpio.active_low;
            let trigger = match (spec.watch, active_low) {
                (Watch::Both, _) => Trigger::Both,
                (Watch::Rising, false) => Trigger::RisingEdge,
                (Watch::Rising, true) => Trigger::FallingEdge,
            };
            let (to, full) = (to.clone(), Arc::clone(&full));
            let take = move |event: Event| {
                let rising = (event.trigger == Trigger::RisingEdge) != active_low;
                let at_ns = i64::try_from(event.timestamp.as_nanos()).unwrap_or(i64::MAX);
                if to.try_send(Edge { input, at_ns, number: event.seqno, rising }).is_err() {
                    full.store(true, Ordering::Relaxed);
                }
            };
            let debounce = gpio.debounce.map(crate::clock::duration);
            // Edges before the kernel has granted it would be missed, and what the kernel refuses is told to nobody.
            let granted = Chip::labelled(&gpio.chip)?.granted(gpio.offset, WATCHED_WITHIN, || {
                pin.set_async_interrupt(trigger, debounce, take).map_err(|e| refused(name, gpio, &e.to_string()))
            })?;
            if !granted {
                return Err(refused(name, gpio, "the kernel does not give its edges to rppal"));
            }
            lines.push((name.clone(), pin, active_low));
        }
        Ok(Self { lines, edges, full })
    }
}

impl Inputs for PiInputs {
    fn wait(&mut self, timeout: Duration, edges: &mut Vec<Edge>) -> Result<(), LineError> {
        match self.edges.recv_timeout(timeout) {
            Ok(first) => edges.push(first),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let why = "the threads that wait for edges have ended".to_owned();
                return Err(LineError::Failed { what: "waiting for edges".to_owned(), why });
            }
        }
        edges.extend(self.edges.try_iter().take(QUEUE));
        // The numbers have a gap only if an edge comes after it.
        if self.full.load(Ordering::Relaxed) {
            let why = format!("more than {QUEUE} edges waited, and some were lost");
            return Err(LineError::Failed { what: "taking edges".to_owned(), why });
        }
        Ok(())
    }

    fn is_active(&mut self, input: usize) -> Result<bool, LineError> {
        let (_, pin, active_low) = &self.lines[input];
        Ok(pin.is_high() != *active_low)
    }
}

/// A pin that is as the bench file says and free; `rppal` itself would take one that another program holds.
fn pin(name: &Name, gpio: &Gpio) -> Result<Pin, LineError> {
    Chip::of(name, gpio)?;
    let number = u8::try_from(gpio.offset).map_err(|_| refused(name, gpio, "a Raspberry Pi has no such pin"))?;
    let registers = Registers::new().map_err(|e| refused(name, gpio, &e.to_string()))?;
    registers.get(number).map_err(|e| refused(name, gpio, &e.to_string()))
}

fn level(active: bool, active_low: bool) -> Level {
    if active != active_low { Level::High } else { Level::Low }
}

fn refused(name: &str, gpio: &Gpio, why: &str) -> LineError {
    LineError::Refused { what: name.to_owned(), chip: gpio.chip.clone(), offset: gpio.offset, why: why.to_owned() }
}
