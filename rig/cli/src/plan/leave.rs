//! An approver's signature: made, and held against the allowed signers.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use rig_evidence::{ApprovedPlan, Role, Signers};

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::files;

/// Somebody who may approve, with the key for it.
pub struct Approver {
    principal: String,
    key: ssh_key::PrivateKey,
}

impl Approver {
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// SSHSIG over the text, armored.
    pub fn sign(&self, text: &str) -> Result<String, Failure> {
        let signature = self.key.sign(Role::Approver.namespace(), ssh_key::HashAlg::Sha512, text.as_bytes());
        let armored = signature.and_then(|signature| signature.to_pem(ssh_key::LineEnding::LF));
        armored.map_err(|error| failure(BENCH, format!("the plan can't be signed: {error}")))
    }
}

/// The approver whose key this is, if the signers allow it now.
pub fn approver(key: &Path, signers: Option<&Path>) -> Result<Approver, Failure> {
    let (signers, path) = read(signers, Path::new("reports"))?;
    let text = files::read(key).or_exit(USAGE)?;
    let private = ssh_key::PrivateKey::from_openssh(&text)
        .map_err(|error| failure(USAGE, format!("`{}` is no OpenSSH private key: {error}", key.display())))?;
    let names = signers.may_sign(private.public_key(), Role::Approver, None, Utc::now());
    let names = names.map_err(|why| failure(USAGE, format!("`{}` may not approve: {why} ({})", key.display(), path.display())))?;
    match names.as_slice() {
        [only] => Ok(Approver { principal: only.clone(), key: private }),
        _ => Err(failure(USAGE, format!("the signers' file does not give `{}` one name", key.display()))),
    }
}

/// Whether the plan was signed by an approver who might sign when the plan says that it was.
pub fn check(plan: &ApprovedPlan, text: &str, signature: &str, signers: Option<&Path>, reports: &Path) -> Result<(), Failure> {
    let (signers, path) = read(signers, reports)?;
    let when = DateTime::parse_from_rfc3339(&plan.utc).map(|t| t.with_timezone(&Utc));
    let when = when.map_err(|_| failure(USAGE, format!("`{}` is no time of approval", rig_report::printable(&plan.utc))))?;
    let good = signers.verify(signature.as_bytes(), text.as_bytes(), Role::Approver, &plan.approver, when);
    good.map(drop).with_context(|| format!("its signature, held against `{}`", path.display())).or_exit(USAGE)
}

/// The signers' file that is meant, and what it says.
fn read(named: Option<&Path>, reports: &Path) -> Result<(Signers, PathBuf), Failure> {
    let from_environment = || std::env::var_os("RIG_SIGNERS").filter(|v| !v.is_empty()).map(PathBuf::from);
    let path = named.map(Path::to_owned).or_else(from_environment).unwrap_or_else(|| reports.join("allowed_signers"));
    let text =
        files::read(&path).context("there are no allowed signers: name their file with `--signers` or RIG_SIGNERS").or_exit(USAGE)?;
    let signers = Signers::parse(&text).map_err(|wrong| {
        let lines: Vec<String> = wrong.iter().map(|w| format!("{}: {w}", path.display())).collect();
        Failure { code: USAGE, error: anyhow!("{}", rig_report::printable(&lines.join("; "))) }
    })?;
    Ok((signers, path))
}
