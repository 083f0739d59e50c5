//! The bench signs what it recorded, at the end of a run: no person's word, but that this record was made where that key is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use chrono::{SubsecRound, Utc};
use rig_evidence::{Manifest, Role, Signed};
use rig_model::fact::Header;
use rig_report::printable;

use crate::allowed::SignersFile;
use crate::failure::{Failure, OrExit, USAGE};
use crate::folder::RunFolder;
use crate::keys::SigningKey;
use crate::signing::{Signable, Words};

#[derive(Debug, Clone, clap::Args)]
pub struct BenchKeyFile {
    /// Key with which the bench signs the record at the end of the run
    #[arg(long, value_name = "FILE", env = "RIG_BENCH_KEY", hide_env_values = true)]
    bench_key: Option<PathBuf>,
}

/// A bench's key that is ready to sign.
#[derive(Debug)]
pub struct BenchKey {
    key: SigningKey,
    signer: String,
}

impl BenchKeyFile {
    /// The key, if there is to be one. Whatever is wrong with it is told before anything is played.
    pub fn open(&self, signers: &SignersFile, bench: &str, reports: &Path) -> Result<Option<BenchKey>, Failure> {
        let Some(path) = self.bench_key.as_deref() else { return Ok(None) };
        let mut key = SigningKey::open(path).context("nothing was played: the bench's key can't be used").or_exit(USAGE)?;
        let mut signer = principal(bench);
        // A bench may not know who is allowed; then only its key goes into the record, and is held against the file by `rig verify`.
        if signers.path(reports).exists() {
            let allowed = signers.read(reports)?;
            let names = allowed.signers.may_sign(key.public(), Role::Bench, None, Utc::now());
            let refused =
                |why: rig_evidence::Unproven| anyhow!("nothing was played: {}\n{}", printable(&why.to_string()), allowed.who(Role::Bench));
            let names = names.map_err(refused).or_exit(USAGE)?;
            if !names.contains(&signer) {
                signer = names.into_iter().next().unwrap_or(signer);
            }
        }
        key.unlock().context("nothing was played: the bench's key can't be used").or_exit(USAGE)?;
        Ok(Some(BenchKey { key, signer }))
    }
}

impl BenchKey {
    /// Signs a run that was closed. One without a manifest can't be signed, and says so otherwise.
    pub fn sign(&self, folder: &RunFolder, header: &Header) -> Result<()> {
        if !folder.path().join(Manifest::NAME).exists() {
            return Ok(());
        }
        let why = || "the bench could not sign the record; what was recorded stays as it is";
        let run = Signable::just_closed(folder, header).with_context(why)?;
        let words = Words {
            role: Role::Bench,
            signer: &self.signer,
            name: &header.bench,
            meaning: "recorded and closed by the rig on this bench",
            what: Signed::Record,
        };
        let statement = run.statement(&words, Utc::now().trunc_subsecs(0));
        run.sign(&statement, &self.key).with_context(why)
    }
}

/// The bench's name as a principal, which has neither spaces nor commas nor wildcards.
fn principal(bench: &str) -> String {
    bench.chars().map(|c| if c.is_alphanumeric() || "-_.@".contains(c) { c } else { '-' }).collect()
}
