//! A desk to try boards at: sends commands over the serial line, moves lines, and keeps what happened.

use pump_link::{Command, Decoder, FromPump, LogCode, LogEntry, MAX_FRAME, Notice, Request, Response, Status, decode_from_pump, encode};
use rig_model::bench::Bench;
use rig_model::input::{Action, Actuation, Bytes, Input, PlantChange, Sense};
use rig_model::time::{RigTime, Span};
use rig_sim::{Arrival, Board, Unit, reference_bench};

pub struct Desk {
    pub board: Board,
    pub now: RigTime,
    pub seen: Vec<Arrival>,
    pub notices: Vec<(RigTime, Notice)>,
    replies: Vec<(u16, Response)>,
    decoder: Decoder,
    seq: u16,
    id: u64,
}

/// The reference bench without noise: volumes come out exact to a pulse.
pub fn quiet_bench() -> Bench {
    let mut bench = reference_bench();
    let plant = bench.plant.as_mut().unwrap();
    plant.stroke_noise_percent = 0.0;
    plant.edge_jitter = Span::ZERO;
    plant.pressure_noise.0 = 0.0;
    bench
}

impl Desk {
    pub fn new(bench: &Bench, seed: u64, unit: Option<&Unit>) -> Self {
        Self {
            board: Board::new(bench, seed, unit, RigTime::ZERO),
            now: RigTime::ZERO,
            seen: Vec::new(),
            notices: Vec::new(),
            replies: Vec::new(),
            decoder: Decoder::new(),
            seq: 0,
            id: 0,
        }
    }

    /// A board with power on and its self-test over.
    pub fn ready(unit: Option<&Unit>) -> Self {
        let mut desk = Self::new(&quiet_bench(), 1, unit);
        desk.line("power", true);
        desk.wait(Span::milliseconds(1_500));
        desk
    }

    /// Goes from event to event, as the loop of a run does.
    pub fn wait(&mut self, span: Span) {
        let until = self.now + span;
        while self.now < until {
            let next = self.board.next_event().map_or(until, |at| at.min(until));
            assert!(next > self.now, "{next:?} is not later than {:?}", self.now);
            let first = self.seen.len();
            self.board.advance(next, &mut self.seen);
            self.listen(first);
            self.now = next;
        }
    }

    /// Moves a line; whether the bench said that it did.
    pub fn line(&mut self, line: &str, active: bool) -> bool {
        self.actuate(Actuation::Line { line: line.into(), active })
    }

    pub fn plant(&mut self, change: PlantChange) -> bool {
        self.actuate(Actuation::Plant(change))
    }

    /// Sends a new command and gives its answer, if one came within 100 ms.
    pub fn command(&mut self, command: Command) -> Option<Response> {
        self.seq += 1;
        self.send(command)
    }

    /// Sends the last command's number again.
    pub fn repeat(&mut self, command: Command) -> Option<Response> {
        self.send(command)
    }

    /// Sends a frame that is none.
    pub fn spoil(&mut self) {
        self.board.act(self.now, &Action::Tx(Bytes(vec![3, 7, 9, 0])));
        self.wait(Span::milliseconds(10));
    }

    pub fn status(&mut self) -> Option<Status> {
        match self.command(Command::Status)? {
            Response::Status(status) => Some(status),
            other => panic!("{other:?} is no status"),
        }
    }

    pub fn accepted(&mut self, command: Command) {
        assert_eq!(self.command(command), Some(Response::Accepted), "{command:?}");
    }

    /// Code and value of all entries of the log.
    pub fn log(&mut self) -> Vec<(LogCode, u32)> {
        self.log_entries().into_iter().map(|entry| (entry.code, entry.value)).collect()
    }

    pub fn log_entries(&mut self) -> Vec<LogEntry> {
        let mut told: Vec<LogEntry> = Vec::new();
        loop {
            let from = told.last().map_or(0, |entry| entry.number + 1);
            match self.command(Command::ReadLog { from }) {
                Some(Response::Log { entries }) if entries.is_empty() => return told,
                Some(Response::Log { entries }) => told.extend(entries),
                other => panic!("{other:?} is no log"),
            }
        }
    }

    /// Of each run of pulses of a channel the first one, from this arrival on; a run ends with a pause of this length.
    pub fn first_pulses(&self, channel: &str, from: usize, pause: Span) -> Vec<RigTime> {
        let edges = self.seen[from..].iter().filter_map(|a| if let Input::Edges(e) = &a.input { Some(e) } else { None });
        let (mut firsts, mut last) = (Vec::new(), None);
        for at in edges.filter(|e| &*e.channel == channel).flat_map(|e| e.times()) {
            if last.is_none_or(|last| at - last > pause) {
                firsts.push(at);
            }
            last = Some(at);
        }
        firsts
    }

    /// Edges of a channel in one sense after an instant.
    pub fn edges(&self, channel: &str, sense: Sense, after: RigTime) -> usize {
        let batches = self.seen.iter().filter_map(|a| if let Input::Edges(e) = &a.input { Some(e) } else { None });
        let batches = batches.filter(|e| &*e.channel == channel && e.sense == sense);
        batches.flat_map(|e| e.times()).filter(|at| *at > after).count()
    }

    fn actuate(&mut self, what: Actuation) -> bool {
        self.id += 1;
        let id = self.id;
        self.board.act(self.now, &Action::Actuate { id, what });
        self.wait(Span::milliseconds(20));
        self.seen.iter().any(|a| a.input == Input::Done { id })
    }

    fn send(&mut self, command: Command) -> Option<Response> {
        let seq = self.seq;
        let mut buffer = [0; MAX_FRAME];
        let frame = encode(&Request { session: 7, seq, command }, &mut buffer).unwrap();
        self.replies.clear();
        self.board.act(self.now, &Action::Tx(Bytes(frame.to_vec())));
        self.wait(Span::milliseconds(100));
        self.replies.iter().find(|(number, _)| *number == seq).map(|(_, response)| response.clone())
    }

    fn listen(&mut self, first: usize) {
        for Arrival { at, input, .. } in &self.seen[first..] {
            let Input::Rx(Bytes(bytes)) = input else { continue };
            self.decoder.push(bytes, |message| match decode_from_pump(message.unwrap()).unwrap() {
                FromPump::Reply { session, seq, response } => {
                    assert_eq!(session, 7);
                    self.replies.push((seq, response));
                }
                FromPump::Notice { notice, .. } => self.notices.push((*at, notice)),
            });
        }
    }
}
