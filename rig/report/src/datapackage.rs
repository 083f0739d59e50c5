//! `datapackage.json`: what the columns of the tables are, as a Frictionless Data Package with Table Schemas.

use std::io::Write;

use rig_model::fact::{Body, Fact};
use serde_json::{Value, json};

use crate::columns::{BUDGETS, CURVES, Column, DELIVERY, EVENTS, FIGURES, RESULTS, SCENARIOS, SCHEMA_VERSION};
use crate::evidence::not_evidence;
use crate::hashing::{Digest, HashingWriter};
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub struct DataPackage<W: Write> {
    out: HashingWriter<W>,
    run_id: String,
    created: String,
    not_evidence: Vec<String>,
}

impl<W: Write> DataPackage<W> {
    pub const NAME: &'static str = "datapackage.json";

    pub fn new(out: W) -> Self {
        Self { out: HashingWriter::new(out), run_id: String::new(), created: String::new(), not_evidence: Vec::new() }
    }
}

impl<W: Write + std::fmt::Debug + Send> View for DataPackage<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        if let Body::Header(header) = &fact.body {
            self.run_id.clone_from(&header.run_id);
            self.created.clone_from(&header.started_utc);
            self.not_evidence = not_evidence(header);
        }
        Ok(())
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        let package = json!({
            "profile": "tabular-data-package",
            "name": "pump-test-run",
            "id": self.run_id,
            "created": self.created,
            "version": SCHEMA_VERSION.to_string(),
            "evidence": !self.created.is_empty() && self.not_evidence.is_empty(),
            "not_evidence": self.not_evidence,
            "resources": [
                resource("results", "One row per check", RESULTS),
                resource("scenarios", "One row per scenario case", SCENARIOS),
                resource("delivery", "What each flow channel saw, sampled by time", DELIVERY),
                resource("events", "What happened, in the order in which the rig took it", EVENTS),
                resource("budgets", "One row per component of a judged value's uncertainty budget", BUDGETS),
                resource("curves", "Start-up graphs and trumpet curves, one row per point", CURVES),
                resource("figures", "The figures by which pumps are known, one row each", FIGURES),
            ],
        });
        serde_json::to_writer_pretty(&mut self.out, &package)?;
        self.out.write_all(b"\n")?;
        self.out.flush()?;
        Ok(self.out.digest())
    }
}

fn resource(name: &str, title: &str, columns: &[Column]) -> Value {
    json!({
        "profile": "tabular-data-resource",
        "name": name,
        "title": title,
        "path": format!("{name}.csv"),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": { "delimiter": ",", "lineTerminator": "\r\n", "quoteChar": "\"", "doubleQuote": true, "header": true },
        "schema": { "fields": columns.iter().map(field).collect::<Vec<_>>(), "missingValues": [""] },
    })
}

fn field(column: &Column) -> Value {
    let mut field = json!({ "name": column.name, "type": column.kind.name(), "description": column.description });
    if let Some(unit) = column.unit {
        field["unit"] = unit.into();
    }
    field
}
