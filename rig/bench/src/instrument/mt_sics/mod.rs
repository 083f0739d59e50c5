//! MT-SICS, the Standard Interface Command Set of Mettler Toledo, spoken by most laboratory balances: the client's side, sans I/O.
//!
//! After the reference manual "MT-SICS Interface Commands" (levels 0 and 1). Commands and replies are lines of ASCII that end in CR LF:
//!
//! ```text
//! @     I4 A "B021002593"        cancels all, tells the serial number
//! SI    S S     100.00 g         stable; `S D` dynamic, `S I` not now, `S +` overload, `S -` underload
//! SIR   as SI, again and again, until S, SI or @
//! Z     Z A                      `Z I`, `Z +`, `Z -`
//! T     T S     100.00 g
//!       ES, ET, EL               not understood, badly received, can't be done
//! ```
//!
//! There is no checksum. What protects a reading is its fixed form: a weight has ten characters, so that a line that has lost a part or
//! run into the next is no reading. A digit that became another one, or a space, can be told only by parity, which the port has to use.

mod client;
mod lines;
mod reply;
mod settings;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod with_balance;

pub use client::{Answer, Client, Failure, Order, Output, Refused};
pub use lines::MAX_LINE;
pub use reply::{Damage, Reply, Weighed, read};
pub use settings::{Mode, Settings};
