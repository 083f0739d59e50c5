//! `rig qualify`: proves that the suite notices defective pumps, and that it accuses no sound one.

mod args;
mod benches;
mod catalogue;
mod draw;
mod folder;
mod mutants;
mod play;
mod process;
mod progress;
mod prove;
mod work;

pub use args::Args;
pub use process::{WorkerArgs, work as worker};

use rig_qualify::{Conclusion, Matrix, SHORT, Sound, changes, smallest, summary, within};

use crate::failure::Failure;
use crate::say;
use crate::terminal::Terminal;

use folder::Earlier;
use prove::Proof;

/// The first seed, where none is given: the same everywhere, so that two people who ask the same get the same.
const FIRST_SEED: u64 = 1;

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    if args.defect.iter().any(|id| id == catalogue::HELP) {
        say::out(crate::defects::Catalogue::here()?.list());
        return Ok(0);
    }
    let proof = if args.merge.is_empty() { prove::play(args, terminal)? } else { prove::merge(args)? };
    folder::write(&args.out, &proof)?;
    tell(&proof, args, terminal);
    Ok(if proof.part.is_some() { of_part(&proof) } else { Conclusion::of(&proof.matrix(), &proof.sound()).exit_code() })
}

/// A part knows nothing of survivors; what it did not play, or what it found against the sound pump, it does know.
fn of_part(proof: &Proof) -> u8 {
    let sound = proof.sound();
    let unplayed = proof.outcomes.iter().any(|p| matches!(p.ending, rig_qualify::Ending::NotPlayed(_)));
    match (sound.alarms.is_empty(), unplayed || !sound.skipped.is_empty()) {
        (false, _) => 1,
        (true, true) => 6,
        (true, false) => 0,
    }
}

fn tell(proof: &Proof, args: &Args, terminal: &Terminal) {
    let (matrix, sound) = (proof.matrix(), proof.sound());
    if terminal.json {
        say::out(json(proof, &matrix, &sound));
        return;
    }
    if let Some(catalogue) = &proof.catalogue {
        say::out(format_args!("catalogue: {}", rig_report::printable(catalogue)));
    }
    match proof.part {
        Some(part) => {
            let played = proof.outcomes.len();
            say::out(format_args!(
                "part {part}: {played} of {} plays, {} against the sound pump",
                proof.setup.units().len(),
                sound.alarms.len()
            ));
            say::out("the parts together: `rig qualify --merge DIR…`");
        }
        None => {
            let text = summary(&matrix, &sound, &smallest(&matrix));
            text.lines().for_each(|line| say::out(rig_report::printable(line)));
        }
    }
    tell_drawn(&sound, proof, args);
    proof.earlier.iter().for_each(|earlier| tell_changes(earlier, &matrix, proof));
    if let Some(times) = &proof.times {
        say::out(times.line());
    }
    say::out(format_args!("files: {}", args.out.display()));
}

/// How the first false alarm on a drawn bench is seen with a journal and reports.
fn tell_drawn(sound: &Sound, proof: &Proof, args: &Args) {
    let drawn = |alarm: &&rig_qualify::FalseAlarm| alarm.unit.whose == rig_qualify::Whose::Drawn;
    let Some(alarm) = sound.alarms.iter().find(drawn) else { return };
    let file = proof.setup.scenario(&alarm.unit.scenario).map_or("", |i| &proof.setup.scenarios[i].file);
    let bench = args.out.join(rig_qualify::DrawnBench::file_name(alarm.unit.seed));
    say::out(format_args!(
        "with a journal: rig run {} --seed {} --bench {}",
        rig_report::printable(file),
        alarm.unit.seed,
        rig_report::printable(&bench.display().to_string())
    ));
}

fn tell_changes(earlier: &Earlier, matrix: &Matrix, proof: &Proof) {
    say::out(format_args!("since {}: {} of {} plays were taken over", earlier.path.display(), proof.reused, proof.outcomes.len()));
    if proof.part.is_some() {
        return;
    }
    for change in changes(&earlier.matrix(), matrix) {
        let name = |status: Option<rig_qualify::Status>| status.map_or("not in the catalogue", |s| s.name());
        say::out(format_args!("  {}: {}, was {}", rig_report::printable(&change.defect), name(change.now), name(change.before)));
    }
}

/// For machines: counts, survivors, and the smallest set.
fn json(proof: &Proof, matrix: &Matrix, sound: &Sound) -> serde_json::Value {
    let conclusion = Conclusion::of(matrix, sound);
    let ids = |status| matrix.with_status(status).map(|(pump, _)| pump.id.to_string()).collect::<Vec<_>>();
    let (subset, short) = (smallest(matrix), within(matrix, SHORT));
    serde_json::json!({
        "part": proof.part.map(|part| part.to_string()),
        "catalogue": proof.catalogue,
        "plays": proof.outcomes.len(),
        "reused": proof.reused,
        "defects": conclusion.defects,
        "caught": conclusion.caught,
        "survived": ids(rig_qualify::Status::Survived),
        "sometimes": ids(rig_qualify::Status::Sometimes),
        "not_played": ids(rig_qualify::Status::NotPlayed),
        "mutants": {
            "caught": conclusion.mutants.caught,
            "change_behaviour": conclusion.mutants.of,
            "too_few": conclusion.mutants.is_too_small(),
            "not_compiled": conclusion.not_compiled,
        },
        "false_alarms": conclusion.false_alarms,
        "sound_plays": sound.plays,
        "inconclusive": sound.inconclusive_cases,
        "within_5_min": {
            "scenarios": short.scenarios.iter().map(|i| proof.setup.scenarios[*i].id.to_string()).collect::<Vec<_>>(),
            "caught": short.caught,
            "catchable": short.catchable,
            "at_most": short.at_most,
        },
        "smallest": subset.scenarios.iter().map(|i| proof.setup.scenarios[*i].id.to_string()).collect::<Vec<_>>(),
    })
}
