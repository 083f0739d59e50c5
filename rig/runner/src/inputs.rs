//! What each input means for session, engine and safe-down.

use rig_engine::Stimulus;
use rig_model::Name;
use rig_model::dut::Verb;
use rig_model::event::Event;
use rig_model::input::{BENCH_ITSELF, Edges, Input, Lost};
use rig_model::verdict::Verdict;

use crate::oracle::overhear;
use crate::runner::{Phase, Runner};

impl Runner {
    pub(crate) fn apply(&mut self, input: &Input) {
        let now = self.now;
        match input {
            Input::Rx(bytes) => self.session.receive(now, &bytes.0),
            Input::Edges(edges) => self.edges(edges),
            Input::Reading { channel, value } => self.reading(channel, value.0),
            Input::Done { id } => self.done(*id),
            Input::Failed { id, why } => self.failed(*id, why),
            Input::LinkDown { why } => {
                self.session.link_down(now, why);
                self.tell(Stimulus::LinkDown { why });
            }
            Input::LinkUp => {
                self.session.link_up(now);
                self.tell(Stimulus::LinkUp);
            }
            Input::Lost { what } => self.lost(what),
            Input::StopRequest { why } => self.stop_now(why),
            Input::Answer { id, operator } => self.tell(Stimulus::Answer { id: *id, operator: operator.as_deref() }),
        }
        self.settle();
    }

    pub(crate) fn edges(&mut self, edges: &Edges) {
        let expected = self.next_edge.get_mut(&edges.channel);
        let next = edges.first_number.wrapping_add(edges.count());
        match expected {
            Some(number) => {
                let missing = edges.first_number.wrapping_sub(*number);
                *number = next;
                if missing != 0 {
                    let why = "the source's running number jumped".to_owned();
                    self.lost(&Lost {
                        channel: Some(edges.channel.clone()),
                        count: Some(missing).filter(|n| *n < 1 << 40),
                        spurious: false,
                        why,
                    });
                }
            }
            None => {
                self.next_edge.insert(edges.channel.clone(), next);
            }
        }
        let mut found = Vec::new();
        self.witnesses.edges(edges, &mut found);
        // Before the edges themselves, as with a gap in the numbers: what they make doubtful reaches back to the edge before.
        found.iter().for_each(|lost| self.lost(lost));
        if !self.witnesses.is_second(&edges.channel) {
            if let Phase::SafeDown(safe) = &mut self.phase {
                safe.edges(edges, &self.plan.bench);
            }
            self.tell(Stimulus::Edges(edges));
        }
    }

    fn reading(&mut self, channel: &Name, value: f64) {
        let Some(found) = self.thermals.reading(self.now, channel, value, self.ticked) else {
            return self.tell(Stimulus::Reading { channel, value });
        };
        found.pulses.iter().for_each(|edges| self.edges(edges));
        found.lost.iter().for_each(|lost| self.lost(lost));
    }

    pub(crate) fn lost(&mut self, lost: &Lost) {
        self.event(Event::DataLost(lost.clone()));
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.lost(self.now, lost, &self.plan.bench);
        }
        self.tell(Stimulus::Lost(lost));
    }

    pub(crate) fn done(&mut self, id: u64) {
        if self.powering_on == Some(id) {
            self.powering_on = None;
            self.session.resume(self.now);
        }
        if self.refreshing == Some(id) {
            self.refreshing = None;
            self.next_edge.clear();
        }
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.answered(self.now, id, None, &self.plan.bench);
        }
        self.tell(Stimulus::Done { id });
    }

    pub(crate) fn failed(&mut self, id: u64, why: &str) {
        if id == BENCH_ITSELF {
            self.stopping.get_or_insert_with(|| (Verdict::Error, why.to_owned()));
            match &mut self.phase {
                Phase::Case(engine) => engine.bench_failed(self.now, why),
                Phase::SafeDown(safe) => safe.bench_failed(why),
                Phase::NotBegun | Phase::BeforeFirst | Phase::Ended(_) => {}
            }
            return;
        }
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.answered(self.now, id, Some(why), &self.plan.bench);
        }
        self.tell(Stimulus::Failed { id, why });
    }

    pub(crate) fn stop_now(&mut self, why: &str) {
        self.stopping.get_or_insert_with(|| (Verdict::Aborted, why.to_owned()));
        if matches!(self.phase, Phase::BeforeFirst) {
            return;
        }
        // Nothing that the scenario does to the link may eat the stop that comes now; `finally` and the safe-down follow.
        self.session.clear_faults();
        match &mut self.phase {
            Phase::Case(engine) => engine.abort(self.now, why),
            _ => {
                let id = self.memory.take_id();
                self.session.command(self.now, id, Verb::Stop);
            }
        }
    }

    pub(crate) fn tell(&mut self, stimulus: Stimulus<'_>) {
        if let Phase::Case(engine) = &mut self.phase {
            if let Some(oracle) = &mut self.oracle {
                overhear(oracle, self.now, &stimulus);
            }
            engine.handle(self.now, stimulus);
        }
    }
}
