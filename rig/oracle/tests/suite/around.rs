//! What happens around the pump, by the bench or by hand: what it excuses, and for how long.

use rig_model::bench::{Bench, Line};
use rig_model::dut::{Alarm, Outcome, PumpState, Verb};
use rig_model::input::{NeedleSite, PlantChange};
use rig_model::quantity::{Temperature, Voltage, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Error, Fail, Pass, Skipped};

use crate::bed::{Bed, HOUR, SECOND, basal, bench, bolus, check, check_on, patient, s};

const M: i64 = 60 * SECOND;

/// It reaches what may reset a pump, and does not.
fn dip() -> PlantChange {
    PlantChange::SupplyDip { to: Voltage(1.95), lasts: Span::milliseconds(1) }
}

fn infuses(bed: &mut Bed, rate: f64) {
    bed.say(M, basal(rate)).say(2 * M, Verb::Start);
}

#[test]
fn a_dip_that_reset_nothing_excuses_nothing_behind_the_pump_s_word() {
    let too_little = |bed: &mut Bed| {
        infuses(bed, 20.0);
        bed.plant(HOUR, dip()).flows(2 * M, 8 * HOUR, 16.0);
    };
    check("it says that it goes on", 8.0, (Pass, Fail), too_little);
    for said in
        [Verb::Acknowledge, Verb::Silence, Verb::Discard, Verb::RecordEvent { code: 1 }, Verb::SetClock { time_of_week: Span::hours(8) }]
    {
        check(&format!("and `{said}` is said in between"), 8.0, (Pass, Fail), |bed| {
            too_little(bed);
            bed.say(HOUR + SECOND / 2, said.clone());
        });
    }
    let in_a_bolus = |rate: f64, bed: &mut Bed| {
        bed.say(M, basal(20.0)).say(M + SECOND, bolus(50.0, 600.0)).say(2 * M, Verb::Start);
        bed.says(2 * M, PumpState::Bolus, 0).plant(5 * M, dip()).says(13 * M, PumpState::Infusing, 0);
        bed.flows(2 * M, 12 * M, 300.0 + rate).flows(12 * M, 8 * HOUR, rate);
    };
    check("in a bolus, and it goes on behind it", 8.0, (Pass, Pass), |bed| in_a_bolus(20.0, bed));
    check("in a bolus, and it gives too little behind it", 8.0, (Pass, Fail), |bed| in_a_bolus(16.0, bed));
    check("in a bolus, and it begins anew and stands still", 8.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.plant(HOUR, dip()).says(HOUR, PumpState::Stopped, 1).flows(2 * M, HOUR, 20.0);
    });
}

#[test]
fn a_restart_that_was_told_is_not_told_again_by_the_next_status() {
    check("started at once, and then polled", 4.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        let deep = PlantChange::SupplyDip { to: Voltage(1.0), lasts: Span::milliseconds(300) };
        bed.flows(2 * M, HOUR, 20.0).plant(HOUR, deep).restarted(HOUR + 2 * SECOND);
        bed.say(HOUR + 3 * SECOND, Verb::Start).says(HOUR + 4 * SECOND, PumpState::Infusing, 1);
        bed.flows(HOUR + 3 * SECOND, 4 * HOUR, 20.0);
    });
    check("and once more, which only a status tells", 4.0, (Fail, Pass), |bed| {
        infuses(bed, 20.0);
        let deep = PlantChange::SupplyDip { to: Voltage(1.0), lasts: Span::milliseconds(300) };
        bed.flows(2 * M, HOUR, 20.0).plant(HOUR, deep).restarted(HOUR + 2 * SECOND).says(HOUR + 4 * SECOND, PumpState::Stopped, 1);
        bed.says(2 * HOUR, PumpState::Stopped, 2).flows(3 * HOUR, 4 * HOUR, 20.0);
    });
}

