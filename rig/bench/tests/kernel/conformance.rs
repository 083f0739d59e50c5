//! What the rig expects of lines, whichever way it has them: one body of tests for both.
//!
//! `rppal` finds a Raspberry Pi here that is none: a chip with the label of a Pi's, `/proc/cpuinfo` of a Pi, and a plain file in place of the
//! registers. Edges come through the kernel all the same; a level goes into the file and comes out of it. That the kernel owns outputs, keeps
//! others out and lets them go when their process dies is only asked of `gpiochip` (`ownership.rs`, `leaving.rs`): `rppal` can do none of it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use gpiocdev::Request;
use rig_bench::gpio::{self, Chip, Edge, InputSpec, Inputs, LineError, OutputSpec, Outputs, Watch};
use rig_model::bench::{Gpio, LineBackend};

use crate::events::monotonic_ns;
use crate::sim::{ChipPlan, Level, SimChip};

/// The name that the chip gives to line 5.
const NAMED: (u32, &str) = (5, "GPIO5");
/// Only ends a test that fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other end of the lines of one backend.
trait World {
    const BACKEND: LineBackend;
    fn new() -> Self;
    fn chip(&self) -> &SimChip;
    /// What the world sees on an output.
    fn level(&self, offset: u32) -> Level;
    /// Drives an input.
    fn pull(&self, offset: u32, level: Level);
}

/// Lines as the kernel has them.
struct Kernel {
    chip: SimChip,
}

impl World for Kernel {
    const BACKEND: LineBackend = LineBackend::Gpiochip;

    fn new() -> Self {
        Self { chip: ChipPlan::new("conformance", 8).name(NAMED.0, NAMED.1).create().unwrap() }
    }

    fn chip(&self) -> &SimChip {
        &self.chip
    }

    fn level(&self, offset: u32) -> Level {
        self.chip.line(offset).unwrap().value().unwrap()
    }

    fn pull(&self, offset: u32, level: Level) {
        self.chip.line(offset).unwrap().pull(level).unwrap();
    }
}

/// A Raspberry Pi 3 as far as `rppal` looks.
struct Registers {
    chip: SimChip,
    memory: File,
}

const CPU: &str = "/proc/cpuinfo";
const MEMORY: &str = "/dev/gpiomem";
/// Bytes from the start of the registers to the functions of the lines, ten in each word; the lines to be set, 32 in each word; to be cleared; the levels.
const FUNCTIONS: u64 = 0x00;
const SET: u64 = 0x1c;
const CLEAR: u64 = 0x28;
const LEVELS: u64 = 0x34;
const OUTPUT: u32 = 1;

impl Registers {
    fn word(&self, at: u64) -> u32 {
        let mut word = [0; 4];
        self.memory.read_exact_at(&mut word, at).unwrap();
        u32::from_le_bytes(word)
    }

    fn put(&self, at: u64, word: u32) {
        self.memory.write_all_at(&word.to_le_bytes(), at).unwrap();
    }

    fn put_level(&self, offset: u32, level: Level) {
        let levels = self.word(LEVELS) & !(1 << offset);
        self.put(LEVELS, levels | u32::from(level == Level::High) << offset);
    }
}

impl World for Registers {
    const BACKEND: LineBackend = LineBackend::Rppal;

    fn new() -> Self {
        let cpu = tempfile::NamedTempFile::new().unwrap();
        fs::write(cpu.path(), "Hardware\t: BCM2835\nRevision\t: a02082\n").unwrap();
        fs::write(MEMORY, [0; 4096]).unwrap();
        let memory = OpenOptions::new().read(true).write(true).open(MEMORY).unwrap();
        let mounted = Command::new("mount").args(["-o", "bind"]).arg(cpu.path()).arg(CPU).status().unwrap();
        assert!(mounted.success());
        Self { chip: ChipPlan::labelled("pinctrl-bcm2835", 54).name(NAMED.0, NAMED.1).create().unwrap(), memory }
    }

    fn chip(&self) -> &SimChip {
        &self.chip
    }

