//! What the programme makes one expect of a measured window.

use rig_model::Name;
use rig_model::curve::CurvePlan;
use rig_model::scenario::{DeliveryAsked, Measure, Rolling, Step, Until};
use rig_model::time::Span;

use super::{Programme, Seen};

/// What the programme makes one expect of a measured window.
#[derive(Debug, Clone)]
pub struct Course {
    /// Another number for each window that is closed.
    pub id: u64,
    pub channel: Name,
    /// Absent where the window ends with something of which nobody can tell when it comes.
    pub length: Option<Span>,
    /// No longer than this.
    pub longest: Span,
    /// µL, or why that can't be told.
    pub through: Result<f64, String>,
    /// The rate in µL/h where nothing but one basal rate flowed all through.
    pub steady: Option<f64>,
    /// The fastest mean rate that was asked for while it was open, µL/h.
    pub fastest: f64,
    /// Its ends may lie anywhere among the strokes of the pump, so that one more or less may be in it.
    pub cuts_strokes: bool,
    /// What moves a sound pump away from what it is told, by how much nobody states.
    pub swayed: Option<String>,
    /// Where a single bolus came through it and nothing else: its volume in µL and, where it is programmed, its duration in s.
    pub dose: Option<(f64, Option<f64>)>,
    /// What the window is asked for beside.
    pub curve: Option<CurvePlan>,
    pub delivery: Option<DeliveryAsked>,
}

struct Opened {
    at: f64,
    volume: f64,
    seen: Seen,
}

impl<'c> Programme<'c> {
    pub(super) fn measure(&mut self, measure: &'c Measure, look: &mut dyn FnMut(&'c Step, &Self)) {
        let opened = Opened { at: self.now, volume: self.total(), seen: self.seen };
        // What is under way when the window opens is cut by it.
        if self.dose.is_some() || self.now < self.settled_at {
            self.seen.strokes += 1;
        }
        let rate = self.rate();
        let fastest = std::mem::replace(&mut self.seen.fastest, rate);
        self.play(&measure.during, look);
        let elapsed = |programme: &Self| programme.now - opened.at;
        match &measure.until {
            Until::StepsDone => {}
            Until::Elapsed(span) => self.pass(span.as_seconds() - elapsed(self)),
            Until::Condition { what, then_quiet_for, within } => {
                if let Some(what) = what {
                    let left = Span::from_seconds((within.as_seconds() - elapsed(self)).max(0.0));
                    self.wait_for(what, left);
                }
                self.pass(then_quiet_for.map_or(0.0, Span::as_seconds));
            }
        }
        let course = self.close(measure, &opened);
        self.courses.insert(&measure.name, course);
        self.seen.fastest = self.seen.fastest.max(fastest);
    }

    fn close(&self, measure: &Measure, opened: &Opened) -> Course {
        let length = Span::from_seconds(self.now - opened.at);
        let Opened { seen: before, .. } = opened;
        let timed = self.seen.untimed == before.untimed;
        let within = if let Until::Condition { within, .. } = measure.until { within } else { length };
        let through = match &self.unknown {
            Some(why) => Err(why.clone()),
            None if self.seen.unmeasured > before.unmeasured => Err("nobody knows how long the pump runs in it".to_owned()),
            None => Ok(self.total() - opened.volume),
        };
        let one_dose = self.seen.doses == before.doses + 1 && self.seen.strokes == before.strokes && self.dose.is_none();
        let alone = timed && self.unknown.is_none() && self.dose.is_none() && self.rate_since <= opened.at;
        Course {
            id: u64::from(self.steps) << 1 | u64::from(self.passing),
            channel: measure.channel.clone(),
            length: timed.then_some(length),
            longest: length.max(within),
            steady: self.infusing.filter(|_| alone),
            fastest: self.seen.fastest,
            // Of a pump that is out of sight nobody can say that it stands still at the window's ends.
            cuts_strokes: self.seen.strokes > before.strokes || self.dose.is_some() || (timed && self.unknown.is_some()),
            swayed: self.swayed.clone(),
            dose: self.seen.last_dose.filter(|_| one_dose && through.is_ok()).map(|d| (d.volume, d.over_s)),
            through,
            curve: measure.curve.as_ref().map(|asked| asked.plan.clone()),
            delivery: measure.delivery,
        }
    }
}

/// How many windows of a family there may be at the most in so much volume.
pub fn members(rolling: Rolling, pulses: f64, strokes: Option<f64>) -> u64 {
    match rolling {
        // One for each pulse that enters and one for each that leaves.
        Rolling::Every(_) => (2.0 * pulses).ceil() as u64 + 1,
        Rolling::Strokes(_) => strokes.unwrap_or(pulses).ceil() as u64 + 1,
    }
}
