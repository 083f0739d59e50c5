//! Drug through a flow channel: its pulses, and what the photometer at the same place reads meanwhile.

use std::collections::BTreeSet;

use rig_metrology::{DrugIntegrator, DrugMeter, EffectiveK, FlowMeter, Measured, PeakRate, in_range};
use rig_model::Name;
use rig_model::bench::{Bench, DrugSensor, FlowSensor, Instrument};
use rig_model::input::{Edges, Sense};
use rig_model::quantity::Concentration;
use rig_model::scenario::{WindowQuantity, photometer_of};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Limits, Reason, Verdict};

use crate::engine::Engine;
use crate::flow::{judged_in_range, meter};
use crate::row;
use crate::window::{FlowData, PEAK_INTERVALS, Window, above, above_range};

/// What the photometer beside a flow channel adds to it.
#[derive(Debug)]
pub struct DrugData {
    pub channel: Name,
    pub sensor: DrugSensor,
    pub certificate: Option<Name>,
    pub gathered: DrugIntegrator,
    /// Readings that were no number or outside the instrument's range.
    pub bad: u64,
    /// Facts of it were lost.
    pub lost: Option<String>,
}

impl DrugData {
    /// Beside this flow channel; `None` where the bench has no photometer there. `before`: its last reading up to then.
    pub fn new(flow: &str, bench: &Bench, at: RigTime, before: Option<(RigTime, f64)>, windows: &[Span]) -> Option<Self> {
        let channel = bench.channel(&photometer_of(flow)?)?;
        let Instrument::Drug(sensor) = channel.instrument else { return None };
        let before = before.filter(|(_, value)| in_range(*value, &sensor));
        Some(Self {
            channel: channel.name.clone(),
            sensor,
            certificate: channel.certificate.as_ref().map(|c| c.id.clone()),
            gathered: DrugIntegrator::new(&sensor, at, before, windows),
            bad: 0,
            lost: None,
        })
    }

    pub fn reading(&mut self, at: RigTime, value: f64) {
        if in_range(value, &self.sensor) {
            self.gathered.reading(at, value);
        } else {
            self.bad += 1;
        }
    }

    /// Why nothing that it tells is to be believed.
    pub fn spoilt(&self) -> Option<(Reason, String)> {
        if let Some(why) = &self.lost {
            return Some((Reason::DataLost, why.clone()));
        }
        if self.bad > 0 {
            let why = format!("{} readings of {} were no number or outside the instrument's range", self.bad, self.channel);
            return Some((Reason::OutOfRange, why));
        }
        self.gathered.trouble().map(|why| (Reason::NoData, why.to_string()))
    }

    pub fn most(&self) -> Concentration {
        Concentration(self.gathered.most().unwrap_or(0.0))
    }
}

/// The rows of a check on the drug in a window that has closed.
pub fn rows(engine: &Engine, window: &Window, flow: &FlowData, quantity: WindowQuantity, mut row: CheckRow) -> Vec<CheckRow> {
    let Some(drug) = &flow.drug else {
        let place = photometer_of(&window.channel).unwrap_or_else(|| "photometer".into());
        return vec![row::decide(row, Verdict::Error, Reason::NoData, format!("the bench has no photometer `{place}`"))];
    };
    row.certificates.extend(drug.certificate.clone());
    let meter = DrugMeter { flow: meter(engine, window, flow), sensor: &drug.sensor, certificate: drug.certificate.as_ref() };
    match quantity {
        WindowQuantity::DrugIn(span) => extremes(&meter, window, flow, drug, span, row),
        WindowQuantity::Drug => {
            row.n = Some(flow.forward + flow.reverse);
            let mass = meter.mass(drug.gathered.sum(), flow.k.k_factor(), window.length(window.opened), drug.most());
            vec![judged(window, flow, drug, Some(mass), true, row)]
        }
        _ => {
            row.n = Some(drug.gathered.readings());
            row.channel = Some(drug.channel.clone());
            row.certificates = drug.certificate.clone().into_iter().collect();
            let greatest = quantity == WindowQuantity::MaxConcentration;
            row.statistic = if greatest { "maximum" } else { "last" }.into();
            let reading = if greatest { drug.gathered.most() } else { drug.gathered.last() };
            vec![concentration(window, drug, reading.map(|reading| meter.concentration(reading)), greatest, row)]
        }
    }
}

