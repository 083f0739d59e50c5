//! The runs of a ledger, without a look at its chain: what every start of a run needs to know, and at once.

use serde::Deserialize;

use crate::ledger::{Ledger, lines};

/// All runs that a ledger knows, in the order of their starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roll<'l> {
    pub runs: Vec<Listed<'l>>,
    /// What the next run is to be numbered.
    pub next_number: u64,
}

/// A run as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'l> {
    /// From 1.
    pub number: u64,
    pub run_id: &'l str,
    pub started_utc: &'l str,
    /// Name of its folder beside the ledger.
    pub folder: &'l str,
    pub closed: Closed,
}

/// Whether a run was closed, as far as the ledger tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Under way, or cut off, or ended without a manifest because its record could not be written.
    No,
    Ended,
    Recovered,
    /// Version 1 of the ledger tells nothing but starts.
    Untold,
}

/// The fields that count here, not copied. None of them needs an escape in JSON; where one is escaped all the same, the rig has not written it.
#[derive(Deserialize)]
struct Line<'l> {
    v: u32,
    run_id: &'l str,
    #[serde(default)]
    kind: Option<&'l str>,
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    started_utc: Option<&'l str>,
    #[serde(default)]
    folder: Option<&'l str>,
    #[serde(default)]
    manifest_sha256: Option<&'l str>,
}

impl<'l> Roll<'l> {
    pub fn read(bytes: &'l [u8]) -> Self {
        let mut runs: Vec<Listed<'l>> = Vec::new();
        // Few at a time, and closed soon after they began: quicker to look through than a map of all.
        let mut open: Vec<usize> = Vec::new();
        let mut numbers = Numbers::default();
        for (text, _) in lines(bytes) {
            match Seen::of(text) {
                Seen::Started { number, run_id, started_utc, folder, closed } => {
                    let number = number.unwrap_or(numbers.next());
                    numbers.started(number);
                    open.push(runs.len());
                    runs.push(Listed { number, run_id, started_utc, folder, closed });
                }
                Seen::Closed { run_id, how } => {
                    if let Some(at) = open.iter().rposition(|&i| runs[i].run_id == run_id) {
                        runs[open.remove(at)].closed = how;
                    }
                }
                Seen::Other => {}
                Seen::Unreadable => numbers.unreadable(),
            }
        }
        Self { runs, next_number: numbers.next() }
    }
}

/// What the next run is to be numbered, from the end of a ledger alone. `None` where that does not reach back to a run that tells its number.
pub fn next_number(end: &[u8]) -> Option<u64> {
    let text = end.strip_suffix(b"\n").unwrap_or(end);
    let mut unreadable = 0;
    for line in text.rsplit(|byte| *byte == b'\n') {
        match Seen::of(line) {
            Seen::Started { number: Some(number), .. } => return number.checked_add(1 + unreadable),
            Seen::Started { number: None, .. } => return None,
            Seen::Closed { .. } | Seen::Other => {}
            Seen::Unreadable => unreadable += 1,
        }
    }
    None
}

/// What a line says of its run.
enum Seen<'l> {
    Started { number: Option<u64>, run_id: &'l str, started_utc: &'l str, folder: &'l str, closed: Closed },
    Closed { run_id: &'l str, how: Closed },
    Other,
    Unreadable,
}

impl<'l> Seen<'l> {
    fn of(text: &'l [u8]) -> Self {
        Self::as_written(text).unwrap_or_else(|| Self::parsed(text))
    }

    /// Lines are nearly always as the rig writes them, which is read ten times as fast.
    fn as_written(text: &'l [u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let (run_id, rest) = text.strip_prefix("{\"v\":2,\"run_id\":\"")?.split_once("\",\"kind\":\"")?;
        let (kind, rest) = rest.split_once("\",\"")?;
        // The end of the line must be there too: what was torn off is not taken for whole.
        let rest = rest.strip_suffix("\"}")?;
        let plain = |text: &str| !text.contains(['"', '\\']);
        let how = match kind {
            "ended" => Closed::Ended,
            "recovered" => Closed::Recovered,
            "started" => {
                let (number, rest) = rest.strip_prefix("number\":")?.split_once(",\"started_utc\":\"")?;
                let (started_utc, rest) = rest.split_once("\",\"folder\":\"")?;
                let (folder, previous) = rest.split_once("\",\"previous\":\"")?;
                let whole = [run_id, started_utc, folder, previous].into_iter().all(plain);
                let number = Some(number.parse().ok()?);
                return whole.then_some(Self::Started { number, run_id, started_utc, folder, closed: Closed::No });
            }
            _ => return None,
        };
        if !plain(run_id) || !rest.contains("\",\"previous\":\"") && !rest.contains("},\"previous\":\"") {
            return None;
        }
        Some(if rest.contains("\"manifest_sha256\":\"") { Self::Closed { run_id, how } } else { Self::Other })
    }

    fn parsed(text: &'l [u8]) -> Self {
        let Ok(line) = serde_json::from_slice::<Line<'l>>(text) else { return Self::Unreadable };
        let Line { run_id, number, .. } = line;
        let (kind, closed) = match line.v {
            1 => ("started", Closed::Untold),
            Ledger::VERSION => (line.kind.unwrap_or_default(), Closed::No),
            // Of a later rig: at least it is not taken for a run that was cut off.
            _ => return Self::Other,
        };
        match (kind, line.started_utc, line.folder) {
            ("started", Some(started_utc), Some(folder)) => Self::Started { number, run_id, started_utc, folder, closed },
            ("ended", ..) if line.manifest_sha256.is_some() => Self::Closed { run_id, how: Closed::Ended },
            ("recovered", ..) if line.manifest_sha256.is_some() => Self::Closed { run_id, how: Closed::Recovered },
            _ => Self::Other,
        }
    }
}

impl Listed<'_> {
    /// It was started and not closed, or the ledger can't tell.
    pub fn is_open(&self) -> bool {
        matches!(self.closed, Closed::No | Closed::Untold)
    }
}

