//! The protocol of the reference pump: `pump-link` messages in the words of the model. Units on the wire are nL, nL/h and ms.

use pump_link::{Command, Decoder, FromPump, LOG_PAGE, MAX_FRAME, Notice, Response, decode_from_pump, encode};
use rig_model::dut::{DutIdentity, DutReport, LogEntry, PumpStatus, Refusal, Reported, Therapy, TherapyMode, Verb};
use rig_model::quantity::{Concentration, Flow, Mass, MassFlow, Volume};
use rig_model::time::Span;

use crate::protocol::{Item, Protocol, Reply, Request};

#[cfg(test)]
mod tests;
mod words;

use words::{alarm_word, kind, refusal_word, state_word};

#[derive(Debug)]
pub struct PumpLink {
    session: u32,
    decoder: Decoder,
    /// Bytes that the decoder had skipped when garbage was last told.
    told: u64,
    /// Length of the message that is not complete yet.
    unfinished: u64,
    /// Of the parts that were read back last; a confirmation without one carries 0, which the pump refuses.
    read_back: u32,
}

impl PumpLink {
    /// `session` must differ from that of the last opening of the link, so that numbers aren't taken for those of before.
    pub fn new(session: u32) -> Self {
        Self { session, decoder: Decoder::new(), told: 0, unfinished: 0, read_back: 0 }
    }
}

impl Protocol for PumpLink {
    fn delimiter(&self) -> u8 {
        0
    }

    fn encode(&mut self, request: Request<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let command = self.command(request.verb, request.from)?;
        let mut buffer = [0; MAX_FRAME];
        let request = pump_link::Request { session: self.session, seq: request.tag, command };
        out.extend_from_slice(encode(&request, &mut buffer).expect("MAX_FRAME bytes hold any request"));
        Ok(())
    }

    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Item)) {
        // One message at a time, so that garbage is told in its place among the messages however the bytes were split.
        for piece in bytes.split_inclusive(|byte| *byte == 0) {
            self.unfinished += piece.len() as u64;
            let mut undecoded = 0;
            self.decoder.push(piece, |message| {
                let Ok(message) = message else { return };
                match decode_from_pump(message) {
                    Ok(message) => {
                        if let FromPump::Reply { session, response: Response::ReadBack { checksum, .. }, .. } = &message
                            && *session == self.session
                        {
                            self.read_back = *checksum;
                        }
                        each(item(self.session, &message));
                    }
                    Err(_) => undecoded = self.unfinished,
                }
            });
            let skipped = self.decoder.skipped();
            let garbage = skipped - std::mem::replace(&mut self.told, skipped) + undecoded;
            if garbage > 0 {
                each(Item::Garbage { bytes: garbage });
            }
            if piece.ends_with(&[0]) {
                self.unfinished = 0;
            }
        }
    }

    fn tag_of(&self, message: &[u8]) -> Option<u16> {
        let mut tag = None;
        Decoder::new().push(message, |message| {
            if let Ok(Ok(FromPump::Reply { session, seq, .. })) = message.map(decode_from_pump)
                && session == self.session
            {
                tag = Some(seq);
            }
        });
        tag
    }

    fn reset(&mut self) -> u64 {
        self.decoder.reset();
        self.told = self.decoder.skipped();
        std::mem::take(&mut self.unfinished)
    }
}

impl PumpLink {
    fn command(&self, verb: &Verb, from: u32) -> Result<Command, Refusal> {
        Ok(match verb {
            Verb::ReadBack => Command::ReadBack { from },
            Verb::ReadLog => Command::ReadLog { from },
            Verb::Confirm => Command::Confirm { checksum: self.read_back },
            verb => stateless(verb)?,
        })
    }
}

