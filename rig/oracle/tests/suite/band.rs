//! What was ordered, what flowed, and which of the two rows says so.
use crate::bed::{Bed, HOUR, SECOND, basal, bolus, check, limit, patient, step};
use rig_model::bench::OwnRates;
use rig_model::dut::{Alarm, Outcome, Refusal, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::{Concentration, Flow, Mass, MassFlow, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Pass, Skipped};

const M: i64 = 60 * SECOND;

fn infuses(bed: &mut Bed, rate: f64) {
    bed.say(M, basal(rate)).say(2 * M, Verb::Start);
}

#[test]
fn a_basal_rate() {
    let play = |name, expected, delivered: f64| {
        check(name, 10.0, expected, |bed| {
            infuses(bed, 20.0);
            bed.flows(2 * M, 10 * HOUR, delivered);
        });
    };
    play("as ordered", (Pass, Pass), 20.0);
    play("4 % more", (Pass, Pass), 20.8);
    play("4 % less", (Pass, Pass), 19.2);
    play("12 % more", (Fail, Pass), 22.4);
    play("12 % less", (Pass, Fail), 17.6);
}

#[test]
fn missing_strokes_and_a_slow_start() {
    check("an hour without a stroke", 6.0, (Pass, Fail), |bed| {
        infuses(bed, 20.0);
        bed.flows(2 * M, 3 * HOUR, 20.0).flows(4 * HOUR, 6 * HOUR, 20.0);
    });
    check("a late start, made up for", 6.0, (Fail, Fail), |bed| {
        infuses(bed, 20.0);
        bed.flows(HOUR, 2 * HOUR, 40.0).flows(2 * HOUR, 6 * HOUR, 20.0);
    });
}

#[test]
fn boluses() {
    let once = |bed: &mut Bed| {
        bed.say(M, bolus(50.0, 60.0)).say(2 * M, Verb::Start);
    };
    check("as ordered", 0.5, (Pass, Pass), |bed| {
        once(bed);
        bed.bolus(2 * M, 50.0, 60.0);
    });
    check("8 s faster", 0.5, (Pass, Pass), |bed| {
        once(bed);
        bed.bolus(2 * M, 50.0, 52.0);
    });
    check("in half the time", 0.5, (Fail, Pass), |bed| {
        once(bed);
        bed.bolus(2 * M, 50.0, 30.0);
    });
    check("in twice the time", 0.5, (Fail, Fail), |bed| {
        once(bed);
        bed.bolus(2 * M, 50.0, 120.0);
    });
    check("twice", 0.5, (Fail, Pass), |bed| {
        once(bed);
        bed.bolus(2 * M, 50.0, 60.0).bolus(4 * M, 50.0, 60.0);
    });
    check("12 % more", 0.5, (Fail, Pass), |bed| {
        bed.say(M, bolus(150.0, 600.0)).say(2 * M, Verb::Start).bolus(2 * M, 168.0, 600.0);
    });
    check("12 % less", 0.5, (Pass, Fail), |bed| {
        bed.say(M, bolus(150.0, 600.0)).say(2 * M, Verb::Start).bolus(2 * M, 132.0, 600.0);
    });
    check("that was never begun", 0.5, (Fail, Skipped), |bed| {
        bed.say(M, bolus(50.0, 60.0)).bolus(2 * M, 50.0, 60.0);
    });
    check("that was refused and came", 0.5, (Fail, Skipped), |bed| {
        bed.say(M, bolus(50.0, 60.0)).refused(2 * M, Verb::Start, Refusal::AlarmLatched).bolus(2 * M, 50.0, 60.0);
    });
    check("that was refused and did not come", 0.5, (Skipped, Skipped), |bed| {
        bed.say(M, bolus(50.0, 60.0)).refused(2 * M, Verb::Start, Refusal::AlarmLatched);
    });
    check("whose acknowledgement was lost: it may come", 0.5, (Pass, Skipped), |bed| {
        bed.say(M, bolus(50.0, 60.0)).answered(2 * M, Verb::Start, Outcome::Unanswered).bolus(2 * M, 50.0, 60.0);
    });
    check("whose acknowledgement was lost: once", 0.5, (Fail, Skipped), |bed| {
        bed.say(M, bolus(50.0, 60.0)).answered(2 * M, Verb::Start, Outcome::Unanswered).bolus(2 * M, 100.0, 60.0);
    });
    check("on top of a basal rate", 2.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.say(HOUR, bolus(50.0, 60.0)).say(HOUR + M, Verb::Start).flows(2 * M, 2 * HOUR, 20.0).bolus(HOUR + M, 50.0, 60.0);
    });
    check("instead of a basal rate that should have gone on", 2.0, (Pass, Fail), |bed| {
        infuses(bed, 20.0);
        bed.say(HOUR, bolus(50.0, 60.0)).say(HOUR + M, Verb::Start).flows(2 * M, HOUR + M, 20.0).bolus(HOUR + M, 50.0, 60.0);
    });
}

