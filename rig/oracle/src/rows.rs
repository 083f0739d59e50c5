//! The two rows at the end of a case.

use std::collections::BTreeSet;

use rig_metrology::{judge, proven_fail, test_uncertainty_ratio};
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::dose::DoseRow;
use rig_model::quantity::{Dimension, Figures};
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Limits, Reason, Rule, Verdict};

use crate::band::STROKES;
use crate::meter::{Candidate, Meter};
use crate::oracle::Oracle;

impl Oracle {
    /// The rows of a case that ends at `now`; none where nothing was begun and nothing flowed. `alive`: channels that were shown to be
    /// alive in the run before this case.
    pub fn judge(&mut self, now: RigTime, alive: &BTreeSet<Name>) -> Vec<CheckRow> {
        let judged_to = self.blind.as_ref().map_or(now, |(at, _)| *at);
        self.move_to(judged_to);
        let (allowed, owed) = (self.allowed, self.owed);
        for meter in &mut self.meters {
            meter.settle(judged_to, allowed, owed);
            meter.commit();
        }
        let shown = |meter: &Meter| meter.pulses > 0 || alive.contains(&meter.name);
        let came = self.meters.iter().any(|meter| meter.pulses > 0);
        let due = self.owed > STROKES * self.stroke;
        // Where nothing was begun and nothing came there is nothing to say; nor where nothing came because nothing had to come yet.
        let something = came || due || self.begun && self.meters.iter().any(shown);
        if self.meters.is_empty() || !something {
            return Vec::new();
        }
        let excess = self.meters.iter().map(|meter| (meter, self.row(DoseRow::EXCESS, meter, now, shown(meter)))).collect();
        let mut rows: Vec<CheckRow> = that_can_tell(excess).into_iter().max_by(worse).into_iter().collect();
        let outlet = self.meters.iter().find(|meter| meter.is_outlet());
        // Where nothing was ordered for certain, or all of it excused, there is nothing to miss, and no row says that nothing was missing.
        let demanded = self.owed > STROKES * self.stroke || self.blind.is_some() || self.blind_below.is_some();
        rows.extend(outlet.filter(|_| demanded).map(|meter| self.row(DoseRow::SHORTFALL, meter, now, shown(meter))));
        rows
    }

    fn row(&self, kind: DoseRow, meter: &Meter, now: RigTime, shown: bool) -> CheckRow {
        let row = blank(kind, meter, &self.bench, self.began, now);
        let below = self.blind_below.as_ref().filter(|_| kind == DoseRow::SHORTFALL);
        let wide = self.wide[usize::from(kind == DoseRow::SHORTFALL)].as_ref();
        // Behind its end nothing is judged; where the band is too wide a FAIL still counts.
        let end = self.blind.iter().chain(below).min_by_key(|(at, _)| *at);
        let until = end.or(wide);
        let candidates = if kind == DoseRow::EXCESS { meter.excess() } else { meter.shortfall() };
        let rule = rule(&self.bench);
        let judged = candidates.iter().map(|c| (c, judge(&c.beyond, LIMITS, rule)));
        let Some((worst, judgement)) = judged.max_by(|(a, x), (b, y)| {
            let [a, b] = [a, b].map(|c| (proven_fail(&c.beyond, LIMITS, rule), c.beyond.estimate.value));
            x.verdict.cmp(&y.verdict).then(a.0.cmp(&b.0)).then(a.1.total_cmp(&b.1))
        }) else {
            return decide(row, Verdict::Error, Reason::NoData, "nothing was measured".into());
        };
        let mut row = filled(row, worst);
        row.acceptance = judgement.acceptance;
        row.probability_of_conformity = judgement.probability_of_conformity.filter(|p| p.is_finite());
        row.condition = judgement.condition;
        let what = self.sentence(kind, worst);
        let overfilled = self.overfilled.map(|from| (from, now)).or(self.unjudged).filter(|_| kind == DoseRow::EXCESS);
        let what = match overfilled {
            Some((from, to)) => {
                let (from, to) = (self.unjudged.map_or(from, |(first, _)| first).seconds(), to.seconds());
                format!("{what}; not judged while the reservoir was filled beyond its capacity, between {from:.3} s and {to:.3} s")
            }
            None => what,
        };
        let what = match until {
            Some((at, why)) => format!("{what}; judged up to {:.3} s: {why}", at.seconds()),
            None => what,
        };
        if let Some(why) = unsound(meter, end.map_or(RigTime::MAX, |(at, _)| *at)) {
            let proven = kind == DoseRow::EXCESS && !meter.spurious && proven_fail(&worst.beyond, LIMITS, rule);
            if !proven {
                return decide(CheckRow { value: None, ..row }, Verdict::Error, why.0, why.1);
            }
        }
        if !shown {
            let why = format!("{} was never shown to be alive in this run", meter.name);
            return decide(CheckRow { value: None, ..row }, Verdict::Error, Reason::ChannelNotAlive, why);
        }
        // What was not judged to the end is no PASS.
        let lifted = overfilled.is_some() && self.unjudged_for(now).0 * 2 > (now - self.began).0;
        let nothing = kind == DoseRow::SHORTFALL && self.owed <= STROKES * self.stroke;
        if judgement.verdict == Verdict::Pass && (until.is_some() || lifted || nothing) {
            return decide(CheckRow { value: None, ..row }, Verdict::Skipped, Reason::Lacking, what);
        }
        decide(row, judgement.verdict, judgement.reason_code, what)
    }