/// Counts the runs of a ledger.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: u64,
}

impl Numbers {
    pub fn next(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// A run says that it has this number; gives what is wrong with that.
    pub fn started(&mut self, number: u64) -> Option<String> {
        let expected = self.next();
        self.last = self.last.max(number);
        (number != expected).then(|| format!("its run has number {number}, expected {expected}"))
    }

    /// A line that can't be read may have been the start of a run, whose number is not given to another.
    pub fn unreadable(&mut self) {
        self.last = self.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, &str, &str, Closed)> {
        Roll::read(text.as_bytes()).runs.into_iter().map(|r| (r.number, r.run_id, r.folder, r.closed)).collect()
    }

    #[test]
    fn what_is_open_is_told_from_what_is_closed() {
        let text = r#"{"v":1,"run_id":"a","started_utc":"t","folder":"f-a","previous":"-"}
{"v":2,"run_id":"b","kind":"started","number":2,"started_utc":"t","folder":"f-b","previous":"-"}
{"v":2,"run_id":"c","kind":"started","number":3,"started_utc":"t","folder":"f-c","previous":"-"}
{"v":2,"run_id":"b","kind":"ended","utc":"t","previous":"-"}
{"v":2,"run_id":"c","kind":"ended","utc":"t","manifest_sha256":"-","previous":"-"}
{"v":2,"run_id":"d","kind":"star
{"v":2,"run_id":"e","kind":"started","number":5,"started_utc":"t","folder":"f-e","previous":"-"}
{"v":2,"run_id":"e","kind":"recovered","utc":"t","manifest_sha256":"-","previous":"-"}
{"v":2,"run_id":"b","kind":"signed","statement":"signed/0001-operator.json","previous":"-"}
{"v":9,"run_id":"z","kind":"started","number":9,"started_utc":"t","folder":"f-z"}
"#;
        let expected = [
            (1, "a", "f-a", Closed::Untold),
            (2, "b", "f-b", Closed::No),
            (3, "c", "f-c", Closed::Ended),
            (5, "e", "f-e", Closed::Recovered),
        ];
        assert_eq!(read(text), expected);
        let roll = Roll::read(text.as_bytes());
        assert_eq!(roll.next_number, 6);
        assert_eq!(roll.runs.iter().filter(|r| r.is_open()).map(|r| r.run_id).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Roll::read(b"").next_number, 1);
        assert_eq!(next_number(text.as_bytes()), Some(6));
    }

    #[test]
    fn the_end_of_a_ledger_tells_the_next_number_or_nothing() {
        let start = |n: u64| {
            format!(
                "{{\"v\":2,\"run_id\":\"r\",\"kind\":\"started\",\"number\":{n},\"started_utc\":\"t\",\"folder\":\"f\",\"previous\":\"-\"}}\n"
            )
        };
        assert_eq!(next_number(b""), None);
        assert_eq!(next_number(b"garbage\n"), None);
        assert_eq!(next_number(start(7).as_bytes()), Some(8));
        for torn in ["garbage\n", "garbage", "\n", "\0\n"] {
            let text = format!("{}{torn}", start(7));
            assert_eq!(next_number(text.as_bytes()), Some(9), "{torn:?}");
            assert_eq!(Roll::read(text.as_bytes()).next_number, 9, "{torn:?}");
        }
        assert_eq!(next_number(start(u64::MAX).as_bytes()), None);
        let old = r#"{"v":1,"run_id":"a","started_utc":"t","folder":"f-a","previous":"-"}"#;
        assert_eq!(next_number(old.as_bytes()), None);
    }

    /// Both ways of reading a line see the same.
    #[test]
    fn what_is_read_quickly_is_what_is_there() {
        let lines = crate::ledger::tests::whole();
        for line in lines.split(|byte| *byte == b'\n') {
            for end in 0..=line.len() {
                let told = |seen: Seen<'_>| match seen {
                    Seen::Started { number, run_id, started_utc, folder, closed } => {
                        format!("{number:?} {run_id} {started_utc} {folder} {closed:?}")
                    }
                    Seen::Closed { run_id, how } => format!("{run_id} {how:?}"),
                    Seen::Other => "other".to_owned(),
                    Seen::Unreadable => "unreadable".to_owned(),
                };
                assert_eq!(told(Seen::of(&line[..end])), told(Seen::parsed(&line[..end])), "{}", String::from_utf8_lossy(&line[..end]));
            }
        }
    }
}
