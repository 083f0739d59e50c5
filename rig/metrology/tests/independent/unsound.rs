//! Nothing unsound passes: for each rule and each way to a value, everything that can be wrong with what goes in.

use rig_metrology::{
    BalanceFigures, DeliveriesError, Delivery, EffectiveK, FlowMeter, Gate, Measured, Pulses, Rest, Start, Weighing, delivery_accuracy,
    duration, hidden_in_bins, judge, over_time, pressure,
};
use rig_model::bench::{Accuracy, FlowSensor, PressureSensor};
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Limits, Rule, Verdict};
use rig_model::weighing::{Air, Liquid, Tube};

use crate::cases::at;
use crate::truth::{FULL, PLAIN};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;
const RULES: [DecisionRule; 3] = [DecisionRule::Simple, DecisionRule::Guarded, DecisionRule::ThreeWay];

/// So wide that any number lies within them.
const WIDE: Limits = Limits { lower: Some(-1e300), upper: Some(1e300) };

fn component(standard_uncertainty: Option<f64>, sensitivity: f64, dof: Option<f64>) -> Component {
    Component {
        name: "x".into(),
        estimate: 0.0,
        unit: "µL".into(),
        distribution: Distribution::Normal,
        standard_uncertainty,
        sensitivity,
        dof,
        origin: Origin::Derived,
        certificate: None,
        common: true,
        bound: None,
    }
}

fn with(value: f64, standard_uncertainty: Option<f64>, dof: Option<f64>) -> Measured {
    // A sound one beside it.
    Measured::new(value, vec![component(Some(0.1), 1.0, None), component(standard_uncertainty, 1.0, dof)])
}

/// Never a PASS; `but_simple`: nobody states the uncertainty of a finite value, and simple acceptance does not ask for it.
#[track_caller]
fn never_passes(name: &str, measured: &Measured, but_simple: bool) {
    for limits in [WIDE, Limits { lower: None, ..WIDE }, Limits { upper: None, ..WIDE }] {
        for rule in RULES {
            let verdict = judge(measured, limits, rule.into()).verdict;
            let expected = but_simple && rule == DecisionRule::Simple;
            assert_eq!(verdict == Verdict::Pass, expected, "{name}, {rule:?}: {verdict} for {:?}", measured.estimate);
        }
    }
    // Nor as one of many, nor taken from something, nor with something beside it.
    if !but_simple {
        for other in [measured.clone().extreme_of(1_000), measured.clone().taken_from(3.0)] {
            assert!(RULES.iter().all(|rule| judge(&other, WIDE, (*rule).into()).verdict != Verdict::Pass), "{name} as {other:?}");
        }
    }
}

/// What is sound does, so that the tables below say something.
#[track_caller]
fn passes(name: &str, measured: &Measured) {
    for rule in RULES {
        assert_eq!(judge(measured, WIDE, rule.into()).verdict, Verdict::Pass, "{name}, {rule:?}: {:?}", measured.estimate);
    }
}

#[test]
fn no_rule_passes_an_unsound_value() {
    passes("sound", &with(1.0, Some(0.1), Some(9.0)));
    for value in [NAN, INF, -INF] {
        never_passes("value", &with(value, Some(0.1), None), false);
        never_passes("value without uncertainty", &with(value, None, None), false);
    }
    for u in [NAN, INF, -0.1, -INF] {
        never_passes("uncertainty", &with(1.0, Some(u), None), false);
        never_passes("sensitivity", &Measured::new(1.0, vec![component(Some(0.1), if u < 0.0 { NAN } else { u }, None)]), false);
    }
    for dof in [0.0, -1.0, 0.5, NAN, -INF] {
        never_passes("degrees of freedom", &Measured::new(1.0, vec![component(Some(0.1), 1.0, Some(dof))]), false);
        // Half a degree of freedom beside one that has no end of them may be enough; what is none is not.
        if dof != 0.5 {
            never_passes("degrees of freedom beside others", &with(1.0, Some(0.1), Some(dof)), false);
        }
    }
    never_passes("nobody states it", &with(1.0, None, None), true);
}

