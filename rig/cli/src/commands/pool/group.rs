//! Rows of all runs by check, their figures by unit and together.

use std::collections::{BTreeMap, BTreeSet};

use rig_metrology::{Content, NotPooled, Pooled, Standing, ToleranceInterval, UnitFigures, pool, standing};
use rig_model::verdict::{Counts, Limits, Verdict};
use rig_report::PoolRow;

use crate::commands::pool::By;
use crate::commands::pool::read::{Record, Row};

/// Where a check stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub scenario: String,
    pub case: String,
    pub step: String,
    pub check: String,
}

/// What its values must have in common beyond that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub place: Place,
    pub quantity: String,
    pub statistic: String,
    pub channel: String,
    pub unit: String,
}

/// Model and serial number.
pub type Dut = (String, String);

#[derive(Debug)]
pub struct Group {
    pub kind: Kind,
    pub scenario_sha256: String,
    pub values: BTreeMap<Dut, Vec<f64>>,
    /// The largest of them.
    pub common: Option<f64>,
    /// The largest standard uncertainty that one value has by itself: what the instrument's steps may hide.
    pub single: f64,
    /// `None` where they are not the same in all rows.
    pub limits: Option<Limits>,
    pub nominal: Option<f64>,
    pub fails: BTreeMap<Dut, u64>,
    pub certificates: BTreeSet<String>,
}

/// Rows without a whole value, by place: how often for which reason.
pub type LeftOut = BTreeMap<Place, BTreeMap<String, u64>>;

#[derive(Debug, Default)]
pub struct Groups {
    /// In the order of the first run.
    pub groups: Vec<Group>,
    pub left_out: LeftOut,
    /// Of the values that are pooled and of the rows that are left out.
    pub verdicts: Counts,
}

impl Groups {
    pub fn of(records: &[Record], by: By) -> Self {
        let mut found = Self::default();
        let mut index = BTreeMap::new();
        for row in records.iter().flat_map(|r| &r.rows) {
            let place = Place {
                scenario: row.scenario.clone(),
                case: if by == By::Case { row.case.clone() } else { String::new() },
                step: row.check.step.to_string(),
                check: if by == By::Case { row.check.check.clone() } else { "error of the nominal value".to_owned() },
            };
            found.verdicts.add(row.check.verdict);
            match usable(row, by) {
                Ok((dut, scale)) => found.take(place, row, dut, scale, by, &mut index),
                Err(why) => *found.left_out.entry(place).or_default().entry(why).or_default() += 1,
            }
        }
        found
    }

    fn take(&mut self, place: Place, row: &Row, dut: Dut, scale: Scale, by: By, index: &mut BTreeMap<Kind, usize>) {
        let check = &row.check;
        let kind = Kind {
            place,
            quantity: check.quantity.clone(),
            statistic: check.statistic.clone(),
            channel: check.channel.as_deref().unwrap_or_default().to_owned(),
            unit: if by == By::Case { check.unit.clone() } else { "%".to_owned() },
        };
        let at = *index.entry(kind.clone()).or_insert_with(|| {
            self.groups.push(Group::new(kind, row, scale));
            self.groups.len() - 1
        });
        self.groups[at].take(row, dut, scale);
    }
}

/// From a value to what is pooled: itself, or its error in % of the nominal value.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: f64,
    times: f64,
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        (value - self.from) * self.times
    }

    fn limits(self, limits: Limits) -> Limits {
        let (lower, upper) = (limits.lower.map(|l| self.of(l)), limits.upper.map(|u| self.of(u)));
        if self.times < 0.0 { Limits { lower: upper, upper: lower } } else { Limits { lower, upper } }
    }
}

