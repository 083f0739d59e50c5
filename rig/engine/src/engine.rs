//! The interpreter: one case from its first given to its last `finally`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::dut::{Alarm, AlarmClass, PumpState};
use rig_model::event::Event;
use rig_model::input::LINK;
use rig_model::scenario::{Case, Subject};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Counts, Reason, Verdict};

use crate::act::{Outage, Power};
use crate::books::Books;
use crate::condition::{ChannelView, Since};
use crate::deliveries::Deliveries;
use crate::occlusion::{About, AtAlarm, Judged};
use crate::program::{Instruction, Program};
use crate::pump::PumpView;
use crate::tone::ToneListener;
use crate::wait::Wait;
use crate::watch::Watcher;
use crate::weighing::Scale;
use crate::window::Window;
use crate::{Effect, Memory, Stimulus, check, row};

/// Plays one case.
#[derive(Debug)]
pub struct Engine {
    pub(crate) bench: Arc<Bench>,
    pub(crate) program: Program,
    pub(crate) time_limit: Span,
    pub(crate) pc: usize,
    pub(crate) loops: Vec<u32>,
    pub(crate) wait: Wait,
    pub(crate) deadline: RigTime,
    pub(crate) ending: Option<String>,
    /// The outputs were ordered to their safe levels, because the case can't go on.
    pub(crate) let_go: bool,
    pub(crate) pump: PumpView,
    pub(crate) tones: ToneListener,
    pub(crate) channels: Vec<ChannelView>,
    /// The balance of the bench.
    pub(crate) scale: Option<Scale>,
    /// The instant that is being played.
    pub(crate) now: RigTime,
    pub(crate) windows: Vec<Option<Window>>,
    /// The deliveries that each window has measured.
    pub(crate) deliveries: Vec<Deliveries>,
    /// What the channels had shown at the last report of each alarm.
    pub(crate) at_alarm: BTreeMap<Alarm, AtAlarm>,
    /// The verb that waits for its reply, and when it was given.
    pub(crate) given: Option<RigTime>,
    pub(crate) marks: BTreeMap<Name, RigTime>,
    pub(crate) steps_began: RigTime,
    /// Whether watchers were begun: the first step was reached.
    pub(crate) watching: bool,
    /// Up to here all inputs are in, so that deadlines may be judged. An input's own instant is not over: more may come at it.
    pub(crate) judged: RigTime,
    /// When facts of a channel (or of any) were last found to be lost, and why.
    pub(crate) losses: BTreeMap<Option<Name>, (RigTime, String)>,
    pub(crate) power: Power,
    /// When the pump was last heard.
    pub(crate) heard: RigTime,
    /// The alarm that each check of a signal delay was last about, by its path.
    pub(crate) signals_judged: BTreeMap<Name, RigTime>,
    /// The onset that a kind of check was last about.
    pub(crate) onsets_judged: BTreeMap<(Alarm, About), Judged>,
    /// How often the pump was told something or a line was moved, since the case began.
    pub(crate) acts: u64,
    /// When the pump last accepted that its alarms were acknowledged.
    pub(crate) acknowledged: Option<RigTime>,
    /// When something was last done that ends a tone at once, or first since a beep began of which it is not known yet what it is: a critical tone
    /// of which only the first beep came by then sounds like a milder one.
    pub(crate) hushed: Option<RigTime>,
    /// Where the conditions that close each window are counted from: its opening.
    pub(crate) opened: Vec<Since>,
    /// The level that a hold is about, while its last status is waited for, and when the hold began.
    pub(crate) holding: Option<Since>,
    pub(crate) hold_began: RigTime,
    /// What is left of the program waits for this instant's facts to be taken.
    pub(crate) yielded: Option<RigTime>,
    pub(crate) counts_at_start: ([u64; Alarm::ALL.len()], u64),
    /// Tones heard before the first step.
    pub(crate) tones_at_start: [u64; AlarmClass::ALL.len()],
    /// What the pump was told and what it told of itself.
    pub(crate) books: Books,
    /// When it was last asked for something that an instruction needs.
    pub(crate) asked: RigTime,
    /// Until then the scenario itself spoils what goes over the link.
    pub(crate) disturbed_until: RigTime,
    /// Messages that the scenario's disturbances hit, and how many of them before the first step.
    pub(crate) disturbed: u64,
    pub(crate) disturbed_at_start: u64,
    /// The scenario itself made the firmware stand still, and the pump was not heard again since.
    pub(crate) outage: Option<Outage>,
    pub(crate) watch: Vec<rig_model::scenario::Watch>,
    pub(crate) watchers: Vec<Watcher>,
    /// Rows that rest on what did not come from a channel that is not yet shown to be alive.
    pub(crate) deferred: Vec<CheckRow>,
    pub(crate) counts: Counts,
    pub(crate) memory: Memory,
    pub(crate) effects: VecDeque<Effect>,
}

