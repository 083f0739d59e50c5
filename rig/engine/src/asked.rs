//! Checks for which the pump itself is asked, and those that its log, its clock and its tones answer.

use rig_metrology::{certain, clock_error, duration};
use rig_model::Name;
use rig_model::dut::{AlarmClass, LogEntry, LogKind, Reported, TherapyMode, Verb};
use rig_model::event::Event;
use rig_model::quantity::Figures;
use rig_model::scenario::{Check, EntryValue, Subject};
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Reason, Verdict};

use crate::books::{CaseLog, Sample, differences};
use crate::check::{MARK_HALF_WIDTH_S, TONE_HALF_WIDTH_S};
use crate::engine::Engine;
use crate::program::{Instruction, Op};
use crate::row;

/// What the pump must be asked for before the check can be judged.
pub fn asks(check: &Check) -> Option<Verb> {
    match check.subject {
        Subject::State(_)
        | Subject::AlarmActive { .. }
        | Subject::ReservoirReported
        | Subject::AlarmCount { .. }
        | Subject::Restarts
        | Subject::ClockError
        | Subject::Reported(Reported::Reservoir | Reported::BasalRate | Reported::BolusLeft) => Some(Verb::Status),
        Subject::Reported(_) | Subject::Mode(_) => Some(Verb::Therapy),
        Subject::ReadBack | Subject::ReadBackNothing => Some(Verb::ReadBack),
        Subject::Logged { .. } | Subject::LoggedAt { .. } | Subject::LogInOrder => Some(Verb::ReadLog),
        _ => None,
    }
}

/// The name of the quantity behind such a check; `None` for another kind.
pub fn quantity_name(subject: &Subject) -> Option<&'static str> {
    Some(match subject {
        Subject::Reported(what) => match what {
            Reported::Reservoir => "reported_reservoir",
            Reported::BasalRate => "reported_basal_rate",
            Reported::BolusLeft => "reported_bolus_left",
            Reported::ReservoirLasts => "reported_reservoir_lasts",
            Reported::Expected => "reported_expected_residual",
            Reported::Concentration => "reported_concentration",
            Reported::InPeriod => "reported_delivered_in_period",
            Reported::Activations => "reported_activations",
            Reported::LockedOut => "reported_locked_out_for",
            Reported::Battery => "reported_battery_voltage",
            Reported::BatteryLasts => "reported_battery_lasts",
            Reported::Stalls => "reported_stalls",
            Reported::Temperature => "reported_temperature",
            Reported::Programmed => "reported_parts_programmed",
            Reported::Clock => "reported_clock",
        },
        Subject::Mode(_) => "mode",
        Subject::ReadBack | Subject::ReadBackNothing => "read_back",
        Subject::Logged { .. } => "logged",
        Subject::LoggedAt { .. } => "log_time",
        Subject::LogInOrder => "log_order",
        Subject::ClockError => "clock_error",
        Subject::ToneCount { .. } => "tone_count",
        Subject::TonePeriod { .. } => "tone_period",
        _ => return None,
    })
}

/// The row of such a check.
pub fn judge(engine: &Engine, subject: &Subject, row: CheckRow, now: RigTime) -> CheckRow {
    match subject {
        Subject::Reported(what) => reported(engine, *what, row),
        Subject::Mode(mode) => mode_is(engine, *mode, row),
        Subject::ReadBack => read_back(engine, row, now),
        Subject::ReadBackNothing => read_back_nothing(engine, row),
        Subject::Logged { kind, value } => match engine.books.logged(*kind, *value) {
            Ok((count, lacks)) => {
                let (row, count) = (CheckRow { statistic: "count".into(), ..row }, certain(count as f64));
                match lacks {
                    // What overwrites an entry would be there: where there is nothing, nothing was kept.
                    Some(_) if engine.books.log_is_empty() && row.limits.lower.is_some_and(|least| least > 0.0) => {
                        row::decide(row, Verdict::Fail, Reason::NotObserved, "the pump's log is empty")
                    }
                    Some(why) => row::partly_lost(row, Some(count), (Verdict::Error, Reason::NoData), &why),
                    None => row::measured(row, count),
                }
            }
            Err(why) => row::decide(row, Verdict::Error, Reason::NoData, why),
        },
        Subject::LoggedAt { kind, value, mark } => logged_at(engine, (*kind, *value), mark, row),
        Subject::LogInOrder => log_in_order(engine, row),
        Subject::ClockError => clock(engine, row),
        Subject::ToneCount { class } => tone_count(engine, *class, row),
        Subject::TonePeriod { class } => tone_period(engine, *class, row, now),
        _ => row::decide(row, Verdict::Error, Reason::NoData, "nobody is asked for it"),
    }
}

