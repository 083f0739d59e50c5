//! Verbs: what is ordered, between the instant at which it is said and the one at which it is answered.

use rig_model::dut::{Outcome, Verb};
use rig_model::time::{RigTime, Span};

use crate::band::{HEAD, LATENCY, TOLERANCE, timing};
use crate::bridge::Bridge;
use crate::course::{Basal, ENDING, PATIENT, Ramp, is_basal};
use crate::oracle::{Alive, Asked, Before, Ended, Oracle};
use crate::patient::Patient;
use crate::prescription::{Begin, Mode, Once};
use crate::recent::Recent;
use crate::week::{Clock, Week};

impl Oracle {
    /// From the instant at which it is said a start may have been heard, and a stop as well.
    pub(crate) fn asked(&mut self, now: RigTime, id: u64, verb: &Verb) {
        self.come_to(now);
        let doubted = self.prescription.bridge.as_ref().and_then(Bridge::doubted);
        let mut ended = Ended { lower: false, doubted, dipped: None };
        // What was under way at a dip goes on whatever else is said.
        if *verb == Verb::Start || self.may_end(verb) {
            ended.dipped = self.dipped.take();
        }
        let mut asked = Asked { id, sent: now, begin: None, lower_basal: (None, now), lower_doses: Vec::new(), may: false, ended: None };
        match verb {
            Verb::Start => {
                asked.begin = self.prescription.on_start(now, self.upper.basal().is_some());
                asked.lower_basal = (self.lower.basal().cloned(), self.lower.basal_from());
                asked.lower_doses = self.perhaps_begin(now, id, asked.begin.clone());
                if self.prescription.remembers {
                    // It may have been heard by now, and what it begins is not known.
                    self.meters.iter_mut().for_each(|meter| meter.leave_open(true));
                }
            }
            Verb::PatientBolus => asked.may = self.perhaps_patient(id, now, now),
            _ if self.may_end(verb) => {
                ended.lower = self.lower.runs();
                self.end_lower();
            }
            _ => {}
        }
        asked.ended = Some(ended);
        self.asked.push(asked);
        self.change();
    }

    /// Whether it ends the delivery, should it be taken.
    fn may_end(&self, verb: &Verb) -> bool {
        match verb {
            Verb::Stop | Verb::ShutDown | Verb::FactoryReset | Verb::BeginRefill | Verb::EndRefill { concentration: Some(_), .. } => true,
            Verb::Confirm => self.prescription.changes_concentration(self.now),
            _ => false,
        }
    }

    /// It was refused: what it would have ended goes on.
    fn not_ended(&mut self, ended: Ended) {
        if ended.lower
            && let Some(course) = self.let_off.take()
        {
            self.lower = course;
        }
        if let Some(bridge) = &mut self.prescription.bridge {
            bridge.doubted_only(ended.doubted);
        }
        self.dipped = self.dipped.take().or(ended.dipped);
    }

    pub(crate) fn ended(&mut self, now: RigTime, id: u64, verb: &Verb, outcome: &Outcome) {
        let Some(n) = self.asked.iter().position(|asked| asked.id == id) else { return };
        let asked = self.asked.swap_remove(n);
        self.come_to(now);
        match outcome {
            Outcome::Accepted => self.taken(now, verb, asked),
            Outcome::Refused(_) => {
                self.alive.retain(|alive| alive.tag & !PATIENT != id);
                self.patient.denied(id);
                self.upper.drop_bolus(id);
                self.upper.drop_bolus(id | PATIENT);
                if let Some(ended) = asked.ended {
                    self.not_ended(ended);
                }
                if *verb == Verb::Start {
                    let open = self.overfilled.is_some();
                    self.meters.iter_mut().for_each(|meter| meter.leave_open(open));
                    self.upper.not_other();
                    self.end_doses(false);
                    self.lower.put_back(asked.lower_doses);
                    self.goes_on(now, asked.lower_basal);
                }
            }
            // It may have been heard: what it ordered may flow, and nothing can be demanded.
            Outcome::Unanswered | Outcome::LinkFailed => {
                self.end_lower();
                self.end_doses(false);
                self.let_off = None;
                if asked.begin.is_some_and(|begin| begin.bridge.is_some())
                    && let Some(bridge) = &mut self.prescription.bridge
                {
                    bridge.perhaps_begun();
                }
                let why = format!("from {:.3} s on it is not known whether the pump took `{verb}`", now.seconds());
                self.blind_below.get_or_insert((now, why));
                if *verb == Verb::Start && self.prescription.remembers {
                    self.begins_unknown(now);
                }
                if self.is_program(verb) {
                    self.prescription.put_aside(verb, now);
                }
            }
        }
        self.change();
    }

