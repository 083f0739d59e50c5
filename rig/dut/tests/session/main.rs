//! The session against scripted pumps of two makers, in exact virtual time.

mod conformance;
mod limits;
mod pumps;
