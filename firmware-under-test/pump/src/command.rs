//! Requests: what each command does, and when it is refused.

use pump_link::{
    Alarm, Command, FromPump, LogCode, Mode, Refusal, Request, RequestError, Response, State, Status, Therapy, decode_request,
};

use crate::alarm::BEYOND_RESET;
use crate::delivery::{DoseKind, Programme, rate_within};
use crate::machine::{Machine, Out, send};
use crate::recall::{Answer, Known};
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

    fn answer_query(&self, command: Command, now: Micros) -> Response {
        match command {
            Command::Identify => Response::Identity(self.config.identity.clone()),
            Command::ReadLog { .. } if self.state == State::SelfTest => Response::Refused(Refusal::SelfTestRunning),
            Command::Therapy => Response::Therapy(self.therapy_told()),
            Command::ReadLog { from } => Response::Log { entries: self.log.page(from, &self.device.kept.diary) },
            _ => Response::Status(self.status(now)),
        }
    }

    fn therapy_told(&self) -> Therapy {
        let mut told = Therapy {
            mode: Mode::None,
            ng_per_ul: 0,
            in_period_nl: 0,
            activations: 0,
            locked_out_s: 0,
            reservoir_lasts_min: u32::MAX,
            expected_nl: 0,
            battery_mv: 0,
            battery_days: 0,
            stalls: 0,
            clock_s: u32::MAX,
            temperature_dc: 0,
            programmed: 0,
        };
        self.device.fill(&self.config, &mut told);
        told
    }

    fn status(&self, now: Micros) -> Status {
        Status {
            state: self.state,
            alarms: self.alarms.active,
            reservoir_nl: self.reservoir_nl,
            delivered_nl: self.delivered_nl,
            basal_nl_h: self.delivery.basal_nl_h().or(self.basal_nl_h).unwrap_or(0),
            bolus_left_nl: self.delivery.dose().map_or(0, |dose| dose.left_nl()),
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
            Command::ProgramBasal { rate_nl_h } => self.program_basal(rate_nl_h, now)?,
            Command::ProgramBolus { volume_nl, duration_ms } => self.program_bolus(volume_nl, duration_ms, now)?,
            Command::ProgramPriming { volume_nl } => self.program_priming(volume_nl, now)?,
            Command::Start => self.start(now, out)?,
            Command::Stop => self.stop(now, out),
            Command::Acknowledge => self.acknowledge(now, out),
            Command::Refill { volume_nl } => self.refill(volume_nl, now, out)?,
            Command::Silence => self.silence(now, out),
            Command::RecordPain { score } => self.record_pain(score, now)?,
            Command::RecordEvent { code } => self.record_event(code, now),
            Command::ShutDown => self.shut_down(now, out),
            // Queries are answered elsewhere.
            Command::Identify | Command::Status | Command::ReadLog { .. } | Command::ReadBack { .. } | Command::Therapy => {}
            _ => return Err(Refusal::UnknownCommand),
        }
        Ok(())
    }

    /// The reservoir counts as full after it: an account of 0 would refuse every start, and the bench says with a refill what is really in it.
    /// A self-test that failed is not forgiven; that takes a power-on with a good one.
    fn factory_reset(&mut self, now: Micros, out: Out<'_>) {
        self.stop_at_once(now, out);
        self.basal_nl_h = None;
        self.basal_is_new = false;
        self.next_dose = None;
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

    fn program_basal(&mut self, rate_nl_h: u32, now: Micros) -> Answer {
        let limits = &self.config.limits;
        let in_range = (limits.basal_min_nl_h..=limits.basal_max_nl_h).contains(&rate_nl_h);
        let running = self.delivery.dose().map(|dose| dose.programme());
        if !in_range || [running, self.next_dose].into_iter().flatten().any(|dose| !self.achievable(dose, rate_nl_h)) {
            return Err(Refusal::RateOutOfRange);
        }
        self.basal_nl_h = Some(rate_nl_h);
        self.basal_is_new = true;
        self.note(now, LogCode::BasalProgrammed, rate_nl_h);
        Ok(())
    }

    fn program_bolus(&mut self, volume_nl: u32, duration_ms: u32, now: Micros) -> Answer {
        self.check_dose_volume(volume_nl)?;
        let limits = &self.config.limits;
        let slow_enough = rate_within(volume_nl, u64::from(duration_ms), 0, u64::from(limits.bolus_rate_max_nl_h));
        if !slow_enough || duration_ms > limits.bolus_duration_max_ms {
            return Err(Refusal::DurationOutOfRange);
        }
        let programme = Programme::bolus(volume_nl, duration_ms);
        // Also with the basal rate in force, which goes on beside the bolus until a new one is started.
        let basal = self.delivery.basal_nl_h().max(self.basal_nl_h).unwrap_or(0);
        if !self.achievable(programme, basal) {
            return Err(Refusal::RateOutOfRange);
        }
        self.next_dose = Some(programme);
        self.note(now, LogCode::BolusProgrammed, volume_nl);
        Ok(())
    }

    fn program_priming(&mut self, volume_nl: u32, now: Micros) -> Answer {
        self.check_dose_volume(volume_nl)?;
        if self.running() {
            return Err(Refusal::AlreadyRunning);
        }
        self.next_dose = Some(Programme::priming(volume_nl));
        self.note(now, LogCode::PrimingProgrammed, volume_nl);
        Ok(())
    }

    fn check_dose_volume(&self, volume_nl: u32) -> Answer {
        let limits = &self.config.limits;
        if (limits.bolus_min_nl..=limits.bolus_max_nl).contains(&volume_nl) { Ok(()) } else { Err(Refusal::VolumeOutOfRange) }
    }

    /// Whether the pump head can do the bolus on top of the basal rate. A priming has the pump head to itself.
    fn achievable(&self, dose: Programme, basal_nl_h: u32) -> bool {
        dose.kind == DoseKind::Priming
            || rate_within(dose.volume_nl, dose.duration_us / 1_000, basal_nl_h, self.config.stroke.max_rate_nl_h())
    }

    fn start(&mut self, now: Micros, out: Out<'_>) -> Answer {
        let new = self.basal_is_new || self.next_dose.is_some();
        let dose_in_the_way = self.next_dose.is_some() && self.delivery.dose().is_some();
        if self.alarms.active.contains(Alarm::EndOfService) {
            return Err(Refusal::EndOfService);
        }
        if self.state == State::Halted {
            return Err(Refusal::AlarmLatched);
        }
        if self.stopping || dose_in_the_way || (self.running() && !new) {
            return Err(Refusal::AlreadyRunning);
        }
        if self.basal_nl_h.is_none() && self.next_dose.is_none() {
            return Err(Refusal::NothingProgrammed);
        }
        if self.reservoir_nl < self.config.empty_nl {
            return Err(Refusal::ReservoirTooLow);
        }
        self.begin_delivery(now, out);
        Ok(())
    }

    fn stop(&mut self, now: Micros, out: Out<'_>) {
        if self.running() && !self.stopping {
            self.stop_after_stroke(now, out);
        }
    }

    fn refill(&mut self, volume_nl: u32, now: Micros, out: Out<'_>) -> Answer {
        if volume_nl > self.config.reservoir.capacity_nl() {
            return Err(Refusal::VolumeOutOfRange);
        }
        self.reservoir_nl = volume_nl;
        self.note(now, LogCode::Refilled, volume_nl);
        if volume_nl >= self.config.low_nl {
            self.clear(Alarm::LowReservoir, now, out);
        }
        self.warn_if_low(now, out);
        self.release_empty(now, out);
        Ok(())
    }

    /// The empty alarm is latched until it was acknowledged and there is drug again, in either order.
    pub(crate) fn release_empty(&mut self, now: Micros, out: Out<'_>) {
        let empty = Alarm::EmptyReservoir;
        if self.alarms.acknowledged.contains(empty) && self.reservoir_nl >= self.config.empty_nl {
            self.clear(empty, now, out);
        }
        self.release(now, out);
    }

    /// Also while the last stroke is in progress.
    fn running(&self) -> bool {
        matches!(self.state, State::Infusing | State::Bolus | State::Priming | State::PatientBolus | State::Bridge)
    }
}

fn reply(session: u32, seq: u16, response: Response, out: Out<'_>) {
    send(&FromPump::Reply { session, seq, response }, out);
}