    fn taken(&mut self, now: RigTime, verb: &Verb, asked: Asked) {
        match verb {
            Verb::Start => self.started(now, asked),
            Verb::Stop | Verb::ShutDown | Verb::BeginRefill => self.end_upper(),
            Verb::FactoryReset => {
                self.end_upper();
                self.prescription.reset();
                self.patient = Patient::default();
                self.limit_changed(now);
            }
            Verb::Confirm => self.confirmed(now, asked.sent),
            Verb::Discard => self.prescription.discard(),
            Verb::ReadBack => self.prescription.touch(now),
            Verb::SetClock { time_of_week } => self.clock_set(Clock::set(*time_of_week, asked.sent, now)),
            Verb::PatientBolus => self.patient_bolus(asked.id, now, asked.may),
            Verb::Refill { .. } => {
                self.patient.perhaps_anew(now);
            }
            Verb::EndRefill { concentration, .. } => {
                self.patient.anew(asked.sent, now);
                if let Some(concentration) = concentration.filter(|c| self.prescription.is_another_concentration(c.0)) {
                    self.end_upper();
                    self.prescription.end_refill_with(concentration.0);
                }
            }
            verb if self.is_program(verb) => self.prescription.put_aside(verb, now),
            _ => {}
        }
    }

    fn is_program(&self, verb: &Verb) -> bool {
        matches!(
            verb,
            Verb::ProgramBasal { .. }
                | Verb::ProgramBolus { .. }
                | Verb::ProgramPriming { .. }
                | Verb::ProgramConcentration { .. }
                | Verb::ProgramBasalDose { .. }
                | Verb::ProgramBolusDose { .. }
                | Verb::ProgramStep(_)
                | Verb::ProgramMicrodose { .. }
                | Verb::ProgramMinimum
                | Verb::ProgramPatientBolus(_)
                | Verb::ProgramLimit { .. }
                | Verb::ProgramBridge { .. }
        )
    }

    fn confirmed(&mut self, now: RigTime, sent: RigTime) {
        if self.prescription.changes_concentration(now) {
            self.end_upper();
        }
        let confirmed = self.prescription.confirm(now);
        if confirmed.patient {
            self.patient.anew(sent, now);
            self.button_by_hand(now);
        }
        if confirmed.limit {
            self.limit_changed(now);
        }
    }

    fn limit_changed(&mut self, now: RigTime) {
        let limit = self.prescription.limit;
        // Whether the pump counts what came before it knew of the limit is its own affair: all of it may have come just now.
        let came = self.meters.iter().find(|meter| meter.is_outlet()).map_or(0.0, |meter| meter.volume);
        self.recent = limit.map(|(_, window)| {
            let mut recent = Recent::new(window);
            recent.add(now, came);
            recent
        });
        self.meters.iter_mut().for_each(|meter| meter.set_limit(now, limit));
    }

    fn clock_set(&mut self, clock: Clock) {
        self.clock = Some(clock);
        for course in [&mut self.upper, &mut self.lower] {
            if let Some(Basal::Weekly(week)) = course.basal() {
                let mut week = week.clone();
                week.clock = clock;
                course.set_basal(Some(Basal::Weekly(week)), self.now);
            }
        }
    }

    // ---- start ---------------------------------------------------------------------------------------------------

    /// A start was said: what it begins may flow from now on, and the old rate can't be demanded. The doses that can't either.
    fn perhaps_begin(&mut self, now: RigTime, tag: u64, begin: Option<Begin>) -> Vec<Ramp> {
        let Some(begin) = begin else { return Vec::new() };
        self.lower.set_basal(None, now);
        let doses = if begin.mode_new { self.lower.take_doses() } else { Vec::new() };
        if begin.mode_new && begin.basal_sure {
            self.upper.mark_doses();
            self.alive.iter_mut().filter(|alive| is_basal(alive.tag)).for_each(|alive| alive.tag = ENDING);
        }
        let most = if begin.mode_new || !self.upper.runs() { self.basal_of(&begin, now, now).0 } else { self.upper.basal().cloned() };
        self.upper.or_basal(most);
        let mut from = self.behind_bridge().1;
        for run in runs(&begin, self.bench.dut.own.priming.0) {
            if self.limit_forbids(run.least.0, begin.mode.least()) {
                continue;
            }
            let (volume, fastest, slowest) = run.most;
            self.upper.bolus(tag, now, volume, fastest);
            let until = from.saturating_add(slowest + timing(slowest) + LATENCY + LATENCY);
            let volume = self.with_tolerance(volume);
            self.hold_up(slowest + timing(slowest) + LATENCY);
            self.alive.push(Alive { tag, volume, until, patient: None, held: false });
            from = from.saturating_add(slowest + timing(slowest));
        }
        doses
    }

