//! Requests to end the run, from the system.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::error::BenchError;

/// The first request is answered by a safe-down, the second by giving up on it; there is no third.
const REQUESTS: usize = 4;

/// Why the run should end: `SIGINT`, `SIGTERM`, `SIGHUP`. The second request ends the waiting for the safe-down.
pub type StopRequests = mpsc::Receiver<String>;

/// Takes the three signals over, for the rest of the process. Must be called within a tokio runtime.
pub fn listen() -> Result<StopRequests, BenchError> {
    let kinds = [("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate()), ("SIGHUP", SignalKind::hangup())];
    let (to, requests) = mpsc::channel(REQUESTS);
    for (name, kind) in kinds {
        let mut stream = signal(kind).map_err(|source| BenchError::Signals { source })?;
        let to = to.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                // A full channel means that the run has been told often enough.
                let _ = to.try_send(name.to_owned());
            }
        });
    }
    Ok(requests)
}
