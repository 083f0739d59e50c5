//! A case as a flat program: what `given` asks for, the steps, and what `finally` asks for.

use std::sync::Arc;

use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::dut::Verb;
use rig_model::input::PlantChange;
use rig_model::scenario::{Case, Check, Condition, Expected, LinkFault, Measure, Step, StepKind, Subject, Watched, WindowQuantity};
use rig_model::time::Span;

/// To fill a reservoir through its septum and prime a catheter takes minutes; after this nobody is there.
const BY_HAND_WITHIN: Span = Span::minutes(15);

/// A pump may take 70 s for its power-on self-test (G 3.4.3), and a little to say so.
const RESTART_WITHIN: Span = Span::seconds(80);
/// Off long enough for every supply capacitor of a small board to run empty.
const POWER_OFF_FOR: Span = Span::milliseconds(500);

/// One instruction. A step is one instruction, or several that share its path.
#[derive(Debug, Clone)]
pub struct Instruction {
    pub path: Name,
    pub text: String,
    pub op: Op,
}

#[derive(Debug, Clone)]
pub enum Op {
    Command {
        verb: Verb,
        expect: Expected,
        verifies: Vec<Name>,
    },
    /// `stop`, whatever the pump answers: one that stands still may refuse it.
    Rest,
    Wait(Span),
    Expect {
        what: Condition,
        within: Span,
        verifies: Vec<Name>,
    },
    Hold {
        what: Condition,
        lasts: Span,
        verifies: Vec<Name>,
    },
    /// Ask for a status, then open window `n`.
    Open(usize),
    /// Wait for the end of window `n`, close it, ask for a status.
    Close(usize),
    /// Shared, because an instruction is copied when it begins.
    Check(Arc<Check>),
    Set {
        line: Name,
        active: bool,
    },
    Plant(PlantChange),
    LinkFault(LinkFault),
    Mark(Name),
    /// Ask for a last status, so that watchers on the link are judged on the pump's word and not on its silence.
    Confirm,
    Prompt {
        text: String,
        within: Span,
        /// What it comes to, where it is the bench that asks for it and not a step.
        change: Option<PlantChange>,
    },
    Loop(u32),
    /// Back to the instruction after the loop's head while rounds are left.
    EndLoop(usize),
}

#[derive(Debug)]
pub struct Program {
    pub code: Vec<Instruction>,
    pub first_step: usize,
    pub first_finally: usize,
    pub measures: Vec<MeasurePlan>,
}

/// A measure without its inner steps, and what the checks on it need.
#[derive(Debug, Clone)]
pub struct MeasurePlan {
    pub measure: Measure,
    /// A check compares the pump's own account of its reservoir with this window.
    pub needs_reservoir: bool,
}

impl Program {
    pub fn new(case: &Case, bench: &Bench, seed: u64) -> Self {
        let mut program = Self { code: Vec::new(), first_step: 0, first_finally: 0, measures: Vec::new() };
        program.prelude(case, bench, seed);
        program.first_step = program.code.len();
        program.steps(&case.steps);
        if case.watch.iter().any(|w| matches!(w.what, Watched::NoAlarm { .. } | Watched::NoRestart | Watched::NeverState(_))) {
            program.code.push(Instruction { path: "watch".into(), text: "a last status for the watchers".into(), op: Op::Confirm });
        }
        program.first_finally = program.code.len();
        program.steps(&case.finally);
        program.find_reservoir_checks();
        program
    }

