//! The record is written on a thread of its own: a disk that takes its time must not delay what makes the bench safe.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use rig_model::fact::{Body, Fact, FactSink, SinkError};
use rig_model::input::{Action, Input};

/// Bytes of facts that wait for the disk: ten minutes at 100 edges/s. A disk that is behind by more is as good as full.
const WAITING: usize = 16 << 20;
/// A fact without what makes some of them large.
const FACT: usize = 256;

/// The loop's end: takes facts without ever waiting.
#[derive(Debug)]
pub struct Queue {
    to: Sender<Fact>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// Why the sink took no more, until that has been told.
    failed: Mutex<Option<SinkError>>,
}

/// Runs `body` with a sink that never makes it wait; what it records reaches `sink` in its order, on another thread. Comes back when all of it has.
///
/// # Errors
/// Of the second result: `sink` did not take a fact, and that came too late to be told to `body`.
pub fn record_beside<R>(sink: &mut (dyn FactSink + Send), body: impl FnOnce(&mut Queue) -> R) -> (R, Result<(), SinkError>) {
    let shared = Arc::new(Shared::default());
    let (to, from) = channel();
    let mut queue = Queue { to, shared: Arc::clone(&shared) };
    std::thread::scope(|scope| {
        let told = Arc::clone(&shared);
        let writing = std::thread::Builder::new().name("record".to_owned()).spawn_scoped(scope, move || write(sink, from, &told));
        let result = body(&mut queue);
        // Its end is what the writer waits for; dropped as well if `body` panics.
        drop(queue);
        let ended = match writing.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(failure("the thread that writes the record panicked")),
            Err(error) => Err(SinkError { what: "no thread for the record can be started".to_owned(), source: Some(Box::new(error)) }),
        };
        let untold = shared.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        (result, untold.map_or(ended, Err))
    })
}

fn write(sink: &mut (dyn FactSink + Send), from: Receiver<Fact>, shared: &Shared) {
    for fact in from {
        let size = size(&fact);
        let taken = sink.record(&fact);
        shared.waiting.fetch_sub(size, Ordering::Relaxed);
        if let Err(error) = taken {
            // With the receiver gone the loop is told at its next fact.
            *shared.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return;
        }
    }
}

impl FactSink for Queue {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if let Some(error) = self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let size = size(fact);
        if self.shared.waiting.load(Ordering::Relaxed) + size > WAITING {
            return Err(failure("the disk is so far behind that no more facts can wait for it"));
        }
        self.shared.waiting.fetch_add(size, Ordering::Relaxed);
        self.to.send(fact.clone()).map_err(|_| failure("the record is not written any more"))
    }
}

fn failure(what: &str) -> SinkError {
    SinkError { what: what.to_owned(), source: None }
}

/// What it takes in memory, roughly.
fn size(fact: &Fact) -> usize {
    let large = match &fact.body {
        Body::Input(Input::Edges(edges)) => edges.then.len() * size_of::<i64>(),
        Body::Input(Input::Rx(bytes)) | Body::Action(Action::Tx(bytes)) => bytes.0.len(),
        Body::Header(header) => header.files.iter().map(|f| f.text.len()).sum::<usize>() + header.bench_file.text.len(),
        _ => 0,
    };
    FACT + large
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use rig_model::event::Event;
    use rig_model::input::Bytes;
    use rig_model::time::RigTime;

    use super::*;

    fn fact(n: i64, bytes: usize) -> Fact {
        Fact { at: RigTime(n), arrival: None, body: Body::Input(Input::Rx(Bytes(vec![0; bytes]))) }
    }

    #[test]
    fn facts_arrive_in_their_order() {
        let mut sink: Vec<Fact> = Vec::new();
        let (result, written) = record_beside(&mut sink, |queue| (0..1_000).try_for_each(|n| queue.record(&fact(n, 1))));
        assert!(result.is_ok() && written.is_ok());
        assert_eq!(sink, (0..1_000).map(|n| fact(n, 1)).collect::<Vec<_>>());
    }

    /// Takes nothing until it is told to.
    struct Stalled(Receiver<()>);

    impl FactSink for Stalled {
        fn record(&mut self, _: &Fact) -> Result<(), SinkError> {
            self.0.recv().map_err(|_| failure("gone"))
        }
    }

    #[test]
    fn a_disk_that_stands_still_makes_nobody_wait_and_fills_no_memory() {
        let (go, stalled) = sync_channel(1 << 20);
        let (taken, _) = record_beside(&mut Stalled(stalled), |queue| {
            let taken = (0..).take_while(|n| queue.record(&fact(*n, 1 << 10)).is_ok()).count();
            (0..taken).for_each(|_| go.send(()).unwrap());
            taken
        });
        assert_eq!(taken, WAITING / (FACT + (1 << 10)));
    }

    struct Full;

    impl FactSink for Full {
        fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
            if matches!(fact.body, Body::Event(Event::LinkUp)) { Err(failure("no space left on device")) } else { Ok(()) }
        }
    }

    #[test]
    fn a_failure_is_told_once_in_time_or_at_the_end() {
        let last = Fact { at: RigTime(0), arrival: None, body: Body::Event(Event::LinkUp) };
        let (told, written) = record_beside(&mut Full, |queue| {
            queue.record(&last).unwrap();
            (0..).find_map(|n| queue.record(&fact(n, 1)).err()).unwrap().what
        });
        assert!(told.contains("no space left") || told.contains("not written any more"), "{told}");
        assert!(told.contains("no space left") != written.is_err(), "{told} {written:?}");
        let ((), written) = record_beside(&mut Full, |queue| queue.record(&last).unwrap());
        assert_eq!(written.unwrap_err().what, "no space left on device");
    }
}
