//! Budgets and decisions against exact fractions: `golden/budgets.py` says how the table came about.

use std::collections::BTreeMap;

use rig_metrology::{Estimate, Gate, Measured, Pulses, Start, combine, coverage_factor, duration, judge, pressure, test_uncertainty_ratio};
use rig_model::bench::{Accuracy, FlowSensor, PressureSensor};
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Limits, Rule, Verdict};

use crate::truth::PLAIN;

const GOLDEN: &str = include_str!("../golden/budgets.csv");

/// Relative.
const CLOSE: f64 = 1e-9;

/// The arguments of one row of the table.
struct Arguments<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Arguments<'t> {
    fn of(text: &'t str) -> Self {
        Self(text.split(' ').map(|pair| pair.split_once('=').expect("name=value")).collect())
    }

    fn word(&self, name: &str) -> &'t str {
        self.0[name]
    }

    fn number(&self, name: &str) -> f64 {
        self.stated(name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn stated(&self, name: &str) -> Option<f64> {
        self.0.get(name).map(|text| text.parse().expect("a number"))
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        self.0[name].split(';').map(|text| text.parse().expect("a number")).collect()
    }

    fn seconds(&self, name: &str) -> Span {
        Span::from_seconds(self.number(name))
    }

    fn sensor(&self) -> FlowSensor {
        FlowSensor {
            k_factor: self.number("k"),
            k_uncertainty_percent: Some(self.number("uk")),
            accuracy: Accuracy {
                linearity_percent: self.number("lin"),
                temperature_percent_per_kelvin: self.number("per_k"),
                temperature_band: self.number("band"),
                missed_percent: self.number("missed"),
                start_stop: Volume(self.number("ss")),
            },
            zero_uncertainty: self.number("zero"),
            stamp_half_width: Span::from_seconds(self.number("stamp_us") * 1e-6),
            ..PLAIN.sensor()
        }
    }
}

fn measured(function: &str, a: &Arguments<'_>) -> Measured {
    let flow = |what: &dyn Fn(&rig_metrology::FlowMeter<'_>, &FlowSensor) -> Measured| {
        let sensor = a.sensor();
        what(&rig_metrology::FlowMeter { sensor: &sensor, certificate: None, clock_ppm: a.number("ppm") }, &sensor)
    };
    let gate = || match a.word("gate") {
        "free" => Gate::Free,
        "edge" => Gate::EdgeStarted,
        _ => Gate::Interpolated,
    };
    let pulses = |sensor: &FlowSensor| Pulses { net: a.number("net"), k_factor: sensor.k_factor };
    let window = || Span::from_seconds(a.number("hours") * 3_600.0);
    match function {
        "volume" => flow(&|meter, sensor| meter.volume(pulses(sensor), gate(), window())),
        "mean_flow" => flow(&|meter, sensor| meter.mean_flow(pulses(sensor), gate(), window()).expect("a window")),
        "rate" => flow(&|meter, sensor| {
            meter.rate_from_edges(a.number("between") as u64, a.seconds("seconds"), sensor.k_factor).expect("an interval")
        }),
        "time" => flow(&|meter, _| {
            let start = if a.word("start") == "pulse" { Start::Pulse } else { Start::Instant };
            meter.time_of_pulses(a.number("value"), start, a.number("pulse"))
        }),
        "duration" => duration(a.number("value"), &[("first", a.number("first")), ("second", a.number("second"))], a.number("ppm")),
        "pressure" => {
            let (uncertainty, resolution) = (Some(Pressure(a.number("U"))), Pressure(a.number("step")));
            pressure(a.number("value"), &PressureSensor { uncertainty, resolution, min: Pressure(-100.0), max: Pressure(100.0) }, None)
        }
        "combined" => {
            let contributions: Vec<_> = a.numbers("u").into_iter().zip(a.numbers("dof")).collect();
            combine(0.0, &contributions).into()
        }
        other => match other.strip_prefix("extreme_") {
            Some(function) => measured(function, a).extreme_of(a.number("members") as u64),
            None => panic!("unknown function {other}"),
        },
    }
}

fn figure_of(measured: &Measured, figure: &str) -> f64 {
    let estimate = measured.estimate;
    match figure {
        "value" => estimate.value,
        "u" => estimate.standard_uncertainty,
        "dof" => estimate.effective_dof,
        "k" => estimate.coverage_factor,
        "U" => estimate.expanded(),
        "risk" => measured.family.expect("a family").risk,
        other => panic!("unknown figure {other}"),
    }
}

fn decided(a: &Arguments<'_>, figure: &str) -> f64 {
    let estimate = Estimate::new(a.number("y"), a.number("u"), a.number("dof"));
    let limits = Limits { lower: a.stated("lower"), upper: a.stated("upper") };
    let rule = match a.word("rule") {
        "simple" => DecisionRule::Simple,
        "guarded" => DecisionRule::Guarded,
        _ => DecisionRule::ThreeWay,
    };
    let judgement = judge(&estimate.into(), limits, Rule { guard_factor: a.number("r"), ..rule.into() });
    match figure {
        "p" => judgement.probability_of_conformity.expect("a probability"),
        "acceptance_lower" => judgement.acceptance.lower.expect("a limit"),
        "acceptance_upper" => judgement.acceptance.upper.expect("a limit"),
        "ratio" => test_uncertainty_ratio(&estimate, limits, None).expect("a ratio"),
        "verdict" => match judgement.verdict {
            Verdict::Pass => 1.0,
            Verdict::Fail => -1.0,
            Verdict::Inconclusive => 0.0,
            other => panic!("{other}"),
        },
        other => panic!("unknown figure {other}"),
    }
}

#[test]
fn every_figure_is_that_of_exact_fractions() {
    let mut reader = csv::Reader::from_reader(GOLDEN.as_bytes());
    let mut compared = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let (function, arguments, figure) = (&row[0], Arguments::of(&row[1]), &row[2]);
        let expected: f64 = row[3].parse().expect("a number");
        let got = if function == "decided" { decided(&arguments, figure) } else { figure_of(&measured(function, &arguments), figure) };
        let close = got == expected || (got - expected).abs() <= CLOSE * expected.abs();
        assert!(close, "{function} {}: {figure} is {got} and not {expected}", &row[1]);
        compared += 1;
    }
    assert!(compared > 500, "{compared}");
}

/// GUM H.1.6: an end gauge with u = 32 nm, 16.7 effective degrees of freedom, and 2.92 as factor for 99 % of 16.
#[test]
fn the_end_gauge_of_the_gum() {
    let gauge = combine(838.0, &[(25.0, 18.0), (9.7, 25.6), (2.9, 50.0), (16.6, 2.0)]);
    assert!((gauge.standard_uncertainty - 32.0).abs() < 0.5 && (gauge.effective_dof - 16.7).abs() < 0.1, "{gauge:?}");
    assert!((coverage_factor(gauge.effective_dof.floor(), 0.99) - 2.92).abs() < 0.005);
}
