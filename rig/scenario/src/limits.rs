//! How much is taken from a file. Each number is far above honest use and far below what would hurt.

use rig_model::time::Span;

/// A file of a thousand checks has some 150 KiB; a larger one is a mistake or an attack, and is refused before it is parsed or hashed.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// The deepest honest file (a check in a window in a repeat) nests to about ten.
pub const MAX_NESTING: usize = 32;
/// A matrix beyond this can't be read in a report by anybody.
pub const MAX_CASES: usize = 1_000;
/// Fragments that include fragments; more than two or three levels are hard to follow.
pub const MAX_INCLUDE_DEPTH: usize = 8;
/// A year of checks every five minutes is 105,120; held also for the product of nested repeats.
pub const MAX_REPEAT: u64 = 100_000;
/// Steps of one case, written out, fragments put in; bounds what fragments included many times can grow to.
pub const MAX_STEPS_PER_CASE: usize = 10_000;
/// Steps of one case as often as repeats play them: a year of five steps every five minutes is half of it. Each may leave a row.
pub const MAX_STEPS_PLAYED: u64 = 1_000_000;
/// Seconds between two polls at the most: a pump that fell silent is noticed within this.
pub const MAX_POLL_SECONDS: i64 = 600;
/// Seconds to wait for one reply at the most.
pub const MAX_REPLY_SECONDS: i64 = 10;
/// Seconds of the dwell at the end of each case: below a second no sensor can tell, beyond an hour no bench is used.
pub const DWELL_SECONDS: (i64, i64) = (1, 3_600);
/// µL that may come out in the dwell at the most: a stroke or two of the largest pumps and what the line gives back.
pub const MAX_DWELL_MICROLITRES: f64 = 20.0;
/// Steps of all cases of one file: 50 in each of 1,000 cases; bounds memory to some 100 MB for the worst file.
pub const MAX_STEPS_PER_FILE: usize = 50_000;
/// Keys of one map: a matrix or parameter list has tens. Bounds everything that looks for one key among the others.
pub const MAX_KEYS: usize = 1_000;
/// Values where a single one or a few may stand (`verifies`, alarms, states).
pub const MAX_VALUES: usize = 32;
/// Characters of a title or prompt: what fits a screen.
pub const MAX_TEXT: usize = 1_000;
/// Characters of one quantity with its arithmetic.
pub const MAX_EXPRESSION: usize = 200;
/// Characters of a message or of its help; words of the file are quoted in both.
pub const MAX_MESSAGE: usize = 600;
/// Nobody reads further; the rest is counted.
pub const MAX_DIAGNOSTICS: usize = 1_000;
/// Samples of one curve: 34 days of half a minute, three years of a quarter of an hour. A start-up graph of all of them is a line of some
/// 5 MB in the record.
pub const MAX_CURVE_SAMPLES: i64 = 100_000;
/// Window lengths of one curve; the standard's have six.
pub const MAX_CURVE_WINDOWS: usize = 32;
/// Parentheses in arithmetic; bounds the recursion of the expression parser.
pub const MAX_PARENTHESES: usize = 16;
/// Digits of one number: keeps exact fractions inside 128 bits through the arithmetic that files need.
pub const MAX_DIGITS: usize = 18;
/// Ten years: longer than any implant test, and far inside the 292 years of rig time.
pub const MAX_SPAN_SECONDS: i64 = 10 * 366 * 86_400;
/// Names go into paths, CSV cells and file names.
pub const MAX_NAME: usize = 64;
/// Bytes of garbage in one injection: two of the link's largest frames.
pub const MAX_GARBAGE: u64 = 4_096;
/// Bounces of a contact at one end of a press: bad contacts have some ten, within 20 ms.
pub const MAX_BOUNCES: u64 = 100;
/// Columns of a source line that a diagnostic shows; a whole file may be one line.
pub const MAX_SHOWN_COLUMNS: usize = 160;
/// How long a run may be silent before its outputs are made safe. A loaded Linux machine stalls for tens of milliseconds without anything being wrong.
pub const MIN_SILENCE: Span = Span::milliseconds(50);
/// The same at the most: what a pump at 1 mL/h gives in ten seconds is 3 µL.
pub const MAX_SILENCE: Span = Span::seconds(10);
/// Tests of one plan; each is read by a person who approves it.
pub const MAX_PLAN_TESTS: usize = 100;
/// Boards, paths or tags of one test of a plan.
pub const MAX_PLAN_ITEMS: usize = 1_000;
/// How often a plan has a case played on one board: 1,000 bolus deliveries of a minute are a day, and more tell nothing new of one board. Also
/// the last revision that a plan can have.
pub const MAX_PLAN_REPEATS: u64 = 1_000;
/// Defects of one catalogue: each is a pump that the whole suite may be played against.
pub const MAX_DEFECTS: usize = 10_000;
/// Things that go wrong at once in one pump of a catalogue.
pub const MAX_SEAMS: usize = 8;

/// The greatest basal rate of any pump that the rig is for, µL/h: 10 mL/h of an external pump (SOURCES §3, L R5.1.0(2): 1 to 10 mL/h). Implants give
/// 1.2 mL/h at the most (§2.1).
pub const MAX_BASAL_MICROLITRES_PER_HOUR: f64 = 10_000.0;
