//! `rig qualify-tool`: shows on the user's own machine that this very program computes, judges, speaks and keeps records as it should: that pumps
//! with known defects FAIL, that a sound one passes, and that altered records are found. Needs nothing but the program.

mod item;
mod link;
mod metrology;
mod pumps;
mod report;
mod signatures;
mod tampering;
mod verdicts;

use std::path::PathBuf;

use crate::allowed::SignersFile;
use crate::commands::sign::{By, PersonsRole, words};
use crate::failure::{BENCH, Failure, OrExit};
use crate::say;
use crate::terminal::Terminal;

pub use item::{Group, Item, Items};

/// Something was not as it should be: this program must not be used on this machine.
const NOT_QUALIFIED: u8 = 1;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for the report; made if it is not there
    #[arg(long, value_name = "FOLDER", default_value = "reports/qualification")]
    out: PathBuf,
    /// What a signature to the report means, in your words
    #[arg(long, value_name = "TEXT", default_value = "I qualified this program on this machine", value_parser = words)]
    meaning: String,
    /// Who signs the report: a private key (OpenSSH's format), or a public key whose private half is in the ssh-agent; nobody without
    #[arg(long, value_name = "FILE", requires = "role")]
    key: Option<PathBuf>,
    /// In what capacity
    #[arg(long, value_enum, requires = "key")]
    role: Option<PersonsRole>,
    /// Your name as it is to be read; the principal of the allowed signers without
    #[arg(long, value_name = "NAME", value_parser = words, requires = "key")]
    name: Option<String>,
    /// Which of the names that the allowed signers have for your key; the first without
    #[arg(long, value_name = "NAME", value_parser = words, requires = "key")]
    principal: Option<String>,
    #[command(flatten)]
    signers: SignersFile,
}

impl Args {
    fn by(&self) -> Option<By> {
        let (key, role) = (self.key.clone()?, self.role?);
        Some(By { role, key, name: self.name.clone(), principal: self.principal.clone(), signers: self.signers.clone() })
    }
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    // Whoever may not sign is told before anything is played.
    let mut signer = args.by().map(|by| report::Signer::of(&by, &args.meaning, &args.out)).transpose()?;
    let mut items = Items::default();
    metrology::play(&mut items);
    verdicts::play(&mut items);
    link::play(&mut items);
    pumps::play(&mut items).or_exit(BENCH)?;
    signatures::play(&mut items);
    tampering::play(&mut items, terminal).or_exit(BENCH)?;
    let report = report::Report::of(items, signer.as_ref());
    let path = report.write(&args.out, signer.as_mut())?;
    if terminal.json {
        say::text(&report.json().or_exit(BENCH)?);
    } else {
        say::text(&report.text());
        let signed = if signer.is_some() { "signed" } else { "not signed, for want of a --key" };
        say::out(format_args!("report: {} ({signed})", path.display()));
    }
    Ok(if report.qualified() { 0 } else { NOT_QUALIFIED })
}
