//! `rig pool`: the deliveries of several runs taken together, by unit and all of them.

mod group;
mod read;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::ValueEnum;
use rig_metrology::{Content, Pooled};
use rig_model::verdict::Verdict;
use rig_report::{PoolRow, pool_csv};

use crate::commands::pool::group::{Dut, Group, Groups, Place};
use crate::commands::pool::read::Record;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::say;
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The runs' folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Share of all deliveries that the tolerance interval holds
    #[arg(long, value_name = "PERCENT", default_value = "95 %", value_parser = percent)]
    coverage: f64,
    /// Confidence with which it does
    #[arg(long, value_name = "PERCENT", default_value = "95 %", value_parser = percent)]
    confidence: f64,
    /// What is pooled: the values of a check in one case, or the errors in % of the nominal value in all cases of the scenario
    #[arg(long, value_enum, default_value_t = By::Case, value_name = "WHAT")]
    by: By,
    /// Take runs of different firmware builds together all the same
    #[arg(long)]
    allow_mixed_firmware: bool,
    /// Write the table to this file, which must not be there yet
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    Case,
    Scenario,
}

/// What all runs say, put together.
#[derive(Debug)]
pub struct Pool {
    pub content: Content,
    pub records: Vec<Record>,
    pub duts: BTreeMap<Dut, BTreeSet<String>>,
    pub groups: Vec<(Group, Pooled)>,
    /// Rows without a whole value, by place.
    pub left_out: group::LeftOut,
    pub verdict: Option<Verdict>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let content = Content::new(args.coverage, args.confidence).or_exit(USAGE)?;
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(failure(USAGE, format!("`{}` is there already: name a file that is not, or take it away", out.display())));
    }
    let records = args.runs.iter().map(|run| read::record(run)).collect::<Result<Vec<_>, _>>()?;
    each_once(&records)?;
    same_texts(&records)?;
    if !args.allow_mixed_firmware {
        same_firmware(&records)?;
    }
    let pool = Pool::of(records, content, args.by).or_exit(BENCH)?;
    let rows = pool.rows();
    if let Some(out) = &args.out {
        write(out, &rows)?;
    }
    if terminal.json {
        show::json(&pool, &rows);
        if pool.duts.len() < 2 {
            say::err(show::ONE_DUT);
        }
    } else {
        show::text(&pool);
    }
    Ok(pool.exit_code())
}

/// `95 %` or `95%`, as a fraction; the sign is needed, so that nobody's 0.95 becomes 0.95 %.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').ok_or_else(|| format!("write it with its sign, as in \"{text} %\""))?;
    let percent: f64 = number.trim().parse().map_err(|_| "expected a number and %, as in \"95 %\"".to_owned())?;
    if percent > 0.0 && percent < 100.0 { Ok(percent / 100.0) } else { Err("it must lie between 0 % and 100 %, both excluded".to_owned()) }
}

/// A run that is given twice would count twice and make the spread look smaller than it is; and so would a simulated run played again with
/// the same seed on the same bench.
fn each_once(records: &[Record]) -> Result<(), Failure> {
    for (i, record) in records.iter().enumerate() {
        for before in &records[..i] {
            if before.run_id == record.run_id {
                let words = format!("`{}` and `{}` are the same run ({}): give each once", before.folder, record.folder, record.run_id);
                return Err(failure(USAGE, words));
            }
            if before.simulated && record.simulated && before.origin == record.origin {
                let (_, seed, ..) = record.origin;
                let words = format!(
                    "`{}` and `{}` are one simulated run played twice, with seed {seed} on the same bench: the second adds nothing",
                    before.folder, record.folder
                );
                return Err(failure(USAGE, words));
            }
        }
    }
    Ok(())
}

/// Checks of one name in two texts may ask for different things.
fn same_texts(records: &[Record]) -> Result<(), Failure> {
    let mut first: BTreeMap<&String, (&Record, &BTreeMap<String, String>)> = BTreeMap::new();
    for record in records {
        for (scenario, texts) in &record.texts {
            let (other, known) = *first.entry(scenario).or_insert((record, texts));
            if let Some(file) = known.keys().chain(texts.keys()).find(|file| known.get(*file) != texts.get(*file)) {
                let of = |texts: &BTreeMap<String, String>| texts.get(file).map_or("none", |sha| &sha[..sha.len().min(12)]).to_owned();
                let words = format!(
                    "scenario {scenario} is not the same in all runs: `{file}` has the SHA-256 {}… in `{}`, \
                     and {}… in `{}`; pool runs of one text",
                    of(known),
                    other.folder,
                    of(texts),
                    record.folder
                );
                return Err(failure(USAGE, words));
            }
        }
    }
    Ok(())
}