#[test]
fn nothing_flows_after_a_stop() {
    let stopped = |after: f64| {
        move |bed: &mut Bed| {
            infuses(bed, 100.0);
            bed.say(HOUR, Verb::Stop).flows(2 * M, HOUR, 100.0).flows(HOUR + SECOND, 2 * HOUR, after);
        }
    };
    check("the stroke under way", 2.0, (Pass, Pass), stopped(1.001));
    check("it dribbles", 2.0, (Fail, Pass), stopped(5.0));
    check("it goes on", 2.0, (Fail, Pass), stopped(100.0));
}

#[test]
fn prescriptions_in_two_steps() {
    check("unconfirmed beyond a soft limit", 1.0, (Fail, Skipped), |bed| {
        infuses(bed, 600.0);
        bed.flows(2 * M, HOUR, 600.0);
    });
    check("confirmed", 1.0, (Pass, Pass), |bed| {
        bed.prescribe(M, [basal(600.0)]).say(2 * M, Verb::Start).flows(2 * M, HOUR, 600.0);
    });
    check("confirmed and not started: the old rate goes on", 4.0, (Pass, Pass), |bed| {
        infuses(bed, 20.0);
        bed.prescribe(HOUR, [basal(600.0)]).flows(2 * M, 4 * HOUR, 20.0);
    });
    check("left for more than ten minutes", 1.0, (Fail, Skipped), |bed| {
        bed.say(M, basal(20.0)).say(13 * M, Verb::Start).flows(13 * M, HOUR, 20.0);
    });
    check("a dose in drug", 10.0, (Pass, Pass), |bed| {
        let parts = [
            Verb::ProgramConcentration { concentration: Concentration(2_000.0) },
            Verb::ProgramBasalDose { rate: MassFlow(40.0) },
            Verb::ProgramBolusDose { dose: Mass(100.0), over: Span::minutes(1) },
        ];
        bed.prescribe(M, parts).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 20.0).bolus(2 * M, 50.0, 60.0);
    });
    check("as if the concentration were the old one", 10.0, (Fail, Pass), |bed| {
        let parts = [Verb::ProgramConcentration { concentration: Concentration(2_000.0) }, Verb::ProgramBasalDose { rate: MassFlow(40.0) }];
        bed.prescribe(M, parts).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 40.0);
    });
    check("a change of concentration stops the delivery", 4.0, (Fail, Pass), |bed| {
        infuses(bed, 20.0);
        bed.prescribe(HOUR, [Verb::ProgramConcentration { concentration: Concentration(2_000.0) }]).flows(2 * M, 4 * HOUR, 20.0);
    });
    check("the rest of the old drug goes first", 30.0, (Pass, Pass), |bed| {
        let parts = [
            Verb::ProgramConcentration { concentration: Concentration(2_000.0) },
            basal(30.0),
            Verb::ProgramBridge { volume: Volume(200.0), rate: Flow(10.0) },
        ];
        bed.prescribe(M, parts).say(2 * M, Verb::Start).flows(2 * M, 2 * M + 20 * HOUR, 10.0).flows(2 * M + 20 * HOUR, 30 * HOUR, 30.0);
    });
    check("the new rate at once, with the old drug", 30.0, (Fail, Pass), |bed| {
        let parts = [
            Verb::ProgramConcentration { concentration: Concentration(2_000.0) },
            basal(30.0),
            Verb::ProgramBridge { volume: Volume(200.0), rate: Flow(10.0) },
        ];
        bed.prescribe(M, parts).say(2 * M, Verb::Start).flows(2 * M, 30 * HOUR, 30.0);
    });
}