#[test]
fn no_rule_passes_against_unsound_limits() {
    let sound = with(0.0, Some(0.1), None);
    let limits = |lower, upper| Limits { lower, upper };
    for bad in [
        limits(None, None),
        limits(Some(NAN), None),
        limits(None, Some(NAN)),
        limits(Some(NAN), Some(1.0)),
        limits(Some(-1.0), Some(NAN)),
        limits(Some(-INF), Some(1.0)),
        limits(Some(-1.0), Some(INF)),
        limits(None, Some(INF)),
        limits(Some(-INF), None),
        limits(Some(1.0), Some(-1.0)),
    ] {
        for rule in RULES {
            for measured in [sound.clone(), with(0.0, None, None), rig_metrology::certain(0.0)] {
                assert_eq!(judge(&measured, bad, rule.into()).verdict, Verdict::Error, "{bad:?} {rule:?}");
            }
        }
    }
    for guard_factor in [NAN, INF, -1.0, -INF] {
        let rule = Rule { guard_factor, ..DecisionRule::Guarded.into() };
        assert_eq!(judge(&sound, WIDE, rule).verdict, Verdict::Error, "{guard_factor}");
    }
}

/// Each estimate that rests on a flow sensor.
fn estimates(sensor: &FlowSensor, clock_ppm: f64) -> Vec<(&'static str, Measured)> {
    let meter = FlowMeter { sensor, certificate: None, clock_ppm };
    let pulses = Pulses::counted(1_000, 0, sensor);
    let hour = Span::hours(1);
    let volume = |gate| meter.volume(pulses, gate, hour);
    let rate = meter.rate_from_edges(999, Span::seconds(100), sensor.k_factor).expect("intervals");
    vec![
        ("volume", volume(Gate::Free)),
        ("volume from a pulse on", volume(Gate::EdgeStarted)),
        ("volume between pulses", volume(Gate::Interpolated)),
        ("volume with bins", volume(Gate::Free).with(hidden_in_bins(3, sensor.k_factor, 1.0))),
        ("mean flow", meter.mean_flow(pulses, Gate::Free, hour).expect("a window")),
        ("rate", rate),
    ]
}

#[test]
fn nothing_passes_on_an_unsound_sensor() {
    estimates(&FULL.sensor(), 100.0).iter().for_each(|(name, sound)| passes(name, sound));
    for k_factor in [0.0, -10.0, NAN, INF, -INF, f64::MIN_POSITIVE / 1e10] {
        let sensor = FlowSensor { k_factor, ..FULL.sensor() };
        estimates(&sensor, 100.0).iter().for_each(|(name, measured)| never_passes(name, measured, false));
        // One that follows the flow is no better than what it follows.
        let k_factor = EffectiveK::new(&sensor).k_factor();
        never_passes("effective K", &PLAIN.meter(&sensor).volume(Pulses { net: 1.0, k_factor }, Gate::Free, Span::hours(1)), false);
    }
    for percent in [NAN, -1.0, INF] {
        let sensor = FlowSensor { k_uncertainty_percent: Some(percent), ..FULL.sensor() };
        estimates(&sensor, 100.0).iter().for_each(|(name, measured)| never_passes(name, measured, false));
    }
    let unstated = FlowSensor { k_uncertainty_percent: None, ..FULL.sensor() };
    estimates(&unstated, 100.0).iter().for_each(|(name, measured)| never_passes(name, measured, true));
    for bad in [NAN, -1.0, INF] {
        let good = FULL.accuracy;
        for accuracy in [
            Accuracy { linearity_percent: bad, ..good },
            Accuracy { missed_percent: bad, ..good },
            Accuracy { temperature_band: bad, ..good },
        ] {
            let sensor = FlowSensor { accuracy, ..FULL.sensor() };
            estimates(&sensor, 100.0).iter().for_each(|(name, measured)| never_passes(name, measured, false));
        }
        let sensor = FlowSensor { accuracy: Accuracy { start_stop: Volume(bad), ..good }, ..FULL.sensor() };
        estimates(&sensor, 100.0)[..5].iter().for_each(|(name, measured)| never_passes(name, measured, false));
        let sensor = FlowSensor { zero_uncertainty: bad, ..FULL.sensor() };
        estimates(&sensor, 100.0)[..5].iter().for_each(|(name, measured)| never_passes(name, measured, false));
        estimates(&FULL.sensor(), bad)[4..].iter().for_each(|(name, measured)| never_passes(name, measured, false));
    }
    let sensor = FlowSensor { stamp_half_width: Span::seconds(-1), ..FULL.sensor() };
    never_passes("stamps", &estimates(&sensor, 100.0)[5].1, false);
}

