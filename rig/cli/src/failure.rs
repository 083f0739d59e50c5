//! How a command ends that could not do what it was asked.

/// An error and the exit code that it ends the process with.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub error: anyhow::Error,
}

/// Bad usage or bad files.
pub const USAGE: u8 = 2;
/// The bench, the disk or the data is at fault.
pub const BENCH: u8 = 4;

/// Says which exit code an error ends in.
pub trait OrExit<T> {
    fn or_exit(self, code: u8) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: u8) -> Result<T, Failure> {
        self.map_err(|error| Failure { code, error: error.into() })
    }
}

/// A failure with a message of its own.
pub fn failure(code: u8, message: impl Into<String>) -> Failure {
    Failure { code, error: anyhow::Error::msg(message.into()) }
}
