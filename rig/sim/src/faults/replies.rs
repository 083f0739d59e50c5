//! What the pump says, and what leaves it instead.

use std::sync::Arc;

use pump_link::{Alarm, Alarms, Decoder, FromPump, Notice, Refusal, Response, State, Status, Therapy, decode_from_pump};
use rig_model::defect::{Seam, Told, Tones as Which};
use rig_model::time::RigTime;

use super::{Faults, OWN_SESSION, concerns, frame, seconds};

#[derive(Debug, Default)]
pub(super) struct Replies {
    decoder: Decoder,
    /// What a number was when it was first told.
    stuck: Vec<(Told, f64)>,
    /// Notices that were kept back since power-on; the others are numbered as if they had not been.
    kept_back: u32,
}

impl Replies {
    pub fn unstick(&mut self) {
        self.stuck.clear();
    }
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    AsItIs,
    Changed,
    KeptBack,
}

impl Faults {
    /// Sees the bytes that the pump sends, a frame at a time, and says what leaves it instead; empty for nothing.
    pub fn bytes_from_pump(&mut self, at: RigTime, bytes: Vec<u8>) -> Vec<u8> {
        if !self.listens {
            return bytes;
        }
        let mut instead = None;
        let mut decoder = std::mem::take(&mut self.replies.decoder);
        decoder.push(&bytes, |message| {
            if let Some(mut message) = message.ok().and_then(|m| decode_from_pump(m).ok()) {
                match self.message(at, &mut message) {
                    Fate::AsItIs => {}
                    Fate::Changed => instead = Some(frame(&message)),
                    Fate::KeptBack => instead = Some(Vec::new()),
                }
            }
        });
        self.replies.decoder = decoder;
        let since_power = at - self.powered_at;
        if self.seams.iter().any(|seam| matches!(*seam, Seam::Mute { after_s } if since_power > seconds(after_s))) {
            return Vec::new();
        }
        instead.unwrap_or(bytes)
    }

    fn message(&mut self, at: RigTime, message: &mut FromPump) -> Fate {
        match message {
            FromPump::Notice { number, notice, .. } => {
                self.heed(at, *notice);
                if self.keeps_back(*notice) {
                    self.replies.kept_back += 1;
                    return Fate::KeptBack;
                }
                *number = number.saturating_sub(self.replies.kept_back);
                if self.replies.kept_back > 0 { Fate::Changed } else { Fate::AsItIs }
            }
            FromPump::Reply { session: OWN_SESSION, .. } => Fate::KeptBack,
            FromPump::Reply { session, seq, .. } if self.commands.unanswered == Some((*session, *seq)) => Fate::KeptBack,
            FromPump::Reply { response, .. } => {
                let before = response.clone();
                let seams = Arc::clone(&self.seams);
                seams.iter().for_each(|seam| self.tell(*seam, response));
                if *response == before { Fate::AsItIs } else { Fate::Changed }
            }
        }
    }

    /// What the pump does, as far as it says so.
    fn heed(&mut self, at: RigTime, notice: Notice) {
        match notice {
            Notice::State(state) => {
                let before = self.state.replace(state);
                self.state_changed(at, before, state);
            }
            Notice::Restarted => {
                let rest = self.state.filter(|state| *state != State::SelfTest).unwrap_or(State::Stopped);
                self.state = Some(rest);
                self.state_changed(at, None, rest);
            }
            Notice::AlarmOn(alarm) => self.alarms = self.alarms.with(alarm),
            Notice::AlarmOff(alarm) => self.alarms = self.alarms.without(alarm),
        }
    }

    fn keeps_back(&self, notice: Notice) -> bool {
        self.seams.iter().any(|seam| match (*seam, notice) {
            (Seam::StateHidden, Notice::State(_)) => true,
            (Seam::AlarmsHidden { which }, Notice::AlarmOn(alarm) | Notice::AlarmOff(alarm)) => hides(which, alarm),
            _ => false,
        })
    }

