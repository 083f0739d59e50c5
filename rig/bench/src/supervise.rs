//! The process that owns the output lines. It shares no fate with the run: it moves the lines at the run's request, takes its heartbeat, and
//! makes them safe when that stops, whether the run has ended, was killed, stopped or starved, or hangs.
//!
//! It is small on purpose: one thread, one socket, no runtime. When it dies itself the kernel takes the lines back.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rig_model::bench::{Bench, Line};
use rig_model::input::{Actuation, BENCH_ITSELF, Input, Source};
use rig_model::time::Span;
use rig_plant::wire::{Deadman, Down, MAX_LINE, Up, VERSION};

use crate::clock::{duration, monotonic_ns};
use crate::gpio::{self, LineError, OutputSpec, Outputs};

/// The run is told this often how far its answers have come; every other source promises as often.
const WATERMARK_EVERY: Span = Span::milliseconds(10);
/// Half a period of the heartbeat line: 10 Hz, which any retriggerable monostable of some tenths of a second follows.
const HEARTBEAT_EVERY: Span = Span::milliseconds(50);
/// Hardware watchdogs of the Pi fire after 15 s at the most.
const WATCHDOG_EVERY: Span = Span::seconds(1);
/// What the hardware watchdog is told before it is let go, so that it does not restart the machine.
const WATCHDOG_LET_GO: &[u8] = b"V";
/// The line that is toggled while the run lives.
pub const HEARTBEAT: &str = "heartbeat";

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("the lines can't be owned: line `{line}` of the bench file has no `chip` and `offset`")]
    NoPin { line: String },
    #[error(
        "hardware watchdog {path} can't be opened: check that it is there, that no other program has it and that this user may write it"
    )]
    Watchdog {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the run can't be spoken with")]
    Socket {
        #[source]
        source: std::io::Error,
    },
}

/// Owns the outputs of the bench until the run closes the socket; they are safe before anything is read from it and when this returns.
///
/// # Errors
/// The lines can't be had, or the socket fails. The run is told the former.
pub fn supervise(bench: &Bench, mut socket: UnixStream) -> Result<(), SuperviseError> {
    let owned = Owned::take(bench).and_then(|owned| Ok((owned, Watchdog::open(bench)?)));
    let (owned, watchdog) = owned.inspect_err(|error| {
        let refusal = Up::Refused { why: error.to_string() }.encode().map(|line| line + "\n").unwrap_or_default();
        if let Err(error) = socket.write_all(refusal.as_bytes()) {
            tracing::error!("the run can't be told: {error}");
        }
    })?;
    let failed = |source| SuperviseError::Socket { source };
    socket.set_nonblocking(true).map_err(failed)?;
    let mut supervisor = Supervisor { owned, watchdog, deadman: Deadman::new(bench.supervision.silence), socket, heard: Vec::new() };
    supervisor.hello().map_err(failed)?;
    supervisor.serve()
}

struct Supervisor {
    owned: Owned,
    watchdog: Option<Watchdog>,
    deadman: Deadman,
    socket: UnixStream,
    /// Bytes of a line that has not ended yet.
    heard: Vec<u8>,
}

impl Supervisor {
    fn hello(&mut self) -> std::io::Result<()> {
        let serial = std::process::id().to_string();
        self.say(&Up::Hello { version: VERSION, model: "supervisor".to_owned(), serial, at_ns: monotonic_ns() })
    }

    fn serve(&mut self) -> Result<(), SuperviseError> {
        let mut due = Due { watermark: monotonic_ns(), heartbeat: monotonic_ns(), watchdog: monotonic_ns() };
        loop {
            self.wait(&due);
            let open = self.listen();
            let now = monotonic_ns();
            if self.deadman.dies(now) {
                // First of all: whoever reads the log may be the one that stands still.
                self.owned.make_safe();
                self.tell(BENCH_ITSELF, Some(self.deadman.verdict()));
            }
            match open {
                Ok(true) => {}
                // The run has ended, in whatever way. Dropping what is owned makes it safe and lets it go.
                Ok(false) => return Ok(()),
                Err(source) => return Err(SuperviseError::Socket { source }),
            }
            self.beat(now, &mut due);
        }
    }

