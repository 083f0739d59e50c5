//! `rig approve PLAN.toml`: look at all that the plan names, and sign it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rig_evidence::{ApprovedPlan, PlanText, Sha256Hex};
use rig_scenario::{TestPlan, parse_plan};

use super::weigh::Weighed;
use super::{show, weigh};
use crate::allowed::SignersFile;
use crate::commands::sign::words;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::plan::leave::Approver;
use crate::plan::signature_of;
use crate::{files, inputs, say};

#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The test plan
    #[arg(value_name = "PLAN.toml")]
    plan: PathBuf,
    /// Private key (OpenSSH's format), or a public key whose private half is in the ssh-agent
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the runs will be; the allowed signers are looked for there
    #[arg(long, value_name = "FOLDER", default_value = "reports")]
    reports: PathBuf,
    /// What the signature means, in your words
    #[arg(long, value_name = "TEXT", value_parser = words)]
    meaning: String,
    /// Your name as it is to be read; the principal of the allowed signers without
    #[arg(long, value_name = "NAME", value_parser = words)]
    name: Option<String>,
    /// Which of the names that the allowed signers have for your key; the first without
    #[arg(long, value_name = "NAME", value_parser = words)]
    principal: Option<String>,
    /// Where the approved plan is written, with its signature beside it; beside the plan, as PLAN.approved.json, without
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Approve checks, too, that the bench can't decide; they are listed in what is signed
    #[arg(long)]
    allow_undecidable: bool,
}

pub fn run(args: &Approve, signers: &SignersFile) -> Result<u8, Failure> {
    let text = files::read(&args.plan).or_exit(USAGE)?;
    let path = args.plan.display().to_string();
    let mut errors = inputs::Errors::default();
    let plan = parse_plan(&path, &text).map_err(|found| errors.diagnostics(&found)).ok();
    let tests = plan.as_ref().map_or_else(Vec::new, |plan| weigh::tests(plan, &args.plan, &mut errors));
    let (Some(plan), true) = (plan, errors.is_empty()) else {
        say::err(&errors);
        return Ok(USAGE);
    };
    let out = args.out.clone().unwrap_or_else(|| args.plan.with_extension("approved.json"));
    not_there(&out)?;
    // Whoever may not approve is told so before he reads pages.
    let mut approver = Approver::find(&args.key, args.principal.as_deref(), signers, &args.reports)?;
    show::plan(&plan, &tests);
    let undecidable = weigh::tell_undecidable(&tests);
    if undecidable > 0 && !args.allow_undecidable {
        let why = "nothing was approved: the bench can't decide every check; `--allow-undecidable` approves it all the same";
        return Err(failure(USAGE, why));
    }
    let approved = document(args, plan, PlanText { path, sha256: Sha256Hex::of(&text), text }, tests, &approver);
    let text = approved.render().or_exit(BENCH)?;
    let signature = approver.sign(&text)?;
    write(&out, &text, &signature).or_exit(BENCH)?;
    say::out(format_args!("\napproved by {} ({}): {}", approved.name, approved.approver, out.display()));
    say::out(format_args!("rig run --plan {}", out.display()));
    Ok(0)
}

/// An approved plan is what runs were played under: a new revision is a new file.
fn not_there(out: &Path) -> Result<(), Failure> {
    let there = |path: &Path| path.symlink_metadata().is_ok();
    let signed = there(&signature_of(out));
    let why = match (there(out), signed) {
        (false, false) => return Ok(()),
        (true, true) => "is approved already and is not written over: a new revision is a new file, `--out FILE`",
        (true, false) => {
            "is there without a signature, as an approval leaves it that was cut off: take it away, or name another with `--out FILE`"
        }
        (false, true) => "has a signature already, but is not there itself: name another file with `--out FILE`",
    };
    Err(failure(USAGE, format!("`{}` {why}", out.display())))
}

fn document(args: &Approve, plan: TestPlan, text: PlanText, tests: Vec<Weighed>, approver: &Approver) -> ApprovedPlan {
    ApprovedPlan {
        v: ApprovedPlan::VERSION,
        id: plan.id.to_string(),
        revision: plan.revision,
        title: plan.title,
        why: plan.why,
        changes: plan.changes,
        approver: approver.principal.clone(),
        name: args.name.clone().unwrap_or_else(|| approver.principal.clone()),
        utc: approver.utc.clone(),
        meaning: args.meaning.clone(),
        rig: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
        plan: text,
        requirements: tests.iter().find_map(|t| t.requirements.clone()),
        tests: tests.into_iter().map(|t| t.test).collect(),
    }
}

/// The plan, and then its signature: one without the other is no approval.
fn write(out: &Path, text: &str, signature: &str) -> Result<()> {
    put(out, text)?;
    put(&signature_of(out), signature)
}

/// Writes a file that is whole or not there at all, and that was not there before.
fn put(path: &Path, text: &str) -> Result<()> {
    let writing = || format!("failed to write `{}`", path.display());
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&partial).with_context(writing)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&partial, path));
    let removed = fs::remove_file(&partial);
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            anyhow::bail!("`{}` has come into being meanwhile, and is not written over", path.display())
        }
        written => written.and(removed).with_context(writing)?,
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(writing)
}
