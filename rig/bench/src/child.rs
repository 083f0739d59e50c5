//! A process of the bench's own (the firmware with its simulated plumbing, or the supervisor of the output lines): started, listened to, and never
//! left behind.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rig_model::time::Span;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::clock::duration;
use crate::error::BenchError;

/// Loading a program from a slow SD card takes a second or two.
pub const ANNOUNCE_LIMIT: Span = Span::seconds(15);
/// An announcement is a few paths; more is not one.
const ANNOUNCE_BYTES: u64 = 16 * 1024;
/// Enough of something else to see what it is.
const ANNOUNCE_SHOWN: usize = 120;
/// What of its error output is shown when it ends: the last lines say why.
const STDERR_LINES: usize = 8;
/// A longer line is cut: a process that has lost its mind must not fill our memory.
const STDERR_LINE_BYTES: u64 = 1024;
/// How long it may take to leave by itself once its input is closed, before it is killed.
pub const LEAVE_LIMIT: Span = Span::seconds(2);
/// The same on the way out of a panic, where nothing else runs meanwhile.
const DROP_LIMIT: Span = Span::milliseconds(500);
const DROP_POLL: Span = Span::milliseconds(5);

/// What the process says of itself on its first line of output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Announcement {
    /// Device path of its serial link.
    pub link: PathBuf,
    /// Path of the Unix socket of its lines and sensors.
    pub lines: PathBuf,
    /// Device path of the serial line of a balance, where it simulates one.
    #[serde(default)]
    pub balance: Option<PathBuf>,
}

/// The running process. Dropping it waits half a second for it to leave, then kills it, and reaps it either way.
#[derive(Debug)]
pub(crate) struct Host {
    child: Child,
    command: String,
    stderr: Tail,
    /// Its end of file tells the process that the rig is gone, even if the rig was killed.
    stdin: Option<ChildStdin>,
}

impl Host {
    /// Starts a firmware process and waits for its announcement.
    pub async fn start(command: &[OsString], limit: Span) -> Result<(Self, Announcement), BenchError> {
        let mut host = Self::spawn(command, Stdio::piped(), Stdio::piped())?;
        let stdout = host.child.stdout.take().expect("it was asked for above");
        let announcement = host.announcement(stdout, limit).await?;
        Ok((host, announcement))
    }

    /// Starts a supervisor with one end of a socket as its standard input, and gives back the other end.
    pub fn start_on_socket(command: &[OsString]) -> Result<(Self, UnixStream), BenchError> {
        let unreachable = |source| BenchError::LinesUnreachable { name: "to the supervisor".to_owned(), source };
        let (ours, theirs) = UnixStream::pair().map_err(unreachable)?;
        let host = Self::spawn(command, Stdio::from(OwnedFd::from(theirs)), Stdio::null())?;
        Ok((host, ours))
    }

    fn spawn(command: &[OsString], stdin: Stdio, stdout: Stdio) -> Result<Self, BenchError> {
        let shown = command.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let failed = |source| BenchError::HostNotStarted { command: shown.clone(), source };
        let Some((program, arguments)) = command.split_first() else {
            return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no program is named")));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            // In a group of its own, a Ctrl-C at the terminal ends the run safely instead of the pump, or the owner of the lines, at once.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        let stderr = Tail::follow(child.stderr.take().expect("it was asked for above"));
        Ok(Self { child, command: shown, stderr, stdin })
    }

    async fn announcement(&mut self, stdout: ChildStdout, limit: Span) -> Result<Announcement, BenchError> {
        let mut lines = BufReader::new(stdout.take(ANNOUNCE_BYTES)).lines();
        let command = self.command.clone();
        let text = match timeout(duration(limit), lines.next_line()).await {
            Err(_) => return Err(BenchError::HostSilent { command, limit, stderr: self.stderr.text() }),
            Ok(Ok(Some(text))) => text,
            Ok(Ok(None) | Err(_)) => {
                let status = match timeout(duration(LEAVE_LIMIT), self.child.wait()).await {
                    Ok(Ok(status)) => status.to_string(),
                    _ => "it closed its output but runs on".to_owned(),
                };
                self.stderr.settle().await;
                return Err(BenchError::HostEnded { command, status, stderr: self.stderr.text() });
            }
        };
        let shown = text.chars().take(ANNOUNCE_SHOWN).collect();
        let announcement = serde_json::from_str(&text).map_err(|source| BenchError::HostAnnouncement { command, text: shown, source })?;
        tokio::spawn(pass_on(lines));
        Ok(announcement)
    }

    /// Waits until it has ended, and says how. Cancel safe.
    pub async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        self.stderr.settle().await;
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        match self.stderr.text() {
            said if said.is_empty() => format!("process `{}` ended ({how})", self.command),
            said => format!("process `{}` ended ({how}); it said `{said}`", self.command),
        }
    }

    /// Closes its input, waits for it to leave by itself, then kills it; reaped either way.
    pub async fn leave(mut self) {
        drop(self.stdin.take());
        if timeout(duration(LEAVE_LIMIT), self.child.wait()).await.is_err() {
            tracing::warn!("process `{}` did not leave within {LEAVE_LIMIT} and is killed", self.command);
            self.kill();
            // Nothing survives this signal, so there is nothing to wait long for.
            let _ = timeout(duration(LEAVE_LIMIT), self.child.wait()).await;
        }
    }
}

impl Host {
    /// With all that it has started: its group is its own. Its id can't be another's as long as it was not reaped.
    fn kill(&mut self) {
        let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) else { return };
        if let Err(error) = killpg(Pid::from_raw(id), Signal::SIGKILL) {
            tracing::warn!("process `{}` can't be killed: {error}", self.command);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.stdin.take());
        for attempt in 0..2 {
            for _ in 0..DROP_LIMIT.0 / DROP_POLL.0 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(duration(DROP_POLL));
            }
            if attempt == 0 {
                self.kill();
            }
        }
    }
}

/// Whatever it says after its announcement; unread, it would block the process.
async fn pass_on(mut lines: Lines<BufReader<tokio::io::Take<ChildStdout>>>) {
    loop {
        // The limit was for the announcement; from here each line has its own.
        lines.get_mut().get_mut().set_limit(ANNOUNCE_BYTES);
        match lines.next_line().await {
            Ok(Some(line)) => tracing::debug!("process: {line}"),
            Ok(None) | Err(_) => return,
        }
    }
}

/// The last lines of an error output.
#[derive(Debug)]
struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Tail {
    fn follow(from: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let keep = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            loop {
                line.clear();
                match (&mut from).take(STDERR_LINE_BYTES).read_until(b'\n', &mut line).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                tracing::debug!("process: {text}");
                let mut keep = keep.lock().unwrap_or_else(PoisonError::into_inner);
                if keep.len() == STDERR_LINES {
                    keep.pop_front();
                }
                keep.push_back(text);
            }
        });
        Self { lines, reader }
    }

    /// Waits for what an ended process has left in its pipe; a grandchild may hold the pipe open, so not for ever.
    async fn settle(&mut self) {
        if !self.reader.is_finished() {
            let _ = timeout(duration(DROP_LIMIT), &mut self.reader).await;
        }
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join(" / ")
    }
}
