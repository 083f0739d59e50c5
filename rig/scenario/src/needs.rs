//! What a case needs of a bench, and what a bench lacks.

use std::collections::BTreeSet;

use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::dut::Verb;
use rig_model::input::PlantChange;
use rig_model::quantity::Flow;
use rig_model::scenario::{Case, Condition, CurveAsked, Expected, Step, StepKind, Subject, Until, Watched, WindowQuantity, photometer_of};
use rig_model::time::Span;

/// What a case uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Needs {
    /// Flow channels, by name.
    pub flow: BTreeSet<Name>,
    /// Those of them that must tell the direction of flow.
    pub direction: BTreeSet<Name>,
    /// Windows of whole strokes are judged: the pump's stroke must be known.
    pub stroke: bool,
    /// Pressure channels, by name.
    pub pressure: BTreeSet<Name>,
    /// Photometers, by name.
    pub drug: BTreeSet<Name>,
    /// Something is weighed.
    pub balance: bool,
    /// The alarm output is listened to.
    pub alarm: bool,
    /// Lines that are moved.
    pub lines: BTreeSet<Name>,
    /// Something is done to pump and patient: by changing the simulated plumbing, or by a line that does it.
    pub plant: bool,
    /// How it is changed by injections, each change once.
    pub changes: Vec<PlantChange>,
    /// The fastest mean flow that is programmed, µL/h.
    pub fastest: Option<Flow>,
    /// An operator is asked.
    pub prompts: bool,
    /// The serial link is disturbed.
    pub link_faults: bool,
}

/// Everything that the case uses, steps, watchers and `finally` together.
pub fn needs(case: &Case) -> Needs {
    let mut needs = Needs::default();
    for watch in &case.watch {
        needs.watched(&watch.what);
    }
    // Names of windows to their channels, for checks that want the direction.
    let mut windows = Vec::new();
    needs.steps(&case.steps, &mut windows);
    needs.steps(&case.finally, &mut windows);
    needs
}

/// What this bench lacks to play the case, as sentences; empty if it can be played.
pub fn lacking(case: &Case, bench: &Bench) -> Vec<String> {
    let needs = needs(case);
    let mut lacks = Vec::new();
    for name in &needs.flow {
        match bench.channel(name).map(|c| &c.instrument) {
            Some(Instrument::Flow(sensor)) if needs.direction.contains(name) && !sensor.bidirectional => {
                lacks.push(format!("`{name}` does not tell the direction of flow"));
            }
            Some(Instrument::Flow(sensor)) if needs.fastest.is_some_and(|flow| flow.0 > sensor.max_flow) => {
                let fastest = needs.fastest.map_or_else(String::new, |flow| flow.to_string());
                lacks.push(format!("`{name}` is valid up to {}, and {fastest} are programmed", Flow(sensor.max_flow)));
            }
            Some(Instrument::Flow(_)) => {}
            Some(_) => lacks.push(format!("`{name}` is no flow channel")),
            None => lacks.push(no_channel(name, bench)),
        }
    }
    for name in &needs.pressure {
        match bench.channel(name).map(|c| &c.instrument) {
            Some(Instrument::Pressure(_)) => {}
            Some(_) => lacks.push(format!("`{name}` is no pressure channel")),
            None => lacks.push(no_channel(name, bench)),
        }
    }
    for name in &needs.drug {
        match bench.channel(name).map(|c| &c.instrument) {
            Some(Instrument::Drug(_)) => {}
            Some(_) => lacks.push(format!("`{name}` is no photometer")),
            None => lacks.push(no_channel(name, bench)),
        }
    }
    if needs.balance && !bench.channels.iter().any(|c| matches!(c.instrument, Instrument::Balance(_))) {
        lacks.push("no balance".to_owned());
    }
    if needs.alarm && !bench.channels.iter().any(|c| c.instrument == Instrument::Alarm) {
        lacks.push("no alarm channel".to_owned());
    }
    lacks.extend(
        needs
            .lines
            .iter()
            .filter(|line| bench.line(line).is_none())
            .map(|line| format!("no line `{line}`{}", nearest(line, bench.lines.iter().map(|l| &*l.name)))),
    );
    if needs.stroke && bench.dut.stroke.is_none() {
        lacks.push("no stroke volume: neither a curve that is judged by strokes states it, nor `[dut]`".to_owned());
    }
    match (&bench.plant, case.given.reservoir) {
        (None, _) => {
            // Each once, in the order in which they are asked for.
            for no_line in needs.changes.iter().filter_map(|change| bench.line_for(change).err()).map(|no_line| no_line.to_string()) {
                if !lacks.contains(&no_line) {
                    lacks.push(no_line);
                }
            }
        }
        (Some(plant), Some(volume)) if volume.0 > plant.reservoir_capacity.0 => {
            lacks.push(format!("a reservoir for {volume}: this one holds {}", plant.reservoir_capacity));
        }
        _ => {}
    }
    lacks
}

