//! An approver's signature: made, and held against the allowed signers.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, SubsecRound, Utc};
use rig_evidence::{ApprovedPlan, Role, utc_text};
use rig_report::printable;

use crate::allowed::{Allowed, SignersFile};
use crate::failure::{BENCH, Failure, OrExit, USAGE};
use crate::keys::SigningKey;

/// Somebody who may approve now, with the key for it.
#[derive(Debug)]
pub struct Approver {
    pub principal: String,
    /// When the plan is approved, as the plan has it: ISO 8601, UTC.
    pub utc: String,
    key: SigningKey,
}

impl Approver {
    /// The approver whose key this is, if the allowed signers say so; under the name given, or the first that they have for the key.
    pub fn find(key: &Path, principal: Option<&str>, signers: &SignersFile, reports: &Path) -> Result<Self, Failure> {
        let key = SigningKey::open(key).or_exit(USAGE)?;
        let allowed = signers.read(reports)?;
        let now = Utc::now().trunc_subsecs(0);
        let principal = name(&allowed, &key, principal, now).or_exit(USAGE)?;
        Ok(Self { principal, utc: utc_text(now), key })
    }

    /// SSHSIG over the text, armored. Asks for the passphrase if the key has one.
    pub fn sign(&mut self, text: &str) -> Result<String, Failure> {
        self.key.unlock().or_exit(USAGE)?;
        let signature = self.key.sign(Role::Approver, text.as_bytes()).or_exit(BENCH)?;
        String::from_utf8(signature).or_exit(BENCH)
    }
}

/// As whom the key signs.
fn name(allowed: &Allowed, key: &SigningKey, principal: Option<&str>, now: DateTime<Utc>) -> Result<String> {
    let names = allowed.signers.may_sign(key.public(), Role::Approver, principal, now);
    let names = names.map_err(|why| anyhow!("nothing was approved: {}\n{}", printable(&why.to_string()), allowed.who(Role::Approver)))?;
    match principal.map(str::to_owned).or_else(|| names.into_iter().next()) {
        Some(name) => Ok(name),
        None => bail!("nothing was approved: the allowed signers have only patterns for your key; say who you are with `--principal NAME`"),
    }
}

/// Whether the plan was signed by an approver who might sign when the plan says that it was.
pub fn check(plan: &ApprovedPlan, text: &str, signature: &str, signers: &SignersFile, reports: &Path) -> Result<(), Failure> {
    let allowed = signers.read(reports)?;
    let when = DateTime::parse_from_rfc3339(&plan.utc).map(|t| t.with_timezone(&Utc)).ok().filter(|t| utc_text(*t) == plan.utc);
    let when = when.ok_or_else(|| anyhow!("`{}` is no time of approval", printable(&plan.utc))).or_exit(USAGE)?;
    let good = allowed.signers.verify(signature.as_bytes(), text.as_bytes(), Role::Approver, &plan.approver, when);
    let good = good.map_err(|why| anyhow!("{}\n{}", printable(&why.to_string()), allowed.who(Role::Approver)));
    good.map(drop).context("its signature proves nothing").or_exit(USAGE)
}
