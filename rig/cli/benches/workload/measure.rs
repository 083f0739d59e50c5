//! Runs the release binary as a whole process and takes its wall time, processor time and peak memory.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::resource::{UsageWho, getrusage};
use tempfile::TempDir;

/// Fixed, so that every run of a benchmark does the same.
const SEED: &str = "20260101";
/// First argument of this program when it is to run one process and tell what that took.
const ONCE: &str = "--once";

#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub wall_s: f64,
    /// User and system time.
    pub cpu_s: f64,
    /// Largest resident set, 10^6 bytes.
    pub peak_mb: f64,
}

/// What a run's journal holds of the things that make it cost something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Volume {
    pub polls: u64,
    pub edges: u64,
    pub readings: u64,
}

/// Where runs are made.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir().context("failed to make a folder for the runs")? })
    }

    /// Writes a scenario that is only for this measurement.
    pub fn scenario(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(path)
    }

    /// Medians over several runs of one scenario file.
    pub fn played(&self, file: &Path, times: usize) -> Result<Figures> {
        medians(times, || self.run(Some(file)).map(|(figures, _)| figures))
    }

    /// The same, and what the last run's journal holds.
    pub fn played_and_counted(&self, file: &Path, times: usize) -> Result<(Figures, Volume)> {
        let figures = self.played(file, times)?;
        let (_, reports) = self.run(Some(file))?;
        Ok((figures, count(reports.path())?))
    }

    /// Medians over several times `rig verify` of one run of a scenario file.
    pub fn verified(&self, file: &Path, times: usize) -> Result<Figures> {
        let (_, reports) = self.run(Some(file))?;
        let run = folder(reports.path())?;
        medians(times, || once(&["verify".as_ref(), run.as_os_str()]))
    }

    /// `rig check`, which reads and parses and plays nothing.
    pub fn checked(&self, file: &Path) -> Result<Figures> {
        once(&["check".as_ref(), file.as_os_str()])
    }

    /// Everything that is played without arguments.
    pub fn suite(&self) -> Result<Figures> {
        self.run(None).map(|(figures, _)| figures)
    }

    /// One run. Its reports are removed with the folder that comes back: ninety days take 250 MB.
    fn run(&self, file: Option<&Path>) -> Result<(Figures, TempDir)> {
        let reports = tempfile::tempdir_in(self.folder.path()).context("failed to make a folder for reports")?;
        let mut args = vec!["run".as_ref(), "--seed".as_ref(), SEED.as_ref(), "--out".as_ref(), reports.path().as_os_str()];
        args.extend(file.map(Path::as_os_str));
        Ok((once(&args)?, reports))
    }
}

/// The middle one of several values; the lower of two.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

fn medians(times: usize, mut run: impl FnMut() -> Result<Figures>) -> Result<Figures> {
    let runs = (0..times).map(|_| run()).collect::<Result<Vec<_>>>()?;
    let middle = |of: fn(&Figures) -> f64| median(&mut runs.iter().map(of).collect::<Vec<_>>());
    Ok(Figures { wall_s: middle(|f| f.wall_s), cpu_s: middle(|f| f.cpu_s), peak_mb: middle(|f| f.peak_mb) })
}

/// Runs `rig` below a process of its own: the system tells resources of all children together, and that one has a single child.
fn once(args: &[&std::ffi::OsStr]) -> Result<Figures> {
    let this = std::env::current_exe().context("failed to find the path of this program")?;
    let output = Command::new(this).arg(ONCE).args(args).stderr(Stdio::inherit()).output().context("failed to start a measurement")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [wall_s, cpu_s, peak_mb] if output.status.success() => Ok(Figures { wall_s, cpu_s, peak_mb }),
        _ => bail!("`rig {}` failed", args.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" ")),
    }
}

/// If this process is the one between: runs `rig` and prints its figures.
pub fn once_for_parent() -> Option<Result<()>> {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_none_or(|first| first != ONCE) {
        return None;
    }
    let mut rig = Command::new(env!("CARGO_BIN_EXE_rig"));
    rig.args(args).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).stdin(Stdio::null()).stdout(Stdio::null());
    Some(run_and_print(rig))
}

fn run_and_print(mut rig: Command) -> Result<()> {
    let began = Instant::now();
    let status = rig.status().context("failed to start `rig`")?;
    let wall_s = began.elapsed().as_secs_f64();
    if !status.success() {
        bail!("`rig` ended with {status}");
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("failed to read the resources used")?;
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    let cpu_s = seconds(usage.user_time()) + seconds(usage.system_time());
    // Linux tells KiB.
    println!("{wall_s} {cpu_s} {}", usage.max_rss() as f64 * 1024.0 / 1e6);
    Ok(())
}

/// The one that the run made.
fn folder(reports: &Path) -> Result<PathBuf> {
    let mut folders = std::fs::read_dir(reports).context("failed to list the reports")?.filter_map(Result::ok).map(|entry| entry.path());
    folders.find(|path| path.is_dir()).ok_or_else(|| anyhow!("the run left no folder"))
}

fn count(reports: &Path) -> Result<Volume> {
    let journal = folder(reports)?.join("journal.jsonl");
    let file = std::fs::File::open(&journal).with_context(|| format!("failed to open `{}`", journal.display()))?;
    let mut volume = Volume::default();
    for line in BufReader::new(file).lines() {
        let line = line.context("failed to read the journal")?;
        if line.contains(r#""kind":"tx""#) {
            volume.polls += 1;
        } else if line.contains(r#""kind":"reading""#) {
            volume.readings += 1;
        } else if line.contains(r#""kind":"edges""#) {
            let more = line.split_once(r#""then":["#).and_then(|(_, rest)| rest.split_once(']'));
            volume.edges += 1 + more.map_or(0, |(then, _)| then.split(',').count() as u64);
        }
    }
    Ok(volume)
}