#[test]
fn nothing_passes_that_was_not_seen() {
    let sensor = PLAIN.sensor();
    let meter = PLAIN.meter(&sensor);
    for window in [Span::ZERO, Span::seconds(-1)] {
        assert!(meter.mean_flow(Pulses::counted(5, 0, &sensor), Gate::Free, window).is_none());
        assert!(meter.rate_from_edges(5, window, 10.0).is_none());
        assert!(over_time(with(1.0, Some(0.1), None), window, 100.0).is_none());
    }
    assert!(meter.rate_from_edges(0, Span::seconds(1), 10.0).is_none());
    for net in [NAN, INF, -INF] {
        never_passes("pulses", &meter.volume(Pulses { net, k_factor: 10.0 }, Gate::Free, Span::hours(1)), false);
    }
    // No pulse is a volume of nothing, give or take one pulse: whatever the K-factor's uncertainty, this much is known.
    for k_uncertainty_percent in [Some(1.0), None] {
        let sensor = FlowSensor { k_uncertainty_percent, ..sensor };
        let nothing = PLAIN.meter(&sensor).volume(Pulses::counted(0, 0, &sensor), Gate::Free, Span::hours(1));
        assert!(nothing.estimate.value == 0.0 && nothing.estimate.expanded() > 0.08);
        let verdict = |least| judge(&nothing, Limits { lower: Some(least), upper: None }, DecisionRule::ThreeWay.into()).verdict;
        assert_eq!((verdict(0.0), verdict(0.1)), (Verdict::Inconclusive, Verdict::Fail));
    }
}

#[test]
fn nothing_passes_at_an_unsound_time() {
    let sensor = PLAIN.sensor();
    let of =
        |value, from, pulse_s, clock_ppm| FlowMeter { sensor: &sensor, certificate: None, clock_ppm }.time_of_pulses(value, from, pulse_s);
    for from in [Start::Instant, Start::Pulse] {
        passes("time", &of(120.0, from, 0.06, 100.0));
        for bad in [NAN, INF, -1.0] {
            never_passes("pulse", &of(120.0, from, bad, 100.0), false);
            never_passes("clock", &of(120.0, from, 0.06, bad), false);
        }
        for value in [NAN, INF, -INF] {
            never_passes("time", &of(value, from, 0.06, 100.0), false);
        }
    }
    passes("duration", &duration(2.0, &[("mark", 0.005)], 100.0));
    for bad in [NAN, INF, -1.0] {
        never_passes("half width", &duration(2.0, &[("mark", 0.005), ("report", bad)], 100.0), false);
        never_passes("clock", &duration(2.0, &[("mark", 0.005)], bad), false);
    }
    for value in [NAN, INF, -INF] {
        never_passes("duration", &duration(value, &[("mark", 0.005)], 100.0), false);
    }
}

#[test]
fn nothing_passes_at_an_unsound_pressure() {
    let sound = PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(0.1), min: Pressure(-10.0), max: Pressure(200.0) };
    passes("pressure", &pressure(40.0, &sound, None));
    for value in [NAN, INF, -INF, -10.1, 200.1] {
        never_passes("reading", &pressure(value, &sound, None), false);
    }
    for bad in [NAN, INF, -1.0] {
        never_passes("uncertainty", &pressure(40.0, &PressureSensor { uncertainty: Some(Pressure(bad)), ..sound }, None), false);
        never_passes("resolution", &pressure(40.0, &PressureSensor { resolution: Pressure(bad), ..sound }, None), false);
    }
    never_passes("nobody states it", &pressure(40.0, &PressureSensor { uncertainty: None, ..sound }, None), true);
    for (min, max) in [(NAN, 200.0), (-10.0, NAN), (200.0, -10.0)] {
        never_passes("range", &pressure(40.0, &PressureSensor { min: Pressure(min), max: Pressure(max), ..sound }, None), false);
    }
}

