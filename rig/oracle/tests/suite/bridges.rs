//! What is left of an old drug in the line: it goes out once, and what was cut off of it at the next start.
use crate::bed::{Bed, HOUR, SECOND, basal, bolus, check, patient};
use rig_model::dut::{Outcome, PumpState, Refusal, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::{Concentration, Flow, Mass, MassFlow, Voltage, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Pass, Skipped};

const M: i64 = 60 * SECOND;

/// When it is started: then 200 µL at 10 µL/h take 20 h.
const START: i64 = 2 * M;
/// When it is cut off, and when it is started again.
const CUT: i64 = START + 6 * HOUR;
const AGAIN: i64 = CUT + 30 * M;
/// 140 µL were left.
const OVER: i64 = AGAIN + 14 * HOUR;
const END: f64 = 40.0;
const LAST: i64 = 40 * HOUR;

fn concentration(micrograms_per_ml: f64) -> Verb {
    Verb::ProgramConcentration { concentration: Concentration(micrograms_per_ml) }
}

fn bridge() -> Verb {
    Verb::ProgramBridge { volume: Volume(200.0), rate: Flow(10.0) }
}

fn prescribed(bed: &mut Bed, rate: f64) {
    bed.prescribe(M, [concentration(2_000.0), basal(rate), bridge()]).say(START, Verb::Start);
}

type Done = fn(&mut Bed);

fn power_lost(bed: &mut Bed) {
    bed.line(CUT, "power", false).line(CUT + M, "power", true).restarted(CUT + 2 * M).say(AGAIN, Verb::Start);
}

fn stopped(bed: &mut Bed) {
    bed.say(CUT, Verb::Stop).say(AGAIN, Verb::Start);
}

#[test]
fn what_was_cut_off_goes_on_at_the_next_start_and_then_the_basal_rate() {
    // A basal rate of half the bridge's, and one of three times.
    for rate in [5.0, 30.0] {
        for (what, cut) in [("power", power_lost as fn(&mut Bed)), ("stop", stopped)] {
            check(&format!("{what}, {rate} µL/h: with what was left"), END, (Pass, Pass), |bed| {
                prescribed(bed, rate);
                cut(bed);
                bed.flows(START, CUT, 10.0).flows(AGAIN, OVER, 10.0).flows(OVER, LAST, rate);
            });
            let forgotten = if rate < 10.0 { (Pass, Fail) } else { (Fail, Pass) };
            check(&format!("{what}, {rate} µL/h: forgotten"), END, forgotten, |bed| {
                prescribed(bed, rate);
                cut(bed);
                bed.flows(START, CUT, 10.0).flows(AGAIN, LAST, rate);
            });
            let anew = if rate < 10.0 { (Fail, Pass) } else { (Pass, Fail) };
            check(&format!("{what}, {rate} µL/h: begun anew"), END, anew, |bed| {
                prescribed(bed, rate);
                cut(bed);
                bed.flows(START, CUT, 10.0).flows(AGAIN, AGAIN + 20 * HOUR, 10.0).flows(AGAIN + 20 * HOUR, LAST, rate);
            });
            check(&format!("{what}, {rate} µL/h: on top of the basal rate"), END, (Fail, Pass), |bed| {
                prescribed(bed, rate);
                cut(bed);
                bed.flows(START, CUT, 10.0).flows(AGAIN, OVER, 10.0).flows(AGAIN, LAST, rate);
            });
        }
    }
}

#[test]
fn all_of_it_goes_out_once_however_often_it_is_cut_off() {
    let cut_thrice = |last: f64| {
        move |bed: &mut Bed| {
            prescribed(bed, 5.0);
            bed.flows(START, START + 4 * HOUR, 10.0);
            for n in 1..4 {
                let at = n * 5 * HOUR + START;
                bed.say(at - HOUR, Verb::Stop).say(at, Verb::Start).flows(at, at + 4 * HOUR, 10.0);
            }
            // 40 µL are left.
            let at = 20 * HOUR + START;
            bed.say(at - HOUR, Verb::Stop).say(at, Verb::Start);
            bed.flows(at, at + (last * HOUR as f64) as i64, 10.0).flows(at + (last * HOUR as f64) as i64, LAST, 5.0);
        }
    };
    check("in five parts", END, (Pass, Pass), cut_thrice(4.0));
    check("the last one of twice the volume and a half", END, (Fail, Pass), cut_thrice(10.0));
    check("it is over, and a start begins the basal rate", END, (Pass, Pass), |bed| {
        prescribed(bed, 30.0);
        bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, 30 * HOUR, 30.0);
        bed.say(30 * HOUR, Verb::Stop).say(31 * HOUR, Verb::Start).flows(31 * HOUR, LAST, 30.0);
    });
    check("it is over, and comes again", END, (Pass, Fail), |bed| {
        prescribed(bed, 30.0);
        bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, 30 * HOUR, 30.0);
        bed.say(30 * HOUR, Verb::Stop).say(31 * HOUR, Verb::Start).flows(31 * HOUR, LAST, 10.0);
    });
}

