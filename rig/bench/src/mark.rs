//! The mark of a bench that is not shown safe: made before anything moves, taken away when the bench was shown safe, and left by whatever comes
//! in between, a loss of power included.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rig_model::event::{Event, SafeShown};
use rig_model::fact::{Body, Fact, FactSink, SinkError};
use serde::{Deserialize, Serialize};

use crate::error::BenchError;

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wedged {
    /// The run that has not shown the bench safe.
    pub run: String,
    /// When it began, as people read it.
    pub since: String,
    /// Why, where the run lived long enough to say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

impl fmt::Display for Wedged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} of {} has not shown it safe: ", self.run, self.since)?;
        f.write_str(self.because.as_deref().unwrap_or("it ended without a word, killed or by a loss of power"))
    }
}

/// What a run does about the mark that it may find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMark {
    /// A bench that is not shown safe is not played on.
    Refuse,
    /// The run is there to show it safe.
    Recover,
}

/// How a run makes its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marking {
    pub path: PathBuf,
    pub run: String,
    pub since: String,
    pub on_mark: OnMark,
}

/// The mark of a run under way. To drop it is to leave it.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
    own: Wedged,
    /// What was found when this run began.
    before: Option<Wedged>,
}

/// The mark of a bench, if there is one. One that can't be understood is one all the same.
pub fn wedged(path: &Path) -> Result<Option<Wedged>, BenchError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(path, source)),
    };
    let unknown = || "not known".to_owned();
    let cut =
        |error| Wedged { run: unknown(), since: unknown(), because: Some(format!("{} can't be understood ({error})", path.display())) };
    Ok(Some(serde_json::from_slice(&text).unwrap_or_else(cut)))
}

impl Mark {
    /// To be called with the bench's lock held. On the disk when it returns.
    ///
    /// # Errors
    /// The bench is marked and the run is not there to recover it; or the mark can't be made.
    pub fn make(marking: Marking) -> Result<Self, BenchError> {
        let Marking { path, run, since, on_mark } = marking;
        let before = wedged(&path)?;
        match before {
            Some(wedged) if on_mark == OnMark::Refuse => Err(BenchError::Wedged { mark: path, wedged }),
            // Recovery that is killed must not hide what came before it.
            Some(wedged) => Ok(Self { path, own: wedged.clone(), before: Some(wedged) }),
            None => {
                let own = Wedged { run, since, because: None };
                write(&path, &own)?;
                Ok(Self { path, own, before: None })
            }
        }
    }

    /// The run has ended: `shown` is the last word of its safe-down, if it came that far. Nothing is moved before a run that was not opened.
    ///
    /// # Errors
    /// The mark stays although it should not, or lacks its reason.
    pub fn end(self, ending: &Ending) -> Result<(), BenchError> {
        match ending {
            Ending::Shown => remove(&self.path),
            Ending::Untouched if self.before.is_none() => remove(&self.path),
            Ending::Untouched => Ok(()),
            Ending::NotShown { why } => write(&self.path, &Wedged { because: Some(why.clone()), ..self.own }),
        }
    }
}

/// How a run left its bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Shown safe by measurement.
    Shown,
    /// It was never opened: the pump had no power, and the supervisor has left with every line at its safe level.
    Untouched,
    NotShown {
        why: String,
    },
}

/// Passes facts on and remembers what each safe-down showed.
pub(crate) struct SafeWitness<'s> {
    sink: &'s mut dyn FactSink,
    last: Option<SafeShown>,
}

impl<'s> SafeWitness<'s> {
    pub fn new(sink: &'s mut dyn FactSink) -> Self {
        Self { sink, last: None }
    }

    /// `ended_safe` is the runner's word, of all cases; `failure` what kept the run from its end.
    pub fn ending(&self, ended_safe: bool, failure: Option<&BenchError>) -> Ending {
        match (&self.last, failure) {
            (_, Some(error @ BenchError::NotShownSafe { .. })) => Ending::NotShown { why: error.to_string() },
            (Some(last), _) if last.shown && ended_safe => Ending::Shown,
            (None, None) if ended_safe => Ending::Untouched,
            (Some(last), _) if !last.shown => Ending::NotShown { why: last.reason.clone() },
            (_, Some(error)) => Ending::NotShown { why: error.to_string() },
            _ => Ending::NotShown { why: "not every case ended with the bench shown safe".to_owned() },
        }
    }
}

impl FactSink for SafeWitness<'_> {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        // Seen even if it can't be recorded any more.
        if let Body::Event(Event::Safe(shown)) = &fact.body {
            self.last = Some(shown.clone());
        }
        self.sink.record(fact)
    }
}

/// In a file beside it first, so that a loss of power leaves the old mark or the new one and never half of one.
fn write(path: &Path, wedged: &Wedged) -> Result<(), BenchError> {
    let beside = path.with_extension("wedged.partial");
    let written = || {
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(wedged)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder(path)
    };
    written().map_err(|source| failed(path, source))
}

