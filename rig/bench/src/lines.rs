//! The lines channel as a task: actuations and beats out; answers, edges, readings and watermarks in, one line of JSON each. At its other end
//! is the firmware process with the simulated plumbing, or the supervisor that owns the output lines of a real bench.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rig_model::input::{Actuation, Edges, Input, Lost, Source};
use rig_model::time::{RigTime, Span};
use rig_plant::wire::{Down, MAX_LINE, Up, WireError, rebase};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clock::{Clock, duration};
use crate::error::BenchError;
use crate::feed::Feed;

/// Batches that wait for the loop. Sensors speak in batches every 10 ms, so this is more than ten seconds of some ten channels, and 64 MiB at the very worst.
pub const RX_CAPACITY: usize = 8192;
/// Actuations that wait to be sent: all lines of a bench several times over.
pub const TX_CAPACITY: usize = 256;
/// The peer is a process on the same machine that reads all the time.
pub const WRITE_LIMIT: Span = Span::seconds(2);
/// The hello is the first thing that it says.
const HELLO_LIMIT: Span = Span::seconds(5);
/// The id of orders that are carried out before the run begins to count its own.
const FIRST_ORDER: u64 = (1 << 53) - 4_096;
/// Bytes that one read takes.
const READ_BYTES: usize = 16 * 1024;

/// An open channel whose peer has said that it speaks our version of the wire form.
#[derive(Debug)]
pub(crate) struct Channel {
    reader: LineReader,
    to: OwnedWriteHalf,
    /// Whether the last order was sent in part: whoever writes next has to end it first.
    mid_line: Arc<AtomicBool>,
    socket: std::os::unix::net::UnixStream,
    /// The sources whose inputs and watermarks come this way.
    speaks_for: &'static [Source],
}

impl Channel {
    /// To a firmware process, which speaks for lines and sensors.
    pub async fn connect(path: &Path) -> Result<Self, BenchError> {
        let name = path.display().to_string();
        let stream = UnixStream::connect(path).await.and_then(UnixStream::into_std);
        let stream = stream.map_err(|source| BenchError::LinesUnreachable { name: name.clone(), source })?;
        Self::over(stream, name, &[Source::Bench, Source::Sensors]).await
    }

    /// Over a socket that is connected; the other end says who it is first.
    pub async fn over(stream: std::os::unix::net::UnixStream, name: String, speaks_for: &'static [Source]) -> Result<Self, BenchError> {
        let unreachable = |source| BenchError::LinesUnreachable { name: name.clone(), source };
        let unfit = |why: String| BenchError::LinesUnfit { name: name.clone(), why };
        stream.set_nonblocking(true).map_err(unreachable)?;
        let socket = stream.try_clone().map_err(unreachable)?;
        let (from, to) = UnixStream::from_std(stream).map_err(unreachable)?.into_split();
        let mut reader = LineReader { from, buffer: Vec::new(), skipped: 0 };
        let line = match timeout(duration(HELLO_LIMIT), reader.next()).await {
            Err(_) => return Err(unfit(format!("it said nothing for {HELLO_LIMIT}"))),
            Ok(Err(error)) => return Err(unreachable(error)),
            Ok(Ok(None)) => return Err(unfit("it was closed at once".to_owned())),
            Ok(Ok(Some(line))) => line,
        };
        match line.decode() {
            Ok(Up::Hello { model, serial, .. }) => tracing::info!("{model} {serial} is at the other end of the lines channel"),
            Ok(Up::Refused { why }) => return Err(BenchError::OutputsRefused { why }),
            Ok(_) => return Err(unfit("its first line is no hello".to_owned())),
            Err(error) => return Err(unfit(error.to_string())),
        }
        Ok(Self { reader, to, mid_line: Arc::default(), socket, speaks_for })
    }

