//! Strokes that move too much, too little, nothing, or come by themselves.

use std::sync::Arc;

use pump_link::State;
use rand_core::RngCore;
use rig_model::defect::Seam;
use rig_model::input::PlantChange;
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};

use super::{Faults, Misdeed, flows, seconds};

/// A stroke of the reference pump, for one that has made none yet.
const USUAL: (Volume, Span) = (Volume(1.0), Span::milliseconds(500));

#[derive(Debug)]
pub(super) struct Strokes {
    last: (Volume, Span),
    last_at: Option<RigTime>,
    /// Since power-on.
    pub count: u32,
    since_rest: u32,
    /// In the dose under way.
    in_dose: u32,
    /// The rotor has turned in the last one.
    pub turned: bool,
    pub stop_asked: bool,
}

impl Default for Strokes {
    fn default() -> Self {
        Self { last: USUAL, last_at: None, count: 0, since_rest: 0, in_dose: 0, turned: true, stop_asked: false }
    }
}

/// What is around the pump head at a stroke.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub reservoir: Volume,
    pub pressure: Pressure,
}

impl Faults {
    /// True stroke volume over the volume that the firmware meant, of every stroke alike, beside the plant's own.
    pub fn gain(&self) -> f64 {
        self.seams.iter().fold(1.0, |gain, seam| if let Seam::Gain { by } = *seam { gain * by } else { gain })
    }

