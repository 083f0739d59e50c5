//! How a balance is read, and how long it is waited for.

use rig_model::time::Span;

/// How the balance is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `SI` this often; nothing is sent while a reply is waited for.
    Poll { every: Span },
    /// `SIR`; the balance sets the pace. Silence for longer than this is a loss, and it is asked again.
    Repeat { silence: Span },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The balance that must answer, by its serial number; any where none is named.
    pub serial: Option<String>,
    pub mode: Mode,
    /// Of the port, and the bits on the wire for one byte (start, eight, stop, and parity where there is one): they say how long before a
    /// reply was complete it was begun.
    pub baud: u32,
    pub bits_per_byte: u32,
    /// For a reply that the balance gives at once.
    pub reply_limit: Span,
    /// For a reply for which it waits until it is at rest; longer than its own limit, which is up to a minute.
    pub rest_limit: Span,
    /// Of `@` and `I4` at the beginning, the first included.
    pub transmissions: u32,
    /// A reading that does not come is asked for again. One that has not come for this long is a loss: the balance may have been off meanwhile,
    /// and its zero is another. No balance is up again sooner after its power was gone.
    pub silence: Span,
    /// Losses one after another; with the last of them the balance is given up.
    pub failures: u32,
}

impl Settings {
    /// For a balance as it comes: 9600 baud, twice a second.
    pub fn new() -> Self {
        Self {
            serial: None,
            mode: Mode::Poll { every: Span::milliseconds(500) },
            baud: 9_600,
            bits_per_byte: 10,
            // Some 40 ms on the wire and up to a tenth of a second in the balance.
            reply_limit: Span::milliseconds(400),
            rest_limit: Span::seconds(60),
            transmissions: 5,
            silence: Span::milliseconds(2_500),
            failures: 5,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
