//! Known answers: published values and such as anybody can work out by hand.

use rig_metrology::{
    Content, CurvePlan, CustomMethod, Estimate, FlowMeter, Gate, Method, Pulses, VolumeSeries, agreement, coverage_factor, curves,
    student_quantile, tolerance_factor, water_density,
};
use rig_model::bench::{Accuracy, FlowSensor, KCurve, Witness};
use rig_model::quantity::Flow;
use rig_model::time::{RigTime, Span};

use super::Items;

const VALUES: &str = "UR-03";
const CURVES: &str = "UR-04";
/// For what is published with so many places that only rounding is left.
const EXACT: f64 = 1e-9;

pub fn play(items: &mut Items) {
    distributions(items);
    volume(items);
    trumpets(items);
    comparison(items);
}

fn distributions(items: &mut Items) {
    // GUM, table G.2, column 95.45 %.
    for (dof, k) in [(1.0, 13.97), (5.0, 2.65), (10.0, 2.28), (50.0, 2.05)] {
        items.close(
            VALUES,
            format!("coverage factor for 95.45 % and {dof} degrees of freedom (GUM table G.2)"),
            k,
            0.005,
            coverage_factor(dof, 0.9545),
        );
    }
    items.close(
        VALUES,
        "97.5 % quantile of Student's t, 9 degrees of freedom (tables of t)",
        2.262_157,
        5e-7,
        student_quantile(0.975, 9.0),
    );
    // ISO 16269-6, two-sided, n = 10, 95 % of the population at 95 % confidence.
    let factor = Content::new(0.95, 0.95).and_then(|content| tolerance_factor(10, content)).unwrap_or(f64::NAN);
    items.close(VALUES, "two-sided tolerance factor, n = 10, 95 % content, 95 % confidence (exact tables)", 3.393, 0.0006, factor);
    items.close(VALUES, "density of water at 20 °C in kg/m³ (published tables)", 998.207, 2e-3, water_density(20.0).unwrap_or(f64::NAN));
}

/// 10 pulses/µL known to 1 % (k = 2), 1000 pulses: 100 µL; u² = (0.5 %)² of it, and a pulse either way as a triangle.
fn volume(items: &mut Items) {
    let sensor = FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(1.0),
        curve: KCurve::default(),
        accuracy: Accuracy::default(),
        min_flow: 0.0,
        max_flow: 2e6,
        stroke_gap: Span::seconds(1),
        bidirectional: false,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: Span::ZERO,
        witness: Witness::default(),
    };
    let meter = FlowMeter { sensor: &sensor, certificate: None, clock_ppm: 0.0 };
    let measured = meter.volume(Pulses::counted(1_020, 20, &sensor), Gate::Free, Span::minutes(10));
    items.close(
        VALUES,
        "volume of 1020 pulses forward and 20 back at 10 pulses/µL, in µL (by hand)",
        100.0,
        EXACT,
        measured.estimate.value,
    );
    let by_hand = (0.5f64 * 0.5 + 0.1 * 0.1 / 6.0).sqrt();
    items.close(
        VALUES,
        "its standard uncertainty: 0.5 % of it, and one pulse as a triangle (by hand)",
        by_hand,
        EXACT,
        measured.estimate.standard_uncertainty,
    );
}

/// SOURCES's vectors for trumpet curves: 120 samples of 0.5 min at 1 mL/h.
fn trumpets(items: &mut Items) {
    const RATE: f64 = 1_000.0;
    const SAMPLE: Span = Span::seconds(30);
    let mut volumes = vec![0.0];
    for i in 1..=120 {
        let flow = if i == 60 { 2.0 * RATE } else { RATE };
        volumes.push(volumes[i - 1] + flow * SAMPLE.as_hours());
    }
    let windows = Method::Volumetric.windows().to_vec();
    let plan = CurvePlan::new(Method::Custom(CustomMethod { sample: SAMPLE, windows, excluded: Span::ZERO }), Flow(RATE));
    let made = VolumeSeries::from_cumulative(RigTime::ZERO, SAMPLE, volumes).ok().and_then(|series| curves(&series, &plan).ok());
    let points = made.as_ref().map_or(&[][..], |made| made.trumpets.first().map_or(&[][..], |t| &t.points));
    // Window in min, largest and smallest error in %. The last window holds the odd sample wherever it lies.
    let expected = [
        (1, 50.0, 0.0),
        (2, 25.0, 0.0),
        (5, 10.0, 0.0),
        (11, 100.0 / 22.0, 0.0),
        (19, 100.0 / 38.0, 0.0),
        (31, 100.0 / 62.0, 100.0 / 62.0),
    ];
    for (i, (minutes, max, min)) in expected.into_iter().enumerate() {
        let found = points.get(i).filter(|point| point.window == Span::minutes(minutes));
        let what = format!("error in any {minutes} min with one sample of twice the rate, in % (by hand)");
        items.close(CURVES, format!("largest {what}"), max, EXACT, found.map_or(f64::NAN, |p| p.max_percent));
        items.close(CURVES, format!("smallest {what}"), min, EXACT, found.map_or(f64::NAN, |p| p.min_percent));
    }
    let overall = made.map_or(f64::NAN, |made| made.b.error_percent);
    items.close(CURVES, "overall error of the same record in % (by hand)", 100.0 / 120.0, EXACT, overall);
}

/// E_n = 0.3 / sqrt(0.4² + 0.3²) with expanded uncertainties of 0.4 and 0.3.
fn comparison(items: &mut Items) {
    let estimate = |value, u| Estimate::new(value, u, f64::INFINITY);
    let found = agreement(&estimate(100.3, 0.2), &estimate(100.0, 0.15), 0.0).map_or(f64::NAN, |agreement| agreement.e_n);
    items.close(VALUES, "normalised difference E_n of 100.3 ± 0.4 and 100.0 ± 0.3 (by hand)", 0.6, 1e-6, found);
}
