//! From a calibration to what a certificate says of it, in figures that a bench file can repeat.

use rig_metrology::{AsFound, CalibratedPoint, Calibration, as_found};
use rig_model::quantity::Figures;
use rig_model::weighing::Liquid;

use crate::certificate::{Certificate, Condition, Delivery, Point, Row, Status};
use crate::commands::calibrate::read::{self, Record};
use crate::commands::calibrate::{As, Draft};
use crate::commands::run::now_utc;
use crate::failure::{BENCH, Failure, failure};

/// Of K-factors and flows: a millionth of a K-factor is far below what any balance tells.
const FIGURES: i32 = 6;
/// Of uncertainties, rounded up.
const FEW_FIGURES: i32 = 3;

/// What a certificate is of.
#[derive(Debug)]
pub struct Facts {
    pub id: String,
    channel: String,
    sensor: Option<String>,
    due: Option<String>,
    bench: String,
    simulated: bool,
    reference: String,
    liquid: String,
    /// The number was made up, and gives way to that of a certificate which is there.
    id_given: bool,
}

impl Facts {
    pub fn of(record: &Record, args: &Draft) -> Result<Self, Failure> {
        let lacking = || failure(BENCH, "the balance of this bench is not described");
        let (scale, certificate) = record.scale().zip(record.balance.certificate.as_ref()).ok_or_else(lacking)?;
        let day: String = record.header.started_utc.chars().take(10).filter(char::is_ascii_digit).collect();
        Ok(Self {
            id: args.id.clone().unwrap_or_else(|| format!("K-{}-{day}", args.channel)),
            id_given: args.id.is_some(),
            channel: args.channel.clone(),
            sensor: args.sensor.clone(),
            due: args.due.clone(),
            bench: record.header.bench.clone(),
            simulated: record.header.simulated,
            reference: certificate.id.to_string(),
            liquid: liquid(&scale.liquid),
        })
    }

    pub fn certificate(&self) -> Certificate {
        Certificate {
            format: Certificate::format(),
            status: Status::Draft,
            id: self.id.clone(),
            channel: self.channel.clone(),
            sensor: self.sensor.clone(),
            bench: self.bench.clone(),
            simulated: self.simulated,
            due: self.due.clone(),
            reference: self.reference.clone(),
            liquid: self.liquid.clone(),
            approved_by: None,
            approved_utc: None,
            as_found: None,
            as_left: None,
        }
    }

    /// A certificate that says neither sensor nor due date may be told them later.
    pub fn filled_in(&self, other: Certificate) -> Certificate {
        Certificate { sensor: other.sensor.or_else(|| self.sensor.clone()), due: other.due.or_else(|| self.due.clone()), ..other }
    }

    /// In what a certificate is of another sensor, bench or reference; what was not given contradicts nothing.
    pub fn contradicts(&self, other: &Certificate) -> Option<String> {
        let simulated = |yes| if yes { "simulated" } else { "real" }.to_owned();
        let pairs = [
            ("number", Some(self.id.clone()).filter(|_| self.id_given), Some(other.id.clone())),
            ("channel", Some(self.channel.clone()), Some(other.channel.clone())),
            ("sensor", self.sensor.clone(), other.sensor.clone()),
            ("due date", self.due.clone(), other.due.clone()),
            ("bench", Some(self.bench.clone()), Some(other.bench.clone())),
            ("reference", Some(self.reference.clone()), Some(other.reference.clone())),
            ("plumbing", Some(simulated(self.simulated)), Some(simulated(other.simulated))),
        ];
        let differs = pairs.into_iter().find(|(_, mine, theirs)| mine.is_some() && mine != theirs);
        differs.map(|(what, mine, theirs)| {
            let theirs = theirs.map_or_else(|| "none".to_owned(), |t| format!("`{t}`"));
            format!("{what} {theirs} there, `{}` here", mine.unwrap_or_default())
        })
    }
}

fn liquid(liquid: &Liquid) -> String {
    match *liquid {
        Liquid::Water { celsius, half_width } => format!("water, {} °C ± {} K", Figures(celsius), Figures(half_width)),
        Liquid::Stated { density, expanded } => {
            let within = expanded.map_or_else(|| "uncertainty not stated".to_owned(), |u| format!("± {} kg/m³ (k = 2)", Figures(u)));
            format!("{} kg/m³, {within}", Figures(density))
        }
    }
}

pub fn add(certificate: Certificate, condition: Condition, which: As) -> Certificate {
    match which {
        As::Found => Certificate { as_found: Some(condition), ..certificate },
        As::Left => Certificate { as_left: Some(condition), ..certificate },
    }
}