    fn tell(&mut self, seam: Seam, response: &mut Response) {
        match (seam, response) {
            (Seam::ToldScaled { which, by }, response) => number(which, response, |truth| truth * by),
            (Seam::ToldStuck { which }, response) => {
                let stuck = &mut self.replies.stuck;
                number(which, response, |truth| match stuck.iter().find(|(w, _)| *w == which) {
                    Some((_, first)) => *first,
                    None => {
                        stuck.push((which, truth));
                        truth
                    }
                });
            }
            (Seam::StateHidden, Response::Status(status)) => status.state = State::Stopped,
            (Seam::AlarmsHidden { which }, Response::Status(status)) => {
                status.alarms = status.alarms.iter().filter(|alarm| !hides(which, *alarm)).fold(Alarms::NONE, Alarms::with);
            }
            (Seam::RefusalsHidden, response @ Response::Refused(_)) => *response = Response::Accepted,
            (Seam::ReasonWrong { code }, Response::Refused(reason)) => {
                *reason = u8::try_from(code).ok().and_then(Refusal::from_code).unwrap_or(*reason);
            }
            (seam, response) => log(seam, response),
        }
    }
}

fn hides(which: Which, alarm: Alarm) -> bool {
    concerns(which, Some(alarm.class()))
}

fn log(seam: Seam, response: &mut Response) {
    let Response::Log { entries } = response else { return };
    match seam {
        Seam::LogHoles { every } => entries.retain(|entry| !entry.number.is_multiple_of(every)),
        Seam::LogForgets { code } => entries.retain(|entry| u32::from(entry.code.code()) != code),
        Seam::LogAltered { code, by } => {
            for entry in entries.iter_mut().filter(|entry| u32::from(entry.code.code()) == code) {
                entry.value = (f64::from(entry.value) * by).round() as u32;
            }
        }
        _ => {}
    }
}

/// Puts another number in its place. Casts hold at the ends of the range.
fn number(which: Told, response: &mut Response, mut change: impl FnMut(f64) -> f64) {
    match response {
        Response::Status(status) => of_status(which, status, &mut change),
        Response::Therapy(therapy) => of_therapy(which, therapy, &mut change),
        Response::Log { entries } if which == Told::LogTime => {
            for entry in entries.iter_mut() {
                entry.uptime_us = change(entry.uptime_us as f64) as u64;
            }
        }
        _ => {}
    }
}

fn of_status(which: Told, status: &mut Status, change: &mut dyn FnMut(f64) -> f64) {
    let mut small = |number: &mut u32| *number = change(f64::from(*number)).round() as u32;
    match which {
        Told::Reservoir => small(&mut status.reservoir_nl),
        Told::BasalRate => small(&mut status.basal_nl_h),
        Told::BolusLeft => small(&mut status.bolus_left_nl),
        Told::Delivered => status.delivered_nl = change(status.delivered_nl as f64).round() as u64,
        Told::Uptime => status.uptime_us = change(status.uptime_us as f64).round() as u64,
        _ => {}
    }
}

fn of_therapy(which: Told, therapy: &mut Therapy, change: &mut dyn FnMut(f64) -> f64) {
    let mut small = |number: &mut u32| *number = change(f64::from(*number)).round() as u32;
    match which {
        Told::InPeriod => small(&mut therapy.in_period_nl),
        Told::LockedOut => small(&mut therapy.locked_out_s),
        Told::ReservoirLasts => small(&mut therapy.reservoir_lasts_min),
        Told::ExpectedResidual => small(&mut therapy.expected_nl),
        Told::Concentration => small(&mut therapy.ng_per_ul),
        Told::BatteryVoltage => small(&mut therapy.battery_mv),
        Told::BatteryLasts => small(&mut therapy.battery_days),
        Told::Stalls => small(&mut therapy.stalls),
        Told::Clock => small(&mut therapy.clock_s),
        Told::Activations => therapy.activations = change(f64::from(therapy.activations)).round() as u16,
        Told::Temperature => therapy.temperature_dc = change(f64::from(therapy.temperature_dc)).round() as i16,
        _ => {}
    }
}
