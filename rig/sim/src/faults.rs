//! What a defective pump does differently, at the seams of the firmware: bytes, readings, strokes, tones, power, constants.

use std::collections::VecDeque;

use pump_link::{
    Command, Decoder, FromPump, MAX_FRAME, Message, Notice, Request, Response, State, decode_from_pump, decode_request, encode,
};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};

use crate::defect::Defect;

/// `slow_stop`: strokes after a stop, and the time from one to the next, longer than any stroke.
const EXTRA_STROKES: i64 = 5;
const EXTRA_STROKE_EVERY: Span = Span::seconds(2);
/// `slow_start`: strokes after a rest that a sticking valve swallows.
const SWALLOWED: u32 = 3;
/// `dribbles_after_stop`: more than an implant's highest leak by two orders, less than its usual rate.
const DRIBBLE: Flow = Flow(30.0);
/// `resets_midway`: few enough to happen in a bolus.
const STROKES_TO_RESET: u32 = 20;
/// `mute`: time enough to identify the pump and to start it.
const MUTE_AFTER: Span = Span::seconds(30);
/// `double_bolus`: the pause before the second one.
const ECHO_AFTER: Span = Span::milliseconds(500);
/// The session in which `double_bolus` commands itself; the rig is not shown the replies.
const ECHO_SESSION: u32 = u32::MAX;
/// `deaf_to_pressure`: a plausible line pressure at rest.
const DEAF_READING: Pressure = Pressure(2.0);
const LATE_FACTOR: f64 = 0.6;

/// Something that a defect brings about by itself.
#[derive(Debug)]
pub(crate) enum Misdeed {
    Stroke(Volume, Span),
    /// Commands to the firmware that the rig never sent.
    Command(Vec<u8>),
    Dribble(Flow),
    BrownOut,
}

#[derive(Debug)]
pub(crate) struct Faults {
    defect: Option<Defect>,
    planned: VecDeque<(RigTime, Misdeed)>,
    powered_at: RigTime,
    from_rig: Decoder,
    from_pump: Decoder,
    /// As the pump last told it.
    state: Option<State>,
    last_stroke: (Volume, Span),
    strokes: u32,
    since_rest: u32,
    reservoir_nl: Option<u32>,
    bolus: Option<Command>,
    last_start: Option<(u32, u16)>,
    echo: bool,
    echo_seq: u16,
    stop_asked: bool,
}

impl Faults {
    pub fn new(defect: Option<Defect>) -> Self {
        Self {
            defect,
            planned: VecDeque::new(),
            powered_at: RigTime::ZERO,
            from_rig: Decoder::new(),
            from_pump: Decoder::new(),
            state: None,
            last_stroke: (Volume(0.0), Span::ZERO),
            strokes: 0,
            since_rest: 0,
            reservoir_nl: None,
            bolus: None,
            last_start: None,
            echo: false,
            echo_seq: 0,
            stop_asked: false,
        }
    }

    /// A pump that nothing has happened to yet.
    pub fn refresh(&mut self) {
        *self = Self::new(self.defect);
    }

    pub fn powered_on(&mut self, at: RigTime) {
        *self = Self { powered_at: at, ..Self::new(self.defect) };
    }

    pub fn powered_off(&mut self) {
        // A valve that doesn't close needs no power.
        self.planned.retain(|(_, misdeed)| matches!(misdeed, Misdeed::Dribble(_)));
    }

    pub fn next(&self) -> Option<RigTime> {
        self.planned.front().map(|(at, _)| *at)
    }

    pub fn take(&mut self) -> Option<Misdeed> {
        self.planned.pop_front().map(|(_, misdeed)| misdeed)
    }

    /// True stroke volume over the volume that the firmware meant, beside the plant's own.
    pub fn gain(&self) -> f64 {
        match self.defect {
            Some(Defect::WrongGain) => 1.12,
            Some(Defect::UnderDelivery) => 0.85,
            _ => 1.0,
        }
    }

