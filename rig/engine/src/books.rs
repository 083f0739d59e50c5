//! What the engine writes down of a pump, to compare it with what the pump says later: what was programmed, what its log told, its clock.

use rig_model::dut::{LogEntry, LogKind, Verb};
use rig_model::scenario::EntryValue;
use rig_model::time::{RigTime, Span};

/// Parts that are kept: far more than a pump takes.
const MAX_PARTS: usize = 1_024;
/// A pump forgets what is put aside when nothing more is programmed for so long.
pub const FORGOTTEN_AFTER: Span = Span::minutes(10);

#[derive(Debug, Default)]
pub struct Books {
    /// What was programmed and accepted since nothing was left over, in the order in which it was.
    parts: Vec<Verb>,
    last_programmed: Option<RigTime>,
    /// More was programmed than is kept.
    overflown: bool,
    /// In force, µg/mL: absent where it is not known, nothing where none was told since the pump forgot everything.
    concentration: Option<Option<f64>>,
    /// Why it can't be told what is put aside.
    doubtful: Option<&'static str>,
    /// The log as it was last read; `None` while it is asked for.
    pub log: Option<Vec<LogEntry>>,
    pub log_began: LogBegan,
    /// Entries up to this number were told as figures.
    pub told: Option<u32>,
    pub clock: Option<(Sample, Sample)>,
}

/// From where on the log is this case's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogBegan {
    #[default]
    Unknown,
    /// Entries with higher numbers.
    After(u32),
    /// The pump has forgotten all older ones.
    Cleared,
}

/// The pump's clock, read at some time between two of the rig's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub asked: RigTime,
    pub heard: RigTime,
    pub uptime_us: u64,
}

impl Books {
    /// The pump took what it was told then.
    pub fn accepted(&mut self, verb: &Verb, at: RigTime) {
        match verb {
            Verb::Confirm => {
                let told = |part: &Verb| if let Verb::ProgramConcentration { concentration } = part { Some(concentration.0) } else { None };
                if let Some(told) = self.parts.iter().rev().find_map(told) {
                    self.concentration = Some(Some(told));
                }
                self.nothing_left();
            }
            Verb::Start | Verb::Discard => self.nothing_left(),
            Verb::EndRefill { concentration: Some(concentration), .. } => self.refilled_with(concentration.0),
            Verb::FactoryReset => {
                self.nothing_left();
                self.concentration = Some(None);
                self.log_began = LogBegan::Cleared;
            }
            verb if part(verb).is_some() => self.programmed(verb, at),
            _ => {}
        }
    }

    /// It came out of a reset: what was put aside is gone, its clock began anew.
    pub fn restarted(&mut self) {
        self.nothing_left();
        self.clock = None;
    }

    /// The steps begin: what the log holds by now is not of them.
    pub fn steps_begin(&mut self) {
        if self.log_began == LogBegan::Unknown
            && let Some(log) = &self.log
        {
            self.log_began = LogBegan::After(log.last().map_or(0, |entry| entry.number));
        }
        self.told = self.log.as_ref().and_then(|log| log.last()).map(|entry| entry.number);
    }

    fn nothing_left(&mut self) {
        self.parts.clear();
        self.last_programmed = None;
        self.overflown = false;
        self.doubtful = None;
    }

    /// What was put aside for a drug of another concentration is gone.
    fn refilled_with(&mut self, concentration: f64) {
        match self.concentration.replace(Some(concentration)) {
            Some(known) if known == Some(concentration) => {}
            Some(_) => self.nothing_left(),
            None if self.parts.is_empty() => {}
            None => self.doubtful = Some("it is not known whether the refill was with a drug of another concentration"),
        }
    }

    fn programmed(&mut self, verb: &Verb, at: RigTime) {
        if self.last_programmed.is_some_and(|last| at - last > FORGOTTEN_AFTER) {
            self.parts.clear();
        }
        self.last_programmed = Some(at);
        self.overflown |= self.parts.len() >= MAX_PARTS;
        if !self.overflown {
            self.parts.push(verb.clone());
        }
    }

    /// What should be put aside at this instant; an error where that can't be told.
    pub fn put_aside(&self, at: RigTime) -> Result<&[Verb], String> {
        let since = self.last_programmed.map_or(Span::ZERO, |last| at - last);
        if self.overflown {
            return Err(format!("more than {MAX_PARTS} parts were programmed"));
        }
        if let Some(why) = self.doubtful {
            return Err(why.to_owned());
        }
        Ok(if since > FORGOTTEN_AFTER { &[] } else { &self.parts })
    }

