//! Plays the runner on the bench that the file describes: in virtual time here, or against a process of its own.

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Error, Result, anyhow};
use rig_bench::{BenchError, BenchState, Marking, Operator, ProcessOptions, Service};
use rig_model::bench::{BenchKind, SerialInstrument, Wiring};
use rig_model::fact::{FactSink, Header};
use rig_model::input::Source;
use rig_model::time::{RigTime, Span};
use rig_runner::Runner;
use rig_sim::{Board, DeliveryDelay, PlayError};

use super::{Job, NOT_SAFE};
use crate::recorder::Recorder;

/// How often a run in virtual time looks at the clock on the wall and for signals: in instants of rig time.
const LOOK_EVERY: u32 = 256;

/// How a run went as far as the program is concerned.
pub struct Played {
    /// The runner's word; absent when it did not come to its end.
    pub exit_code: Option<u8>,
    pub error: Option<Error>,
}

pub fn play(mut runner: Runner, header: &Header, job: &Job<'_>, recorder: &mut Recorder) -> Played {
    let bench = &job.bench;
    let result = match bench.kind {
        BenchKind::Sim => in_virtual_time(&mut runner, header, job, recorder),
        BenchKind::Process | BenchKind::Pi => in_real_time(&mut runner, header, job, recorder),
    };
    let recorded = !matches!(&result, Err(Trouble { unrecorded: true, .. }));
    let mut error = result.err();
    if !runner.finished() && runner.now() == RigTime::ZERO && recorded {
        // The bench could not be opened: the record says so for every case that was asked for.
        refuse(&mut runner, error.as_ref().map_or_else(String::new, |t| format!("{:#}", t.error)), recorder);
    }
    let exit_code = error.as_mut().and_then(|t| t.exit_code.take()).or(runner.ended().map(|e| e.exit_code));
    Played { exit_code, error: error.map(|t| t.error) }
}

/// What kept a run from being played, recorded or made safe.
struct Trouble {
    error: Error,
    exit_code: Option<u8>,
    unrecorded: bool,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { error, exit_code: None, unrecorded: false }
    }
}

fn refuse(runner: &mut Runner, why: String, recorder: &mut Recorder) {
    runner.refuse(&why);
    Source::ALL.into_iter().for_each(|source| runner.watermark(source, RigTime(1)));
    if let Err(error) = runner.run(RigTime(1), recorder, &mut Vec::new()) {
        tracing::error!("the refusal can't be recorded: {error}");
    }
}

fn in_virtual_time(runner: &mut Runner, header: &Header, job: &Job<'_>, recorder: &mut Recorder) -> Result<(), Trouble> {
    let mut board = Board::new(&job.bench, header.seed, job.defect.map(|pump| &pump.unit), RigTime::ZERO);
    let delay = job.delivery_delay.map(|ms| DeliveryDelay { seed: header.seed, max: Span::milliseconds(i64::from(ms)) });
    let signal = signals()?;
    let mut looks = 0u32;
    let mut service = Service::begin();
    let recorder = std::cell::RefCell::new(recorder);
    let mut on_progress = |now: RigTime| {
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(LOOK_EVERY) {
            recorder.borrow_mut().progress().at(now);
            service.alive();
            match signal.load(Ordering::Relaxed) {
                0 => {}
                number => return ControlFlow::Break(name_of(number).to_owned()),
            }
        }
        ControlFlow::Continue(())
    };
    let result = rig_sim::play(runner, &mut board, &mut SharedSink(&recorder), delay, &mut on_progress);
    match result {
        Ok(()) => Ok(()),
        Err(error @ PlayError::Sink(_)) => {
            let error = Error::new(error).context("the run was ended, because its record can't be written; make room where the reports go");
            Err(Trouble { error, exit_code: None, unrecorded: true })
        }
        Err(error) => Err(anyhow!(error).context("failed to play in virtual time").into()),
    }
}

/// The recorder takes facts and draws progress in turn, never at once.
struct SharedSink<'r, 'a>(&'r std::cell::RefCell<&'a mut Recorder>);