/// Only the tip is measured; occluder and leak are there.
fn tip() -> Bench {
    let mut bench = bench();
    bench.channels.retain(|channel| &*channel.name == "flow.tip");
    let line = |name: &str| Line { name: name.into(), safe_active: false, gpio: None, does: None };
    bench.lines = vec![line("occluder"), line("leak")];
    bench
}

#[test]
fn a_line_that_is_set_as_it_was_stores_nothing() {
    let doubled = |bed: &mut Bed| {
        infuses(bed, 20.0);
        bed.say(HOUR - M, bolus(5.0, 60.0)).say(HOUR, Verb::Start);
        bed.flows(2 * M, 3 * HOUR, 20.0).flows_on(&["flow.tip"], HOUR, HOUR + M, 600.0);
    };
    check_on(tip(), "nothing was moved", 3.0, (Fail, Skipped), doubled);
    check_on(tip(), "both to their safe levels, before", 3.0, (Fail, Skipped), |bed| {
        bed.line(SECOND, "occluder", false).line(SECOND, "leak", false).plant(SECOND, PlantChange::Catheter { primed: true });
        doubled(bed);
    });
    check_on(tip(), "closed and opened, before", 3.0, (Pass, Skipped), |bed| {
        bed.line(SECOND, "occluder", true).line(2 * SECOND, "occluder", false);
        doubled(bed);
    });
}

#[test]
fn what_may_be_done_by_hand_is_neither_passed_nor_held_against_the_pump() {
    let presses = |bed: &mut Bed, at: &[i64]| {
        bed.prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start).flows(2 * M, 12 * HOUR, 20.0);
        at.iter().for_each(|at| {
            bed.bolus(*at, 50.0, 120.0);
        });
    };
    check("six boluses that nobody asked for", 12.0, (Fail, Pass), |bed| presses(bed, &[1, 2, 3, 4, 5, 6].map(|h| h * HOUR)));
    check("the same behind a prompt", 12.0, (Skipped, Skipped), |bed| {
        presses(bed, &[1, 2, 3, 4, 5, 6].map(|h| h * HOUR));
        bed.prompt(HOUR / 2, "weigh the pump");
    });
    check("two prompts, and two presses by hand", 12.0, (Skipped, Skipped), |bed| {
        presses(bed, &[2 * HOUR, 7 * HOUR]);
        bed.prompt(2 * HOUR - M, "press").prompt(7 * HOUR - M, "press");
    });
    check("one that came before the prompt", 12.0, (Fail, Skipped), |bed| {
        presses(bed, &[HOUR]);
        bed.prompt(2 * HOUR, "weigh the pump");
    });
}

#[test]
fn what_is_lost_behind_the_end_of_a_bound_changes_nothing_before_it() {
    let remembers = |bed: &mut Bed| {
        infuses(bed, 20.0);
        bed.prompt(2 * HOUR, "weigh the pump").flows(2 * M, 4 * HOUR, 20.0);
    };
    check("nothing is lost", 4.0, (Pass, Skipped), remembers);
    check("behind a prompt", 4.0, (Error, Skipped), |bed| {
        // The bound on what may come has not ended: of what is missing some may have been too much.
        remembers(bed);
        bed.lost(3 * HOUR, "flow.pump").lost(3 * HOUR, "flow.tip");
    });
    check("a shortfall before it stands", 4.0, (Error, Fail), |bed| {
        infuses(bed, 20.0);
        bed.prompt(2 * HOUR, "weigh the pump").flows(2 * M, HOUR, 20.0).flows(2 * HOUR, 4 * HOUR, 20.0);
        bed.lost(3 * HOUR, "flow.pump").lost(3 * HOUR, "flow.tip");
    });
    check("and one behind a loss is not believed", 4.0, (Error, Error), |bed| {
        infuses(bed, 20.0);
        bed.prompt(2 * HOUR, "weigh the pump").flows(2 * M, HOUR, 20.0).flows(2 * HOUR, 4 * HOUR, 20.0);
        bed.lost(HOUR + M, "flow.pump").lost(HOUR + M, "flow.tip");
    });
    check("behind the end of both", 4.0, (Skipped, Skipped), |bed| {
        bed.prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start).flows(2 * M, 4 * HOUR, 20.0);
        bed.prompt(2 * HOUR, "press").lost(3 * HOUR, "flow.pump").lost(3 * HOUR, "flow.tip");
    });
}