    /// Whether the next stroke moves nothing.
    pub fn swallows(&self) -> bool {
        self.defect == Some(Defect::SlowStart) && self.since_rest < SWALLOWED
    }

    pub fn warns_low(&self) -> bool {
        self.defect != Some(Defect::NoLowWarning)
    }

    /// The pressure that the firmware reads, for the pressure that is there.
    pub fn pressure(&self, truth: Pressure) -> Pressure {
        match self.defect {
            Some(Defect::DeafToPressure) => DEAF_READING,
            Some(Defect::LateOcclusion) => Pressure(truth.0 * LATE_FACTOR),
            _ => truth,
        }
    }

    /// Whether the sounder follows the firmware. The self-test's chirp is heard in any case.
    pub fn sounds(&self) -> bool {
        self.defect != Some(Defect::SilentSounder) || self.state.is_none_or(|state| state == State::SelfTest)
    }

    pub fn stroke(&mut self, at: RigTime, volume: Volume, duration: Span) {
        self.last_stroke = (volume, duration);
        self.strokes += 1;
        self.since_rest += 1;
        if self.defect == Some(Defect::ResetsMidway) && self.strokes == STROKES_TO_RESET {
            self.planned.push_back((at + Span(duration.0 / 2), Misdeed::BrownOut));
        }
    }

    /// Sees the bytes that go to the pump.
    pub fn bytes_to_pump(&mut self, at: RigTime, bytes: &[u8]) {
        if !matches!(self.defect, Some(Defect::DoubleBolus | Defect::StuckReservoirCount | Defect::SlowStop)) {
            return;
        }
        let mut decoder = std::mem::take(&mut self.from_rig);
        decoder.push(bytes, |message| {
            if let Some(request) = message.ok().and_then(|m| decode_request(m).ok()) {
                self.request(at, request);
            }
        });
        self.from_rig = decoder;
    }

    fn request(&mut self, at: RigTime, request: Request) {
        match request.command {
            Command::Refill { .. } | Command::FactoryReset => self.reservoir_nl = None,
            Command::ProgramBolus { .. } => self.bolus = Some(request.command),
            Command::Stop => (self.echo, self.stop_asked) = (false, true),
            Command::Start => {
                let number = Some((request.session, request.seq));
                self.echo = self.last_start == number && self.bolus.is_some();
                self.last_start = number;
                self.stop_asked = false;
                if self.echo && self.state != Some(State::Bolus) {
                    self.plan_echo(at);
                }
            }
            _ => {}
        }
    }

    fn plan_echo(&mut self, at: RigTime) {
        if self.defect != Some(Defect::DoubleBolus) || !std::mem::take(&mut self.echo) {
            return;
        }
        let Some(program) = self.bolus else { return };
        let mut bytes = Vec::new();
        for command in [program, Command::Start] {
            self.echo_seq = self.echo_seq.wrapping_add(1);
            bytes.extend(frame(&Request { session: ECHO_SESSION, seq: self.echo_seq, command }));
        }
        self.planned.push_back((at + ECHO_AFTER, Misdeed::Command(bytes)));
    }

    /// Sees the bytes that the pump sends, a frame at a time, and says what leaves it instead; empty for nothing.
    pub fn bytes_from_pump(&mut self, at: RigTime, bytes: Vec<u8>) -> Vec<u8> {
        let Some(defect) = self.defect else { return bytes };
        if defect == Defect::Mute && at - self.powered_at > MUTE_AFTER {
            return Vec::new();
        }
        let mut instead = None;
        let mut decoder = std::mem::take(&mut self.from_pump);
        decoder.push(&bytes, |message| {
            if let Some(message) = message.ok().and_then(|m| decode_from_pump(m).ok()) {
                instead = instead.take().or_else(|| self.message(at, message));
            }
        });
        self.from_pump = decoder;
        instead.unwrap_or(bytes)
    }