    /// A start that was not taken: what had to flow goes on.
    fn goes_on(&mut self, now: RigTime, (basal, from): (Option<Basal>, RigTime)) {
        self.lower.set_basal(basal, now.max(from));
    }

    /// What begins may be what the pump was told before the case, and nothing says what that was.
    fn begins_unknown(&mut self, now: RigTime) {
        let why = format!("from {:.3} s on the pump may deliver what it was told before this case", now.seconds());
        self.blind = Some((now, why));
    }

    fn started(&mut self, now: RigTime, asked: Asked) {
        if self.prescription.remembers {
            self.begun = true;
            return self.begins_unknown(now);
        }
        let Some(begin) = asked.begin else {
            // It should have been refused. What was under way goes on, and nothing new is allowed.
            self.goes_on(now, asked.lower_basal);
            return;
        };
        self.begun = true;
        self.let_off = None;
        let goes_on = asked.lower_basal.0.filter(|_| !begin.mode_new && begin.basal_sure);
        let least = goes_on.or_else(|| self.basal_of(&begin, asked.sent, now).1);
        let mut basal_from = self.behind_bridge();
        for run in runs(&begin, self.bench.dut.own.priming.0).iter().filter(|run| begin.sure || run.kind == Kind::Bridge) {
            let (volume, over) = run.least;
            if self.limit_forbids(volume, begin.mode.least()) {
                continue;
            }
            self.lower.bolus(asked.id, basal_from.1, volume, over);
            match (run.kind, &mut self.prescription.bridge) {
                (Kind::Bridge, Some(bridge)) => {
                    bridge.begin(asked.sent, basal_from.1);
                    basal_from = self.behind_bridge();
                }
                (Kind::Priming, _) => basal_from.1 = basal_from.1 + over + timing(over),
                _ => {}
            }
        }
        self.end_doses(true);
        self.upper.take_other(basal_from.0);
        self.lower.set_basal(least, basal_from.1);
        self.prescription.begun(&begin);
        self.surroundings.begins();
        let (allowed, owed) = (self.allowed, self.owed);
        for meter in &mut self.meters {
            meter.settle(now, allowed, owed);
            meter.rate_changed(now);
        }
    }

    /// The basal delivery that it begins, at its most and at its least.
    fn basal_of(&self, begin: &Begin, earliest: RigTime, latest: RigTime) -> (Option<Basal>, Option<Basal>) {
        let (most, least) = match &begin.mode {
            Mode::None => (None, None),
            Mode::Continuous(rate) => (Some(Basal::Constant(*rate)), Some(Basal::Constant(*rate))),
            Mode::Weekly(steps) => {
                // Without a clock the start must be refused.
                let week = self.clock.map(|clock| Basal::Weekly(Box::new(Week::new(steps, clock))));
                (week.clone(), week)
            }
            Mode::Microdose { volume, over, every } => {
                let dose = |next| Some(Basal::Microdose { volume: *volume, over: *over, every: *every, next, slack: Span::ZERO });
                (dose(earliest), dose(latest))
            }
        };
        (most, least.filter(|_| begin.basal_sure))
    }

    /// Together with a whole further period of the basal rate, and what is left of a step's dose, this bolus would pass the limit: it must be refused.
    fn limit_forbids(&self, volume: f64, basal: f64) -> bool {
        let Some((limit, window)) = self.prescription.limit else { return false };
        volume + self.upper.left_of_steps() + basal * window.as_hours() > limit * 1.01 + 2.0 * self.stroke
    }

    fn constant_rate(&self) -> f64 {
        if let Some(Basal::Constant(rate)) = self.upper.basal() { *rate } else { 0.0 }
    }

    // ---- the patient ---------------------------------------------------------------------------------------------

    /// The patient asked for a bolus between two instants: by a button whose press certainly counted, or perhaps.
    pub(crate) fn pressed(&mut self, from: RigTime, to: RigTime, certain: bool) {
        // A tag that no command has: ids are counted from 1.
        let tag = from.0 as u64 & !PATIENT;
        let must = certain && self.must_have_patient(from);
        if self.perhaps_patient(tag, from, to) && must {
            self.lower_patient(tag, to);
            self.patient.came(tag);
        }
        self.change();
    }

