//! A run is changed in every way that there is, and each time the file at fault must be named.

mod altered;
mod bytes;
mod forged;
mod large;
mod support;