    /// One message of the pump; what is to be sent in its place, when that is something else.
    fn message(&mut self, at: RigTime, message: FromPump) -> Option<Vec<u8>> {
        match message {
            FromPump::Notice { notice: Notice::State(state), .. } => {
                let before = self.state.replace(state);
                self.state_changed(at, before, state);
                None
            }
            FromPump::Notice { notice: Notice::Restarted, .. } => {
                self.state = Some(self.state.filter(|s| *s != State::SelfTest).unwrap_or(State::Stopped));
                None
            }
            FromPump::Reply { session: ECHO_SESSION, .. } if self.defect == Some(Defect::DoubleBolus) => Some(Vec::new()),
            FromPump::Reply { session, seq, response: Response::Status(mut status) } => {
                if self.defect != Some(Defect::StuckReservoirCount) {
                    return None;
                }
                status.reservoir_nl = *self.reservoir_nl.get_or_insert(status.reservoir_nl);
                Some(frame(&FromPump::Reply { session, seq, response: Response::Status(status) }))
            }
            _ => None,
        }
    }

    fn state_changed(&mut self, at: RigTime, before: Option<State>, now: State) {
        let flows = |state| matches!(state, State::Infusing | State::Bolus | State::Priming);
        let came_to_rest = before.is_some_and(flows) && !flows(now);
        if !flows(now) {
            self.since_rest = 0;
        }
        match self.defect {
            Some(Defect::SlowStop) if flows(now) => self.planned.clear(),
            Some(Defect::SlowStop) if came_to_rest && std::mem::take(&mut self.stop_asked) => {
                let (volume, duration) = self.last_stroke;
                for n in 1..=EXTRA_STROKES {
                    self.planned.push_back((at + Span(n * EXTRA_STROKE_EVERY.0), Misdeed::Stroke(volume, duration)));
                }
            }
            Some(Defect::DribblesAfterStop) if flows(now) => self.planned.push_back((at, Misdeed::Dribble(Flow(0.0)))),
            Some(Defect::DribblesAfterStop) if came_to_rest => self.planned.push_back((at, Misdeed::Dribble(DRIBBLE))),
            Some(Defect::DoubleBolus) if before == Some(State::Bolus) && now != State::Bolus => self.plan_echo(at),
            _ => {}
        }
    }
}

fn frame<M: Message>(message: &M) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    encode(message, &mut buffer).expect("a message that was decoded, or a request, fits a frame").to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(state: State) -> Vec<u8> {
        frame(&FromPump::Notice { number: 1, uptime_us: 1, notice: Notice::State(state) })
    }

    fn start(seq: u16) -> Vec<u8> {
        frame(&Request { session: 7, seq, command: Command::Start })
    }

    #[test]
    fn a_sound_pump_is_left_alone() {
        let mut faults = Faults::new(None);
        assert_eq!(faults.bytes_from_pump(RigTime(1), notice(State::Bolus)), notice(State::Bolus));
        faults.bytes_to_pump(RigTime(1), &start(1));
        faults.stroke(RigTime(1), Volume(1.0), Span(1));
        assert_eq!((faults.next(), faults.gain(), faults.pressure(Pressure(50.0)).0), (None, 1.0, 50.0));
        assert!(faults.sounds() && faults.warns_low());
    }

    #[test]
    fn only_a_repeated_start_is_echoed_and_only_after_the_bolus() {
        let program = frame(&Request { session: 7, seq: 1, command: Command::ProgramBolus { volume_nl: 1, duration_ms: 1 } });
        for (second_start, echoed) in [(2, true), (3, false)] {
            let mut faults = Faults::new(Some(Defect::DoubleBolus));
            faults.bytes_to_pump(RigTime(0), &program);
            faults.bytes_to_pump(RigTime(1), &start(2));
            faults.bytes_from_pump(RigTime(2), notice(State::Bolus));
            faults.bytes_to_pump(RigTime(3), &start(second_start));
            assert_eq!(faults.next(), None);
            faults.bytes_from_pump(RigTime(9), notice(State::Stopped));
            assert_eq!(faults.next(), echoed.then_some(RigTime(9) + ECHO_AFTER));
        }
    }
}
