//! The dose oracle: watches what is delivered beside every scenario, and knows only what was prescribed.
//!
//! Written from what a prescription means, never from how a pump carries it out, and from nothing that the pump says of its deliveries.
//! Two bounds run along with the case: what may have flowed by now (all that was ordered, at its latest and at its most) and what must have flowed by now
//! (what was certainly ordered, less what excuses the pump). The volume that the flow channels show must stay between them in every span of
//! time, not only since the beginning: what was missed in the morning is no credit for the afternoon.
//!
//! Pure: [`Oracle::hear`] takes rig time and what happened, [`Oracle::judge`] gives the rows at the end of the case.

mod band;
mod bridge;
mod course;
mod drift;
mod hear;
mod meter;
mod oracle;
mod orders;
mod patient;
mod prescription;
mod recent;
mod rows;
mod says;
mod surroundings;
mod week;

pub use band::{STROKES, TOLERANCE};
pub use oracle::{Heard, Oracle};
