//! What a qualification comes to, in words.

use std::fmt::Write;

use rig_model::time::Span;

use crate::conclusion::{Conclusion, Share};
use crate::matrix::{Cell, Matrix, Standing, Status};
use crate::setup::{Behaviour, Make, Pump};
use crate::short::within;
use crate::sound::Sound;
use crate::subset::Subset;

/// False alarms that the summary names; the table has all.
const SHOWN_ALARMS: usize = 10;

/// What a bench has time for at every change: the summary says as well what is the most that can be caught in it.
pub const SHORT: Span = Span::seconds(300);

/// The qualification in some lines. The texts in it are of checked files; whoever prints them makes them printable.
pub fn summary(matrix: &Matrix, sound: &Sound, subset: &Subset) -> String {
    let mut out = String::new();
    // A String takes all that is written.
    let _ = write(&mut out, matrix, sound, subset);
    out
}

fn write(out: &mut String, matrix: &Matrix, sound: &Sound, subset: &Subset) -> std::fmt::Result {
    let conclusion = Conclusion::of(matrix, sound);
    if conclusion.defects + conclusion.not_compiled > 0 {
        defects(out, matrix, &conclusion)?;
    }
    let judged = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    writeln!(
        out,
        "false alarms: {} ({}, {}, {})",
        sound.alarms.len(),
        judged(sound.seeds, "seed"),
        judged(matrix.setup.scenarios.len() as u64, "scenario"),
        judged(sound.plays, "play")
    )?;
    for alarm in sound.alarms.iter().take(SHOWN_ALARMS) {
        let check = alarm.row.as_ref().map_or("", |row| &row.check);
        writeln!(out, "  {} {} {} seed {}: {}: {}", alarm.verdict, alarm.unit.scenario, alarm.case, alarm.unit.seed, check, alarm.reason)?;
    }
    if sound.alarms.len() > SHOWN_ALARMS {
        writeln!(out, "  … {} more in false-alarms.csv", sound.alarms.len() - SHOWN_ALARMS)?;
    }
    if sound.inconclusive_cases > 0 {
        writeln!(out, "  INCONCLUSIVE with the sound pump: {} cases, {} checks", sound.inconclusive_cases, sound.inconclusive_rows)?;
    }
    if let Some((unit, why)) = sound.skipped.first() {
        writeln!(out, "skipped: {} cases of the sound pump, e.g. {}: {why}", sound.skipped.len(), unit.scenario)?;
    }
    if sound.not_played > 0 {
        writeln!(out, "not played: {} plays of the sound pump", sound.not_played)?;
    }
    choices(out, matrix, subset)
}

/// What to play where time is short.
fn choices(out: &mut String, matrix: &Matrix, subset: &Subset) -> std::fmt::Result {
    if subset.scenarios.is_empty() {
        return Ok(());
    }
    let id = |i: usize| matrix.setup.scenarios.get(i).map_or("", |s| &*s.id);
    let list = |out: &mut String, scenarios: &[usize]| {
        scenarios
            .iter()
            .try_for_each(|i| writeln!(out, "  {:<28} {:>4} caught, {}", id(*i), matrix.caught_by(*i).len(), human(matrix.lasted(*i))))
    };
    let bound =
        if subset.exact() { "no choice takes less".to_owned() } else { format!("no choice takes less than {}", human(subset.at_least)) };
    writeln!(
        out,
        "smallest set of scenarios that still catches all of these: {} of {}, {} of rig time ({bound})",
        subset.scenarios.len(),
        matrix.setup.scenarios.len(),
        human(subset.lasts)
    )?;
    list(out, &subset.scenarios)?;
    if subset.lasts <= SHORT {
        return Ok(());
    }
    let short = within(matrix, SHORT);
    let bound = if short.exact() { "no choice catches more".to_owned() } else { format!("no choice catches more than {}", short.at_most) };
    let (n, of) = (short.scenarios.len(), short.catchable);
    writeln!(out, "within {} of rig time: {n} scenarios catch {} of these {of} ({bound})", human(SHORT), short.caught)?;
    list(out, &short.scenarios)?;
    let left: Vec<String> = short.left.iter().map(|(hazard, n)| format!("{hazard} {n}")).collect();
    let hazards = if left.is_empty() { String::new() } else { format!(", by hazard {}", left.join(", ")) };
    writeln!(out, "  it leaves {}{hazards}", of - short.caught)
}