impl Engine {
    pub fn new(case: &Case, bench: Arc<Bench>, seed: u64, memory: Memory) -> Self {
        let program = Program::new(case, &bench, seed);
        let channels = bench
            .channels
            .iter()
            .map(|c| ChannelView::new(c.name.clone(), if let Instrument::Flow(s) = &c.instrument { Some(s.k_factor) } else { None }))
            .collect();
        let program_opened = program.measures.iter().map(|_| Since::default()).collect();
        Self {
            windows: program.measures.iter().map(|_| None).collect(),
            deliveries: program.measures.iter().map(|_| Deliveries::default()).collect(),
            at_alarm: BTreeMap::new(),
            given: None,
            program,
            time_limit: case.time_limit,
            pc: 0,
            loops: Vec::new(),
            wait: Wait::Ready,
            deadline: RigTime::MAX,
            ending: None,
            let_go: false,
            pump: PumpView::default(),
            tones: ToneListener::default(),
            channels,
            scale: bench.channels.iter().find_map(Scale::new),
            now: RigTime::ZERO,
            marks: BTreeMap::new(),
            steps_began: RigTime::ZERO,
            watching: false,
            judged: RigTime::ZERO,
            losses: BTreeMap::new(),
            power: Power::Left,
            heard: RigTime::ZERO,
            signals_judged: BTreeMap::new(),
            onsets_judged: BTreeMap::new(),
            acts: 0,
            acknowledged: None,
            hushed: None,
            opened: program_opened,
            holding: None,
            hold_began: RigTime::ZERO,
            yielded: None,
            counts_at_start: ([0; Alarm::ALL.len()], 0),
            tones_at_start: [0; AlarmClass::ALL.len()],
            books: Books::default(),
            asked: RigTime::ZERO,
            disturbed_until: RigTime::ZERO,
            disturbed: 0,
            disturbed_at_start: 0,
            outage: None,
            watch: case.watch.clone(),
            watchers: Vec::new(),
            deferred: Vec::new(),
            counts: Counts::default(),
            memory,
            effects: VecDeque::new(),
            bench,
        }
    }

    /// Begins the case.
    pub fn start(&mut self, now: RigTime) {
        self.deadline = now.saturating_add(self.time_limit).saturating_add(self.program.by_hand());
        self.steps_began = now;
        self.now = now;
        self.judged = before(now);
        self.bench_touched(now);
        self.play(now);
    }

    /// Takes what happened at `now`; never earlier than the instant before.
    pub fn handle(&mut self, now: RigTime, stimulus: Stimulus<'_>) {
        self.now = now;
        self.judged = before(now);
        match stimulus {
            Stimulus::Report(report) => self.report(now, report),
            Stimulus::Ended { id, verb, outcome, transmissions } => self.ended(now, id, verb, outcome, transmissions),
            Stimulus::Silent => self.silent(now),
            Stimulus::Disturbed { messages } => self.disturbed += u64::from(messages),
            Stimulus::Edges(edges) => self.edges(now, edges),
            Stimulus::Reading { channel, value } => self.reading(now, channel, value),
            Stimulus::Done { id } => self.actuated(now, id, None),
            Stimulus::Failed { id, why } => self.actuated(now, id, Some(why)),
            Stimulus::LinkDown { why } => self.link_down(now, why),
            Stimulus::LinkUp => self.say(Event::LinkUp),
            Stimulus::Lost(lost) => self.lost(now, lost),
            Stimulus::Answer { id, operator } => self.answered(now, id, operator),
        }
        self.play(now);
    }

    /// Judges what is due at `now`. All inputs up to `now` have been handled.
    pub fn tick(&mut self, now: RigTime) {
        self.now = now;
        self.judged = now;
        if let Some(tone) = self.tones.tick(now) {
            self.heard(now, tone);
        }
        // What ends at the very instant of the time limit is in time.
        self.play(now);
        if now >= self.deadline && !self.finished() {
            self.out_of_time(now);
            self.play(now);
        }
    }

    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The bench can't be relied on any more: the case is left.
    pub fn bench_failed(&mut self, now: RigTime, why: &str) {
        self.judged = before(now);
        self.fail_here(now, "the bench works", Verdict::Error, Reason::BenchFailed, why);
        self.play(now);
    }

    /// The run is to end: the bench is let go at once, what is left is not reached, `finally` is played.
    pub fn abort(&mut self, now: RigTime, why: &str) {
        self.judged = before(now);
        self.let_go();
        if self.ending.is_none() && !self.finished() {
            let row = row::blank(&"run".into(), "the scenario is played to its end", "run", self.steps_began, now);
            self.give(row::decide(row, Verdict::Aborted, Reason::Stopped, why));
            self.end_main(now, why);
        }
        self.play(now);
    }

    /// What the next case has to know.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// An id that no command or actuation of the run has.
    pub fn take_id(&mut self) -> u64 {
        self.memory.take_id()
    }

    // ---- what the parts share -------------------------------------------------------------------------------------

