//! The control channel of the hosted board: one connection, lines of JSON in both directions.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// Longest line from the rig: an actuation takes a few hundred bytes.
const MAX_LINE: usize = 64 * 1024;

/// Where the bench's lines, pulses and readings are offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinesPort {
    /// The path of a Unix socket, which must not exist yet.
    Unix(PathBuf),
    /// A TCP port of this host; port 0 takes a free one.
    Tcp(SocketAddr),
}

#[derive(Debug)]
pub(crate) enum Listener {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

pub(crate) type Reading = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writing = Box<dyn AsyncWrite + Send + Unpin>;

impl Listener {
    pub async fn open(port: &LinesPort) -> io::Result<Self> {
        Ok(match port {
            LinesPort::Unix(path) => Self::Unix(UnixListener::bind(path)?, path.clone()),
            LinesPort::Tcp(address) => Self::Tcp(TcpListener::bind(address).await?),
        })
    }

    pub fn address(&self) -> io::Result<String> {
        match self {
            Self::Unix(_, path) => Ok(path.display().to_string()),
            Self::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
        }
    }

    pub async fn accept(&self) -> io::Result<(Reading, Writing)> {
        match self {
            Self::Unix(listener, _) => {
                let (read, write) = listener.accept().await?.0.into_split();
                Ok((Box::new(read), Box::new(write)))
            }
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_nodelay(true)?;
                let (read, write) = stream.into_split();
                Ok((Box::new(read), Box::new(write)))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes lines out of a stream; waiting for one may be cancelled without loss.
pub(crate) struct LineReader {
    stream: Reading,
    buffer: Vec<u8>,
}

impl LineReader {
    pub fn new(stream: Reading) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next line without its end; `None` when the other side has closed.
    ///
    /// # Errors
    /// When a line is longer than 64 KiB or not UTF-8, or the stream fails.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                return String::from_utf8(line).map(Some).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e));
            }
            if self.buffer.len() > MAX_LINE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "line longer than 64 KiB"));
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Ok(None),
                // Closed with something unread.
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                read => read?,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_out_whole_and_a_flood_is_refused() {
        let text: &[u8] = b"one\ntwo\nthr";
        let mut lines = LineReader::new(Box::new(text));
        assert_eq!(lines.next().await.unwrap().as_deref(), Some("one"));
        assert_eq!(lines.next().await.unwrap().as_deref(), Some("two"));
        assert_eq!(lines.next().await.unwrap(), None);
        let mut flood = LineReader::new(Box::new(tokio::io::repeat(b'x')));
        assert_eq!(flood.next().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