fn defects(out: &mut String, matrix: &Matrix, conclusion: &Conclusion) -> std::fmt::Result {
    let id = |i: usize| matrix.setup.scenarios.get(i).map_or("", |s| &*s.id);
    let (made, generated): (Vec<_>, Vec<_>) = matrix.defects().partition(|(pump, _)| pump.made != Make::Mutant);
    for (of, one, several) in [(&made, "defect", "defects"), (&generated, "generated mutant", "generated mutants")] {
        let what = if of.len() == 1 { one } else { several };
        let caught = of.iter().filter(|(_, s)| s.status == Status::Caught).count();
        if of.is_empty() {
            continue;
        }
        // What was not played says nothing of the suite, and what does the same as the sound pump is none that it could catch.
        let unplayed = of.iter().filter(|(_, s)| s.status == Status::NotPlayed).count();
        let same = of.iter().filter(|(pump, s)| s.is_as_sound(pump)).count();
        let judged = of.len() - same - unplayed;
        let share = if judged > 0 { format!(": {:.1} %", percent(caught, judged)) } else { String::new() };
        writeln!(out, "{} {what}, {caught} caught{}", of.len(), if same + unplayed == 0 { &*share } else { "" })?;
        if same + unplayed > 0 {
            writeln!(out, "  {unplayed} not played, {same} the same as the sound pump; of the {judged} others {caught} are caught{share}")?;
        }
    }
    if conclusion.not_compiled > 0 {
        let n = conclusion.not_compiled;
        let (what, are) = if n == 1 { ("mutant does", "is no pump") } else { ("mutants do", "are no pumps") };
        writeln!(out, "{n} generated {what} not compile and {are}")?;
    }
    asked(out, conclusion.mutants)?;
    let firsts = (0..matrix.setup.scenarios.len()).map(|i| (i, matrix.first_for(i))).filter(|(_, n)| *n > 0);
    let firsts: Vec<String> = firsts.map(|(i, n)| format!("{} {n}", id(i))).collect();
    if !firsts.is_empty() {
        writeln!(out, "caught first by: {}", firsts.join(", "))?;
    }
    let needed = |i: usize| matrix.only_by(i).len();
    let alone: Vec<String> =
        (0..matrix.setup.scenarios.len()).filter(|i| needed(*i) > 0).map(|i| format!("{} {}", id(i), needed(i))).collect();
    if !alone.is_empty() {
        writeln!(out, "caught by nothing else than: {}", alone.join(", "))?;
    }
    let survivors = |behaviour: Option<Behaviour>| {
        let said = move |pump: &Pump| pump.explained.as_ref().map(|e| e.behaviour);
        matrix.with_status(Status::Survived).filter(move |(pump, _)| said(pump) == behaviour)
    };
    listed(out, matrix, "survivors", survivors(None))?;
    listed(out, matrix, "survivors that differ, as is explained", survivors(Some(Behaviour::Differs)))?;
    // What comes out otherwise than the sound pump is another pump, whatever is said of it.
    let (same, otherwise): (Vec<_>, Vec<_>) = survivors(Some(Behaviour::Same)).partition(|(pump, s)| s.is_as_sound(pump));
    listed(out, matrix, "survivors that are the same as the sound pump", same.into_iter())?;
    listed(out, matrix, "explained as the same, and yet otherwise", otherwise.into_iter())?;
    let caught = [Status::Caught, Status::Sometimes].into_iter().flat_map(|status| matrix.with_status(status));
    listed(out, matrix, "explained, and yet caught", caught.filter(|(pump, _)| pump.explained.is_some()))?;
    listed(out, matrix, "caught with some seeds only", matrix.with_status(Status::Sometimes))?;
    listed(out, matrix, "not caught, and not played in full", matrix.with_status(Status::NotPlayed))?;
    if conclusion.survived + conclusion.sometimes + conclusion.not_played == 0 {
        writeln!(out, "survivors: none")?;
    }
    Ok(())
}

/// What is asked of the share of the mutants that are caught, where it falls short.
fn asked(out: &mut String, share: Share) -> std::fmt::Result {
    let (caught, of, least) = (share.caught, share.of, Share::LEAST_PERCENT);
    if share.is_too_small() {
        writeln!(out, "too few generated mutants are caught: {caught} of the {of} that change behaviour, under {least} %")
    } else if share.is_under() {
        writeln!(out, "{least} % are asked of {} mutants and more that change behaviour; these are {of}", Share::LEAST_MUTANTS)
    } else {
        Ok(())
    }
}

fn listed<'m>(out: &mut String, matrix: &Matrix, title: &str, pumps: impl Iterator<Item = (&'m Pump, &'m Standing)>) -> std::fmt::Result {
    let pumps: Vec<_> = pumps.collect();
    if pumps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}: {}", pumps.len())?;
    for (pump, standing) in pumps {
        // The name of a generated mutant says where it is and what is wrong with it, and nobody knows its harm.
        if pump.made == Make::Mutant {
            writeln!(out, "  {}", pump.wrong)?;
        } else {
            writeln!(out, "  {}: {}", pump.id, pump.wrong)?;
            let hazards: Vec<&str> = pump.hazards.iter().map(|h| &**h).collect();
            writeln!(out, "    harm: {} {}", pump.harm, hazards.join(" "))?;
        }
        if standing.status == Status::Sometimes {
            writeln!(out, "    caught with {} of {} seeds", standing.caught_with, matrix.setup.seeds.count)?;
        }
        for cell in [Cell::OtherFail, Cell::Error, Cell::Inconclusive, Cell::Hung, Cell::Died] {
            let with: Vec<&str> = standing.with(cell).filter_map(|i| matrix.setup.scenarios.get(i)).map(|s| &*s.id).collect();
            if !with.is_empty() {
                writeln!(out, "    {}: {}", cell.name(), with.join(", "))?;
            }
        }
        if pump.is_the_same() && standing.status == Status::Survived && !standing.otherwise.is_empty() {
            let ids = standing.otherwise.iter().filter_map(|i| matrix.setup.scenarios.get(*i)).map(|s| &*s.id);
            writeln!(out, "    otherwise than the sound pump: {}", ids.collect::<Vec<_>>().join(", "))?;
        }
        for why in [pump.unplayable.as_ref(), pump.explained.as_ref().map(|e| &e.why)].into_iter().flatten() {
            writeln!(out, "    {why}")?;
        }
    }
    Ok(())
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// Rig time for people.
fn human(span: Span) -> String {
    let s = span.0 / 1_000_000_000;
    match s {
        0..120 => format!("{s} s"),
        120..7_200 => format!("{} min", s / 60),
        7_200..172_800 => format!("{} h", s / 3_600),
        _ => format!("{} days", s / 86_400),
    }
}
