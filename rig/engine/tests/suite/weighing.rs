//! What is weighed between two rests is judged; what was not weighed, or is contradicted, never is a PASS.

use rig_engine::{Memory, Stimulus};
use rig_model::bench::*;
use rig_model::dut::{Outcome, PumpState, Verb};
use rig_model::event::{Comparability, Event, WeighedAgainst};
use rig_model::input::{Edges, Sense};
use rig_model::quantity::Volume;
use rig_model::scenario::{StepKind, Until, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};
use rig_model::weighing::{Air, Balance, Liquid};

use crate::desk::*;

const BALANCE: &str = "balance";
/// 1 µL for each mg: a liquid of 1000 kg/m³ in next to no air.
const MG_PER_MICROLITRE: f64 = 1.0;

fn balance(beside: Option<&str>) -> Instrument {
    Instrument::Balance(Box::new(Balance {
        beside: beside.map(Into::into),
        resolution: 0.01,
        uncertainty: Some(0.04),
        sensitivity_ppm: 0.0,
        wander: 0.0,
        rest_rate_at_most: 2.0,
        min: -10.0,
        max: 5_000.0,
        liquid: Liquid::Stated { density: 1_000.0, expanded: Some(0.0) },
        air: Air::Stated { density: 1e-9, expanded: Some(0.0) },
        tube: None,
        start_stop: Volume(0.0),
        settle: Span::seconds(5),
        read_every: Span::seconds(1),
        simulated: None,
    }))
}

fn certificate(id: &str, reference: Option<Reference>) -> Certificate {
    Certificate { id: id.into(), date: None, due: "2099-12-31".into(), range: None, instrument: None, file: None, reference }
}

/// The desk's bench with a balance under flow.tip, whose K-factor is good to 0.5 %.
fn weighing_bench(of_tip: Option<Certificate>) -> Bench {
    let mut bench = bench();
    bench.channels.iter_mut().filter(|c| &*c.name == TIP).for_each(|c| c.certificate.clone_from(&of_tip));
    let certificate = Some(certificate("B-1", None));
    bench.channels.push(Channel { name: BALANCE.into(), instrument: balance(Some(TIP)), certificate, wiring: None });
    bench
}

/// What happens on the bench: 200 s of rest, a delivery at 200 s, and rest until 500 s.
struct Happens {
    /// Readings of the balance from here on, s.
    from: i64,
    /// Pulses at the tip, 10 for each µL.
    pulses: i64,
    /// mg that the balance then shows more.
    mg: f64,
    /// One reading that says this instead, after the delivery.
    instead: Option<f64>,
    /// When the balance is switched off and on, and comes back with another zero.
    restart: Option<i64>,
}

const SOUND: Happens = Happens { from: 1, pulses: 1_000, mg: 100.0 * MG_PER_MICROLITRE, instead: None, restart: None };

/// Plays it in a window on this channel that is open from 1 s before it all to 500 s.
fn played(on: &str, bench: Bench, quantity: WindowQuantity, happens: &Happens) -> Desk {
    let case = case([measure(on, Until::Elapsed(Span::seconds(500)), []), check(of_window(quantity), Some(95.0), Some(105.0))]);
    let mut desk = Desk::begin_on(bench, &case, Memory::default(), |_: &Verb| Some(Outcome::Accepted));
    desk.state(ms(1), PumpState::Stopped);
    for at in happens.from..500 {
        if at == 200 && happens.pulses > 0 {
            // 14,400 µL/h, which the sensor can follow.
            let then = vec![25_000_000; happens.pulses as usize - 1];
            let edges = Edges { channel: TIP.into(), sense: Sense::Forward, first_number: 0, first: ms(200_100), then };
            desk.tell(edges.last(), Stimulus::Edges(&edges));
        }
        let mg = 1_000.0 + if at > 200 { happens.mg } else { 0.0 };
        if happens.restart == Some(at) {
            desk.lose(s(at), Some(BALANCE));
        }
        let mg = if happens.restart.is_some_and(|restart| at >= restart) { mg + 50.0 } else { mg };
        let mg = happens.instead.filter(|_| at == 300).unwrap_or(mg);
        // The pulses of a delivery at 200 s are all in by then.
        if !(200..230).contains(&at) {
            desk.tell(s(at), Stimulus::Reading { channel: &BALANCE.into(), value: mg });
        }
    }
    desk.end();
    desk
}

