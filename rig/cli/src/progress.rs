//! Progress of a run: a moving line on a terminal, plain lines elsewhere, JSON lines for machines.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Note};
use rig_model::input::Input;
use rig_model::time::{RigTime, Span};
use rig_report::Palette;

use crate::say;
use crate::terminal::Terminal;

/// A terminal is drawn at most this often.
const DRAW_EVERY: Duration = Duration::from_millis(100);

pub struct Progress {
    shown: Shown,
    lines: rig_report::Progress,
    case: Option<Case>,
    verbose: bool,
}

enum Shown {
    Bar { bar: ProgressBar, drawn: Instant },
    Lines,
    Json,
    Nothing,
}

struct Case {
    began: RigTime,
    limit: Span,
    name: String,
}

impl Progress {
    pub fn new(terminal: &Terminal) -> Self {
        let palette = if terminal.colour { Palette::ansi() } else { Palette::plain() };
        let shown = if terminal.json {
            Shown::Json
        } else if terminal.live {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            Shown::Bar { bar, drawn: Instant::now() }
        } else if terminal.verbose > 0 {
            Shown::Lines
        } else {
            Shown::Nothing
        };
        Self { shown, lines: rig_report::Progress::new(palette), case: None, verbose: terminal.verbose > 0 }
    }

    /// Plain lines for a bench in real time, where silence for minutes would worry whoever watches.
    pub fn in_real_time(mut self) -> Self {
        if !matches!(self.shown, Shown::Json) {
            self.close();
            self.shown = Shown::Lines;
        }
        self
    }

    pub fn take(&mut self, fact: &Fact) {
        if let Body::Input(Input::StopRequest { why }) = &fact.body {
            self.tell(&format!("{why}: stopping the pump and making the bench safe; once more only to give up waiting for it"));
        }
        // In real time the end of the run is far away, and who reads this now may still change their mind.
        if let (Body::Header(header), Shown::Lines) = (&fact.body, &self.shown) {
            header.warnings.iter().for_each(|warning| say::err(format_args!("warning: {warning}")));
            rig_report::not_evidence(header).iter().for_each(|why| say::err(format_args!("not evidence: {}", rig_report::printable(why))));
        }
        match (&fact.body, &self.shown) {
            (Body::Note(Note::NotEvidence { why }), Shown::Json) => json_evidence(fact.at, std::slice::from_ref(why)),
            (Body::Note(Note::NotEvidence { why }), _) => self.tell(&format!("not evidence: {}", rig_report::printable(why))),
            (Body::Header(header), Shown::Json) => json_evidence(fact.at, &rig_report::not_evidence(header)),
            _ => {}
        }
        let Body::Event(event) = &fact.body else { return };
        if let Event::CaseStarted(case) = event {
            let name = format!("{}/{} {} {}", case.number, case.of, case.scenario, case.case);
            self.case = Some(Case { began: fact.at, limit: case.time_limit, name: name.trim_end().to_owned() });
        }
        match &self.shown {
            Shown::Json => json_line(fact, event),
            Shown::Lines => {
                if let Some(line) = self.lines.line(fact) {
                    say::err(line);
                }
            }
            Shown::Bar { bar, .. } if self.verbose => {
                if let Some(line) = self.lines.line(fact) {
                    bar.println(line);
                }
            }
            Shown::Bar { .. } | Shown::Nothing => {}
        }
    }

    /// Shows a line whatever else is shown, but never among lines for machines.
    fn tell(&self, line: &str) {
        match &self.shown {
            Shown::Json => {}
            Shown::Bar { bar, .. } => bar.println(line),
            Shown::Lines | Shown::Nothing => say::err(line),
        }
    }

    /// Draws how far rig time has come, if it is time to draw.
    pub fn at(&mut self, now: RigTime) {
        let (Shown::Bar { bar, drawn }, Some(case)) = (&mut self.shown, &self.case) else { return };
        if drawn.elapsed() < DRAW_EVERY {
            return;
        }
        *drawn = Instant::now();
        let elapsed = now - case.began;
        let left = case.limit - elapsed;
        bar.set_message(format!("{}  {} of rig time, at most {} left", case.name, elapsed, left.max(Span::ZERO)));
        bar.tick();
    }

    pub fn close(&mut self) {
        if let Shown::Bar { bar, .. } = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// Whether the run is evidence, among the events: at its start, and again when something comes to light.
fn json_evidence(at: RigTime, not_evidence: &[String]) {
    let body = serde_json::json!({ "evidence": not_evidence.is_empty(), "not_evidence": not_evidence });
    say::out(serde_json::json!({ "t": at, "kind": "evidence", "body": body }));
}

/// `t` in nanoseconds of rig time, and the event as the journal has it.
fn json_line(fact: &Fact, event: &Event) {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        t: RigTime,
        #[serde(flatten)]
        event: &'a Event,
    }
    if let Ok(line) = serde_json::to_string(&Line { t: fact.at, event }) {
        say::out(line);
    }
}
