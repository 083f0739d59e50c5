//! Everything that the loop hears from and speaks to: the link, the lines channel, the process at its other end, the sensors, the balance and the
//! operator.

mod losing;
mod opening;

use std::collections::{BTreeMap, VecDeque};

use rig_model::bench::{Bench, BenchKind};
use rig_model::input::{Action, Actuation, BENCH_ITSELF, Input, Lost, Source};
use rig_model::time::{RigTime, Span};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use self::opening::{Parts, Sensors};
use crate::child::Host;
use crate::clock::Clock;
use crate::deeds::{Deeds, Order};
use crate::feed::{Feed, Heard};
use crate::lines;
use crate::link;
use crate::pace::Pace;
use crate::prompt::{Operator, Prompts};
use crate::safe::Guard;
use crate::scales::{Promises, Weighing, Whence};

/// A relay moves in some 10 ms; an answer that takes this long is not coming.
pub const ACTUATION_LIMIT: Span = Span::seconds(5);
/// Twice in the shortest silence that is allowed, and then some.
const BEAT_EVERY: Span = Span::milliseconds(20);
/// What one round of the loop takes from each reader at the most, so that deadlines and stop requests are looked at in a flood.
const TAKE_AT_MOST: usize = 1024;
/// How often it is said that the sensors are gone: twice in the shortest dwell there is, so that no silence of theirs is taken for an end of flow.
const DEAF_TOLD_EVERY: Span = Span::milliseconds(500);
/// How long the lines may take to answer on the way out.
const SAFE_LIMIT: Span = Span::seconds(2);

/// The bench, as the loop sees it. Dropping it drives the lines to their safe levels and ends the firmware process.
#[derive(Debug)]
pub struct Ports {
    // Dropped in this order: first the lines are made safe, then the process that moves them ends.
    guard: Guard,
    host: Option<Host>,
    /// The link's task; it ends with this.
    _tasks: JoinSet<()>,
    clock: Clock,
    link_to: mpsc::Sender<Vec<u8>>,
    link_from: mpsc::Receiver<Heard>,
    lines_to: mpsc::Sender<String>,
    lines_from: mpsc::Receiver<Heard>,
    /// Why the lines channel ended, once it has.
    lines_end: JoinSet<String>,
    /// The sensors of a real bench, until they fail.
    sensors: Option<Sensors>,
    /// The balance, until it fails.
    weighing: Option<Weighing>,
    /// What the sensors and the balance have promised together.
    promises: Promises,
    /// Why nothing more will be heard of the sensors, and when that was last told.
    deaf: Option<(String, RigTime)>,
    /// The outputs and sensors are of a bench of kind `pi`.
    real: bool,
    prompts: Prompts,
    /// Heard while waiting.
    ahead: VecDeque<(Whence, Heard)>,
    /// What the rig itself has to say in the name of a source.
    own: VecDeque<(Source, Input)>,
    pace: Pace,
    /// When the run last said that it lives.
    beat_at: RigTime,
    /// Actuations without an answer yet, and until when they may stay so.
    outstanding: BTreeMap<u64, RigTime>,
    /// Injections that are played through lines.
    deeds: Deeds,
}

impl Ports {
    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn assemble(parts: Parts, bench: &Bench, operator: Option<Operator>, clock: Clock) -> std::io::Result<Self> {
        let Parts { host, port, plan, lines, sensors, scales } = parts;
        let guard = Guard::new(&lines, bench)?;
        let (link_to, tx) = mpsc::channel(link::TX_CAPACITY);
        let (feed, link_from) = Feed::new("the serial port", link::RX_CAPACITY);
        let mut tasks = JoinSet::new();
        tasks.spawn(link::serve(port, plan, clock, feed, tx));
        let (lines_to, orders) = mpsc::channel(lines::TX_CAPACITY);
        let (feed, lines_from) = Feed::new("the lines channel", lines::RX_CAPACITY);
        let mut lines_end = JoinSet::new();
        lines_end.spawn(lines::serve(lines, clock, feed, orders));
        Ok(Self {
            guard,
            host,
            _tasks: tasks,
            clock,
            link_to,
            link_from,
            lines_to,
            lines_from,
            lines_end,
            sensors,
            promises: Promises::new(scales.is_some()),
            weighing: scales.map(|scales| scales.start(clock)),
            deaf: None,
            real: bench.kind == BenchKind::Pi,
            beat_at: RigTime::ZERO,
            prompts: Prompts::new(operator),
            ahead: VecDeque::new(),
            own: VecDeque::new(),
            pace: Pace::default(),
            outstanding: BTreeMap::new(),
            deeds: Deeds::new(bench),
        })
    }

