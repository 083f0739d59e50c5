//! What the engine is told: reports and answers of the pump, edges, readings, losses.

use rig_model::Name;
use rig_model::bench::{ExpectedFirmware, Instrument};
use rig_model::dut::{DutIdentity, DutReport, Outcome, PumpState, Verb};
use rig_model::event::Event;
use rig_model::input::{Edges, Lost, Sense};
use rig_model::scenario::Expected;
use rig_model::time::RigTime;
use rig_model::verdict::{Reason, Verdict};

use crate::act::Power;
use crate::books::Sample;
use crate::condition::ChannelView;
use crate::engine::Engine;
use crate::occlusion::AtAlarm;
use crate::program::Op;
use crate::pump::Change;
use crate::row;
use crate::tone::Tone;
use crate::wait::Wait;

impl Engine {
    pub(crate) fn report(&mut self, now: RigTime, report: &DutReport) {
        let mut changes: [Option<Change>; 8] = [None; 8];
        let mut n = 0;
        self.pump.report(now, report, &mut |change| {
            changes[n.min(7)] = Some(change);
            n += 1;
        });
        for change in changes.into_iter().flatten() {
            self.changed(now, change);
        }
        self.heard = now;
        if let DutReport::Status(status) = report
            && status.state != PumpState::SelfTest
            && self.power == Power::OnAgain
        {
            // It is up again; any restart from now on is its own.
            self.power = Power::Left;
        }
        if let DutReport::Status(status) = report
            && status.state != PumpState::SelfTest
            && self.outage.is_some_and(|outage| self.pump.restarts > outage.restarts)
        {
            // The watchdog has done its work: any silence from now on is the pump's own.
            self.outage = None;
        }
        match report {
            DutReport::Identity(identity) => self.identified(now, identity),
            DutReport::Log(entries) => self.log_told(entries),
            _ => {}
        }
    }

    pub(crate) fn changed(&mut self, now: RigTime, change: Change) {
        self.say(match change {
            Change::State { from, to } => Event::PumpState { from, to },
            Change::AlarmOn(alarm) => Event::AlarmOn { alarm },
            Change::AlarmOff(alarm) => Event::AlarmOff { alarm },
            Change::Restarted => Event::PumpRestarted,
        });
        if let Change::AlarmOn(alarm) = change {
            self.at_alarm.insert(alarm, AtAlarm { reported: now, channels: self.channels.clone() });
        }
        if change == Change::Restarted {
            self.books.restarted();
        }
        if let Change::State { to, .. } = change {
            self.bench_touched(now);
            self.scale.iter_mut().for_each(|scale| scale.state(to));
        }
        if change == Change::Restarted && self.power == Power::OnAgain {
            self.power = Power::Left;
            return;
        }
        self.watchers_notice(|w| w.change(now, change));
    }

    pub(crate) fn identified(&mut self, now: RigTime, identity: &DutIdentity) {
        self.say(Event::DutIdentified(identity.clone()));
        let expected = &self.bench.dut;
        let named = "the pump is the one that the bench file names";
        let by = if expected.serials.is_empty() { "bench file" } else { "approved plan" };
        let wrong = if identity.model != expected.model {
            Some((named, format!("`{}` answers, but the bench file names `{}`", identity.model, expected.model)))
        } else if expected.serial.as_ref().is_some_and(|s| *s != identity.serial) {
            Some((named, format!("serial number {} answers, but the bench file names another", identity.serial)))
        } else if !expected.serials.is_empty() && !expected.serials.contains(&identity.serial) {
            let planned = some_of(&expected.serials);
            Some((named, format!("serial number {} answers, which is no board of the approved plan ({planned})", identity.serial)))
        } else if let Some(why) = expected.firmware.as_ref().and_then(|firmware| other_firmware(firmware, identity, by)) {
            Some(("the pump runs the firmware that was named", why))
        } else {
            self.memory.identity.as_ref().filter(|first| *first != identity).map(|first| {
                let why = format!(
                    "{} {} answers, but the run began with {} {}",
                    identity.serial, identity.firmware_version, first.serial, first.firmware_version
                );
                (named, why)
            })
        };
        match wrong {
            Some((check, why)) => self.fail_here(now, check, Verdict::Error, Reason::WrongDut, &why),
            None => self.memory.identity = Some(identity.clone()),
        }
    }

