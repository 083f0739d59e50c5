//! Words to the terminal. One that is gone (a closed pipe, a line that was hung up) must not end a run, as `println!` would by its panic.

use std::fmt::Display;
use std::io::Write;

/// A line on standard output.
pub fn out(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on standard error.
pub fn err(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text that brings its own line ends, on standard output.
pub fn text(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
