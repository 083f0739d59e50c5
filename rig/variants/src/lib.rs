//! Variants of the reference pump's firmware: its sources with a patch applied, built apart and loaded into the program.
//!
//! The sources are those that this program was built from, so that a variant differs from the pump that is linked in by its patch and by nothing
//! else. All variants that are asked for are built in one go, and kept by the hash of what they were made of.
#![allow(clippy::disallowed_methods, reason = "variants are built by a process, from files to files")]

#[cfg(not(target_env = "musl"))]
mod loaded;
#[cfg(target_env = "musl")]
#[path = "unloadable.rs"]
mod loaded;
mod mutants;
mod patch;
mod sources;
#[cfg(not(target_env = "musl"))]
mod wire;
mod workshop;

pub use mutants::{MutantsError, mutants};
pub use patch::{Patch, PatchError};
pub use workshop::{Built, VariantError, Workshop, WorkshopError};
