//! What the record of a doctor's run shows of the bench, thing by thing.

use std::collections::{BTreeMap, BTreeSet};

use rig_bench::inspect::{Finding, State};
use rig_model::Name;
use rig_model::bench::{Bench, Instrument, PressureSensor};
use rig_model::dut::DutIdentity;
use rig_model::event::{CaseEnded, Event, SafeShown};
use rig_model::fact::{Body, Fact};
use rig_model::input::{Action, Actuation, Input};
use rig_model::verdict::{CheckRow, Verdict};
use rig_model::weighing::Balance;

use crate::commands::report;
use crate::failure::{BENCH, Failure, OrExit};
use crate::folder::RunFolder;

#[derive(Debug, Default)]
pub struct Seen {
    dut: Option<DutIdentity>,
    /// Orders to lines that have no answer yet.
    orders: BTreeMap<u64, Name>,
    /// Orders that were carried out, of each line.
    moved: BTreeMap<Name, u32>,
    failed: BTreeMap<Name, String>,
    alive: BTreeSet<Name>,
    /// Pulses of each flow channel at rest.
    at_rest: BTreeMap<Name, u64>,
    /// The last reading of each channel that has such.
    readings: BTreeMap<Name, f64>,
    restarted: bool,
    rows: Vec<CheckRow>,
    safe: Option<SafeShown>,
    ended: Option<CaseEnded>,
}

impl Seen {
    pub fn of(folder: &RunFolder) -> Result<Self, Failure> {
        let mut seen = Self::default();
        for fact in report::open(folder)?.reader {
            let (_, fact) = fact.or_exit(BENCH)?;
            seen.take(fact);
        }
        Ok(seen)
    }

    fn take(&mut self, fact: Fact) {
        match fact.body {
            Body::Header(_) => {}
            Body::Action(Action::Actuate { id, what: Actuation::Line { line, .. } }) => drop(self.orders.insert(id, line)),
            Body::Input(Input::Done { id }) => {
                if let Some(line) = self.orders.remove(&id) {
                    *self.moved.entry(line).or_default() += 1;
                }
            }
            Body::Input(Input::Failed { id, why }) => {
                if let Some(line) = self.orders.remove(&id) {
                    self.failed.entry(line).or_insert(why);
                }
            }
            Body::Input(Input::Reading { channel, value }) => drop(self.readings.insert(channel, value.0)),
            Body::Event(event) => self.event(event),
            Body::Action(_) | Body::Input(_) | Body::Note(_) => {}
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::DutIdentified(dut) => self.dut = Some(dut),
            Event::ChannelAlive { channel } => drop(self.alive.insert(channel)),
            Event::PumpRestarted => self.restarted = true,
            Event::WindowClosed(closed) if closed.window.starts_with("rest_") => {
                self.at_rest.insert(closed.channel, closed.forward + closed.reverse);
            }
            Event::Check(row) => self.rows.push(*row),
            Event::Safe(safe) => self.safe = Some(safe),
            Event::CaseEnded(ended) => self.ended = Some(ended),
            _ => {}
        }
    }

    pub fn findings(&self, bench: &Bench) -> Vec<Finding> {
        let mut found = vec![self.board()];
        found.extend(bench.lines.iter().filter_map(|line| self.line(&line.name)));
        for channel in &bench.channels {
            found.extend(match &channel.instrument {
                Instrument::Flow(_) => self.flow(&channel.name),
                Instrument::Pressure(sensor) => self.pressure(&channel.name, sensor),
                Instrument::Balance(balance) => self.balance(&channel.name, balance),
                Instrument::Alarm => self.alarm(&channel.name),
                Instrument::Drug(_) => None,
            });
        }
        found.extend(self.rows.iter().filter_map(row));
        found.extend(self.ended.iter().filter(|ended| ended.verdict != Verdict::Pass).map(unfinished));
        found.extend(self.safe.iter().map(safety));
        found
    }

    fn board(&self) -> Finding {
        match &self.dut {
            Some(dut) => Finding::good("board", format!("{} {}, firmware {}", dut.model, dut.serial, dut.firmware_version)),
            None => Finding::bad("board", "it did not say who it is", "check its supply, its cable, and `[link]` of the bench file"),
        }
    }

