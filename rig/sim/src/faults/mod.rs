//! What a defective pump does differently at the seams of the firmware: strokes, readings, tones, bytes, memory, power.
//!
//! Each file has the seams of one kind; `rig_model::defect` says what each does.

mod button;
mod commands;
mod memory;
mod readings;
mod replies;
mod strokes;
mod tones;

use std::collections::VecDeque;
use std::sync::Arc;

use pump_link::{Alarm, AlarmClass, Alarms, MAX_FRAME, Message, State, encode};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rig_model::defect::{Seam, Tones as Which};
use rig_model::input::PlantChange;
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

pub(crate) use memory::seal;

pub(crate) use strokes::Around;

/// The session in which a defect commands its own pump; the rig is not shown the replies.
const OWN_SESSION: u32 = u32::MAX;

/// Something that a defect brings about by itself.
#[derive(Debug)]
pub(crate) enum Misdeed {
    Stroke(Volume, Span),
    /// A stroke while the pump is stopped; another follows after this time.
    StrokeAtRest(Volume, Span, Span),
    /// Commands to the firmware that the rig never sent.
    Command(Vec<u8>),
    /// Bytes to the rig that the firmware never sent.
    Reply(Vec<u8>),
    Dribble(Flow),
    Plant(PlantChange),
    Tone(bool),
    /// A beep of nobody's; another follows after this time.
    BeepWithout(Span),
    Button(bool),
    /// The button is pressed by nobody; again after this time.
    ButtonByItself(Span),
    BrownOut,
    /// For good.
    PowerLost,
    Hang,
}

#[derive(Debug)]
pub(crate) struct Faults {
    seams: Arc<[Seam]>,
    /// Any of them follows what the pump says.
    listens: bool,
    planned: VecDeque<(RigTime, Misdeed)>,
    powered_at: RigTime,
    /// As the pump last told it.
    state: Option<State>,
    alarms: Alarms,
    strokes: strokes::Strokes,
    readings: readings::Readings,
    tones: tones::Tones,
    commands: commands::Commands,
    replies: replies::Replies,
    button: button::Button,
    lasting: Lasting,
}

/// What outlives a loss of power.
#[derive(Debug)]
struct Lasting {
    /// When power first came on.
    born: Option<RigTime>,
    strokes: u32,
    dead: bool,
    memory: memory::Memory,
    noise: ChaCha8Rng,
}

impl Faults {
    pub fn new(seams: Arc<[Seam]>, seed: u64) -> Self {
        let lasting = Lasting {
            born: None,
            strokes: 0,
            dead: false,
            memory: memory::Memory::default(),
            noise: ChaCha8Rng::seed_from_u64(seed ^ NOISE),
        };
        Self::powered(seams, lasting, RigTime::ZERO)
    }

    fn powered(seams: Arc<[Seam]>, lasting: Lasting, powered_at: RigTime) -> Self {
        Self {
            listens: !seams.is_empty(),
            planned: VecDeque::new(),
            powered_at,
            state: None,
            alarms: Alarms::NONE,
            strokes: strokes::Strokes::default(),
            readings: readings::Readings::default(),
            tones: tones::Tones::default(),
            commands: commands::Commands::of(&seams),
            replies: replies::Replies::default(),
            button: button::Button::default(),
            seams,
            lasting,
        }
    }

    /// A pump that nothing has happened to yet.
    pub fn refresh(&mut self, seed: u64) {
        *self = Self::new(Arc::clone(&self.seams), seed);
    }

    /// Nothing is wrong with this pump.
    pub fn none(&self) -> bool {
        self.seams.is_empty()
    }

    pub fn powered_on(&mut self, at: RigTime) {
        let noise = self.lasting.noise.clone();
        let spare = Lasting { born: None, strokes: 0, dead: false, memory: memory::Memory::default(), noise };
        let lasting = std::mem::replace(&mut self.lasting, spare);
        *self = Self::powered(Arc::clone(&self.seams), lasting, at);
        self.lasting.born.get_or_insert(at);
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            match *seam {
                Seam::ToneWithout { every_s } => self.plan(at + seconds(every_s), Misdeed::BeepWithout(seconds(every_s))),
                Seam::ButtonByItself { every_s } => self.plan(at + seconds(every_s), Misdeed::ButtonByItself(seconds(every_s))),
                Seam::FreeFlow { at: flow, after_strokes: 0 } => self.plan(at, Misdeed::Dribble(Flow(flow))),
                _ => {}
            }
        }
    }

    pub fn powered_off(&mut self, at: RigTime) {
        // A valve that doesn't close needs no power.
        self.planned.retain(|(_, misdeed)| matches!(misdeed, Misdeed::Dribble(_)));
        self.run_on(at);
    }

    /// How much too fast its clock goes, whatever else is said of it.
    pub fn clock_ppm(&self) -> Option<f64> {
        self.seams.iter().find_map(|seam| if let Seam::ClockFast { percent } = *seam { Some(percent * 1e4) } else { None })
    }

    /// Its battery is spent: no power comes on any more.
    pub fn dead(&self) -> bool {
        self.lasting.dead
    }

    pub fn dies(&mut self) {
        self.lasting.dead = true;
    }

    pub fn next(&self) -> Option<RigTime> {
        self.planned.front().map(|(at, _)| *at)
    }

    /// What was planned first; what repeats itself is planned again.
    pub fn take(&mut self) -> Option<Misdeed> {
        let (at, misdeed) = self.planned.pop_front()?;
        match misdeed {
            Misdeed::StrokeAtRest(volume, duration, every) => {
                self.plan(at + every, Misdeed::StrokeAtRest(volume, duration, every));
            }
            Misdeed::BeepWithout(every) => {
                self.plan(at + tones::BEEP, Misdeed::Tone(false));
                self.plan(at + every, Misdeed::BeepWithout(every));
            }
            Misdeed::ButtonByItself(every) => {
                self.plan(at + button::PRESS, Misdeed::Button(false));
                self.plan(at + every, Misdeed::ButtonByItself(every));
            }
            _ => {}
        }
        Some(misdeed)
    }

    /// Behind what is planned for the same time.
    fn plan(&mut self, at: RigTime, misdeed: Misdeed) {
        let place = self.planned.partition_point(|(time, _)| *time <= at);
        self.planned.insert(place, (at, misdeed));
    }

    /// The worst class among the alarms that the pump has told.
    fn class(&self) -> Option<AlarmClass> {
        self.alarms.iter().map(Alarm::class).max()
    }
}

/// Apart from what the plumbing draws from the same seed.
const NOISE: u64 = 0x5EA5_0000_DEFE_C700;

fn flows(state: State) -> bool {
    matches!(state, State::Infusing | State::Bolus | State::Priming | State::PatientBolus | State::Bridge)
}

fn concerns(which: Which, class: Option<AlarmClass>) -> bool {
    match which {
        Which::Any => true,
        Which::Critical => class == Some(AlarmClass::Critical),
        Which::NonCritical => class == Some(AlarmClass::NonCritical),
    }
}

/// To the nanosecond; amounts of a catalogue are far from the ends of rig time.
fn seconds(s: f64) -> Span {
    Span((s * 1e9) as i64)
}

fn frame<M: Message>(message: &M) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    encode(message, &mut buffer).expect("a message that was decoded, or a request, fits a frame").to_vec()
}

#[cfg(test)]
mod tests;
