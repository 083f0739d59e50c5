//! Facts in words, for `events.csv`. Exhaustive: a new kind of fact must say here whether people see it.

use std::fmt::Write;

use rig_model::dut::Outcome;
use rig_model::event::{Comparability, Event, SafeShown, Weighed};
use rig_model::fact::{Body, Note};
use rig_model::input::{Action, Actuation, Input, Lost};
use rig_model::quantity::Figures;
use rig_model::verdict::{CheckRow, Counts, Verdict};

pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// `None` for the raw facts that other files show, and for those that an event repeats.
pub(crate) fn describe(body: &Body) -> Option<Entry> {
    match body {
        Body::Header(header) if header.warnings.is_empty() => None,
        Body::Header(header) => entry("warning", &header.bench, header.warnings.join("; ")),
        Body::Input(input) => describe_input(input),
        Body::Action(action) => describe_action(action),
        Body::Event(event) => describe_event(event),
        Body::Note(Note::WallClock(clock)) => {
            let state = if clock.synchronised { "synchronised" } else { "not synchronised" };
            entry("wall_clock", "run", format_args!("{}, {state}", clock.utc))
        }
        Body::Note(Note::NotEvidence { why }) => entry("not_evidence", "run", why),
    }
}

fn entry(kind: &'static str, subject: impl ToString, detail: impl ToString) -> Option<Entry> {
    Some(Entry { kind, subject: subject.to_string(), detail: detail.to_string() })
}

fn describe_input(input: &Input) -> Option<Entry> {
    match input {
        Input::Done { id } => entry("done", format_args!("actuation {id}"), ""),
        Input::Failed { id, why } => entry("failed", format_args!("actuation {id}"), why),
        Input::StopRequest { why } => entry("stop_request", "run", why),
        Input::Rx(_) | Input::Edges(_) | Input::Reading { .. } => None,
        Input::LinkDown { .. } | Input::LinkUp | Input::Lost { .. } | Input::Answer { .. } => None,
    }
}

fn describe_action(action: &Action) -> Option<Entry> {
    match action {
        Action::Actuate { id, what: Actuation::Line { line, active } } => {
            entry("actuate", line, format_args!("{} (actuation {id})", if *active { "active" } else { "inactive" }))
        }
        Action::Actuate { id, what: Actuation::Plant(change) } => entry("actuate", "plant", format_args!("{change} (actuation {id})")),
        Action::Tx(_) | Action::Prompt { .. } => None,
    }
}

fn describe_event(event: &Event) -> Option<Entry> {
    match event {
        Event::CaseStarted(case) => entry("case_started", &case.scenario, format_args!("{} ({} of {})", case.title, case.number, case.of)),
        Event::DutIdentified(dut) => entry(
            "dut_identified",
            &dut.model,
            format_args!(
                "serial {}, firmware {} {}, protocol {}",
                dut.serial, dut.firmware_version, dut.firmware_hash, dut.protocol_version
            ),
        ),
        Event::StepStarted { step, what } => entry("step_started", step, what),
        Event::StepEnded { .. } => None,
        Event::Command { id, verb } => entry("command", verb, format_args!("command {id}")),
        Event::Answered { id, verb, outcome, transmissions } => {
            entry("answered", verb, format_args!("{} (command {id}, transmissions {transmissions})", outcome_words(outcome)))
        }
        Event::PumpState { from: Some(from), to } => entry("pump_state", to, format_args!("was {from}")),
        Event::PumpState { from: None, to } => entry("pump_state", to, ""),
        Event::Weighed(weighed) => entry("weighed", &weighed.window, against_words(weighed)),
        Event::AlarmOn { alarm } => entry("alarm_on", alarm, ""),
        Event::AlarmOff { alarm } => entry("alarm_off", alarm, ""),
        Event::Tone { channel, class, began_before } => entry("tone", channel, format_args!("{class}, began {began_before} before")),
        Event::PumpRestarted => entry("pump_restarted", "pump", ""),
        Event::Log { entries } => {
            let lines: Vec<String> = entries.iter().map(|e| format!("{} {}: {}", e.number, e.uptime_us, e.what)).collect();
            entry("log", "pump", lines.join("; "))
        }
        Event::LinkDown { why } => entry("link_down", "link", why),
        Event::LinkUp => entry("link_up", "link", ""),
        Event::Garbage { bytes } => entry("garbage", "link", format_args!("{bytes} bytes")),
        Event::LinkLatency(l) => {
            entry("link_latency", "link", format_args!("{} replies, {} on average, {} to {}", l.replies, l.mean, l.least, l.most))
        }
        Event::Mark { name } => entry("mark", name, ""),
        Event::WindowOpened { window, channel } => entry("window_opened", window, channel),
        Event::WindowClosed(window) => entry("window_closed", &window.window, window_words(window)),
        Event::Curves(told) => entry("curves", &told.window, curves_words(told)),
        // They have a table of their own.
        Event::Figures(_) => None,
        Event::Noticed { step, what } => entry("noticed", step, what),
        Event::ChannelAlive { channel } => entry("channel_alive", channel, ""),
        Event::DataLost(lost) => entry("data_lost", lost.channel.as_deref().unwrap_or("any"), lost_words(lost)),
        Event::Check(row) => entry("check", &row.step, format_args!("{} {}: {}", row.verdict, row.check, row.reason)),
        Event::Prompted { text, .. } => entry("prompted", "operator", text),
        Event::Answer { operator, .. } => entry("answer", operator.as_deref().unwrap_or("nobody"), ""),
        Event::SafeDown { why } => entry("safe_down", "bench", why),
        Event::Safe(safe) => entry("safe", "bench", safe_words(safe)),
        Event::CaseEnded(end) => entry("case_ended", end.verdict, counts_words(&end.counts, &end.reason)),
        Event::RunEnded(end) => {
            let verdict = end.verdict.map_or("nothing ran", Verdict::name);
            entry(
                "run_ended",
                verdict,
                format_args!("exit code {}, bench {}", end.exit_code, if end.safe { "safe" } else { "not shown safe" }),
            )
        }
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted => "accepted".to_owned(),
        Outcome::Refused(reason) => format!("refused: {reason}"),
        Outcome::Unanswered => "unanswered".to_owned(),
        Outcome::LinkFailed => "link failed".to_owned(),
    }
}