impl FactSink for SharedSink<'_, '_> {
    fn record(&mut self, fact: &rig_model::fact::Fact) -> Result<(), rig_model::fact::SinkError> {
        self.0.borrow_mut().record(fact)
    }
}

fn in_real_time(runner: &mut Runner, header: &Header, job: &Job<'_>, recorder: &mut Recorder) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start the runtime")?;
    let operator = job.operator.map(str::to_owned).filter(|_| std::io::stdin().is_terminal()).map(ask_on_terminal);
    let bench = &job.bench;
    let BenchState { lock, mark } = BenchState::of(bench);
    let since = header.started_utc.clone();
    let marking = (bench.kind == BenchKind::Pi).then(|| Marking {
        path: mark,
        run: header.run_id.clone(),
        since: since.clone(),
        on_mark: job.on_mark,
    });
    let process = ProcessOptions { host_command: host_command(header, job)?, lock, since, marking, operator, service: Service::begin() };
    let (played, written) = rig_bench::record_beside(recorder, |queue| {
        runtime.block_on(async {
            let mut stops = rig_bench::listen()?;
            rig_bench::play(runner, bench, process, queue, &mut stops).await
        })
    });
    // What the disk refused after the last fact was given is as bad as what it refused before.
    let result = played.and_then(|()| written.map_err(|source| BenchError::Sink { source }));
    result.map_err(|error| {
        let exit_code = matches!(error, BenchError::NotShownSafe { .. } | BenchError::Wedged { .. }).then_some(NOT_SAFE);
        let unrecorded = matches!(error, BenchError::Sink { .. });
        Trouble { error: Error::new(error), exit_code, unrecorded }
    })
}

/// This very program, as the process that hosts the board, or that owns the lines of a real bench.
fn host_command(header: &Header, job: &Job<'_>) -> Result<Vec<OsString>> {
    let bench = &job.bench;
    let program = std::env::current_exe().context("failed to find the path of this program")?;
    let file = job.bench_file.ok_or_else(|| anyhow!("bench `{}` has no file", bench.name))?;
    if bench.kind == BenchKind::Pi {
        return Ok(supervisor_command(program, file, &header.bench_file.sha256));
    }
    let mut command: Vec<OsString> = vec![program.into(), "host".into(), "--seed".into(), header.seed.to_string().into()];
    command.extend(["--bench".into(), file.into()]);
    if bench.channels.iter().any(|c| matches!(&c.wiring, Some(Wiring::Serial(SerialInstrument { path: None, .. })))) {
        command.push("--balance".into());
    }
    if let Some(pump) = job.defect {
        command.extend(["--defect".into(), pump.defect.id.to_string().into()]);
    }
    Ok(command)
}

fn supervisor_command(program: PathBuf, bench: &Path, sha256: &str) -> Vec<OsString> {
    vec![program.into(), "supervise".into(), "--bench".into(), bench.into(), "--sha256".into(), sha256.into()]
}

fn ask_on_terminal(name: String) -> Operator {
    Operator::new(move |text| {
        let mut error = std::io::stderr();
        write!(error, "\n{text}\n  done? press Enter, or type `no`: ").and_then(|()| error.flush()).ok()?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).ok()?;
        (read > 0 && !line.trim().eq_ignore_ascii_case("no")).then(|| name.clone())
    })
}

/// SIGINT, SIGTERM and SIGHUP are noted; a second one ends the process at once.
fn signals() -> Result<Arc<AtomicUsize>> {
    let noted = Arc::new(AtomicUsize::new(0));
    for number in SIGNALS {
        let again = Arc::new(std::sync::atomic::AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(number, 130, again.clone()).context("failed to listen to signals")?;
        signal_hook::flag::register(number, again).context("failed to listen to signals")?;
        signal_hook::flag::register_usize(number, noted.clone(), number as usize).context("failed to listen to signals")?;
    }
    Ok(noted)
}

const SIGNALS: [i32; 3] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];

fn name_of(number: usize) -> &'static str {
    match number as i32 {
        signal_hook::consts::SIGINT => "SIGINT",
        signal_hook::consts::SIGTERM => "SIGTERM",
        _ => "SIGHUP",
    }
}
