//! Requests: what each command does, and when it is refused.

use pump_link::{Command, FromPump, LogCode, Refusal, Request, RequestError, Response, State, Status, decode_request};

use crate::alarm::BEYOND_RESET;
use crate::machine::{Machine, Out, send};
use crate::recall::{Answer, Known};
use crate::therapy::Therapy;
use crate::time::Micros;

impl Machine {
    /// The message of a frame whose checksum is right.
    pub fn on_message(&mut self, now: Micros, message: &[u8], out: Out<'_>) {
        match decode_request(message) {
            Ok(request) if request.command.changes_state() => {
                let answer = self.execute_once(&request, now, out);
                reply(request.session, request.seq, answer.map_or_else(Response::Refused, |()| Response::Accepted), out);
            }
            Ok(request) => {
                self.recall.seen(&request);
                let response = self.answer_query(request.command, now);
                reply(request.session, request.seq, response, out);
            }
            Err(RequestError::UnknownCommand { session, seq, .. }) => {
                reply(session, seq, Response::Refused(Refusal::UnknownCommand), out);
            }
            Err(RequestError::Malformed { session, seq }) => reply(session, seq, Response::Refused(Refusal::Malformed), out),
            // Nobody to answer to.
            Err(RequestError::Unaddressed) => {}
        }
    }

    fn answer_query(&mut self, command: Command, now: Micros) -> Response {
        match command {
            Command::Identify => Response::Identity(self.config.identity.clone()),
            Command::ReadLog { .. } | Command::ReadBack { .. } | Command::Therapy if self.state == State::SelfTest => {
                Response::Refused(Refusal::SelfTestRunning)
            }
            Command::Therapy => Response::Therapy(self.therapy_told(now)),
            Command::ReadBack { from } => self.therapy.staging.page(from),
            Command::ReadLog { from } => Response::Log { entries: self.log.page(from, &self.device.kept.diary) },
            _ => Response::Status(self.status(now)),
        }
    }

    fn status(&self, now: Micros) -> Status {
        Status {
            state: self.state,
            alarms: self.alarms.active,
            reservoir_nl: self.reservoir_nl,
            delivered_nl: self.delivered_nl,
            basal_nl_h: self.basal_told_nl_h(now),
            bolus_left_nl: self.delivery.bolus_left_nl(),
            strokes: self.strokes,
            resets: self.resets,
            uptime_us: now.0,
        }
    }

    /// A retransmission gets the answer of the first time and does nothing.
    fn execute_once(&mut self, request: &Request, now: Micros, out: Out<'_>) -> Answer {
        match self.recall.look_up(request) {
            Known::Again(answer) => answer,
            Known::Stale => Err(Refusal::Malformed),
            Known::New => {
                let answer = self.execute(request.command, now, out);
                self.note_refusal(request.command, answer, now);
                self.recall.remember(request, answer);
                answer
            }
        }
    }

    fn execute(&mut self, command: Command, now: Micros, out: Out<'_>) -> Answer {
        match (self.state, command) {
            (State::SelfTest, _) => return Err(Refusal::SelfTestRunning),
            (State::Fault, Command::FactoryReset | Command::Acknowledge | Command::Silence) => {}
            (State::Fault, _) => return Err(Refusal::OutOfOrder),
            _ => {}
        }
        match command {
            Command::FactoryReset => self.factory_reset(now, out),
            Command::Start => self.start(now, out)?,
            Command::Stop => self.stop(now, out),
            Command::Acknowledge => self.acknowledge(now, out),
            Command::Refill { volume_nl } => self.refill(volume_nl, now, out)?,
            Command::SetClock { second_of_week } => self.set_clock(second_of_week, now)?,
            Command::Confirm { checksum } => self.confirm(checksum, now, out)?,
            Command::Discard => self.discard(now),
            Command::PatientBolus => self.patient_bolus(now, out)?,
            Command::BeginRefill => self.begin_refill(now, out),
            Command::EndRefill { withdrawn_nl, filled_nl, ng_per_ul } => self.end_refill(withdrawn_nl, filled_nl, ng_per_ul, now, out)?,
            Command::Silence => self.silence(now, out),
            Command::RecordPain { score } => self.record_pain(score, now)?,
            Command::RecordEvent { code } => self.record_event(code, now),
            Command::ShutDown => self.shut_down(now, out),
            // Queries are answered elsewhere.
            Command::Identify | Command::Status | Command::ReadLog { .. } | Command::ReadBack { .. } | Command::Therapy => {}
            part => self.program(part, now)?,
        }
        Ok(())
    }

    /// The reservoir counts as full after it: an account of 0 would refuse every start, and the bench says with a refill what is really in it.
    /// A self-test that failed is not forgiven; that takes a power-on with a good one.
    fn factory_reset(&mut self, now: Micros, out: Out<'_>) {
        self.stop_at_once(now, out);
        self.therapy = Therapy::default();
        self.delivered_nl = 0;
        self.reservoir_nl = self.config.reservoir.capacity_nl();
        self.settings_corrupted = false;
        for alarm in self.alarms.active.minus(BEYOND_RESET).iter() {
            self.clear(alarm, now, out);
        }
        self.forget_patient(now, out);
        self.log.clear();
        self.note(now, LogCode::FactoryReset, 0);
        self.come_to_rest(now, out);
    }
}

fn reply(session: u32, seq: u16, response: Response, out: Out<'_>) {
    send(&FromPump::Reply { session, seq, response }, out);
}