/// A command that needs nothing but its verb.
fn stateless(verb: &Verb) -> Result<Command, Refusal> {
    Ok(match *verb {
        Verb::Identify => Command::Identify,
        Verb::Status => Command::Status,
        Verb::FactoryReset => Command::FactoryReset,
        Verb::Start => Command::Start,
        Verb::Stop => Command::Stop,
        Verb::Acknowledge => Command::Acknowledge,
        Verb::Refill { volume } => Command::Refill { volume_nl: nanolitres(volume)? },
        Verb::SetClock { time_of_week } => Command::SetClock { second_of_week: seconds(time_of_week)? },
        Verb::Discard => Command::Discard,
        Verb::PatientBolus => Command::PatientBolus,
        Verb::BeginRefill => Command::BeginRefill,
        Verb::EndRefill { withdrawn, filled, concentration } => Command::EndRefill {
            withdrawn_nl: nanolitres(withdrawn)?,
            filled_nl: nanolitres(filled)?,
            ng_per_ul: concentration.map_or(Ok(0), micrograms_per_millilitre)?,
        },
        Verb::Silence => Command::Silence,
        Verb::RecordPain { score } => Command::RecordPain { score },
        Verb::RecordEvent { code } => Command::RecordEvent { code },
        Verb::ShutDown => Command::ShutDown,
        Verb::Therapy => Command::Therapy,
        _ => programme(verb)?,
    })
}

/// What changes nothing until it is started or confirmed.
fn programme(verb: &Verb) -> Result<Command, Refusal> {
    Ok(match verb {
        Verb::ProgramBasal { rate } => Command::ProgramBasal { rate_nl_h: nanolitres_per_hour(*rate)? },
        Verb::ProgramBolus { volume, over } => Command::ProgramBolus { volume_nl: nanolitres(*volume)?, duration_ms: milliseconds(*over)? },
        Verb::ProgramPriming { volume } => Command::ProgramPriming { volume_nl: nanolitres(*volume)? },
        Verb::ProgramConcentration { concentration } => {
            Command::ProgramConcentration { ng_per_ul: micrograms_per_millilitre(*concentration)? }
        }
        Verb::ProgramBasalDose { rate: MassFlow(rate) } => {
            Command::ProgramBasalDose { ng_per_h: whole(rate * 1e3).ok_or(Refusal::DoseOutOfRange)? }
        }
        Verb::ProgramBolusDose { dose: Mass(dose), over } => {
            Command::ProgramBolusDose { ng: whole(dose * 1e3).ok_or(Refusal::DoseOutOfRange)?, duration_ms: milliseconds(*over)? }
        }
        Verb::ProgramStep(step) => Command::ProgramStep {
            days: step.days.0,
            minute: u16::try_from(seconds(step.from)? / 60).map_err(|_| Refusal::DurationOutOfRange)?,
            rate_nl_h: nanolitres_per_hour(step.rate)?,
            bolus_nl: step.bolus.map_or(Ok(0), |bolus| nanolitres(bolus.volume))?,
            bolus_ms: step.bolus.map_or(Ok(0), |bolus| milliseconds(bolus.over))?,
        },
        Verb::ProgramMicrodose { volume, over, every } => {
            Command::ProgramMicrodose { volume_nl: nanolitres(*volume)?, duration_ms: milliseconds(*over)?, every_s: seconds(*every)? }
        }
        Verb::ProgramMinimum => Command::ProgramMinimum,
        Verb::ProgramPatientBolus(bolus) => Command::ProgramPatientBolus {
            volume_nl: nanolitres(bolus.volume)?,
            duration_ms: milliseconds(bolus.over)?,
            first_after_s: seconds(bolus.first_after)?,
            lockout_s: seconds(bolus.lockout)?,
            activations: u16::try_from(bolus.activations).map_err(|_| Refusal::LimitReached)?,
            period_s: seconds(bolus.in_any)?,
        },
        Verb::ProgramLimit { volume, in_any } => Command::ProgramLimit { volume_nl: nanolitres(*volume)?, period_s: seconds(*in_any)? },
        Verb::ProgramBridge { volume, rate } => {
            Command::ProgramBridge { volume_nl: nanolitres(*volume)?, rate_nl_h: nanolitres_per_hour(*rate)? }
        }
        _ => return Err(Refusal::UnknownCommand),
    })
}

