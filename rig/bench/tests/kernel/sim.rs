//! Simulated GPIO chips: made through configfs, their lines pulled through sysfs, gone when dropped.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rig_model::bench::{Bias, Drive, Gpio};

const CONFIGFS: &str = "/sys/kernel/config/gpio-sim";
const DEVICES: &str = "/sys/devices/platform";

/// What a chip is to be.
#[derive(Debug, Clone, Default)]
pub struct ChipPlan {
    /// Of its folder in configfs: no two chips may share it.
    id: String,
    label: String,
    lines: u32,
    names: Vec<(u32, String)>,
    hogs: Vec<(u32, String, Hog)>,
}

/// How the kernel itself holds a line, so that nobody else can.
#[derive(Debug, Clone, Copy)]
pub enum Hog {
    Input,
    OutputHigh,
    OutputLow,
}

impl ChipPlan {
    /// The label gets a suffix of its own, so that tests can't meet on one chip; [`SimChip::label`] tells the whole.
    pub fn new(label: &str, lines: u32) -> Self {
        let plan = Self::labelled(label, lines);
        Self { label: plan.id.clone(), ..plan }
    }

    /// With exactly this label, for whoever looks for it.
    pub fn labelled(label: &str, lines: u32) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let id = format!("{label}-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self { id, label: label.to_owned(), lines, ..Self::default() }
    }

    pub fn name(mut self, offset: u32, name: &str) -> Self {
        self.names.push((offset, name.to_owned()));
        self
    }

    pub fn hog(mut self, offset: u32, consumer: &str, hog: Hog) -> Self {
        self.hogs.push((offset, consumer.to_owned(), hog));
        self
    }

    /// The kernel has made the device file and all else when this returns.
    pub fn create(self) -> io::Result<SimChip> {
        let config = Path::new(CONFIGFS).join(&self.id);
        let bank = config.join("bank");
        create(&config)?;
        create(&bank)?;
        write(&bank.join("label"), &self.label)?;
        write(&bank.join("num_lines"), &self.lines.to_string())?;
        for (offset, name) in &self.names {
            let line = bank.join(format!("line{offset}"));
            create(&line)?;
            write(&line.join("name"), name)?;
        }
        for (offset, consumer, hog) in &self.hogs {
            let line = bank.join(format!("line{offset}"));
            create(&line)?;
            create(&line.join("hog"))?;
            write(&line.join("hog/name"), consumer)?;
            write(&line.join("hog/direction"), hog.direction())?;
        }
        write(&config.join("live"), "1")?;
        let chip = read(&bank.join("chip_name"))?;
        let lines = Path::new(DEVICES).join(read(&config.join("dev_name"))?).join(&chip);
        Ok(SimChip { label: self.label, config, device: Path::new("/dev").join(chip), lines, there: true })
    }
}

impl Hog {
    fn direction(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::OutputHigh => "output-high",
            Self::OutputLow => "output-low",
        }
    }
}

/// A chip that is there until this is dropped.
#[derive(Debug)]
pub struct SimChip {
    label: String,
    config: PathBuf,
    device: PathBuf,
    lines: PathBuf,
    there: bool,
}

impl SimChip {
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `/dev/gpiochipN`.
    pub fn device(&self) -> &Path {
        &self.device
    }

    /// One of its lines as a bench file names it, with nothing special about it.
    pub fn pin(&self, offset: u32, active_low: bool) -> Gpio {
        let chip = self.label.clone();
        Gpio { chip, offset, line_name: None, active_low, bias: Bias::AsIs, drive: Drive::PushPull, debounce: None }
    }

    pub fn line(&self, offset: u32) -> io::Result<SimLine> {
        let folder = self.lines.join(format!("sim_gpio{offset}"));
        let pull = folder.join("pull");
        let value = folder.join("value");
        Ok(SimLine {
            pull: OpenOptions::new().write(true).open(&pull).map_err(|error| at(&pull, &error))?,
            value: File::open(&value).map_err(|error| at(&value, &error))?,
        })
    }

    /// As when its cable is pulled out, whoever uses it.
    pub fn unplug(&mut self) -> io::Result<()> {
        self.there = false;
        write(&self.config.join("live"), "0")
    }

    fn remove(&mut self) -> io::Result<()> {
        if self.there {
            self.unplug()?;
        }
        let bank = self.config.join("bank");
        for entry in fs::read_dir(&bank)? {
            let line = entry?.path();
            if line.is_dir() {
                let hog = line.join("hog");
                if hog.is_dir() {
                    fs::remove_dir(&hog)?;
                }
                fs::remove_dir(&line)?;
            }
        }
        fs::remove_dir(&bank)?;
        fs::remove_dir(&self.config)
    }
}

impl Drop for SimChip {
    fn drop(&mut self) {
        let removed = self.remove();
        // A chip that stays would be found by later tests; a second panic would hide why the first one came.
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// The world's end of a line. The files stay open: opening them for each edge would cost more than the edge.
#[derive(Debug)]
pub struct SimLine {
    pull: File,
    value: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Low,
    High,
}

impl SimLine {
    /// What drives an input; what an output falls back to when nobody drives it. Each change of an input is an edge.
    pub fn pull(&self, level: Level) -> io::Result<()> {
        let word = match level {
            Level::Low => "pull-down",
            Level::High => "pull-up",
        };
        self.pull.write_all_at(word.as_bytes(), 0)
    }

    pub fn value(&self) -> io::Result<Level> {
        let mut digit = [0];
        self.value.read_exact_at(&mut digit, 0)?;
        match &digit {
            b"0" => Ok(Level::Low),
            b"1" => Ok(Level::High),
            other => Err(io::Error::other(format!("a line's value is 0 or 1, not {other:?}"))),
        }
    }

    /// Pulses, up and down, with `gap` from each edge to the next. Late edges are made up for, so that the mean rate is what was asked.
    pub fn pulses(&self, count: u32, gap: Duration) -> io::Result<()> {
        pulses(std::slice::from_ref(self), count, gap)
    }
}

/// The same pulses on several lines, one after the other at each edge.
pub fn pulses(lines: &[SimLine], count: u32, gap: Duration) -> io::Result<()> {
    let began = Instant::now();
    for edge in 0..count * 2 {
        if let Some(early) = (gap * edge).checked_sub(began.elapsed()) {
            // Never by looking at the clock again and again: in virtual time it does not move while somebody looks.
            std::thread::sleep(early);
        }
        let level = if edge % 2 == 0 { Level::High } else { Level::Low };
        for line in lines {
            line.pull(level)?;
        }
    }
    Ok(())
}

fn create(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        // A line with a name and a hog.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done.map_err(|error| at(folder, &error)),
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text).map_err(|error| at(file, &error))
}

fn read(file: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(file).map_err(|error| at(file, &error))?.trim_end().to_owned())
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}; this needs a kernel with gpio-sim, and root", path.display()))
}
