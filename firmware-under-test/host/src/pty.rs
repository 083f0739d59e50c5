//! A pseudo-terminal whose other end the rig opens like any serial port.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::termios::{FlushArg, SetArg, cfmakeraw, tcflush, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// How often to look whether someone has opened the other end. The kernel has no event for it; a person or a program
/// that opens a port waits far longer than this before it expects an answer.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Pty {
    master: Arc<File>,
    /// Some while the other end is open. Registered anew at each opening: after a hang-up the old readiness is stuck.
    open: Option<AsyncFd<Arc<File>>>,
    device: PathBuf,
    link: Option<PathBuf>,
    look_at: Instant,
}

impl Pty {
    /// Opens a pty in raw mode; `link`, where given, becomes a symbolic link to its device.
    ///
    /// # Errors
    /// When the system has no more ptys, or `link` exists or can't be made.
    pub fn open(link: Option<PathBuf>) -> io::Result<Self> {
        let pair = nix::pty::openpty(None, None)?;
        let mut settings = tcgetattr(&pair.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&pair.slave, SetArg::TCSANOW, &settings)?;
        let device = nix::unistd::ttyname(&pair.slave)?;
        set_nonblocking(&pair.master)?;
        // The other end is left to the rig alone, so that its closing is seen here as a hang-up.
        drop(pair.slave);
        let master = Arc::new(File::from(pair.master));
        if let Some(link) = &link {
            symlink(&device, link)?;
        }
        Ok(Self { master, open: None, device, link, look_at: Instant::now() })
    }

    /// The path that the rig opens.
    pub fn path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.device)
    }

    /// Waits for bytes; while nobody has the other end open it waits for that too. May be cancelled at any await.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(open) = &self.open else {
                tokio::time::sleep_until(self.look_at).await;
                self.look_at = Instant::now() + LOOK_EVERY;
                if let Some(n) = self.look(buffer)? {
                    return Ok(n);
                }
                continue;
            };
            let mut ready = open.readable().await?;
            match ready.try_io(|fd| fd.get_ref().as_ref().read(buffer)) {
                Ok(Ok(n)) if n > 0 => return Ok(n),
                Ok(Err(e)) if !is_hang_up(&e) => return Err(e),
                Ok(_) => self.hang_up(),
                Err(_would_block) => {}
            }
        }
    }

    /// Sends what fits. A UART has no flow control: what the other side does not take is lost, and counted in the answer.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.is_none() {
            return Ok(0);
        }
        match self.master.as_ref().write(bytes) {
            Ok(n) => Ok(n),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(e) if is_hang_up(&e) => {
                self.hang_up();
                Ok(0)
            }
            Err(e) => Err(e),
        }
    }

    /// A read tells an open other end (nothing there yet, or bytes) from a closed one (hang-up).
    #[allow(
        deprecated,
        reason = "its replacement is `unsafe`; what it asks for, an fd that stays open and its own, a `File` in an `Arc` gives"
    )]
    fn look(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match self.master.as_ref().read(buffer) {
            Err(e) if is_hang_up(&e) => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => None,
            other => Some(other?),
        };
        self.open = Some(AsyncFd::new(self.master.clone())?);
        Ok(read)
    }

    fn hang_up(&mut self) {
        self.open = None;
        self.look_at = Instant::now() + LOOK_EVERY;
        // What the old reader left must not be the first thing that the next one reads; only this end of the pair can
        // discard it. Failing is harmless: the framing skips what it can't read.
        let slave = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&self.device);
        if let Ok(slave) = slave {
            let _ = tcflush(&slave, FlushArg::TCIOFLUSH);
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            let _ = std::fs::remove_file(link);
        }
    }
}

fn is_hang_up(e: &io::Error) -> bool {
    e.raw_os_error() == Some(Errno::EIO as i32)
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(())
}
