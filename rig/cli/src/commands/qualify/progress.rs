//! How far it is, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::Terminal;

pub struct Bar(Option<ProgressBar>);

impl Bar {
    pub fn new(terminal: &Terminal, plays: usize) -> Self {
        if !terminal.live || terminal.json {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(plays as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {pos} of {len} plays, {eta} left  {wide_bar}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    pub fn played(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
            bar.inc(1);
        }
    }

    pub fn close(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