    pub(crate) fn judge_check(&mut self, now: RigTime, check: &rig_model::scenario::Check) {
        let Instruction { path, text, .. } = self.instruction();
        let (path, text) = (path.clone(), text.clone());
        for row in check::judge(self, &path, &text, check, now) {
            let silence = matches!(check.subject, Subject::Window { .. } | Subject::Compliance(_) | Subject::ToneCount { .. });
            let channel = row.channel.clone().filter(|_| silence);
            self.tell_row(check, &row);
            self.give_absence(row, channel.as_ref());
        }
        self.tell_deliveries(check);
        if let Subject::SignalDelay { alarm } | Subject::StopDelay { alarm, .. } | Subject::PressureAtAlarm { alarm, .. } = check.subject
            && let Some(onset) = self.pump.last_onset(alarm)
        {
            let about = About::of(&check.subject);
            let judged = Judged { onset: onset.reported, acts: self.acts };
            self.signals_judged.insert(path, judged.onset);
            self.onsets_judged.insert((alarm, about), judged);
        }
    }

    /// Gives a row that may rest on nothing having come from this channel. As long as the channel is not shown to be alive that blames
    /// nobody: the row waits for the end of the case.
    pub(crate) fn give_absence(&mut self, row: CheckRow, channel: Option<&Name>) {
        let unproven = channel.is_some_and(|c| !self.memory.alive.contains(c));
        match (unproven, row.verdict) {
            (true, Verdict::Error) if row.reason_code != Reason::NoData => self.give(row),
            (true, Verdict::Error) => self.give(not_alive(CheckRow { channel: channel.cloned(), ..row })),
            (true, _) => self.deferred.push(CheckRow { channel: channel.cloned(), ..row }),
            (false, _) => self.give(row),
        }
    }

    /// The channel of the pump's alarm output.
    pub(crate) fn alarm_channel(&self) -> Option<&Name> {
        self.bench.channels.iter().find(|c| c.instrument == Instrument::Alarm).map(|c| &c.name)
    }

    /// Why facts of this channel (or, without one, of the link) may be missing since then.
    pub(crate) fn lost_since(&self, channel: Option<&Name>, since: RigTime) -> Option<&str> {
        let of = |key: Option<Name>| self.losses.get(&key).filter(|(at, _)| *at >= since).map(|(_, why)| why.as_str());
        of(None).or_else(|| of(Some(channel.cloned().unwrap_or_else(|| LINK.into()))))
    }

    pub(crate) fn give(&mut self, row: CheckRow) {
        self.counts.add(row.verdict);
        self.say(Event::Check(Box::new(row)));
    }

    pub(crate) fn row_here(&self, text: &str, quantity: &str, started: RigTime, now: RigTime) -> CheckRow {
        let path = self.program.code.get(self.pc).map_or_else(|| "run".into(), |i| i.path.clone());
        row::blank(&path, text, quantity, started, now)
    }

    /// Half the range within which an instant told over the link lies: the time of a full frame, and a little.
    pub(crate) fn link_resolution(&self) -> f64 {
        link_resolution(&self.bench)
    }

    pub(crate) fn since(&self, now: RigTime) -> Since {
        Since::new(now, &self.pump, &self.channels)
    }

    pub(crate) fn step_on(&mut self, to: Option<usize>) {
        self.pc = to.unwrap_or(self.pc + 1);
        self.wait = Wait::Ready;
    }

    pub(crate) fn end_step(&mut self) {
        if let Some(instruction) = self.program.code.get(self.pc) {
            let step = instruction.path.clone();
            self.say(Event::StepEnded { step });
        }
        self.step_on(None);
    }

    pub(crate) fn watchers_notice(&mut self, mut look: impl FnMut(&mut Watcher) -> Option<String>) {
        for watcher in &mut self.watchers {
            if let Some(what) = look(watcher) {
                self.effects.push_back(Effect::Event(Event::Noticed { step: watcher.path().clone(), what }));
            }
        }
    }

    pub(crate) fn say(&mut self, event: Event) {
        self.effects.push_back(Effect::Event(event));
    }

    /// The pump's state as last told.
    pub fn pump_state(&self) -> Option<PumpState> {
        self.pump.state
    }
}

/// Half the range within which an instant told over this bench's link lies: the time of a full frame, and a little.
pub(crate) fn link_resolution(bench: &Bench) -> f64 {
    640.0 / f64::from(bench.link.baud.max(1)) + 0.001
}

/// The last instant before this one.
fn before(now: RigTime) -> RigTime {
    RigTime(now.0.saturating_sub(1))
}

/// The row can't be believed: its channel may be dead.
pub(crate) fn not_alive(row: CheckRow) -> CheckRow {
    let channel = row.channel.clone().unwrap_or_else(|| "the channel".into());
    row::decide(row, Verdict::Error, Reason::ChannelNotAlive, format!("{channel} was never shown to be alive in this run"))
}
