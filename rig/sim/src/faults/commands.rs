//! Commands that the firmware hears twice, late, otherwise, or not at all.

use std::borrow::Cow;
use std::sync::Arc;

use pump_link::{Command, Decoder, FromPump, Request, Response, State, decode_request};
use rig_model::defect::{Asked, Seam};
use rig_model::time::{RigTime, Span};

use super::{Faults, Misdeed, OWN_SESSION, frame, seconds};

#[derive(Debug)]
pub(super) struct Commands {
    decoder: Decoder,
    /// Some seam alters what is heard; then whole frames go on, and before that nothing.
    alters: bool,
    pending: Vec<u8>,
    deaf_until: Option<RigTime>,
    bolus: Option<Command>,
    last_start: Option<(u32, u16)>,
    echo: bool,
    own_seq: u16,
    /// Commands that a seam has counted.
    counted: u32,
    /// The last one that was kept from the firmware, and answered for it.
    kept: Option<(u32, u16)>,
    /// The last that is not to be answered.
    pub unanswered: Option<(u32, u16)>,
}

/// What of a command reaches the firmware.
enum Heard {
    AsItIs,
    Instead(Command),
    Nothing,
}

impl Commands {
    pub fn of(seams: &[Seam]) -> Self {
        let alters = |seam: &Seam| {
            matches!(
                seam,
                Seam::CommandTwice { .. }
                    | Seam::CommandIgnored { .. }
                    | Seam::CommandLate { .. }
                    | Seam::CommandUnanswered { .. }
                    | Seam::DoseScaled { .. }
                    | Seam::RateScaled { .. }
                    | Seam::TimeScaled { .. }
                    | Seam::Deaf { .. }
                    | Seam::DeafAfterGarbage { .. }
            )
        };
        Self {
            decoder: Decoder::new(),
            alters: seams.iter().any(alters),
            pending: Vec::new(),
            deaf_until: None,
            bolus: None,
            last_start: None,
            echo: false,
            own_seq: 0,
            counted: 0,
            kept: None,
            unanswered: None,
        }
    }
}

