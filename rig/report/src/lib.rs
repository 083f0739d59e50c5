//! Views of a run: CSV, JUnit, console. Pure consumers of facts over [`std::io::Write`].
//!
//! The live run and the report rebuilt from a journal feed the same code the same facts and get the same bytes. A view can't judge:
//! this crate sees neither the engine nor the runner. Every column is described in `rig/docs/record.md`.

mod budgets;
mod cell;
mod columns;
mod context;
mod curves;
mod datapackage;
mod delivery;
mod describe;
mod events;
mod evidence;
mod explain;
mod figures;
mod figures_view;
mod find;
mod hashing;
mod impact;
mod junit;
mod palette;
mod pool;
mod progress;
mod results;
mod scenarios;
mod summary;
mod table;
pub mod trace;
mod view;
mod views;

pub use budgets::BudgetsCsv;
pub use columns::{BUDGETS, CURVES, Column, DELIVERY, EVENTS, FIGURES, Kind, RESULTS, SCENARIOS, SCHEMA_VERSION};
pub use curves::{CurvesCsv, Origin};
pub use datapackage::DataPackage;
pub use delivery::{DeliveryCsv, FlowChannel, MAX_ROWS_PER_CHANNEL};
pub use events::EventsCsv;
pub use evidence::{evidence, not_evidence};
pub use explain::Explanation;
pub use figures::{FiguresCsv, figures_of_curves};
pub use find::{Finder, Found};
pub use hashing::{Digest, HashingWriter};
pub use impact::{IMPACT, IMPACT_VERSION, Impact, ImpactCsv, InDoubt};
pub use junit::{JUnit, MAX_TEST_CASES};
pub use palette::{Palette, printable};
pub use pool::{POOL, POOL_VERSION, PoolRow, pool_csv};
pub use progress::Progress;
pub use results::ResultsCsv;
pub use scenarios::ScenariosCsv;
pub use summary::Summary;
pub use view::{Closing, End, ReportError, View, ViewError};
pub use views::{Finished, Views};
