//! The serial link as a task: what it reads it stamps, what it can't write in time it reports, and when the port goes it looks for it again.

use std::path::{Path, PathBuf};

use rig_model::input::{Bytes, Input, LINK, Lost, Source};
use rig_model::time::{RigTime, Span};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialStream};

use crate::clock::{Clock, duration};
use crate::feed::Feed;
use crate::serial;

/// Reads that wait for the loop: at 4 KiB each 4 MiB, half an hour at 19,200 baud, and a bound on memory however fast a pty talks.
pub const RX_CAPACITY: usize = 1024;
/// Frames that wait for the port. A session has one command and one poll out at a time; more means that the port does not take them.
pub const TX_CAPACITY: usize = 64;
/// The size of the kernel's tty buffer: more can't come at once.
const READ_BYTES: usize = 4096;
/// As often as the other sources; it delays no judgement by more than that.
const WATERMARK_EVERY: Span = Span::milliseconds(10);
/// A frame has at most some hundred bytes, which take 0.2 s at the slowest baud rate in use (9,600).
pub const WRITE_LIMIT: Span = Span::seconds(2);
/// A USB adapter that was knocked comes back in about 2 s; a board that was unplugged by hand in some more.
pub const REOPEN_LIMIT: Span = Span::seconds(15);
/// Often enough to hear what the pump says first.
const REOPEN_EVERY: Span = Span::milliseconds(50);
/// A port that comes and goes more often than this is a broken cable, and no run on it is worth going on.
const REOPENINGS: u32 = 32;

/// Where the port is and whether it may be looked for again.
#[derive(Debug, Clone)]
pub struct Plan {
    pub path: PathBuf,
    pub baud: u32,
    /// Zero where the path dies with its process: a pty's number is soon given to somebody else's terminal.
    pub reopen_within: Span,
}

/// Not having looked at the port for this long is told: an answer that came meanwhile is stamped too late, and silence shows nothing.
const STALL_LIMIT: Span = Span::milliseconds(200);

/// Gives each stamp once: a watermark holds for everything up to it, so that the next byte must be later, however coarse the clock.
#[derive(Debug)]
struct Stamps {
    clock: Clock,
    last: RigTime,
}

impl Stamps {
    /// The next stamp, and before it, if nobody has looked at the port for too long, that this was so.
    fn looked(&mut self, feed: &mut Feed) -> RigTime {
        let (before, at) = (self.last, self.next());
        if before >= RigTime::ZERO && at - before > STALL_LIMIT {
            let why = format!("the rig did not look at the serial port for {}", at - before);
            tracing::warn!("{why}");
            let what = Lost::because(why).of(LINK.into());
            feed.input(Source::Link, before + Span::nanoseconds(1), Some(at), Input::Lost { what });
        }
        at
    }

    fn next(&mut self) -> RigTime {
        self.last = self.clock.now().max(self.last + Span::nanoseconds(1));
        self.last
    }
}

/// Carries bytes both ways until `tx` is closed. The watermark of the link never stops, whatever becomes of the port.
pub(crate) async fn serve(mut port: SerialStream, plan: Plan, clock: Clock, mut feed: Feed, mut tx: mpsc::Receiver<Vec<u8>>) {
    let mut stamps = Stamps { clock, last: RigTime(-1) };
    for _ in 0..=REOPENINGS {
        let Some(why) = exchange(&mut port, &plan.path, &mut stamps, &mut feed, &mut tx).await else { return };
        tracing::warn!("{why}");
        // A real port would sit in `close` until its unsent bytes are gone, half a minute at the worst.
        if let Err(error) = port.clear(ClearBuffer::All) {
            tracing::debug!("{}: unsent bytes are not cleared: {error}", plan.path.display());
        }
        drop(port);
        feed.insist(Source::Link, stamps.next(), Input::LinkDown { why }).await;
        port = match reopen(&plan, &mut stamps, &mut feed).await {
            Some(again) => again,
            None => break,
        };
        discard(&plan.path, &mut tx);
        feed.insist(Source::Link, stamps.next(), Input::LinkUp).await;
    }
    stay_down(&mut stamps, &mut feed, &mut tx).await;
}

/// Until the port fails (why) or nobody writes any more (`None`).
async fn exchange(
    port: &mut SerialStream,
    path: &Path,
    stamps: &mut Stamps,
    feed: &mut Feed,
    tx: &mut mpsc::Receiver<Vec<u8>>,
) -> Option<String> {
    let (mut from, mut to) = tokio::io::split(port);
    let why = tokio::select! {
        why = read(&mut from, stamps, feed) => why,
        why = write(&mut to, tx) => why?,
    };
    Some(format!("serial port {}: {why}", path.display()))
}

async fn read(from: &mut (impl AsyncRead + Unpin), stamps: &mut Stamps, feed: &mut Feed) -> String {
    let mut buffer = vec![0; READ_BYTES];
    let mut tick = every(WATERMARK_EVERY);
    loop {
        // The stamp of a watermark is taken by the task that stamps the bytes, after it found none: no byte can be older.
        tokio::select! {
            biased;
            read = from.read(&mut buffer) => match read {
                Ok(0) => return "hung up (end of file)".to_owned(),
                Ok(n) => {
                    let at = stamps.looked(feed);
                    feed.input(Source::Link, at, None, Input::Rx(Bytes(buffer[..n].to_vec())));
                    feed.watermark(Source::Link, at);
                }
                Err(error) => return format!("reading failed: {error}"),
            },
            _ = tick.tick() => {
                let at = stamps.looked(feed);
                feed.watermark(Source::Link, at);
            }
        }
    }
}

/// Without a flush: that is `tcdrain`, which blocks the thread for as long as the peer is stalled.
async fn write(to: &mut (impl AsyncWrite + Unpin), tx: &mut mpsc::Receiver<Vec<u8>>) -> Option<String> {
    loop {
        let bytes = tx.recv().await?;
        match timeout(duration(WRITE_LIMIT), to.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(format!("writing failed: {error}")),
            Err(_) => return Some(format!("it took no bytes for {WRITE_LIMIT} (stalled peer)")),
        }
    }
}

async fn reopen(plan: &Plan, stamps: &mut Stamps, feed: &mut Feed) -> Option<SerialStream> {
    let until = Instant::now() + duration(plan.reopen_within);
    let mut beat = every(WATERMARK_EVERY);
    let mut look = every(REOPEN_EVERY);
    while Instant::now() < until {
        tokio::select! {
            _ = beat.tick() => feed.watermark(Source::Link, stamps.next()),
            _ = look.tick() => match serial::open(&plan.path, plan.baud) {
                Ok(port) => return Some(port),
                Err(error) => tracing::trace!("{error}"),
            },
        }
    }
    None
}

/// What was meant for the port that went must not reach the one that came: the runner has been told of the former.
fn discard(path: &Path, tx: &mut mpsc::Receiver<Vec<u8>>) {
    let mut bytes = 0;
    while let Ok(stale) = tx.try_recv() {
        bytes += stale.len();
    }
    if bytes > 0 {
        tracing::warn!("serial port {}: {bytes} bytes to the board were not sent while it was down", path.display());
    }
}

async fn stay_down(stamps: &mut Stamps, feed: &mut Feed, tx: &mut mpsc::Receiver<Vec<u8>>) {
    let mut tick = every(WATERMARK_EVERY);
    loop {
        tokio::select! {
            bytes = tx.recv() => if bytes.is_none() { return },
            _ = tick.tick() => feed.watermark(Source::Link, stamps.next()),
        }
    }
}

fn every(span: Span) -> Interval {
    let mut tick = interval(duration(span));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