fn verdict(on: &str, quantity: WindowQuantity, happens: &Happens) -> (Verdict, Reason) {
    played(on, weighing_bench(None), quantity, happens).of("steps.2")[0]
}

fn compared(desk: &Desk) -> WeighedAgainst {
    let found = desk.events().find_map(|(_, e)| if let Event::Weighed(weighed) = e { Some(weighed.against.clone()) } else { None });
    found.expect("the two were compared, or it was said why not")
}

#[test]
fn what_was_weighed_is_judged() {
    for (mg, expected) in
        [(100.0, (Pass, WithinLimits)), (95.5, (Pass, WithinLimits)), (106.0, (Fail, BeyondLimits)), (0.0, (Fail, BeyondLimits))]
    {
        // As many pulses as fit, so that nothing is contradicted.
        let happens = Happens { mg, pulses: ((mg * 10.0) as i64).max(1), ..SOUND };
        assert_eq!(verdict(BALANCE, WindowQuantity::Volume, &happens), expected, "{mg} mg");
    }
    let desk = played(BALANCE, weighing_bench(None), WindowQuantity::Volume, &SOUND);
    let row = desk.rows()[0].clone();
    assert!((row.value.unwrap() - 100.0).abs() < 1e-6, "{:?}", row.value);
    assert!(row.budget.iter().any(|c| c.name == "balance") && row.certificates == ["B-1".into()]);
    assert_eq!(compared(&desk).budget, row.budget, "what was weighed is told with what it rests on");
    assert!((played(BALANCE, weighing_bench(None), WindowQuantity::MeanFlow, &SOUND).rows()[0].value.unwrap() - 720.0).abs() < 1e-4);
}

#[test]
fn what_was_not_weighed_is_no_pass() {
    for (what, happens, expected) in [
        ("no reading at all", Happens { from: 500, ..SOUND }, (Error, ChannelNotAlive)),
        ("too few before", Happens { from: 150, ..SOUND }, (Error, NoData)),
        ("nothing delivered", Happens { pulses: 0, mg: 0.0, ..SOUND }, (Error, NoData)),
        ("overload", Happens { instead: Some(f64::NAN), ..SOUND }, (Error, OutOfRange)),
        ("above its range", Happens { instead: Some(6_000.0), ..SOUND }, (Error, OutOfRange)),
        ("infinite", Happens { instead: Some(f64::INFINITY), ..SOUND }, (Error, OutOfRange)),
    ] {
        assert_eq!(verdict(BALANCE, WindowQuantity::Volume, &happens), expected, "{what}");
    }
    for quantity in [WindowQuantity::ReverseVolume, WindowQuantity::DeliveryTime, WindowQuantity::MaxFlow, WindowQuantity::MaxPressure] {
        assert_eq!(verdict(BALANCE, quantity, &SOUND), (Error, NoData), "{quantity:?}: a balance has no such quantity");
    }
}

#[test]
fn lost_readings_and_a_window_cut_off_are_no_pass() {
    let steps = || [measure(BALANCE, Until::Elapsed(Span::seconds(500)), []), check(of_window(WindowQuantity::Volume), Some(0.0), None)];
    let begin = || Desk::begin_on(weighing_bench(None), &case(steps()), Memory::default(), |_: &Verb| Some(Outcome::Accepted));
    let mut desk = begin();
    desk.tell(s(5), Stimulus::Reading { channel: &BALANCE.into(), value: 1_000.0 });
    desk.lose(s(10), Some(BALANCE)).end();
    assert_eq!(desk.of("steps.2"), [(Error, DataLost)]);
    let mut desk = begin();
    desk.tell(s(5), Stimulus::Reading { channel: &BALANCE.into(), value: 1_000.0 });
    desk.abort(s(10)).end();
    assert_eq!(desk.of("steps.2"), [(Skipped, NotReached)]);
}