    pub(crate) fn ended(&mut self, now: RigTime, id: u64, verb: &Verb, outcome: &Outcome, transmissions: u32) {
        let refresh = matches!(self.wait, Wait::Status { id: waited } if waited == id);
        let reply = matches!(self.wait, Wait::Reply { id: waited } if waited == id);
        if reply && let Some(given) = self.given.take() {
            if *outcome == Outcome::Accepted {
                self.accepted(verb, given);
            }
            // A window that has closed since then was told of the command too.
            self.windows.iter_mut().flatten().for_each(|w| w.answered(verb, given, outcome, transmissions));
        }
        if refresh && *verb == Verb::Status && *outcome == Outcome::Accepted && transmissions == 1 {
            let heard = self.pump.status.as_ref().map(|status| Sample { asked: self.asked, heard: now, uptime_us: status.uptime_us });
            heard.into_iter().for_each(|sample| self.books.clock_read(sample));
        }
        if !refresh || *verb != Verb::Status {
            self.say(Event::Answered { id, verb: verb.clone(), outcome: outcome.clone(), transmissions });
        }
        match outcome {
            Outcome::Accepted | Outcome::Refused(_) if reply && matches!(self.instruction().op, Op::Rest) => self.end_step(),
            Outcome::Unanswered if (reply || refresh) && self.may_be_unpowered() => self.end_step(),
            // A question may be asked again.
            Outcome::Unanswered if refresh && self.in_outage(now) => self.ask(verb.clone()),
            Outcome::Unanswered if reply || refresh => {
                let why = format!("no answer to `{verb}` in {transmissions} transmissions, port healthy");
                self.unresponsive(now, &why);
            }
            Outcome::Refused(reason) if reply && transmissions == 0 => {
                let why = format!("`{verb}` can't be put into this pump's messages ({reason}): the pump never saw it");
                self.fail_here(now, "the command reaches the pump", Verdict::Error, Reason::Lacking, &why);
            }
            Outcome::Refused(reason) if refresh && *verb != Verb::Status => self.would_not_tell(now, verb, &reason.to_string()),
            Outcome::Refused(reason) if refresh => {
                let why = format!("the pump refused to tell its status: {reason}");
                self.fail_here(now, "the pump tells its status", Verdict::Fail, Reason::Refused, &why);
            }
            Outcome::LinkFailed if reply || refresh => {
                let why = format!("`{verb}` could not be sent: the link is down");
                self.fail_here(now, "the link works", Verdict::Error, Reason::BenchFailed, &why);
            }
            _ if reply => self.replied(now, outcome),
            _ if refresh => self.refreshed(now),
            _ => {}
        }
    }

    /// The pump took what it was told then.
    fn accepted(&mut self, verb: &Verb, given: RigTime) {
        self.books.accepted(verb, given);
        match verb {
            Verb::Acknowledge => self.acknowledged = Some(given),
            Verb::Start | Verb::ProgramBasal { .. } | Verb::ProgramBolus { .. } | Verb::ProgramPriming { .. } => {
                self.channels.iter_mut().for_each(ChannelView::begins_anew);
            }
            _ => {}
        }
    }

    /// On the way out, with the power off or, in a case that was left before its pump was brought up, not known to be on: silence is no fault of the pump.
    fn may_be_unpowered(&self) -> bool {
        let unknown = self.power == Power::Off || (self.power == Power::Left && !self.watching);
        self.ending.is_some() && self.bench.line("power").is_some() && unknown
    }

