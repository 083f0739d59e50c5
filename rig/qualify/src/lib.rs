//! What a suite makes of defective pumps: outcomes of its scenarios in, kill matrix, survivors, false alarms and their views out.
//!
//! Nothing is played here, and no file is opened: outcomes come as values, views go to a `Write`.

mod conclusion;
mod delta;
mod journal;
mod matrix;
mod outcome;
mod partition;
mod picture;
mod setup;
mod short;
mod sound;
mod subset;
mod summary;
mod tables;

pub use conclusion::{Conclusion, Share};
pub use delta::{Change, Reusable, changes};
pub use journal::{JournalError, read_outcomes, write_outcomes};
pub use matrix::{Catch, Cell, Matrix, Standing, Status};
pub use outcome::{CaseOutcome, DrawnBench, Ending, Played, Row};
pub use partition::{Partition, PartitionError, UnionError, union};
pub use picture::picture;
pub use setup::{Behaviour, Besides, Explained, Judged, Make, Pump, Scenario, SeedRange, Setup, Unit, Whose};
pub use short::{Short, within};
pub use sound::{FalseAlarm, Sound};
pub use subset::{Subset, smallest};
pub use summary::{SHORT, summary};
pub use tables::{TableError, defects_csv, false_alarms_csv, kill_matrix_csv, scenarios_csv};
