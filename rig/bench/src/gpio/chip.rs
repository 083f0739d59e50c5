//! GPIO chips of this machine: by label, since numbers change from one kernel and one Pi to the next.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rig_model::bench::Gpio;

use super::LineError;

/// One GPIO character device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    pub path: PathBuf,
    pub label: String,
    pub lines: u32,
    /// Why it is no hardware, if the kernel says that it is simulated.
    pub simulated: Option<String>,
}

/// A line as the kernel sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChipLine {
    pub name: String,
    /// Who has it, if somebody has.
    pub taken_by: Option<String>,
}

/// All chips that there are, by their numbers.
///
/// # Errors
/// One of them can't be looked at.
pub fn chips() -> Result<Vec<Chip>, LineError> {
    let unreadable = |e: std::io::Error| LineError::Chip { path: "/dev".into(), why: e.to_string() };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir("/dev").map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("gpiochip")).and_then(|n| n.parse::<u32>().ok());
        paths.extend(number.map(|number| (number, Path::new("/dev").join(&name))));
    }
    paths.sort();
    paths.into_iter().map(|(_, path)| Chip::look(path)).collect()
}

impl Chip {
    fn look(path: PathBuf) -> Result<Self, LineError> {
        // Asked for first, since only this tells plainly who may not.
        if let Err(error) = OpenOptions::new().read(true).write(true).open(&path)
            && error.kind() == ErrorKind::PermissionDenied
        {
            return Err(LineError::Denied { path });
        }
        let unusable = |error: gpiocdev::Error| LineError::Chip { path: path.clone(), why: error.to_string() };
        let info = gpiocdev::Chip::from_path(&path).and_then(|chip| chip.info()).map_err(unusable)?;
        let simulated = simulated(&path);
        Ok(Self { path, label: info.label, lines: info.num_lines, simulated })
    }

    /// The one with this label.
    pub fn labelled(label: &str) -> Result<Self, LineError> {
        Self::among(label, chips()?)
    }

    pub(crate) fn among(label: &str, mut all: Vec<Self>) -> Result<Self, LineError> {
        let there: Vec<String> = all.iter().map(|c| c.label.clone()).collect();
        all.retain(|c| c.label == label);
        match all.len() {
            0 => Err(LineError::NoChip { label: label.to_owned(), there }),
            1 => Ok(all.remove(0)),
            _ => Err(LineError::ChipTwice { label: label.to_owned(), paths: all.iter().map(|c| c.path.display().to_string()).collect() }),
        }
    }

    pub fn line(&self, offset: u32) -> Result<ChipLine, LineError> {
        let failed = |error: gpiocdev::Error| LineError::Chip { path: self.path.clone(), why: error.to_string() };
        let info = gpiocdev::Chip::from_path(&self.path).and_then(|chip| chip.line_info(offset)).map_err(failed)?;
        let taken_by = info.used.then(|| if info.consumer.is_empty() { "the kernel".to_owned() } else { info.consumer });
        Ok(ChipLine { name: info.name, taken_by })
    }

    /// Does what makes some thread ask for the line, and waits until the kernel has granted it with all that was asked for: that the line is in
    /// use is seen a moment earlier. `false`: it was not granted in time.
    pub(super) fn granted(&self, offset: u32, within: Duration, ask: impl FnOnce() -> Result<(), LineError>) -> Result<bool, LineError> {
        let failed = |error: gpiocdev::Error| LineError::Chip { path: self.path.clone(), why: error.to_string() };
        let chip = gpiocdev::Chip::from_path(&self.path).map_err(failed)?;
        chip.watch_line_info(offset).map_err(failed)?;
        ask()?;
        chip.wait_line_info_change_event(within).map_err(failed)
    }

    /// The chip of a line that is as the bench file says and free.
    pub(super) fn of(what: &str, gpio: &Gpio) -> Result<Self, LineError> {
        let chip = Self::labelled(&gpio.chip)?;
        chip.judge(what, gpio, Self::line)?;
        Ok(chip)
    }

    /// Whether a line of this chip, which `look` looks at, is as the bench file says and free.
    pub(crate) fn judge(&self, what: &str, gpio: &Gpio, look: impl Fn(&Self, u32) -> Result<ChipLine, LineError>) -> Result<(), LineError> {
        let (what, label, offset) = (what.to_owned(), gpio.chip.clone(), gpio.offset);
        if offset >= self.lines {
            return Err(LineError::NoLine { what, chip: label, offset, lines: self.lines });
        }
        let ChipLine { name: found, taken_by } = look(self, offset)?;
        if let Some(wanted) = gpio.line_name.clone().filter(|wanted| *wanted != found) {
            return Err(LineError::OtherName { what, chip: label, offset, wanted, found });
        }
        match taken_by {
            Some(consumer) => Err(LineError::Taken { what, chip: label, offset, consumer }),
            None => Ok(()),
        }
    }
}

/// The kernel's simulated chips hang below a platform device of their driver's name.
fn simulated(path: &Path) -> Option<String> {
    let name = path.file_name()?;
    let device = std::fs::canonicalize(Path::new("/sys/bus/gpio/devices").join(name)).ok()?;
    let driver = ["gpio-sim", "gpio-mockup", "gpio-virtuser"].into_iter().find(|driver| device.to_string_lossy().contains(driver))?;
    Some(format!("GPIO chip {} is simulated by the kernel ({driver})", path.display()))
}
