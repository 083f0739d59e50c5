//! What of a bench file an auditor asks for: the certificates of its channels, and the firmware that its board must run.

use chrono::NaiveDate;
use rig_model::bench::{Certificate, CertifiedRange, ExpectedFirmware, Reference};
use rig_model::quantity::Dimension;

use crate::bench::{BenchReader, DRUG, THERMAL};
use crate::bench_balance::MASS;
use crate::bench_grammar::CERTIFICATE;
use crate::expression::evaluate;
use crate::node::Node;
use crate::read::{Fields, Sign};

/// Between the ends of a range.
const TO: &str = " to ";
/// Hexadecimal digits of a build hash: a SHA-1 or the 20 bytes that the reference pump tells, and a whole SHA-256.
pub(crate) const HASH_DIGITS: [usize; 2] = [40, 64];

impl BenchReader<'_> {
    pub(crate) fn certificate(&mut self, node: &Node, sensor: &str) -> Option<Certificate> {
        let fields = self.read.map(node, CERTIFICATE, "`certificate`")?;
        let id = fields.get("id").and_then(|n| self.read.name(n, "id"));
        let date = fields.get("date").map_or(Some(None), |n| self.date(n, "date").map(Some));
        let range = fields.get("range").map_or(Some(None), |n| self.certified_range(n, sensor).map(Some));
        let due = self.date(fields.get("due")?, "due");
        let file = match fields.get("file") {
            None => None,
            Some(node) => Some(self.read.text(node, "file")?.to_owned()),
        };
        let instrument = match fields.get("instrument") {
            None => None,
            Some(node) => Some(self.read.text(node, "instrument")?.to_owned()),
        };
        let reference = self.reference(&fields);
        let (date, due) = (date?, due?);
        // Dates of this form are in the order of their texts.
        if date.as_ref().is_some_and(|date| *date > due) {
            let help = "`date` is the day of the calibration, `due` that of the next one";
            self.read.out.error_with_help(fields.key_at("date"), "the certificate was due before it was made", help);
        }
        Some(Certificate { id: id?, date, due, range: range?, instrument, file, reference: reference? })
    }

    fn date(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.read.text(node, key)?;
        let digits = |range: std::ops::Range<usize>| text.get(range).is_some_and(|d| d.chars().all(|c| c.is_ascii_digit()));
        if text.len() != 10 || !digits(0..4) || !digits(5..7) || !digits(8..10) || &text[4..5] != "-" || &text[7..8] != "-" {
            self.read.out.error_with_help(node.at, format!("`{text}` is not a date"), "a date is written `2027-06-30`");
            return None;
        }
        if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_err() {
            self.read.out.error(node.at, format!("the calendar has no day `{text}`"));
            return None;
        }
        Some(text.to_owned())
    }

    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a key that is not there")]
    fn reference(&mut self, fields: &Fields<'_>) -> Option<Option<Reference>> {
        match (fields.get("reference"), fields.get("reference_uncertainty")) {
            (None, None) => Some(None),
            (Some(certificate), Some(uncertainty)) => {
                let certificate = self.read.name(certificate, "reference");
                let uncertainty = self.read.quantity(uncertainty, "reference_uncertainty", Dimension::Ratio, Sign::NotNegative);
                Some(Some(Reference { certificate: certificate?, uncertainty_percent: uncertainty?.to_f64() }))
            }
            _ => {
                self.read.out.error(fields.at, "`reference` and `reference_uncertainty` go together");
                Some(None)
            }
        }
    }

    /// `"2 µL/h to 2 L/h"`: in the quantity of the channel, each end with its unit.
    fn certified_range(&mut self, node: &Node, sensor: &str) -> Option<CertifiedRange> {
        let example = match sensor {
            "pressure" => "-20 kPa to 250 kPa",
            "balance" => "0 g to 120 g",
            DRUG => "0 mg/mL to 50 mg/mL",
            _ => "2 µL/h to 2 L/h",
        };
        let text = self.read.text(node, "range")?;
        let Some((from, to)) = text.split_once(TO) else {
            let help = format!("what the certificate covers, for example `range = \"{example}\"`");
            self.read.out.error_with_help(node.at, format!("`range` can't be `{text}`"), help);
            return None;
        };
        let behind = from.chars().count() + TO.len();
        let range = match sensor {
            "balance" => CertifiedRange { from: self.number_in(node, from, "range", MASS)?, to: self.number_in(node, to, "range", MASS)? },
            "flow" | THERMAL => self.ends(node, from, (to, behind), Dimension::Flow)?,
            DRUG => self.ends(node, from, (to, behind), Dimension::Concentration)?,
            _ => self.ends(node, from, (to, behind), Dimension::Pressure)?,
        };
        if range.from < range.to {
            return Some(range);
        }
        self.read.out.error_with_help(node.at, "the range begins below its end", format!("for example `range = \"{example}\"`"));
        None
    }

    /// `to` with the number of characters before it.
    fn ends(&mut self, node: &Node, from: &str, (to, before): (&str, usize), dimension: Dimension) -> Option<CertifiedRange> {
        let mut end = |text: &str, offset: usize| {
            let quantity = evaluate(text, &self.read.scope, Some(dimension));
            let quantity = self.read.or_trouble(node, offset, quantity)?;
            self.read.fits(node, "range", quantity, dimension, Sign::Any).map(|q| q.to_f64())
        };
        let (from, to) = (end(from, 0), end(to, before));
        Some(CertifiedRange { from: from?, to: to? })
    }

    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a board that may run anything")]
    pub(crate) fn expected_firmware(&mut self, fields: &Fields<'_>) -> Option<Option<ExpectedFirmware>> {
        let image = fields.get("firmware").map_or(Some(None), |n| self.read.text(n, "firmware").map(|t| Some(t.to_owned())));
        let hash = fields.get("build_hash").map_or(Some(None), |n| self.build_hash(n).map(Some));
        let (image, hash) = (image?, hash?);
        if image.is_none() && hash.is_none() {
            return Some(None);
        }
        Some(Some(ExpectedFirmware { image, build_hashes: hash.into_iter().collect() }))
    }

    fn build_hash(&mut self, node: &Node) -> Option<String> {
        let text = self.read.text(node, "build_hash")?;
        if HASH_DIGITS.contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit()) {
            return Some(text.to_ascii_lowercase());
        }
        let help = "40 or 64 hexadecimal digits, as `firmware_sha256` in results.csv shows them";
        self.read.out.error_with_help(node.at, format!("`build_hash` can't be `{text}`"), help);
        None
    }
}
