//! A bench of kind `pi` on simulated lines. The board is a process (`rig host`) with a pty for its port; threads of the test are the wires
//! between it and the chips. The rig under test is the real program, which knows nothing of all this.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rig_model::Name;
use rig_model::bench::Gpio;
use rig_model::input::{Actuation, Edges, Input, Sense};
use rig_plant::wire::{Down, Up};
use serde_json::Value;
use tempfile::TempDir;

use crate::events::monotonic_ns;
use crate::sim::{ChipPlan, Level, SimChip, SimLine};

/// The board's own bench: its plumbing.
const BOARD_BENCH: &str = include_str!("../../../benches/process.toml");
/// The rig, if it is not beside this program.
const RIG: &str = "PUMP_RIG";
/// From an edge at the board to the same edge on its line. The board tells in batches of 10 ms, so the wires need some time to keep the distances.
const WIRE_DELAY: Duration = Duration::from_millis(60);
/// Being later than this means that the whole guest stood still: what follows is then shifted instead of being bunched together.
const LATE: Duration = Duration::from_millis(2);
/// How often outputs are looked at to tell when they are safe.
const LOOK: Duration = Duration::from_millis(1);
/// The same where nothing is measured by it: each look costs a guest more than the rig itself does in that time.
const LOOK_AT_EASE: Duration = Duration::from_millis(5);
/// So long outputs have to stay safe to be called safe.
const STAYS: Duration = Duration::from_millis(50);
/// Only ends a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An output of the bench.
pub struct OutputLine {
    pub name: &'static str,
    offset: u32,
    active_low: bool,
    safe: &'static str,
}

/// All are inactive when they are safe. The leak valve is wired the other way round, with a pull-up resistor.
const POWER: OutputLine = OutputLine { name: "power", offset: 0, active_low: false, safe: "off" };
const OCCLUDER: OutputLine = OutputLine { name: "occluder", offset: 1, active_low: false, safe: "open" };
const LEAK: OutputLine = OutputLine { name: "leak", offset: 2, active_low: true, safe: "closed" };
/// Offsets of the sensor chip.
const PUMP: u32 = 0;
const TIP: u32 = 1;
const TIP_SECOND: u32 = 2;
const TIP_DIRECTION: u32 = 3;
const ALARM: u32 = 4;

/// What is different from one test to the next.
#[derive(Clone, Copy)]
pub struct Plan {
    pub defect: Option<&'static str>,
    /// Whether the rig switches the board's supply; else it is always on.
    pub switched: bool,
    /// Whether `flow.tip` has a second line.
    pub second: bool,
    /// The pulse, from 1, that the second line misses.
    pub missed: Option<u64>,
    pub silence: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self { defect: None, switched: true, second: true, missed: None, silence: "150 ms" }
    }
}

pub struct Setup {
    // Dropped in this order: the wires end before the chips that they are on.
    pub board: Board,
    outputs: Vec<(OutputLine, SimLine)>,
    pub relays: SimChip,
    pub sensors: SimChip,
    pub folder: TempDir,
}

impl Setup {
    pub fn new(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relays = ChipPlan::new("relays", 3).create().unwrap();
        let sensors = ChipPlan::new("sensors", 5).create().unwrap();
        relays.line(LEAK.offset).unwrap().pull(Level::High).unwrap();
        let outputs: Vec<OutputLine> = if plan.switched { vec![POWER, OCCLUDER, LEAK] } else { vec![OCCLUDER, LEAK] };
        fs::write(folder.path().join("board.toml"), BOARD_BENCH).unwrap();
        fs::write(folder.path().join("gpio.toml"), bench_file(plan, &outputs, &relays, &sensors, &folder.path().join("port"))).unwrap();
        let board = Board::start(plan, folder.path(), &relays, &sensors);
        let outputs = outputs
            .into_iter()
            .map(|line| {
                let end = relays.line(line.offset).unwrap();
                (line, end)
            })
            .collect();
        Self { folder, relays, sensors, board, outputs }
    }

    pub fn bench(&self) -> PathBuf {
        self.folder.path().join("gpio.toml")
    }

    /// The sensor's end of the line of `flow.tip`.
    pub fn tip(&self) -> SimLine {
        self.sensors.line(TIP).unwrap()
    }

    pub fn run(&self, scenario: &str) -> Run {
        self.run_into(scenario, &self.folder.path().join("reports"))
    }

