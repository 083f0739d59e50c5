//! Certificates that `rig calibrate` writes, that a person approves, and that a bench file refers to.
//!
//! A certificate is a TOML file that holds a SHA-256 over its own text. That finds a slip of the hand, and a figure changed after somebody put a
//! name to it; it is no signature, and whoever wants to deceive can compute another one.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files;
use crate::ledger::hex;

mod agrees;

pub use agrees::{Referred, referred};

/// Of this file's layout.
const FORMAT: u32 = 1;
/// What the line with the hash begins with; no other line of a certificate does.
const HASH_LINE: &str = "sha256 = \"";
const HEADING: &str = "# Calibration certificate of a flow sensor, written by `rig calibrate`. See rig/docs/calibration.md.
# Don't edit it: its hash would no longer be that of its text, and no bench could refer to it.
";

/// Flows in µL/h, K-factors in pulses/µL, volumes in µL, uncertainties expanded to 95.45 % (k = 2 for many deliveries).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub format: u32,
    pub status: Status,
    pub id: String,
    /// Flow channel of the bench.
    pub channel: String,
    /// Serial number of the sensor, as the one who calibrated gave it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sensor: Option<String>,
    pub bench: String,
    /// Made with anything simulated: no real bench may refer to it.
    pub simulated: bool,
    /// ISO 8601 date of the next calibration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<String>,
    /// The balance's certificate.
    pub reference: String,
    pub liquid: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approved_utc: Option<String>,
    /// Before anything was done to the sensor, and after: both are kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_found: Option<Condition>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_left: Option<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Draft,
    Approved,
}

/// The sensor as it was found or left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// ISO 8601, UTC: when the draft was written.
    pub written_utc: String,
    /// The tool that computed it.
    pub rig: String,
    /// One K-factor for all points, the largest uncertainty of any of them, and by how much one strays from it at the most.
    pub k_factor: f64,
    pub k_uncertainty_percent: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub k_linearity_percent: Option<f64>,
    /// By how much a point strays from the line between its neighbours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub curve_residual_percent: Option<f64>,
    /// What of the uncertainty is the balance's, in all volumes alike.
    pub reference_uncertainty_percent: f64,
    /// Whether each point was within what the bench had stated; only as found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within_stated: Option<bool>,
    pub point: Vec<Point>,
    pub run: Vec<Run>,
    pub delivery: Vec<Delivery>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Instantaneous flow at the pulses, their median; nine tenths of them came between the other two.
    pub flow: f64,
    pub flow_from: f64,
    pub flow_to: f64,
    pub k_factor: f64,
    pub uncertainty_percent: f64,
    pub coverage_factor: f64,
    /// Effective degrees of freedom after Welch–Satterthwaite; absent for infinitely many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dof: Option<f64>,
    pub n: usize,
    /// Standard deviation of the deliveries, what their own budgets let expect, and how often chance makes it as large.
    pub scatter_percent: f64,
    pub expected_scatter_percent: f64,
    pub scatter_chance: f64,
    /// The bench's own K-factor, how far the found one is from it, and the uncertainty that was stated for it; only as found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stated_k_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deviation_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stated_uncertainty_percent: Option<f64>,
    /// Row by row, what it rests on: standard contributions in %.
    pub budget: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub name: String,
    pub percent: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dof: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub id: String,
    pub started_utc: String,
    pub journal_sha256: String,
    pub rig: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub run: String,
    pub scenario: String,
    pub case: String,
    pub window: String,
    /// Which of the run's deliveries, from 1.
    pub number: u64,
    /// Forward less reverse.
    pub pulses: i64,
    pub volume: f64,
    pub volume_uncertainty: f64,
    pub k_factor: f64,
    pub flow: f64,
}

/// A window that gave no delivery, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub run: String,
    pub scenario: String,
    pub case: String,
    pub window: String,
    pub why: String,
}

impl Condition {
    /// ISO 8601 date on which it was found or left.
    pub fn day(&self) -> &str {
        self.written_utc.split_once('T').map_or(&self.written_utc, |(day, _)| day)
    }

    /// The instantaneous flows between which it was calibrated, in µL/h.
    pub fn range(&self) -> Option<(f64, f64)> {
        let from = self.point.iter().map(|p| p.flow_from).reduce(f64::min)?;
        let to = self.point.iter().map(|p| p.flow_to).reduce(f64::max)?;
        (from < to).then_some((from, to))
    }
}

impl Certificate {
    pub fn format() -> u32 {
        FORMAT
    }

    /// Its text, with the hash of it.
    pub fn render(&self) -> Result<String> {
        let body = toml::to_string(self)?;
        let hash = hash_of(&format!("{HEADING}{body}"));
        Ok(format!("{HEADING}{HASH_LINE}{hash}\"\n{body}"))
    }

    /// From a text that is as the rig wrote it.
    pub fn parse(text: &str) -> Result<Self> {
        let mut hashes = text.lines().filter_map(|line| line.strip_prefix(HASH_LINE));
        let (Some(stated), None) = (hashes.next().and_then(|rest| rest.strip_suffix('"')), hashes.next()) else {
            bail!("it is no certificate that `rig calibrate` wrote: it has no line with its SHA-256");
        };
        let without: String = text.split_inclusive('\n').filter(|line| !line.starts_with(HASH_LINE)).collect();
        if hash_of(&without) != stated {
            bail!("it was altered after `rig` wrote it: its text does not have the SHA-256 that it states");
        }
        let certificate: Self = toml::from_str(&without).map_err(|e| anyhow!("it can't be read: {}", e.message()))?;
        if certificate.format != FORMAT {
            bail!("it has layout {}, and this version of `rig` reads layout {FORMAT}", certificate.format);
        }
        Ok(certificate)
    }

    /// Puts it in the place of what is there, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let writing = || format!("failed to write `{}`", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).with_context(|| format!("failed to make the folder `{}`", folder.display()))?;
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let text = self.render()?;
        let mut file = fs::File::create(&partial).with_context(writing)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(writing)?;
        fs::rename(&partial, path).with_context(writing)
    }
}

/// Reads a certificate, and refuses one that was altered.
pub fn read(path: &Path) -> Result<(Certificate, String)> {
    let text = files::read(path)?;
    let certificate = Certificate::parse(&text).with_context(|| format!("`{}`", path.display()))?;
    Ok((certificate, text))
}

fn hash_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