#[test]
fn pulses_count_when_they_came_and_not_when_they_are_told() {
    let told = |begins: i64| {
        let mut bed = Bed::new();
        bed.prescribe(M, [basal(3_600.0)]).say(2 * M, Verb::Start);
        // The last stroke is over in time: what is judged is the first one.
        bed.strokes_told_whole(2 * M + begins, 12 * M, 3_600.0);
        bed.verdicts(12 * M)
    };
    assert_eq!(told(SECOND * 115 / 100), (Pass, Pass), "the first stroke begins late, as it may");
    assert_eq!(told(SECOND * 4), (Pass, Fail), "too late");
}

#[test]
fn alarms_excuse_what_is_missing_and_nothing_else() {
    let alarmed = |alarm, after: f64| {
        move |bed: &mut Bed| {
            infuses(bed, 20.0);
            bed.flows(2 * M, HOUR, 20.0).alarm(HOUR, alarm).flows(HOUR, 4 * HOUR, after);
        }
    };
    check("critical, and it stops", 4.0, (Pass, Pass), alarmed(Alarm::Occlusion, 0.1));
    check("critical, and it goes on", 4.0, (Fail, Pass), alarmed(Alarm::Occlusion, 20.0));
    check("non-critical, and it stops", 4.0, (Pass, Fail), alarmed(Alarm::LowReservoir, 0.1));
    check("non-critical, and it goes on", 4.0, (Pass, Pass), alarmed(Alarm::LowReservoir, 20.0));
    check("an alarm that comes an hour too late", 4.0, (Pass, Fail), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0).alarm(2 * HOUR, Alarm::MotorStall);
    });
}

#[test]
fn what_is_in_the_way_excuses_until_its_alarm_is_due() {
    let held = |alarm: Option<i64>| {
        move |bed: &mut Bed| {
            infuses(bed, 20.0);
            bed.flows(2 * M, HOUR, 20.0).plant(HOUR, PlantChange::Rotor { held: true });
            if let Some(at) = alarm {
                bed.alarm(at, Alarm::MotorStall);
            }
        }
    };
    check("a stall that is noticed", 4.0, (Pass, Pass), held(Some(HOUR + 12 * M)));
    check("a stall that is not", 4.0, (Pass, Fail), held(None));
    check("a closed catheter hides no excess", 2.0, (Fail, Pass), |bed| {
        infuses(bed, 20.0);
        bed.line(HOUR, "occluder", true).flows(2 * M, HOUR, 20.0).flows(HOUR, 2 * HOUR, 60.0);
    });
    check("an empty reservoir", 4.0, (Pass, Pass), |bed| {
        bed.plant(0, PlantChange::Reservoir { volume: Volume(940.0) });
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR + 10 * M, 20.0);
    });
    check("a pump that hangs waits to be started", 4.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0).plant(HOUR, PlantChange::Hang);
    });
    check("a pump that begins anew by itself", 4.0, (Pass, Fail), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0).restarted(HOUR);
    });
    check("a pump that begins anew and goes on unbidden", 4.0, (Fail, Pass), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, 4 * HOUR, 20.0).restarted(HOUR);
    });
    check("without power", 4.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0).line(HOUR, "power", false);
    });
}