    pub(crate) fn replied(&mut self, now: RigTime, outcome: &Outcome) {
        let Op::Command { verb, expect, verifies } = &self.instruction().op else { return };
        let (verb, expect, verifies) = (verb.clone(), *expect, verifies.clone());
        let as_expected = match (expect, outcome) {
            (Expected::Accepted, Outcome::Accepted) => true,
            (Expected::Refused(want), Outcome::Refused(got)) => want == *got,
            _ => false,
        };
        if !as_expected || !verifies.is_empty() || matches!(expect, Expected::Refused(_)) {
            let answer = match outcome {
                Outcome::Refused(reason) => format!("refused: {reason}"),
                _ => "accepted".into(),
            };
            let wanted = match expect {
                Expected::Accepted => "accepted".to_owned(),
                Expected::Refused(reason) => format!("refused: {reason}"),
            };
            let mut row = self.row_here(&format!("`{verb}` is {wanted}"), "answer", now, now);
            row.value_text = Some(answer.clone());
            row.requirements = verifies;
            let (verdict, code) = match (as_expected, expect) {
                (true, _) => (Verdict::Pass, Reason::Observed),
                (false, Expected::Accepted) => (Verdict::Fail, Reason::Refused),
                (false, Expected::Refused(_)) => (Verdict::Fail, Reason::NotRefused),
            };
            self.give(row::decide(row, verdict, code, format!("the pump answered: {answer}")));
        }
        if !as_expected && expect == Expected::Accepted {
            return self.end_main(now, &format!("`{verb}` was refused"));
        }
        self.ask_status();
    }

    /// The status that an instruction asked for is in.
    pub(crate) fn refreshed(&mut self, now: RigTime) {
        match self.instruction().op.clone() {
            Op::Open(n) => {
                let held = self.pump.status.as_ref().map(|s| s.reservoir);
                self.open(now, n);
                if let Some(window) = &mut self.windows[n] {
                    window.reservoir.0 = held;
                }
                self.step_on(None);
            }
            Op::Close(n) => {
                let held = self.pump.status.as_ref().map(|s| s.reservoir);
                if let Some(window) = &mut self.windows[n] {
                    window.reservoir.1 = held;
                }
                self.end_step();
            }
            Op::Check(check) => {
                self.judge_check(now, &check);
                self.end_step();
            }
            Op::Hold { .. } if self.holding.is_some() => self.judge_hold(now, true),
            Op::Hold { lasts, .. } => self.begin_hold(now, lasts),
            _ => self.end_step(),
        }
    }

    /// The firmware stands still because the scenario made it, and may do so for a while yet.
    fn in_outage(&self, now: RigTime) -> bool {
        self.outage.is_some_and(|outage| now <= outage.until)
    }

    pub(crate) fn silent(&mut self, now: RigTime) {
        if self.in_outage(now) {
            return;
        }
        self.unresponsive(now, "the pump no longer answers, port healthy, power on");
    }

    /// The board is blamed for its silence only if the rig was listening all the while.
    fn unresponsive(&mut self, now: RigTime, why: &str) {
        // It may go on infusing, and hears nobody.
        self.let_go();
        self.watchers.iter_mut().for_each(|w| w.link_lost("the pump no longer answered"));
        let hung = self.in_outage(now).then(|| "the scenario itself made the firmware hang".to_owned());
        let disturbed =
            (self.disturbed_until > self.heard).then(|| "the scenario itself spoilt what went over the link".to_owned()).or(hung);
        match self.lost_since(None, self.heard).map(str::to_owned).or(disturbed) {
            Some(lost) => {
                let why = format!("{why}, but {lost}");
                self.fail_here(now, "the pump answers", Verdict::Error, Reason::DataLost, &why);
            }
            None => self.fail_here(now, "the pump answers", Verdict::Fail, Reason::Unresponsive, why),
        }
    }

