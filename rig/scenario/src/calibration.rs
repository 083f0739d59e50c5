//! What of a bench's calibration every report must tell.

use rig_model::bench::{Bench, Channel, Instrument};

/// In sentences, in the order of the channels: what rests on no certificate, on one that had run out by `day` (ISO 8601), or on an
/// uncertainty that nobody states. A certificate holds on its due day and no longer.
pub fn calibration_warnings(bench: &Bench, day: &str) -> Vec<String> {
    bench.channels.iter().flat_map(|channel| of_channel(channel, day)).collect()
}

fn of_channel(channel: &Channel, day: &str) -> Vec<String> {
    let (what, uncertainty) = match &channel.instrument {
        Instrument::Flow(sensor) => (Some("K-factor"), sensor.k_uncertainty_percent.is_some()),
        Instrument::Pressure(sensor) => (sensor.uncertainty.map(|_| "uncertainty"), sensor.uncertainty.is_some()),
        Instrument::Alarm => return Vec::new(),
    };
    let name = &channel.name;
    let mut warnings = Vec::new();
    match (&channel.certificate, what) {
        // Dates of this form are in the order of their texts.
        (Some(certificate), _) if *certificate.due < *day => {
            warnings.push(format!("{name}: certificate {} ran out on {}", certificate.id, certificate.due));
        }
        (Some(_), _) | (None, None) => {}
        (None, Some(what)) => warnings.push(format!("{name}: its {what} rests on no certificate")),
    }
    if !uncertainty {
        let of = if matches!(channel.instrument, Instrument::Flow(_)) { "the uncertainty of its K-factor" } else { "its uncertainty" };
        warnings.push(format!("{name}: nobody states {of}, so that only simple acceptance can pass on it"));
    }
    warnings
}
