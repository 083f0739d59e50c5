//! What of a bench's calibration every report must tell.

use rig_model::bench::{Bench, Channel, Instrument};
use rig_model::weighing::{Air, Balance, Liquid};

/// In sentences, in the order of the channels: what rests on no certificate, on one that had run out by `day` (ISO 8601), or on an
/// uncertainty that nobody states. A certificate holds on its due day and no longer.
pub fn calibration_warnings(bench: &Bench, day: &str) -> Vec<String> {
    bench.channels.iter().flat_map(|channel| of_channel(channel, day)).collect()
}

fn of_channel(channel: &Channel, day: &str) -> Vec<String> {
    let (what, unstated) = match &channel.instrument {
        Instrument::Flow(sensor) => (Some("K-factor"), unless(sensor.k_uncertainty_percent, "the uncertainty of its K-factor")),
        Instrument::Pressure(sensor) => (sensor.uncertainty.map(|_| "uncertainty"), unless(sensor.uncertainty, "its uncertainty")),
        Instrument::Balance(balance) => (balance.uncertainty.map(|_| "uncertainty"), of_balance(balance)),
        Instrument::Alarm => return Vec::new(),
    };
    let name = &channel.name;
    let certificate = match (&channel.certificate, what) {
        // Dates of this form are in the order of their texts.
        (Some(certificate), _) if *certificate.due < *day => {
            Some(format!("{name}: certificate {} ran out on {}", certificate.id, certificate.due))
        }
        (Some(_), _) | (None, None) => None,
        (None, Some(what)) => Some(format!("{name}: its {what} rests on no certificate")),
    };
    let unstated = unstated.into_iter().map(|what| format!("{name}: nobody states {what}, so that only simple acceptance can pass on it"));
    certificate.into_iter().chain(unstated).collect()
}

/// What nobody states, if that is so.
fn unless<T>(stated: Option<T>, what: &'static str) -> Vec<&'static str> {
    if stated.is_some() { Vec::new() } else { vec![what] }
}

fn of_balance(balance: &Balance) -> Vec<&'static str> {
    let mut unstated = unless(balance.uncertainty, "its uncertainty");
    if matches!(balance.liquid, Liquid::Stated { expanded: None, .. }) {
        unstated.push("the uncertainty of the liquid's density");
    }
    if matches!(balance.air, Air::Stated { expanded: None, .. }) {
        unstated.push("the uncertainty of the air's density");
    }
    unstated
}