/// Another firmware is another thing under test, and so is one with a defect put into it.
fn same_firmware(records: &[Record]) -> Result<(), Failure> {
    let mut first: Option<(String, &Record)> = None;
    for record in records {
        for dut in record.rows.iter().filter_map(|r| r.dut.as_ref()) {
            let defect = record.defect.as_ref().map(|d| format!(" with the defect {d}")).unwrap_or_default();
            let firmware = format!("{} {}{defect}", dut.firmware_version, dut.firmware_hash);
            let (known, other) = first.get_or_insert_with(|| (firmware.clone(), record));
            if *known != firmware {
                let words = format!(
                    "the runs are of different firmware: {known} in `{}`, {firmware} in `{}`; \
                     they can be pooled with --allow-mixed-firmware",
                    other.folder, record.folder
                );
                return Err(failure(USAGE, words));
            }
        }
    }
    Ok(())
}

fn write(out: &Path, rows: &[PoolRow]) -> Result<(), Failure> {
    let mut table = Vec::new();
    pool_csv(&mut table, rows).or_exit(BENCH)?;
    let writing = || format!("failed to write `{}`", out.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(out).with_context(writing).or_exit(USAGE)?;
    file.write_all(&table).and_then(|()| file.sync_all()).with_context(writing).or_exit(BENCH)
}

impl Pool {
    fn of(records: Vec<Record>, content: Content, by: By) -> anyhow::Result<Self> {
        let found = Groups::of(&records, by);
        let mut duts: BTreeMap<Dut, BTreeSet<String>> = BTreeMap::new();
        for (record, dut) in records.iter().flat_map(|r| r.rows.iter().filter_map(move |row| Some((r, row.dut.as_ref()?)))) {
            duts.entry((dut.model.clone(), dut.serial.clone())).or_default().insert(record.run_id.clone());
        }
        let mut verdicts = found.verdicts;
        records.iter().flat_map(|r| &r.without_rows).for_each(|(verdict, _)| verdicts.add(*verdict));
        let mut groups = Vec::new();
        for group in found.groups {
            let pooled = group.figures(content).map_err(|e| anyhow!("{} {}: {e}", group.kind.place.scenario, group.kind.place.step))?;
            verdicts.add(group.verdict(&pooled));
            groups.push((group, pooled));
        }
        let verdict = if groups.is_empty() { verdicts.worst().max(Some(Verdict::Skipped)) } else { verdicts.worst() };
        Ok(Self { content, records, duts, groups, left_out: found.left_out, verdict })
    }

    /// Rows of the table: of each unit and of all, check by check; what was left out stands with the row of all.
    fn rows(&self) -> Vec<PoolRow> {
        let blank = PoolRow { simulated: self.simulated() > 0, evidence: self.records.iter().all(|r| r.evidence), ..PoolRow::default() };
        let firmware: BTreeSet<&str> =
            self.records.iter().flat_map(|r| &r.rows).filter_map(|r| Some(r.dut.as_ref()?.firmware_hash.as_str())).collect();
        let blank = PoolRow { firmware_sha256: firmware.into_iter().collect::<Vec<_>>().join(";"), ..blank };
        let mut rows = Vec::new();
        for (group, pooled) in &self.groups {
            rows.extend(group.rows(pooled, self.content, &blank));
            if let (Some(row), Some((n, why))) = (rows.last_mut(), self.left_out_of(&group.kind.place)) {
                (row.left_out, row.left_out_why) = (n, why);
            }
        }
        rows.extend(self.left_out.keys().filter(|place| !self.pooled(place)).map(|place| {
            let (left_out, left_out_why) = self.left_out_of(place).unwrap_or_default();
            let Place { scenario, case, step, check } = place.clone();
            let (coverage, confidence) = (self.content.coverage(), self.content.confidence());
            PoolRow { scope: "together", scenario, case, step, check, coverage, confidence, left_out, left_out_why, ..blank.clone() }
        }));
        rows
    }

    /// Whether any value of the check is in a figure.
    pub fn pooled(&self, place: &Place) -> bool {
        self.groups.iter().any(|(group, _)| group.kind.place == *place)
    }

    /// How many rows of the check have no whole value, and why.
    pub fn left_out_of(&self, place: &Place) -> Option<(u64, String)> {
        let reasons = self.left_out.get(place)?;
        let why: Vec<String> = reasons.iter().map(|(why, n)| format!("{n} {why}")).collect();
        Some((reasons.values().sum(), why.join("; ")))
    }

    pub fn simulated(&self) -> usize {
        self.records.iter().filter(|r| r.simulated).count()
    }

    /// Those of DESIGN.md, section 4, for what is pooled: the worst of the values' own verdicts and of the intervals against their limits.
    fn exit_code(&self) -> u8 {
        match self.verdict {
            Some(Verdict::Pass) => 0,
            Some(Verdict::Fail) => 1,
            Some(Verdict::Inconclusive) => 3,
            Some(Verdict::Error) => BENCH,
            Some(Verdict::Aborted) => 5,
            Some(Verdict::Skipped) | None => 6,
        }
    }
}
