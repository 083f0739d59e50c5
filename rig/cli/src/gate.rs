//! What keeps a run from being evidence, before it is played: every reason, in a sentence that says what would have to be otherwise.
//!
//! Whatever stands here, nothing simulated is evidence: that is decided again by each view, from the header alone.

use rig_model::bench::{Bench, BenchKind};
use rig_model::fact::{Environment, Header, RigBuild, WallClock};
use rig_scenario::calibration_gaps;

/// The first reason of every run that did not ask to be evidence.
pub const NOT_ASKED: &str = "it was played without `--evidence`";

/// Whether the run is to be evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asked {
    #[default]
    Nothing,
    /// `--evidence`: play only if nothing stands against it.
    Evidence,
}

/// How the run stands to a test plan that was approved before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlanStanding<'a> {
    #[default]
    None,
    /// In sentences, what differs from the approved plan.
    Approved { differences: &'a [String] },
}

/// What the gate goes by beside the header.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    pub asked: Asked,
    pub plan: PlanStanding<'a>,
    /// Checks that the bench could not decide.
    pub undecided: usize,
}

/// All reasons, in sentences without a semicolon. The header is whole but for its own claim and reasons.
pub fn reasons(header: &Header, bench: &Bench, ask: Ask<'_>) -> Vec<String> {
    let Ask { asked, plan, undecided } = ask;
    let evidence = asked == Asked::Evidence;
    let mut reasons = Vec::new();
    if !evidence {
        reasons.push(NOT_ASKED.to_owned());
    }
    reasons.extend(made_up(header, bench));
    let day = header.started_utc.split_once('T').map_or(header.started_utc.as_str(), |(day, _)| day);
    reasons.extend(calibration_gaps(bench, day));
    reasons.extend(unidentified(header, bench));
    // What hangs on the machine and not on the run; a simulated one is the same everywhere, and this would be the only difference.
    if evidence || bench.kind != BenchKind::Sim {
        reasons.extend(of_build(header.provenance.rig.as_ref(), bench.kind));
        reasons.extend(of_clock(header.provenance.clock.as_ref()));
    }
    if !header.operator.as_ref().is_some_and(|name| names_somebody(name)) {
        reasons.push("no operator is named (`--operator`)".to_owned());
    }
    reasons.extend(of_environment(header.provenance.environment.as_ref()));
    match plan {
        PlanStanding::None => reasons.push("there is no approved test plan".to_owned()),
        PlanStanding::Approved { differences } => reasons.extend(differences.iter().cloned()),
    }
    if evidence && undecided > 0 {
        reasons.push(format!("{undecided} of the checks can't be decided on this bench (`rig check --bench` says which and why)"));
    }
    reasons.iter_mut().for_each(|reason| *reason = reason.replace(';', ","));
    reasons
}

/// Whether there is something to read in a name; spaces, and signs that have no width, name nobody.
pub fn names_somebody(name: &str) -> bool {
    name.chars().any(char::is_alphanumeric)
}

/// What is no hardware, not as its maker meant it, or let pass by the command line.
fn made_up(header: &Header, bench: &Bench) -> Vec<String> {
    let mut reasons = Vec::new();
    match bench.kind {
        BenchKind::Sim => reasons.push("the bench is simulated (`kind = \"sim\"`)".to_owned()),
        BenchKind::Process => reasons.push("the bench is simulated (`kind = \"process\"`)".to_owned()),
        BenchKind::Pi => {}
    }
    reasons.extend(header.simulated_because.iter().cloned());
    if header.simulated && reasons.is_empty() {
        reasons.push("something of the bench was simulated".to_owned());
    }
    reasons.extend(header.defect.as_ref().map(|name| format!("the pump has a defect on purpose (`--defect {name}`)")));
    reasons.extend(header.delivery_delay.then(|| "inputs were delayed on purpose (`--delivery-delay`)".to_owned()));
    reasons.extend(header.allow_skipped.then(|| "skipped cases were allowed for (`--allow-skipped`)".to_owned()));
    reasons
}

fn unidentified(header: &Header, bench: &Bench) -> Option<String> {
    // An approved plan names build hashes, and the board is held to them.
    let named = header.provenance.firmware.is_some()
        || header.provenance.approval.is_some()
        || bench.dut.firmware.as_ref().is_some_and(|f| !f.build_hashes.is_empty());
    (!named).then(|| "no firmware image and no build hash is named (`--firmware`, or `firmware` or `build_hash` below `[dut]`)".to_owned())
}

fn of_build(rig: Option<&RigBuild>, kind: BenchKind) -> Vec<String> {
    let Some(rig) = rig else { return vec!["it is not known which build of `rig` plays".to_owned()] };
    let mut reasons = Vec::new();
    match (&rig.commit, rig.uncommitted) {
        (None, _) => reasons.push("`rig` was built outside a checkout, so that its sources are not known".to_owned()),
        (Some(_), true) => reasons.push("`rig` was built from sources with uncommitted changes".to_owned()),
        (Some(_), false) => {}
    }
    if rig.profile != "release" {
        reasons.push(format!("`rig` was built with the profile `{}` and not `release`", rig.profile));
    }
    if rig.lock_sha256.is_empty() {
        reasons.push("`rig` was built without its `Cargo.lock`, so that its libraries are not known".to_owned());
    }
    if rig.executable_sha256.is_none() && kind != BenchKind::Sim {
        reasons.push("the executable of `rig` could not be read, so that its hash is not known".to_owned());
    }
    reasons
}

fn of_clock(clock: Option<&WallClock>) -> Option<String> {
    match clock {
        Some(clock) if clock.synchronised => None,
        Some(_) => Some("the clock on the wall is not synchronised (`timedatectl` says why)".to_owned()),
        None => Some("the state of the clock on the wall is not known".to_owned()),
    }
}

fn of_environment(stated: Option<&Environment>) -> Option<String> {
    let nothing = Environment::default();
    let Environment { temperature, humidity, air_pressure, liquid } = stated.unwrap_or(&nothing);
    let missing: Vec<&str> = [
        (temperature.is_none(), "`--temperature`"),
        (humidity.is_none(), "`--humidity`"),
        (air_pressure.is_none(), "`--air-pressure`"),
        (liquid.is_none(), "`--liquid`"),
    ]
    .into_iter()
    .filter_map(|(missing, flag)| missing.then_some(flag))
    .collect();
    (!missing.is_empty()).then(|| format!("the environment is not stated ({})", missing.join(", ")))
}

#[cfg(test)]
mod tests;