    /// Carries out one order before anything else is served: waits for its answer and passes over what comes meanwhile.
    pub async fn carry_out(&mut self, what: Actuation) -> Result<(), BenchError> {
        let failed = |why: String| BenchError::NotMoved { what: format!("{what:?}"), why };
        let line = order(FIRST_ORDER, &what).map_err(|error| failed(error.to_string()))?;
        let answered = async {
            self.to.write_all(line.as_bytes()).await.map_err(|error| error.to_string())?;
            loop {
                let line = self.reader.next().await.map_err(|error| error.to_string())?.ok_or("the channel was closed")?;
                match line.decode() {
                    Ok(Up::Input { input: Input::Done { id: FIRST_ORDER }, .. }) => return Ok(()),
                    Ok(Up::Input { input: Input::Failed { id: FIRST_ORDER, why }, .. }) => return Err(why),
                    Ok(_) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        match timeout(duration(HELLO_LIMIT), answered).await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(failed(format!("no answer within {HELLO_LIMIT}"))),
        }
    }

    /// Says that the run lives, before anything is served.
    pub async fn beat_now(&mut self) -> Result<(), BenchError> {
        let line = beat().map_err(|error| BenchError::LinesUnfit { name: "to the supervisor".to_owned(), why: error.to_string() })?;
        let unreachable = |source| BenchError::LinesUnreachable { name: "to the supervisor".to_owned(), source };
        self.to.write_all(line.as_bytes()).await.map_err(unreachable)
    }

    /// The same socket for whoever has to write when no task runs any more, and whether a line has to be ended first.
    pub fn last_resort(&self) -> std::io::Result<(std::os::unix::net::UnixStream, Arc<AtomicBool>)> {
        Ok((self.socket.try_clone()?, Arc::clone(&self.mid_line)))
    }
}

/// An actuation as a line of the channel, with its end.
pub(crate) fn order(id: u64, what: &Actuation) -> Result<String, WireError> {
    Ok(Down::Actuate { id, what: what.clone() }.encode()? + "\n")
}

/// The run's word that it lives, as a line of the channel.
pub(crate) fn beat() -> Result<String, WireError> {
    Ok(Down::Beat.encode()? + "\n")
}

/// Carries lines both ways until one of them ends, and says why it did.
pub(crate) async fn serve(channel: Channel, clock: Clock, mut feed: Feed, mut orders: mpsc::Receiver<String>) -> String {
    let Channel { mut reader, mut to, mid_line, speaks_for, .. } = channel;
    let mut ear = Ear { clock, speaks_for, latest: RigTime::ZERO };
    tokio::select! {
        why = hear(&mut reader, &mut ear, &mut feed) => why,
        why = speak(&mut to, &mid_line, &mut orders) => why,
    }
}

async fn hear(reader: &mut LineReader, ear: &mut Ear, feed: &mut Feed) -> String {
    loop {
        match reader.next().await {
            Ok(Some(line)) => ear.heard(line, feed),
            Ok(None) => return "it was closed at its other end".to_owned(),
            Err(error) => return format!("reading failed: {error}"),
        }
    }
}

async fn speak(to: &mut OwnedWriteHalf, mid_line: &AtomicBool, orders: &mut mpsc::Receiver<String>) -> String {
    loop {
        let Some(order) = orders.recv().await else { return "nobody gives orders any more".to_owned() };
        mid_line.store(true, Ordering::SeqCst);
        match timeout(duration(WRITE_LIMIT), to.write_all(order.as_bytes())).await {
            Ok(Ok(())) => mid_line.store(false, Ordering::SeqCst),
            Ok(Err(error)) => return format!("writing failed: {error}"),
            Err(_) => return format!("it took no orders for {WRITE_LIMIT}"),
        }
    }
}

/// Understands what comes, and tells as lost what it can't understand.
struct Ear {
    clock: Clock,
    speaks_for: &'static [Source],
    /// The latest time that anything had.
    latest: RigTime,
}

impl Ear {
    fn heard(&mut self, line: Line, feed: &mut Feed) {
        let arrival = self.clock.now();
        let result = match line.decode() {
            Ok(Up::Input { source, at_ns, input }) => self.input(source, at_ns, input, arrival, feed),
            Ok(Up::Watermark { at_ns }) => self.watermark(at_ns, arrival, feed),
            Ok(Up::Hello { .. } | Up::Refused { .. }) => Err("a second hello: its process has begun anew".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = result {
            self.latest += Span::nanoseconds(1);
            let why = format!("the lines channel said what can't be taken: {why}");
            tracing::warn!("{why}");
            let source = self.speaks_for.last().copied().unwrap_or(Source::Bench);
            feed.input(source, self.latest, Some(arrival), Input::Lost { what: Lost::because(why) });
        }
    }

    fn input(&mut self, source: Source, at_ns: i64, mut input: Input, arrival: RigTime, feed: &mut Feed) -> Result<(), String> {
        rebase(&mut input, Span(self.clock.epoch_ns().saturating_neg()));
        if !self.speaks_for.contains(&source) {
            return Err(format!("something of source {source:?} that does not come this way"));
        }
        let at = match (&input, source) {
            (Input::Edges(edges), Source::Sensors) => {
                let last = last_of(edges).ok_or("a batch of edges that goes back in time")?;
                self.not_of_the_future(last, arrival)?;
                edges.first
            }
            (Input::Reading { .. } | Input::Lost { .. }, Source::Sensors)
            | (Input::Done { .. } | Input::Failed { .. } | Input::Lost { .. }, Source::Bench) => self.clock.from_monotonic(at_ns),
            _ => return Err(format!("something of source {source:?} that does not come this way")),
        };
        self.not_of_the_future(at, arrival)?;
        if at < RigTime::ZERO {
            // From before the run; the board's process was there first.
            return Ok(());
        }
        self.latest = self.latest.max(at);
        feed.input(source, at, Some(arrival), input);
        Ok(())
    }

    fn watermark(&mut self, at_ns: i64, arrival: RigTime, feed: &mut Feed) -> Result<(), String> {
        let at = self.clock.from_monotonic(at_ns);
        self.not_of_the_future(at, arrival)?;
        // "Nothing older than this will come" leaves room for something at this very time.
        let complete = at - Span::nanoseconds(1);
        self.latest = self.latest.max(complete);
        self.speaks_for.iter().for_each(|source| feed.watermark(*source, complete));
        Ok(())
    }

    /// Both processes share the clock: a later stamp than now is wrong, and would make everything after it late.
    fn not_of_the_future(&self, at: RigTime, arrival: RigTime) -> Result<(), String> {
        if at > arrival { Err(format!("a stamp {} in the future", Span(at.0.saturating_sub(arrival.0)))) } else { Ok(()) }
    }
}

/// The last edge of a batch; `None` if its times go back or leave the scale.
fn last_of(edges: &Edges) -> Option<RigTime> {
    edges.then.iter().try_fold(edges.first.0, |at, gap| if *gap < 0 { None } else { at.checked_add(*gap) }).map(RigTime)
}

#[derive(Debug)]
enum Line {
    Whole(Vec<u8>),
    /// It was longer than allowed and was skipped.
    TooLong {
        bytes: usize,
    },
}

impl Line {
    fn decode(&self) -> Result<Up, WireError> {
        match self {
            Self::Whole(bytes) => Up::decode(&String::from_utf8_lossy(bytes)),
            Self::TooLong { bytes } => Err(WireError::TooLong { bytes: *bytes }),
        }
    }
}

/// Takes lines out of a socket with a bounded memory. Cancel safe.
#[derive(Debug)]
struct LineReader {
    from: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Bytes of a too long line that were thrown away already; 0 outside of one.
    skipped: usize,
}

impl LineReader {
    /// The next line without its end; `None` when the other side has closed.
    async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                let bytes = std::mem::take(&mut self.skipped) + line.len();
                return Ok(Some(if bytes > MAX_LINE { Line::TooLong { bytes } } else { Line::Whole(line) }));
            }
            if self.buffer.len() > MAX_LINE || self.skipped > 0 {
                self.skipped += self.buffer.len();
                self.buffer.clear();
            }
            self.buffer.reserve(READ_BYTES);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}
