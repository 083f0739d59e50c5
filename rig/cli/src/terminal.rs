//! What the person in front of the terminal asked to see.

use std::io::IsTerminal;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Say more; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Colours: where wanted (a terminal, and `NO_COLOR` not set), always or never
    #[arg(long, value_enum, default_value_t = Colour::Auto, global = true, value_name = "WHEN")]
    color: Colour,
    /// One JSON object a line on standard output instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

/// The choices made.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    pub colour: bool,
    pub json: bool,
    pub verbose: u8,
    /// Standard error is a terminal: progress may move.
    pub live: bool,
}

impl Options {
    /// Starts the log and settles what is shown how.
    pub fn start(&self) -> Terminal {
        let level = match self.verbose {
            0 => "warn",
            1 => "info",
            _ => "debug",
        };
        let filter = tracing_subscriber::EnvFilter::try_from_env("RIG_LOG").unwrap_or_else(|_| level.into());
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let coloured = |terminal: bool| match self.color {
            Colour::Auto => terminal && !quiet,
            Colour::Always => true,
            Colour::Never => false,
        };
        let (colour, log_colour) = (coloured(std::io::stdout().is_terminal()), coloured(std::io::stderr().is_terminal()));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(log_colour);
        log.without_time().log_internal_errors(false).init();
        let ci = std::env::var_os("CI").is_some();
        Terminal { colour, json: self.json, verbose: self.verbose, live: std::io::stderr().is_terminal() && !ci }
    }
}
