//! Colours of the console, or none.

use anstyle::{AnsiColor, Style};
use rig_model::verdict::Verdict;

#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    good: Style,
    bad: Style,
    pub(crate) doubtful: Style,
    pub(crate) dim: Style,
    pub(crate) strong: Style,
}

impl Palette {
    /// No escape sequences.
    pub const fn plain() -> Self {
        let none = Style::new();
        Self { good: none, bad: none, doubtful: none, dim: none, strong: none }
    }

    /// ANSI colours, for a terminal.
    pub const fn ansi() -> Self {
        Self {
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            doubtful: AnsiColor::Yellow.on_default().bold(),
            dim: Style::new().dimmed(),
            strong: Style::new().bold(),
        }
    }

    pub(crate) const fn of(&self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Pass => self.good,
            Verdict::Fail | Verdict::Error => self.bad,
            Verdict::Aborted | Verdict::Inconclusive | Verdict::Skipped => self.doubtful,
        }
    }
}

/// A text from a file or from the board, fit for a terminal: what would move the cursor, change colours, turn the direction of writing round or
/// take no room is shown as U+FFFD, line ends as spaces.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\r' => ' ',
            c if c.is_control() || unseen(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// Marks that are not seen themselves, and by which a name reads as another one.
fn unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_works_the_terminal() {
        assert_eq!(printable("a\nb\u{1b}[31m\u{9b}2J µ"), "a b\u{fffd}[31m\u{fffd}2J µ");
        assert_eq!(printable("Bert \u{202e}live\u{200b}"), "Bert \u{fffd}live\u{fffd}", "nor makes a name another one");
    }
}
