//! What people do around the pump on a bench that can't do it itself.
use crate::bed::{Bed, HOUR, SECOND, basal, check, patient};
use rig_model::dut::{Alarm, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::{Pressure, Temperature, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Inconclusive, Pass, Skipped};

const M: i64 = 60 * SECOND;

/// 100 µL/h after what was set up, of which so much comes.
fn after(change: PlantChange, by_hand: bool, rate: f64, until: i64) -> impl Fn(&mut Bed) {
    move |bed| {
        if by_hand {
            bed.set_up(SECOND, change.clone())
        } else {
            bed.plant(SECOND, change.clone())
        };
        bed.say(M, basal(100.0)).say(2 * M, Verb::Start).flows(2 * M, until, rate);
    }
}

#[test]
fn what_was_set_up_by_hand_counts_like_what_the_bench_did() {
    let warm = PlantChange::Temperature { inside: Temperature(43.0) };
    let cold = PlantChange::Temperature { inside: Temperature(33.0) };
    let high = PlantChange::Ambient { pressure: Pressure(50.0) };
    let little = PlantChange::Reservoir { volume: Volume(1_000.0) };
    let air = PlantChange::AirBubble { volume: Volume(30.0) };
    for by_hand in [false, true] {
        let name = |what: &str| format!("{what}, by hand: {by_hand}");
        check(&name("9 % more at 43 °C"), 10.0, (Inconclusive, Pass), after(warm.clone(), by_hand, 109.0, 10 * HOUR));
        check(&name("8 % less at 33 °C"), 10.0, (Pass, Pass), after(cold.clone(), by_hand, 92.0, 10 * HOUR));
        check(&name("9 % less in thin air"), 10.0, (Pass, Pass), after(high.clone(), by_hand, 91.5, 10 * HOUR));
        check(&name("the reservoir is empty after 2 h"), 3.0, (Pass, Pass), after(little.clone(), by_hand, 100.0, 2 * HOUR));
        check(&name("air, and then fluid"), 3.0, (Pass, Pass), |bed| {
            after(air.clone(), by_hand, 100.0, 2 * M)(bed);
            bed.flows(20 * M, 3 * HOUR, 100.0);
        });
        check(&name("doses by a clock that is 2 % fast"), 26.0, (Pass, Pass), |bed| {
            let fast = PlantChange::PumpClock { ppm: 2e4 };
            if by_hand {
                bed.set_up(SECOND, fast)
            } else {
                bed.plant(SECOND, fast)
            };
            let doses = Verb::ProgramMicrodose { volume: Volume(20.0), over: Span::minutes(2), every: Span::hours(4) };
            bed.prescribe(M, [doses]).say(2 * M, Verb::Start);
            for dose in 0..7 {
                bed.bolus(2 * M + dose * 4 * HOUR * 98 / 100, 20.0, 120.0);
            }
        });
    }
}

#[test]
fn what_was_set_up_hides_nothing_else() {
    let cold = PlantChange::Temperature { inside: Temperature(33.0) };
    check("as little, and warm enough", 10.0, (Pass, Fail), after(PlantChange::Catheter { primed: true }, true, 92.0, 10 * HOUR));
    check("less than the cold takes", 10.0, (Pass, Fail), after(cold, true, 80.0, 10 * HOUR));
}

#[test]
fn what_a_step_asks_for_before_the_start_may_be_in_the_way() {
    check("clamped, and the alarm comes", 1.0, (Pass, Skipped), |bed| {
        bed.prompt(M, "clamp the catheter").say(2 * M, basal(200.0)).say(3 * M, Verb::Start);
        bed.flows(3 * M, 5 * M, 200.0).alarm(10 * M, Alarm::Occlusion);
    });
    check("pressed, once there are rules", 3.0, (Skipped, Skipped), |bed| {
        bed.prompt(SECOND, "press the button after an hour").prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start);
        bed.flows(2 * M, 3 * HOUR, 20.0).bolus(HOUR, 50.0, 120.0);
    });
    check("too much is too much", 3.0, (Fail, Skipped), |bed| {
        bed.prompt(M, "look at it").say(2 * M, basal(200.0)).say(3 * M, Verb::Start).flows(3 * M, 3 * HOUR, 230.0);
    });
}
