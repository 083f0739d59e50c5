//! Reads a foreign record, one line at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use rig_metrology::{RecordSampler, Resampled, SeriesError};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

use super::header::{Columns, Layout};

/// A foreign record on the grid, and what is to be said of how it was read.
#[derive(Debug)]
pub struct Record {
    pub samples: Resampled,
    pub layout: Layout,
    /// Header of the column of volumes or masses.
    pub amount: String,
    pub form: Form,
    /// The file's last byte is no line end: if it was cut off, its last value may be.
    pub open_end: bool,
}

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub delimiter: Delimiter,
    pub decimal_comma: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
}

impl Delimiter {
    const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// Longest header row that is looked at for the delimiter.
const BUFFER: usize = 1 << 17;
/// Rig time is good for 292 years; nothing that was measured is longer than ten.
const MAX_SECONDS: f64 = 3.2e8;

/// Reads the record and samples it.
pub fn record(path: &Path, columns: &Columns, sample: Span) -> Result<Record> {
    let reading = || format!("failed to read `{}`", path.display());
    let mut file = File::open(path).with_context(|| format!("failed to open `{}`", path.display()))?;
    let open_end = !ends_with_a_line(&mut file).with_context(reading)?;
    let mut input = BufReader::with_capacity(BUFFER, file);
    let delimiter = delimiter(&mut input).with_context(reading)?;
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter.byte()).comment(Some(b'#')).trim(csv::Trim::All).from_reader(input);
    let header: Vec<String> = csv.headers().map_err(plainer).with_context(reading)?.iter().map(str::to_owned).collect();
    let layout = columns.find(&header).with_context(reading)?;
    let mut lines =
        Lines { layout, numbers: Numbers { delimiter, comma: false, point: false }, first: None, sampler: RecordSampler::new(sample)? };
    let mut row = csv::StringRecord::new();
    while csv.read_record(&mut row).map_err(plainer).with_context(reading)? {
        let line = row.position().map_or(0, csv::Position::line);
        lines.take(&row).with_context(|| format!("failed to read `{}`, line {line}", path.display()))?;
    }
    let Lines { layout, numbers, sampler, .. } = lines;
    let samples = sampler.finish().with_context(reading)?;
    let amount = layout.amount.name.clone();
    Ok(Record { samples, layout, amount, form: Form { delimiter, decimal_comma: numbers.comma }, open_end })
}

struct Lines {
    layout: Layout,
    numbers: Numbers,
    /// Time of the first reading, s; all others are taken relative to it, so that a time of day or an epoch costs no digits.
    first: Option<f64>,
    sampler: RecordSampler,
}

impl Lines {
    fn take(&mut self, row: &csv::StringRecord) -> Result<()> {
        if self.layout.only.as_ref().is_some_and(|(index, value)| row.get(*index) != Some(value)) {
            return Ok(());
        }
        let time = self.numbers.read(row, self.layout.time.index, &self.layout.time.name)? * self.layout.time.unit.factor;
        let amount = self.numbers.read(row, self.layout.amount.index, &self.layout.amount.name)? * self.layout.amount.unit.factor;
        let since = time - *self.first.get_or_insert(time);
        if since.abs() > MAX_SECONDS {
            bail!("{since} s since the first reading are more than ten years; is the unit of time right?");
        }
        let volume = Volume(amount / self.layout.density.unwrap_or(1.0));
        self.sampler.push(RigTime::ZERO + Span::from_seconds(since), volume).map_err(|error| match error {
            SeriesError::NotIncreasing { .. } if self.layout.only.is_none() => {
                anyhow!("{error}; where several records share a file, choose one with --only COLUMN=VALUE")
            }
            _ => error.into(),
        })
    }
}

/// Which decimal sign the numbers of the file have: one of them, not both.
struct Numbers {
    delimiter: Delimiter,
    comma: bool,
    point: bool,
}

impl Numbers {
    fn read(&mut self, row: &csv::StringRecord, index: usize, column: &str) -> Result<f64> {
        let text = row.get(index).unwrap_or_default();
        if text.is_empty() {
            bail!("there is nothing in column `{column}`");
        }
        self.comma |= text.contains(',');
        self.point |= text.contains('.');
        if self.comma && (self.delimiter == Delimiter::Comma || self.point) {
            bail!(
                "`{text}` in column `{column}`: numbers with a decimal comma are read where semicolons or tabs part the columns, and only if all have it"
            );
        }
        let number: f64 = text.replace(',', ".").parse().map_err(|_| {
            let help = if text.contains(':') { "; times are counted from some instant, in one unit, not told by the clock" } else { "" };
            anyhow!("`{text}` in column `{column}` is not a number{help}")
        })?;
        if number.is_finite() { Ok(number) } else { Err(anyhow!("`{text}` in column `{column}` is not a finite number")) }
    }
}

/// By the first line that says something: tabs, then semicolons, then commas. Leaves a byte order mark behind.
fn delimiter(input: &mut impl BufRead) -> Result<Delimiter> {
    let start = input.fill_buf()?;
    let mark = if start.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let mut lines = start[mark..].split(|byte| matches!(byte, b'\n' | b'\r'));
    let Some(header) = lines.find(|line| !line.is_empty() && !line.starts_with(b"#")) else { bail!("there is nothing in it") };
    let found = if header.contains(&b'\t') {
        Delimiter::Tab
    } else if header.contains(&b';') {
        Delimiter::Semicolon
    } else {
        Delimiter::Comma
    };
    input.consume(mark);
    Ok(found)
}

fn ends_with_a_line(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    file.rewind()?;
    Ok(matches!(last[0], b'\n' | b'\r'))
}

/// The errors of the CSV reader in the words of those who write such files.
fn plainer(error: csv::Error) -> anyhow::Error {
    let line = |pos: &Option<csv::Position>| pos.as_ref().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => anyhow!(
            "line {} has {len} columns, the header has {expected_len}; was the file cut off, or has it decimal commas between commas?",
            line(pos)
        ),
        csv::ErrorKind::Utf8 { pos, .. } => anyhow!("line {} is not UTF-8 text; save the file as UTF-8", line(pos)),
        _ => error.into(),
    }
}
