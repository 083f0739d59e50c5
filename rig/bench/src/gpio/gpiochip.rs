//! Lines of the kernel's GPIO character device, each in a request of its own: a queue of its own, and a running number that is the line's.

use std::os::fd::AsFd;
use std::time::Duration;

use gpiocdev::line::{EdgeDetection, EdgeKind, EventClock, Value};
use gpiocdev::request::{Builder, Request};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rig_model::Name;
use rig_model::bench::{Bias, Drive, Gpio};

use super::chip::Chip;
use super::{Edge, InputSpec, Inputs, LineError, OutputSpec, Outputs, Watch, consumer};

/// Edges that the kernel keeps for one line until they are read; more than this it does not give. Full, it drops the oldest.
pub const KERNEL_QUEUE: u32 = 1_024;
/// Edges that one read takes.
const AT_ONCE: usize = 256;

/// Outputs that the kernel owns for this process: it refuses them to others, and lets them go when the process dies, however it dies.
pub struct ChipOutputs {
    lines: Vec<(Name, Request)>,
}

impl ChipOutputs {
    pub fn take(specs: &[OutputSpec]) -> Result<Self, LineError> {
        let take = |spec: &OutputSpec| {
            let mut wanted = wanted(&spec.name, &spec.gpio)?;
            wanted.as_output(level(spec.active)).with_drive(match spec.gpio.drive {
                Drive::PushPull => gpiocdev::line::Drive::PushPull,
                Drive::OpenDrain => gpiocdev::line::Drive::OpenDrain,
                Drive::OpenSource => gpiocdev::line::Drive::OpenSource,
            });
            Ok((spec.name.clone(), request(&spec.name, &spec.gpio, &mut wanted)?))
        };
        Ok(Self { lines: specs.iter().map(take).collect::<Result<_, _>>()? })
    }
}

impl Outputs for ChipOutputs {
    fn set(&mut self, output: usize, active: bool) -> Result<(), LineError> {
        let (name, line) = &self.lines[output];
        line.set_lone_value(level(active)).map_err(|e| failed(name, &e))
    }

    fn is_active(&mut self, output: usize) -> Result<bool, LineError> {
        let (name, line) = &self.lines[output];
        line.lone_value().map(|value| value == Value::Active).map_err(|e| failed(name, &e))
    }
}

/// Inputs with the kernel's stamps and numbers.
pub struct ChipInputs {
    lines: Vec<(Name, Request)>,
    buffer: Vec<u64>,
}

impl ChipInputs {
    pub fn take(specs: &[InputSpec]) -> Result<Self, LineError> {
        let take = |spec: &InputSpec| {
            let mut wanted = wanted(&spec.name, &spec.gpio)?;
            wanted
                .as_input()
                .with_edge_detection(match spec.watch {
                    Watch::Rising => EdgeDetection::RisingEdge,
                    Watch::Both => EdgeDetection::BothEdges,
                })
                .with_event_clock(EventClock::Monotonic)
                .with_kernel_event_buffer_size(KERNEL_QUEUE);
            match spec.gpio.bias {
                Bias::AsIs => {}
                Bias::Disabled => drop(wanted.with_bias(gpiocdev::line::Bias::Disabled)),
                Bias::PullUp => drop(wanted.with_bias(gpiocdev::line::Bias::PullUp)),
                Bias::PullDown => drop(wanted.with_bias(gpiocdev::line::Bias::PullDown)),
            }
            if let Some(debounce) = spec.gpio.debounce {
                wanted.with_debounce_period(crate::clock::duration(debounce));
            }
            Ok((spec.name.clone(), request(&spec.name, &spec.gpio, &mut wanted)?))
        };
        let lines: Vec<(Name, Request)> = specs.iter().map(take).collect::<Result<_, _>>()?;
        let words = lines.first().map_or(0, |(_, line)| line.edge_event_u64_size());
        Ok(Self { lines, buffer: vec![0; AT_ONCE * words] })
    }

    /// Takes what is queued for one line. By the slice and not one by one: a read of one event throws the others away that came with it.
    fn drain(&mut self, input: usize, edges: &mut Vec<Edge>) -> Result<(), LineError> {
        let (name, line) = &self.lines[input];
        while line.has_edge_event().map_err(|e| failed(name, &e))? {
            let words = line.read_edge_events_into_slice(&mut self.buffer).map_err(|e| failed(name, &e))?;
            for event in self.buffer[..words].chunks_exact(line.edge_event_u64_size()) {
                let event = line.edge_event_from_slice(event).map_err(|e| failed(name, &e))?;
                let at_ns = i64::try_from(event.timestamp_ns).unwrap_or(i64::MAX);
                edges.push(Edge { input, at_ns, number: event.line_seqno, rising: event.kind == EdgeKind::Rising });
            }
        }
        Ok(())
    }
}

impl Inputs for ChipInputs {
    fn wait(&mut self, timeout: Duration, edges: &mut Vec<Edge>) -> Result<(), LineError> {
        let mut fds: Vec<PollFd<'_>> = self.lines.iter().map(|(_, line)| PollFd::new(line.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(LineError::Failed { what: "waiting for edges".to_owned(), why: errno.to_string() }),
        }
        let gone = fds.iter().position(|fd| fd.revents().is_some_and(|r| r.intersects(PollFlags::POLLERR | PollFlags::POLLHUP)));
        if let Some(input) = gone {
            return Err(LineError::Failed { what: self.lines[input].0.to_string(), why: "its GPIO chip is gone".to_owned() });
        }
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        ready.iter().enumerate().filter(|(_, ready)| **ready).try_for_each(|(input, _)| self.drain(input, edges))
    }

    fn is_active(&mut self, input: usize) -> Result<bool, LineError> {
        let (name, line) = &self.lines[input];
        line.lone_value().map(|value| value == Value::Active).map_err(|e| failed(name, &e))
    }
}

fn wanted(name: &str, gpio: &Gpio) -> Result<Builder, LineError> {
    let chip = Chip::of(name, gpio)?;
    let mut wanted = Request::builder();
    wanted.on_chip(&chip.path).with_consumer(consumer(name)).with_line(gpio.offset);
    if gpio.active_low {
        wanted.as_active_low();
    }
    Ok(wanted)
}

fn request(name: &str, gpio: &Gpio, wanted: &mut Builder) -> Result<Request, LineError> {
    let refused = |e: gpiocdev::Error| {
        // Somebody may have been quicker than the look before.
        let taken = Chip::of(name, gpio).err().filter(|e| matches!(e, LineError::Taken { .. }));
        let why = e.to_string();
        taken.unwrap_or_else(|| LineError::Refused { what: name.to_owned(), chip: gpio.chip.clone(), offset: gpio.offset, why })
    };
    wanted.request().map_err(refused)
}

fn level(active: bool) -> Value {
    if active { Value::Active } else { Value::Inactive }
}

fn failed(name: &str, error: &gpiocdev::Error) -> LineError {
    LineError::Failed { what: name.to_owned(), why: error.to_string() }
}