    /// The firmware begins a stroke; which part of its volume it moves beside [`Faults::gain`], if anything.
    pub fn stroke(&mut self, at: RigTime, volume: Volume, duration: Span, around: Around) -> Option<f64> {
        let swallowed = self.swallows();
        let pause = self.strokes.last_at.map(|last| at - last);
        self.count(at, (volume, duration));
        let (mut part, mut moves, mut turned) = (1.0, !swallowed, true);
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            part *= self.part_of(*seam, at, pause, around);
            if self.stands_still(*seam, around) {
                (moves, turned) = (false, false);
            }
            if matches!(*seam, Seam::StrokeLost { every } if self.lasting.strokes.is_multiple_of(every)) {
                moves = false;
            }
            self.brings_about(*seam, at, duration);
        }
        self.strokes.turned = turned;
        moves.then_some(part)
    }

    fn count(&mut self, at: RigTime, stroke: (Volume, Span)) {
        self.strokes.last = stroke;
        self.strokes.last_at = Some(at);
        self.strokes.count += 1;
        self.strokes.since_rest += 1;
        self.strokes.in_dose += 1;
        self.lasting.strokes += 1;
    }

    /// A valve that sticks after a rest.
    fn swallows(&self) -> bool {
        self.seams.iter().any(|seam| matches!(*seam, Seam::FirstStrokesLost { strokes } if self.strokes.since_rest < strokes))
    }

    fn part_of(&mut self, seam: Seam, at: RigTime, pause: Option<Span>, around: Around) -> f64 {
        let is = |state| self.state == Some(state);
        match seam {
            Seam::GainDrift { by, over_h } => {
                let age = self.lasting.born.map_or(0.0, |born| (at - born).as_seconds() / 3_600.0);
                (1.0 + (by - 1.0) * age / over_h).max(0.0)
            }
            Seam::GainWhenFull { by, above_ml } if around.reservoir.0 > above_ml * 1e3 => by,
            Seam::GainWhenLow { by, below_ml } if around.reservoir.0 < below_ml * 1e3 => by,
            Seam::GainUnderPressure { by, above_kpa } if around.pressure.0 > above_kpa => by,
            Seam::GainInBolus { by } if is(State::Bolus) => by,
            Seam::GainInBasal { by } if is(State::Infusing) => by,
            Seam::GainInPriming { by } if is(State::Priming) => by,
            Seam::GainInPatientBolus { by } if is(State::PatientBolus) => by,
            Seam::GainAfterPause { by, pause_s } if pause.is_none_or(|pause| pause >= seconds(pause_s)) => by,
            Seam::StrokeNoise { percent } => (1.0 + percent / 100.0 * self.normal()).max(0.0),
            _ => 1.0,
        }
    }

    fn stands_still(&self, seam: Seam, around: Around) -> bool {
        match seam {
            Seam::StrokeLostUnderLoad { above_kpa } => around.pressure.0 > above_kpa,
            Seam::StrokeLostInBolus { every } => self.state == Some(State::Bolus) && self.strokes.in_dose.is_multiple_of(every),
            Seam::Stall { every, strokes } => (self.lasting.strokes - 1) % (every + strokes) >= every,
            _ => false,
        }
    }

    /// What follows from a stroke.
    fn brings_about(&mut self, seam: Seam, at: RigTime, duration: Span) {
        let midway = at + Span(duration.0 / 2);
        let (count, in_bolus) = (self.strokes.count, self.state == Some(State::Bolus));
        match seam {
            Seam::Resets { after_strokes } if count == after_strokes => self.plan(midway, Misdeed::BrownOut),
            Seam::ResetsInBolus { after_strokes } if in_bolus && self.strokes.in_dose == after_strokes => {
                self.plan(midway, Misdeed::BrownOut)
            }
            Seam::DiesInBolus { after_strokes } if in_bolus && self.strokes.in_dose == after_strokes => {
                self.plan(midway, Misdeed::PowerLost)
            }
            Seam::Hangs { after_strokes } if count == after_strokes => self.plan(midway, Misdeed::Hang),
            Seam::FreeFlow { at: flow, after_strokes } if self.lasting.strokes == after_strokes => {
                self.plan(at, Misdeed::Dribble(Flow(flow)))
            }
            Seam::BackFlow { for_s } => {
                self.planned.retain(|(_, misdeed)| !matches!(misdeed, Misdeed::Plant(_)));
                self.plan(at, Misdeed::Plant(PlantChange::BackFlow { open: false }));
                self.plan(at + duration, Misdeed::Plant(PlantChange::BackFlow { open: true }));
                self.plan(at + duration + seconds(for_s), Misdeed::Plant(PlantChange::BackFlow { open: false }));
            }
            _ => {}
        }
    }

    /// The power goes.
    pub(super) fn run_on(&mut self, at: RigTime) {
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            if let Seam::RunsOn { strokes, every_s } = *seam
                && self.state.is_some_and(flows)
            {
                let (volume, duration) = self.strokes.last;
                for n in 1..=i64::from(strokes) {
                    self.plan(at + Span(n * seconds(every_s).0), Misdeed::Stroke(volume, duration));
                }
            }
        }
    }

    pub(super) fn state_changed(&mut self, at: RigTime, before: Option<State>, now: State) {
        let came_to_rest = before.is_some_and(flows) && !flows(now);
        if !flows(now) {
            self.strokes.since_rest = 0;
        }
        if before != Some(now) {
            self.strokes.in_dose = 0;
        }
        let asked = came_to_rest && std::mem::take(&mut self.strokes.stop_asked);
        let (volume, duration) = self.strokes.last;
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            match *seam {
                Seam::StrokesAfterStop { .. } if flows(now) => self.planned.retain(|(_, misdeed)| !matches!(misdeed, Misdeed::Stroke(..))),
                Seam::StrokesAfterStop { strokes, every_s } if asked => {
                    for n in 1..=i64::from(strokes) {
                        self.plan(at + Span(n * seconds(every_s).0), Misdeed::Stroke(volume, duration));
                    }
                }
                Seam::StrokesAtRest { every_s } => {
                    self.planned.retain(|(_, misdeed)| !matches!(misdeed, Misdeed::StrokeAtRest(..)));
                    if !flows(now) && now != State::SelfTest {
                        let every = seconds(every_s);
                        self.plan(at + every, Misdeed::StrokeAtRest(volume, duration, every));
                    }
                }
                Seam::Dribble { .. } if flows(now) => self.plan(at, Misdeed::Dribble(Flow(0.0))),
                Seam::Dribble { at: flow } if came_to_rest => self.plan(at, Misdeed::Dribble(Flow(flow))),
                Seam::RepeatedStart { after_s } if before == Some(State::Bolus) && now != State::Bolus => self.echo(at, after_s),
                _ => {}
            }
        }
    }

    /// Near to normal: the sum of twelve even ones, which every machine computes alike.
    fn normal(&mut self) -> f64 {
        let even = |noise: &mut rand_chacha::ChaCha8Rng| f64::from(noise.next_u32()) / (f64::from(u32::MAX) + 1.0);
        (0..12).map(|_| even(&mut self.lasting.noise)).sum::<f64>() - 6.0
    }
}
