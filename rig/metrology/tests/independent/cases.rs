//! One measurement of each measurand on one drawn bench: what the rig says, and what is true.

use rig_metrology::{EffectiveK, Gate, Measured, Pulses, Start, duration, pressure};
use rig_model::bench::{FlowSensor, KCurve, KPoint, PressureSensor};
use rig_model::input::Sense;
use rig_model::quantity::Pressure;
use rig_model::time::{RigTime, Span};

use crate::draws::Draws;
use crate::truth::{BASAL, Bench, FULL, PLAIN, Pump, Stated};

/// What the rig says and what is true.
pub type Sample = (Measured, f64);

/// Of many benches, each drawn for itself. Of a budget in which all is stated nothing but its sum is kept: a verdict asks for no more.
pub fn drawn(seed: u64, benches: usize, measure: impl Fn(&mut Draws) -> Sample) -> Vec<Sample> {
    let mut draws = Draws::new(seed);
    let summed = |(measured, truth): Sample| (Measured { budget: Vec::new(), ..measured }, truth);
    (0..benches).map(|_| summed(measure(&mut draws))).collect()
}

/// A measurand, and how it is measured.
pub struct Case {
    pub name: &'static str,
    pub measure: fn(&mut Draws) -> Sample,
    /// Whether errors to either side are alike, so that simple acceptance takes half of what lies at a limit.
    pub even: bool,
}

pub const CASES: &[Case] = &[
    Case { name: "volume, 100 µL", measure: bolus, even: true },
    Case { name: "volume, 100 µL, K only", measure: plain_bolus, even: true },
    Case { name: "volume, 2 µL", measure: few_pulses, even: true },
    Case { name: "volume, opened on a pulse", measure: edge_started, even: true },
    Case { name: "volume, pulse to pulse", measure: pulse_to_pulse, even: true },
    Case { name: "volume, integrated sensor", measure: integrated, even: true },
    Case { name: "volume, curve of K", measure: over_a_curve, even: true },
    Case { name: "volume of 10 strokes", measure: ten_strokes, even: true },
    Case { name: "mean flow, steady, 1 h", measure: steady_flow, even: true },
    Case { name: "mean flow, strokes, 24 h", measure: basal_flow, even: true },
    Case { name: "rate from pulses", measure: rate_of_pulses, even: true },
    Case { name: "rate from 4 coarse stamps", measure: coarse_stamps, even: true },
    Case { name: "mean flow of 10 strokes", measure: flow_of_strokes, even: true },
    Case { name: "reservoir error", measure: reservoir, even: true },
    Case { name: "onset delay", measure: onset, even: false },
    Case { name: "last pulse", measure: last_pulse, even: false },
    Case { name: "delivery time", measure: delivery_time, even: false },
    Case { name: "pause between pulses", measure: pause, even: false },
    Case { name: "time between told instants", measure: told, even: true },
    Case { name: "pressure", measure: reading, even: true },
    Case { name: "pressure, coarse steps", measure: coarse_reading, even: true },
];

/// A bolus of this true volume through a bench: how many pulses arrive.
fn of_bolus(stated: &Stated, bench: &Bench, volume: f64, draws: &mut Draws) -> Pulses {
    let passed = volume + bench.held_back;
    let n = bench.counted(draws.uniform(), passed * stated.k_factor * bench.relative);
    Pulses::counted(n, 0, &stated.sensor())
}

fn bolus_on(stated: &Stated, volume: f64, draws: &mut Draws) -> Sample {
    let bench = stated.bench(draws);
    let pulses = of_bolus(stated, &bench, volume, draws);
    (stated.meter(&stated.sensor()).volume(pulses, Gate::Free, Span::minutes(8)), volume)
}

/// About this volume: anywhere within one pulse of 0.1 µL, see `a_limit_between_two_counts`.
fn about(volume: f64, draws: &mut Draws) -> f64 {
    volume + 0.1 * draws.uniform()
}

fn bolus(draws: &mut Draws) -> Sample {
    bolus_on(&FULL, about(100.0, draws), draws)
}

fn plain_bolus(draws: &mut Draws) -> Sample {
    bolus_on(&PLAIN, about(100.0, draws), draws)
}

/// Counting is nearly all.
fn few_pulses(draws: &mut Draws) -> Sample {
    bolus_on(&PLAIN, about(2.0, draws), draws)
}

/// The window opens on a pulse, and closes at any time.
fn edge_started(draws: &mut Draws) -> Sample {
    let volume = about(2.0, draws);
    let bench = PLAIN.bench(draws);
    let turned = volume * PLAIN.k_factor * bench.relative;
    let pulses = Pulses::counted(bench.counted(0.0, turned), 0, &PLAIN.sensor());
    (PLAIN.meter(&PLAIN.sensor()).volume(pulses, Gate::EdgeStarted, Span::minutes(8)), volume)
}

