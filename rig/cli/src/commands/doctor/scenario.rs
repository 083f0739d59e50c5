//! The scenarios that `rig doctor` plays, made for one bench out of texts that are part of the program.

use anyhow::{Result, anyhow};
use rig_bench::HEARTBEAT;
use rig_model::bench::{Bench, Instrument};
use rig_model::deed::Deed;

use crate::inputs::{self, Suite};

const TRY: &str = include_str!("try.yaml");
const RECOVER: &str = include_str!("recover.yaml");
/// What the first one includes.
const FRAGMENTS: [(&str, &str); 4] = [
    ("doctor/relay.yaml", include_str!("relay.yaml")),
    ("doctor/power.yaml", include_str!("power.yaml")),
    ("doctor/deliver.yaml", include_str!("deliver.yaml")),
    ("doctor/rest.yaml", include_str!("rest.yaml")),
];
const POWER: &str = "power";
/// Where the dose should arrive, if the bench measures there.
const TIP: &str = "flow.tip";
/// Ten relays and ten sensors take two minutes; a delivery comes on top.
const AT_REST: &str = "5 min";
const WITH_DELIVERY: &str = "2 h";

/// Proves a bench safe that was left without.
pub fn recovery() -> Result<Suite> {
    inputs::embedded("doctor/recover.yaml", RECOVER.to_owned(), &mut fragment)
}

/// Tries all that the bench has; delivers `dose` if one is given.
pub fn trial(bench: &Bench, dose: Option<&str>) -> Result<Suite> {
    let limit = if dose.is_some() { WITH_DELIVERY } else { AT_REST };
    let text = TRY.replace("{time_limit}", limit).replace("{steps}\n", &steps(bench, dose)?);
    inputs::embedded("doctor/try.yaml", text, &mut fragment)
}

fn fragment(path: &str) -> Result<String, String> {
    let found = FRAGMENTS.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    found.ok_or_else(|| format!("there is no fragment `{path}`"))
}

fn steps(bench: &Bench, dose: Option<&str>) -> Result<String> {
    let mut steps = String::new();
    for line in &bench.lines {
        steps += &match &*line.name {
            POWER => "  - include: power.yaml\n".to_owned(),
            // The supervisor toggles it by itself.
            HEARTBEAT => continue,
            // Moving it would put something into a reservoir or take it out, which nobody has asked for.
            _ if line.does.is_some_and(Deed::moves_fluid) => continue,
            name => {
                let (moved, safe) = if line.safe_active { ("inactive", "active") } else { ("active", "inactive") };
                format!("  - include: relay.yaml\n    with: {{ line: {name}, moved: {moved}, safe: {safe} }}\n")
            }
        };
    }
    if let Some(dose) = dose {
        let channel = tip(bench).ok_or_else(|| anyhow!("bench `{}` has no flow channel, so nothing can be compared", bench.name))?;
        steps += &format!("  - include: deliver.yaml\n    with: {{ dose: {dose}, channel: {channel} }}\n");
    }
    for (n, channel) in bench.channels.iter().filter(|c| rests(&c.instrument)).enumerate() {
        steps += &format!("  - include: rest.yaml\n    with: {{ window: rest_{n}, channel: {} }}\n", channel.name);
    }
    Ok(steps)
}

/// Whether a channel says something while nothing happens.
fn rests(instrument: &Instrument) -> bool {
    !matches!(instrument, Instrument::Alarm | Instrument::Drug(_))
}

fn tip(bench: &Bench) -> Option<&str> {
    let mut flow = bench.channels.iter().filter(|c| matches!(c.instrument, Instrument::Flow(_))).map(|c| &*c.name);
    flow.clone().find(|name| *name == TIP).or_else(|| flow.next())
}
