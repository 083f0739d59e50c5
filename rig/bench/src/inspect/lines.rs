//! GPIO chips by label, and each line that the bench file names.

use std::collections::BTreeSet;

use rig_model::bench::{Bench, Direction, EdgeWiring, Gpio, Wiring};

use super::{Finding, access};
use crate::gpio::{Chip, ChipLine, LineError, chips};

pub(super) fn look(bench: &Bench) -> Vec<Finding> {
    let there = match chips() {
        Ok(there) => there,
        Err(error) => return vec![unreadable(&error)],
    };
    let mut found: Vec<Finding> = labels(bench).into_iter().map(|label| chip(label, &there)).collect();
    found.extend(wired(bench).into_iter().filter_map(|(what, gpio)| line(&what, gpio, &there, Chip::line)));
    found
}

/// The chips of the bench that are simulated, in sentences.
pub(super) fn simulated(bench: &Bench) -> Vec<String> {
    // A run on chips that can't be read does not begin.
    let there = chips().unwrap_or_default();
    let wanted = labels(bench);
    there.into_iter().filter(|chip| wanted.contains(chip.label.as_str())).filter_map(|chip| chip.simulated).collect()
}

fn unreadable(error: &LineError) -> Finding {
    match error {
        LineError::Denied { path } => {
            Finding::bad("GPIO chips", format!("{} may not be opened by this user", path.display()), access::remedy(path))
        }
        error => Finding::of_error("GPIO chips", error),
    }
}

fn labels(bench: &Bench) -> BTreeSet<&str> {
    wired(bench).into_iter().map(|(_, gpio)| gpio.chip.as_str()).collect()
}

fn chip(label: &str, there: &[Chip]) -> Finding {
    let what = format!("chip {label}");
    match Chip::among(label, there.to_vec()) {
        Ok(chip) => Finding::good(what, format!("{} with {} lines", chip.path.display(), chip.lines)).simulated(chip.simulated),
        Err(error) => Finding::of_error(&what, &error),
    }
}

/// Nothing where its chip is not there: that is said of the chip, once.
fn line(what: &str, gpio: &Gpio, there: &[Chip], look: impl Fn(&Chip, u32) -> Result<ChipLine, LineError>) -> Option<Finding> {
    let chip = Chip::among(&gpio.chip, there.to_vec()).ok()?;
    Some(match chip.judge(what, gpio, look) {
        Ok(()) => {
            let name = gpio.line_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            Finding::good(what, format!("line {} of {}{name}, free", gpio.offset, gpio.chip))
        }
        Err(error) => Finding::bad(what, unnamed(what, &error), remedy(&error)),
    })
}

/// The error without the line's name, which stands before it already.
fn unnamed(what: &str, error: &LineError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix(what).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text);
    text.split_once(": ").map_or(text, |(words, _)| words).to_owned()
}

fn remedy(error: &LineError) -> &'static str {
    match error {
        LineError::NoLine { .. } => "correct `offset` in the bench file: `gpioinfo` lists the lines of each chip",
        LineError::OtherName { .. } => "the bench file means another line, or another board: `gpioinfo` lists names and offsets",
        LineError::Taken { .. } => {
            "end that program, or take the kernel's own use of the line out of the device tree (`gpioinfo` names both)"
        }
        _ => "`dmesg` may know more of the chip",
    }
}

/// Every line that the bench file names, by what is on it.
fn wired(bench: &Bench) -> Vec<(String, &Gpio)> {
    let mut wired: Vec<(String, &Gpio)> =
        bench.lines.iter().filter_map(|line| Some((format!("line {}", line.name), line.gpio.as_ref()?))).collect();
    for channel in &bench.channels {
        let Some(Wiring::Edges(EdgeWiring { line, second, direction })) = &channel.wiring else { continue };
        let name = &channel.name;
        wired.push((name.to_string(), line));
        wired.extend(second.iter().map(|gpio| (format!("{name}/second"), gpio)));
        let beside = direction.iter().map(|(Direction::Level(gpio) | Direction::Quadrature(gpio))| gpio);
        wired.extend(beside.map(|gpio| (format!("{name}/direction"), gpio)));
    }
    wired
}

#[cfg(test)]
mod tests {
    use rig_model::bench::{Bias, Drive};

    use super::*;
    use crate::inspect::State;

    fn chip_labelled(label: &str, number: u32) -> Chip {
        Chip { path: format!("/dev/gpiochip{number}").into(), label: label.to_owned(), lines: 54, simulated: None }
    }

    fn gpio(offset: u32, name: &str) -> Gpio {
        Gpio {
            chip: "pinctrl-bcm2711".to_owned(),
            offset,
            line_name: Some(name.to_owned()),
            active_low: false,
            bias: Bias::AsIs,
            drive: Drive::PushPull,
            debounce: None,
        }
    }

    #[test]
    fn chips_are_known_by_their_labels() {
        let there = [chip_labelled("pinctrl-rp1", 0), chip_labelled("gpio-brcmstb", 10), chip_labelled("gpio-brcmstb", 11)];
        for (label, state, words) in [
            ("pinctrl-rp1", State::Good, "/dev/gpiochip0 with 54 lines"),
            ("pinctrl-bcm2711", State::Bad, "there is no GPIO chip labelled `pinctrl-bcm2711`; there is `pinctrl-rp1`, `gpio-brcmstb`"),
            ("gpio-brcmstb", State::Bad, "2 GPIO chips are labelled `gpio-brcmstb` (`/dev/gpiochip10`, `/dev/gpiochip11`)"),
        ] {
            let found = chip(label, &there);
            assert_eq!(found.state, state, "{found:?}");
            assert!(found.words.contains(words), "{found:?}");
            assert_eq!(found.remedy.is_some(), state == State::Bad, "{found:?}");
        }
        let simulated = Chip { simulated: Some("simulated by the kernel".to_owned()), ..chip_labelled("fake", 3) };
        assert!(chip("fake", &[simulated]).simulated.is_some());
    }

    #[test]
    fn a_line_is_there_has_its_name_and_is_free() {
        let there = [chip_labelled("pinctrl-bcm2711", 0)];
        let look =
            |_: &Chip, offset| Ok(ChipLine { name: format!("GPIO{offset}"), taken_by: (offset == 4).then(|| "another rig".to_owned()) });
        for (offset, name, state, words) in [
            (17, "GPIO17", State::Good, "line 17 of pinctrl-bcm2711 (GPIO17), free"),
            (54, "GPIO54", State::Bad, "pinctrl-bcm2711 has 54 lines and no line 54"),
            (5, "GPIO17", State::Bad, "line 5 of pinctrl-bcm2711 is called `GPIO5` and not `GPIO17`"),
            (4, "GPIO4", State::Bad, "line 4 of pinctrl-bcm2711 is taken by `another rig`"),
        ] {
            let found = line("line power", &gpio(offset, name), &there, look).unwrap();
            assert_eq!((found.what.as_str(), found.state, found.words.as_str()), ("line power", state, words), "{found:?}");
            assert_eq!(found.remedy.is_some(), state == State::Bad);
        }
        assert_eq!(line("line power", &gpio(17, "GPIO17"), &[], look), None);
    }

    #[test]
    fn a_chip_that_may_not_be_opened_has_its_command() {
        let found = unreadable(&LineError::Denied { path: "/nonexistent-chip".into() });
        assert!(found.words.contains("may not be opened by this user") && found.remedy.is_some(), "{found:?}");
    }
}