    pub(crate) fn edges(&mut self, now: RigTime, edges: &Edges) {
        self.alive(&edges.channel);
        if let Some(view) = self.channels.iter_mut().find(|c| c.name == edges.channel) {
            view.edges(edges);
        }
        self.at_its_report(now);
        if edges.sense == Sense::Forward && self.scale.as_ref().is_some_and(|scale| scale.is_under(&edges.channel)) {
            self.bench_touched(edges.last());
        }
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open()) {
            if let Some(data) = window.data_of(&edges.channel) {
                data.edges(edges);
            }
        }
        self.watchers_notice(|w| {
            let matches = w.watches(&edges.channel);
            w.edges(matches, edges)
        });
        if self.bench.channel(&edges.channel).is_some_and(|c| c.instrument == Instrument::Alarm) {
            let mut heard = Vec::new();
            self.tones.edges(edges, |tone| heard.push(tone));
            for tone in heard {
                self.heard(now, tone);
            }
        }
    }

    pub(crate) fn heard(&mut self, now: RigTime, tone: Tone) {
        self.pump.heard(tone);
        let channel = self.alarm_channel().cloned().unwrap_or_else(|| "alarm".into());
        self.say(Event::Tone { channel, class: tone.class, began_before: now - tone.began });
        let hushed = self.hushed.is_some_and(|at| tone.met_by_command(at));
        let behind = self.pump.behind(tone, hushed);
        self.watchers_notice(|w| w.tone(now, tone, &behind));
    }

    pub(crate) fn reading(&mut self, now: RigTime, channel: &Name, value: f64) {
        if value.is_finite() {
            self.alive(channel);
        }
        if let Some(view) = self.channels.iter_mut().find(|c| c.name == *channel) {
            view.reading(now, value);
        }
        self.at_its_report(now);
        let scale = self.scale.as_mut().filter(|scale| scale.channel == *channel);
        let sound = scale.is_none_or(|scale| scale.reading(now, value));
        if !sound {
            // Overload, or somebody leant on the table: what stood there before may stand there no more.
            self.bench_touched(now);
        }
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open()) {
            if let Some(data) = window.data_of(channel) {
                data.reading(now, value, sound);
            }
            if let Some(drug) = window.drug_of(channel) {
                drug.reading(now, value);
            }
        }
        self.watchers_notice(|w| if w.watches(channel) { w.reading(now, value) } else { None });
    }

    /// What comes at the very instant of an alarm's report came by it: the link's word of that instant is heard before the sensors'.
    fn at_its_report(&mut self, now: RigTime) {
        for alarm in self.at_alarm.values_mut().filter(|a| a.reported == now) {
            alarm.channels.clone_from(&self.channels);
        }
    }

    pub(crate) fn alive(&mut self, channel: &Name) {
        if !self.memory.alive.contains(channel) {
            self.memory.alive.insert(channel.clone());
            self.say(Event::ChannelAlive { channel: channel.clone() });
        }
    }

    pub(crate) fn actuated(&mut self, now: RigTime, id: u64, failed: Option<&str>) {
        if !matches!(self.wait, Wait::Actuation { id: waited, .. } if waited == id) {
            return;
        }
        match failed {
            None => self.end_step(),
            Some(why) => self.fail_here(now, "the bench does what it is told", Verdict::Error, Reason::BenchFailed, why),
        }
    }

    pub(crate) fn answered(&mut self, now: RigTime, id: u64, operator: Option<&str>) {
        self.say(Event::Answer { id, operator: operator.map(str::to_owned) });
        if !matches!(self.wait, Wait::Prompt { id: waited, .. } if waited == id) {
            return;
        }
        match operator {
            Some(_) => self.end_step(),
            None => self.fail_here(now, "an operator confirms", Verdict::Skipped, Reason::Unattended, "nobody is there to do it"),
        }
    }

    pub(crate) fn link_down(&mut self, now: RigTime, why: &str) {
        self.say(Event::LinkDown { why: why.to_owned() });
        self.watchers.iter_mut().for_each(|w| w.link_lost(&format!("the link was down: {why}")));
        self.fail_here(now, "the link works", Verdict::Error, Reason::BenchFailed, why);
    }

    pub(crate) fn lost(&mut self, now: RigTime, lost: &Lost) {
        let what = if lost.spurious { "came that never happened" } else { "were lost" };
        let why = lost.count.map_or_else(|| format!("facts {what}: {}", lost.why), |n| format!("{n} facts {what}: {}", lost.why));
        for window in self.windows.iter_mut().flatten() {
            // What is missing may have come at any time since the channel's last edge: a window that has closed since then lacks it too.
            let last = self.channels.iter().find(|c| c.name == window.channel).and_then(|c| c.last_edge);
            let touched = window.closed.is_none_or(|closed| last.is_none_or(|at| at <= closed));
            if touched && lost.channel.as_ref().is_none_or(|c| *c == window.channel) {
                window.lost.get_or_insert_with(|| why.clone());
                window.spurious |= lost.spurious;
            }
            if let (Some(channel), None) = (&lost.channel, window.closed)
                && let Some(drug) = window.drug_of(channel)
            {
                drug.lost.get_or_insert_with(|| why.clone());
            }
            if let Some(beside) =
                window.beside.as_mut().filter(|b| window.closed.is_none() && lost.channel.as_ref().is_none_or(|c| *c == b.channel))
            {
                beside.lost.get_or_insert_with(|| why.clone());
            }
        }
        if self.scale.as_ref().is_some_and(|scale| lost.channel.as_ref().is_none_or(|c| *c == scale.channel)) {
            // It may have been off meanwhile, and what stood there at rest have another zero.
            self.bench_touched(now);
        }
        for (plan, deliveries) in self.program.measures.iter().zip(&mut self.deliveries) {
            let channel = &plan.measure.channel;
            if lost.channel.as_ref().is_none_or(|c| c == channel) {
                let last = self.channels.iter().find(|c| c.name == *channel).and_then(|c| c.last_edge);
                deliveries.lost(&why, lost.spurious, last);
            }
        }
        self.losses.insert(lost.channel.clone(), (now, why.clone()));
        for watcher in &mut self.watchers {
            watcher.lost(lost.channel.as_ref(), &why, lost.spurious);
        }
    }

    pub(crate) fn out_of_time(&mut self, now: RigTime) {
        if self.ending.is_some() || self.pc >= self.program.first_finally {
            return self.cut_finally(now);
        }
        self.let_go();
        let row = row::blank(&"time_limit".into(), "the scenario ends within its time limit", "time", self.steps_began, now);
        self.give(row::decide(row, Verdict::Error, Reason::TimeLimit, format!("not at its end after {}", self.time_limit)));
        self.end_main(now, "time limit");
    }
}

/// The first few of them: a plan may have a thousand boards, and a reason is one sentence.
fn some_of(serials: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = serials.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if serials.len() > SHOWN { format!("{first} and {} more", serials.len() - SHOWN) } else { first }
}

/// Why the board does not run the firmware that was named, if so.
fn other_firmware(expected: &ExpectedFirmware, identity: &DutIdentity, by: &str) -> Option<String> {
    let told = identity.firmware_hash.to_ascii_lowercase();
    if expected.build_hashes.is_empty() || expected.build_hashes.contains(&told) {
        return None;
    }
    let told = if told.is_empty() { "no build hash".to_owned() } else { format!("build hash {told}") };
    let named = expected.build_hashes.join(" or ");
    Some(match &expected.image {
        Some(image) => format!("the board tells {told} (firmware {}), but `{image}` is {named}", identity.firmware_version),
        None => format!("the board tells {told} (firmware {}), but the {by} names {named}", identity.firmware_version),
    })
}
