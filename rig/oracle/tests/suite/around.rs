//! What happens around the pump, by the bench or by hand: what it excuses, and for how long.

use rig_model::bench::{Bench, Line};
use rig_model::dut::{PumpState, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::Voltage;
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Error, Fail, Pass, Skipped};

use crate::bed::{Bed, HOUR, SECOND, basal, bench, bolus, check, check_on, patient};

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