    pub fn clock_read(&mut self, sample: Sample) {
        self.clock = match self.clock {
            Some((first, _)) if sample.uptime_us >= first.uptime_us => Some((first, sample)),
            _ => Some((sample, sample)),
        };
    }

    /// The log as last told, the number after which it is this case's, and why this case's part of it is not whole.
    pub fn of_case(&self) -> Result<CaseLog<'_>, &'static str> {
        let log = self.log.as_deref().ok_or("the pump told no log")?;
        let (after, held) = match self.log_began {
            LogBegan::Unknown => return Err("the log was not read before the case began"),
            LogBegan::After(number) => (number, log.first().is_some_and(|first| first.number <= number.saturating_add(1))),
            LogBegan::Cleared => (0, log.first().is_some_and(|first| first.code == Some(LogKind::FactoryReset))),
        };
        let of_case = || log.iter().map(|entry| entry.number).filter(|number| *number > after);
        let missing = of_case().zip(of_case().skip(1)).find(|(before, number)| before.checked_add(1) != Some(*number));
        // What the pump kept of before the case may end anywhere; the case's own part begins right behind what was there.
        let behind = self.log_began == LogBegan::Cleared || of_case().next().is_none_or(|number| number == after.saturating_add(1));
        let lacks = match missing {
            _ if !held || !behind => Some("the log no longer holds the first entries of this case".to_owned()),
            Some((before, number)) => Some(format!("entry {number} follows entry {before} in the log")),
            None => None,
        };
        Ok(CaseLog { log, after, lacks })
    }

    /// It was told, and holds nothing at all.
    pub fn log_is_empty(&self) -> bool {
        self.log.as_ref().is_some_and(Vec::is_empty)
    }

    /// Entries of this kind since the case began, and why there may have been more.
    pub fn logged(&self, kind: LogKind, value: Option<EntryValue>) -> Result<(u64, Option<String>), &'static str> {
        let log = self.of_case()?;
        Ok((log.entries(kind, value).count() as u64, log.lacks))
    }
}

/// The log as last told, and what of it is this case's.
#[derive(Debug)]
pub struct CaseLog<'l> {
    log: &'l [LogEntry],
    /// Entries with higher numbers are this case's.
    after: u32,
    /// Why entries of this case may be missing.
    pub lacks: Option<String>,
}

impl<'l> CaseLog<'l> {
    /// This case's entries of this kind, and of this value where one is stated. One that comes twice is one.
    pub fn entries(&self, kind: LogKind, value: Option<EntryValue>) -> impl Iterator<Item = &'l LogEntry> {
        let mut last = self.after;
        let anew = move |entry: &&LogEntry| {
            let anew = entry.number > last;
            last = last.max(entry.number);
            anew
        };
        self.log.iter().filter(anew).filter(move |entry| {
            entry.code == Some(kind) && value.is_none_or(|wanted| entry.value.is_some_and(|value| wanted.admits(value)))
        })
    }

    /// How many entries are this case's.
    pub fn len(&self) -> usize {
        self.log.iter().filter(|entry| entry.number > self.after).count()
    }

    /// Why this case's part is not in order; `None` if it is.
    pub fn out_of_order(&self) -> Option<String> {
        out_of_order(self.log, self.after)
    }

    /// The last power-on and how many entries there are from it on, if it is in the log and none is missing behind it.
    pub fn whole_since_power_on(&self) -> Option<(usize, &'l LogEntry)> {
        let at = self.log.iter().rposition(|entry| entry.code == Some(LogKind::PowerOn))?;
        let since = &self.log[at..];
        let whole = since.windows(2).all(|pair| pair[0].number.checked_add(1) == Some(pair[1].number));
        whole.then_some((since.len(), &self.log[at]))
    }

    /// Whether the pump was switched on again after this entry: its time is of an earlier power-on.
    pub fn restarted_after(&self, entry: &LogEntry) -> bool {
        self.log.iter().any(|later| later.number > entry.number && matches!(later.code, Some(LogKind::PowerOn | LogKind::Watchdog)))
    }
}