/// Whose value it is and how it is scaled, or why it is in no figure.
fn usable(row: &Row, by: By) -> Result<(Dut, Scale), String> {
    let check = &row.check;
    let code = serde_json::to_value(check.reason_code).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let Some(dut) = &row.dut else { return Err("no DUT had told its serial number".to_owned()) };
    if check.value.is_none() || matches!(check.verdict, Verdict::Error | Verdict::Aborted | Verdict::Skipped) {
        return Err(format!("{} {code}", check.verdict.name()));
    }
    // Only a whole value was compared with both limits; what was partly lost is a lower bound, which may prove FAIL but is no measurement.
    if check.probability_of_conformity.is_none() {
        return Err(format!("{} {code}, only a lower bound", check.verdict.name()));
    }
    let scale = match (by, check.nominal) {
        (By::Case, _) => Scale { from: 0.0, times: 1.0 },
        (By::Scenario, Some(nominal)) if nominal != 0.0 => Scale { from: nominal, times: 100.0 / nominal },
        (By::Scenario, _) => return Err("no nominal value".to_owned()),
    };
    Ok(((dut.model.clone(), dut.serial.clone()), scale))
}

impl Group {
    fn new(kind: Kind, row: &Row, scale: Scale) -> Self {
        Self {
            kind,
            scenario_sha256: row.scenario_sha256.clone(),
            values: BTreeMap::new(),
            common: Some(0.0),
            single: 0.0,
            limits: Some(scale.limits(row.check.limits)),
            nominal: row.check.nominal.filter(|_| scale.from == 0.0),
            fails: BTreeMap::new(),
            certificates: BTreeSet::new(),
        }
    }

    fn take(&mut self, row: &Row, dut: Dut, scale: Scale) {
        let check = &row.check;
        let Some(value) = check.value else { return };
        self.limits = self.limits.filter(|limits| same(*limits, scale.limits(check.limits)));
        self.nominal = self.nominal.filter(|nominal| check.nominal == Some(*nominal));
        let common = row.common.map(|u| (u * scale.times).abs());
        self.common = self.common.zip(common).map(|(a, b)| a.max(b));
        self.single = self.single.max((row.single * scale.times).abs());
        self.certificates.extend(check.certificates.iter().map(ToString::to_string));
        *self.fails.entry(dut.clone()).or_default() += u64::from(check.verdict == Verdict::Fail);
        self.values.entry(dut).or_default().push(scale.of(value));
    }

    pub fn figures(&self, content: Content) -> Result<Pooled, NotPooled> {
        let units: Vec<Vec<f64>> = self.values.values().cloned().collect();
        pool(&units, content)
    }

    /// How the interval lies to the limits, with what counting may hide of the spread put into it: whole pulses make values equal that are not.
    /// Values without any spread show nothing of it, however narrow their interval; they are within no limits.
    pub fn standing(&self, pooled: &Pooled) -> Option<Standing> {
        let interval = pooled.tolerance.as_ref()?;
        let half = interval.factor * pooled.total_sd?.hypot(self.single);
        let judged = ToleranceInterval { lower: pooled.mean - half, upper: pooled.mean + half, ..*interval };
        let found = standing(&judged, self.common?, self.limits?)?;
        Some(if found == Standing::Within && all_equal(pooled) { Standing::Undecided } else { found })
    }

    /// What follows from the figures for units of this kind. One unit is no verification.
    pub fn verdict(&self, pooled: &Pooled) -> Verdict {
        match self.standing(pooled) {
            Some(Standing::Within) => Verdict::Pass,
            _ => Verdict::Inconclusive,
        }
    }