/// The verb of a part that was read back; `None` for a command that programs nothing.
fn verb(command: &Command) -> Option<Verb> {
    use rig_model::dut::{Days, PatientBolus, ScheduleStep, StepBolus};
    let volume = |nl: u32| Volume(f64::from(nl) / 1e3);
    let flow = |nl_h: u32| Flow(f64::from(nl_h) / 1e3);
    let ms = |ms: u32| Span::milliseconds(i64::from(ms));
    let s = |s: u32| Span::seconds(i64::from(s));
    Some(match *command {
        Command::ProgramBasal { rate_nl_h } => Verb::ProgramBasal { rate: flow(rate_nl_h) },
        Command::ProgramBolus { volume_nl, duration_ms } => Verb::ProgramBolus { volume: volume(volume_nl), over: ms(duration_ms) },
        Command::ProgramPriming { volume_nl } => Verb::ProgramPriming { volume: volume(volume_nl) },
        Command::ProgramConcentration { ng_per_ul } => Verb::ProgramConcentration { concentration: Concentration(f64::from(ng_per_ul)) },
        Command::ProgramBasalDose { ng_per_h } => Verb::ProgramBasalDose { rate: MassFlow(f64::from(ng_per_h) / 1e3) },
        Command::ProgramBolusDose { ng, duration_ms } => Verb::ProgramBolusDose { dose: Mass(f64::from(ng) / 1e3), over: ms(duration_ms) },
        Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } => Verb::ProgramStep(Box::new(ScheduleStep {
            days: Days(days),
            from: Span::minutes(i64::from(minute)),
            rate: flow(rate_nl_h),
            bolus: (bolus_nl > 0).then(|| StepBolus { volume: volume(bolus_nl), over: ms(bolus_ms) }),
        })),
        Command::ProgramMicrodose { volume_nl, duration_ms, every_s } => {
            Verb::ProgramMicrodose { volume: volume(volume_nl), over: ms(duration_ms), every: s(every_s) }
        }
        Command::ProgramMinimum => Verb::ProgramMinimum,
        Command::ProgramPatientBolus { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s } => {
            Verb::ProgramPatientBolus(Box::new(PatientBolus {
                volume: volume(volume_nl),
                over: ms(duration_ms),
                first_after: s(first_after_s),
                lockout: s(lockout_s),
                activations: u32::from(activations),
                in_any: s(period_s),
            }))
        }
        Command::ProgramLimit { volume_nl, period_s } => Verb::ProgramLimit { volume: volume(volume_nl), in_any: s(period_s) },
        Command::ProgramBridge { volume_nl, rate_nl_h } => Verb::ProgramBridge { volume: volume(volume_nl), rate: flow(rate_nl_h) },
        _ => return None,
    })
}

fn nanolitres(volume: Volume) -> Result<u32, Refusal> {
    whole(volume.0 * 1e3).ok_or(Refusal::VolumeOutOfRange)
}

fn milliseconds(span: Span) -> Result<u32, Refusal> {
    whole(span.0 as f64 / 1e6).ok_or(Refusal::DurationOutOfRange)
}

fn nanolitres_per_hour(rate: Flow) -> Result<u32, Refusal> {
    whole(rate.0 * 1e3).ok_or(Refusal::RateOutOfRange)
}

fn seconds(span: Span) -> Result<u32, Refusal> {
    whole(span.0 as f64 / 1e9).ok_or(Refusal::DurationOutOfRange)
}

/// 1 µg/mL is 1 ng/µL.
fn micrograms_per_millilitre(concentration: Concentration) -> Result<u32, Refusal> {
    whole(concentration.0).ok_or(Refusal::ConcentrationOutOfRange)
}

/// To the nearest whole number; `None` where the wire has no room for it, and for what is no number.
fn whole(x: f64) -> Option<u32> {
    let x = x.round();
    (x >= 0.0 && x <= f64::from(u32::MAX)).then_some(x as u32)
}

fn item(own_session: u32, message: &FromPump) -> Item {
    match message {
        FromPump::Reply { session, .. } if *session != own_session => Item::Stray,
        FromPump::Reply { seq, response, .. } => Item::Reply { tag: *seq, reply: reply(response) },
        FromPump::Notice { notice, .. } => Item::Notice(match *notice {
            Notice::AlarmOn(alarm) => DutReport::AlarmOn(alarm_word(alarm)),
            Notice::AlarmOff(alarm) => DutReport::AlarmOff(alarm_word(alarm)),
            Notice::State(state) => DutReport::State(state_word(state)),
            Notice::Restarted => DutReport::Restarted,
        }),
    }
}