    /// How long the upper bound was lifted, from its first time to its last.
    fn unjudged_for(&self, now: RigTime) -> rig_model::time::Span {
        let first = self.unjudged.map(|(from, _)| from).or(self.overfilled).unwrap_or(now);
        let last = if self.overfilled.is_some() { now } else { self.unjudged.map_or(now, |(_, to)| to) };
        last - first
    }

    fn sentence(&self, kind: DoseRow, worst: &Candidate) -> String {
        let shortfall = kind == DoseRow::SHORTFALL;
        let tolerance = if shortfall { self.widest.1 } else { self.widest.0 };
        let told = sentence(kind, worst, self.stroke, tolerance);
        if !shortfall {
            return told;
        }
        format!("{told}; in the whole case {} µL had to come, and {} µL more were excused", round(self.owed), round(self.excused))
    }
}

const LIMITS: Limits = Limits { lower: None, upper: Some(0.0) };

/// Why the channel's pulses are not the whole truth up to where the row is judged.
fn unsound(meter: &Meter, judged_to: RigTime) -> Option<(Reason, String)> {
    let lost = meter.lost.clone().filter(|(at, _)| *at <= judged_to).map(|(_, why)| (Reason::DataLost, why));
    lost.or_else(|| meter.out_of_range().map(|why| (Reason::OutOfRange, why)))
}

/// Without the channels that can't tell what a finer one on the same fluid can: the zero of a thermal sensor may be off by as much as a basal
/// rate. What they prove counts.
fn that_can_tell(rows: Vec<(&Meter, CheckRow)>) -> Vec<CheckRow> {
    let undecided = |row: &CheckRow| {
        let unproven = row.value.zip(row.expanded_uncertainty).is_some_and(|(value, expanded)| value <= expanded);
        matches!(row.verdict, Verdict::Inconclusive | Verdict::Fail) && unproven
    };
    let within = |row: &CheckRow| matches!(row.verdict, Verdict::Pass | Verdict::Skipped);
    let finer = |meter: &Meter| rows.iter().any(|(other, row)| meter.is_coarser_than(other) && within(row));
    let kept: Vec<bool> = rows.iter().map(|(meter, row)| !(undecided(row) && finer(meter))).collect();
    rows.into_iter().zip(kept).filter_map(|((_, row), kept)| kept.then_some(row)).collect()
}

