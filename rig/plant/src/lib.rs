//! The physics of a simulated bench: reservoir, pump head, line, catheter, leak, occlusion, and the sensors on them.
//!
//! One lumped line of pressure P (above ambient) between pump head and catheter tip:
//!
//! ```text
//! C(P) dP/dt = Q_p − Q_out − Q_leak − Q_back      C(P) = C + V_air·P_amb / (P + P_amb)²
//! Q_out = (P − P_tip − ρgh) / (R · factor · viscosity), zero while the occluder at the tip is closed or the catheter is off
//! Q_leak = G·P, of the leak valve and of an open connector      Q_back = G_back·(P − P_res), between strokes and while P > P_res
//! ```
//!
//! Between two events everything on the right but P is constant, so the line has a closed form (`line.rs`); what can't be inverted is
//! a bracketed root. There is no time step: silence of any length costs the same. Elementary functions come from `libm` and noise from
//! seeded ChaCha streams, so that a seed gives the same edges to the nanosecond on every machine.
//!
//! The reservoir's pressure is ambient up to its capacity and rises with what is too much; where that lifts the valves of the head, a constant
//! flow gets through until they hold again (`head.rs`). A stroke moves the gain's multiple of its volume, less the share of it that is air, and the
//! gain rises with temperature and falls with ambient pressure as the bench states. How a change of the drug arrives at the tip is in `drug.rs`.
//!
//! What the model leaves out: an air bubble stays where it is put; air that the pump head draws from an emptying or badly filled reservoir
//! is counted ([`Plant::air_drawn`]) but doesn't enter the line; the air ahead of the fluid in an unprimed catheter resists like
//! fluid, isn't compressed, and makes no pulse at the tip; nothing siphons through a head that stands still; what a needle
//! injects has the concentration of what is in the reservoir, which only a change of the drug changes; the reservoir's pressure,
//! where fluid goes back into it, is that of the last event; a bubble's volume does not follow the temperature.

pub mod balance;
pub mod battery;
mod change;
pub(crate) mod drug;
pub(crate) mod head;
pub(crate) mod line;
pub(crate) mod noise;
pub(crate) mod photometer;
mod plant;
pub(crate) mod sensor;
pub mod sics;
mod truth;
pub(crate) mod valves;
pub mod wire;

pub use plant::Plant;