    /// Whether the rules may allow one; then it may flow from now on.
    fn perhaps_patient(&mut self, tag: u64, from: RigTime, to: RigTime) -> bool {
        let Some(rule) = self.prescription.patient.clone() else { return false };
        let volume = rule.volume.0;
        if !self.upper.runs() || !self.patient.may(&rule, to, self.upper.skew) || self.limit_forbids(volume, self.constant_rate()) {
            return false;
        }
        // A clinician bolus that is under way waits for it.
        let waits = rule.over + timing(rule.over) + LATENCY;
        let until = to.saturating_add(waits + LATENCY);
        self.lower.pause_until(until);
        let under_way = |tag| self.alive.iter().any(|alive| alive.tag == tag | PATIENT);
        if let Some(first) = self.patient.instead_of(&rule, from, under_way) {
            // One of the two presses, never both: the volume that was allowed for the first may come for this one.
            self.alive.iter_mut().filter(|alive| alive.tag == first | PATIENT).for_each(|alive| alive.until = alive.until.max(until));
            self.patient.given(tag, from, to.min(from + Span::hours(1)), false);
            return true;
        }
        let alone = self.alive.is_empty();
        self.alive.iter_mut().filter(|alive| !is_basal(alive.tag)).for_each(|alive| alive.until = alive.until.saturating_add(waits));
        self.hold_up(waits);
        let before = self.outlet().filter(|_| alone).map(|came| Before { came, allowed: self.allowed });
        self.upper.bolus(tag | PATIENT, from, volume, rule.over);
        let with_tolerance = self.with_tolerance(volume);
        self.alive.push(Alive {
            tag: tag | PATIENT,
            volume: with_tolerance,
            until,
            patient: before.map(|before| (before, volume)),
            held: false,
        });
        self.patient.given(tag, from, to.min(from + Span::hours(1)), false);
        self.begun = true;
        true
    }

    /// What came at the outlet in this case, µL.
    fn outlet(&self) -> Option<f64> {
        self.meters.iter().find(|meter| meter.is_outlet()).map(|meter| meter.volume)
    }

    /// Whether it is certain that a bolus must come: nothing in the rules, in the limit and in the pump's state speaks against it.
    fn must_have_patient(&mut self, from: RigTime) -> bool {
        let Some(rule) = self.prescription.patient.clone() else { return false };
        let now = self.now;
        let room = match (self.prescription.limit, &mut self.recent) {
            (Some((limit, window)), Some(recent)) => {
                let most = match self.upper.basal() {
                    Some(Basal::Constant(rate)) => *rate,
                    Some(Basal::Weekly(week)) => week.most(),
                    Some(Basal::Microdose { .. }) => f64::INFINITY,
                    None => 0.0,
                };
                let doses = if let Some(Basal::Weekly(week)) = self.upper.basal() { week.most_doses(window) } else { 0.0 };
                recent.sum(now) + rule.volume.0 + doses + most * window.as_hours() < limit * 0.99 - 2.0 * self.stroke
            }
            _ => true,
        };
        room && self.lower.basal_flows() && !self.alarmed() && self.patient.must(&rule, from, self.upper.skew)
    }

    fn lower_patient(&mut self, tag: u64, at: RigTime) {
        if let Some(rule) = self.prescription.patient.clone() {
            self.lower.bolus(tag | PATIENT, at, rule.volume.0, rule.over);
        }
    }

    /// The pump took a request by command: if the rules allow it at all, it must come.
    fn patient_bolus(&mut self, id: u64, now: RigTime, may: bool) {
        if may {
            self.lower_patient(id, now);
            self.patient.came(id);
        }
    }
}

/// What a start begins besides the basal delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    kind: Kind,
    /// The greatest volume that it may be, and the shortest and the longest time in which it may go out.
    most: (f64, Span, Span),
    /// The least, and the longest time.
    least: (f64, Span),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Priming,
    Bridge,
    Bolus,
}

/// In the order in which they go out: each waits for the one before it. A priming goes at this rate.
fn runs(begin: &Begin, priming: f64) -> Vec<Run> {
    let at = |volume: f64, rate: f64| Span((volume / rate.max(1e-3) * 3.6e12) as i64);
    let mut runs: Vec<Run> = begin
        .once
        .iter()
        .map(|once| match *once {
            Once::Bolus { volume, over } => Run { kind: Kind::Bolus, most: (volume, over, over), least: (volume, over) },
            Once::Priming { volume } => {
                let slowest = at(volume, priming * (1.0 - TOLERANCE));
                Run { kind: Kind::Priming, most: (volume, at(volume, priming * HEAD), slowest), least: (volume, slowest) }
            }
        })
        .collect();
    runs.extend(begin.bridge.map(|due| {
        let (least, most) = due.over();
        Run { kind: Kind::Bridge, most: (due.volume.1, most, most), least: (due.volume.0, least) }
    }));
    runs.sort_by_key(|run| run.kind as u8);
    runs
}