#[test]
fn without_a_change_of_concentration_it_waits_for_the_next() {
    check("not yet", END, (Pass, Pass), |bed| {
        bed.prescribe(M, [concentration(2_000.0), basal(30.0)]).prescribe(M + 30 * SECOND, [bridge()]).say(START, Verb::Start);
        bed.flows(START, LAST, 30.0);
    });
    check("though nothing has changed", END, (Pass, Fail), |bed| {
        bed.prescribe(M, [concentration(2_000.0), basal(30.0)]).prescribe(M + 30 * SECOND, [bridge()]).say(START, Verb::Start);
        bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, LAST, 30.0);
    });
    let after_refill = |to: f64, rate: f64| {
        move |bed: &mut Bed| {
            bed.prescribe(M, [concentration(2_000.0), basal(30.0)]).prescribe(M + 30 * SECOND, [bridge()]).say(START, Verb::Start);
            bed.flows(START, HOUR, 30.0).say(HOUR, Verb::BeginRefill);
            let (withdrawn, filled) = (Volume(1_000.0), Volume(20_000.0));
            bed.say(HOUR + M, Verb::EndRefill { withdrawn, filled, concentration: Some(Concentration(to)) });
            bed.prescribe(HOUR + 2 * M, [basal(30.0)]).say(2 * HOUR, Verb::Start).flows(2 * HOUR, 22 * HOUR, rate).flows(
                22 * HOUR,
                LAST,
                30.0,
            );
        }
    };
    check("at the end of a refill", END, (Pass, Pass), after_refill(1_000.0, 10.0));
    check("at the end of a refill, left out", END, (Fail, Pass), after_refill(1_000.0, 30.0));
    check("a refill with the same drug", END, (Pass, Pass), after_refill(2_000.0, 30.0));
    check("the same concentration, told again", 10.0, (Pass, Pass), |bed| {
        bed.prescribe(M, [concentration(2_000.0), basal(30.0)]).say(START, Verb::Start).prescribe(HOUR, [concentration(2_000.0)]);
        bed.flows(START, 10 * HOUR, 30.0);
    });
}

#[test]
fn what_is_ordered_while_it_goes_out_waits() {
    let change = |from: i64| {
        move |bed: &mut Bed| {
            prescribed(bed, 5.0);
            bed.say(HOUR, basal(30.0)).say(HOUR + M, Verb::Start);
            bed.flows(START, START + 20 * HOUR, 10.0).flows(from, LAST, 30.0);
        }
    };
    check("another basal rate", END, (Pass, Pass), change(START + 20 * HOUR));
    check("another basal rate, at once", END, (Fail, Pass), change(HOUR + M));
    check("a start that is refused", END, (Pass, Pass), |bed| {
        prescribed(bed, 30.0);
        bed.refused(HOUR, Verb::Start, Refusal::AlreadyRunning);
        bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, LAST, 30.0);
    });
    let with_bolus = |times: &'static [i64]| {
        move |bed: &mut Bed| {
            prescribed(bed, 5.0);
            bed.say(HOUR, bolus(50.0, 60.0)).say(HOUR + M, Verb::Start);
            bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, LAST, 5.0);
            times.iter().for_each(|at| {
                bed.bolus(*at, 50.0, 60.0);
            });
        }
    };
    check("a bolus", END, (Pass, Pass), with_bolus(&[START + 20 * HOUR]));
    check("a bolus that never comes", END, (Pass, Fail), with_bolus(&[]));
    check("a bolus that comes twice", END, (Fail, Pass), with_bolus(&[HOUR + M, START + 20 * HOUR]));
}