    /// Does what the hardware would do with what was written last, and looks.
    fn level(&self, offset: u32) -> Level {
        assert_eq!(self.word(FUNCTIONS + u64::from(offset / 10) * 4) >> (offset % 10 * 3) & 7, OUTPUT, "line {offset} is no output");
        let asked = [SET, CLEAR].map(|at| self.word(at) >> offset & 1 == 1);
        match asked {
            [true, true] => panic!("line {offset} was moved there and back"),
            [true, false] => self.put_level(offset, Level::High),
            [false, true] => self.put_level(offset, Level::Low),
            [false, false] => {}
        }
        self.put(SET, 0);
        self.put(CLEAR, 0);
        if self.word(LEVELS) >> offset & 1 == 1 { Level::High } else { Level::Low }
    }

    fn pull(&self, offset: u32, level: Level) {
        self.put_level(offset, level);
        self.chip.line(offset).unwrap().pull(level).unwrap();
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(CPU).status().is_ok_and(|status| status.success());
        let removed = fs::remove_file(MEMORY);
        if !std::thread::panicking() {
            assert!(unmounted, "{CPU} is not the machine's own again");
            removed.unwrap();
        }
    }
}

macro_rules! on_both {
    ($($test:ident)*) => {
        mod gpiochip { $( #[test] fn $test() { super::$test::<super::Kernel>(); } )* }
        mod rppal { $( #[test] fn $test() { super::$test::<super::Registers>(); } )* }
    };
}

on_both! {
    an_output_is_taken_in_its_position_and_moves
    edges_are_numbered_from_one_and_stamped_when_they_happen
    only_edges_that_are_watched_are_told
    each_line_of_several_has_its_own_numbers
    a_level_is_read_as_the_bench_file_means_it
    a_chip_that_is_not_there
    a_line_beyond_the_chip
    a_line_of_another_name
    a_line_that_is_taken
    a_label_that_two_chips_have
}

fn pin<W: World>(world: &W, offset: u32, active_low: bool) -> Gpio {
    world.chip().pin(offset, active_low)
}

fn high_if(high: bool) -> Level {
    if high { Level::High } else { Level::Low }
}

fn output<W: World>(gpio: Gpio, active: bool) -> Result<Box<dyn Outputs>, LineError> {
    gpio::outputs(W::BACKEND, &[OutputSpec { name: "power".into(), gpio, active }])
}

fn inputs<W: World>(specs: Vec<(Gpio, Watch)>) -> Result<Box<dyn Inputs>, LineError> {
    let specs: Vec<InputSpec> = specs.into_iter().map(|(gpio, watch)| InputSpec { name: "flow.tip".into(), gpio, watch }).collect();
    gpio::inputs(W::BACKEND, &specs)
}

/// So many edges, and that no other comes with them.
fn edges(inputs: &mut dyn Inputs, count: usize) -> Vec<Edge> {
    let mut edges = Vec::new();
    let until = Instant::now() + PATIENCE;
    while edges.len() < count {
        assert!(Instant::now() < until, "{count} edges were made and these came: {edges:?}");
        inputs.wait(Duration::from_millis(10), &mut edges).unwrap();
    }
    inputs.wait(Duration::from_millis(10), &mut edges).unwrap();
    assert_eq!(edges.len(), count, "{edges:?}");
    edges
}

fn an_output_is_taken_in_its_position_and_moves<W: World>() {
    let world = W::new();
    for (active, active_low) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut power = output::<W>(pin(&world, 3, active_low), active).unwrap();
        assert_eq!(world.level(3), high_if(active != active_low), "{active} {active_low}");
        assert_eq!(power.is_active(0).unwrap(), active);
        for active in [!active, active, active, !active] {
            power.set(0, active).unwrap();
            assert_eq!(world.level(3), high_if(active != active_low), "{active} {active_low}");
            assert_eq!(power.is_active(0).unwrap(), active);
        }
    }
}

fn edges_are_numbered_from_one_and_stamped_when_they_happen<W: World>() {
    let world = W::new();
    for active_low in [false, true] {
        world.pull(0, high_if(active_low));
        let mut flow = inputs::<W>(vec![(pin(&world, 0, active_low), Watch::Both)]).unwrap();
        let mut around = Vec::new();
        for active in [true, false, true, false, true] {
            let before = monotonic_ns();
            world.pull(0, high_if(active != active_low));
            around.push(before..=monotonic_ns());
        }
        for (n, (edge, around)) in edges(&mut *flow, 5).iter().zip(around).enumerate() {
            assert_eq!((edge.input, edge.number, edge.rising), (0, n as u32 + 1, n % 2 == 0), "active_low {active_low}");
            assert!(around.contains(&u64::try_from(edge.at_ns).unwrap()), "{edge:?} was stamped outside {around:?}");
        }
    }
}

fn only_edges_that_are_watched_are_told<W: World>() {
    let world = W::new();
    for active_low in [false, true] {
        world.pull(0, high_if(active_low));
        let mut flow = inputs::<W>(vec![(pin(&world, 0, active_low), Watch::Rising)]).unwrap();
        for active in [true, false, true, false] {
            world.pull(0, high_if(active != active_low));
        }
        let told: Vec<(u32, bool)> = edges(&mut *flow, 2).iter().map(|edge| (edge.number, edge.rising)).collect();
        assert_eq!(told, [(1, true), (2, true)], "active_low {active_low}");
    }
}

fn each_line_of_several_has_its_own_numbers<W: World>() {
    let world = W::new();
    let lines = [(2, Watch::Rising), (0, Watch::Both), (7, Watch::Rising)];
    let mut all = inputs::<W>(lines.iter().map(|(offset, watch)| (pin(&world, *offset, false), *watch)).collect()).unwrap();
    for _ in 0..20 {
        for offset in [0, 1, 2, 7] {
            world.pull(offset, Level::High);
            world.pull(offset, Level::Low);
        }
    }
    let told = edges(&mut *all, 80);
    for (input, count) in [(0, 20), (1, 40), (2, 20)] {
        let numbers: Vec<u32> = told.iter().filter(|edge| edge.input == input).map(|edge| edge.number).collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "input {input}");
    }
}

fn a_level_is_read_as_the_bench_file_means_it<W: World>() {
    let world = W::new();
    for active_low in [false, true] {
        let mut button = inputs::<W>(vec![(pin(&world, 4, active_low), Watch::Both)]).unwrap();
        for active in [true, false, true] {
            world.pull(4, high_if(active != active_low));
            assert_eq!(button.is_active(0).unwrap(), active, "active_low {active_low}");
        }
    }
}

/// What both ways of taking a line have to say about it.
#[track_caller]
fn assert_refused<W: World>(gpio: &Gpio, words: &[&str]) {
    let errors = [output::<W>(gpio.clone(), false).err(), inputs::<W>(vec![(gpio.clone(), Watch::Both)]).err()];
    for error in errors {
        let error = error.unwrap().to_string();
        assert!(words.iter().all(|words| error.contains(words)), "{words:?} are not all in: {error}");
    }
}

fn a_chip_that_is_not_there<W: World>() {
    let world = W::new();
    let gpio = Gpio { chip: "pinctrl-rp1".to_owned(), ..pin(&world, 0, false) };
    assert_refused::<W>(&gpio, &["no GPIO chip labelled `pinctrl-rp1`", &format!("there is `{}`", world.chip().label())]);
}

fn a_line_beyond_the_chip<W: World>() {
    let world = W::new();
    let chip = Chip::labelled(world.chip().label()).unwrap();
    assert_eq!(chip.path, world.chip().device());
    let lines = chip.lines;
    assert_refused::<W>(&pin(&world, lines, false), &[&format!("has {lines} lines and no line {lines}")]);
    output::<W>(pin(&world, lines - 1, false), false).unwrap();
}

fn a_line_of_another_name<W: World>() {
    let world = W::new();
    let named = |name: &str| Gpio { line_name: Some(name.to_owned()), ..pin(&world, NAMED.0, false) };
    assert_refused::<W>(&named("GPIO17"), &["is called `GPIO5` and not `GPIO17`"]);
    output::<W>(named(NAMED.1), false).unwrap();
}

fn a_line_that_is_taken<W: World>() {
    let world = W::new();
    let other = Request::builder().on_chip(world.chip().device()).with_consumer("a lamp").with_line(6).as_input().request().unwrap();
    assert_refused::<W>(&pin(&world, 6, false), &["line 6", "is taken by `a lamp`"]);
    drop(other);
    output::<W>(pin(&world, 6, false), false).unwrap();
}

fn a_label_that_two_chips_have<W: World>() {
    let world = W::new();
    let label = world.chip().label();
    let twin = ChipPlan::labelled(label, 2).create().unwrap();
    let [first, second] = [world.chip(), &twin].map(|chip| chip.device().display().to_string());
    assert_refused::<W>(&pin(&world, 0, false), &[&format!("2 GPIO chips are labelled `{label}`"), &first, &second]);
    drop(twin);
    output::<W>(pin(&world, 0, false), false).unwrap();
}