fn remove(path: &Path) -> Result<(), BenchError> {
    fs::remove_file(path).and_then(|()| sync_folder(path)).map_err(|source| failed(path, source))
}

/// A name is on the disk only when its folder is.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn failed(path: &Path, source: std::io::Error) -> BenchError {
    BenchError::MarkFailed { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marking(dir: &Path, on_mark: OnMark) -> Marking {
        Marking { path: dir.join("rig-pi.wedged"), run: "r1".to_owned(), since: "2031-02-03T04:05:06Z".to_owned(), on_mark }
    }

    /// A run that is left in this way.
    fn left(dir: &Path, on_mark: OnMark, ending: Option<Ending>) -> Option<Wedged> {
        let mark = Mark::make(marking(dir, on_mark)).unwrap();
        assert!(wedged(&mark.path).unwrap().is_some(), "marked before anything moves");
        match ending {
            Some(ending) => mark.end(&ending).unwrap(),
            None => drop(mark),
        }
        wedged(&dir.join("rig-pi.wedged")).unwrap()
    }

    #[test]
    fn each_way_out_leaves_the_mark_that_it_should() {
        let not_shown = || Some(Ending::NotShown { why: "up to 9 µL came".to_owned() });
        for (ending, because) in [
            (Some(Ending::Shown), None),
            (Some(Ending::Untouched), None),
            (not_shown(), Some(Some("up to 9 µL came".to_owned()))),
            // Killed, or a loss of power.
            (None, Some(None)),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let found = left(dir.path(), OnMark::Refuse, ending.clone());
            assert_eq!(found.map(|w| w.because), because, "{ending:?}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), usize::from(because.is_some()), "nothing else is left");
        }
    }

    #[test]
    fn a_marked_bench_is_refused_with_the_reason_until_it_was_recovered() {
        let dir = tempfile::tempdir().unwrap();
        left(dir.path(), OnMark::Refuse, Some(Ending::NotShown { why: "up to 9 µL came".to_owned() }));
        for _ in 0..2 {
            let refused = Mark::make(marking(dir.path(), OnMark::Refuse)).unwrap_err().to_string();
            for words in ["r1", "2031-02-03T04:05:06Z", "up to 9 µL came", "rig-pi.wedged", "rig doctor --recover"] {
                assert!(refused.contains(words), "`{words}` is not in: {refused}");
            }
        }
        // A recovery that could not begin, and one that was killed, hide nothing.
        for ending in [Some(Ending::Untouched), None] {
            assert_eq!(left(dir.path(), OnMark::Recover, ending).unwrap().because.as_deref(), Some("up to 9 µL came"));
        }
        assert_eq!(left(dir.path(), OnMark::Recover, Some(Ending::Shown)), None);
        Mark::make(marking(dir.path(), OnMark::Refuse)).unwrap();
    }

    #[test]
    fn a_mark_that_can_not_be_understood_is_one_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("rig-pi.wedged"), "{").unwrap();
        let refused = Mark::make(marking(dir.path(), OnMark::Refuse)).unwrap_err().to_string();
        assert!(refused.contains("can't be understood"), "{refused}");
        assert_eq!(left(dir.path(), OnMark::Recover, Some(Ending::Shown)), None);
    }

    #[test]
    fn only_a_measurement_shows_a_bench_safe() {
        let shown = |shown| SafeShown {
            shown,
            stop_acknowledged: true,
            lines_safe: true,
            dwell: rig_model::time::Span::seconds(5),
            at_most: None,
            allowed: rig_model::quantity::Volume(1.0),
            reason: "measured".to_owned(),
        };
        let gave_up = || BenchError::NotShownSafe { why: "it took too long".to_owned(), lines: "answered".to_owned() };
        let sink = || BenchError::Sink { source: SinkError { what: "full".to_owned(), source: None } };
        let shown_by = |last: Option<bool>, ended_safe, failure: Option<BenchError>| {
            let mut facts = Vec::new();
            let mut witness = SafeWitness::new(&mut facts);
            let safe =
                last.map(|last| Fact { at: rig_model::time::RigTime(1), arrival: None, body: Body::Event(Event::Safe(shown(last))) });
            safe.iter().for_each(|fact| witness.record(fact).unwrap());
            witness.ending(ended_safe, failure.as_ref())
        };
        assert_eq!(shown_by(Some(true), true, None), Ending::Shown);
        assert_eq!(shown_by(None, true, None), Ending::Untouched);
        for (last, ended_safe, failure) in [
            (Some(true), false, None),
            (Some(false), false, None),
            (Some(true), true, Some(gave_up())),
            (None, false, None),
            // The safe-down of a run whose record failed is not seen.
            (None, true, Some(sink())),
        ] {
            let ending = shown_by(last, ended_safe, failure);
            assert!(matches!(ending, Ending::NotShown { .. }), "{last:?} {ended_safe}: {ending:?}");
        }
    }
}
