//! The summary that a person reads at the end of a run.

use std::collections::BTreeMap;
use std::fmt::Write;

use rig_model::event::{Event, Figure};
use rig_model::fact::{Body, Fact, Header, Note, Predecessor};
use rig_model::quantity::Figures;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Verdict};

use crate::context::{ClosedCase, Context};
use crate::describe::counts;
use crate::palette::{Palette, printable};
use crate::view::{Closing, End};

/// Rows other than PASS that are shown of one case; the rest are counted. More scroll the verdicts off a screen, and `results.csv` has all.
const MAX_ROWS_PER_CASE: usize = 20;

/// Entries of the patient that are shown of one case and kind.
const MAX_ENTRIES: usize = 20;
/// Figures of this are what the patient entered.
const PATIENT: &str = "patient";

/// Takes facts and renders them as text.
#[derive(Debug)]
pub struct Summary {
    palette: Palette,
    context: Context,
    cases: Vec<CaseLines>,
    /// Of the case that is open.
    rows: Vec<String>,
    /// What the patient entered in it, by name.
    patient: BTreeMap<String, Vec<String>>,
    asked_for: usize,
    /// Number of the run in its ledger.
    number: Option<u64>,
    /// The runs that it repeats, in sentences.
    repeats: Vec<String>,
    /// Some case came as far as its safe-down.
    made_safe: bool,
    last: RigTime,
}

/// A closed case, as it is shown.
#[derive(Debug)]
struct CaseLines {
    verdict: Verdict,
    name: String,
    tail: String,
    rows: Vec<String>,
}

impl Summary {
    pub fn new(palette: Palette) -> Self {
        Self {
            palette,
            context: Context::default(),
            cases: Vec::new(),
            rows: Vec::new(),
            patient: BTreeMap::new(),
            asked_for: 0,
            number: None,
            repeats: Vec::new(),
            made_safe: false,
            last: RigTime::ZERO,
        }
    }

    pub fn take(&mut self, fact: &Fact) {
        self.last = self.last.max(fact.at);
        match &fact.body {
            Body::Header(header) => self.header(header),
            // Shown at the end, when all are known.
            Body::Note(Note::NotEvidence { why }) => return self.context.run.late(why),
            Body::Input(_) | Body::Action(_) | Body::Note(_) => return,
            Body::Event(event) => self.made_safe |= matches!(event, Event::Safe(_)),
        }
        if let Some(closed) = self.context.take(fact) {
            self.close(&closed);
        }
        if let Body::Event(Event::Figures(told)) = &fact.body
            && &*told.of == PATIENT
        {
            told.figures.iter().for_each(|figure| self.entered(figure));
        }
        if let Body::Event(Event::Check(row)) = &fact.body
            && row.verdict != Verdict::Pass
        {
            self.row(row);
        }
    }

    fn header(&mut self, header: &Header) {
        self.asked_for = header.cases.len();
        self.number = header.provenance.number;
        let repeats = |run: &Predecessor| format!("repeats {}: {}", printable(&run.folder), printable(&run.reason));
        self.repeats = header.provenance.rerun_of.iter().map(repeats).collect();
    }

    /// No more facts come; closes the case that was cut off.
    pub fn finish(&mut self, end: End) {
        if let Some(closed) = self.context.finish(Closing { end, last: self.last }) {
            self.close(&closed);
        }
    }

    /// The verdict of the run; `None` when nothing ran. A record that was cut off is FAIL, ERROR or ABORTED.
    pub fn verdict(&self) -> Option<Verdict> {
        self.context.verdict()
    }

    /// Whether the bench was shown safe at the end.
    pub fn safe(&self) -> bool {
        self.context.ended.as_ref().is_some_and(|end| end.safe)
    }

