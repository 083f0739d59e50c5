//! One file for each subcommand.

pub mod approve;
pub mod calibrate;
pub mod calibration;
pub mod check;
pub mod curves;
pub mod deviation;
pub mod doctor;
pub mod explain;
pub mod host;
pub mod list;
pub mod pool;
pub mod qualify;
pub mod qualify_tool;
pub mod recover;
pub mod replay;
pub mod report;
pub mod run;
pub mod schema;
pub mod sign;
pub mod supervise;
pub mod trace;
pub mod verify;
