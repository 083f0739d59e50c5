//! The curves against published examples, vectors by hand, and a record whose curves were made by a different route.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rig_metrology::{
    Continuity, CurveError, CurvePlan, Curves, CustomMethod, HourStatistics, Method, Period, Periods, PulseSampler, StrokeRecord,
    TrumpetPoint, VolumeSeries, curves, stroke_cycle,
};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

const SAMPLE: Span = Span::seconds(30);

#[track_caller]
fn close(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {got} is not {expected}");
}

/// A record of samples of 0.5 min with these flows in µL/h.
fn of_flows(flows: impl IntoIterator<Item = f64>) -> VolumeSeries {
    let mut volumes = vec![0.0];
    for flow in flows {
        volumes.push(volumes[volumes.len() - 1] + flow * SAMPLE.as_hours());
    }
    VolumeSeries::from_cumulative(RigTime::ZERO, SAMPLE, volumes).unwrap()
}

/// One hour as analysis period with the volumetric windows.
fn one_period(rate: f64) -> CurvePlan {
    let windows = Method::Volumetric.windows().to_vec();
    CurvePlan::new(Method::Custom(CustomMethod { sample: SAMPLE, windows, excluded: Span::ZERO }), Flow(rate))
}

fn points(curves: &Curves) -> &[TrumpetPoint] {
    assert_eq!(curves.trumpets.len(), 1);
    &curves.trumpets[0].points
}

