//! What lies in `signed/`: numbered statements, each covering the manifest and all before it, and the signatures on them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rig_evidence::{Broken, Chain, Role, Signed, Signers, Statement, conflicts, deviations, key_of, open_deviations};
use rig_model::fact::Header;

use super::files::Files;
use super::findings::{Fault, Findings, count};
use super::journal::not_readable;

/// What to do about a statement that does not fit.
const STATEMENT: &str = "keep this folder as it is and take what lies in `signed` from a copy; if there is none, whoever signed must look at the run and sign again";
const NOT_ALLOWED: &str = "ask whoever keeps the file of allowed signers; if the signature is not to count, the run has to be signed again";

/// Looks through all statements. Without signers, what was signed is checked, and not by whom.
pub fn check(
    files: &dyn Files,
    names: &BTreeSet<String>,
    header: &Header,
    manifest: &[u8],
    signers: Option<&Signers>,
    findings: &mut Findings,
) -> Option<Chain> {
    let folder = format!("{}/", Statement::FOLDER);
    let mut found = Vec::new();
    for (name, short) in names.iter().filter_map(|name| Some((name, name.strip_prefix(&folder)?))) {
        match files.read(name) {
            Ok(bytes) => found.push((short.to_owned(), bytes)),
            Err(error) => findings.faults.push(not_readable(name, &error)),
        }
    }
    let chain = Chain::of(&header.run_id, manifest, &found);
    findings.remarks.extend(chain.warnings.iter().cloned());
    findings.faults.extend(chain.faults.iter().map(|fault| statement_fault(&fault.file, &fault.broken)));
    if found.is_empty() {
        findings.covered("signatures", "none: nobody has signed this run");
        claim(header, &chain, &[], signers, findings);
        return Some(chain);
    }
    let Some(signers) = signers else {
        findings.unproven = chain.statements.len() as u64;
        return Some(chain);
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
    findings.covered("signatures", format!("{} good: {}", count(good.len() as u64, "signature"), told.join("; ")));
    for conflict in conflicts(&chain.people(), header.operator.as_deref()) {
        findings.faults.push(Fault::new(folder.trim_end_matches('/'), conflict.to_string(), "have somebody else review the run and sign"));
    }
    let all = deviations(&chain);
    findings.remarks.extend(open_deviations(&all).iter().map(|d| format!("deviation {} of row {} is open: {}", d.id, d.row, d.note)));
    claim(header, &chain, &good, Some(signers), findings);
    Some(chain)
}

fn statement_fault(file: &str, broken: &Broken) -> Fault {
    let fault = Fault::new(file, broken.to_string(), STATEMENT);
    match broken {
        Broken::Changed { found, expected, .. } => fault.differs(format!("SHA-256 {expected}"), format!("SHA-256 {found}")),
        Broken::Covers { found, expected } | Broken::Run { found, expected } => fault.differs(expected, found),
        _ => fault,
    }
}

/// A run that claims to be evidence rests on an approval that was signed before it, and on the bench's signature after it.
fn claim(header: &Header, chain: &Chain, good: &[Role], signers: Option<&Signers>, findings: &mut Findings) {
    let next = "it can't be used as evidence as it is: see that the bench has a key, and that the plan is approved by somebody who may";
    if let Some(approval) = &header.provenance.approval {
        let text = approval.document.text.as_bytes();
        let at = header.started_utc.parse::<DateTime<Utc>>().unwrap_or(DateTime::UNIX_EPOCH);
        let key = key_of(approval.signature.as_bytes(), text, Role::Approver);
        let approved = key.and_then(|key| signers.map_or(Ok(Vec::new()), |signers| signers.may_sign(&key, Role::Approver, None, at)));
        let plan = &approval.document.path;
        match approved {
            Ok(names) if !names.is_empty() => findings.covered("approval", format!("`{plan}`, approved by {}", names.join(", "))),
            Ok(_) => findings.unproven += 1,
            Err(why) => {
                let what = format!("the approval of `{plan}` in its header proves nothing: {why}");
                findings.faults.push(Fault::new(crate::folder::JOURNAL, what, next).line(1));
            }
        }
    }
    let bench_signed =
        good.contains(&Role::Bench) || (signers.is_none() && chain.statements.iter().any(|s| s.statement.role == Role::Bench));
    if header.evidence && !bench_signed {
        let what = "the run claims to be evidence, but its bench has not signed it";
        findings.faults.push(Fault::new(crate::folder::JOURNAL, what, next).line(1));
    }
}
