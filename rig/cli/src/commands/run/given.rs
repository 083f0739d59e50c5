//! What the one who plays says of a run, where its tool comes from, and whether all that is enough for evidence.

use rig_model::bench::BenchKind;
use rig_model::fact::{Environment, FirmwareImage, Header, Provenance};
use rig_report::printable;

use super::Job;
use crate::commands::sign::words;
use crate::failure::{Failure, USAGE, failure};
use crate::gate::{Ask, Asked, PlanStanding};
use crate::{build, clock, gate};

/// What the one who plays says of it for the record.
#[derive(Debug, Default)]
pub struct Given {
    pub asked: Asked,
    pub firmware: Option<FirmwareImage>,
    pub environment: Option<Environment>,
    /// Checks that the bench could not decide.
    pub undecided: usize,
}

/// A name in one line in which there is something to read.
pub fn operator(text: &str) -> Result<String, String> {
    words(text).ok().filter(|name| gate::names_somebody(name)).ok_or_else(|| "it must name somebody, in one line".to_owned())
}

impl Job<'_> {
    /// With its claim to be evidence, or with all that stands against it. `differences` from the approved plan under which it is played, if it is.
    pub(super) fn at_the_gate(&self, mut header: Header, differences: Option<&[String]>) -> Result<Header, Failure> {
        let Given { asked, undecided, .. } = self.given;
        let plan = differences.map_or(PlanStanding::None, |differences| PlanStanding::Approved { differences });
        let reasons = gate::reasons(&header, &self.bench, Ask { asked, undecided, plan });
        if asked == Asked::Evidence && !reasons.is_empty() {
            let list: String = reasons.iter().map(|why| format!("\n  {}", printable(why))).collect();
            return Err(failure(USAGE, format!("nothing was played, because the run would be no evidence:{list}")));
        }
        header.evidence = asked == Asked::Evidence;
        header.provenance.not_evidence = reasons;
        Ok(header)
    }

    pub(super) fn provenance(&self) -> Provenance {
        let kind = self.bench.kind;
        Provenance {
            rig: Some(build::build(kind)),
            clock: (kind != BenchKind::Sim).then(clock::now),
            environment: self.given.environment.clone(),
            firmware: self.given.firmware.clone(),
            ..Provenance::default()
        }
    }
}