impl Engine {
    /// A check asked for something that the pump won't tell: that is its answer.
    pub(crate) fn would_not_tell(&mut self, now: RigTime, verb: &Verb, reason: &str) {
        let Instruction { path, text, op } = self.instruction();
        if let Op::Check(check) = op {
            let quantity = quantity_name(&check.subject).unwrap_or("answer");
            let row = row::of_check(row::blank(path, text, quantity, now, now), check, &self.bench);
            self.give(row::decide(row, Verdict::Fail, Reason::Refused, format!("the pump refused `{verb}`: {reason}")));
        }
        self.end_step();
    }

    pub(crate) fn log_told(&mut self, entries: &[LogEntry]) {
        self.books.log = Some(entries.to_vec());
        self.say(Event::Log { entries: entries.to_vec() });
        self.tell_patient(entries);
    }
}

fn reported(engine: &Engine, what: Reported, row: CheckRow) -> CheckRow {
    let told = match what {
        Reported::Reservoir => engine.pump.status.as_ref().map(|status| Some(status.reservoir.0)),
        Reported::BasalRate => engine.pump.status.as_ref().map(|status| Some(status.basal.0)),
        Reported::BolusLeft => engine.pump.status.as_ref().map(|status| Some(status.bolus_left.0)),
        what => engine.pump.therapy.as_ref().map(|therapy| therapy.get(what)),
    };
    match told {
        Some(Some(value)) => row::measured(row, certain(value)),
        Some(None) => row::decide(row, Verdict::Fail, Reason::NotObserved, format!("the pump says that it has no {what}")),
        None => row::decide(row, Verdict::Error, Reason::NoData, "the pump did not tell it"),
    }
}

fn exactly(mut row: CheckRow, told: String, as_wanted: bool, why: String) -> CheckRow {
    row.unit = String::new();
    row.value_text = Some(told);
    let (verdict, code) = if as_wanted { (Verdict::Pass, Reason::Observed) } else { (Verdict::Fail, Reason::NotObserved) };
    row::decide(row, verdict, code, why)
}

fn mode_is(engine: &Engine, wanted: TherapyMode, row: CheckRow) -> CheckRow {
    match engine.pump.therapy.as_ref().map(|therapy| therapy.mode) {
        Some(mode) => exactly(row, mode.to_string(), mode == wanted, format!("the pump says that its mode is {mode}")),
        None => row::decide(row, Verdict::Error, Reason::NoData, "the pump did not tell it"),
    }
}

fn read_back(engine: &Engine, row: CheckRow, now: RigTime) -> CheckRow {
    let wanted = match engine.books.put_aside(now) {
        Ok(parts) => parts,
        Err(why) => return row::decide(row, Verdict::Error, Reason::NoData, why),
    };
    let Some(told) = &engine.pump.read_back else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the pump did not tell it");
    };
    if wanted.is_empty() && told.is_empty() {
        let why = "nothing was left to confirm, and nothing was read back: nothing was compared; say `read_back: nothing` if that is meant";
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    }
    let (more, missing) = differences(wanted, told);
    let text = |parts: Vec<&Verb>| parts.into_iter().map(Verb::to_string).collect::<Vec<_>>();
    let (more, missing) = (text(more), text(missing));
    let count = format!("{} parts", told.len());
    let why = match (missing.is_empty(), more.is_empty()) {
        (true, true) => format!("the pump reads back the {} parts that were programmed", told.len()),
        (false, true) => format!("the pump does not read back: {}", some(&missing)),
        (true, false) => format!("the pump reads back what was not programmed: {}", some(&more)),
        (false, false) => {
            let alike = if missing == more { " (they differ in digits not shown)" } else { "" };
            format!("the pump does not read back: {}; but: {}{alike}", some(&missing), some(&more))
        }
    };
    exactly(row, count, missing.is_empty() && more.is_empty(), why)
}