fn weighing() -> Weighing<'static> {
    let rest = |from: f64, indication| Rest {
        from: at(from),
        to: at(from + 300.0),
        middle: at(from + 150.0),
        indication,
        rate: -2.0,
        u_indication: 0.004,
        u_rate: 0.05,
        dof: 14.0,
    };
    Weighing {
        before: rest(0.0, 1_000.0),
        after: rest(420.0, 1_100.0),
        balance: BalanceFigures {
            resolution: 0.01,
            expanded: Some(0.05),
            sensitivity_ppm: 50.0,
            wander: 0.02,
            rest_rate_at_most: 10.0,
            certificate: None,
        },
        liquid: Liquid::Water { celsius: 20.0, half_width: 0.5 },
        air: Air::Assumed,
        tube: Some(Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.1 }),
        start_stop: Volume(0.2),
    }
}

#[test]
fn nothing_passes_on_an_unsound_balance() {
    let sound = weighing();
    passes("weighed", &sound.volume().expect("weighed"));
    let (rest, figures) = (sound.before, sound.balance);
    let tube = sound.tube.expect("a tube");
    let mut bad: Vec<Weighing<'_>> = Vec::new();
    for x in [NAN, INF, -1.0] {
        let rests = [
            Rest { u_indication: x, ..rest },
            Rest { u_rate: x, ..rest },
            Rest { dof: if x == INF { 0.0 } else { x }, ..rest },
            Rest { indication: if x == -1.0 { -INF } else { x }, ..rest },
            Rest { rate: if x == -1.0 { -INF } else { x }, ..rest },
        ];
        bad.extend(rests.map(|before| Weighing { before, ..sound.clone() }));
        let balances = [
            BalanceFigures { resolution: x, ..figures },
            BalanceFigures { expanded: Some(x), ..figures },
            BalanceFigures { sensitivity_ppm: x, ..figures },
            BalanceFigures { wander: x, ..figures },
            BalanceFigures { rest_rate_at_most: x, ..figures },
        ];
        bad.extend(balances.map(|balance| Weighing { balance, ..sound.clone() }));
        let liquids = [
            Liquid::Water { celsius: x, half_width: 0.5 },
            Liquid::Water { celsius: 20.0, half_width: x },
            Liquid::Stated { density: x, expanded: Some(0.1) },
            Liquid::Stated { density: 998.0, expanded: Some(x) },
        ];
        bad.extend(liquids.map(|liquid| Weighing { liquid, ..sound.clone() }));
        let airs = [
            Air::Stated { density: x, expanded: Some(0.1) },
            Air::Stated { density: 1.2, expanded: Some(x) },
            Air::Measured { celsius: x, pressure: 101.0, humidity: 50.0 },
        ];
        bad.extend(airs.map(|air| Weighing { air, ..sound.clone() }));
        let tubes = [
            Tube { tube: x, ..tube },
            Tube { vessel: x, ..tube },
            Tube { tube_half_width: x, ..tube },
            Tube { vessel_half_width: x, ..tube },
        ];
        bad.extend(tubes.map(|tube| Weighing { tube: Some(tube), ..sound.clone() }));
        bad.push(Weighing { start_stop: Volume(x), ..sound.clone() });
    }
    for weighing in bad {
        if let Ok(measured) = weighing.volume() {
            never_passes(&format!("{weighing:?}"), &measured, false);
            let flow = over_time(measured, Span::minutes(2), 100.0).expect("a window");
            never_passes(&format!("{weighing:?}"), &flow, false);
        }
    }
    let unstated = Weighing { balance: BalanceFigures { expanded: None, ..figures }, ..sound.clone() };
    never_passes("nobody states it", &unstated.volume().expect("weighed"), true);
    let overlapping = Weighing { before: sound.after, after: sound.before, ..sound };
    assert!(overlapping.volume().is_err());
}

/// Deliveries have figures or an error, and no figure that is no number.
#[test]
fn deliveries_without_sound_volumes_have_no_figures() {
    for bad in [NAN, INF, -INF] {
        let deliveries = [50.0, bad].map(|v| Delivery { volume: Volume(v), after_end: None });
        assert_eq!(delivery_accuracy(&deliveries, Volume(50.0), 15.0), Err(DeliveriesError::NotFinite(2)));
        assert!(
            delivery_accuracy(&deliveries[..1], Volume(bad), 15.0).is_err()
                && delivery_accuracy(&deliveries[..1], Volume(50.0), bad).is_err()
        );
    }
    assert_eq!(delivery_accuracy(&[], Volume(50.0), 15.0), Err(DeliveriesError::None));
}
