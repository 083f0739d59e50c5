//! The serial path of the process bench with something else at its other end: nothing, another program, another pump, garbage,
//! and pumps that answer late, twice or not at all. Lines and sensors are those of the simulated board.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program, and a pump in a thread")]

mod support;

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use pump_link::{
    Alarms, Command, Decoder, FromPump, Identity, MAX_FRAME, Notice, Request, Response, State, Status, decode_request, encode,
};
use support::{Row, Run, SHORT, project, write};

/// Of the bench below.
const REPLY_TIMEOUT: Duration = Duration::from_millis(400);

/// The process bench with this port.
fn bench(dir: &Path, more: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(project().join("rig/benches/process.toml")).unwrap();
    let port = format!("baud = 115200\npath = \"{}\"", port(dir).display());
    let fixed = [
        ("baud = 115200", port.as_str()),
        ("\"500 ms\"", "\"400 ms\""),
        ("poll_every = \"2 s\"", "poll_every = \"300 ms\""),
        ("dwell = \"5 s\"", "dwell = \"1 s\""),
    ];
    for (from, to) in fixed.iter().chain(more) {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    write(dir, "bench.toml", text)
}

fn port(dir: &Path) -> PathBuf {
    dir.join("ttyPUMP")
}

const NOTICE_EVERY: Duration = Duration::from_millis(100);

/// How the pump behaves.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Good,
    Silent,
    /// Answers so late.
    Late(Duration),
    /// Says everything twice.
    Twice,
    /// A line of noise before, within and after every answer.
    Noisy,
    /// Nothing but noise, as fast as the port takes it.
    Flood,
    /// Is unplugged after so many requests.
    Unplugged(u32),
    /// Another one is behind the same port after so many requests.
    Replaced(u32),
}

/// A pump in a thread, behind a pty.
struct Pump {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Both ends of a pty. The far one is held open, so that only dropping this hangs up; no process that is started meanwhile inherits them.
struct Pty {
    link: PathBuf,
    master: PtyMaster,
    _slave: File,
}

impl Pty {
    /// With its device linked at the port's path.
    fn plug_in(dir: &Path) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let device = ptsname_r(&master).unwrap();
        let slave = File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&device).unwrap();
        std::os::unix::fs::symlink(device, port(dir)).unwrap();
        Self { link: port(dir), master, _slave: slave }
    }
}

impl Drop for Pty {
    /// The link goes first: the number of a pty is soon another one's, and the rig looks for its port again.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.link);
    }
}

impl Pump {
    fn start(dir: &Path, manner: Manner) -> Self {
        let mut behind =
            Behind { pty: Some(Pty::plug_in(dir)), manner, serial: "SN-0007", requests: 0, due: Vec::new(), notice: Instant::now() };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                behind.go_on();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().expect("it runs until here").join();
        assert!(ended.is_ok() || std::thread::panicking(), "the pump's thread panicked");
    }
}

struct Behind {
    pty: Option<Pty>,
    manner: Manner,
    serial: &'static str,
    requests: u32,
    due: Vec<(Instant, Vec<u8>)>,
    notice: Instant,
}

