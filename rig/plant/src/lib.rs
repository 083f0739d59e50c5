//! The physics of a simulated bench: reservoir, pump head, line, catheter, leak, occlusion, and the sensors on them.
//!
//! One lumped line of pressure P (above ambient) between pump head and catheter tip:
//!
//! ```text
//! C(P) dP/dt = Q_p − Q_out − Q_leak      C(P) = C + V_air·P_amb / (P + P_amb)²
//! Q_out = (P − P_tip) / (R · factor), zero while the occluder at the tip is closed      Q_leak = G·P
//! ```
//!
//! Between two events everything on the right but P is constant, so the line has a closed form (`line.rs`); what can't be inverted is
//! a bracketed root. There is no time step: silence of any length costs the same. Elementary functions come from `libm` and noise from
//! seeded ChaCha streams, so that a seed gives the same edges to the nanosecond on every machine.
//!
//! What the model leaves out: an air bubble stays where it is put; air that the pump head draws from an emptying reservoir
//! is counted ([`Plant::air_drawn`]) but doesn't enter the line; the air ahead of the fluid in an unprimed catheter resists like
//! fluid, isn't compressed, and makes no pulse at the tip; nothing siphons through a head that stands still.

pub mod balance;
pub mod battery;
pub(crate) mod head;
pub(crate) mod line;
pub(crate) mod noise;
mod plant;
pub(crate) mod sensor;
pub mod sics;
pub mod wire;

pub use plant::Plant;