/// What was seen of a drug for certain is a lower bound of it; of a concentration only the highest is one.
fn judged(window: &Window, flow: &FlowData, drug: &DrugData, measured: Option<Measured>, volume: bool, row: CheckRow) -> CheckRow {
    let sound = drug.spoilt().is_none() && !window.spurious;
    let bound = measured.clone().filter(|_| volume && sound);
    if let Some((reason, why)) = drug.spoilt() {
        return row::decide(row, Verdict::Error, reason, why);
    }
    if let Some(why) = &window.lost {
        return row::partly_lost(row, bound, (Verdict::Error, Reason::DataLost), why);
    }
    if let Some(why) = &window.cut {
        return row::partly_lost(row, bound, (Verdict::Skipped, Reason::NotReached), &format!("the window was cut off: {why}"));
    }
    judged_in_range(flow, bound, measured, row)
}

fn concentration(window: &Window, drug: &DrugData, measured: Option<Measured>, greatest: bool, row: CheckRow) -> CheckRow {
    // Readings that were lost or bad hide none that was sound.
    let bound = measured.clone().filter(|_| greatest);
    if let Some((reason, why)) = drug.spoilt() {
        return row::partly_lost(row, bound, (Verdict::Error, reason), &why);
    }
    if let Some(why) = &window.cut {
        return row::partly_lost(row, bound, (Verdict::Skipped, Reason::NotReached), &format!("the window was cut off: {why}"));
    }
    if let Some(why) = drug.gathered.stale(window.closed.unwrap_or(row.ended)) {
        return row::partly_lost(
            row,
            bound,
            (Verdict::Error, Reason::NoData),
            &format!("the photometer fell silent before the window closed: {why}"),
        );
    }
    match measured {
        Some(measured) if greatest => {
            let members = drug.gathered.readings().max(1);
            row::measured(row, measured.extreme_of(members))
        }
        Some(measured) => row::measured(row, measured),
        None => row::decide(row, Verdict::Error, Reason::NoData, "the photometer told no reading"),
    }
}

fn extremes(meter: &DrugMeter<'_>, window: &Window, flow: &FlowData, drug: &DrugData, span: Span, row: CheckRow) -> Vec<CheckRow> {
    let Some(family) = drug.gathered.windows(span) else {
        return vec![row::decide(row, Verdict::Error, Reason::NoData, "the windows were not gathered")];
    };
    let (true, Some(least)) = (family.complete(), family.least()) else {
        let why = "what was measured is shorter than one such window";
        return vec![row::decide(row, Verdict::Error, Reason::NoData, why)];
    };
    let sides = [("maximum-of-windows", family.most(), true), ("minimum-of-windows", least, false)];
    let wanted = sides.into_iter().filter(|(_, _, upper)| if *upper { row.limits.upper.is_some() } else { row.limits.lower.is_some() });
    wanted
        .map(|(statistic, sum, upper)| {
            let limits = if upper { Limits { lower: None, ..row.limits } } else { Limits { upper: None, ..row.limits } };
            let n = Some(family.count());
            let row = CheckRow { statistic: statistic.into(), limits, n, window_s: Some(span.as_seconds()), ..row.clone() };
            let mass = meter.extreme_mass(sum, flow.k.k_factor(), span, drug.most(), family.count());
            judged(window, flow, drug, Some(mass), upper, row)
        })
        .collect()
}

/// What a watcher gathers of the drug through a flow channel in any window of one length.
#[derive(Debug)]
pub struct DrugRolling {
    flow: FlowSensor,
    certificate: Option<Name>,
    clock_ppm: f64,
    window: Span,
    peak: PeakRate,
    k: EffectiveK,
    drug: DrugData,
}