/// A FAIL before all else, then whatever is not PASS, then the one that is nearest to its bound.
fn worse(a: &CheckRow, b: &CheckRow) -> std::cmp::Ordering {
    let value = |row: &CheckRow| row.value.unwrap_or(f64::NEG_INFINITY);
    a.verdict.cmp(&b.verdict).then(value(a).total_cmp(&value(b)))
}

fn rule(bench: &Bench) -> Rule {
    bench.rule.unwrap_or_default()
}

fn sentence(kind: DoseRow, worst: &Candidate, stroke: f64, tolerance: f64) -> String {
    let beyond = worst.beyond.estimate.value;
    let (from, to) = (worst.from.seconds(), worst.to.seconds());
    let band = format!("{} % and {} µL included", Figures((tolerance * 1e4).round() / 1e2), Figures(STROKES * stroke));
    let (delivered, bound) = (round(worst.delivered), round(worst.bound.max(0.0)));
    let excess = kind == DoseRow::EXCESS;
    let bounded = match (excess, worst.of_limit) {
        (true, false) => "were allowed",
        (true, true) => "are the limit of the period",
        (false, _) => "had to come",
    };
    let side = match (beyond > 0.0, excess) {
        (true, true) => "too much",
        (true, false) => "too little",
        (false, _) => "to spare",
    };
    format!("{} µL {side}: from {from:.3} s to {to:.3} s {delivered} µL came and {bound} µL {bounded} ({band})", round(beyond.abs()))
}

fn round(x: f64) -> Figures {
    Figures((x * 1e3).round() / 1e3)
}

fn filled(mut row: CheckRow, worst: &Candidate) -> CheckRow {
    let estimate = &worst.beyond.estimate;
    let finite = |x: f64| x.is_finite().then_some(x);
    row.value = finite(estimate.value);
    row.n = Some(worst.pulses.unsigned_abs());
    row.window_s = Some((worst.to - worst.from).as_seconds());
    row.standard_uncertainty = finite(estimate.standard_uncertainty);
    row.effective_dof = finite(estimate.effective_dof);
    row.coverage_factor = finite(estimate.coverage_factor).filter(|_| row.standard_uncertainty.is_some());
    row.expanded_uncertainty = finite(estimate.expanded());
    row.test_uncertainty_ratio = test_uncertainty_ratio(estimate, row.limits, row.nominal);
    row.family = worst.beyond.family;
    row.budget = worst.beyond.budget.clone();
    row
}

fn decide(row: CheckRow, verdict: Verdict, reason_code: Reason, reason: String) -> CheckRow {
    CheckRow { verdict, reason_code, reason, ..row }
}

fn blank(kind: DoseRow, meter: &Meter, bench: &Bench, started: RigTime, ended: RigTime) -> CheckRow {
    let Rule { rule, guard_factor, stated_by } = rule(bench);
    CheckRow {
        step: kind.step.into(),
        check: kind.check.into(),
        requirements: vec![kind.requirement.into()],
        quantity: kind.quantity.into(),
        channel: Some(meter.name.clone()),
        nominal: None,
        value: None,
        value_text: None,
        unit: Dimension::Volume.unit().into(),
        n: None,
        statistic: "maximum-of-windows".into(),
        window_s: None,
        standard_uncertainty: None,
        effective_dof: None,
        coverage_factor: None,
        expanded_uncertainty: None,
        limits: LIMITS,
        rule,
        guard_factor,
        rule_stated_by: stated_by,
        acceptance: Limits::default(),
        probability_of_conformity: None,
        family: None,
        test_uncertainty_ratio: None,
        budget: Vec::new(),
        verdict: Verdict::Error,
        condition: None,
        reason_code: Reason::NoData,
        reason: String::new(),
        certificates: meter.certificate.clone().into_iter().collect(),
        started,
        ended,
    }
}
