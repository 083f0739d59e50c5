//! How wide the band is, each number with its reason.

use rig_model::bench::Bench;
use rig_model::time::Span;

/// What a delivery may differ from its order by, as a fraction: the 5 % of the requirements of accuracy, and 1 % for what adds to it in a short
/// span (single strokes scatter, and a rate is a whole number of the pump's smallest steps). What the rig's own sensors may err by is not in it:
/// that is the uncertainty of the row.
pub const TOLERANCE: f64 = 0.06;

/// In strokes, beside the tolerance: one that may begin at any instant of the span, and half of one for the pulse at either end of it and
/// for pauses of up to 1.2 stroke periods, which the requirements allow.
pub const STROKES: f64 = 1.5;

/// Taken where the bench file states no stroke volume, µL. Pumps of this kind make strokes of 0.5 to 2 µL.
pub(crate) const STROKE: f64 = 1.0;

/// A pump's clock may run wrong by so much, as a fraction; a crystal does.
pub(crate) const CLOCK: f64 = 1e-4;

/// What is told over the link, or begins with a press of a button, has begun or ended within this time of it.
pub(crate) const LATENCY: Span = Span::seconds(2);

/// A pump head can do more than its rate of priming by this factor: 7.2 mL/h where it primes at 6 mL/h.
pub(crate) const HEAD: f64 = 1.2;

/// What is put aside is forgotten after this time without further programming.
pub(crate) const FORGOTTEN_AFTER: Span = Span::minutes(10);

/// How near to that nobody can say which side the pump was on.
pub(crate) const FORGOTTEN_ABOUT: Span = Span::seconds(5);

/// What the line may hold at the tip and let out later, µL: nearly nothing at rest, and what the release of an occlusion may let through once somebody
/// has touched the line in the case.
pub(crate) const LINE_AT_REST: f64 = 1.0;
pub(crate) const LINE_TOUCHED: f64 = 15.0;

/// What a closed catheter may take up before its alarm is due, µL: the largest of the ordered volumes in the times that the requirement allows.
pub(crate) const OCCLUSION_GRACE: f64 = 26.0;

/// Strokes that may be ordered of a held rotor before its alarm is due: three in a row, and what it takes to say so.
pub(crate) const STALL_GRACE: f64 = 6.0;

/// Below this the reservoir is as good as empty, µL: 0.5 mL truly remaining, and 0.4 mL by which the pump's account may err.
pub(crate) const EMPTY: f64 = 920.0;

/// Where accuracy is required: temperature in °C, ambient pressure in kPa; and what each step beyond costs, as a fraction (per K, per kPa).
pub(crate) const TEMPERATURE: (f64, f64) = (35.0, 39.0);
pub(crate) const AMBIENT: (f64, f64) = (70.0, 106.0);
pub(crate) const PER_KELVIN: f64 = 0.02;
pub(crate) const PER_KILOPASCAL: f64 = 0.002;

/// What a head may deliver more for each K beyond, and for each kPa less: what such heads are known for, no more.
pub(crate) const MORE_PER_KELVIN: f64 = 0.01;
pub(crate) const MORE_PER_KILOPASCAL: f64 = 0.001;

/// With a tolerance beyond this there is nothing left to judge by; it lets in 43 °C, above which such pumps switch off.
pub(crate) const WIDEST: f64 = 0.15;

/// A line that lets through less than a part of this number is in the way; the factor of a kink.
pub(crate) const KINK: f64 = 2.0;

/// The stroke of the pump on this bench, µL.
pub(crate) fn stroke(bench: &Bench) -> f64 {
    bench.dut.stroke.map_or(STROKE, |stroke| stroke.volume.0)
}

/// A bolus may be so much early or late: 3 s where it is shorter than a minute, else 10 s.
pub(crate) fn timing(over: Span) -> Span {
    if over < Span::minutes(1) { Span::seconds(3) } else { Span::seconds(10) }
}
