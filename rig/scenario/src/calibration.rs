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
    let what = match &channel.instrument {
        Instrument::Flow(_) => Some("K-factor"),
        Instrument::Pressure(sensor) => sensor.uncertainty.map(|_| "uncertainty"),
        Instrument::Drug(sensor) => sensor.uncertainty_percent.map(|_| "uncertainty"),
        Instrument::Balance(balance) => balance.uncertainty.map(|_| "uncertainty"),
        Instrument::Alarm => return Vec::new(),
    };
    let name = &channel.name;
    let certificate = match (&channel.certificate, what) {
        (Some(certificate), _) => ran_out(name, certificate, day),
        (None, None) => None,
        (None, Some(what)) => Some(format!("{name}: its {what} rests on no certificate")),
    };
    certificate.into_iter().chain(unstated(channel)).collect()
}

/// Dates of this form are in the order of their texts.
fn ran_out(name: &str, certificate: &Certificate, day: &str) -> Option<String> {
    (*certificate.due < *day).then(|| format!("{name}: certificate {} ran out on {}", certificate.id, certificate.due))
}

/// Each uncertainty of the channel that nobody states.
fn unstated(channel: &Channel) -> impl Iterator<Item = String> {
    let unstated = match &channel.instrument {
        Instrument::Flow(sensor) => unless(sensor.k_uncertainty_percent, "the uncertainty of its K-factor"),
        Instrument::Pressure(sensor) => unless(sensor.uncertainty, "its uncertainty"),
        Instrument::Drug(sensor) => unless(sensor.uncertainty_percent, "its uncertainty"),
        Instrument::Balance(balance) => of_balance(balance),
        Instrument::Alarm => Vec::new(),
    };
    unstated.into_iter().map(|what| format!("{}: nobody states {what}, so that only simple acceptance can pass on it", channel.name))
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
/// needs a certificate with its date, not yet run out, that covers every value which the channel may show without being out of range; a
/// reference of this bench that was still calibrated when the channel was calibrated with it; and all uncertainties stated.
pub fn calibration_gaps(bench: &Bench, day: &str) -> Vec<String> {
    let of = |channel| gaps_of(channel, day).into_iter().chain(reference_ran_out(channel, bench)).chain(unstated(channel));
    bench.channels.iter().flat_map(of).collect()
}

/// Where the reference is another channel of the bench, its certificate tells until when it was one.
fn reference_ran_out(channel: &Channel, bench: &Bench) -> Option<String> {
    let certificate = channel.certificate.as_ref()?;
    let (date, reference) = (certificate.date.as_deref()?, &certificate.reference.as_ref()?.certificate);
    let known = bench.channels.iter().filter_map(|c| c.certificate.as_ref()).find(|c| c.id == *reference)?;
    // Dates of this form are in the order of their texts.
    let name = &channel.name;
    (*known.due < *date).then(|| format!("{name}: it was made on {date} with {reference}, which had run out on {}", known.due))
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
    gaps.extend(ran_out(name, certificate, day));
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
        Instrument::Drug(sensor) => (CertifiedRange { from: 0.0, to: sensor.max.0 }, "µg/mL"),
        Instrument::Balance(balance) => (CertifiedRange { from: balance.min, to: balance.max }, "mg"),
        Instrument::Alarm => return None,
    })
}