impl DrugRolling {
    /// `None` where the bench lacks one of the two channels.
    pub fn new(channel: &Name, window: Span, bench: &Bench, since: RigTime) -> Option<Self> {
        let flow = bench.channel(channel)?;
        let Instrument::Flow(sensor) = flow.instrument else { return None };
        Some(Self {
            flow: sensor,
            certificate: flow.certificate.as_ref().map(|c| c.id.clone()),
            clock_ppm: bench.clock_ppm,
            window,
            peak: PeakRate::new(PEAK_INTERVALS),
            k: EffectiveK::new(&sensor),
            drug: DrugData::new(channel, bench, since, None, &[window])?,
        })
    }

    pub fn photometer(&self) -> &Name {
        &self.drug.channel
    }

    /// The photometer's last reading before the watch began.
    pub fn before(&mut self, bench: &Bench, since: RigTime, channel: &Name, readings: &[(Name, RigTime, f64)]) {
        let last = readings.iter().find(|(name, ..)| *name == self.drug.channel).map(|(_, at, value)| (*at, *value));
        if let Some(drug) = DrugData::new(channel, bench, since, last, &[self.window]) {
            self.drug = drug;
        }
    }

    pub fn edges(&mut self, edges: &Edges) {
        let forward = edges.sense != Sense::Reverse;
        for at in edges.times() {
            if forward {
                self.peak.push(at);
            }
            self.k.push(at, edges.sense);
            self.drug.gathered.pulse(at, if forward { 1 } else { -1 });
        }
    }

    pub fn reading(&mut self, at: RigTime, value: f64) {
        self.drug.reading(at, value);
    }

    /// The row at the scenario's end, which the watcher has filled in. `spurious`: what came is no lower bound.
    pub fn judge(&self, mut row: CheckRow, now: RigTime, lost: Option<&str>, spurious: bool, alive: &BTreeSet<Name>) -> CheckRow {
        row.certificates.extend(self.drug.certificate.clone());
        let mut gathered = self.drug.gathered.clone();
        gathered.close(now);
        let flow = FlowMeter { sensor: &self.flow, certificate: self.certificate.as_ref(), clock_ppm: self.clock_ppm };
        let meter = DrugMeter { flow, sensor: &self.drug.sensor, certificate: self.drug.certificate.as_ref() };
        let mass = gathered.windows(self.window).map(|family| {
            let most = Concentration(gathered.most().unwrap_or(0.0));
            meter.extreme_mass(family.most(), self.k.k_factor(), self.window, most, family.count())
        });
        let told = gathered.trouble().is_none() && self.drug.bad == 0 && self.drug.lost.is_none();
        let bound = mass.clone().filter(|_| told && !spurious);
        if let Some(why) = lost {
            return row::partly_lost(row, bound, (Verdict::Error, Reason::DataLost), why);
        }
        let dead = [row.channel.as_ref(), Some(&self.drug.channel)].into_iter().flatten().find(|name| !alive.contains(*name));
        if let Some(why) = dead.map(|name| format!("{name} was never shown to be alive in this run")) {
            return row::decide(row, Verdict::Error, Reason::ChannelNotAlive, why);
        }
        if let Some((reason, why)) = self.drug.spoilt() {
            return row::decide(row, Verdict::Error, reason, why);
        }
        if let Some(why) = gathered.trouble() {
            return row::decide(row, Verdict::Error, Reason::NoData, why.to_string());
        }
        let beyond = above_range(&self.peak, &self.flow).map(|flow| above(flow, &self.flow));
        let outside = self.k.outside().map(|(pulses, slowest, fastest)| {
            format!("{pulses} pulses came at {slowest:.0} … {fastest:.0} µL/h, where the sensor's K-factor does not hold")
        });
        if let Some(why) = beyond.or(outside) {
            return row::partly_lost(row, bound, (Verdict::Error, Reason::OutOfRange), &why);
        }
        match mass {
            Some(mass) => row::measured(row, mass),
            None => row::decide(row, Verdict::Error, Reason::NoData, "the windows were not gathered"),
        }
    }
}