    /// Waits until something can be taken, or until then. Cancel safe.
    pub async fn wait(&mut self, until: RigTime) {
        if !self.ahead.is_empty() || !self.own.is_empty() {
            return;
        }
        let until = self.deeds.next_due().map_or(until, |due| due.min(until));
        let sleep = tokio::time::sleep(self.clock.until(until));
        tokio::select! {
            heard = self.link_from.recv(), if !self.pace.is_dead(Source::Link) => match heard {
                Some(heard) => self.ahead.push_back((Whence::Others, heard)),
                None => self.link_died(),
            },
            heard = self.lines_from.recv(), if !self.lines_end.is_empty() => match heard {
                Some(heard) => self.ahead.push_back((Whence::Others, heard)),
                // What came before the end has been taken by now.
                None => self.lines_died().await,
            },
            heard = hear(&mut self.sensors) => match heard {
                Some(heard) => self.ahead.push_back((Whence::Others, heard)),
                None => self.sensors_died(),
            },
            heard = weighed(&mut self.weighing) => match heard {
                Some(heard) => self.ahead.push_back((Whence::Balance, heard)),
                None => self.balance_died().await,
            },
            answer = self.prompts.answered() => self.own.push_back((Source::Operator, answer)),
            how = ended(&mut self.host) => {
                self.host = None;
                self.lose(Source::Bench, how);
            }
            () = sleep => {}
        }
    }

    /// What was heard up to now, and up to where each source is complete.
    pub fn take(&mut self, into: &mut Vec<Heard>) {
        let sensors = self.sensors.as_mut().map(|s| &mut s.from);
        for from in [&mut self.link_from, &mut self.lines_from].into_iter().chain(sensors) {
            self.ahead.extend(std::iter::from_fn(|| from.try_recv().ok()).take(TAKE_AT_MOST).map(|heard| (Whence::Others, heard)));
        }
        if let Some(Weighing { from, .. }) = &mut self.weighing {
            self.ahead.extend(std::iter::from_fn(|| from.try_recv().ok()).take(TAKE_AT_MOST).map(|heard| (Whence::Balance, heard)));
        }
        while let Some((whence, heard)) = self.ahead.pop_front() {
            self.pass(whence, heard, into);
        }
        let now = self.clock.now();
        for order in self.deeds.due(now) {
            self.send(&order);
        }
        self.give_up_late_actuations(now);
        self.stay_deaf(now);
        let lagging = self.pace.newly_lagging(now);
        for (source, lag) in lagging {
            let why = format!("{source:?} said nothing for {lag}");
            tracing::warn!("{why}");
            let at = self.pace.first_missing(source);
            into.push(Heard::Input { source, at, arrival: Some(now), input: Input::Lost { what: Lost::because(why.clone()) } });
            // Simulated, it is a machine under load; on a real bench nobody may infuse with it.
            if self.real {
                self.fail(why);
            }
        }
        // Before the watermarks, which would make it late.
        while let Some((source, input)) = self.own.pop_front() {
            let at = self.pace.stamp(source, now);
            into.push(Heard::Input { source, at, arrival: None, input });
        }
        into.extend(self.pace.forced(now).into_iter().map(|(source, at)| Heard::Watermark { source, at }));
    }

    /// Tells the process that owns the outputs that the run lives. To be called in each round of the loop, and by nothing else: a loop that
    /// no longer turns must fall silent.
    pub fn beat(&mut self) {
        let now = self.clock.now();
        if now < self.beat_at + BEAT_EVERY {
            return;
        }
        self.beat_at = now;
        // A channel that takes no more orders falls silent too, and that is right.
        if let Ok(beat) = lines::beat() {
            let _ = self.lines_to.try_send(beat);
        }
    }

    /// Never waits. What can't be carried out is answered as failed, or told as lost.
    pub fn carry_out(&mut self, action: Action) {
        match action {
            Action::Tx(bytes) => {
                let count = bytes.0.len();
                if self.link_to.try_send(bytes.0).is_err() {
                    self.lose(Source::Link, format!("{count} bytes to the board found no room: the serial port takes none"));
                }
            }
            Action::Actuate { id, what } => self.actuate(id, &what),
            Action::Prompt { id, text } => self.own.extend(self.prompts.ask(id, text).map(|answer| (Source::Operator, answer))),
        }
    }

    /// Whether there is more than a simulation at the other end.
    pub fn is_real(&self) -> bool {
        self.real
    }

    /// Drives all lines to their safe levels and lets the firmware process leave.
    ///
    /// # Errors
    /// Not every line answered that it is safe; why.
    pub async fn close(mut self) -> Result<(), String> {
        let made_safe = self.make_safe().await;
        if made_safe.is_ok() {
            self.guard.disarm();
        }
        let host = self.host.take();
        // The end of the lines channel is what the process leaves for.
        drop(self);
        if let Some(host) = host {
            host.leave().await;
        }
        made_safe
    }