impl Behind {
    fn go_on(&mut self) {
        for request in self.heard() {
            self.requests += 1;
            self.answer(&request);
        }
        // It can't see the power switch: until it is spoken to, it says that it has come out of its self-test.
        let now = Instant::now();
        if self.requests == 0 && now >= self.notice && !matches!(self.manner, Manner::Silent) {
            self.notice = now + NOTICE_EVERY;
            self.say(&restarted());
        }
        for (_, bytes) in self.due.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            self.say(&bytes);
        }
        if matches!(self.manner, Manner::Flood) {
            self.say(&[0x5a; 1024]);
        }
    }

    fn heard(&mut self) -> Vec<Request> {
        let mut bytes = [0; 4096];
        let Some(pty) = &mut self.pty else { return Vec::new() };
        let n = match pty.master.read(&mut bytes) {
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("the pty: {error}"),
        };
        let mut requests = Vec::new();
        // The rig sends whole frames in one write each.
        Decoder::new().push(&bytes[..n], |message| requests.extend(message.ok().and_then(|m| decode_request(m).ok())));
        requests
    }

    fn say(&mut self, bytes: &[u8]) {
        let Some(pty) = &mut self.pty else { return };
        match pty.master.write(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("the pty: {error}"),
            _ => {}
        }
    }

    fn answer(&mut self, request: &Request) {
        let mut delay = Duration::ZERO;
        let reply = self.reply(request);
        let bytes = match self.manner {
            Manner::Silent | Manner::Flood => return,
            Manner::Unplugged(after) if self.requests > after => {
                self.pty = None;
                return;
            }
            Manner::Replaced(after) if self.requests > after && self.serial == "SN-0007" => {
                self.serial = "SN-0008";
                self.say(&restarted());
                return;
            }
            Manner::Good | Manner::Unplugged(_) | Manner::Replaced(_) => reply,
            Manner::Late(by) => {
                delay = by;
                reply
            }
            Manner::Twice => [reply.clone(), reply].concat(),
            Manner::Noisy => [&[0x11, 0xff, 0x00, 0x07, 0x00][..], &reply, &[0xa5; 300], &[0]].concat(),
        };
        self.due.push((Instant::now() + delay, bytes));
    }

    fn reply(&self, request: &Request) -> Vec<u8> {
        let response = match request.command {
            Command::Identify => Response::Identity(Identity {
                model: "RP-1 reference".try_into().unwrap(),
                serial: self.serial.try_into().unwrap(),
                firmware_version: "0.1.0".try_into().unwrap(),
                build_hash: [7; 20],
                protocol_version: pump_link::PROTOCOL_VERSION,
            }),
            Command::Status => Response::Status(Status {
                state: State::Stopped,
                alarms: Alarms::NONE,
                reservoir_nl: 20_000_000,
                delivered_nl: 0,
                basal_nl_h: 0,
                bolus_left_nl: 0,
                strokes: 0,
                resets: 1,
                uptime_us: 1_000_000,
            }),
            Command::ReadLog { .. } => Response::Log { entries: Default::default() },
            _ => Response::Accepted,
        };
        frame(&FromPump::Reply { session: request.session, seq: request.seq, response })
    }
}

fn restarted() -> Vec<u8> {
    frame(&FromPump::Notice { number: 0, uptime_us: 1_000_000, notice: Notice::Restarted })
}

fn frame(message: &FromPump) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    encode(message, &mut buffer).unwrap().to_vec()
}

/// A short scenario with this pump.
fn play(manner: Manner, more: &[(&str, &str)]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let pump = Pump::start(dir.path(), manner);
    let run = play_in(dir, more);
    drop(pump);
    run
}

fn play_in(dir: tempfile::TempDir, more: &[(&str, &str)]) -> Run {
    let (bench, short) = (bench(dir.path(), more), write(dir.path(), "short.yaml", SHORT));
    Run::with(dir, &[short.to_str().unwrap(), "--bench", bench.to_str().unwrap(), "--seed", "1"])
}

/// Of the first row that is no PASS.
fn first_trouble(run: &Run) -> (String, String, String) {
    let rows = run.table("results.csv");
    let order = |r: &&Row| ["FAIL", "ERROR"].contains(&r["verdict"].as_str());
    let row = rows.iter().find(order).unwrap_or_else(|| panic!("{:#?}\n{rows:#?}", run.outcome));
    (row["verdict"].clone(), row["reason_code"].clone(), row["reason"].clone())
}

#[track_caller]
fn ends(run: &Run, code: i32, verdict: &str, reason_code: &str, words: &str) {
    run.outcome.expect(code, &[]);
    let (got, reason, text) = first_trouble(run);
    assert_eq!((got.as_str(), reason.as_str()), (verdict, reason_code), "{text}\n{:#?}", run.outcome);
    assert!(text.contains(words), "`{words}` is not in: {text}");
    assert!(run.outcome.stdout.contains(&text[..text.len().min(40)]), "the reason is on the terminal: {:#?}", run.outcome);
}

