//! The last resort: whatever way the program leaves, the lines are driven to their safe levels.

use std::io::{ErrorKind, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rig_model::bench::Bench;
use rig_model::input::Actuation;
use rig_model::time::Span;

use crate::clock::duration;
use crate::lines::{self, Channel};

/// Ids of the safe levels, counted down from here: no runner counts up to them.
pub const FIRST_ID: u64 = (1 << 53) - 1;
/// The orders are some hundred bytes and fit into any socket's buffer, unless its peer has stopped reading altogether.
const WRITE_LIMIT: Span = Span::milliseconds(500);
const POLL: Span = Span::milliseconds(5);

/// Drives all lines of the bench to their safe levels when it is dropped armed.
#[derive(Debug)]
pub(crate) struct Guard {
    lines: Vec<(u64, Actuation)>,
    socket: UnixStream,
    mid_line: Arc<AtomicBool>,
    armed: bool,
}

impl Guard {
    pub fn new(channel: &Channel, bench: &Bench) -> std::io::Result<Self> {
        let (socket, mid_line) = channel.last_resort()?;
        let safe = bench.lines.iter().map(|l| Actuation::Line { line: l.name.clone(), active: l.safe_active });
        let lines = safe.zip(0..).map(|(what, i)| (FIRST_ID - i, what)).collect();
        Ok(Self { lines, socket, mid_line, armed: true })
    }

    pub fn lines(&self) -> &[(u64, Actuation)] {
        &self.lines
    }

    /// The lines have answered that they are safe.
    pub fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.armed && !self.lines.is_empty() {
            let mut orders = String::new();
            if self.mid_line.load(Ordering::SeqCst) {
                orders.push('\n');
            }
            // An order that can't be written down is no reason to withhold the others.
            orders.extend(self.lines.iter().filter_map(|(id, what)| lines::order(*id, what).ok()));
            if let Err(error) = write(&self.socket, orders.as_bytes()) {
                tracing::error!("lines can't be driven to their safe levels: {error}");
            }
        }
        // Not a close: the task that reads holds the socket too, and may outlive this.
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}

/// The socket is shared with the task and so doesn't block; this waits for room, but not for ever.
fn write(mut socket: &UnixStream, mut bytes: &[u8]) -> std::io::Result<()> {
    let mut left = WRITE_LIMIT.0 / POLL.0;
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && left > 0 => {
                left -= 1;
                std::thread::sleep(duration(POLL));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