#[test]
fn a_start_ends_the_rest_whatever_the_pump_says_of_itself() {
    let during = [command(Verb::Start)];
    let steps = [
        StepKind::Wait(Span::seconds(200)),
        measure(BALANCE, Until::Elapsed(Span::seconds(200)), during),
        check(of_window(WindowQuantity::Volume), Some(0.0), None),
    ];
    let mut desk = Desk::begin_on(weighing_bench(None), &case(steps), Memory::default(), |_: &Verb| Some(Outcome::Accepted));
    for at in 1..400 {
        desk.tell(s(at), Stimulus::Reading { channel: &BALANCE.into(), value: 1_000.0 });
    }
    desk.end();
    let row = desk.rows()[0].clone();
    assert_eq!((row.verdict, row.reason_code), (Error, NoData));
    assert!(row.reason.starts_with("after the delivery"), "the pump was told to start and never said that it stands still: {}", row.reason);
}

#[test]
fn two_instruments_are_compared_on_either_channel() {
    for on in [BALANCE, TIP] {
        let found = compared(&played(on, weighing_bench(None), WindowQuantity::Volume, &SOUND));
        assert_eq!(found.outcome, Comparability::Agree, "{on}");
        assert!((found.weighed.unwrap().0 - 100.0).abs() < 1e-6 && found.flow_volume == Volume(100.0));
    }
    // A zero that became another is no disagreement; nor is it the flow sensor's fault.
    for restart in [150, 250] {
        let desk = played(TIP, weighing_bench(None), WindowQuantity::Volume, &Happens { restart: Some(restart), ..SOUND });
        let against = compared(&desk);
        assert_eq!((against.outcome, desk.of("steps.2")[0].0), (Comparability::NotCompared, Pass), "{restart}: {}", against.why);
        assert!(against.why.contains("lost"), "{}", against.why);
    }
    // Nothing delivered between two rests: said, and the flow sensor's verdict stands.
    let short = Happens { from: 150, ..SOUND };
    let desk = played(TIP, weighing_bench(None), WindowQuantity::Volume, &short);
    assert_eq!((compared(&desk).outcome, desk.of("steps.2")[0].0), (Comparability::NotCompared, Pass));
    assert!(desk.rows()[0].reason.contains("not compared with balance: before the delivery"), "{}", desk.rows()[0].reason);
}

#[test]
fn a_disagreement_is_an_error_and_a_small_one_is_told() {
    // u = 0.25 % of the K-factor and 0.02 mg, all in all 0.26 µL: 2.935 of them are 0.76 µL, 2 are 0.52 µL.
    for (mg, outcome, expected) in [
        (100.4, Comparability::Agree, (Pass, WithinLimits)),
        (100.65, Comparability::Hardly, (Pass, WithinLimits)),
        (101.0, Comparability::Disagree, (Error, Disagreement)),
        (99.0, Comparability::Disagree, (Error, Disagreement)),
    ] {
        for on in [BALANCE, TIP] {
            let desk = played(on, weighing_bench(None), WindowQuantity::Volume, &Happens { mg, ..SOUND });
            assert_eq!((compared(&desk).outcome, desk.of("steps.2")[0]), (outcome, expected), "{mg} mg on {on}");
        }
    }
    // Times do not rest on a K-factor.
    let off = Happens { mg: 101.0, ..SOUND };
    assert_ne!(verdict(TIP, WindowQuantity::DeliveryTime, &off).1, Disagreement);
}

#[test]
fn what_a_k_factor_has_from_this_balance_is_no_reason_to_disagree() {
    let shared = |certificate: &str| Reference { certificate: certificate.into(), uncertainty_percent: 0.45 };
    let off = Happens { mg: 100.5, ..SOUND };
    let e_n = |reference| {
        let bench = weighing_bench(Some(certificate("K-1", reference)));
        compared(&played(TIP, bench, WindowQuantity::Volume, &off)).comparison.unwrap().e_n.unwrap()
    };
    let (alone, other) = (e_n(None), e_n(Some(shared("B-2"))));
    assert_eq!(alone, other, "another balance's certificate explains nothing");
    let same = played(TIP, weighing_bench(Some(certificate("K-1", Some(shared("B-1"))))), WindowQuantity::Volume, &off);
    // More in common than the balance has of its own: they can't share that much, and it is said.
    assert_eq!(compared(&same).outcome, Comparability::NotCompared);
    let little = Reference { certificate: "B-1".into(), uncertainty_percent: 0.03 };
    assert!(e_n(Some(little)).abs() > alone.abs(), "with a part of it in common the same difference is less likely");
}
