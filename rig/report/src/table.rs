//! One CSV file: RFC 4180, UTF-8, one header row from the table of columns.

use std::io::Write;

use rig_model::Name;
use rig_model::time::RigTime;

use crate::cell;
use crate::columns::Column;
use crate::hashing::{Digest, HashingWriter};
use crate::view::ViewError;

#[derive(Debug)]
pub(crate) struct Table<W: Write> {
    csv: csv::Writer<HashingWriter<W>>,
    scratch: String,
}

impl<W: Write> Table<W> {
    pub(crate) fn new(out: W, columns: &[Column]) -> Result<Self, ViewError> {
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(HashingWriter::new(out));
        csv.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self { csv, scratch: String::new() })
    }

    /// Cells are written in the order of the columns; a row with another number of cells than the header has is refused.
    pub(crate) fn row(&mut self) -> Row<'_, W> {
        Row { table: self }
    }

    pub(crate) fn flush(&mut self) -> Result<(), ViewError> {
        Ok(self.csv.flush()?)
    }

    pub(crate) fn finish(&mut self) -> Result<Digest, ViewError> {
        self.csv.flush()?;
        Ok(self.csv.get_ref().digest())
    }
}

pub(crate) struct Row<'t, W: Write> {
    table: &'t mut Table<W>,
}

impl<W: Write> Row<'_, W> {
    pub(crate) fn text(self, text: &str) -> Result<Self, ViewError> {
        self.table.csv.write_field(&*cell::neutral(text))?;
        Ok(self)
    }

    pub(crate) fn names(self, names: &[Name]) -> Result<Self, ViewError> {
        let mut joined = std::mem::take(&mut self.table.scratch);
        joined.clear();
        cell::list(&mut joined, names);
        let written = self.table.csv.write_field(&*cell::neutral(&joined));
        self.table.scratch = joined;
        written?;
        Ok(self)
    }

    pub(crate) fn number(self, x: impl Into<Option<f64>>) -> Result<Self, ViewError> {
        let x = x.into();
        self.cell(|out| {
            if let Some(x) = x {
                cell::number(out, x);
            }
        })
    }

    pub(crate) fn integer(self, n: impl Into<Option<u64>>) -> Result<Self, ViewError> {
        let n = n.into();
        self.cell(|out| {
            if let Some(n) = n {
                use std::fmt::Write as _;
                write!(out, "{n}").expect("a String takes all that is written");
            }
        })
    }

    pub(crate) fn boolean(self, yes: bool) -> Result<Self, ViewError> {
        self.plain(if yes { "true" } else { "false" })
    }

    pub(crate) fn time(self, at: RigTime) -> Result<Self, ViewError> {
        self.cell(|out| cell::seconds(out, at.0))
    }

    /// A cell that is known to be a number already.
    pub(crate) fn plain(self, text: &str) -> Result<Self, ViewError> {
        self.table.csv.write_field(text)?;
        Ok(self)
    }

    pub(crate) fn end(self) -> Result<(), ViewError> {
        Ok(self.table.csv.write_record(None::<&[u8]>)?)
    }

    fn cell(self, write: impl FnOnce(&mut String)) -> Result<Self, ViewError> {
        self.table.scratch.clear();
        write(&mut self.table.scratch);
        self.table.csv.write_field(&self.table.scratch)?;
        Ok(self)
    }
}