fn read_back_nothing(engine: &Engine, row: CheckRow) -> CheckRow {
    let Some(told) = &engine.pump.read_back else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the pump did not tell it");
    };
    let why = if told.is_empty() {
        "the pump reads back nothing".to_owned()
    } else {
        format!("the pump reads back: {}", some(&told.iter().map(Verb::to_string).collect::<Vec<_>>()))
    };
    exactly(row, format!("{} parts", told.len()), told.is_empty(), why)
}

/// The first few of them: a schedule has sixteen steps, and a reason is one sentence.
fn some(parts: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = parts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    if parts.len() > SHOWN { format!("{first}; and {} more", parts.len() - SHOWN) } else { first }
}

/// The pump's time of an entry, told in the rig's: the pump's clock was last read at a time that is known within half its answer.
fn logged_at(engine: &Engine, (kind, value): (LogKind, Option<EntryValue>), mark: &Name, row: CheckRow) -> CheckRow {
    let no_data = |row, why: &str| row::decide(row, Verdict::Error, Reason::NoData, why);
    let Some(marked) = engine.marks.get(mark).copied() else { return no_data(row, "the mark was never set") };
    let log = match engine.books.of_case() {
        Ok(log) => log,
        Err(why) => return no_data(row, why),
    };
    let Some(entry) = log.entries(kind, value).last() else { return no_entry(engine, &log, marked, row) };
    if log.restarted_after(entry) {
        return no_data(row, &format!("entry {} is of before the last power-on: what its time counts from is not known", entry.number));
    }
    let Some((_, read)) = engine.books.clock else {
        return no_data(row, "the pump's clock was not read since it was switched on");
    };
    let ago = (read.uptime_us as f64 - entry.uptime_us as f64) / 1e6;
    let written = middle(read) - ago;
    // The rig's clock errs over the time between mark and reading.
    let between = (middle(read) - marked.seconds()).abs();
    let instants = [
        ("reading of the pump's clock", half(read)),
        ("mark", MARK_HALF_WIDTH_S),
        ("rig's clock since the mark", between * engine.bench.clock_ppm * 1e-6),
    ];
    row::measured(CheckRow { started: marked, ..row }, duration(written - marked.seconds(), &instants, engine.bench.clock_ppm))
}

/// It was to be written when the mark was set: whether the pump left it out, or may have lost it with others.
fn no_entry(engine: &Engine, log: &CaseLog<'_>, marked: RigTime, row: CheckRow) -> CheckRow {
    let left_out = |entries: usize, of: &str| {
        let why = format!("no such entry in the {entries} entries that were read {of}, of which none is missing");
        row::decide(row.clone(), Verdict::Fail, Reason::NotObserved, why)
    };
    let Some(lacks) = &log.lacks else { return left_out(log.len(), "of this case") };
    // What was lost was of before the power-on, if the log is whole from there.
    if let (Some((entries, powered_on)), Some((_, read))) = (log.whole_since_power_on(), engine.books.clock) {
        let mark = read.uptime_us as f64 / 1e6 - (middle(read) - marked.seconds());
        if mark - half(read) - MARK_HALF_WIDTH_S > powered_on.uptime_us as f64 / 1e6 {
            return left_out(entries, "since the last power-on");
        }
    }
    row::decide(row.clone(), Verdict::Error, Reason::NoData, lacks.clone())
}