fn pulse_to_pulse(draws: &mut Draws) -> Sample {
    let bench = FULL.bench(draws);
    let turned = 1_000.0;
    let passed = turned / (FULL.k_factor * bench.relative);
    let pulses = Pulses::counted(bench.arrive(turned) as u64, 0, &FULL.sensor());
    (FULL.meter(&FULL.sensor()).volume(pulses, Gate::Interpolated, Span::minutes(8)), passed - bench.held_back)
}

/// A sensor of flow whose readings are integrated into pulses of a hundredth of a µL: over 6 min its zero adds what it shows at rest.
fn integrated(draws: &mut Draws) -> Sample {
    let stated = Stated { k_factor: 100.0, zero: 6.0, ..PLAIN };
    let window = Span::minutes(6);
    let bench = stated.bench(draws);
    let shown = 50.0 * bench.relative + bench.zero * bench.true_seconds(window) / 3_600.0;
    let pulses = Pulses::counted(bench.counted(draws.uniform(), shown * stated.k_factor), 0, &stated.sensor());
    (stated.meter(&stated.sensor()).volume(pulses, Gate::Free, window), 50.0)
}

/// Half of the volume at 550 µL/h, where K is 9, and half at 5500 µL/h, where it is 10.25.
fn over_a_curve(draws: &mut Draws) -> Sample {
    let points = [(100.0, 8.0), (1_000.0, 10.0), (10_000.0, 10.5)].map(|(flow, k_factor)| KPoint { flow, k_factor });
    let sensor = FlowSensor { curve: KCurve::new(&points).expect("a curve"), ..FULL.sensor() };
    let bench = FULL.bench(draws);
    let parts = [(550.0, 9.0), (5_500.0, 10.25)];
    let volume = about(20.0, draws);
    let (mut follow, mut turned, mut began, mut n) = (EffectiveK::new(&sensor), draws.uniform(), 0.0, 0);
    for (flow, k) in parts {
        let pulses_per_s = flow * k * bench.relative / 3_600.0;
        let passed = (volume + bench.held_back) / 2.0;
        let end = turned + passed * k * bench.relative;
        for pulse in (turned.floor() as u64 + 1)..=(end.floor() as u64) {
            if bench.arrive(pulse as f64) > bench.arrive(pulse as f64 - 1.0) {
                follow.push(bench.stamped(began + (pulse as f64 - turned) / pulses_per_s, draws), Sense::Forward);
                n += 1;
            }
        }
        (began, turned) = (began + (end - turned) / pulses_per_s, end);
    }
    let pulses = Pulses { net: f64::from(n), k_factor: follow.k_factor() };
    (FULL.meter(&sensor).volume(pulses, Gate::Free, Span::minutes(8)), volume)
}

/// What ten whole strokes deliver, from the pulses that come in them.
fn ten_strokes(draws: &mut Draws) -> Sample {
    let bench = PLAIN.bench(draws);
    let stroke = 1.0 + 0.01 * draws.uniform();
    let n = bench.counted(draws.uniform(), 10.0 * stroke * PLAIN.k_factor * bench.relative);
    let pulses = Pulses::counted(n, 0, &PLAIN.sensor());
    (PLAIN.meter(&PLAIN.sensor()).volume(pulses, Gate::Free, Span::minutes(30)), 10.0 * stroke)
}

/// A window between two instants of the rig's clock, in a flow that goes on before and after.
fn flow_in(stated: &Stated, pump: Pump, window: Span, draws: &mut Draws) -> Sample {
    let bench = stated.bench(draws);
    let opened = 172.8 * draws.uniform();
    let closed = opened + bench.true_seconds(window);
    let came = pump.volume(closed) - pump.volume(opened);
    let n = bench.counted(draws.uniform(), (came + bench.held_back) * stated.k_factor * bench.relative);
    let sensor = stated.sensor();
    let measured = stated.meter(&sensor).mean_flow(Pulses::counted(n, 0, &sensor), Gate::Free, window).expect("a window");
    (measured, came / (closed - opened) * 3_600.0)
}

fn steady_flow(draws: &mut Draws) -> Sample {
    flow_in(&PLAIN, Pump::Steady(about(20.8, draws)), Span::hours(1), draws)
}

fn basal_flow(draws: &mut Draws) -> Sample {
    flow_in(&FULL, BASAL, Span::hours(24), draws)
}

/// The flow of a steady pump from so many intervals between pulses.
fn rate_on(stated: &Stated, flow: f64, intervals: u64, draws: &mut Draws) -> Sample {
    let bench = stated.bench(draws);
    let sensor = stated.sensor();
    // Between the first and the last of the pulses that arrive.
    let arrived = bench.arrive(intervals as f64).max(1.0) as u64;
    let elapsed_s = intervals as f64 / (flow * stated.k_factor * bench.relative) * 3_600.0;
    let elapsed = bench.stamped(1.0 + elapsed_s, draws) - bench.stamped(1.0, draws);
    (stated.meter(&sensor).rate_from_edges(arrived, elapsed, sensor.k_factor).expect("an interval"), flow)
}

