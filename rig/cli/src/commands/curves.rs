//! `rig curves`: the field's curves from a record of something else, so that it can be laid beside ours.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use rig_metrology::{CurvePlan, Curves, CustomMethod, Method, Periods, curves, stroke_cycle};
use rig_model::quantity::{Dimension, Flow, Volume};
use rig_model::time::Span;
use rig_report::{CurvesCsv, FiguresCsv, Origin, figures_of_curves};
use rig_scenario::{Measure, quantity, span};

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::keeping::Keeping;
use crate::say;

mod header;
mod read;
mod show;
mod units;

use read::Record;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The record: a CSV file with a header row, a column of times and one of volume or mass delivered so far
    file: PathBuf,
    /// The rate that was set: "20.8 µL/h", "0.5 mL/day"
    #[arg(long, value_name = "FLOW")]
    rate: String,
    /// Sample interval, windows and what is left out at the beginning: 0.5 min and 1 to 31 min; 15 min, 15 to 930 min and 24 h; or one's own
    #[arg(long, value_enum, default_value_t = MethodName::Volumetric)]
    method: MethodName,
    /// What T1 and T2 are; without, what is usual with the method
    #[arg(long, value_enum)]
    periods: Option<PeriodsName>,
    /// With `--method custom`: the sample interval
    #[arg(long, value_name = "TIME")]
    sample: Option<String>,
    /// With `--method custom`: window lengths, "1 min, 5 min, 30 min"
    #[arg(long, value_name = "TIMES")]
    windows: Option<String>,
    /// With `--method custom`: what is left out at the beginning
    #[arg(long, value_name = "TIME")]
    exclude: Option<String>,
    #[command(flatten)]
    columns: header::Columns,
    /// Volume of one stroke of the pump, or the time from stroke to stroke: shows what whole strokes alone do to each window
    #[arg(long, value_name = "VOLUME|TIME")]
    stroke: Option<String>,
    /// Windows and hours are counted that err by this or less
    #[arg(long, value_name = "PERCENT", default_value = "15 %")]
    within: String,
    /// Write curves.csv and figures.csv into this folder; files that are there are never overwritten
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum MethodName {
    Volumetric,
    Ambulatory,
    Custom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PeriodsName {
    /// T1 the second hour (error A), T2 the last hour (error B), a trumpet for each
    SecondAndLastHour,
    /// T1 what is left out (error A), T2 all the rest (error B), with the trumpet
    StabilisationAndAnalysis,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let plan = plan(args)?;
    if let Some(out) = &args.out {
        nothing_is_overwritten(out)?;
    }
    let record = read::record(&args.file, &args.columns, plan.method.sample()).or_exit(USAGE)?;
    let found = curves(&record.samples.series, &plan)
        .with_context(|| format!("failed to compute the curves of `{}`", args.file.display()))
        .or_exit(USAGE)?;
    say::text(&show::show(&args.file, &record, &plan, &found));
    if let Some(out) = &args.out {
        write(out, &args.file, &record, &plan, &found).or_exit(BENCH)?;
        say::out(format_args!("written: {} and {} in {}", FILES[0], FILES[1], out.display()));
    }
    Ok(0)
}

fn plan(args: &Args) -> Result<CurvePlan, Failure> {
    let of = |flag: &str, text: &str, wanted: &[Dimension]| quantity(text, wanted).map_err(|why| failure(USAGE, format!("{flag}: {why}")));
    let rate = Flow(of("--rate", &args.rate, &[Dimension::Flow])?.value);
    let method = method(args)?;
    let periods = match args.periods {
        Some(PeriodsName::SecondAndLastHour) => Periods::SecondAndLastHour,
        Some(PeriodsName::StabilisationAndAnalysis) => Periods::StabilisationAndAnalysis,
        None => method.usual_periods(),
    };
    let within_percent = of("--within", &args.within, &[Dimension::Ratio])?.value;
    let stroke_cycle = match &args.stroke {
        Some(text) => Some(cycle(of("--stroke", text, &[Dimension::Volume, Dimension::Time])?, rate)?),
        None => None,
    };
    let plan = CurvePlan { method, periods, rate, within_percent, stroke_cycle };
    plan.check().or_exit(USAGE)?;
    Ok(plan)
}

fn cycle(stroke: Measure, rate: Flow) -> Result<Span, Failure> {
    let cycle = match stroke.dimension {
        Dimension::Time => Some(Span::from_seconds(stroke.value)),
        _ => stroke_cycle(Volume(stroke.value), rate),
    };
    cycle.filter(|cycle| *cycle > Span::ZERO).ok_or_else(|| failure(USAGE, "--stroke: a stroke has a volume, or takes a time, above zero"))
}

fn method(args: &Args) -> Result<Method, Failure> {
    let own = [("--sample", &args.sample), ("--windows", &args.windows), ("--exclude", &args.exclude)];
    if args.method != MethodName::Custom
        && let Some((flag, _)) = own.iter().find(|(_, value)| value.is_some())
    {
        return Err(failure(USAGE, format!("{flag} goes with `--method custom`; the other methods have their own")));
    }
    let time = |flag: &str, text: &str| span(text).map_err(|why| failure(USAGE, format!("{flag}: {why}")));
    Ok(match args.method {
        MethodName::Volumetric => Method::Volumetric,
        MethodName::Ambulatory => Method::Ambulatory,
        MethodName::Custom => {
            let (Some(sample), Some(windows)) = (&args.sample, &args.windows) else {
                return Err(failure(USAGE, "`--method custom` needs --sample \"30 s\" and --windows \"1 min, 5 min, 30 min\""));
            };
            let sample = time("--sample", sample)?;
            let windows = windows.split(',').map(|text| time("--windows", text.trim())).collect::<Result<_, _>>()?;
            let excluded = args.exclude.as_deref().map_or(Ok(Span::ZERO), |text| time("--exclude", text))?;
            Method::Custom(CustomMethod { sample, windows, excluded })
        }
    })
}

const FILES: [&str; 2] = [CurvesCsv::<Vec<u8>>::NAME, FiguresCsv::<Vec<u8>>::NAME];

fn nothing_is_overwritten(out: &Path) -> Result<(), Failure> {
    match FILES.iter().find(|name| out.join(name).exists()) {
        Some(name) => Err(failure(USAGE, format!("`{}` is there already; name another folder with --out", out.join(name).display()))),
        None => Ok(()),
    }
}

fn write(out: &Path, file: &Path, record: &Record, plan: &CurvePlan, found: &Curves) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("failed to make the folder `{}`", out.display()))?;
    let folder = RunFolder::open(out);
    let open = |name: &str| folder.partial(name).with_context(|| format!("failed to make `{name}` in `{}`", out.display()));
    let name = file.file_name().ok_or_else(|| anyhow!("`{}` is no file", file.display()))?.to_string_lossy();
    let origin = Origin { window: &name, channel: &record.amount, ..Origin::default() };
    let mut curves = CurvesCsv::new(open(FILES[0])?)?;
    curves.write(&origin, plan, found)?;
    curves.finish()?;
    let mut figures = FiguresCsv::new(open(FILES[1])?)?;
    figures_of_curves(plan, found).iter().try_for_each(|figure| figures.write(&origin, figure))?;
    figures.finish()?;
    folder.complete(FILES, Keeping::AtLeisure)
}