fn reply(response: &Response) -> Reply {
    match response {
        Response::Identity(identity) => Reply::Identity(DutIdentity {
            model: identity.model.as_str().to_owned(),
            serial: identity.serial.as_str().to_owned(),
            firmware_version: identity.firmware_version.as_str().to_owned(),
            firmware_hash: identity.build_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            protocol_version: identity.protocol_version,
        }),
        Response::Status(status) => Reply::Status(PumpStatus {
            state: state_word(status.state),
            alarms: status.alarms.iter().map(alarm_word).collect(),
            reservoir: Volume(f64::from(status.reservoir_nl) / 1e3),
            delivered: Volume(status.delivered_nl as f64 / 1e3),
            basal: Flow(f64::from(status.basal_nl_h) / 1e3),
            bolus_left: Volume(f64::from(status.bolus_left_nl) / 1e3),
            strokes: status.strokes,
            resets: status.resets,
            uptime_us: status.uptime_us,
        }),
        Response::Accepted => Reply::Accepted,
        Response::Refused(refusal) => Reply::Refused(refusal_word(*refusal)),
        Response::Log { entries } => {
            // A page that isn't full is the last one.
            let next = entries.last().filter(|_| entries.len() == LOG_PAGE).and_then(|last| last.number.checked_add(1));
            Reply::Log { entries: entries.iter().map(log_entry).collect(), next }
        }
        Response::ReadBack { parts, .. } if parts.iter().any(|part| verb(part).is_none()) => Reply::Refused(Refusal::Malformed),
        // The page with the last part says that it is the last: one with nothing on it that tells of another is not believed.
        Response::ReadBack { parts, next, .. } if parts.is_empty() && *next > 0 => Reply::Refused(Refusal::Malformed),
        Response::ReadBack { parts, next, .. } => {
            Reply::ReadBack { parts: parts.iter().filter_map(verb).collect(), next: (*next > 0).then_some(*next) }
        }
        Response::Therapy(therapy) => Reply::Therapy(therapy_words(therapy)),
    }
}

fn therapy_words(therapy: &pump_link::Therapy) -> Therapy {
    let litres = |nl: u32| f64::from(nl) / 1e3;
    let known = |value: u32, number: f64| (value != u32::MAX).then_some(number);
    let all = [
        (Reported::Concentration, (therapy.ng_per_ul > 0).then_some(f64::from(therapy.ng_per_ul))),
        (Reported::InPeriod, Some(litres(therapy.in_period_nl))),
        (Reported::Activations, Some(f64::from(therapy.activations))),
        (Reported::LockedOut, Some(f64::from(therapy.locked_out_s))),
        (Reported::ReservoirLasts, known(therapy.reservoir_lasts_min, f64::from(therapy.reservoir_lasts_min) * 60.0)),
        (Reported::Expected, Some(litres(therapy.expected_nl))),
        (Reported::Battery, Some(f64::from(therapy.battery_mv) / 1e3)),
        (Reported::BatteryLasts, Some(f64::from(therapy.battery_days) * 86_400.0)),
        (Reported::Stalls, Some(f64::from(therapy.stalls))),
        (Reported::Clock, known(therapy.clock_s, f64::from(therapy.clock_s))),
        (Reported::Temperature, Some(f64::from(therapy.temperature_dc) / 10.0)),
        (Reported::Programmed, Some(f64::from(therapy.programmed))),
    ];
    let mode = match therapy.mode {
        pump_link::Mode::None => TherapyMode::None,
        pump_link::Mode::Continuous => TherapyMode::Continuous,
        pump_link::Mode::Schedule => TherapyMode::Schedule,
        pump_link::Mode::Microdose => TherapyMode::Microdose,
        pump_link::Mode::Minimum => TherapyMode::Minimum,
    };
    Therapy { mode, reported: all.into_iter().filter_map(|(what, value)| Some((what, value?))).collect() }
}