    async fn make_safe(&mut self) -> Result<(), String> {
        self.outstanding.clear();
        // The run hears no more of them; the orders that follow end them.
        self.deeds.give_up("the run is over");
        for (id, what) in self.guard.lines().to_vec() {
            self.actuate(id, &what);
        }
        let until = self.clock.now() + SAFE_LIMIT;
        let mut heard = Vec::new();
        loop {
            self.take(&mut heard);
            let failed = heard.drain(..).find_map(|h| match h {
                Heard::Input { input: Input::Failed { id, why }, .. } => Some(format!("line order {id} failed: {why}")),
                _ => None,
            });
            match failed {
                Some(why) => return Err(why),
                None if self.outstanding.is_empty() => return Ok(()),
                None if self.clock.now() >= until => {
                    return Err(format!("{} lines did not answer within {SAFE_LIMIT}", self.outstanding.len()));
                }
                None => self.wait(until).await,
            }
        }
    }

    fn actuate(&mut self, id: u64, what: &Actuation) {
        match what {
            Actuation::Plant(change) if self.deeds.by_lines() => match self.deeds.begin(id, change) {
                Ok(order) => self.send(&order),
                Err(why) => self.own.push_back((Source::Bench, Input::Failed { id, why })),
            },
            Actuation::Line { line, .. } => {
                let overtaken = self.deeds.overtaken(line);
                self.own.extend(overtaken.map(|told| (Source::Bench, told)));
                self.send(&Order { id, what: what.clone() });
            }
            Actuation::Plant(_) => self.send(&Order { id, what: what.clone() }),
        }
    }

    fn send(&mut self, Order { id, what }: &Order) {
        let sent = match self.lines_end.is_empty() {
            true => Err("the lines channel is gone".to_owned()),
            false => lines::order(*id, what)
                .map_err(|error| error.to_string())
                .and_then(|order| self.lines_to.try_send(order).map_err(|_| "the lines channel takes no more orders".to_owned())),
        };
        match sent {
            Ok(()) => drop(self.outstanding.insert(*id, self.clock.now() + ACTUATION_LIMIT)),
            Err(why) => self.failed(*id, why),
        }
    }

    /// An order was not carried out, or not answered.
    fn failed(&mut self, id: u64, why: String) {
        let told = match Deeds::owns(id) {
            true => self.deeds.answered(id, Some(why), self.clock.now()),
            false => Some(Input::Failed { id, why }),
        };
        self.own.extend(told.map(|told| (Source::Bench, told)));
    }

    fn pass(&mut self, whence: Whence, mut heard: Heard, into: &mut Vec<Heard>) {
        match &mut heard {
            Heard::Watermark { source, at } => {
                if *source == Source::Sensors {
                    *at = self.promises.made(whence, *at);
                }
                self.pace.watermark(*source, *at);
            }
            Heard::Input { source, at, input, .. } => {
                if let Input::Done { id } | Input::Failed { id, .. } = input
                    && *id != BENCH_ITSELF
                    && self.outstanding.remove(id).is_none()
                {
                    return self.lose(Source::Bench, format!("actuation {id} was answered when no answer was expected any more"));
                }
                let of_deed = match input {
                    Input::Done { id } if Deeds::owns(*id) => Some((*id, None)),
                    Input::Failed { id, why } if Deeds::owns(*id) => Some((*id, Some(why.clone()))),
                    _ => None,
                };
                if let Some((order, failed)) = of_deed {
                    // The run asked for an injection and knows nothing of this order.
                    let Some(told) = self.deeds.answered(order, failed, *at) else { return };
                    *input = told;
                }
                self.pace.input(*source, *at);
            }
        }
        into.push(heard);
    }

    fn give_up_late_actuations(&mut self, now: RigTime) {
        let late: Vec<u64> = self.outstanding.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.outstanding.remove(&id);
            self.failed(id, format!("no answer within {ACTUATION_LIMIT}"));
        }
    }

    /// The bench can't be relied on any more: the run is to end.
    fn fail(&mut self, why: String) {
        self.own.push_back((Source::Bench, Input::Failed { id: BENCH_ITSELF, why }));
    }

    fn lose(&mut self, source: Source, why: String) {
        tracing::warn!("{why}");
        self.own.push_back((source, Input::Lost { what: Lost::because(why) }));
    }
}

/// Waits for the end of the process; for ever where there is none.
async fn ended(host: &mut Option<Host>) -> String {
    match host {
        Some(host) => host.ended().await,
        None => std::future::pending().await,
    }
}

/// Waits for what the sensors say; for ever where there are none.
async fn hear(sensors: &mut Option<Sensors>) -> Option<Heard> {
    match sensors {
        Some(sensors) => sensors.from.recv().await,
        None => std::future::pending().await,
    }
}

/// Waits for what the balance says; for ever where there is none.
async fn weighed(weighing: &mut Option<Weighing>) -> Option<Heard> {
    match weighing {
        Some(weighing) => weighing.from.recv().await,
        None => std::future::pending().await,
    }
}