#[test]
fn a_bolus_that_was_confirmed_and_not_begun_is_not_for_ever() {
    let play = |name: &str, expected, at: i64, before: fn(&mut Bed), comes: bool| {
        check(name, 6.0, expected, |bed| {
            infuses(bed, 20.0);
            bed.flows(2 * M, 6 * HOUR, 20.0).prescribe(2 * HOUR, [bolus(50.0, 60.0)]);
            before(bed);
            bed.say(2 * HOUR + at, Verb::Start);
            if comes {
                bed.bolus(2 * HOUR + at, 50.0, 60.0);
            }
        });
    };
    let nothing: fn(&mut Bed) = |_| {};
    play("begun in time", (Pass, Pass), 9 * M, nothing, true);
    play("in time, and not begun", (Pass, Fail), 9 * M, nothing, false);
    play("about ten minutes later, begun", (Pass, Pass), 10 * M, nothing, true);
    play("about ten minutes later, not begun", (Pass, Pass), 10 * M, nothing, false);
    play("begun after more than ten minutes", (Fail, Pass), 11 * M, nothing, true);
    play("forgotten by then", (Pass, Pass), 11 * M, nothing, false);
    let more: fn(&mut Bed) = |bed| {
        bed.prescribe(2 * HOUR + 8 * M, [limit(5_000.0, 24)]);
    };
    play("somebody went on with it", (Pass, Pass), 15 * M, more, true);
    play("somebody went on with it, and it is not begun", (Pass, Fail), 15 * M, more, false);
    let late: fn(&mut Bed) = |bed| {
        bed.prescribe(2 * HOUR + 10 * M, [limit(5_000.0, 24)]);
    };
    play("somebody went on with it in the last moment, begun", (Pass, Pass), 15 * M, late, true);
    play("somebody went on with it too late, not begun", (Pass, Pass), 15 * M, late, false);
    let discarded: fn(&mut Bed) = |bed| {
        bed.say(2 * HOUR + M, Verb::Discard);
    };
    play("discarded, and begun all the same", (Fail, Pass), 2 * M, discarded, true);
    play("discarded", (Pass, Pass), 2 * M, discarded, false);
    let refused: fn(&mut Bed) = |bed| {
        bed.refused(2 * HOUR + M, Verb::Discard, Refusal::OutOfOrder);
    };
    play("not discarded", (Pass, Pass), 2 * M, refused, true);
}

#[test]
fn a_pump_goes_by_its_own_rates() {
    let external = OwnRates { minimum: Flow(10.0), priming: Flow(12_000.0), soft_basal: Flow(5_000.0), soft_bolus: Volume(1_000.0) };
    for (own, least, priming, unconfirmed) in
        [(external, (Pass, Pass), (Pass, Pass), (Pass, Pass)), (OwnRates::default(), (Fail, Pass), (Fail, Pass), (Fail, Skipped))]
    {
        check("the least rate", 10.0, least, |bed| {
            bed.own = own;
            bed.prescribe(M, [Verb::ProgramMinimum]).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 10.0);
        });
        check("a priming", 1.0, priming, |bed| {
            bed.own = own;
            bed.say(M, Verb::ProgramPriming { volume: Volume(400.0) }).say(2 * M, Verb::Start).bolus(2 * M, 400.0, 120.0);
        });
        check("a rate that needs no confirmation", 1.0, unconfirmed, |bed| {
            bed.own = own;
            infuses(bed, 600.0);
            bed.flows(2 * M, HOUR, 600.0);
        });
    }
}