    /// Brings bench and pump into the state that `given` names, whatever the case before left behind.
    fn prelude(&mut self, case: &Case, bench: &Bench, seed: u64) {
        let given = &case.given;
        if bench.simulated() {
            self.given("a fresh simulated bench", Op::Plant(PlantChange::Fresh { seed }));
        } else if bench.line("power").is_none() {
            // Nothing ends what the case before left under way.
            self.given("the pump at rest", Op::Rest);
        }
        for line in bench.lines.iter().filter(|l| &*l.name != "power") {
            self.given(format!("{} to its safe level", line.name), Op::Set { line: line.name.clone(), active: line.safe_active });
        }
        if bench.line("power").is_some() {
            self.given("power off", Op::Set { line: "power".into(), active: false });
            self.given("let the supply run down", Op::Wait(POWER_OFF_FOR));
        }
        let changes = [
            given.reservoir.map(|volume| PlantChange::Reservoir { volume }),
            // Before the catheter is filled, which is full of what the reservoir holds.
            given.drug.map(|concentration| PlantChange::Drug { concentration }),
            given.catheter_primed.or(given.drug.map(|_| true)).map(|primed| PlantChange::Catheter { primed }),
            given.air_bubble.map(|volume| PlantChange::AirBubble { volume }),
            given.tip_pressure.map(|pressure| PlantChange::TipPressure { pressure }),
            given.head.map(|height| PlantChange::Head { height }),
            given.ambient.map(|pressure| PlantChange::Ambient { pressure }),
            given.temperature.map(|inside| PlantChange::Temperature { inside }),
            given.battery_percent.map(|percent| PlantChange::Battery { percent }),
            given.pump_clock_ppm.map(|ppm| PlantChange::PumpClock { ppm }),
        ];
        for change in changes.into_iter().flatten() {
            let text = change.to_string();
            // What a real bench can't set up itself its operator declares.
            let op = match bench.plant {
                Some(_) => Op::Plant(change),
                None => Op::Prompt { text: format!("set up by hand, then confirm: {text}"), within: BY_HAND_WITHIN, change: Some(change) },
            };
            self.given(text, op);
        }
        if bench.line("power").is_some() {
            self.given("power on", Op::Set { line: "power".into(), active: true });
            let restarted = Op::Expect { what: Condition::Restarted, within: RESTART_WITHIN, verifies: Vec::new() };
            self.given("the pump comes out of its self-test", restarted);
        }
        self.given_command(Verb::Identify);
        if given.factory_reset {
            self.given_command(Verb::FactoryReset);
        }
        if !given.factory_reset && counts_entries(&case.steps) {
            // Entries of before are not this case's.
            self.given_command(Verb::ReadLog);
        }
        if let Some(volume) = given.reservoir {
            self.given_command(Verb::Refill { volume });
        }
    }

    /// What may pass before the first step while an operator sets up what the bench can't; the scenario's own time limit is not for that.
    pub fn by_hand(&self) -> Span {
        let prompts = self.code[..self.first_step].iter().filter(|i| matches!(i.op, Op::Prompt { .. })).count();
        Span(BY_HAND_WITHIN.0.saturating_mul(i64::try_from(prompts).unwrap_or(i64::MAX)))
    }

    fn given_command(&mut self, verb: Verb) {
        self.given(verb.to_string(), Op::Command { verb, expect: Expected::Accepted, verifies: Vec::new() });
    }

    fn given(&mut self, text: impl Into<String>, op: Op) {
        let path = format!("given.{}", self.code.len() + 1);
        self.code.push(Instruction { path: path.into(), text: text.into(), op });
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        match step.kind.clone() {
            StepKind::Command { verb, expect, verifies } => self.push(step, Op::Command { verb, expect, verifies }),
            StepKind::Wait(span) => self.push(step, Op::Wait(span)),
            StepKind::Expect { what, within, verifies } => self.push(step, Op::Expect { what, within, verifies }),
            StepKind::Hold { what, lasts, verifies } => self.push(step, Op::Hold { what, lasts, verifies }),
            StepKind::Check(check) => self.push(step, Op::Check(Arc::from(check))),
            StepKind::Set { line, active } => self.push(step, Op::Set { line, active }),
            StepKind::Plant(change) => self.push(step, Op::Plant(change)),
            StepKind::LinkFault(fault) => self.push(step, Op::LinkFault(fault)),
            StepKind::Mark { name } => self.push(step, Op::Mark(name)),
            StepKind::Prompt { text, within } => self.push(step, Op::Prompt { text, within, change: None }),
            StepKind::Repeat { times, steps } => {
                self.push(step, Op::Loop(times));
                let first = self.code.len();
                self.steps(&steps);
                self.push(step, Op::EndLoop(first));
            }
            StepKind::Measure(mut measure) => {
                let during = std::mem::take(&mut measure.during);
                let number = self.measures.len();
                self.measures.push(MeasurePlan { measure, needs_reservoir: false });
                self.push(step, Op::Open(number));
                self.steps(&during);
                self.push(step, Op::Close(number));
            }
        }
    }

    fn push(&mut self, step: &Step, op: Op) {
        self.code.push(Instruction { path: step.path.clone(), text: step.text.clone(), op });
    }

    fn find_reservoir_checks(&mut self) {
        for instruction in &self.code {
            if let Op::Check(check) = &instruction.op
                && let Subject::Window { window, quantity: WindowQuantity::ReservoirError } = &check.subject
            {
                self.measures.iter_mut().filter(|m| m.measure.name == *window).for_each(|m| m.needs_reservoir = true);
            }
        }
    }
}

/// Whether some check is about what the pump's log gained since the case began.
fn counts_entries(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Check(check) => matches!(check.subject, Subject::Logged { .. } | Subject::LoggedAt { .. } | Subject::LogInOrder),
        StepKind::Measure(measure) => counts_entries(&measure.during),
        StepKind::Repeat { steps, .. } => counts_entries(steps),
        _ => false,
    })
}