fn log_entry(entry: &pump_link::LogEntry) -> LogEntry {
    use pump_link::LogCode;
    let value = entry.value;
    let volume = Volume(f64::from(value) / 1e3);
    let alarm = || u8::try_from(value).ok().and_then(pump_link::Alarm::from_code).map_or("unknown", |a| alarm_word(a).word());
    let state = || u8::try_from(value).ok().and_then(pump_link::State::from_code).map_or("unknown", |s| state_word(s).word());
    let what = match entry.code {
        LogCode::PowerOn => format!("power on, {value} resets"),
        LogCode::FactoryReset => "factory reset".to_owned(),
        LogCode::BasalProgrammed => format!("basal programmed: {}", Flow(f64::from(value) / 1e3)),
        LogCode::BolusProgrammed => format!("bolus programmed: {volume}"),
        LogCode::PrimingProgrammed => format!("priming programmed: {volume}"),
        LogCode::Started => format!("started: {}", state()),
        LogCode::Stopped => format!("stopped: {}", state()),
        LogCode::DoseDone => format!("dose done: {volume}"),
        LogCode::DoseCut => format!("dose cut: {volume} left"),
        LogCode::Refilled => format!("refilled: {volume}"),
        LogCode::AlarmOn => format!("alarm on: {}", alarm()),
        LogCode::AlarmOff => format!("alarm off: {}", alarm()),
        LogCode::Acknowledged => {
            let alarms = pump_link::Alarms(value);
            format!("acknowledged: {}", alarms.iter().map(|a| alarm_word(a).word()).collect::<Vec<_>>().join(", "))
        }
        LogCode::ConcentrationProgrammed => format!("concentration programmed: {}", Concentration(f64::from(value))),
        LogCode::Confirmed => format!("confirmed: {value:08x}"),
        LogCode::Discarded => format!("discarded: {value} parts"),
        LogCode::StepProgrammed => format!("step programmed: {}", Flow(f64::from(value) / 1e3)),
        LogCode::MicrodoseProgrammed => format!("microdose programmed: {volume}"),
        LogCode::MinimumProgrammed => "minimum rate programmed".to_owned(),
        LogCode::PatientBolusProgrammed => format!("patient bolus programmed: {volume}"),
        LogCode::LimitProgrammed => format!("limit programmed: {volume}"),
        LogCode::BridgeProgrammed => format!("bridge bolus programmed: {volume}"),
        LogCode::ClockSet => format!("clock set: {} after Monday 0:00", Span::seconds(i64::from(value))),
        LogCode::PatientBolusStarted => format!("patient bolus started: {volume}"),
        LogCode::PatientBolusDenied => format!("patient bolus denied: {}", refusal(value)),
        LogCode::RefillBegun => format!("refill begun: {volume} expected"),
        LogCode::Withdrawn => format!("withdrawn: {volume}"),
        LogCode::PainScore => format!("pain score: {value}"),
        LogCode::PatientEvent => format!("patient event: {value}"),
        LogCode::Silenced => "silenced".to_owned(),
        LogCode::ShutDown => format!("shut down: {}", state()),
        LogCode::StallBegan => format!("stall began: {value} strokes did not turn"),
        LogCode::StallEnded => format!("stall ended after {}", Span::seconds(i64::from(value))),
        LogCode::Watchdog => format!("restarted by the watchdog, {value} resets"),
        LogCode::SupplyLow => format!("supply low: {} V", f64::from(value) / 1e3),
        LogCode::Refused => format!("command {} refused: {}", value >> 8, refusal(value & 0xff)),
        LogCode::BasalWas => format!("basal rate before: {}", Flow(f64::from(value) / 1e3)),
        LogCode::Battery => format!("battery: {} % left", f64::from(value) / 10.0),
        LogCode::MemoryAltered => format!("stored byte {value} was altered"),
    };
    LogEntry { number: entry.number, uptime_us: entry.uptime_us, what, code: Some(kind(entry.code)), value: Some(value) }
}

fn refusal(code: u32) -> &'static str {
    u8::try_from(code).ok().and_then(pump_link::Refusal::from_code).map_or("unknown", |r| refusal_word(r).word())
}