#[test]
fn the_last_part_of_a_kind_is_the_one_that_counts() {
    // More than any pump has room for, if each were kept.
    check("of a hundred rates", 10.0, (Pass, Pass), |bed| {
        bed.prescribe(M, (1..=100).map(|rate| basal(f64::from(rate)))).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 100.0);
    });
    check("of a hundred rates, the first", 10.0, (Pass, Fail), |bed| {
        bed.prescribe(M, (1..=100).map(|rate| basal(f64::from(rate)))).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 1.0);
    });
    let modes = |parts: [Verb; 3], scheduled: bool| {
        move |bed: &mut Bed| {
            bed.say(M / 2, Verb::SetClock { time_of_week: Span(M / 2) });
            bed.prescribe(M, parts.clone()).say(2 * M, Verb::Start);
            if scheduled {
                bed.flows(2 * HOUR, 4 * HOUR, 10.0).flows(4 * HOUR, 10 * HOUR, 30.0);
            } else {
                bed.flows(2 * M, 10 * HOUR, 200.0);
            }
        }
    };
    let (first, second) = (step(2, 10.0), step(4, 30.0));
    let steps_last = [basal(200.0), first.clone(), second.clone()];
    check("a schedule behind a rate", 10.0, (Pass, Pass), modes(steps_last.clone(), true));
    check("a schedule behind a rate, and the rate", 10.0, (Fail, Pass), modes(steps_last, false));
    let rate_last = [first, second, basal(200.0)];
    check("a rate behind a schedule", 10.0, (Pass, Pass), modes(rate_last.clone(), false));
    check("a rate behind a schedule, and the schedule", 10.0, (Pass, Fail), modes(rate_last, true));
    let prime = Verb::ProgramPriming { volume: Volume(50.0) };
    let in_drug = Verb::ProgramBolusDose { dose: Mass(60.0), over: Span::minutes(1) };
    let doses = |first: Verb, last: Verb, both: bool, confirmed: bool| {
        move |bed: &mut Bed| {
            bed.prescribe(M, [Verb::ProgramConcentration { concentration: Concentration(2_000.0) }, basal(20.0)]);
            if confirmed {
                bed.prescribe(M + 20 * SECOND, [first.clone()]).say(M + 40 * SECOND, last.clone());
            } else {
                bed.prescribe(M + 20 * SECOND, [first.clone(), last.clone()]);
            }
            let of = |verb: &Verb| match verb {
                Verb::ProgramPriming { .. } => (50.0, 30.0),
                Verb::ProgramBolus { .. } => (60.0, 60.0),
                _ => (30.0, 60.0),
            };
            let (volume, over) = of(&last);
            bed.say(2 * M, Verb::Start).bolus(2 * M, volume, over).flows(3 * M, 4 * HOUR, 20.0);
            if both {
                let (volume, over) = of(&first);
                bed.bolus(3 * M, volume, over);
            }
        }
    };
    let by_volume = bolus(60.0, 60.0);
    for (first, last) in [(&by_volume, &prime), (&prime, &by_volume), (&by_volume, &in_drug), (&in_drug, &by_volume), (&prime, &in_drug)] {
        for confirmed in [false, true].into_iter().filter(|confirmed| !confirmed || *last != in_drug) {
            let name = format!("{first}, then {last}, one start");
            check(&name, 4.0, (Pass, Pass), doses(first.clone(), last.clone(), false, confirmed));
            check(&format!("{name}, and both come"), 4.0, (Fail, Pass), doses(first.clone(), last.clone(), true, confirmed));
        }
    }
    check("two concentrations, of which the last is the old one", 10.0, (Pass, Pass), |bed| {
        let drug = |c: f64| Verb::ProgramConcentration { concentration: Concentration(c) };
        bed.prescribe(M, [drug(1_000.0), basal(20.0)]).say(2 * M, Verb::Start);
        bed.prescribe(HOUR, [drug(2_000.0), drug(1_000.0)]).flows(2 * M, 10 * HOUR, 20.0);
    });
}

#[test]
fn schedules() {
    // It is midnight at the start; 10 µL/h from 2:00, 30 µL/h from 4:00 to midnight.
    let play = |late: i64| {
        move |bed: &mut Bed| {
            bed.say(M / 2, Verb::SetClock { time_of_week: Span(M / 2) });
            bed.prescribe(M, [step(2, 10.0), step(4, 30.0)]).say(2 * M, Verb::Start);
            bed.flows(2 * HOUR + late, 4 * HOUR + late, 10.0).flows(4 * HOUR + late, 24 * HOUR + late, 30.0);
            bed.flows(26 * HOUR + late, 28 * HOUR + late, 10.0).flows(28 * HOUR + late, 30 * HOUR, 30.0);
        }
    };
    check("by the clock", 30.0, (Pass, Pass), play(0));
    check("an hour late", 30.0, (Fail, Fail), play(HOUR));
    check("an hour early", 30.0, (Fail, Fail), play(-HOUR));
    check("the least rate", 10.0, (Pass, Pass), |bed| {
        bed.prescribe(M, [Verb::ProgramMinimum]).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 2.0);
    });
    check("less than the least rate", 10.0, (Pass, Fail), |bed| {
        bed.prescribe(M, [Verb::ProgramMinimum]).say(2 * M, Verb::Start).flows(2 * M, 10 * HOUR, 1.0);
    });
}