#[test]
fn what_a_closed_line_lets_out_is_no_excess_at_the_tip() {
    check("stored and let out", 3.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.line(HOUR, "occluder", true).line(HOUR + 30 * M, "occluder", false);
        bed.flows_on(&["flow.pump"], 2 * M, 3 * HOUR, 20.0);
        bed.flows_on(&["flow.tip"], 2 * M, HOUR, 20.0).flows_on(&["flow.tip"], HOUR + 30 * M, HOUR + 31 * M, 600.0);
        bed.flows_on(&["flow.tip"], HOUR + 31 * M, 3 * HOUR, 20.0);
    });
    check("more than it could have stored", 3.0, (Fail, Pass), |bed| {
        infuses(bed, 20.0);
        bed.line(HOUR, "occluder", true).line(HOUR + 30 * M, "occluder", false);
        bed.flows_on(&["flow.pump"], 2 * M, 3 * HOUR, 20.0).flows_on(&["flow.tip"], HOUR + 30 * M, HOUR + 31 * M, 3600.0);
    });
}

#[test]
fn an_overfilled_reservoir_lifts_the_upper_bound_while_it_lasts() {
    let overfilled = |before: f64, during: f64, after: f64| {
        move |bed: &mut Bed| {
            bed.plant(0, PlantChange::Reservoir { volume: Volume(20_000.0) });
            infuses(bed, 20.0);
            bed.plant(4 * HOUR, PlantChange::Needle { into: NeedleSite::Reservoir, volume: Volume(1_000.0) });
            bed.plant(5 * HOUR, PlantChange::Withdraw { volume: Volume(2_000.0) });
            bed.flows(2 * M, 4 * HOUR, before).flows(4 * HOUR, 5 * HOUR, during).flows(5 * HOUR, 10 * HOUR, after);
        }
    };
    let play = |name, expected, rates: [f64; 3]| {
        let mut bed = Bed::new();
        overfilled(rates[0], rates[1], rates[2])(&mut bed);
        let mut bench = crate::bed::bench();
        bench.plant = Some(crate::bed::plant());
        let rows = bed.rows_on(bench, 10 * HOUR);
        let told: Vec<&str> = rows.iter().map(|row| &*row.reason).collect();
        assert_eq!((rows[0].verdict, rows[1].verdict), expected, "{name}: {told:#?}");
    };
    play("as ordered", (Pass, Pass), [20.0; 3]);
    play("more while it is overfilled", (Pass, Pass), [20.0, 500.0, 20.0]);
    play("more before", (Fail, Pass), [40.0, 20.0, 20.0]);
    play("more after", (Fail, Pass), [20.0, 20.0, 40.0]);
    play("nothing after", (Pass, Fail), [20.0, 20.0, 0.1]);
}

#[test]
fn what_the_scenario_does_in_nobodys_way_excuses_nothing() {
    let idle = |changes: fn(i64) -> PlantChange| {
        move |bed: &mut Bed| {
            infuses(bed, 20.0);
            bed.flows(2 * M, HOUR, 20.0);
            (0..12).for_each(|n| {
                bed.plant(HOUR + n * 15 * M, changes(n));
            });
        }
    };
    check("a kink that is none", 4.0, (Pass, Fail), idle(|_| PlantChange::Resistance { factor: 1.001 }));
    check("one that is there already", 4.0, (Pass, Fail), idle(|_| PlantChange::Resistance { factor: 1e6 }));
    check("a rotor that turns is let go", 4.0, (Pass, Fail), idle(|_| PlantChange::Rotor { held: false }));
    check("a valve that holds is closed", 4.0, (Pass, Fail), idle(|_| PlantChange::BackFlow { open: false }));
    let dip = |_| PlantChange::SupplyDip { to: Voltage(1.95), lasts: Span::milliseconds(1) };
    check("a dip after which the pump says that it goes on", 4.0, (Pass, Fail), idle(dip));
    check("a dip, and it goes on", 4.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, 4 * HOUR, 20.0).plant(HOUR, PlantChange::SupplyDip { to: Voltage(1.95), lasts: Span::milliseconds(1) });
    });
    check("told of a small filling", 4.0, (Pass, Fail), |bed| {
        bed.say(M / 2, Verb::Refill { volume: Volume(900.0) });
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0);
    });
    check("nothing was demanded", 4.0, (Pass, Skipped), |bed| {
        bed.plant(0, PlantChange::Reservoir { volume: Volume(800.0) });
        infuses(bed, 20.0);
        bed.flows(2 * M, HOUR, 20.0);
    });
}

