//! Programming in two steps: parts are put aside, read back, confirmed and started; and what a start begins.

use pump_link::{Alarm, Command, LogCode, Mode, Refusal};

use crate::basal::{Basis, rate_within};
use crate::dose::{DoseKind, Programme};
use crate::machine::{Machine, Out};
use crate::prescription::{Revised, basal_of, bolus_of};
use crate::ranges;
use crate::recall::Answer;
use crate::schedule::{Schedule, Step};
use crate::time::Micros;

impl Machine {
    /// Puts a part aside. What runs goes on as it is.
    pub(crate) fn program(&mut self, part: Command, now: Micros) -> Answer {
        ranges::check(&part, &self.config)?;
        self.fits_beside(&part)?;
        let first_of_mode = self.is_first_of_mode(&part);
        self.therapy.staging.put(part, now, &self.config)?;
        if let Some((code, value)) = self.told_as(&part) {
            let was = self.therapy.prescription().basis(&self.config).map(|basis| basis.rate_nl_h(self.therapy.clock, now));
            if let Some(was) = was.filter(|_| first_of_mode) {
                self.note(now, LogCode::BasalWas, was);
            }
            self.note(now, code, value);
        }
        Ok(())
    }

    /// Beside what is programmed already, and what runs.
    fn fits_beside(&self, part: &Command) -> Answer {
        match *part {
            Command::ProgramBasal { rate_nl_h } => self.basal_fits(rate_nl_h),
            Command::ProgramBasalDose { ng_per_h } => self.basal_fits(basal_of(ng_per_h, self.concentration(), &self.config)?),
            Command::ProgramBolus { volume_nl, duration_ms } => self.bolus_fits(volume_nl, duration_ms),
            Command::ProgramBolusDose { ng, duration_ms } => {
                let volume_nl = bolus_of(ng, self.concentration(), &self.config)?;
                ranges::duration(volume_nl, duration_ms, &self.config)?;
                self.bolus_fits(volume_nl, duration_ms)
            }
            Command::ProgramPriming { .. } if self.running() => Err(Refusal::AlreadyRunning),
            Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } => {
                self.steps_aside().add(Step { days, minute, rate_nl_h, bolus_nl, bolus_ms }, self.config.rules.steps_max)
            }
            _ => Ok(()),
        }
    }

    /// What doses in mass are converted by: what is put aside, or else what is in force.
    fn concentration(&self) -> u32 {
        let aside = self.therapy.staging.parts().iter().rev();
        let mut told =
            aside.filter_map(|part| if let Command::ProgramConcentration { ng_per_ul } = part { Some(*ng_per_ul) } else { None });
        told.next().unwrap_or(self.therapy.prescription().ng_per_ul)
    }

    fn steps_aside(&self) -> Schedule {
        let mut schedule = Schedule::default();
        for part in self.therapy.staging.parts() {
            if let Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } = *part {
                // Each was taken beside those before it.
                let _ = schedule.add(Step { days, minute, rate_nl_h, bolus_nl, bolus_ms }, self.config.rules.steps_max);
            }
        }
        schedule
    }

    fn basal_fits(&self, rate_nl_h: u32) -> Answer {
        let aside = self.therapy.revised(&self.config).and_then(|revised| revised.dose).or(self.therapy.next_dose);
        // Those of the basal mode end with it.
        let running = self.delivery.doses().iter().map(|dose| dose.programme()).filter(|dose| !dose.kind.is_basal());
        let fits = running.chain(aside).all(|dose| self.achievable(dose, rate_nl_h));
        if fits { Ok(()) } else { Err(Refusal::RateOutOfRange) }
    }

    /// Also with the basal rate in force, which goes on beside the bolus until a new one is started.
    fn bolus_fits(&self, volume_nl: u32, duration_ms: u32) -> Answer {
        let aside = self.therapy.revised(&self.config).and_then(|revised| revised.prescription.basis(&self.config));
        let peak = |basis: Option<&Basis>| basis.map_or(0, Basis::peak_nl_h);
        let basal = peak(self.delivery.basis()).max(peak(aside.as_ref()));
        if self.achievable(Programme::bolus(volume_nl, duration_ms), basal) { Ok(()) } else { Err(Refusal::RateOutOfRange) }
    }

    /// Whether the pump head can do the dose on top of the basal rate. A priming has the pump head to itself, and so has a bridge.
    fn achievable(&self, dose: Programme, basal_nl_h: u32) -> bool {
        let reach = self.config.stroke.max_rate_nl_h();
        dose.kind.holds_basal() || rate_within(dose.volume_nl, dose.duration_us / 1_000, basal_nl_h, reach)
    }

    /// A basal mode, of which no part was put aside before.
    fn is_first_of_mode(&self, part: &Command) -> bool {
        let step = |part: &Command| matches!(part, Command::ProgramStep { .. });
        match part {
            Command::ProgramStep { .. } => !self.therapy.staging.parts().iter().any(step),
            Command::ProgramBasal { .. }
            | Command::ProgramBasalDose { .. }
            | Command::ProgramMinimum
            | Command::ProgramMicrodose { .. } => true,
            _ => false,
        }
    }

    /// How the log tells of it. Doses in mass as what they come to.
    fn told_as(&self, part: &Command) -> Option<(LogCode, u32)> {
        Some(match *part {
            Command::ProgramBasal { rate_nl_h } => (LogCode::BasalProgrammed, rate_nl_h),
            Command::ProgramBasalDose { ng_per_h } => {
                (LogCode::BasalProgrammed, basal_of(ng_per_h, self.concentration(), &self.config).unwrap_or(0))
            }
            Command::ProgramBolus { volume_nl, .. } => (LogCode::BolusProgrammed, volume_nl),
            Command::ProgramBolusDose { ng, .. } => {
                (LogCode::BolusProgrammed, bolus_of(ng, self.concentration(), &self.config).unwrap_or(0))
            }
            Command::ProgramPriming { volume_nl } => (LogCode::PrimingProgrammed, volume_nl),
            Command::ProgramConcentration { ng_per_ul } => (LogCode::ConcentrationProgrammed, ng_per_ul),
            Command::ProgramStep { rate_nl_h, .. } => (LogCode::StepProgrammed, rate_nl_h),
            Command::ProgramMicrodose { volume_nl, .. } => (LogCode::MicrodoseProgrammed, volume_nl),
            Command::ProgramMinimum => (LogCode::MinimumProgrammed, 0),
            Command::ProgramPatientBolus { volume_nl, .. } => (LogCode::PatientBolusProgrammed, volume_nl),
            Command::ProgramLimit { volume_nl, .. } => (LogCode::LimitProgrammed, volume_nl),
            Command::ProgramBridge { volume_nl, .. } => (LogCode::BridgeProgrammed, volume_nl),
            _ => return None,
        })
    }

    /// What was read back is right: it becomes the prescription in force.
    pub(crate) fn confirm(&mut self, checksum: u32, now: Micros, out: Out<'_>) -> Answer {
        self.therapy.staging.confirmed_by(checksum)?;
        let revised = self.therapy.prescription().revised(self.therapy.staging.parts(), &self.config)?;
        let dose = revised.dose.or(self.therapy.next_dose);
        if revised.prescription.contradicts_itself(dose, &self.config) {
            return Err(Refusal::Contradiction);
        }
        let same_drug = revised.prescription.ng_per_ul == self.therapy.prescription().ng_per_ul;
        let another_bridge = self.therapy.staging.parts().iter().any(|part| matches!(part, Command::ProgramBridge { .. }));
        if self.therapy.kept.bridge_left_nl > 0 && same_drug && another_bridge {
            // What is still in the line is of the old drug, and goes out at the rate that was computed for it.
            return Err(Refusal::OutOfOrder);
        }
        self.therapy.staging.forget();
        self.therapy.staging.touch(now);
        self.note(now, LogCode::Confirmed, checksum);
        self.put_in_force(revised, now, out);
        self.look_for_room(now);
        Ok(())
    }

    fn put_in_force(&mut self, revised: Revised, now: Micros, out: Out<'_>) {
        let Revised { mut prescription, dose, mode_is_new, new_patient_rule } = revised;
        let therapy = &mut self.therapy;
        let ng_per_ul = core::mem::replace(&mut prescription.ng_per_ul, therapy.kept.prescription.ng_per_ul);
        if therapy.kept.prescription.limit.is_none() {
            // The limit holds from its confirmation on.
            therapy.begun.clear();
        }
        therapy.kept.prescription = prescription;
        therapy.next_dose = dose.or(therapy.next_dose);
        therapy.mode_is_new |= mode_is_new;
        if let Some(rule) = therapy.kept.prescription.patient.filter(|_| new_patient_rule) {
            therapy.patient.begin_lockout(rule, now);
        }
        if ng_per_ul != self.therapy.prescription().ng_per_ul {
            self.drop_volumes_of_old_drug(mode_is_new, new_patient_rule, dose.is_some());
            self.change_concentration(ng_per_ul, now, out);
        }
    }

    /// Volumes that were prescribed for another concentration are other doses of this one: they can't be started any more. What was confirmed
    /// together with the new concentration stays. A pump that was told none before has nothing to compute anew.
    pub(crate) fn drop_volumes_of_old_drug(&mut self, mode_is_new: bool, patient_is_new: bool, dose_is_new: bool) {
        let therapy = &mut self.therapy;
        if therapy.kept.prescription.ng_per_ul == 0 {
            return;
        }
        if !mode_is_new {
            therapy.kept.prescription.mode = Mode::None;
            therapy.kept.prescription.rate_nl_h = 0;
            therapy.mode_is_new = false;
        }
        if !patient_is_new {
            therapy.kept.prescription.patient = None;
        }
        if !dose_is_new {
            therapy.next_dose = None;
        }
    }

    /// Delivery ends after the stroke in progress; the next start begins with what is left of the old drug, if a bridge was programmed.
    pub(crate) fn change_concentration(&mut self, ng_per_ul: u32, now: Micros, out: Out<'_>) {
        let kept = &mut self.therapy.kept;
        kept.prescription.ng_per_ul = ng_per_ul;
        if let Some(bridge) = kept.prescription.bridge {
            kept.bridge_left_nl = bridge.volume_nl;
        }
        self.unsaved = true;
        self.stop(now, out);
    }

    /// What is put aside is forgotten, by command or because nobody went on with it; and a bolus that was confirmed and waits for its start, or
    /// it would come with a start that is meant for the basal rate only.
    pub(crate) fn discard(&mut self, now: Micros) {
        let dose = u32::from(self.therapy.next_dose.take().is_some());
        let parts = self.therapy.staging.forget().saturating_add(dose);
        if parts > 0 {
            self.note(now, LogCode::Discarded, parts);
        }
    }

    pub(crate) fn set_clock(&mut self, second_of_week: u32, now: Micros) -> Answer {
        const SECONDS_PER_WEEK: u32 = 7 * 86_400;
        if second_of_week >= SECONDS_PER_WEEK {
            return Err(Refusal::DurationOutOfRange);
        }
        self.therapy.clock.set(second_of_week, now);
        self.delivery.clock_set(self.therapy.clock, now, &self.config.stroke);
        self.note(now, LogCode::ClockSet, second_of_week);
        Ok(())
    }

    /// What is confirmed, or needs no confirmation, begins or takes the place of what runs.
    pub(crate) fn start(&mut self, now: Micros, out: Out<'_>) -> Answer {
        self.may_start()?;
        let mut revised = self.therapy.prescription().revised(self.therapy.staging.parts(), &self.config)?;
        revised.dose = revised.dose.or(self.therapy.next_dose);
        let mode_is_new = revised.mode_is_new || self.therapy.mode_is_new;
        let bridge = self.bridge_to_begin();
        let under_way = |kind| self.delivery.doses().get(kind).is_some();
        let in_the_way = revised.dose.is_some() && (under_way(DoseKind::Bolus) || under_way(DoseKind::Priming));
        let new = mode_is_new || revised.dose.is_some() || bridge.is_some();
        if self.stopping || in_the_way || (self.running() && !new) {
            return Err(Refusal::AlreadyRunning);
        }
        let basis = revised.prescription.basis(&self.config);
        if basis.is_none() && revised.dose.is_none() && bridge.is_none() {
            return Err(Refusal::NothingProgrammed);
        }
        if revised.prescription.mode == Mode::Schedule && !self.therapy.clock.is_set() {
            return Err(Refusal::ClockNotSet);
        }
        let on_top = [revised.dose, bridge].into_iter().flatten().fold(0_u32, |all, dose| all.saturating_add(dose.volume_nl));
        if on_top > 0 && !self.fits_limit(on_top, basis.as_ref(), mode_is_new, now) {
            self.raise(Alarm::DoseLimit, now, out);
            return Err(Refusal::LimitReached);
        }
        if self.reservoir_nl < self.config.empty_nl {
            return Err(Refusal::ReservoirTooLow);
        }
        self.take_up(revised, mode_is_new, now, out);
        Ok(())
    }

    fn may_start(&self) -> Answer {
        if self.alarms.active.contains(Alarm::EndOfService) {
            Err(Refusal::EndOfService)
        } else if self.state == pump_link::State::Halted {
            Err(Refusal::AlarmLatched)
        } else if self.therapy.kept.expected_nl.is_some() {
            // The needle is in.
            Err(Refusal::OutOfOrder)
        } else if self.therapy.staging.needs_confirmation(&self.config) {
            Err(Refusal::NotConfirmed)
        } else {
            Ok(())
        }
    }

    /// What is still to go out of the old drug.
    fn bridge_due(&self) -> Option<Programme> {
        let kept = &self.therapy.kept;
        let bridge = kept.prescription.bridge.filter(|_| kept.bridge_left_nl > 0)?;
        Some(Programme::at_rate(DoseKind::Bridge, kept.bridge_left_nl, bridge.rate_nl_h))
    }

    /// The same, if it does not go out already.
    fn bridge_to_begin(&self) -> Option<Programme> {
        self.bridge_due().filter(|_| self.delivery.doses().get(DoseKind::Bridge).is_none())
    }

    fn take_up(&mut self, revised: Revised, mode_is_new: bool, now: Micros, out: Out<'_>) {
        let basis = revised.prescription.basis(&self.config).filter(|_| mode_is_new || self.delivery.basis().is_none());
        let bridge = self.bridge_to_begin();
        if basis.is_some() {
            let ended = self.delivery.end_basal_doses(now);
            self.note_ends(&ended, now);
        }
        self.therapy.kept.prescription = revised.prescription;
        self.therapy.next_dose = None;
        self.therapy.mode_is_new = false;
        self.therapy.staging.forget();
        for programme in [revised.dose, bridge].into_iter().flatten() {
            self.delivery.start_dose(programme, now, &self.config.stroke);
        }
        if let Some(basis) = basis {
            // A rate that waited is over with its mode. Another rate finds out with its first stroke whether it waits as well.
            let waits_no_more = matches!(basis, Basis::Microdose(_));
            self.delivery.start_basal(basis, self.therapy.clock, now, &self.config.stroke);
            if waits_no_more {
                self.therapy.held = false;
                self.release_limit(now, out);
            }
        }
        self.begin_delivery(now, out);
    }
}