#[test]
fn a_start_that_was_not_answered_may_have_begun_it() {
    check("it goes on, or begins", 30.0, (Pass, Skipped), |bed| {
        bed.prescribe(M, [concentration(2_000.0), basal(5.0), bridge()]).answered(START, Verb::Start, Outcome::Unanswered);
        bed.say(START + 2 * HOUR, Verb::Stop).say(START + 3 * HOUR, Verb::Start);
        bed.flows(START + 3 * HOUR, START + 23 * HOUR, 10.0).flows(START + 23 * HOUR, 30 * HOUR, 5.0);
    });
    check("twice in one start", 45.0, (Fail, Skipped), |bed| {
        bed.prescribe(M, [concentration(2_000.0), basal(5.0), bridge()]).answered(START, Verb::Start, Outcome::Unanswered);
        bed.flows(START, START + 40 * HOUR, 10.0);
    });
    check("a bridge after a second change: nobody says how much", END, (Pass, Pass), |bed| {
        prescribed(bed, 30.0);
        bed.prescribe(CUT, [concentration(1_000.0), basal(20.0)]).say(AGAIN, Verb::Start);
        bed.flows(START, CUT, 10.0).flows(AGAIN, AGAIN + 20 * HOUR, 10.0).flows(AGAIN + 20 * HOUR, LAST, 20.0);
    });
}

#[test]
fn a_doubt_that_was_removed_lets_nothing_out_again() {
    let doubts: [(&str, Done); 5] = [
        ("a dip, and the pump says that it infuses", |bed| {
            bed.plant(START + M, PlantChange::SupplyDip { to: Voltage(1.9), lasts: Span::milliseconds(20) });
        }),
        ("a dip, and the pump says that it bridges", |bed| {
            bed.state = Some(PumpState::Bridge);
            bed.plant(START + M, PlantChange::SupplyDip { to: Voltage(1.9), lasts: Span::milliseconds(20) });
        }),
        ("a confirmation that was refused", |bed| {
            bed.say(START + M, concentration(3_000.0)).refused(START + 2 * M, Verb::Confirm, Refusal::ConfirmationMismatch);
            bed.say(START + 3 * M, Verb::Discard);
        }),
        ("a stop that was refused", |bed| {
            bed.refused(START + M, Verb::Stop, Refusal::OutOfOrder);
        }),
        ("a refill that was refused", |bed| {
            bed.refused(START + M, Verb::BeginRefill, Refusal::OutOfOrder);
        }),
    ];
    for (what, doubt) in doubts {
        let play = |again: f64| {
            move |bed: &mut Bed| {
                prescribed(bed, 5.0);
                doubt(bed);
                bed.flows(START, START + 20 * HOUR, 10.0).flows(START + 20 * HOUR, 25 * HOUR, 5.0);
                bed.say(25 * HOUR, Verb::Stop).say(26 * HOUR, Verb::Start).flows(26 * HOUR, LAST, again);
            }
        };
        check(&format!("{what}: then the basal rate"), END, (Pass, Pass), play(5.0));
        check(&format!("{what}: it goes out again"), END, (Fail, Pass), play(10.0));
        check(&format!("{what}: nothing comes any more"), END, (Pass, Fail), |bed| {
            prescribed(bed, 5.0);
            doubt(bed);
            bed.flows(START, START + HOUR, 10.0);
        });
    }
}