#[test]
fn cold_and_warmth() {
    let at = |celsius: f64, delivered: f64| {
        move |bed: &mut Bed| {
            bed.plant(0, PlantChange::Temperature { inside: Temperature(celsius) });
            infuses(bed, 20.0);
            bed.flows(2 * M, 30 * HOUR, delivered);
        }
    };
    check("a little less in the cold", 30.0, (Pass, Pass), at(33.0, 18.4));
    check("more in the cold", 30.0, (Fail, Pass), at(32.0, 22.0));
    check("too cold to say that nothing is missing", 30.0, (Pass, Skipped), at(30.0, 19.0));
    check("however cold it is, nothing at all is too little", 30.0, (Pass, Fail), at(30.0, 1.0));
    let mut bed = Bed::new();
    at(33.0, 20.0)(&mut bed);
    let rows = bed.rows(30 * HOUR);
    assert!(rows[0].reason.contains("(6 % and 1.5 µL included)"), "{}", rows[0].reason);
    assert!(rows[1].reason.contains("(10 % and 1.5 µL included)"), "{}", rows[1].reason);
}

#[test]
fn what_cannot_be_known_is_not_passed() {
    let rows = |factory_reset: bool, lost: bool| {
        let mut bed = if factory_reset { Bed::new() } else { Bed::default() };
        bed.say(2 * M, Verb::Start).flows(2 * M, HOUR, 20.0);
        let mut bench = crate::bed::bench();
        if lost {
            bench.channels.clear();
        }
        bed.rows_on(bench, HOUR)
    };
    let verdicts = |rows: Vec<rig_model::verdict::CheckRow>| rows.iter().map(|row| row.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(rows(false, false)), [Skipped, Skipped], "what the pump was told before the case is not known");
    assert_eq!(verdicts(rows(true, false)), [Fail], "there was nothing to start");
    assert_eq!(verdicts(rows(true, true)), []);
    let mut bed = Bed::new();
    infuses(&mut bed, 20.0);
    assert_eq!(bed.verdicts(4 * HOUR), (Error, Error), "no pulse ever came: pump or sensor, nobody knows");
    assert!(s(1.0) == SECOND);
}

#[test]
fn what_lies_behind_the_end_of_a_bound_is_not_held_against_it() {
    let verdicts = |bed: &mut Bed| bed.verdicts(2 * HOUR);
    let remembers = |volume: f64| {
        let mut bed = Bed::default();
        bed.say(M, bolus(50.0, 60.0)).say(2 * M, Verb::Start).bolus(2 * M, volume, 60.0);
        bed
    };
    assert_eq!(verdicts(&mut remembers(50.0)), (Skipped, Skipped), "a bolus, and whatever was told before the case");
    assert_eq!(verdicts(&mut remembers(100.0)), (Skipped, Skipped), "and what that may be as well");
    let mut bed = Bed::default();
    bed.bolus(M, 50.0, 60.0).say(3 * M, bolus(50.0, 60.0)).say(4 * M, Verb::Start).bolus(4 * M, 50.0, 60.0);
    assert_eq!(verdicts(&mut bed), (Fail, Skipped), "what came before the start came without an order");
    // The bound on what must come ends earlier than the other one.
    let starts_anew = |bed: &mut Bed| {
        bed.say(HOUR, Verb::Stop).say(HOUR + M, bolus(50.0, 60.0)).say(HOUR + 2 * M, Verb::Start);
        bed.flows(2 * M, HOUR, 20.0);
    };
    check("somebody may have closed the line by hand", 2.0, (Pass, Skipped), |bed| {
        infuses(bed, 20.0);
        bed.prompt(30 * M, "close the line");
        starts_anew(bed);
    });
    check("a stop that may have been heard", 2.0, (Pass, Skipped), |bed| {
        infuses(bed, 20.0);
        bed.answered(30 * M, Verb::Stop, Outcome::Unanswered);
        starts_anew(bed);
    });
}
