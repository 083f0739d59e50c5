//! Approved plans: read with their signature, and put to use by a run and by its replay.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use rig_evidence::{ApprovedPlan, ApprovedTest};
use rig_model::bench::{Bench, ExpectedFirmware};
use rig_model::fact::{Approval, Header, SourceText};
use rig_report::printable;

use crate::allowed::SignersFile;
use crate::failure::{Failure, OrExit, USAGE, failure};
use crate::{files, inputs};

pub mod leave;

/// A plan whose signature was found good.
#[derive(Debug)]
pub struct Approved {
    pub plan: ApprovedPlan,
    /// The file as it was read, which is what was signed.
    pub document: SourceText,
    /// SSHSIG, armored.
    pub signature: String,
}

/// Where the signature of a file lies.
pub fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

impl Approved {
    /// Reads a plan and its signature, and holds it against the signers: an approver's, valid when it was signed, and no bench's key.
    pub fn read(path: &Path, signers: &SignersFile, reports: &Path) -> Result<Self, Failure> {
        let text = files::read(path).or_exit(USAGE)?;
        let plan = ApprovedPlan::parse(&text).with_context(|| unapproved(path)).or_exit(USAGE)?;
        let beside = signature_of(path);
        if !beside.exists() {
            let why =
                format!("`{}` has no signature beside it (`{}`): a plan is approved with `rig approve`", path.display(), beside.display());
            return Err(failure(USAGE, why));
        }
        let signature = files::read(&beside).or_exit(USAGE)?;
        let document = inputs::source(path.display().to_string(), text);
        leave::check(&plan, &document.text, &signature, signers, reports)
            .map_err(|why| Failure { code: USAGE, error: why.error.context(format!("the plan `{}` is not approved", path.display())) })?;
        Ok(Self { plan, document, signature })
    }

    /// The test of that name, or the only one.
    pub fn test(&self, name: Option<&str>) -> Result<&ApprovedTest, Failure> {
        let names: Vec<String> = self.plan.tests.iter().map(|t| format!("`{}`", t.name)).collect();
        let names = names.join(", ");
        match (name, self.plan.tests.as_slice()) {
            (Some(name), _) => {
                let found = self.plan.test(name);
                found.ok_or_else(|| failure(USAGE, format!("the plan {} has no test `{}`, but {names}", self.plan.id, printable(name))))
            }
            (None, [only]) => Ok(only),
            (None, _) => {
                Err(failure(USAGE, format!("the plan {} has several tests: say which with `--test`, one of {names}", self.plan.id)))
            }
        }
    }

    /// For the record of a run of this test.
    pub fn approval(&self, test: &ApprovedTest) -> Approval {
        Approval { document: self.document.clone(), signature: self.signature.clone(), test: test.name.clone() }
    }
}

/// In few words: which plan, whose, since when.
impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ApprovedPlan { id, revision, name, approver, utc, .. } = &self.plan;
        let text = format!("{id} revision {revision}, approved by {name} ({approver}) on {utc}");
        f.write_str(&printable(&text))
    }
}

/// The usual mistakes get more than "no approved plan".
fn unapproved(path: &Path) -> String {
    let toml = path.extension().is_some_and(|e| e == "toml");
    let hint = if toml { "; `rig approve` makes an approved plan (.approved.json) of it" } else { "" };
    format!("`{}` can't be read as an approved plan{hint}", path.display())
}

/// A run under a plan takes only the boards and the firmware that the plan names; that follows from its header, so that a replay decides the same.
pub fn hold_to(header: &Header, bench: &mut Bench) -> Result<()> {
    let Some(approval) = &header.provenance.approval else { return Ok(()) };
    let plan = ApprovedPlan::parse(&approval.document.text).context("the approved plan in the header can't be read")?;
    let test = plan.test(&approval.test).ok_or_else(|| anyhow!("the approved plan in the header has no test `{}`", approval.test))?;
    bench.dut.serials.clone_from(&test.duts);
    let planned = &test.firmware.build_hashes;
    let named = bench.dut.firmware.take().unwrap_or_default();
    let both: Vec<String> = named.build_hashes.iter().filter(|hash| planned.contains(hash)).cloned().collect();
    // Where another firmware was named, the board must run that one; that it is not the plan's is a difference of its own.
    let build_hashes = match (named.build_hashes.is_empty(), both.is_empty()) {
        (true, _) => planned.clone(),
        (false, true) => named.build_hashes,
        (false, false) => both,
    };
    bench.dut.firmware = Some(ExpectedFirmware { image: named.image, build_hashes });
    Ok(())
}