/// The rig's time of a reading of the pump's clock, in s: somewhere between question and answer, so the middle …
fn middle(sample: Sample) -> f64 {
    (sample.asked.seconds() + sample.heard.seconds()) / 2.0
}

/// … give or take half of it.
fn half(sample: Sample) -> f64 {
    (sample.heard - sample.asked).as_seconds() / 2.0
}

fn log_in_order(engine: &Engine, row: CheckRow) -> CheckRow {
    let log = match engine.books.of_case() {
        Ok(log) => log,
        Err(why) => return row::decide(row, Verdict::Error, Reason::NoData, why),
    };
    let entries = log.len();
    match (log.out_of_order(), log.lacks) {
        (Some(wrong), _) => exactly(row, format!("{entries} entries"), false, wrong),
        (None, Some(why)) => row::decide(row, Verdict::Error, Reason::NoData, why),
        // One has no other to be in order with.
        (None, None) if entries < 2 => {
            row::decide(row, Verdict::Error, Reason::NoData, format!("the log has {entries} entries of this case: too few for an order"))
        }
        (None, None) => {
            let why = format!("{entries} entries, each one number and no time behind the one before it");
            exactly(row, format!("{entries} entries"), true, why)
        }
    }
}

fn clock(engine: &Engine, mut row: CheckRow) -> CheckRow {
    let Some((first, last)) = engine.books.clock else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the pump's clock was not read since it was switched on");
    };
    let elapsed = middle(last) - middle(first);
    let told = (last.uptime_us - first.uptime_us) as f64 / 1e6;
    row.started = first.heard;
    row.n = Some(2);
    row.window_s = Some(elapsed);
    match clock_error(told, elapsed, (half(first), half(last)), engine.bench.clock_ppm) {
        Some(error) => row::measured(row, error),
        None => row::decide(row, Verdict::Error, Reason::NoData, "the pump's clock was read only once since it was switched on"),
    }
}

fn tone_count(engine: &Engine, class: AlarmClass, row: CheckRow) -> CheckRow {
    let count = engine.pump.tone_counts[class as usize] - engine.tones_at_start[class as usize];
    let Some(channel) = engine.alarm_channel() else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the bench has no alarm channel");
    };
    let row = CheckRow { statistic: "count".into(), channel: Some(channel.clone()), ..row };
    match engine.lost_since(Some(channel), engine.steps_began) {
        Some(why) => row::partly_lost(row, Some(certain(count as f64)), (Verdict::Error, Reason::DataLost), why),
        None => row::measured(row, certain(count as f64)),
    }
}

fn tone_period(engine: &Engine, class: AlarmClass, row: CheckRow, now: RigTime) -> CheckRow {
    let Some(channel) = engine.alarm_channel() else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the bench has no alarm channel");
    };
    let row = CheckRow { channel: Some(channel.clone()), ..row };
    if let Some(why) = engine.lost_since(Some(channel), engine.steps_began) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    let measured = |seconds: f64| {
        let instants = [("first edge of the tone before", TONE_HALF_WIDTH_S), ("first edge of the tone", TONE_HALF_WIDTH_S)];
        duration(seconds, &instants, engine.bench.clock_ppm)
    };
    match engine.pump.last_tones(class, engine.steps_began) {
        (Some(last), Some(before)) => row::measured(CheckRow { started: before, ..row }, measured((last - before).as_seconds())),
        // It has not come yet: the period is at least as long as that.
        (Some(only), None) => {
            let since = (now - only).as_seconds();
            let why = format!("only one {class} tone was heard, {} s ago", Figures(since));
            row::partly_lost(row, Some(measured(since)), (Verdict::Error, Reason::NoData), &why)
        }
        _ if engine.memory.alive.contains(channel) && engine.pump.alarmed(class, engine.steps_began) => {
            row::decide(row, Verdict::Fail, Reason::NotObserved, format!("there was a {class} alarm, but no tone of it was heard"))
        }
        _ => row::decide(row, Verdict::Error, Reason::NoData, format!("no {class} tone was heard")),
    }
}