    pub fn run_into(&self, scenario: &str, reports: &Path) -> Run {
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("scenario.yaml"), scenario).unwrap();
        let child = Command::new(rig())
            .args(["run", "--operator", "the tests", "--bench"])
            .arg(self.bench())
            .arg("--out")
            .arg(reports)
            .arg(path("scenario.yaml"))
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(path("stdout")).unwrap())
            .stderr(File::create(path("stderr")).unwrap())
            .spawn()
            .unwrap();
        Run { child, folder: self.folder.path().to_owned(), reports: reports.to_owned() }
    }

    fn active(&self, (line, end): &(OutputLine, SimLine)) -> bool {
        (end.value().unwrap() == Level::High) != line.active_low
    }

    pub fn safe(&self) -> bool {
        self.outputs.iter().all(|output| !self.active(output))
    }

    /// Waits until every output has left its safe level at once.
    pub fn wait_for_danger(&self, run: &mut Run) {
        self.wait_for(run, "no output moved", || self.outputs.iter().all(|output| self.active(output)));
    }

    /// Waits until some output has left its safe level.
    pub fn wait_for_first_move(&self, run: &mut Run) {
        self.wait_for(run, "no output moved", || !self.safe());
    }

    fn wait_for(&self, run: &mut Run, what: &str, come: impl Fn() -> bool) {
        let began = Instant::now();
        while !come() {
            assert!(began.elapsed() < PATIENCE && run.child.try_wait().unwrap().is_none(), "{what}: {}", run.said());
            std::thread::sleep(LOOK_AT_EASE);
        }
    }

    /// How long after `cause` all outputs were safe, and stayed so.
    pub fn safe_after(&self, cause: Instant) -> Duration {
        let mut since = None;
        loop {
            let now = Instant::now();
            since = if self.safe() { since.or(Some(now)) } else { None };
            if let Some(since) = since.filter(|since| now - *since >= STAYS) {
                return since - cause;
            }
            assert!(now - cause < PATIENCE, "the outputs did not become safe");
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until nobody holds an output any more.
    pub fn wait_until_released(&self) {
        let began = Instant::now();
        while self.outputs.iter().any(|(line, _)| self.consumer(line.offset).is_some()) {
            assert!(began.elapsed() < PATIENCE, "the outputs are still held by {:?}", self.consumer(self.outputs[0].0.offset));
            std::thread::sleep(LOOK);
        }
    }

    /// Whoever was killed has left a mark that the bench was not shown safe. Somebody has looked at it.
    pub fn take_mark_away(&self) {
        fs::remove_file(self.folder.path().join("rig-gpio.wedged")).expect("the mark of a run that was killed");
    }

    /// The outputs as the rig takes them, by name.
    pub fn output_pins(&self) -> Vec<(&'static str, Gpio)> {
        self.outputs.iter().map(|(line, _)| (line.name, self.relays.pin(line.offset, line.active_low))).collect()
    }

    /// Who holds this line of the relays' chip.
    fn consumer(&self, offset: u32) -> Option<String> {
        let info = gpiocdev::Chip::from_path(self.relays.device()).and_then(|chip| chip.line_info(offset)).unwrap();
        info.used.then_some(info.consumer)
    }
}

fn bench_file(plan: Plan, outputs: &[OutputLine], relays: &SimChip, sensors: &SimChip, port: &Path) -> String {
    let line = |l: &OutputLine| {
        let OutputLine { name, offset, active_low, safe } = l;
        format!(
            "[[line]]\nname = \"{name}\"\nsafe = \"{safe}\"\nchip = \"{}\"\noffset = {offset}\nactive_low = {active_low}\n\n",
            relays.label()
        )
    };
    let pin = |offset: u32| format!("chip = \"{}\", offset = {offset}, active_low = false", sensors.label());
    let pins = |offset: u32| pin(offset).replace(", ", "\n");
    let flow = |name: &str, offset: u32| {
        format!(
            "[[channel]]\nname = \"{name}\"\nsensor = \"flow\"\nk_factor = \"10 pulses/µL\"\nk_uncertainty = \"1 %\"\nmax_flow = \"2 L/h\"\nstroke_gap = \"1 s\"\n{}\n",
            pins(offset)
        )
    };
    let second = if plan.second { format!("second = {{ {} }}\n", pin(TIP_SECOND)) } else { String::new() };
    let lines: String = outputs.iter().map(line).collect();
    format!(
        "name = \"gpio\"\nkind = \"pi\"\n\n\
         [link]\nprotocol = \"pump-link\"\npath = \"{port}\"\nbaud = 115200\nreply_timeout = \"500 ms\"\ntransmissions = 3\npoll_every = \"2 s\"\n\n\
         [dut]\nmodel = \"RP-1 reference\"\n\n\
         [supervisor]\nsilence = \"{silence}\"\n\n\
         {lines}{pump}bidirectional = false\n\n{tip}bidirectional = true\n{second}direction = {{ {direction} }}\n\n\
         [[channel]]\nname = \"alarm\"\nsensor = \"alarm\"\n{alarm}\n\n\
         [safe_down]\ndwell = \"1 s\"\nat_most = \"1.5 µL\"\n",
        port = port.display(),
        silence = plan.silence,
        pump = flow("flow.pump", PUMP),
        tip = flow("flow.tip", TIP),
        direction = pin(TIP_DIRECTION),
        alarm = pins(ALARM),
    )
}

/// The program under test.
fn rig() -> PathBuf {
    let beside = || std::env::current_exe().unwrap().with_file_name("rig");
    std::env::var_os(RIG).map_or_else(beside, PathBuf::from)
}

/// The board and its wires. Dropping it unplugs the board and ends the wires.
pub struct Board {
    process: Child,
    ends: Arc<AtomicBool>,
    wires: Vec<JoinHandle<()>>,
}

impl Board {
    fn start(plan: Plan, folder: &Path, relays: &SimChip, sensors: &SimChip) -> Self {
        let mut command = Command::new(rig());
        command.args(["host", "--bench"]).arg(folder.join("board.toml")).arg("--link").arg(folder.join("port"));
        command.args(plan.defect.iter().flat_map(|defect| ["--defect", defect]));
        // Its input is a pipe whose end tells it that this program is gone.
        command.env("TMPDIR", folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut announced = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut announced).unwrap();
        let announced: Value = serde_json::from_str(&announced).unwrap();
        let socket = UnixStream::connect(announced["lines"].as_str().unwrap()).unwrap();

        let ends = Arc::new(AtomicBool::new(false));
        let orders = Orders { socket: socket.try_clone().unwrap(), next_id: 1 };
        let relays = [POWER, OCCLUDER, LEAK].map(|line| {
            let end = relays.line(line.offset).unwrap();
            (line, end)
        });
        let told = Arc::clone(&ends);
        let driven = std::thread::spawn(move || carry_outputs(orders, &relays, plan.switched, &told));
        let input = |offset| sensors.line(offset).unwrap();
        let wires = [
            Wire { channel: "flow.pump", line: input(PUMP), second: None, direction: None, missed: None, delay: WIRE_DELAY, pulses: 0 },
            Wire {
                channel: "flow.tip",
                line: input(TIP),
                second: plan.second.then(|| input(TIP_SECOND)),
                direction: Some(input(TIP_DIRECTION)),
                missed: plan.missed,
                delay: WIRE_DELAY,
                pulses: 0,
            },
            Wire { channel: "alarm", line: input(ALARM), second: None, direction: None, missed: None, delay: WIRE_DELAY, pulses: 0 },
        ];
        let heard = std::thread::spawn(move || carry_inputs(socket, wires));
        Self { process, ends, wires: vec![driven, heard] }
    }

    /// As when its plug is pulled out: the port hangs up, nothing flows any more.
    pub fn unplug(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let unplugged = self.process.kill().and_then(|()| self.process.wait());
        let wires: Vec<_> = self.wires.drain(..).map(JoinHandle::join).collect();
        // A second panic would hide why the first one came.
        if !std::thread::panicking() {
            unplugged.unwrap();
            wires.into_iter().for_each(|ended| ended.unwrap());
        }
    }
}

/// What the rig's outputs make the board do.
struct Orders {
    socket: UnixStream,
    next_id: u64,
}

impl Orders {
    fn give(&mut self, line: &str, active: bool) {
        let order = Down::Actuate { id: self.next_id, what: Actuation::Line { line: line.into(), active } };
        self.next_id += 1;
        // A board that was unplugged takes no orders any more.
        let _ = self.socket.write_all((order.encode().unwrap() + "\n").as_bytes());
    }
}

fn carry_outputs(mut orders: Orders, lines: &[(OutputLine, SimLine); 3], switched: bool, ends: &AtomicBool) {
    if !switched {
        orders.give(POWER.name, true);
    }
    let mut was = [false; 3];
    while !ends.load(Ordering::Relaxed) {
        for ((line, end), was) in lines.iter().zip(&mut was) {
            let active = (end.value().unwrap() == Level::High) != line.active_low;
            if active != *was {
                *was = active;
                orders.give(line.name, active);
            }
        }
        std::thread::sleep(LOOK_AT_EASE);
    }
}

/// One channel's way from the board to its lines.
struct Wire {
    channel: &'static str,
    line: SimLine,
    second: Option<SimLine>,
    direction: Option<SimLine>,
    missed: Option<u64>,
    delay: Duration,
    pulses: u64,
}

/// Gives each channel's batches to a thread of its own, so that they come in the order of time there.
fn carry_inputs(socket: UnixStream, wires: [Wire; 3]) {
    let mut threads = Vec::new();
    let mut to: Vec<(Name, std::sync::mpsc::Sender<Edges>)> = Vec::new();
    for mut wire in wires {
        let (give, batches) = std::sync::mpsc::channel();
        to.push((wire.channel.into(), give));
        threads.push(std::thread::spawn(move || batches.iter().for_each(|batch| wire.carry(&batch))));
    }
    for line in BufReader::new(socket).lines().map_while(Result::ok) {
        let Up::Input { input: Input::Edges(edges), .. } = Up::decode(&line).unwrap() else { continue };
        let (_, give) = to.iter().find(|(channel, _)| *channel == edges.channel).unwrap();
        give.send(edges).unwrap();
    }
    drop(to);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

impl Wire {
    fn carry(&mut self, edges: &Edges) {
        for at in edges.times() {
            let due = at.0 + i64::try_from(self.delay.as_nanos()).unwrap();
            let early = due - i64::try_from(monotonic_ns()).unwrap();
            match u64::try_from(early) {
                Ok(early) => std::thread::sleep(Duration::from_nanos(early)),
                Err(_) => {
                    let late = Duration::from_nanos(early.unsigned_abs());
                    self.delay += if late > LATE { late } else { Duration::ZERO };
                }
            }
            // The lines of a chip that was unplugged are no more.
            let _ = self.edge(edges.sense);
        }
    }

    fn edge(&mut self, sense: Sense) -> std::io::Result<()> {
        if matches!(sense, Sense::On | Sense::Off) {
            return self.line.pull(if sense == Sense::On { Level::High } else { Level::Low });
        }
        if let Some(direction) = &self.direction {
            direction.pull(if sense == Sense::Reverse { Level::High } else { Level::Low })?;
        }
        self.pulses += 1;
        let second = self.second.as_ref().filter(|_| self.missed != Some(self.pulses));
        for level in [Level::High, Level::Low] {
            self.line.pull(level)?;
            second.map_or(Ok(()), |second| second.pull(level))?;
        }
        Ok(())
    }
}

/// A run under way. Dropping it kills the run.
pub struct Run {
    pub child: Child,
    folder: PathBuf,
    reports: PathBuf,
}

/// How a run ended, and what it left.
pub struct Ended {
    /// None if a signal ended it.
    pub code: Option<i32>,
    pub said: String,
    pub journal: Vec<Value>,
    /// Whether the record was closed.
    pub whole: bool,
}

impl Run {
    /// Stops the run; each of its threads stands still when this returns.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let began = Instant::now();
        let tasks = format!("/proc/{}/task", self.child.id());
        let stands =
            |task: &Path| fs::read_to_string(task.join("stat")).is_ok_and(|stat| stat.rsplit(')').next().unwrap().trim().starts_with('T'));
        while !fs::read_dir(&tasks).unwrap().all(|task| stands(&task.unwrap().path())) {
            assert!(began.elapsed() < PATIENCE, "the run does not stop");
            std::thread::sleep(LOOK);
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// The process that owns the outputs.
    pub fn supervisor(&self) -> Pid {
        let is_child =
            |stat: &str| stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()) == Some(self.child.id());
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
        let mut children = processes.filter(|id| fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| is_child(&stat)));
        let supervisor = children.next().unwrap();
        assert_eq!(children.next(), None, "a run has one process of its own");
        Pid::from_raw(supervisor)
    }

    fn said(&self) -> String {
        ["stdout", "stderr"].map(|name| fs::read_to_string(self.folder.join(name)).unwrap()).concat()
    }

    /// The folder of its record.
    pub fn record(&self) -> PathBuf {
        let mut folders = fs::read_dir(&self.reports).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
        let folder = folders.next().unwrap_or_else(|| panic!("no record: {}", self.said()));
        assert_eq!(folders.next(), None);
        folder
    }

    pub fn end(mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        let folder = self.record();
        let [whole, partial] = ["journal.jsonl", "journal.jsonl.partial"].map(|name| folder.join(name));
        let text = fs::read_to_string(if whole.exists() { &whole } else { &partial }).unwrap();
        // The last line of a run that was killed may be cut off.
        let journal = text.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
        Ended { code, said: self.said(), journal, whole: whole.exists() }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // One that has ended can't be killed any more, and that is all that can go wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    pub fn facts(&self, kind: &str) -> Vec<&Value> {
        self.journal.iter().filter(|fact| fact["kind"] == kind).collect()
    }

    pub fn verdicts(&self) -> Vec<String> {
        self.facts("check").iter().map(|check| check["body"]["verdict"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        for words in words {
            assert!(self.said.contains(words), "`{words}` is not in:\n{}", self.said);
        }
    }
}