pub fn condition(records: &[Record], calibration: &Calibration, which: As) -> Condition {
    let sensor = records[0].sensor().filter(|_| which == As::Found);
    let points: Vec<(&CalibratedPoint, Option<AsFound>)> =
        calibration.points().iter().map(|p| (p, sensor.and_then(|sensor| as_found(p, sensor)))).collect();
    // Where the bench stated no K-factor at all (beyond its curve) nothing was within it.
    let within = sensor.map(|_| points.iter().all(|(_, found)| found.is_some_and(|f| f.within())));
    Condition {
        written_utc: now_utc(),
        rig: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
        k_factor: rounded(calibration.k_factor(), FIGURES),
        k_uncertainty_percent: up(calibration.expanded_percent()),
        k_linearity_percent: calibration.linearity_percent().map(up),
        curve_residual_percent: calibration.curve_residual_percent().map(up),
        reference_uncertainty_percent: rounded(calibration.reference_percent(), FEW_FIGURES),
        within_stated: within,
        point: points.into_iter().map(|(p, found)| point(p, found)).collect(),
        run: records.iter().map(read::run_of).collect(),
        delivery: records.iter().flat_map(|r| r.deliveries.iter().map(move |d| delivery(r, d))).collect(),
        left_out: records.iter().flat_map(|r| r.left_out.clone()).collect(),
    }
}

fn point(point: &CalibratedPoint, found: Option<AsFound>) -> Point {
    let estimate = point.k.estimate;
    let percent = |x: f64| 100.0 * x / estimate.value;
    let few = |x: f64| rounded(x, FEW_FIGURES);
    Point {
        flow: rounded(point.flow.0, FIGURES),
        flow_from: few(point.least.0),
        flow_to: few(point.greatest.0),
        k_factor: rounded(estimate.value, FIGURES),
        uncertainty_percent: up(percent(estimate.expanded())),
        coverage_factor: few(estimate.coverage_factor),
        dof: some(Some(estimate.effective_dof)).map(few),
        n: point.deliveries.len(),
        scatter_percent: few(percent(point.scatter)),
        expected_scatter_percent: few(percent(point.expected_scatter)),
        scatter_chance: few(point.scatter_chance),
        stated_k_factor: found.map(|f| f.stated),
        deviation_percent: found.map(|f| few(f.deviation_percent)),
        stated_uncertainty_percent: found.and_then(|f| f.stated_percent).map(few),
        budget: point
            .k
            .budget
            .iter()
            .map(|c| Row {
                name: c.name.to_string(),
                percent: few(percent(c.contribution().unwrap_or(f64::NAN))),
                dof: some(c.dof).map(few),
            })
            .collect(),
    }
}

/// Degrees of freedom that make a difference; beyond so many there may as well be infinitely many.
fn some(dof: Option<f64>) -> Option<f64> {
    dof.filter(|dof| *dof < 1e4)
}

fn delivery(record: &Record, delivery: &read::Delivery) -> Delivery {
    let measured = &delivery.measured;
    let volume = measured.volume.estimate;
    Delivery {
        run: record.header.run_id.clone(),
        scenario: delivery.scenario.clone(),
        case: delivery.case.clone(),
        window: delivery.window.clone(),
        number: delivery.number,
        pulses: measured.pulses,
        volume: rounded(volume.value, FIGURES + 1),
        volume_uncertainty: rounded(volume.expanded(), FEW_FIGURES),
        k_factor: rounded(measured.k(), FIGURES),
        flow: rounded(measured.rates.median / measured.k(), FIGURES),
    }
}

/// To so many figures, as they are printed.
fn rounded(x: f64, figures: i32) -> f64 {
    // A number that was printed is one that can be read.
    format!("{x:.*e}", (figures - 1).max(0) as usize).parse().unwrap_or(x)
}

/// An uncertainty is not made smaller by printing it.
fn up(x: f64) -> f64 {
    let nearest = rounded(x, FEW_FIGURES);
    if nearest >= x || !x.is_finite() {
        return nearest;
    }
    let step = 10f64.powi(x.abs().log10().floor() as i32 - FEW_FIGURES + 1);
    rounded(nearest + step, FEW_FIGURES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        for (x, nearest, upwards) in
            [(0.243_1, 0.243, 0.244), (0.243, 0.243, 0.243), (12.345, 12.3, 12.4), (9.999, 10.0, 10.0), (0.0, 0.0, 0.0)]
        {
            assert_eq!((rounded(x, 3), up(x)), (nearest, upwards), "{x}");
        }
        assert_eq!(rounded(10.021_349, 6), 10.0213);
    }
}