fn rate_of_pulses(draws: &mut Draws) -> Sample {
    rate_on(&FULL, 3_000.0, 1_000, draws)
}

/// Four intervals of 50 ms, each stamp within 1 ms.
fn coarse_stamps(draws: &mut Draws) -> Sample {
    rate_on(&Stated { stamp: Span::milliseconds(1), ..PLAIN }, 7_200.0, 4, draws)
}

/// From the first pulse of a stroke to the first pulse of the tenth after it: the mean flow between these two instants.
fn flow_of_strokes(draws: &mut Draws) -> Sample {
    let bench = PLAIN.bench(draws);
    let sensor = PLAIN.sensor();
    let k = PLAIN.k_factor * bench.relative;
    let phase = draws.uniform();
    // The first pulse in the strokes that begin when 0 and when 10 µL have come.
    let first_after = |came: f64| ((phase + came * k).floor() + 1.0 - phase) / k;
    let (first, last) = (first_after(0.0), first_after(10.0));
    let pulses = ((last - first) * k).round() as u64;
    let (from, to) = (BASAL.time(first), BASAL.time(last));
    let elapsed = bench.stamped(to, draws) - bench.stamped(from, draws);
    let truth = (last - first) / (to - from) * 3_600.0;
    (PLAIN.meter(&sensor).rate_from_edges(pulses, elapsed, sensor.k_factor).expect("an interval"), truth)
}

fn reservoir(draws: &mut Draws) -> Sample {
    let (measured, volume) = bolus(draws);
    // The pump says 103 µL.
    (measured.taken_from(103.0), 103.0 - volume)
}

/// A bolus of 200 µL in 2 min; what the sensor says of its times, s: first and last pulse, and the time of one pulse.
fn times(draws: &mut Draws) -> (f64, f64, f64) {
    let bench = PLAIN.bench(draws);
    let pump = Pump::Steady(6_000.0);
    let (phase, k) = (draws.uniform(), PLAIN.k_factor * bench.relative);
    let last = (phase + 200.0 * k).floor();
    let at = |pulse: f64, draws: &mut Draws| bench.stamped(1.0 + pump.time((pulse - phase) / k), draws).seconds() - bench.clock;
    let (first, last) = (at(1.0, draws), at(last, draws));
    (first, last, bench.clock * pump.time(1.0 / k))
}

fn onset(draws: &mut Draws) -> Sample {
    let (first, _, pulse_s) = times(draws);
    (PLAIN.meter(&PLAIN.sensor()).time_of_pulses(first, Start::Instant, pulse_s), 0.0)
}

fn last_pulse(draws: &mut Draws) -> Sample {
    let (_, last, pulse_s) = times(draws);
    (PLAIN.meter(&PLAIN.sensor()).time_of_pulses(last, Start::Instant, pulse_s), 120.0)
}

fn delivery_time(draws: &mut Draws) -> Sample {
    let (first, last, pulse_s) = times(draws);
    (PLAIN.meter(&PLAIN.sensor()).time_of_pulses(last - first, Start::Pulse, pulse_s), 120.0)
}

/// The pump stands still for 60 s between two boluses: from the last pulse to the next, which is longer.
fn pause(draws: &mut Draws) -> Sample {
    let (before, after) = (times(draws), times(draws));
    let between = 120.0 - before.1 + 60.0 + after.0;
    (PLAIN.meter(&PLAIN.sensor()).time_of_pulses(between, Start::Pulse, before.2), 60.0)
}

/// From a mark within 5 ms to a report within 6.6 ms.
fn told(draws: &mut Draws) -> Sample {
    let clock = 1.0 + 1e-6 * draws.within(100.0);
    let value = 2.0 * clock + draws.within(0.005) + draws.within(0.0066);
    (duration(value, &[("mark", 0.005), ("alarm's report", 0.0066)], 100.0), 2.0)
}

/// The mean of one reading is that reading.
fn reading_in_steps(step: f64, draws: &mut Draws) -> Sample {
    let sensor =
        PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(step), min: Pressure(-10.0), max: Pressure(200.0) };
    let truth = 40.0 + step * draws.uniform();
    let shown = ((truth + 0.25 * draws.normal()) / step).round() * step;
    (pressure(shown, &sensor, None), truth)
}

fn reading(draws: &mut Draws) -> Sample {
    reading_in_steps(0.01, draws)
}

fn coarse_reading(draws: &mut Draws) -> Sample {
    reading_in_steps(1.2, draws)
}

/// A pulse later than another by whole seconds, for tables.
pub fn at(seconds: f64) -> RigTime {
    RigTime::ZERO + Span::from_seconds(seconds)
}
