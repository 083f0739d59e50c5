//! Every report made again of the facts, and held against its file.

use std::collections::BTreeMap;
use std::io::{self, BufWriter};

use rig_evidence::FileDigest;
use rig_model::bench::Bench;
use rig_model::fact::{Body, Fact};
use rig_report::{End, Views};

use super::compare::{Comparing, Comparison, Difference, compare};
use super::files::Files;
use super::findings::Fault;
use super::journal::{chain, not_readable};
use crate::recorder::flow_channels;

/// A report's file, held against what follows from the journal.
#[derive(Debug)]
pub struct Report {
    pub digest: FileDigest,
    pub difference: Option<Difference>,
}

/// All reports, as they are being compared.
pub struct Compared {
    views: Views,
    comparisons: BTreeMap<String, Comparison>,
    /// Why the run is no evidence, as came to light while it was played; every row says so.
    late: Vec<String>,
}

/// Views write in small pieces.
const BUFFER: usize = 64 * 1024;

impl Compared {
    pub fn new(files: &dyn Files, bench: &Bench, late: Vec<String>) -> Self {
        let mut comparisons = BTreeMap::new();
        let views = Views::new(flow_channels(bench), |name| {
            let (comparing, comparison) = open(files, name)?;
            comparisons.insert(name.to_owned(), comparison);
            Ok(BufWriter::with_capacity(BUFFER, comparing))
        });
        Self { views, comparisons, late }
    }

    pub fn take(&mut self, fact: &Fact) {
        match &fact.body {
            Body::Header(header) if !self.late.is_empty() => {
                let mut header = header.clone();
                header.provenance.not_evidence.extend(self.late.iter().cloned());
                self.views.take(&Fact { body: Body::Header(header), ..*fact });
            }
            _ => self.views.take(fact),
        }
    }

    /// After the last fact.
    pub fn finish(self, complete: bool) -> Result<BTreeMap<String, Report>, Fault> {
        let finished = self.views.finish(if complete { End::Complete } else { End::Cut });
        if let Some(error) = finished.errors.first() {
            return Err(Fault::new(error.view, format!("it can't be made again: {}", chain(error)), "see that you may read the file"));
        }
        let report = |(name, comparison): (String, Comparison)| match comparison.finish() {
            Ok((digest, difference)) => Ok((name, Report { digest, difference })),
            Err(error) => Err(not_readable(&name, &error)),
        };
        self.comparisons.into_iter().map(report).collect()
    }
}

/// A file that is not there is an empty one here; that it is missing is told elsewhere.
fn open(files: &dyn Files, name: &str) -> io::Result<(Comparing, Comparison)> {
    match files.open(name) {
        Ok(file) => Ok(compare(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(compare(Box::new(io::empty()))),
        Err(error) => Err(error),
    }
}
