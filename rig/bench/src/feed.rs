//! The bounded way from a reader to the loop. What does not fit is lost, and that is said.

use rig_model::input::{Input, Lost, Source};
use rig_model::time::RigTime;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// What a reader tells the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    Input {
        source: Source,
        /// When it happened at its source.
        at: RigTime,
        /// When the rig had it, where that is a different thing.
        arrival: Option<RigTime>,
        input: Input,
    },
    /// Nothing of this source that is as old as this will come any more.
    Watermark { source: Source, at: RigTime },
}

/// The sending end. Never waits for the loop: a reader that waits leaves the kernel's buffer to overflow, which nobody notices.
#[derive(Debug)]
pub(crate) struct Feed {
    to: mpsc::Sender<Heard>,
    what: &'static str,
    /// What did not fit since the last time that something did.
    lost: Option<Loss>,
}

#[derive(Debug, Clone, Copy)]
struct Loss {
    source: Source,
    at: RigTime,
    count: u64,
}

impl Feed {
    /// `what` names the reader in the facts that tell of losses.
    pub fn new(what: &'static str, capacity: usize) -> (Self, mpsc::Receiver<Heard>) {
        let (to, from) = mpsc::channel(capacity);
        (Self { to, what, lost: None }, from)
    }

    pub fn input(&mut self, source: Source, at: RigTime, arrival: Option<RigTime>, input: Input) {
        let count = weight(&input);
        if !self.offer(Heard::Input { source, at, arrival, input }) {
            // The loss began with the first that did not fit: all that was judged since then lacks it.
            let (at, before) = self.lost.map_or((at, 0), |l| (l.at, l.count));
            self.lost = Some(Loss { source, at, count: before + count });
        }
    }

    /// A watermark that does not fit is no loss: the next one says more.
    pub fn watermark(&mut self, source: Source, at: RigTime) {
        self.offer(Heard::Watermark { source, at });
    }

    /// Waits for room: for the few facts after which the source has nothing to say for a while.
    pub async fn insist(&mut self, source: Source, at: RigTime, input: Input) {
        // A closed channel means that the loop is gone, and nobody is left to be told.
        if let Some(lost) = self.loss() {
            let _ = self.to.send(lost).await;
            self.lost = None;
        }
        let _ = self.to.send(Heard::Input { source, at, arrival: None, input }).await;
    }

    fn offer(&mut self, heard: Heard) -> bool {
        if let Some(lost) = self.loss() {
            match self.to.try_send(lost) {
                Err(TrySendError::Full(_)) => return false,
                Ok(()) | Err(TrySendError::Closed(_)) => self.lost = None,
            }
        }
        !matches!(self.to.try_send(heard), Err(TrySendError::Full(_)))
    }

    fn loss(&self) -> Option<Heard> {
        let Loss { source, at, count } = self.lost?;
        let why = format!("the rig did not keep up with {}", self.what);
        let input = Input::Lost { what: Lost::because(why).counted(count) };
        Some(Heard::Input { source, at, arrival: None, input })
    }
}

/// How many facts an input is: bytes, edges, or itself.
fn weight(input: &Input) -> u64 {
    match input {
        Input::Rx(bytes) => bytes.0.len() as u64,
        Input::Edges(edges) => edges.count(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use rig_model::input::Bytes;

    use super::*;

    fn rx(n: usize) -> Input {
        Input::Rx(Bytes(vec![0; n]))
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told_before_anything_later() {
        let (mut feed, mut out) = Feed::new("the serial port", 2);
        for at in 1..=5 {
            feed.input(Source::Link, RigTime(at), None, rx(10));
        }
        feed.watermark(Source::Link, RigTime(5));
        let mut heard = vec![out.try_recv().unwrap(), out.try_recv().unwrap()];
        assert!(out.try_recv().is_err(), "a watermark must not overtake the loss");

        feed.input(Source::Link, RigTime(6), None, rx(1));
        heard.extend([out.try_recv().unwrap(), out.try_recv().unwrap()]);
        let input = |at, input| Heard::Input { source: Source::Link, at: RigTime(at), arrival: None, input };
        let why = "the rig did not keep up with the serial port".to_owned();
        let lost = Input::Lost { what: Lost::because(why).counted(30) };
        assert_eq!(heard, [input(1, rx(10)), input(2, rx(10)), input(3, lost), input(6, rx(1))]);
    }
}
