//! Whether a bench file says what the certificates say that it refers to.

use std::path::Path;

use rig_model::bench::{Bench, BenchKind, CertifiedRange, Channel, FlowSensor, Instrument};
use rig_model::fact::SourceText;
use rig_model::quantity::{Figures, Flow};
use sha2::{Digest, Sha256};

use super::{Certificate, Condition, Status, read};
use crate::ledger::hex;

/// Certificates are printed with six figures: numbers that differ by less than half of the last are the same.
const ROUNDING: f64 = 5e-7;

/// What a bench file's `certificate.file` leads to.
#[derive(Debug, Default)]
pub struct Referred {
    /// The files as they were read, for the record.
    pub texts: Vec<SourceText>,
    /// Why a channel may not go by its certificate, in sentences.
    pub refused: Vec<String>,
}

/// Reads each certificate to which the bench refers by file, in paths from `folder`.
pub fn referred(bench: &Bench, folder: &Path) -> Referred {
    let mut found = Referred::default();
    for channel in &bench.channels {
        let Some(file) = channel.certificate.as_ref().and_then(|c| c.file.as_ref()) else { continue };
        let path = folder.join(file);
        let refused = |why: &str| format!("channel `{}`: certificate `{}`: {why}", channel.name, path.display());
        match read(&path) {
            Err(error) => found.refused.push(format!("channel `{}`: {error:#}", channel.name)),
            Ok((certificate, text)) => {
                found.refused.extend(differences(bench.kind, channel, &certificate).iter().map(|why| refused(why)));
                let sha256 = hex(&Sha256::digest(text.as_bytes()));
                found.texts.push(SourceText { path: path.display().to_string(), sha256, text });
            }
        }
    }
    found
}

fn differences(kind: BenchKind, channel: &Channel, certificate: &Certificate) -> Vec<String> {
    let (Instrument::Flow(sensor), Some(stated)) = (&channel.instrument, &channel.certificate) else {
        return vec!["it is of a flow sensor, and this channel has none".to_owned()];
    };
    let Some(left) = certificate.as_left.as_ref().filter(|_| certificate.status == Status::Approved) else {
        return vec!["it is a draft: a person approves it first, with `rig calibrate approve`".to_owned()];
    };
    let mut found = Vec::new();
    let mut differs = |what: &str, of_bench: &str, of_certificate: &str| {
        if of_bench != of_certificate {
            found.push(format!("the bench file names {what} `{of_bench}`, the certificate `{of_certificate}`"));
        }
    };
    differs("id", &stated.id, &certificate.id);
    differs("channel", &channel.name, &certificate.channel);
    if let Some(due) = &certificate.due {
        differs("due date", &stated.due, due);
    }
    if let Some(date) = &stated.date {
        differs("date", date, left.day());
    }
    let reference = stated.reference.as_ref();
    differs("reference", reference.map_or("", |r| &r.certificate), &certificate.reference);
    if certificate.simulated && kind == BenchKind::Pi {
        found.push("it was made with a simulated sensor or balance: no real bench may go by it".to_owned());
    }
    if let Some(reference) = reference {
        let (bench, own) = (reference.uncertainty_percent, left.reference_uncertainty_percent);
        found.extend(unequal("reference_uncertainty", bench, own, " %"));
    }
    found.extend(stated.range.and_then(|range| beyond(range, left)));
    found.extend(k_factor(sensor, left));
    found
}

/// A bench may use less of the calibrated flows than there are, but not more.
fn beyond(stated: CertifiedRange, left: &Condition) -> Option<String> {
    let (from, to) = left.range().unwrap_or((0.0, 0.0));
    let within = stated.from >= from * (1.0 - ROUNDING) && stated.to <= to * (1.0 + ROUNDING);
    let show = |from: f64, to: f64| format!("{} to {} µL/h", Figures(from), Figures(to));
    (!within).then(|| format!("range is {} in the bench file, and {} in the certificate", show(stated.from, stated.to), show(from, to)))
}

/// The K-factor in either of the two ways in which a bench file can state it, and how well it is known.
fn k_factor(sensor: &FlowSensor, left: &Condition) -> Vec<String> {
    let mut found = Vec::new();
    let points = sensor.curve.points();
    let strays = if points.is_empty() {
        found.extend(unequal("k_factor", sensor.k_factor, left.k_factor, " pulses/µL"));
        left.k_linearity_percent
    } else if points.len() == left.point.len() {
        for (bench, own) in points.iter().zip(&left.point) {
            found.extend(unequal("flow of k_curve", bench.flow, own.flow, " µL/h"));
            found.extend(unequal(&format!("k_curve at {}", Flow(own.flow)), bench.k_factor, own.k_factor, " pulses/µL"));
        }
        left.curve_residual_percent
    } else {
        found.push(format!("k_curve has {} points in the bench file, and {} in the certificate", points.len(), left.point.len()));
        None
    };
    found.extend(less("k_uncertainty", sensor.k_uncertainty_percent, left.k_uncertainty_percent));
    found.extend(strays.and_then(|strays| less("k_linearity", Some(sensor.accuracy.linearity_percent), strays)));
    found
}

fn unequal(what: &str, bench: f64, certificate: f64, unit: &str) -> Option<String> {
    let same = (bench - certificate).abs() <= ROUNDING * certificate.abs();
    (!same).then(|| format!("{what} is {}{unit} in the bench file, and {}{unit} in the certificate", Figures(bench), Figures(certificate)))
}

/// A bench may know a figure less well than its certificate (it may add what a sensor drifts until it is due), but not better.
fn less(what: &str, bench: Option<f64>, certificate: f64) -> Option<String> {
    let Some(bench) = bench else {
        return Some(format!("{what} is not in the bench file, and {} % in the certificate", Figures(certificate)));
    };
    let enough = bench >= certificate * (1.0 - ROUNDING);
    (!enough)
        .then(|| format!("{what} is {} % in the bench file, less than the {} % of the certificate", Figures(bench), Figures(certificate)))
}