#[test]
fn a_good_pump_at_a_named_port_passes() {
    let run = play(Manner::Good, &[]);
    run.outcome.expect(0, &[]);
    assert_eq!(run.table("results.csv")[0]["dut_serial"], "SN-0007");
    // A pty for a port and lines of a simulated board: found out, not admitted.
    assert!(run.table("results.csv").iter().all(|r| r["simulated"] == "true" && r["evidence"] == "false"));
}

#[test]
fn a_pump_that_says_everything_twice_passes() {
    play(Manner::Twice, &[]).outcome.expect(0, &[]);
}

#[test]
fn a_pump_that_answers_after_the_first_time_limit_passes() {
    play(Manner::Late(REPLY_TIMEOUT * 3 / 2), &[]).outcome.expect(0, &[]);
}

#[test]
fn noise_around_every_answer_is_told_and_changes_nothing() {
    let run = play(Manner::Noisy, &[]);
    run.outcome.expect(0, &[]);
    assert!(run.table("events.csv").iter().any(|r| r["kind"] == "garbage"));
}

/// What is said of a pump that does not speak.
const SILENT: &str = "the pump no longer answers, port healthy, power on";

#[test]
fn a_pump_that_never_answers_fails() {
    ends(&play(Manner::Silent, &[]), 1, "FAIL", "unresponsive", SILENT);
}

#[test]
fn a_pump_that_answers_when_nobody_waits_any_more_fails() {
    ends(&play(Manner::Late(REPLY_TIMEOUT * 5), &[]), 1, "FAIL", "unresponsive", SILENT);
}

#[test]
fn a_flood_of_noise_is_a_pump_that_does_not_answer() {
    let run = play(Manner::Flood, &[]);
    ends(&run, 1, "FAIL", "unresponsive", SILENT);
}

#[test]
fn another_model_is_refused() {
    let run = play(Manner::Good, &[("model = \"RP-1 reference\"", "model = \"RP-2\"")]);
    ends(&run, 4, "ERROR", "wrong_dut", "`RP-1 reference` answers, but the bench file names `RP-2`");
}

#[test]
fn another_serial_number_is_refused() {
    let run = play(Manner::Good, &[("model = \"RP-1 reference\"", "model = \"RP-1 reference\"\nserial = \"SN-0001\"")]);
    ends(&run, 4, "ERROR", "wrong_dut", "serial number SN-0007 answers");
}

#[test]
fn a_pump_that_is_replaced_in_mid_run_is_refused() {
    ends(&play(Manner::Replaced(4), &[]), 4, "ERROR", "wrong_dut", "SN-0008 0.1.0 answers, but the run began with SN-0007");
}

#[test]
fn a_pump_that_is_unplugged_in_mid_run_is_an_error_of_the_bench() {
    let run = play(Manner::Unplugged(4), &[]);
    ends(&run, 4, "ERROR", "bench_failed", "ttyPUMP");
}

/// Nothing was played, and the record says so.
fn not_opened(run: &Run, words: &[&str]) {
    run.outcome.expect(4, words);
    let cases = run.table("scenarios.csv");
    assert_eq!((cases.len(), cases[0]["verdict"].as_str()), (1, "ERROR"), "{cases:#?}");
    assert!(cases[0]["reason"].contains(words[0]), "{cases:#?}");
}

#[test]
fn a_port_that_is_not_there_is_named() {
    let run = play_in(tempfile::tempdir().unwrap(), &[]);
    let named = format!("serial port {} is not there", port(run.dir.path()).display());
    not_opened(&run, &[&named, "check that the board is plugged in"]);
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let _pump = Pump::start(dir.path(), Manner::Good);
    let other = File::options().read(true).write(true).open(port(dir.path())).unwrap();
    let _other = Flock::lock(other, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| e).unwrap();
    let run = play_in(dir, &[]);
    not_opened(&run, &["is in use by another program", "fuser"]);
}

#[test]
fn a_port_that_is_no_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "ttyPUMP", "notes");
    let run = play_in(dir, &[]);
    not_opened(&run, &["can't be used", "link.path"]);
}
