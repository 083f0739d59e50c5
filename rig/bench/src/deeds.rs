//! Injections of a bench without simulated plumbing: each is played through the line that does it, for as long as it takes.
//!
//! The run asked for one thing and gets one answer, when the line has been moved, or has come back from being active. A line that is ordered
//! otherwise meanwhile (the bench is made safe, above all) obeys that order, and the injection has failed. Nothing here keeps a line
//! active: when the run is gone, whoever owns the outputs makes them safe as ever.

use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::deed::Moved;
use rig_model::input::{Actuation, Input, PlantChange};
use rig_model::time::{RigTime, Span};

/// Ids of the orders that an injection is made of, counted up from here: a runner, which counts up from 1, gets here in no lifetime.
const FIRST_ORDER: u64 = 1 << 52;

/// An order to a line.
#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    pub id: u64,
    pub what: Actuation,
}

#[derive(Debug)]
pub(crate) struct Deeds {
    /// `None` where the plumbing is simulated, which takes injections itself.
    bench: Option<Bench>,
    running: Vec<Running>,
    next: u64,
}

#[derive(Debug)]
struct Running {
    /// The actuation that the run waits for.
    asked: u64,
    line: Name,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// This order is to move the line, which then stays (`None`), or is active for so long.
    Moving {
        order: u64,
        works_for: Option<Span>,
    },
    Works {
        until: RigTime,
    },
    /// This order ends it.
    Ending {
        order: u64,
    },
}

impl Deeds {
    pub fn new(bench: &Bench) -> Self {
        Self { bench: bench.plant.is_none().then(|| bench.clone()), running: Vec::new(), next: FIRST_ORDER }
    }

    /// Whether injections are played through lines here.
    pub fn by_lines(&self) -> bool {
        self.bench.is_some()
    }

    /// Whether an order is of an injection; also one that nobody waits for any more.
    pub fn owns(order: u64) -> bool {
        (FIRST_ORDER..2 * FIRST_ORDER - (1 << 20)).contains(&order)
    }

    /// Begins an injection with the order to its line.
    pub fn begin(&mut self, asked: u64, change: &PlantChange) -> Result<Order, String> {
        let bench = self.bench.as_ref().ok_or("the simulated plumbing takes this itself")?;
        let (line, moved) = bench.line_for(change).map_err(|no_line| format!("{change}: {no_line}"))?;
        let line = line.name.clone();
        if self.running.iter().any(|r| r.line == line) {
            return Err(format!("line `{line}` still works for an injection before"));
        }
        let (active, works_for) = match moved {
            Moved::To { active } => (active, None),
            Moved::For(span) => (true, Some(span)),
        };
        let order = self.order(&line, active);
        self.running.push(Running { asked, line, stage: Stage::Moving { order: order.id, works_for } });
        Ok(order)
    }

    /// The line's owner answered an order at this time; what the run is told of it, if that ends the injection.
    pub fn answered(&mut self, order: u64, failed: Option<String>, at: RigTime) -> Option<Input> {
        let n = self.running.iter().position(|r| match r.stage {
            Stage::Moving { order: o, .. } | Stage::Ending { order: o } => o == order,
            Stage::Works { .. } => false,
        })?;
        let running = &mut self.running[n];
        if let (Stage::Moving { works_for: Some(span), .. }, None) = (running.stage, &failed) {
            running.stage = Stage::Works { until: at.saturating_add(span) };
            return None;
        }
        let Running { asked: id, .. } = self.running.remove(n);
        Some(failed.map_or(Input::Done { id }, |why| Input::Failed { id, why }))
    }

    /// When the next line has worked for long enough.
    pub fn next_due(&self) -> Option<RigTime> {
        let until = |r: &Running| if let Stage::Works { until } = r.stage { Some(until) } else { None };
        self.running.iter().filter_map(until).min()
    }

    /// Orders that end what has lasted long enough by now.
    pub fn due(&mut self, now: RigTime) -> Vec<Order> {
        let due = |r: &Running| matches!(r.stage, Stage::Works { until } if until <= now);
        let ended: Vec<usize> = (0..self.running.len()).filter(|n| due(&self.running[*n])).collect();
        let end = |n: usize| {
            let line = self.running[n].line.clone();
            let order = self.order(&line, false);
            self.running[n].stage = Stage::Ending { order: order.id };
            order
        };
        ended.into_iter().map(end).collect()
    }

    /// The line is ordered by somebody else: an injection through it has failed.
    pub fn overtaken(&mut self, line: &str) -> Option<Input> {
        let n = self.running.iter().position(|r| &*r.line == line)?;
        let Running { asked: id, line, .. } = self.running.remove(n);
        Some(Input::Failed { id, why: format!("line `{line}` was ordered otherwise before the injection was complete") })
    }

    /// Nothing is waited for any more; what the run is told.
    pub fn give_up(&mut self, why: &str) -> Vec<Input> {
        self.running.drain(..).map(|r| Input::Failed { id: r.asked, why: why.to_owned() }).collect()
    }

    fn order(&mut self, line: &Name, active: bool) -> Order {
        let id = self.next;
        self.next += 1;
        Order { id, what: Actuation::Line { line: line.clone(), active } }
    }
}