impl Faults {
    /// What the firmware hears of the bytes that arrive.
    pub fn bytes_to_pump<'b>(&mut self, at: RigTime, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        if !self.listens {
            return Cow::Borrowed(bytes);
        }
        if !self.commands.alters {
            self.observe(at, bytes);
            return Cow::Borrowed(bytes);
        }
        let mut heard = Vec::new();
        self.commands.pending.extend_from_slice(bytes);
        while let Some(end) = self.commands.pending.iter().position(|byte| *byte == 0) {
            let rest = self.commands.pending.split_off(end + 1);
            let chunk = std::mem::replace(&mut self.commands.pending, rest);
            self.chunk(at, chunk, &mut heard);
        }
        Cow::Owned(heard)
    }

    /// One frame, or what stands where one should be.
    fn chunk(&mut self, at: RigTime, chunk: Vec<u8>, heard: &mut Vec<u8>) {
        let mut what = Heard::AsItIs;
        let (mut request, mut spoilt) = (None, false);
        let mut decoder = std::mem::take(&mut self.commands.decoder);
        decoder.push(&chunk, |message| match message {
            Ok(message) => request = decode_request(message).ok(),
            Err(_) => spoilt = true,
        });
        self.commands.decoder = decoder;
        let deaf = self.is_deaf(at);
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            if let Seam::DeafAfterGarbage { for_s } = *seam
                && spoilt
            {
                self.commands.deaf_until = Some(at + seconds(for_s));
            }
        }
        if deaf {
            return;
        }
        if let Some(request) = request {
            self.notes(at, &request);
            what = self.altered(at, &request);
        }
        match (what, request) {
            (Heard::Instead(command), Some(request)) => heard.extend(frame(&Request { command, ..request })),
            (Heard::Nothing, _) => {}
            _ => heard.extend(chunk),
        }
    }

    fn is_deaf(&self, at: RigTime) -> bool {
        let since_power = at - self.powered_at;
        self.commands.deaf_until.is_some_and(|until| at < until)
            || self.seams.iter().any(|seam| matches!(*seam, Seam::Deaf { after_s } if since_power > seconds(after_s)))
    }

    fn observe(&mut self, at: RigTime, bytes: &[u8]) {
        let mut decoder = std::mem::take(&mut self.commands.decoder);
        decoder.push(bytes, |message| {
            if let Some(request) = message.ok().and_then(|m| decode_request(m).ok()) {
                self.notes(at, &request);
            }
        });
        self.commands.decoder = decoder;
    }

    /// What must be known of a command later on.
    fn notes(&mut self, at: RigTime, request: &Request) {
        match request.command {
            Command::Refill { .. } | Command::FactoryReset | Command::EndRefill { .. } => self.replies.unstick(),
            Command::ProgramBolus { .. } => self.commands.bolus = Some(request.command),
            Command::Stop => (self.commands.echo, self.strokes.stop_asked) = (false, true),
            Command::Start => {
                let number = Some((request.session, request.seq));
                self.commands.echo = self.commands.last_start == number && self.commands.bolus.is_some();
                self.commands.last_start = number;
                self.strokes.stop_asked = false;
                if self.commands.echo && self.state != Some(State::Bolus) {
                    self.echo_if_repeated(at);
                }
            }
            _ => {}
        }
    }

    fn echo_if_repeated(&mut self, at: RigTime) {
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            if let Seam::RepeatedStart { after_s } = *seam {
                self.echo(at, after_s);
            }
        }
    }

    /// The bolus is started once more, if its start was sent again.
    pub(super) fn echo(&mut self, at: RigTime, after_s: f64) {
        if std::mem::take(&mut self.commands.echo) {
            self.bolus_again(at, seconds(after_s));
        }
    }

    fn bolus_again(&mut self, at: RigTime, after: Span) {
        let Some(program) = self.commands.bolus else { return };
        let bytes = [program, Command::Start].map(|command| self.own(command)).concat();
        self.plan(at + after, Misdeed::Command(bytes));
    }

    /// A command in a session of its own.
    fn own(&mut self, command: Command) -> Vec<u8> {
        self.commands.own_seq = self.commands.own_seq.wrapping_add(1);
        frame(&Request { session: OWN_SESSION, seq: self.commands.own_seq, command })
    }

    fn altered(&mut self, at: RigTime, request: &Request) -> Heard {
        let mut command = request.command;
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            match *seam {
                Seam::DoseScaled { by } => scale_dose(&mut command, by),
                Seam::RateScaled { by } => scale_rate(&mut command, by),
                Seam::TimeScaled { by } => {
                    if let Command::ProgramBolus { duration_ms, .. } | Command::ProgramBolusDose { duration_ms, .. } = &mut command {
                        *duration_ms = scaled(*duration_ms, by);
                    }
                }
                _ => {
                    if let Some(heard) = self.diverted(*seam, at, request) {
                        return heard;
                    }
                }
            }
        }
        if command == request.command { Heard::AsItIs } else { Heard::Instead(command) }
    }

    /// Commands that are ignored, late, carried out twice or not answered.
    fn diverted(&mut self, seam: Seam, at: RigTime, request: &Request) -> Option<Heard> {
        let number = (request.session, request.seq);
        let again = self.commands.kept == Some(number);
        match seam {
            Seam::CommandIgnored { which, every } if asked(which, &request.command) => {
                self.commands.counted += u32::from(!again);
                if !again && !self.commands.counted.is_multiple_of(every) {
                    return None;
                }
                self.accept(at, number);
                Some(Heard::Nothing)
            }
            Seam::CommandLate { which, by_s } if asked(which, &request.command) => {
                if !again {
                    let bytes = self.own(request.command);
                    self.plan(at + seconds(by_s), Misdeed::Command(bytes));
                }
                self.accept(at, number);
                Some(Heard::Nothing)
            }
            Seam::CommandTwice { which, after_s } if asked(which, &request.command) && self.commands.kept != Some(number) => {
                self.commands.kept = Some(number);
                if request.command == Command::Start && self.commands.bolus.is_some() {
                    self.bolus_again(at, seconds(after_s));
                } else {
                    let bytes = self.own(request.command);
                    self.plan(at + seconds(after_s), Misdeed::Command(bytes));
                }
                None
            }
            Seam::CommandUnanswered { which } if asked(which, &request.command) => {
                self.commands.unanswered = Some(number);
                None
            }
            _ => None,
        }
    }

    /// Answers in the firmware's stead.
    fn accept(&mut self, at: RigTime, (session, seq): (u32, u16)) {
        self.commands.kept = Some((session, seq));
        self.plan(at, Misdeed::Reply(frame(&FromPump::Reply { session, seq, response: Response::Accepted })));
    }
}