/// Why a log is not in order behind this number. Entries of the patient outlive others: behind them alone others may have been overwritten.
fn out_of_order(log: &[LogEntry], after: u32) -> Option<String> {
    let mut kept_longer = true;
    log.windows(2).find_map(|pair| {
        let (before, entry) = (&pair[0], &pair[1]);
        kept_longer &= matches!(before.code, Some(LogKind::PainScore | LogKind::PatientEvent));
        let of_case = entry.number > after || before.number > after;
        let overwritten = kept_longer && entry.number > before.number;
        if of_case && Some(entry.number) != before.number.checked_add(1) && !overwritten {
            return Some(format!("entry {} follows entry {}", entry.number, before.number));
        }
        let powered_on = entry.code == Some(LogKind::PowerOn) || Some(entry.number) != before.number.checked_add(1);
        (of_case && entry.uptime_us < before.uptime_us && !powered_on).then(|| {
            let seconds = |us: u64| us as f64 / 1e6;
            format!(
                "entry {} is of {:.3} s after power-on, entry {} before it of {:.3} s",
                entry.number,
                seconds(entry.uptime_us),
                before.number,
                seconds(before.uptime_us)
            )
        })
    })
}

/// What a pump reads back that it was not told, and what it was told and does not read back.
pub fn differences<'v>(told: &'v [Verb], read_back: &'v [Verb]) -> (Vec<&'v Verb>, Vec<&'v Verb>) {
    let mut left = read_back.iter().peekable();
    let mut missing = Vec::new();
    for (i, verb) in told.iter().enumerate() {
        // Of what is no step the last word counts; a pump need not keep those before it.
        let superseded = || !matches!(verb, Verb::ProgramStep(_)) && told[i + 1..].iter().any(|later| part(later) == part(verb));
        if left.next_if(|other| figures(other) == figures(verb)).is_none() && !superseded() {
            missing.push(verb);
        }
    }
    (left.collect(), missing)
}

/// Which part of a prescription a verb programmes; `None` for one that programmes nothing.
fn part(verb: &Verb) -> Option<u8> {
    Some(match verb {
        Verb::ProgramBasal { .. } | Verb::ProgramBasalDose { .. } => 0,
        // The one bolus that a start begins with.
        Verb::ProgramBolus { .. } | Verb::ProgramBolusDose { .. } | Verb::ProgramPriming { .. } => 1,
        Verb::ProgramConcentration { .. } => 3,
        Verb::ProgramStep(_) => 4,
        Verb::ProgramMicrodose { .. } => 5,
        Verb::ProgramMinimum => 6,
        Verb::ProgramPatientBolus(_) => 7,
        Verb::ProgramLimit { .. } => 8,
        Verb::ProgramBridge { .. } => 9,
        _ => return None,
    })
}

/// A part as finely as pumps are told it: volumes in nL, rates in nL/h, drug in ng, concentrations in µg/mL, durations in ms, periods in s,
/// times of the day in minutes.
fn figures(verb: &Verb) -> (Option<u8>, Vec<i64>) {
    let thousandths = |x: f64| (x * 1e3).round() as i64;
    let ms = |span: Span| (span.0 as f64 / 1e6).round() as i64;
    let s = |span: Span| span.as_seconds().round() as i64;
    let numbers = match verb {
        Verb::ProgramBasal { rate } => vec![0, thousandths(rate.0)],
        Verb::ProgramBasalDose { rate } => vec![1, thousandths(rate.0)],
        Verb::ProgramBolus { volume, over } => vec![0, thousandths(volume.0), ms(*over)],
        Verb::ProgramBolusDose { dose, over } => vec![1, thousandths(dose.0), ms(*over)],
        Verb::ProgramPriming { volume } => vec![2, thousandths(volume.0)],
        Verb::ProgramConcentration { concentration } => vec![concentration.0.round() as i64],
        Verb::ProgramStep(step) => {
            let bolus = step.bolus.filter(|bolus| thousandths(bolus.volume.0) > 0);
            let (volume, over) = bolus.map_or((0, 0), |bolus| (thousandths(bolus.volume.0), ms(bolus.over)));
            vec![step.days.0.into(), s(step.from) / 60, thousandths(step.rate.0), volume, over]
        }
        Verb::ProgramMicrodose { volume, over, every } => vec![thousandths(volume.0), ms(*over), s(*every)],
        Verb::ProgramPatientBolus(bolus) => vec![
            thousandths(bolus.volume.0),
            ms(bolus.over),
            s(bolus.first_after),
            s(bolus.lockout),
            bolus.activations.into(),
            s(bolus.in_any),
        ],
        Verb::ProgramLimit { volume, in_any } => vec![thousandths(volume.0), s(*in_any)],
        Verb::ProgramBridge { volume, rate } => vec![thousandths(volume.0), thousandths(rate.0)],
        _ => Vec::new(),
    };
    (part(verb), numbers)
}
