//! What of a bench's calibration every report must tell, and what keeps a run from being evidence.

use rig_model::bench::{Bench, Certificate, CertifiedRange, Channel, Instrument};
use rig_model::quantity::Figures;
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

/// In sentences, in the order of the channels: why what the bench measures on `day` (ISO 8601) is not evidence. Each channel but the alarm's
/// needs a certificate with its date, not yet run out, that covers every value which the channel may show without being out of range.
pub fn calibration_gaps(bench: &Bench, day: &str) -> Vec<String> {
    bench.channels.iter().flat_map(|channel| gaps_of(channel, day)).collect()
}

fn gaps_of(channel: &Channel, day: &str) -> Vec<String> {
    let Some((used, unit)) = usable(&channel.instrument) else { return Vec::new() };
    let name = &channel.name;
    let Some(certificate) = &channel.certificate else { return vec![format!("{name}: it has no certificate")] };
    let Certificate { id, date, due, range, instrument, .. } = certificate;
    let mut gaps = Vec::new();
    if instrument.is_none() {
        gaps.push(format!("{name}: certificate {id} does not say of which instrument it is"));
    }
    match date {
        None => gaps.push(format!("{name}: certificate {id} has no date of calibration")),
        // Dates of this form are in the order of their texts.
        Some(date) if *date.as_str() > *day => gaps.push(format!("{name}: certificate {id} is of {date}, which is still to come")),
        Some(date) if date > due => gaps.push(format!("{name}: certificate {id} is of {date} and was due on {due} already")),
        Some(_) => {}
    }
    if *due.as_str() < *day {
        gaps.push(format!("{name}: certificate {id} ran out on {due}"));
    }
    let show = |range: &CertifiedRange| format!("{} to {} {unit}", Figures(range.from), Figures(range.to));
    match range {
        None => gaps.push(format!("{name}: certificate {id} states no range")),
        Some(range) if !(range.from <= used.from && range.to >= used.to) => {
            gaps.push(format!("{name}: certificate {id} covers {}, and the channel is used from {}", show(range), show(&used)));
        }
        Some(_) => {}
    }
    gaps
}

/// From where to where a value of the channel is not out of range, and in which unit; nothing for what measures nothing.
fn usable(instrument: &Instrument) -> Option<(CertifiedRange, &'static str)> {
    Some(match instrument {
        Instrument::Flow(sensor) => (CertifiedRange { from: sensor.min_flow, to: sensor.max_flow }, "µL/h"),
        Instrument::Pressure(sensor) => (CertifiedRange { from: sensor.min.0, to: sensor.max.0 }, "kPa"),
        Instrument::Balance(balance) => (CertifiedRange { from: balance.min, to: balance.max }, "mg"),
        Instrument::Alarm => return None,
    })
}