#[test]
fn microdoses() {
    let play = |missing: i64| {
        move |bed: &mut Bed| {
            let dose = Verb::ProgramMicrodose { volume: Volume(5.0), over: Span::seconds(10), every: Span::minutes(30) };
            bed.prescribe(M, [dose]).say(2 * M, Verb::Start);
            (0..16).filter(|n| *n != missing).for_each(|n| {
                bed.bolus(2 * M + n * 30 * M, 5.0, 10.0);
            });
            if missing < 0 {
                bed.bolus(2 * M + 7 * 30 * M + 15 * M, 5.0, 10.0);
            }
        }
    };
    check("each period", 8.0, (Pass, Pass), play(99));
    check("one is missing", 8.0, (Pass, Fail), play(5));
    check("one too many", 8.0, (Fail, Pass), play(-1));
}

#[test]
fn patient_boluses() {
    let rules = |bed: &mut Bed| {
        bed.prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start).flows(2 * M, 30 * HOUR, 20.0);
    };
    let asked = |hours: &'static [f64], came: &'static [f64]| {
        move |bed: &mut Bed| {
            rules(bed);
            hours.iter().for_each(|h| {
                bed.plant((h * HOUR as f64) as i64, PlantChange::Button { held: Span::milliseconds(300), bounces: 4 });
            });
            came.iter().for_each(|h| {
                bed.bolus((h * HOUR as f64) as i64 + SECOND, 50.0, 120.0);
            });
        }
    };
    check("asked for and given", 20.0, (Pass, Pass), asked(&[1.0, 6.0], &[1.0, 6.0]));
    check("asked for and not given", 20.0, (Pass, Fail), asked(&[1.0, 6.0], &[1.0]));
    check("within the lockout, denied", 20.0, (Pass, Pass), asked(&[1.0, 4.9], &[1.0]));
    check("within the lockout, given", 20.0, (Fail, Pass), asked(&[1.0, 4.9], &[1.0, 4.9]));
    check("a fourth one in a day, given", 24.0, (Fail, Pass), asked(&[1.0, 6.0, 11.0, 16.0], &[1.0, 6.0, 11.0, 16.0]));
    check("a fourth one in a day, denied", 24.0, (Pass, Pass), asked(&[1.0, 6.0, 11.0, 16.0], &[1.0, 6.0, 11.0]));
    check("asked for after the power was lost: the pump may count from there", 20.0, (Pass, Pass), |bed| {
        bed.prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start).flows(2 * M, 3 * HOUR, 20.0).bolus(HOUR, 50.0, 120.0);
        bed.plant(HOUR, PlantChange::Button { held: Span::milliseconds(300), bounces: 0 });
        bed.line(3 * HOUR, "power", false).line(3 * HOUR + M, "power", true).restarted(3 * HOUR + 2 * M);
        bed.say(3 * HOUR + 3 * M, Verb::Start).flows(3 * HOUR + 3 * M, 20 * HOUR, 20.0);
        bed.plant(6 * HOUR, PlantChange::Button { held: Span::milliseconds(300), bounces: 0 });
    });
    check("never asked for", 20.0, (Fail, Pass), asked(&[], &[3.0]));
    check("the button was only touched", 20.0, (Fail, Pass), |bed| {
        rules(bed);
        bed.plant(HOUR, PlantChange::Button { held: Span::milliseconds(20), bounces: 4 }).bolus(HOUR, 50.0, 120.0);
    });
    check("it comes first, and the other one is resumed", 5.0, (Pass, Pass), |bed| {
        rules(bed);
        bed.say(2 * HOUR - M, bolus(200.0, 1_200.0)).say(2 * HOUR, Verb::Start).say(2 * HOUR + 5 * M, Verb::PatientBolus);
        bed.bolus(2 * HOUR, 50.0, 300.0).bolus(2 * HOUR + 5 * M, 50.0, 120.0).bolus(2 * HOUR + 7 * M, 150.0, 900.0);
    });
    check("it comes first, and the other one is lost", 5.0, (Pass, Fail), |bed| {
        rules(bed);
        bed.say(2 * HOUR - M, bolus(200.0, 1_200.0)).say(2 * HOUR, Verb::Start).say(2 * HOUR + 5 * M, Verb::PatientBolus);
        bed.bolus(2 * HOUR, 50.0, 300.0).bolus(2 * HOUR + 5 * M, 50.0, 120.0);
    });
}