    fn wait(&self, due: &Due) {
        let next = [Some(due.watermark), Some(due.heartbeat), self.deadman.due_ns()].into_iter().flatten().min();
        let left = Span(next.unwrap_or(0).saturating_sub(monotonic_ns()).clamp(0, WATERMARK_EVERY.0));
        // Rounded up: a wait of no time at all would spin.
        let timeout = PollTimeout::try_from(duration(left + Span::microseconds(999))).unwrap_or(PollTimeout::ZERO);
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => tracing::error!("waiting for the run failed: {error}"),
        }
    }

    /// Takes what the run has said; `false` once it has closed.
    fn listen(&mut self) -> std::io::Result<bool> {
        let mut bytes = [0; 4096];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(n) => self.take(&bytes[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let rest = self.heard.split_off(end + 1);
            let line = std::mem::replace(&mut self.heard, rest);
            self.order(&String::from_utf8_lossy(&line));
        }
        if self.heard.len() > MAX_LINE {
            tracing::warn!("{} bytes without an end are thrown away", self.heard.len());
            self.heard.clear();
        }
    }

    /// What is not understood must not keep the next order, which may make the bench safe, from being carried out.
    fn order(&mut self, line: &str) {
        match Down::decode(line) {
            Ok(Down::Beat) => self.deadman.beat(monotonic_ns()),
            Ok(Down::Actuate { id, what }) => {
                let failed = self.actuate(&what).err();
                self.tell(id, failed);
            }
            Err(error) => tracing::warn!("an order of the run is passed over: {error}"),
        }
    }

    fn actuate(&mut self, what: &Actuation) -> Result<(), String> {
        let Actuation::Line { line, active } = what else {
            return Err("a real bench has no simulated plumbing".to_owned());
        };
        let (n, line) = self.owned.find(line).ok_or_else(|| format!("there is no output `{line}`"))?;
        if self.deadman.is_dead() && *active != line.safe_active {
            return Err(format!("not moved: {}", self.deadman.verdict()));
        }
        self.owned.set(n, *active)
    }

    fn tell(&mut self, id: u64, failed: Option<String>) {
        let input = failed.map_or(Input::Done { id }, |why| Input::Failed { id, why });
        if let Err(error) = self.say(&Up::Input { source: Source::Bench, at_ns: monotonic_ns(), input }) {
            tracing::error!("answer to order {id} is lost: {error}");
        }
    }

    /// What comes with time, as far as it is due.
    fn beat(&mut self, now: i64, due: &mut Due) {
        if now >= due.watermark {
            due.watermark = now + WATERMARK_EVERY.0;
            // A run that does not read is no reason to stop; its next watermark says more.
            let _ = self.say(&Up::Watermark { at_ns: now });
        }
        let lives = self.deadman.due_ns().is_some();
        if now >= due.heartbeat {
            due.heartbeat = now + HEARTBEAT_EVERY.0;
            if lives {
                self.owned.toggle_heartbeat();
            }
        }
        if now >= due.watchdog {
            due.watchdog = now + WATCHDOG_EVERY.0;
            // Also for a dead run: the outputs are safe, and this still watches over them.
            self.watchdog.iter_mut().for_each(Watchdog::kick);
        }
    }

    fn say(&mut self, up: &Up) -> std::io::Result<()> {
        let line = up.encode().map_err(std::io::Error::other)? + "\n";
        let sent = self.socket.write(line.as_bytes())?;
        if sent < line.len() {
            // The rest would have to wait for a run that may never read again, and half a line would spoil the next.
            self.socket.shutdown(std::net::Shutdown::Write)?;
            return Err(std::io::Error::new(ErrorKind::WouldBlock, "the run does not read what it is told"));
        }
        Ok(())
    }
}

/// When what is done again and again is due, in ns of the monotonic clock.
struct Due {
    watermark: i64,
    heartbeat: i64,
    watchdog: i64,
}

/// The outputs. Dropping this makes them safe, in the order of the bench file, before they are let go.
struct Owned {
    lines: Vec<Line>,
    outputs: Box<dyn Outputs>,
    heartbeat: Option<usize>,
    beat: bool,
}

impl Owned {
    fn take(bench: &Bench) -> Result<Self, SuperviseError> {
        let spec = |line: &Line| {
            let gpio = line.gpio.clone().ok_or_else(|| SuperviseError::NoPin { line: line.name.to_string() })?;
            Ok(OutputSpec { name: line.name.clone(), gpio, active: line.safe_active })
        };
        let specs = bench.lines.iter().map(spec).collect::<Result<Vec<_>, SuperviseError>>()?;
        let heartbeat = bench.lines.iter().position(|line| &*line.name == HEARTBEAT);
        Ok(Self { lines: bench.lines.clone(), outputs: gpio::outputs(bench.backend, &specs)?, heartbeat, beat: false })
    }

    fn find(&self, name: &str) -> Option<(usize, &Line)> {
        self.lines.iter().enumerate().find(|(_, line)| &*line.name == name)
    }

    /// Moved, and seen to have moved.
    fn set(&mut self, n: usize, active: bool) -> Result<(), String> {
        self.outputs.set(n, active).map_err(|e| e.to_string())?;
        match self.outputs.is_active(n) {
            Ok(is) if is == active => Ok(()),
            Ok(_) => Err(format!("line `{}` does not read back what it was set to: is something else driving it?", self.lines[n].name)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn make_safe(&mut self) {
        for n in 0..self.lines.len() {
            // One that fails is no reason to leave the others.
            if let Err(why) = self.set(n, self.lines[n].safe_active) {
                tracing::error!("line `{}` is not known to be safe: {why}", self.lines[n].name);
            }
        }
    }

    fn toggle_heartbeat(&mut self) {
        let Some(n) = self.heartbeat else { return };
        self.beat = !self.beat;
        if let Err(error) = self.outputs.set(n, self.beat) {
            tracing::error!("{error}");
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.make_safe();
    }
}

/// A hardware watchdog: it restarts the machine, and so lets all lines go, when nobody kicks it any more.
struct Watchdog {
    device: File,
}

impl Watchdog {
    fn open(bench: &Bench) -> Result<Option<Self>, SuperviseError> {
        let Some(path) = bench.supervision.watchdog.as_ref().map(PathBuf::from) else { return Ok(None) };
        match OpenOptions::new().write(true).open(&path) {
            Ok(device) => Ok(Some(Self { device })),
            Err(source) => Err(SuperviseError::Watchdog { path, source }),
        }
    }

    fn kick(&mut self) {
        if let Err(error) = self.device.write_all(b"\0") {
            tracing::error!("the hardware watchdog can't be kicked: {error}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Err(error) = self.device.write_all(WATCHDOG_LET_GO) {
            tracing::error!("the hardware watchdog can't be let go, so it will restart the machine: {error}");
        }
    }
}