/// SOURCES 1.8, V1 to V3: rate 1 mL/h, 120 samples of 0.5 min.
#[test]
fn golden_vectors() {
    const RATE: f64 = 1_000.0;
    type Vector = (&'static str, fn(usize) -> f64, [(f64, f64); 6], f64);
    let vectors: [Vector; 3] = [
        ("V1 constant", |_| 1.02 * RATE, [(2.0, 2.0); 6], 2.0),
        ("V2 alternating", |i| if i % 2 == 0 { 1.1 * RATE } else { 0.9 * RATE }, [(0.0, 0.0); 6], 0.0),
        (
            "V3 one sample of twice the rate",
            |i| if i == 60 { 2.0 * RATE } else { RATE },
            [(50.0, 0.0), (25.0, 0.0), (10.0, 0.0), (100.0 / 22.0, 0.0), (100.0 / 38.0, 0.0), (100.0 / 62.0, 100.0 / 62.0)],
            100.0 / 120.0,
        ),
    ];
    for (name, flow, expected, overall) in vectors {
        let curves = curves(&of_flows((1..=120).map(flow)), &one_period(RATE)).unwrap();
        let points = points(&curves);
        assert_eq!(points.iter().map(|p| p.windows).collect::<Vec<_>>(), [119, 117, 111, 99, 83, 59], "m");
        for (point, (max, min)) in points.iter().zip(expected) {
            close(point.max_percent, max, &format!("{name}, {}, max", point.window));
            close(point.min_percent, min, &format!("{name}, {}, min", point.window));
        }
        close(curves.b.error_percent, overall, name);
        assert_eq!(curves.a, None, "nothing was left out");
    }
}

/// SOURCES 1.8: 1.0100 g in 60 min, d = 0.998 g/mL, r = 1 mL/h. And 8.316667 mg in 0.5 min are 1 mL/h.
#[test]
fn overall_error_of_a_weighed_hour() {
    let volume = 1.0100 / 0.998 * 1_000.0;
    let curves = curves(&of_flows(std::iter::repeat_n(volume, 240)), &CurvePlan::new(Method::Volumetric, Flow(1_000.0))).unwrap();
    assert!((curves.a.unwrap().error_percent - 1.202405).abs() < 5e-7, "{:?}", curves.a);
    let sample = VolumeSeries::from_cumulative(RigTime::ZERO, SAMPLE, vec![0.0, 8.316667 / 0.998]).unwrap();
    let windows = vec![SAMPLE];
    let plan = CurvePlan::new(Method::Custom(CustomMethod { sample: SAMPLE, windows, excluded: Span::ZERO }), Flow(1_000.0));
    let flow = rig_metrology::curves(&sample, &plan).unwrap().start_up[0].flow;
    assert!((flow.0 - 1_000.0).abs() < 5e-5, "{flow}");
}

/// SOURCES 1.3 and 1.4: m for samples of 1 min in 120 min, and for 100 samples of 15 min.
#[test]
fn numbers_of_windows() {
    let m = |sample, samples: usize, windows: &[i64]| {
        let series = VolumeSeries::from_cumulative(RigTime::ZERO, sample, (0..=samples).map(|i| i as f64).collect()).unwrap();
        let windows = windows.iter().map(|p| Span::minutes(*p)).collect();
        let plan = CurvePlan::new(Method::Custom(CustomMethod { sample, windows, excluded: Span::ZERO }), Flow(60.0));
        points(&curves(&series, &plan).unwrap()).iter().map(|p| p.windows).collect::<Vec<_>>()
    };
    assert_eq!(m(Span::minutes(1), 120, &[1, 2, 5, 11, 19, 31]), [120, 119, 116, 110, 102, 90]);
    assert_eq!(m(Span::minutes(15), 100, &[15, 60, 150, 330, 570, 930]), [100, 97, 91, 79, 63, 39]);
}

#[test]
fn periods_are_where_their_names_say() {
    // 4 h: 1.1, 1.2, 1.3 and 1.4 times the rate.
    let series = of_flows((0..480).map(|i| 100.0 * (1.1 + 0.1 * f64::from(i / 120))));
    let error = |plan: &CurvePlan| {
        let curves = curves(&series, plan).unwrap();
        let spans: Vec<_> = curves.trumpets.iter().map(|t| (t.period, t.from, t.to)).collect();
        (
            curves.a.map(|a| a.error_percent.round()),
            curves.b.error_percent.round(),
            spans,
            curves.start_up.len(),
            curves.hours.unwrap().hours,
        )
    };
    let hours = Span::hours;
    let volumetric = CurvePlan::new(Method::Volumetric, Flow(100.0));
    let both = vec![(Period::T1, hours(1), hours(2)), (Period::T2, hours(3), hours(4))];
    assert_eq!(error(&volumetric), (Some(20.0), 40.0, both, 240, 4));
    let stabilised = CurvePlan { periods: Periods::StabilisationAndAnalysis, ..volumetric };
    assert_eq!(error(&stabilised), (Some(10.0), 30.0, vec![(Period::T2, hours(1), hours(4))], 240, 3));
    let custom = CustomMethod { sample: SAMPLE, windows: vec![hours(1)], excluded: hours(2) };
    let custom = CurvePlan::new(Method::Custom(custom), Flow(100.0));
    assert_eq!(error(&custom), (Some(15.0), 35.0, vec![(Period::T2, hours(2), hours(4))], 240, 2));
}

#[test]
fn what_has_no_curve() {
    let volumetric = CurvePlan::new(Method::Volumetric, Flow(100.0));
    let custom = |sample, windows: &[Span], excluded| {
        CurvePlan::new(Method::Custom(CustomMethod { sample, windows: windows.to_vec(), excluded }), Flow(100.0))
    };
    let (seconds, minutes, hours) = (Span::seconds, Span::minutes, Span::hours);
    let hourly = Periods::SecondAndLastHour;
    let refused: Vec<(CurvePlan, &str)> = vec![
        (CurvePlan { rate: Flow(0.0), ..volumetric.clone() }, "the set rate must be a positive number, not 0 µL/h"),
        (CurvePlan { rate: Flow(f64::NAN), ..volumetric.clone() }, "the set rate must be a positive number, not NaN µL/h"),
        (CurvePlan { rate: Flow(f64::INFINITY), ..volumetric.clone() }, "the set rate must be a positive number, not inf µL/h"),
        (
            CurvePlan { within_percent: -1.0, ..volumetric.clone() },
            "the limit for windows must be a number of % that is not negative, not -1",
        ),
        (CurvePlan { stroke_cycle: Some(Span::ZERO), ..volumetric.clone() }, "the stroke cycle must be longer than nothing, not 0 µs"),
        (custom(Span::ZERO, &[minutes(1)], Span::ZERO), "the sample interval must be longer than nothing, not 0 µs"),
        (custom(SAMPLE, &[], Span::ZERO), "there are no windows"),
        (
            custom(SAMPLE, &[minutes(1), seconds(75)], Span::ZERO),
            "a window of 1 min 15 s is not a whole multiple of the sample interval of 30 s",
        ),
        (custom(SAMPLE, &[Span::ZERO], Span::ZERO), "a window of 0 µs is not a whole multiple of the sample interval of 30 s"),
        (custom(SAMPLE, &[SAMPLE], seconds(45)), "the 45 s to be left out are not a whole multiple of the sample interval of 30 s"),
        (custom(SAMPLE, &[minutes(241)], Span::ZERO), "a window of 4 h 1 min is longer than its analysis period of 4 h"),
        (custom(SAMPLE, &[minutes(61)], hours(3)), "a window of 1 h 1 min is longer than its analysis period of 1 h"),
        (custom(SAMPLE, &[SAMPLE], hours(4)), "the record of 4 h ends with the 4 h that are left out: nothing of it is left to analyse"),
        (custom(SAMPLE, &[SAMPLE], hours(5)), "the record of 4 h is shorter than the 5 h of the start-up period T0"),
        (
            CurvePlan { periods: hourly, ..CurvePlan::new(Method::Ambulatory, Flow(100.0)) },
            "the second hour lies in the first 1 d, which this method leaves out; name the periods after stabilisation and analysis",
        ),
        (
            CurvePlan { periods: hourly, ..custom(minutes(7), &[minutes(7)], Span::ZERO) },
            "an hour is not a whole multiple of the sample interval of 7 min, so there is no second and no last hour; name the periods after \
             stabilisation and analysis",
        ),
        (
            CurvePlan { periods: hourly, ..custom(SAMPLE, &[minutes(90)], Span::ZERO) },
            "a window of 1 h 30 min is longer than its analysis period of 1 h",
        ),
        (CurvePlan::new(Method::Ambulatory, Flow(100.0)), "the record is sampled every 30 s, the method asks for 15 min"),
    ];
    let series = of_flows([100.0; 480]);
    for (plan, words) in refused {
        assert_eq!(curves(&series, &plan).unwrap_err().to_string(), words);
    }
    let short = of_flows([100.0; 239]);
    let words = "the record of 1 h 59 min is shorter than the 2 h of the start-up period T0";
    assert_eq!(curves(&short, &volumetric).unwrap_err().to_string(), words);
    for plan in [volumetric.clone(), CurvePlan { periods: Periods::StabilisationAndAnalysis, ..volumetric }] {
        let samples = (plan.shortest_record().0 / SAMPLE.0) as usize;
        assert!(curves(&of_flows(vec![100.0; samples]), &plan).is_ok());
        assert!(matches!(curves(&of_flows(vec![100.0; samples - 1]), &plan), Err(CurveError::RecordTooShort { .. })));
    }
}

/// 20 pulses of 5 µL are 100 µL: 23 in a window are +15 % exactly, and within it.
#[test]
fn the_limit_for_windows_is_inclusive() {
    let flows = [115.0, 85.0, 115.1, 84.9, 100.0, 130.0, 70.0, 100.0];
    let custom = CustomMethod { sample: SAMPLE, windows: vec![SAMPLE], excluded: Span::ZERO };
    let curves = curves(&of_flows(flows), &CurvePlan::new(Method::Custom(custom), Flow(100.0))).unwrap();
    assert_eq!(points(&curves)[0].within_percent, 50.0);
}

#[test]
fn hours_are_counted_from_the_beginning_and_only_whole() {
    // 2.5 h: 90, 120 and half an hour of nothing.
    let series = of_flows((0..300).map(|i| [90.0, 120.0, 0.0][i / 120]));
    let hours = |custom: CustomMethod| curves(&series, &CurvePlan::new(Method::Custom(custom), Flow(100.0))).unwrap().hours;
    let custom = CustomMethod { sample: SAMPLE, windows: vec![SAMPLE], excluded: Span::ZERO };
    let HourStatistics { hours: n, mean_percent, sd_percent, min_percent, max_percent, within_percent } = hours(custom.clone()).unwrap();
    assert_eq!((n, within_percent), (2, 50.0));
    close(mean_percent, 5.0, "mean");
    close(sd_percent.unwrap(), 450f64.sqrt(), "sd");
    close(min_percent, -10.0, "min");
    close(max_percent, 20.0, "max");
    let one = hours(CustomMethod { excluded: Span::minutes(45), ..custom.clone() }).unwrap();
    assert_eq!((one.hours, one.sd_percent), (1, None));
    assert_eq!(hours(CustomMethod { excluded: Span::hours(2), ..custom }), None);
}

/// The pseudo-random record of `golden/curves.py`.
fn golden_pulses() -> Vec<(RigTime, Volume)> {
    let parse = |line: &str| {
        let (at, sign) = line.split_once(',').unwrap();
        (RigTime(at.parse().unwrap()), Volume(0.25 * sign.parse::<f64>().unwrap()))
    };
    include_str!("golden/pulses.csv").lines().map(parse).collect()
}

/// What that script found, by name.
struct Golden(BTreeMap<&'static str, f64>);

impl Golden {
    fn read() -> Self {
        let parse = |line: &'static str| line.split_once(',').map(|(name, value)| (name, value.parse().unwrap())).unwrap();
        Self(include_str!("golden/curves.csv").lines().map(parse).collect())
    }

    #[track_caller]
    fn check(&self, name: &str, got: f64) {
        close(got, self.0[name], name);
    }

    fn check_point(&self, name: &str, point: &TrumpetPoint) {
        let name = format!("{name}.{}", point.window.0 / 60_000_000_000);
        let floor = point.floor.unwrap();
        self.check(&format!("{name}.windows"), point.windows as f64);
        self.check(&format!("{name}.max"), point.max_percent);
        self.check(&format!("{name}.min"), point.min_percent);
        self.check(&format!("{name}.mean"), point.mean_percent);
        self.check(&format!("{name}.within"), point.within_percent);
        self.check(&format!("{name}.floor_max"), floor.max_percent);
        self.check(&format!("{name}.floor_min"), floor.min_percent);
    }
}

const GOLDEN_RATE: Flow = Flow(20.8);
const GOLDEN_END: RigTime = RigTime(50 * 3_600 * 1_000_000_000);

fn golden_curves(method: Method) -> Curves {
    let mut sampler = PulseSampler::new(RigTime::ZERO, method.sample()).unwrap();
    golden_pulses().into_iter().for_each(|(at, volume)| sampler.push(at, volume));
    let stroke_cycle = stroke_cycle(Volume(1.0), GOLDEN_RATE);
    let plan = CurvePlan { stroke_cycle, ..CurvePlan::new(method, GOLDEN_RATE) };
    curves(&sampler.finish(GOLDEN_END).unwrap(), &plan).unwrap()
}

#[test]
fn exact_rational_arithmetic_agrees() {
    let golden = Golden::read();
    for (method, periods) in [(Method::Volumetric, &["T1", "T2"][..]), (Method::Ambulatory, &["T2"])] {
        let name = method.name();
        let curves = golden_curves(method);
        golden.check(&format!("{name}.a"), curves.a.unwrap().error_percent);
        golden.check(&format!("{name}.b"), curves.b.error_percent);
        assert_eq!(curves.trumpets.iter().map(|t| t.period.name()).collect::<Vec<_>>(), periods);
        for trumpet in &curves.trumpets {
            assert_eq!(trumpet.points.len(), 6);
            trumpet.points.iter().for_each(|point| golden.check_point(&format!("{name}.{}", trumpet.period.name()), point));
        }
        let hours = curves.hours.unwrap();
        golden.check(&format!("{name}.hour.hours"), hours.hours as f64);
        golden.check(&format!("{name}.hour.mean"), hours.mean_percent);
        golden.check(&format!("{name}.hour.variance"), hours.sd_percent.unwrap().powi(2));
        golden.check(&format!("{name}.hour.max"), hours.max_percent);
        golden.check(&format!("{name}.hour.min"), hours.min_percent);
        golden.check(&format!("{name}.hour.within"), hours.within_percent);
        let flows: Vec<f64> = curves.start_up.iter().map(|point| point.flow.0).collect();
        golden.check(&format!("{name}.start_up.samples"), flows.len() as f64);
        golden.check(&format!("{name}.start_up.max"), flows.iter().copied().fold(0.0, f64::max));
        golden.check(&format!("{name}.start_up.last"), flows[flows.len() - 1]);
        let checksum = flows.iter().enumerate().map(|(i, q)| (i + 1) as f64 * q).sum();
        golden.check(&format!("{name}.start_up.sum_of_i_times_flow"), checksum);
    }
}

#[test]
fn windows_of_whole_strokes_agree() {
    let golden = Golden::read();
    // On the grid: all six lengths come to 13 strokes in 37.5 min.
    let volumetric = golden_curves(Method::Volumetric);
    let aligned = &volumetric.trumpets[0].strokes;
    assert_eq!(aligned.len(), 1);
    assert_eq!((aligned[0].strokes, aligned[0].point.window), (13, Span::seconds(2_250)));
    golden.check("aligned.windows", aligned[0].point.windows as f64);
    golden.check("aligned.max", aligned[0].point.max_percent);
    golden.check("aligned.min", aligned[0].point.min_percent);
    assert_eq!(aligned[0].point.floor.unwrap().max_percent, 0.0);

    let mut record = StrokeRecord::new(Span::seconds(20));
    golden_pulses().into_iter().for_each(|(at, volume)| record.push(at, volume));
    golden.check("strokes.begun", record.strokes() as f64);
    assert!(!record.is_full());
    let cycle = stroke_cycle(Volume(1.0), GOLDEN_RATE).unwrap();
    let from = RigTime::ZERO + Span::hours(24);
    let points = record.trumpet(from, GOLDEN_END, Method::Ambulatory.windows(), cycle, GOLDEN_RATE, 15.0);
    assert_eq!(points.iter().map(|p| p.strokes).collect::<Vec<_>>(), [5, 21, 52, 114, 198, 322]);
    for point in points {
        let name = format!("strokes.{}", point.strokes);
        golden.check(&format!("{name}.windows"), point.point.windows as f64);
        golden.check(&format!("{name}.max"), point.point.max_percent);
        golden.check(&format!("{name}.min"), point.point.min_percent);
        golden.check(&format!("{name}.within"), point.point.within_percent);
    }
}

#[test]
fn continuity_agrees() {
    let golden = Golden::read();
    let hours = |n| RigTime::ZERO + Span::hours(n);
    let (opened, closed) = (hours(3), hours(41));
    let mut continuity = Continuity::new(opened);
    continuity.command(hours(4));
    continuity.stop(hours(40));
    let inside = golden_pulses().into_iter().filter(|(at, _)| *at > opened && *at <= closed);
    inside.for_each(|(at, volume)| continuity.push(at, volume));
    let figures = continuity.figures(closed);
    let between = figures.between_pulses.unwrap();
    golden.check("continuity.between", between.length().0 as f64);
    golden.check("continuity.between_from", between.from.0 as f64);
    golden.check("continuity.to_first", figures.to_first.unwrap().length().0 as f64);
    golden.check("continuity.from_last", figures.from_last.length().0 as f64);
    golden.check("continuity.reverse", figures.reverse.0);
    golden.check("continuity.first_delivery", figures.first_delivery.unwrap().0 as f64);
    golden.check("continuity.after_run", figures.after_run.unwrap().0 as f64);
    golden.check("continuity.after_volume", figures.after_run_volume.unwrap().0);
}
