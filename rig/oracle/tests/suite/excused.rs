//! How much the row says was excused: one sum, whatever excused it.
use crate::bed::{Bed, HOUR, SECOND, basal, check};
use rig_model::dose::DoseRow;
use rig_model::dut::{Alarm, Refusal, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::{Concentration, Voltage, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Pass};

const M: i64 = 60 * SECOND;

type Ends = fn(&mut Bed);

/// 20 µL/h for four hours, of which nothing flows in the second and third. What had to come, and what was excused, µL.
fn told(ends: impl Fn(&mut Bed)) -> (f64, f64) {
    let mut bed = Bed::new();
    bed.plant(0, PlantChange::Reservoir { volume: Volume(20_000.0) });
    bed.say(M, basal(20.0)).say(2 * M, Verb::Start).flows(2 * M, HOUR, 20.0);
    ends(&mut bed);
    bed.say(3 * HOUR, Verb::Start).flows(3 * HOUR, 4 * HOUR, 20.0);
    let rows = bed.rows(4 * HOUR);
    let row = rows.iter().find(|row| &*row.step == DoseRow::SHORTFALL.step).unwrap();
    let words: Vec<&str> = row.reason.split("; in the whole case ").nth(1).unwrap().split_whitespace().collect();
    let number = |before: &str| words[words.iter().position(|word| *word == before).unwrap() - 1].parse::<f64>().unwrap();
    (number("µL"), words[words.iter().position(|word| *word == "and").unwrap() + 1].parse().unwrap())
}

#[test]
fn the_sum_is_the_same_whatever_excused_it() {
    let (ordered, missing) = (20.0 * 0.94 * (3.0 + 58.0 / 60.0), 20.0 * 0.94 * 2.0);
    let ends: [(&str, Ends); 8] = [
        ("a stop", |bed| {
            bed.say(HOUR, Verb::Stop);
        }),
        ("a shut down", |bed| {
            bed.say(HOUR, Verb::ShutDown);
        }),
        ("a loss of power", |bed| {
            bed.line(HOUR, "power", false).line(2 * HOUR, "power", true).restarted(2 * HOUR + M);
        }),
        ("an alarm", |bed| {
            bed.alarm(HOUR, Alarm::Occlusion);
        }),
        ("a dip", |bed| {
            let dip = PlantChange::SupplyDip { to: Voltage(1.0), lasts: Span::seconds(1) };
            bed.plant(HOUR, dip).restarted(HOUR + SECOND);
        }),
        ("a hang", |bed| {
            bed.plant(HOUR, PlantChange::Hang);
        }),
        ("a stall, and its alarm", |bed| {
            bed.plant(HOUR, PlantChange::Rotor { held: true }).alarm(HOUR + 15 * M, Alarm::MotorStall);
            bed.plant(2 * HOUR, PlantChange::Rotor { held: false });
        }),
        ("a back-flow, and a stop", |bed| {
            bed.plant(HOUR, PlantChange::BackFlow { open: true }).say(2 * HOUR, Verb::Stop);
            bed.plant(2 * HOUR + M, PlantChange::BackFlow { open: false });
        }),
    ];
    for (name, ends) in ends {
        let (had_to, excused) = told(ends);
        // Within the stroke that was under way, and what a change of rate leaves open.
        assert!((excused - missing).abs() < 1.5, "{name}: {excused} µL excused");
        assert!((had_to + excused - ordered).abs() < 1.5, "{name}: {had_to} µL had to come, {excused} µL excused");
    }
}

#[test]
fn nothing_is_excused_without_a_reason() {
    assert!(told(|_| {}).1 < 0.1, "it goes on, and what is missing is a shortfall");
    let unbidden = |bed: &mut Bed| {
        bed.restarted(HOUR);
    };
    assert!(told(unbidden).1 < 0.1, "nobody brought it about");
}

#[test]
fn a_command_that_was_refused_excuses_nothing() {
    let another = Concentration(2_000.0);
    let end_refill = Verb::EndRefill { withdrawn: Volume(0.0), filled: Volume(20_000.0), concentration: Some(another) };
    for verb in [Verb::Stop, Verb::ShutDown, Verb::FactoryReset, Verb::BeginRefill, end_refill, Verb::Confirm, Verb::Start] {
        let refused = |bed: &mut Bed| {
            bed.prescribe(M, [Verb::ProgramConcentration { concentration: Concentration(1_000.0) }, basal(20.0)]);
            bed.say(2 * M, Verb::Start).say(HOUR - M, Verb::ProgramConcentration { concentration: another });
            bed.refused(HOUR, verb.clone(), Refusal::OutOfOrder);
        };
        check(&format!("{verb}: it goes on"), 10.0, (Pass, Pass), |bed| {
            refused(bed);
            bed.flows(2 * M, 10 * HOUR, 20.0);
        });
        check(&format!("{verb}: nothing comes any more"), 10.0, (Pass, Fail), |bed| {
            refused(bed);
            bed.flows(2 * M, HOUR, 20.0);
        });
        check(&format!("{verb}: an alarm before the answer"), 10.0, (Pass, Pass), |bed| {
            refused(bed);
            bed.alarm(HOUR + SECOND / 100, Alarm::Occlusion).flows(2 * M, HOUR, 20.0);
        });
    }
    let dip = |verb: Verb| {
        move |bed: &mut Bed| {
            bed.say(M, basal(20.0)).say(2 * M, Verb::Start).flows(2 * M, HOUR, 20.0);
            bed.plant(HOUR + SECOND, PlantChange::SupplyDip { to: Voltage(1.0), lasts: Span::seconds(1) });
            bed.refused(HOUR + 2 * SECOND, verb.clone(), Refusal::OutOfOrder);
        }
    };
    check("a refused stop within a dip that reset nothing", 10.0, (Pass, Fail), dip(Verb::Stop));
    check("a refused start within a dip that reset nothing", 10.0, (Pass, Fail), dip(Verb::Start));
}
