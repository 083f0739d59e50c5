//! `rig calibrate approve`: a person puts a name to a certificate.

use std::path::PathBuf;

use crate::certificate::{self, Status};
use crate::commands::run::now_utc;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::say;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The draft certificate
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Who approves it
    #[arg(long, value_name = "NAME", value_parser = super::words)]
    by: String,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let (mut certificate, _) = certificate::read(&args.file).or_exit(USAGE)?;
    let refuse = |why: String| Err(failure(USAGE, format!("`{}` {why}", args.file.display())));
    if certificate.status == Status::Approved {
        let by = certificate.approved_by.as_deref().unwrap_or("somebody");
        return refuse(format!("is approved already, by {by}: a certificate is approved once"));
    }
    let Some(left) = &certificate.as_left else {
        return refuse(
            "says how the sensor was found, and not how it was left: a bench goes by the latter (`rig calibrate … --as left`)".to_owned(),
        );
    };
    if left.run.iter().any(|r| r.operator.as_deref() == Some(&args.by)) {
        say::err(format_args!("note: {} ran the calibration too; a second pair of eyes sees more", args.by));
    }
    certificate.status = Status::Approved;
    certificate.approved_by = Some(args.by.clone());
    certificate.approved_utc = Some(now_utc());
    certificate.write(&args.file).or_exit(BENCH)?;
    say::out(format_args!("{} is approved by {}: a bench file may refer to `{}`", certificate.id, args.by, args.file.display()));
    super::show::lines_to_paste(&certificate, &args.file);
    Ok(0)
}