fn no_channel(name: &str, bench: &Bench) -> String {
    format!("no channel `{name}`{}", nearest(name, bench.channels.iter().map(|c| &*c.name)))
}

/// The name of the bench that may have been meant, in brackets; nothing where none is near.
fn nearest<'b>(name: &str, names: impl Iterator<Item = &'b str>) -> String {
    let near = names.map(|n| (strsim::damerau_levenshtein(name, n), n)).min().filter(|(distance, _)| *distance <= 2);
    near.map(|(_, n)| format!(" (did you mean `{n}`?)")).unwrap_or_default()
}

impl Needs {
    fn watched(&mut self, what: &Watched) {
        match what {
            Watched::NoAlarm { .. } => self.alarm = true,
            Watched::NoReverseFlow { channel } => {
                self.flow.insert(channel.clone());
                self.direction.insert(channel.clone());
            }
            Watched::VolumeInAny { channel, .. } | Watched::MaxFlow { channel, .. } => {
                self.flow.insert(channel.clone());
            }
            Watched::DrugInAny { channel, .. } => self.drug_with(channel),
            Watched::MaxPressure { channel, .. } => {
                self.pressure.insert(channel.clone());
            }
            Watched::NoRestart | Watched::NeverState(_) => {}
        }
    }

    /// The drug through a flow channel is measured by both instruments at its place.
    fn drug_with(&mut self, flow: &Name) {
        self.flow.insert(flow.clone());
        self.drug.extend(photometer_of(flow));
    }

    fn steps(&mut self, steps: &[Step], windows: &mut Vec<(Name, Name)>) {
        for step in steps {
            self.step(&step.kind, windows);
        }
    }

    fn step(&mut self, kind: &StepKind, windows: &mut Vec<(Name, Name)>) {
        match kind {
            StepKind::Command { verb, expect: Expected::Accepted, .. } => self.programmed(verb),
            StepKind::Command { .. } | StepKind::Wait(_) | StepKind::Mark { .. } => {}
            StepKind::Expect { what, .. } | StepKind::Hold { what, .. } => self.condition(what),
            StepKind::Measure(measure) => {
                windows.push((measure.name.clone(), measure.channel.clone()));
                match &*measure.channel {
                    "balance" => self.balance = true,
                    name if name.starts_with("pressure.") => {
                        self.pressure.insert(measure.channel.clone());
                    }
                    name => {
                        self.flow.insert(name.into());
                        if measure.drug.is_some() {
                            self.drug_with(&measure.channel);
                        }
                    }
                }
                if let Until::Condition { what: Some(what), .. } = &measure.until {
                    self.condition(what);
                }
                let by_stroke = |c: &CurveAsked| !c.strokes.is_empty() && c.plan.stroke_cycle.is_none();
                self.stroke |= measure.curve.as_deref().is_some_and(by_stroke);
                self.steps(&measure.during, windows);
            }
            StepKind::Check(check) => match &check.subject {
                Subject::SignalDelay { .. } | Subject::ToneCount { .. } | Subject::TonePeriod { .. } => self.alarm = true,
                Subject::StopDelay { channel, .. } => {
                    self.flow.insert(channel.clone());
                }
                Subject::PressureAtAlarm { channel, .. } => {
                    self.pressure.insert(channel.clone());
                }
                Subject::Window { window, quantity: WindowQuantity::ReverseVolume } => {
                    let channel = windows.iter().find(|(name, _)| name == window).map(|(_, channel)| channel.clone());
                    self.direction.extend(channel);
                }
                _ => {}
            },
            StepKind::Set { line, .. } => {
                self.lines.insert(line.clone());
            }
            StepKind::Plant(change) => {
                self.plant = true;
                if !self.changes.contains(change) {
                    self.changes.push(change.clone());
                }
            }
            StepKind::LinkFault(_) => self.link_faults = true,
            StepKind::Prompt { .. } => self.prompts = true,
            StepKind::Repeat { steps, .. } => self.steps(steps, windows),
        }
    }

    fn programmed(&mut self, verb: &Verb) {
        let flow = match verb {
            Verb::ProgramBasal { rate } => *rate,
            Verb::ProgramBolus { volume, over } if *over > Span::ZERO => Flow(volume.0 / over.as_hours()),
            _ => return,
        };
        if self.fastest.is_none_or(|fastest| flow.0 > fastest.0) {
            self.fastest = Some(flow);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Tone(_) | Condition::NoTone(_) => self.alarm = true,
            Condition::Quiet { channel, .. } | Condition::Volume { channel, .. } => {
                self.flow.insert(channel.clone());
            }
            Condition::State(_) | Condition::Alarm(_) | Condition::NoAlarm | Condition::Restarted => {}
        }
    }
}
