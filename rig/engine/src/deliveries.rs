//! Several deliveries of one nominal volume, each measured by one round of a window.

use rig_metrology::{FlowMeter, Gate, Measured, Pulses, divided_at, mean_of, share};
use rig_model::quantity::Volume;
use rig_model::scenario::{DeliveryAsked, DeliveryFigure};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Reason, Verdict};

use crate::continuity::Told;
use crate::window::{Data, FlowData, Window};

/// Deliveries of one window that are kept; the standard's practice is 25. Beyond, there is no figure.
pub const MAX_DELIVERIES: usize = 10_000;

/// The deliveries that one window has measured in this case.
#[derive(Debug, Default)]
pub struct Deliveries {
    made: Vec<Delivery>,
    /// How many there were when their figures were last told.
    pub told: usize,
    more: bool,
}

#[derive(Debug)]
struct Delivery {
    closed: RigTime,
    length: Span,
    net: Pulses,
    /// Net pulses after the nominal end; why they are not known.
    after_end: Result<f64, String>,
    /// µL/s.
    peak_flow: f64,
    spoilt: Option<(Verdict, Reason, String)>,
    spurious: bool,
}

/// A figure over all deliveries as a row has it.
pub struct Value {
    pub statistic: &'static str,
    pub measured: Measured,
    pub from_below: bool,
}

impl Deliveries {
    pub fn add(&mut self, window: &Window, spoilt: Option<(Verdict, Reason, String)>) {
        let Data::Flow(flow) = &window.data else { return };
        let Some(closed) = window.closed else { return };
        if self.made.len() == MAX_DELIVERIES {
            self.more = true;
            return;
        }
        let after_end = after_end(flow, closed);
        self.made.push(Delivery {
            closed,
            length: window.length(closed),
            net: flow.pulses(flow.forward, flow.reverse),
            after_end,
            peak_flow: flow.peak_flow(),
            spoilt,
            spurious: window.spurious,
        });
    }

    /// Facts of the channel were found to be lost, whose last edge was that.
    pub fn lost(&mut self, why: &str, spurious: bool, last_edge: Option<RigTime>) {
        for delivery in self.made.iter_mut().filter(|d| last_edge.is_none_or(|at| at <= d.closed)) {
            delivery.spoilt.get_or_insert_with(|| (Verdict::Error, Reason::DataLost, why.to_owned()));
            delivery.spurious |= spurious;
        }
    }

    pub fn count(&self) -> usize {
        self.made.len()
    }

    /// What spoils a figure over all of them, and which it was first.
    pub fn spoilt(&self) -> Option<(Verdict, Reason, String)> {
        let (n, (verdict, code, why)) = self.made.iter().enumerate().find_map(|(n, d)| Some((n + 1, d.spoilt.as_ref()?)))?;
        Some((*verdict, *code, format!("delivery {n}: {why}")))
    }

    /// Some of what came in one of them never happened.
    pub fn spurious(&self) -> bool {
        self.made.iter().any(|d| d.spurious)
    }

    pub fn value(
        &self,
        meter: &FlowMeter<'_>,
        asked: &DeliveryAsked,
        figure: DeliveryFigure,
        at_least: u32,
        link_s: f64,
    ) -> Result<Value, String> {
        let n = self.made.len();
        if n < at_least as usize || n == 0 {
            return Err(format!("{n} deliveries were made, and {at_least} are asked for"));
        }
        if self.more {
            return Err(format!("there were more than {MAX_DELIVERIES} deliveries"));
        }
        let members = n as u64;
        let volumes = || self.made.iter().map(|d| meter.volume(d.net, Gate::Free, d.length));
        let error = |m: Measured| m.percent_error(asked.volume.0);
        let by = |a: &Measured, b: &Measured| a.estimate.value.total_cmp(&b.estimate.value);
        let (statistic, measured, from_below) = match figure {
            DeliveryFigure::MeanError => ("mean-of-deliveries", mean_of(&volumes().collect::<Vec<_>>()).map(error), true),
            DeliveryFigure::MaxError => ("maximum-of-deliveries", volumes().max_by(by).map(|m| error(m).extreme_of(members)), true),
            DeliveryFigure::MinError => ("minimum-of-deliveries", volumes().min_by(by).map(|m| error(m).extreme_of(members)), true),
            DeliveryFigure::Within => ("share-of-deliveries", within(volumes().map(error), asked.within_percent), false),
            DeliveryFigure::AfterEndMean => ("mean-of-deliveries", mean_of(&self.after_end(meter, link_s)?), true),
            DeliveryFigure::AfterEndMax => {
                let most = self.after_end(meter, link_s)?.into_iter().max_by(by);
                ("maximum-of-deliveries", most.map(|m| m.extreme_of(members)), true)
            }
        };
        let measured = measured.ok_or_else(|| "the deliveries can't be computed together".to_owned())?;
        Ok(Value { statistic, measured, from_below })
    }

    fn after_end(&self, meter: &FlowMeter<'_>, link_s: f64) -> Result<Vec<Measured>, String> {
        let of = |(n, d): (usize, &Delivery)| {
            let net = d.after_end.clone().map_err(|why| format!("delivery {}: {why}", n + 1))?;
            let volume = meter.volume(Pulses { net, ..d.net }, Gate::Free, d.length);
            Ok(volume.with(divided_at("nominal end", link_s, d.peak_flow)))
        };
        self.made.iter().enumerate().map(of).collect()
    }

    /// Sample standard deviation of the volumes: of the pump, and no part of any uncertainty.
    pub fn sd(&self) -> Option<Volume> {
        let n = self.made.len() as f64;
        let mean = self.made.iter().map(|d| d.net.volume()).sum::<f64>() / n;
        let squares = self.made.iter().map(|d| (d.net.volume() - mean).powi(2)).sum::<f64>();
        (self.made.len() > 1).then(|| Volume((squares / (n - 1.0)).sqrt()))
    }
}

/// Net pulses after the nominal end, if the window shows what came after it.
fn after_end(flow: &FlowData, closed: RigTime) -> Result<f64, String> {
    Told::known(flow.commands.start, "start")?;
    let end = flow.nominal_end.ok_or_else(|| "nothing was to be delivered".to_owned())?;
    if closed <= end {
        return Err("the window closed before the nominal end".to_owned());
    }
    if closed - end < flow.tail {
        let tail = flow.tail;
        return Err(format!("the window closed {} after the nominal end; a stroke that was under way may take {tail}", closed - end));
    }
    Ok(flow.after_end as f64)
}

/// The share of the errors within the limit, each with its own uncertainty.
fn within(errors: impl Iterator<Item = Measured>, limit: f64) -> Option<Measured> {
    let (mut n, mut at, mut surely, mut perhaps) = (0u32, 0u32, 0u32, 0u32);
    for error in errors {
        let (value, u) = (error.estimate.value.abs(), error.estimate.expanded());
        if !u.is_finite() {
            return None;
        }
        // Limits are inclusive, and pulses are whole: the last digit of a quotient must not decide.
        let inside = |value: f64| u32::from(value <= limit + 1e-9);
        n += 1;
        at += inside(value);
        surely += inside(value + u);
        perhaps += inside(value - u);
    }
    let percent = |count: u32| 100.0 * f64::from(count) / f64::from(n);
    (n > 0).then(|| share(percent(at), percent(surely), percent(perhaps)))
}
