//! Where the file of allowed signers is, and what it says.

use std::path::{Path, PathBuf};

use rig_evidence::{Role, Signers};

use crate::failure::{Failure, OrExit, USAGE, failure};
use crate::files;

/// Its name beside the ledger, where it is looked for last.
const DEFAULT: &str = "allowed_signers";

/// Which file names the allowed signers.
#[derive(Debug, Clone, clap::Args)]
pub struct SignersFile {
    /// Who may sign as what, in OpenSSH's format; `allowed_signers` in the reports folder without
    #[arg(long, value_name = "FILE", env = "RIG_SIGNERS", hide_env_values = true)]
    pub signers: Option<PathBuf>,
}

/// The allowed signers, and the file that names them.
#[derive(Debug)]
pub struct Allowed {
    pub path: PathBuf,
    pub signers: Signers,
}

impl SignersFile {
    /// The file that counts for what lies in this folder of reports.
    pub fn path(&self, reports: &Path) -> PathBuf {
        self.signers.clone().unwrap_or_else(|| reports.join(DEFAULT))
    }

    /// Reads it.
    pub fn read(&self, reports: &Path) -> Result<Allowed, Failure> {
        let path = self.path(reports);
        let shown = path.display();
        if !path.exists() {
            let next = "say who may sign as what with `--signers FILE` or RIG_SIGNERS; rig/docs/signing.md shows how it is written";
            return Err(failure(USAGE, format!("there is no file of allowed signers at `{shown}`: {next}")));
        }
        let text = files::read(&path).or_exit(USAGE)?;
        let signers = Signers::parse(&text).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(|e| rig_report::printable(&format!("{shown}:{}: {}", e.line, e.wrong))).collect();
            failure(
                USAGE,
                format!("the allowed signers can't be read; nothing rests on a file that is understood in part\n{}", lines.join("\n")),
            )
        })?;
        Ok(Allowed { path, signers })
    }
}

impl Allowed {
    /// Who may sign in a role, for the end of an error message.
    pub fn who(&self, role: Role) -> String {
        let who: Vec<String> = self.signers.who(role).into_iter().map(|(names, key)| format!("  {names} with {key}")).collect();
        let shown = self.path.display();
        if who.is_empty() {
            return format!("by `{shown}` nobody may sign as {role}: no line has namespaces=\"{}\"", role.namespace());
        }
        rig_lines(&format!("by `{shown}` these may sign as {role}:"), &who)
    }
}

fn rig_lines(head: &str, lines: &[String]) -> String {
    std::iter::once(head.to_owned()).chain(lines.iter().map(|line| rig_report::printable(line))).collect::<Vec<_>>().join("\n")
}
