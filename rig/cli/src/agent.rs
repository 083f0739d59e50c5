//! A key whose private half is in an ssh-agent (PROTOCOL.agent): the two questions that signing asks, each answered in bounded time.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use ssh_key::{PublicKey, Signature};

/// An agent answers at once; one that needs so long hangs.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// A signature may need a person to touch a key or to confirm.
pub const SIGNS_WITHIN: Duration = Duration::from_secs(30);
/// OpenSSH's own limit of a message.
const MAX_MESSAGE: usize = 256 * 1024;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("no ssh-agent answers at `{socket}`")]
    Connect {
        socket: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the ssh-agent did not answer within {} s", within.as_secs_f64())]
    Hangs { within: Duration },
    #[error("the ssh-agent hung up in the middle")]
    HungUp(#[source] std::io::Error),
    #[error("what answers is no ssh-agent, or it is broken: {0}")]
    Garbage(&'static str),
    #[error("the ssh-agent does not have this key; it has {holds}")]
    NotThere { holds: String },
    #[error("the ssh-agent has the key and refused to sign; was it asked to confirm, or is it locked?")]
    Refused,
}

/// Asks the agent behind a socket to sign some bytes.
pub fn sign(socket: &Path, key: &PublicKey, data: &[u8]) -> Result<Signature, AgentError> {
    let connect = || {
        let path = socket.to_owned();
        move || UnixStream::connect(path)
    };
    has(connect(), socket, key, ANSWERS_WITHIN)?;
    sign_with(connect(), socket, key, data, SIGNS_WITHIN)
}

/// Whether the agent has the key.
pub fn looks_up(socket: &Path, key: &PublicKey) -> Result<(), AgentError> {
    let path = socket.to_owned();
    has(move || UnixStream::connect(path), socket, key, ANSWERS_WITHIN)
}

fn has<S: Read + Write>(
    connect: impl FnOnce() -> std::io::Result<S> + Send + 'static,
    socket: &Path,
    key: &PublicKey,
    within: Duration,
) -> Result<(), AgentError> {
    let answer = exchange(connect, socket, vec![REQUEST_IDENTITIES], within)?;
    let wanted = blob(key)?;
    let mut rest = match answer.split_first() {
        Some((&IDENTITIES_ANSWER, rest)) => rest,
        Some((&FAILURE, _)) => return Err(AgentError::NotThere { holds: "none that it tells".to_owned() }),
        _ => return Err(AgentError::Garbage("it answers something else than it was asked")),
    };
    let count = number(&mut rest)?;
    let mut holds = Vec::new();
    for _ in 0..count {
        let key = string(&mut rest)?;
        let comment = string(&mut rest)?;
        if key == wanted {
            return Ok(());
        }
        holds.push(rig_report::printable(&String::from_utf8_lossy(comment)));
    }
    let holds = if holds.is_empty() { "none".to_owned() } else { format!("those called {}", holds.join(", ")) };
    Err(AgentError::NotThere { holds })
}

fn sign_with<S: Read + Write>(
    connect: impl FnOnce() -> std::io::Result<S> + Send + 'static,
    socket: &Path,
    key: &PublicKey,
    data: &[u8],
    within: Duration,
) -> Result<Signature, AgentError> {
    let mut request = vec![SIGN_REQUEST];
    for part in [&*blob(key)?, data] {
        request.extend(length(part.len())?);
        request.extend(part);
    }
    request.extend([0; 4]);
    let answer = exchange(connect, socket, request, within)?;
    match answer.split_first() {
        Some((&SIGN_RESPONSE, mut rest)) => {
            let signature = string(&mut rest)?;
            Signature::try_from(signature).map_err(|_| AgentError::Garbage("its signature is none"))
        }
        Some((&FAILURE, _)) => Err(AgentError::Refused),
        _ => Err(AgentError::Garbage("it answers something else than it was asked")),
    }
}

/// One question, one answer. On a thread of its own, because connecting, writing and reading may each hang; one that does is left behind.
fn exchange<S: Read + Write>(
    connect: impl FnOnce() -> std::io::Result<S> + Send + 'static,
    socket: &Path,
    request: Vec<u8>,
    within: Duration,
) -> Result<Vec<u8>, AgentError> {
    let (to, from) = mpsc::channel();
    let socket = rig_report::printable(&socket.display().to_string());
    std::thread::spawn(move || {
        let connected = connect().map_err(|source| AgentError::Connect { socket, source });
        // Nobody waits for it any more if this fails.
        let _ = to.send(connected.and_then(|stream| ask(stream, &request)));
    });
    from.recv_timeout(within).unwrap_or(Err(AgentError::Hangs { within }))
}

fn ask(mut stream: impl Read + Write, request: &[u8]) -> Result<Vec<u8>, AgentError> {
    stream.write_all(&length(request.len())?).and_then(|()| stream.write_all(request)).map_err(AgentError::HungUp)?;
    let mut size = [0; 4];
    stream.read_exact(&mut size).map_err(AgentError::HungUp)?;
    let size = u32::from_be_bytes(size) as usize;
    if !(1..=MAX_MESSAGE).contains(&size) {
        return Err(AgentError::Garbage("its answer has a length that none has"));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).map_err(AgentError::HungUp)?;
    Ok(answer)
}

fn blob(key: &PublicKey) -> Result<Vec<u8>, AgentError> {
    key.to_bytes().map_err(|_| AgentError::Garbage("the key is none"))
}

fn length(bytes: usize) -> Result<[u8; 4], AgentError> {
    u32::try_from(bytes).map(u32::to_be_bytes).map_err(|_| AgentError::Garbage("the question is too long for it"))
}

fn number(rest: &mut &[u8]) -> Result<u32, AgentError> {
    let (number, left) = rest.split_first_chunk().ok_or(AgentError::Garbage("its answer is cut off"))?;
    *rest = left;
    Ok(u32::from_be_bytes(*number))
}

fn string<'r>(rest: &mut &'r [u8]) -> Result<&'r [u8], AgentError> {
    let length = number(rest)? as usize;
    let (string, left) = rest.split_at_checked(length).ok_or(AgentError::Garbage("its answer is cut off"))?;
    *rest = left;
    Ok(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent that answers with these bytes, whatever it is asked; then the line is closed, or stays open for ever.
    struct Fake {
        answer: std::io::Cursor<Vec<u8>>,
        hangs: bool,
    }

    impl Read for Fake {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            match self.answer.read(to) {
                Ok(0) if self.hangs => loop {
                    std::thread::park();
                },
                read => read,
            }
        }
    }

    impl Write for Fake {
        fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
            Ok(from.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn key() -> PublicKey {
        rig_evidence::public_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJts2Qv9FuQnpCToZ9m9gK+ueGeyuY29mtpTdnLw6Et8").expect("a key")
    }

    fn framed(answer: &[u8]) -> Vec<u8> {
        [&length(answer.len()).expect("short"), answer].concat()
    }

    fn both(answer: &[u8], hangs: bool) -> [AgentError; 2] {
        let connect = |answer: &[u8]| {
            let answer = answer.to_vec();
            move || Ok(Fake { answer: std::io::Cursor::new(answer), hangs })
        };
        // Long enough for an answer that is there, and not waited for by any of those.
        let within = if hangs { Duration::from_millis(20) } else { Duration::from_secs(60) };
        let socket = Path::new("/agent");
        [
            has(connect(answer), socket, &key(), within).expect_err("no key"),
            sign_with(connect(answer), socket, &key(), b"data", within).expect_err("no signature"),
        ]
    }

    #[test]
    fn an_agent_that_hangs_is_left_in_bounded_time() {
        for answer in [&b""[..], b"\0\0", b"\0\0\0\x08\x0c", &framed(&[IDENTITIES_ANSWER])[..3]] {
            for error in both(answer, true) {
                assert!(matches!(error, AgentError::Hangs { .. }), "{answer:?}: {error}");
            }
        }
    }

    #[test]
    fn garbage_is_told_and_takes_no_memory() {
        for answer in [
            &b"\xff\xff\xff\xff"[..],
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            &framed(b""),
            &framed(&[99]),
            &framed(&[IDENTITIES_ANSWER]),
            &framed(&[IDENTITIES_ANSWER, 0xff, 0xff, 0xff, 0xff]),
            &framed(&[IDENTITIES_ANSWER, 0, 0, 0, 1, 0, 0, 0, 9, 1]),
            &framed(&[SIGN_RESPONSE]),
            &framed(&[SIGN_RESPONSE, 0, 0, 0, 2, 1, 2]),
        ] {
            for error in both(answer, false) {
                assert!(matches!(error, AgentError::Garbage(_)), "{answer:?}: {error}");
            }
        }
    }

    #[test]
    fn an_agent_that_hangs_up_is_told() {
        for answer in [&b""[..], b"\0", b"\0\0\0\x08\x0c"] {
            for error in both(answer, false) {
                assert!(matches!(error, AgentError::HungUp(_)), "{answer:?}: {error}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_told_with_those_that_are() {
        let [has, sign] = both(&framed(&[FAILURE]), false);
        assert!(matches!((has, sign), (AgentError::NotThere { .. }, AgentError::Refused)));
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1, 0, 0, 0, 1, 7, 0, 0, 0, 5];
        answer.extend(b"\x1b[2Ja");
        let [has, _] = both(&framed(&answer), false);
        assert_eq!(has.to_string(), "the ssh-agent does not have this key; it has those called \u{fffd}[2Ja");
    }
}