    /// Nothing of a line that was not moved.
    fn line(&self, name: &Name) -> Option<Finding> {
        let what = format!("line {name}");
        if let Some(why) = self.failed.get(name) {
            return Some(Finding::bad(what, why.clone(), "`rig doctor --look-only` says who has it"));
        }
        let moved = self.moved.get(name).filter(|times| **times > 0)?;
        Some(match (&**name, self.restarted) {
            ("power", true) => Finding::good(what, format!("moved ({moved} orders), and the board restarted")),
            ("power", false) => {
                Finding::bad(what, "moved, but the board did not restart", "check the relay and the wire to the board's supply")
            }
            _ => Finding::good(what, format!("{moved} orders carried out; what the relay did the bench can't see")),
        })
    }

    fn flow(&self, name: &Name) -> Option<Finding> {
        let pulses = *self.at_rest.get(name)?;
        let remedy = "`--deliver \"20 µL\"` lets it show that it lives, and so does pushing fluid through by hand with `--pulses`";
        Some(match (pulses, self.alive.contains(name)) {
            (0, true) => Finding::good(&**name, "alive, and quiet at rest"),
            (0, false) => Finding::warning(&**name, "quiet, but not shown to be alive", remedy),
            (pulses, _) => {
                let words = format!("{pulses} pulses in 5 s at rest");
                Finding::bad(&**name, words, "look for flow, then at ground, shielding and pull-up of the sensor's line")
            }
        })
    }

    fn pressure(&self, name: &Name, sensor: &PressureSensor) -> Option<Finding> {
        self.dut.as_ref()?;
        let (min, max) = (sensor.min, sensor.max);
        Some(match self.readings.get(name) {
            None => Finding::bad(&**name, "no reading", "check the instrument's supply and its bus"),
            Some(value) if (min.0..=max.0).contains(value) => Finding::good(&**name, format!("reads {value:.1} kPa at rest")),
            Some(value) => {
                let words = format!("reads {value:.1} kPa at rest, which is not within {min} … {max}");
                Finding::bad(&**name, words, "check the sensor's supply, its wire, and the two points of its calibration")
            }
        })
    }

    fn balance(&self, name: &Name, balance: &Balance) -> Option<Finding> {
        self.dut.as_ref()?;
        let (min, max) = (balance.min, balance.max);
        Some(match self.readings.get(name) {
            None => Finding::bad(&**name, "no reading", "check its supply and its cable, and `port` and `baud` of the bench file"),
            Some(mg) if (min..=max).contains(mg) => Finding::good(&**name, format!("reads {mg} mg at rest")),
            Some(mg) => {
                let words = format!("reads {mg} mg at rest, which is not within {min} … {max} mg");
                Finding::bad(&**name, words, "empty the vessel, set the balance to zero, or see what leans on the pan")
            }
        })
    }

    /// The chirp of the self-test is heard at every power-on.
    fn alarm(&self, name: &Name) -> Option<Finding> {
        self.dut.as_ref()?;
        Some(if self.alive.contains(name) {
            Finding::good(&**name, "the chirp of the board's self-test was heard")
        } else {
            Finding::bad(&**name, "the board was switched on and no chirp was heard", "check the wire from its sounder")
        })
    }
}

/// What was judged; silence and states that are as they should be are not told.
fn row(row: &CheckRow) -> Option<Finding> {
    if row.verdict != Verdict::Pass {
        return Some(Finding { state: State::Bad, ..Finding::good(row.check.clone(), format!("{}: {}", row.verdict, row.reason)) });
    }
    (row.quantity == "volume").then(|| Finding::good("delivery", row.reason.clone()))
}

fn unfinished(ended: &CaseEnded) -> Finding {
    Finding { state: State::Bad, ..Finding::good("trial", format!("{}: {}", ended.verdict, ended.reason)) }
}

fn safety(safe: &SafeShown) -> Finding {
    let what = "safety";
    if safe.shown {
        Finding::good(what, safe.reason.clone())
    } else {
        Finding::bad(what, safe.reason.clone(), "go there, and power off the board")
    }
}