#[test]
fn what_was_prescribed_for_another_drug_is_no_more_in_force() {
    let confirmed = |bed: &mut Bed, parts: Vec<Verb>| {
        bed.prescribe(HOUR, [concentration(1_000.0)].into_iter().chain(parts));
    };
    let refilled = |bed: &mut Bed, parts: Vec<Verb>| {
        let (withdrawn, filled) = (Volume(1_000.0), Volume(20_000.0));
        bed.say(HOUR, Verb::BeginRefill);
        bed.say(HOUR + M, Verb::EndRefill { withdrawn, filled, concentration: Some(Concentration(1_000.0)) });
        if !parts.is_empty() {
            bed.prescribe(HOUR + 2 * M, parts);
        }
    };
    let told_first = |bed: &mut Bed, rate: Verb| {
        bed.prescribe(M, [concentration(2_000.0), rate]).prescribe(M + 30 * SECOND, [bridge(), patient()]).say(START, Verb::Start);
        bed.flows(START, HOUR, 20.0);
    };
    for (what, change) in [("confirmed", confirmed as fn(&mut Bed, Vec<Verb>)), ("at the end of a refill", refilled)] {
        for rate in [basal(20.0), Verb::ProgramBasalDose { rate: MassFlow(40.0) }] {
            let play = |behind: f64| {
                let rate = rate.clone();
                move |bed: &mut Bed| {
                    told_first(bed, rate.clone());
                    change(bed, Vec::new());
                    bed.say(2 * HOUR, Verb::Start).flows(2 * HOUR, 22 * HOUR, 10.0);
                    bed.flows(22 * HOUR, LAST, behind);
                }
            };
            check(&format!("{what}, {rate}: the bridge alone"), END, (Pass, Pass), play(1e-3));
            check(&format!("{what}, {rate}: the old basal rate behind it"), END, (Fail, Pass), play(20.0));
        }
        let new_rate = |given: bool| {
            move |bed: &mut Bed| {
                told_first(bed, basal(20.0));
                change(bed, vec![basal(15.0)]);
                bed.say(2 * HOUR, Verb::Start).flows(2 * HOUR, 22 * HOUR, 10.0).flows(22 * HOUR, LAST, 15.0);
                bed.say(30 * HOUR, Verb::PatientBolus);
                if given {
                    bed.bolus(30 * HOUR, 50.0, 120.0);
                }
            }
        };
        check(&format!("{what}: a rate for the new drug"), END, (Pass, Pass), new_rate(false));
        check(&format!("{what}: a patient's bolus as for the old drug"), END, (Fail, Pass), new_rate(true));
        let waited = |given: bool| {
            move |bed: &mut Bed| {
                told_first(bed, basal(20.0));
                bed.prescribe(HOUR - 10 * SECOND, [Verb::ProgramBolusDose { dose: Mass(100.0), over: Span::minutes(1) }]);
                change(bed, vec![basal(15.0)]);
                bed.say(2 * HOUR, Verb::Start).flows(2 * HOUR, 22 * HOUR, 10.0).flows(22 * HOUR, LAST, 15.0);
                if given {
                    bed.bolus(22 * HOUR, 50.0, 60.0);
                }
            }
        };
        check(&format!("{what}: without the bolus that waited"), END, (Pass, Pass), waited(false));
        check(&format!("{what}: with the bolus that waited"), END, (Fail, Pass), waited(true));
    }
    check("the first concentration ever told leaves the rest in force", 10.0, (Pass, Pass), |bed| {
        bed.say(M, basal(20.0)).say(2 * M, Verb::Start).flows(2 * M, HOUR, 20.0);
        bed.prescribe(HOUR, [concentration(2_000.0)]).say(2 * HOUR, Verb::Start).flows(2 * HOUR, 10 * HOUR, 20.0);
    });
}

#[test]
fn nothing_that_was_put_aside_outlives_another_concentration_at_a_refill() {
    let (withdrawn, filled) = (Volume(1_000.0), Volume(20_000.0));
    let play = |name: &str, expected, concentration_told: f64, part: Verb, comes: fn(&mut Bed)| {
        check(name, 10.0, expected, |bed| {
            bed.prescribe(M, [concentration(1_000.0), basal(20.0)]).say(START, Verb::Start).flows(START, HOUR, 20.0);
            bed.say(HOUR, part.clone()).say(HOUR + 10 * SECOND, Verb::BeginRefill);
            let told = Some(Concentration(concentration_told));
            bed.say(HOUR + 5 * M, Verb::EndRefill { withdrawn, filled, concentration: told });
            bed.say(HOUR + 6 * M, Verb::Start);
            comes(bed);
        });
    };
    let rate: fn(&mut Bed) = |bed| {
        bed.flows(HOUR + 6 * M, 10 * HOUR, 100.0);
    };
    play("the rate for the drug before", (Fail, Pass), 10_000.0, basal(100.0), rate);
    play("nothing", (Pass, Pass), 10_000.0, basal(100.0), |_| {});
    play("a bolus for the drug before", (Fail, Pass), 10_000.0, bolus(50.0, 60.0), |bed| {
        bed.bolus(HOUR + 6 * M, 50.0, 60.0);
    });
    play("of the same drug", (Pass, Pass), 1_000.0, basal(100.0), rate);
}
