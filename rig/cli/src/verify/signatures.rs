//! What lies in `signed/`: numbered statements, each covering the manifest and all before it, and the signatures on them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rig_evidence::{
    ApprovedPlan, Broken, Chain, Role, Signed, SignedStatement, Signers, Statement, conflicts, deviations, key_of, open_deviations,
};
use rig_model::fact::Header;

use super::files::Files;
use super::findings::{Fault, Findings, count};
use super::journal::not_readable;
use super::{Beside, dates};
use crate::folder::JOURNAL;

/// What to do about a statement that does not fit.
const STATEMENT: &str = "keep this folder as it is and take what lies in `signed` from a copy; if there is none, whoever signed must look at the run and sign again";
const NOT_ALLOWED: &str = "ask whoever keeps the file of allowed signers; if the signature is not to count, the run has to be signed again";

/// The statements as they lie there, with all that is wrong with them but for the signatures.
pub fn statements(files: &dyn Files, names: &BTreeSet<String>, run_id: &str, manifest: &[u8], findings: &mut Findings) -> Chain {
    let folder = format!("{}/", Statement::FOLDER);
    let mut found = Vec::new();
    if names.contains(&folder) {
        findings.warnings.push(format!("`{folder}` is there and empty: if something was signed, it was removed"));
    }
    for (name, short) in names.iter().filter_map(|name| Some((name, name.strip_prefix(&folder)?))).filter(|(_, short)| !short.is_empty()) {
        match files.read(name) {
            Ok(bytes) => found.push((short.to_owned(), bytes)),
            Err(error) => findings.faults.push(not_readable(name, &error)),
        }
    }
    let chain = Chain::of(run_id, manifest, &found);
    findings.remarks.extend(chain.warnings.iter().cloned());
    findings.faults.extend(chain.faults.iter().map(|fault| statement_fault(&fault.file, &fault.broken)));
    chain
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    pub header: &'a Header,
    /// Its text.
    pub manifest: &'a [u8],
    /// It claims to be evidence, and nothing in its record stands against that.
    pub claims: bool,
}

/// Looks through all statements. Without signers, what was signed is checked, and not by whom.
pub fn check(files: &dyn Files, names: &BTreeSet<String>, run: &Signable<'_>, beside: Beside<'_>, findings: &mut Findings) -> Chain {
    let Signable { header, manifest, claims } = *run;
    let signers = beside.signers;
    let chain = statements(files, names, &header.run_id, manifest, findings);
    dates::check(&chain, header, beside, findings);
    let all = deviations(&chain);
    findings.warnings.extend(open_deviations(&all).iter().map(|d| format!("deviation {} of row {} is open: {}", d.id, d.row, d.note)));
    if chain.statements.is_empty() {
        findings.covered("signatures", "none: nobody has signed this run");
        approval(header, signers, findings);
        claim(claims, &[], findings);
        return chain;
    }
    approval(header, signers, findings);
    let Some(signers) = signers else {
        let signed = chain.statements.len() as u64;
        findings.unproven += signed;
        let by = |s: &SignedStatement| format!("{} {} ({})", s.statement.role, s.statement.name, s.statement.signer);
        findings.each("signatures", format!("{}, not checked:", count(signed, "signature")), chain.statements.iter().map(by));
        return chain;
    };
    let mut good = Vec::new();
    let mut told = Vec::new();
    for (signed, verified) in chain.statements.iter().zip(chain.signatures(signers)) {
        let statement = &signed.statement;
        match verified {
            Ok(signature) => {
                good.push(statement.role);
                let what = match &statement.what {
                    Signed::Record => String::new(),
                    Signed::Deviation { row, id, disposition } => format!(", row {row}, {id}: {disposition}"),
                };
                told.push(format!("{} {} ({}{what})", statement.role, statement.name, signature.principal));
            }
            Err(why) => findings.faults.push(Fault::new(statement.signature_file(), why.to_string(), NOT_ALLOWED)),
        }
    }
    findings.each("signatures", format!("{} good:", count(good.len() as u64, "signature")), told);
    for conflict in conflicts(&chain.people(), header.operator.as_deref()) {
        findings.faults.push(Fault::new(Statement::FOLDER, conflict.to_string(), "have somebody else review the run and sign"));
    }
    claim(claims, &good, findings);
    chain
}

fn statement_fault(file: &str, broken: &Broken) -> Fault {
    let fault = Fault::new(file, broken.to_string(), STATEMENT);
    match broken {
        Broken::Changed { found, expected, .. } => fault.differs(format!("SHA-256 {expected}"), format!("SHA-256 {found}")),
        Broken::Covers { found, expected } | Broken::Run { found, expected } => fault.differs(expected, found),
        _ => fault,
    }
}

/// The approval that the run was played under, as it stands in the header.
fn approval(header: &Header, signers: Option<&Signers>, findings: &mut Findings) {
    let Some(approval) = &header.provenance.approval else { return };
    let text = &approval.document.text;
    let wrong = |why: String| {
        let next = "see that the plan is approved by somebody who may: the run was played under what nobody stands for";
        Fault::new(JOURNAL, format!("the approval of `{}` in its header proves nothing: {why}", approval.document.path), next).line(1)
    };
    let plan = match ApprovedPlan::parse(text) {
        Ok(plan) => plan,
        Err(error) => return findings.faults.push(wrong(error.to_string())),
    };
    let Ok(at) = plan.utc.parse::<DateTime<Utc>>() else { return findings.faults.push(wrong(format!("its time is `{}`", plan.utc))) };
    let (signature, text) = (approval.signature.as_bytes(), text.as_bytes());
    let proven = match signers {
        Some(signers) => signers.verify(signature, text, Role::Approver, &plan.approver, at).map(drop),
        None => {
            findings.unproven += 1;
            key_of(signature, text, Role::Approver).map(drop)
        }
    };
    match proven {
        Ok(()) if signers.is_some() => {
            let ApprovedPlan { id, revision, name, approver, utc, .. } = plan;
            findings
                .covered("approval", format!("{id} revision {revision}, test {}, approved by {name} ({approver}) on {utc}", approval.test));
        }
        Ok(()) => {}
        Err(why) => findings.faults.push(wrong(why.to_string())),
    }
}

/// A run that claims to be evidence, and which of the signatures that should bear it out are not there yet.
fn claim(claims: bool, good: &[Role], findings: &mut Findings) {
    if !claims {
        return;
    }
    let missing: Vec<&str> = Role::ALL.into_iter().filter(|role| !good.contains(role)).map(Role::name).collect();
    if missing.is_empty() {
        findings.covered("evidence", "it claims to be, and bench, operator, reviewer and approver have signed it");
    } else {
        findings.remarks.push(format!("it claims to be evidence, but there is no good signature of its {}", missing.join(", ")));
    }
}