    /// Call [`Summary::finish`] first.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let width = self.cases.iter().map(|case| case.name.chars().count()).max().unwrap_or(0);
        for case in &self.cases {
            let style = self.palette.of(case.verdict);
            line(&mut out, format_args!("{style}{:<12}{style:#}  {:width$}  {}", case.verdict, case.name, case.tail));
            for row in &case.rows {
                line(&mut out, format_args!("{row}"));
            }
        }
        self.closing_lines(&mut out);
        out
    }

    /// For a clinician to read, and for nobody to judge here.
    fn entered(&mut self, figure: &Figure) {
        let entries = self.patient.entry(figure.name.to_string()).or_default();
        match entries.len() {
            MAX_ENTRIES => entries.push("…, see figures.csv".to_owned()),
            n if n < MAX_ENTRIES => entries.extend(figure.value.map(|value| Figures(value).to_string())),
            _ => {}
        }
    }

    fn row(&mut self, row: &CheckRow) {
        if self.rows.len() < MAX_ROWS_PER_CASE {
            let style = self.palette.of(row.verdict);
            let dim = self.palette.dim;
            self.rows.push(format!(
                "    {style}{:<12}{style:#} {} {}\n                 {dim}{}{dim:#}",
                row.verdict,
                printable(&row.step),
                printable(&row.check),
                printable(&row.reason)
            ));
        }
    }

    fn close(&mut self, closed: &ClosedCase) {
        let ClosedCase { case, verdict, counts, reason, ended } = closed;
        let mut rows = std::mem::take(&mut self.rows);
        let untold = (case.rows.total() - case.rows.pass) as usize - rows.len();
        if untold > 0 {
            rows.push(format!("    … and {untold} more, see results.csv"));
        }
        for (name, entries) in std::mem::take(&mut self.patient) {
            rows.push(format!("    {}, as entered: {}", printable(&name.replace('_', " ")), entries.join(", ")));
        }
        // A reason that a row already gave is not said twice.
        if case.rows.worst() != Some(*verdict) && !reason.is_empty() {
            rows.push(format!("    {}", printable(reason)));
        }
        let checks = counts.total();
        let passed = if counts.pass == checks { String::new() } else { format!(" ({})", crate::describe::counts(counts)) };
        let mut tail = format!("{checks} {}{passed}", if checks == 1 { "check" } else { "checks" });
        let took = Span(ended.0.saturating_sub(case.started.0));
        if took > Span::ZERO {
            tail.push_str(&format!(", {took}"));
        }
        self.cases.push(CaseLines { verdict: *verdict, name: printable(&case.name()), tail, rows });
    }

    fn closing_lines(&self, out: &mut String) {
        let Palette { strong, dim, .. } = self.palette;
        let verdict = self.verdict();
        let style = verdict.map_or(strong, |verdict| self.palette.of(verdict));
        let run = &self.context.run;
        out.push('\n');
        line(
            out,
            format_args!(
                "{style}{}{style:#}  cases: {}; checks: {}; {} of rig time",
                verdict.map_or("NOTHING RAN", Verdict::name),
                counts(&self.context.cases),
                counts(&self.context.checks),
                self.last
            ),
        );
        let begun = self.cases.len();
        if self.asked_for > begun {
            line(out, format_args!("{} of {} cases did not begin", self.asked_for - begun, self.asked_for));
        }
        match &self.context.ended {
            None => line(out, format_args!("{strong}the record is cut off: the bench was not shown safe{strong:#}")),
            Some(end) if end.safe && !self.made_safe => line(out, format_args!("the bench was not touched")),
            Some(end) if end.safe => line(out, format_args!("bench shown safe")),
            Some(_) => line(out, format_args!("{strong}THE BENCH WAS NOT SHOWN SAFE{strong:#}")),
        }
        let doubtful = self.palette.doubtful;
        for warning in &run.warnings {
            line(out, format_args!("{doubtful}warning{doubtful:#}: {}", printable(warning)));
        }
        if let Some(marks) = marks(&run.not_evidence) {
            line(out, format_args!("{doubtful}NOT EVIDENCE{doubtful:#}: {}", printable(&marks)));
        }
        let label = if run.evidence {
            "evidence"
        } else if run.simulated {
            "simulated: not evidence"
        } else {
            "not evidence"
        };
        for repeated in &self.repeats {
            line(out, format_args!("{repeated}"));
        }
        let number = self.number.map_or_else(String::new, |number| format!("run {number}, "));
        line(out, format_args!("{dim}{number}bench {}, seed {}, {label}{dim:#}", printable(&run.bench), run.seed));
    }
}

/// Why a run is no evidence, as far as one line of a screen holds it.
fn marks(reasons: &[String]) -> Option<String> {
    let (first, others) = reasons.split_first()?;
    Some(match others {
        [] => first.clone(),
        [other] => format!("{first}; {other}"),
        others => format!("{first}; and {} more reasons, which every row of results.csv names", others.len()),
    })
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes all that is written");
}