/// A press that may have been denied allows one bolus; whether it came is seen, and then it counts like any other.
#[test]
fn presses_that_may_have_been_denied_allow_no_more_than_the_rules() {
    let pressed = |held: i64, alarm: Option<Alarm>, presses: &'static [f64], came: &'static [f64]| {
        move |bed: &mut Bed| {
            bed.prescribe(M, [basal(20.0), patient()]).say(2 * M, Verb::Start).flows(2 * M, 30 * HOUR, 20.0);
            if let Some(alarm) = alarm {
                bed.alarm(3 * M, alarm);
            }
            presses.iter().for_each(|h| {
                bed.plant((h * HOUR as f64) as i64, PlantChange::Button { held: Span::milliseconds(held), bounces: 0 });
            });
            came.iter().for_each(|h| {
                bed.bolus((h * HOUR as f64) as i64 + SECOND, 50.0, 120.0);
            });
        }
    };
    let (touch, press, low) = (100, 300, Some(Alarm::LowReservoir));
    check("touches, none taken", 9.0, (Pass, Pass), pressed(touch, None, &[1.0, 3.2, 5.4], &[]));
    check("touches, the first taken", 9.0, (Pass, Pass), pressed(touch, None, &[1.0, 3.2, 5.4], &[1.0, 5.4]));
    check("touches, the second taken", 9.0, (Pass, Pass), pressed(touch, None, &[1.0, 3.2, 5.4], &[3.2]));
    check("touches, two taken within the lockout", 9.0, (Fail, Pass), pressed(touch, None, &[1.0, 3.2], &[1.0, 3.2]));
    check("touches a minute apart, either taken", 9.0, (Pass, Pass), pressed(touch, None, &[1.0, 1.01], &[1.01]));
    check("touches a minute apart, both taken", 9.0, (Fail, Pass), pressed(touch, None, &[1.0, 1.01], &[1.0, 1.045]));
    check("touches, a fourth in a day", 20.0, (Fail, Pass), pressed(touch, None, &[1.0, 6.0, 11.0, 16.0], &[1.0, 6.0, 11.0, 16.0]));
    check("low reservoir, within the lockout", 9.0, (Fail, Pass), pressed(press, low, &[1.0, 3.2], &[1.0, 3.2]));
    check("low reservoir, asked for and not given", 9.0, (Pass, Fail), pressed(press, low, &[1.0], &[]));
    check("low reservoir, as the rules say", 9.0, (Pass, Pass), pressed(press, low, &[1.0, 3.2], &[1.0]));
}

#[test]
fn limits_of_a_period() {
    check("the basal rate waits", 12.0, (Pass, Pass), |bed| {
        bed.prescribe(M, [basal(20.0), limit(100.0, 8)]).say(2 * M, Verb::Start);
        bed.flows(2 * M, 5 * HOUR, 20.0).flows(8 * HOUR + 2 * M, 12 * HOUR, 20.0);
    });
    check("it does not wait", 12.0, (Fail, Pass), |bed| {
        bed.prescribe(M, [basal(20.0), limit(100.0, 8)]).say(2 * M, Verb::Start).flows(2 * M, 12 * HOUR, 20.0);
    });
    check("it waits without need", 12.0, (Pass, Fail), |bed| {
        bed.prescribe(M, [basal(20.0), limit(300.0, 8)]).say(2 * M, Verb::Start);
        bed.flows(2 * M, 5 * HOUR, 20.0).flows(8 * HOUR, 12 * HOUR, 20.0);
    });
    // The naive rule looks back only: a rate that stood still, a bolus that fits by then, and the rate again.
    check("passed by the later basal rate", 14.0, (Fail, Pass), |bed| {
        bed.prescribe(M, [basal(20.0), limit(200.0, 8)]).say(2 * M, Verb::Start).flows(2 * M, HOUR, 20.0).say(HOUR, Verb::Stop);
        bed.say(9 * HOUR, bolus(100.0, 120.0)).say(9 * HOUR + M, Verb::Start);
        bed.bolus(9 * HOUR + M, 100.0, 120.0).flows(9 * HOUR + M, 14 * HOUR, 20.0);
    });
}