    /// For the table: one row of each unit, and one of all.
    pub fn rows(&self, pooled: &Pooled, content: Content, blank: &PoolRow) -> Vec<PoolRow> {
        let limits = self.limits.unwrap_or_default();
        let blank = PoolRow {
            scenario: self.kind.place.scenario.clone(),
            scenario_sha256: self.scenario_sha256.clone(),
            case: self.kind.place.case.clone(),
            step: self.kind.place.step.clone(),
            check: self.kind.place.check.clone(),
            quantity: self.kind.quantity.clone(),
            statistic: self.kind.statistic.clone(),
            channel: self.kind.channel.clone(),
            unit: self.kind.unit.clone(),
            nominal: self.nominal,
            coverage: content.coverage(),
            confidence: content.confidence(),
            common_uncertainty: self.common,
            lower_limit: limits.lower,
            upper_limit: limits.upper,
            certificates: self.certificates.iter().cloned().collect::<Vec<_>>().join(";"),
            ..blank.clone()
        };
        let of_unit = |(dut, unit): (&Dut, &UnitFigures)| {
            let row = PoolRow { scope: "unit", units: 1, n: unit.n as u64, mean: Some(unit.mean), sd: unit.sd, ..blank.clone() };
            let row = PoolRow { min: Some(unit.min), max: Some(unit.max), fail: self.fails.get(dut).copied().unwrap_or(0), ..row };
            with_interval(PoolRow { dut_model: dut.0.clone(), dut_serial: dut.1.clone(), within_sd: unit.sd, ..row }, unit.tolerance)
        };
        let mut rows: Vec<PoolRow> = self.values.keys().zip(&pooled.units).map(of_unit).collect();
        let together = PoolRow {
            scope: "together",
            units: pooled.units.len() as u64,
            n: pooled.n as u64,
            mean: Some(pooled.mean),
            sd: pooled.total_sd,
            min: Some(pooled.min),
            max: Some(pooled.max),
            between_sd: pooled.between_sd,
            within_sd: pooled.within_sd,
            fail: self.fails.values().sum(),
            standing: self.standing(pooled).map_or("", word),
            ..blank
        };
        rows.push(with_interval(together, pooled.tolerance));
        rows
    }
}

/// Equal but for the last bits of an error in %.
pub fn all_equal(pooled: &Pooled) -> bool {
    pooled.max - pooled.min <= 1e-9 * pooled.max.abs().max(pooled.min.abs())
}

fn with_interval(row: PoolRow, interval: Option<ToleranceInterval>) -> PoolRow {
    let error_percent = match (row.mean, row.nominal) {
        (Some(mean), Some(nominal)) if nominal != 0.0 => Some((mean - nominal) / nominal * 100.0),
        _ => None,
    };
    PoolRow {
        error_percent,
        tolerance_factor: interval.map(|i| i.factor),
        tolerance_lower: interval.map(|i| i.lower),
        tolerance_upper: interval.map(|i| i.upper),
        ..row
    }
}

pub fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Within => "within",
        Standing::Undecided => "undecided",
        Standing::Beyond => "beyond",
    }
}

/// Limits in % come out of a division: the same ones may differ in their last bits.
fn same(a: Limits, b: Limits) -> bool {
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    };
    near(a.lower, b.lower) && near(a.upper, b.upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(units: &[&[f64]], single: f64) -> Group {
        let place = Place { scenario: String::new(), case: String::new(), step: String::new(), check: String::new() };
        let kind = Kind { place, quantity: String::new(), statistic: String::new(), channel: String::new(), unit: "µL".into() };
        let dut = |i: usize| ("RP-1".to_owned(), format!("SN-{i}"));
        Group {
            kind,
            scenario_sha256: String::new(),
            values: units.iter().enumerate().map(|(i, values)| (dut(i), values.to_vec())).collect(),
            common: Some(0.1),
            single,
            limits: Some(Limits { lower: Some(8.5), upper: Some(11.5) }),
            nominal: Some(10.0),
            fails: BTreeMap::new(),
            certificates: BTreeSet::new(),
        }
    }

    fn verdict(units: &[&[f64]], single: f64) -> Verdict {
        let group = group(units, single);
        group.verdict(&group.figures(Content::new(0.95, 0.95).expect("a content")).expect("pooled"))
    }

    #[test]
    fn what_counting_hides_of_a_spread_is_in_the_interval() {
        // Three units whose means differ by 0.1: ± 0.98.
        let spread: [&[f64]; 3] = [&[10.0, 10.1, 10.0], &[10.1, 10.2, 10.1], &[9.9, 10.0, 9.9]];
        assert_eq!(verdict(&spread, 0.0), Verdict::Pass);
        assert_eq!(verdict(&spread, 0.04), Verdict::Pass);
        // Pulses of 1 µL: what they hide is more than what is seen.
        assert_eq!(verdict(&spread, 0.4), Verdict::Inconclusive);
        // No spread at all is no interval, whatever it was counted with.
        for single in [0.0, 0.04, 0.4] {
            for value in [10.0, 10.1] {
                let equal: [&[f64]; 3] = [&[value; 20], &[value; 19], &[value; 7]];
                assert_eq!(verdict(&equal, single), Verdict::Inconclusive, "{value} {single}");
            }
        }
    }
}