fn window_words(window: &rig_model::event::WindowClosed) -> String {
    let mut words = format!("{}: {} forward, {} reverse", window.channel, window.forward, window.reverse);
    if let Some(volume) = window.volume {
        write!(words, ", {volume}").expect("a String takes all that is written");
    }
    if let Some(flow) = window.mean_flow {
        write!(words, ", {flow}").expect("a String takes all that is written");
    }
    if !window.ended {
        words.push_str(", did not end in its time");
    }
    words
}

fn curves_words(told: &rig_model::event::CurvesTold) -> String {
    let (plan, curves) = (&told.plan, &told.curves);
    let names = format!("{}: {}, {}", told.channel, plan.method.name(), plan.periods.name());
    format!("{names}, {} against a set rate of {}", curves.b.flow, plan.rate)
}

fn lost_words(lost: &Lost) -> String {
    match lost.count {
        Some(count) => format!("{count} lost: {}", lost.why),
        None => format!("unknown number lost: {}", lost.why),
    }
}

pub(crate) fn safe_words(safe: &SafeShown) -> String {
    let shown = if safe.shown { "shown" } else { "not shown" };
    let volume = safe.at_most.map_or("unknown volume".to_owned(), |v| format!("at most {v}"));
    format!("{shown}: {volume} in {}, allowed {}: {}", safe.dwell, safe.allowed, safe.reason)
}

/// `5 PASS, 1 FAIL`, worst last, only those that there are.
pub(crate) fn counts(counts: &Counts) -> String {
    let parts: Vec<String> = Verdict::ALL.iter().rev().filter(|v| counts.of(**v) > 0).map(|v| format!("{} {v}", counts.of(*v))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn counts_words(of: &Counts, reason: &str) -> String {
    let checks = counts(of);
    if reason.is_empty() { format!("checks: {checks}") } else { format!("checks: {checks}; {reason}") }
}

/// `194.6 ± 1.2 µL, limits 190 … 210`: what was measured and what it was compared with.
pub(crate) fn measured(row: &CheckRow) -> String {
    let mut words = match (row.value, &row.value_text) {
        (Some(value), _) => Figures(value).to_string(),
        (None, Some(text)) => return text.clone(),
        (None, None) => return "no value".to_owned(),
    };
    if let Some(u) = row.expanded_uncertainty {
        write!(words, " ± {}", Figures(u)).expect("a String takes all that is written");
    }
    if row.unit != "1" && !row.unit.is_empty() {
        write!(words, " {}", row.unit).expect("a String takes all that is written");
    }
    let limits = match (row.limits.lower, row.limits.upper) {
        (Some(lower), Some(upper)) => format!(", limits {} … {}", Figures(lower), Figures(upper)),
        (Some(lower), None) => format!(", at least {}", Figures(lower)),
        (None, Some(upper)) => format!(", at most {}", Figures(upper)),
        (None, None) => String::new(),
    };
    words + &limits
}

fn against_words(weighed: &Weighed) -> String {
    let Weighed { flow, balance, against, .. } = weighed;
    let (Some(mass), Some(found)) = (against.weighed, against.comparison) else {
        return format!("{flow} {} not compared with {balance}: {}", against.flow_volume, against.why);
    };
    let e_n = found.e_n.map_or_else(|| "without uncertainty".to_owned(), |e_n| format!("E_n {}", Figures(e_n)));
    let word = match against.outcome {
        Comparability::Agree => "agree",
        Comparability::Hardly => "hardly agree",
        Comparability::Disagree => "disagree",
        Comparability::NotCompared => "not compared",
    };
    format!("{flow} {}, {balance} {mass}: {word}, {e_n}, by chance once in {:.0}", against.flow_volume, 1.0 / found.chance)
}
