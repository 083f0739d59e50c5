//! The serial line of the hosted board: a pty or a TCP port.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpStream};

use crate::pty::Pty;

/// Where the board's serial line is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPort {
    /// A pseudo-terminal; `symlink` is made to point at its device.
    Pty { symlink: Option<PathBuf> },
    /// A TCP port of this host; port 0 takes a free one. One connection at a time, the next after the last has closed.
    Tcp(SocketAddr),
}

#[derive(Debug)]
pub(crate) enum Port {
    Pty(Pty),
    Tcp { listener: TcpListener, client: Option<TcpStream> },
}

impl Port {
    pub async fn open(port: &LinkPort) -> io::Result<Self> {
        Ok(match port {
            LinkPort::Pty { symlink } => Self::Pty(Pty::open(symlink.clone())?),
            LinkPort::Tcp(address) => Self::Tcp { listener: TcpListener::bind(address).await?, client: None },
        })
    }

    /// What the rig opens: a device path or `host:port`.
    pub fn address(&self) -> io::Result<String> {
        match self {
            Self::Pty(pty) => Ok(pty.path().display().to_string()),
            Self::Tcp { listener, .. } => Ok(listener.local_addr()?.to_string()),
        }
    }

    /// Waits for bytes, and before that for someone to connect. May be cancelled at any await.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (listener, client) = match self {
            Self::Pty(pty) => return pty.read(buffer).await,
            Self::Tcp { listener, client } => (listener, client),
        };
        loop {
            let Some(stream) = client else {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                *client = Some(stream);
                continue;
            };
            stream.readable().await?;
            match stream.try_read(buffer) {
                Ok(n) if n > 0 => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // Closed or reset: the board does not care who listens.
                _ => *client = None,
            }
        }
    }

    /// Sends what fits and says how much that was; the rest is lost, as on a line without flow control.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pty(pty) => pty.write(bytes),
            Self::Tcp { client, .. } => Ok(client.as_ref().and_then(|stream| stream.try_write(bytes).ok()).unwrap_or(0)),
        }
    }
}