fn asked(which: Asked, command: &Command) -> bool {
    match (which, command) {
        (Asked::Any, command) => command.changes_state(),
        (Asked::Start, Command::Start)
        | (Asked::Stop, Command::Stop)
        | (Asked::Acknowledge, Command::Acknowledge)
        | (Asked::Silence, Command::Silence)
        | (Asked::Refill, Command::Refill { .. } | Command::EndRefill { .. })
        | (Asked::ProgramBasal, Command::ProgramBasal { .. } | Command::ProgramBasalDose { .. })
        | (Asked::ProgramBolus, Command::ProgramBolus { .. } | Command::ProgramBolusDose { .. })
        | (Asked::Confirm, Command::Confirm { .. })
        | (Asked::Discard, Command::Discard)
        | (Asked::PatientBolus, Command::PatientBolus)
        | (Asked::SetClock, Command::SetClock { .. })
        | (Asked::Record, Command::RecordPain { .. } | Command::RecordEvent { .. })
        | (Asked::ShutDown, Command::ShutDown) => true,
        (Asked::Program, command) => programs(command),
        _ => false,
    }
}

fn programs(command: &Command) -> bool {
    matches!(
        command,
        Command::ProgramBasal { .. }
            | Command::ProgramBolus { .. }
            | Command::ProgramPriming { .. }
            | Command::ProgramConcentration { .. }
            | Command::ProgramBasalDose { .. }
            | Command::ProgramBolusDose { .. }
            | Command::ProgramStep { .. }
            | Command::ProgramMicrodose { .. }
            | Command::ProgramMinimum
            | Command::ProgramPatientBolus { .. }
            | Command::ProgramLimit { .. }
            | Command::ProgramBridge { .. }
    )
}

fn scale_dose(command: &mut Command, by: f64) {
    match command {
        Command::ProgramBolus { volume_nl, .. }
        | Command::ProgramPriming { volume_nl }
        | Command::ProgramMicrodose { volume_nl, .. }
        | Command::ProgramPatientBolus { volume_nl, .. } => *volume_nl = scaled(*volume_nl, by),
        Command::ProgramBolusDose { ng, .. } => *ng = scaled(*ng, by),
        Command::ProgramStep { bolus_nl, .. } => *bolus_nl = scaled(*bolus_nl, by),
        _ => {}
    }
}

fn scale_rate(command: &mut Command, by: f64) {
    match command {
        Command::ProgramBasal { rate_nl_h } | Command::ProgramStep { rate_nl_h, .. } | Command::ProgramBridge { rate_nl_h, .. } => {
            *rate_nl_h = scaled(*rate_nl_h, by);
        }
        Command::ProgramBasalDose { ng_per_h } => *ng_per_h = scaled(*ng_per_h, by),
        _ => {}
    }
}

/// A cast holds at the ends of the range.
fn scaled(number: u32, by: f64) -> u32 {
    (f64::from(number) * by).round() as u32
}
