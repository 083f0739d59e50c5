//! Reads one instrument on a schedule, on a thread of its own: buses block, and one that hangs must not hold up the run.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;

use rig_model::time::{RigTime, Span};

use super::error::InstrumentError;
use crate::clock::Clock;

/// When an instrument is read and what is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// From the beginning of one reading to that of the next.
    pub period: Span,
    /// How long one reading may take. After that nobody knows when it was true.
    pub deadline: Span,
    /// Readings that may fail one after another; with the last of them the instrument is given up.
    pub failures: u32,
}

/// One cycle of the schedule.
#[derive(Debug)]
pub struct Poll<T> {
    /// Midway between the beginning and the end of the transfer.
    pub at: RigTime,
    /// How far from `at` the instrument may have taken its reading: half the length of the transfer.
    pub half_width: Span,
    /// How long after it was due the transfer began.
    pub late: Span,
    /// Cycles that are left out after this one because they passed in the meantime.
    pub skipped: u64,
    pub result: Result<T, PollError>,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PollError {
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    #[error("a reading took {took} of the {deadline} that it may take: look for a slow bus or a machine under load")]
    TooSlow { took: Span, deadline: Span },
    /// The last that comes.
    #[error("{failures} readings failed one after another, so it is not read any more: mend the cause of the last and begin again")]
    GivenUp {
        failures: u32,
        #[source]
        last: Box<PollError>,
    },
}

/// Reads until it is dropped or gives the instrument up.
#[derive(Debug)]
pub struct Poller {
    /// Nothing is ever sent: the thread waits for the other end to go away.
    _running: Sender<Stop>,
}

#[derive(Debug)]
enum Stop {}

impl Poller {
    /// `deliver` gets every cycle, on the thread of the poller; while it blocks, nothing is read and the next cycle is late.
    ///
    /// Dropping the poller ends it at once if it waits, otherwise after the transfer under way, which is not waited for and whose
    /// result is not delivered: leaving a bench safe must not depend on a bus.
    pub fn start<T: Send + 'static>(
        clock: Clock,
        schedule: Schedule,
        read: impl FnMut() -> Result<T, InstrumentError> + Send + 'static,
        deliver: impl FnMut(Poll<T>) + Send + 'static,
    ) -> io::Result<Self> {
        if schedule.period <= Span::ZERO || schedule.deadline <= Span::ZERO || schedule.failures == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "period, deadline and number of failures must be above zero"));
        }
        let (running, stopped) = channel();
        thread::Builder::new().name("instrument".to_owned()).spawn(move || run(clock, schedule, read, deliver, &stopped))?;
        Ok(Self { _running: running })
    }
}

fn run<T>(
    clock: Clock,
    schedule: Schedule,
    mut read: impl FnMut() -> Result<T, InstrumentError>,
    mut deliver: impl FnMut(Poll<T>),
    stopped: &Receiver<Stop>,
) {
    let mut pace = Pace { schedule, due: clock.now(), failures: 0 };
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(clock.until(pace.due)) {
        let began = clock.now();
        let result = read();
        let ended = clock.now();
        if let Err(TryRecvError::Disconnected) = stopped.try_recv() {
            return;
        }
        let poll = pace.judge(began, ended, result);
        let last = matches!(poll.result, Err(PollError::GivenUp { .. }));
        deliver(poll);
        if last {
            return;
        }
    }
}

/// The schedule as it is kept; without a clock of its own.
struct Pace {
    schedule: Schedule,
    due: RigTime,
    failures: u32,
}

impl Pace {
    /// What a reading that was due at `self.due` is worth; then the next is due, on the same grid of times and not before now.
    fn judge<T>(&mut self, began: RigTime, ended: RigTime, result: Result<T, InstrumentError>) -> Poll<T> {
        let took = ended - began;
        let late = Span((began - self.due).0.max(0));
        let periods = ((ended - self.due).0.max(1) as u64).div_ceil(self.schedule.period.0 as u64);
        self.due = self.due.saturating_add(Span(self.schedule.period.0.saturating_mul(periods as i64)));
        Poll {
            at: began + Span(took.0 / 2),
            half_width: Span((took.0 + 1) / 2),
            late,
            skipped: periods - 1,
            result: self.count(result.map_err(PollError::from).and_then(|value| self.in_time(took, value))),
        }
    }

    fn in_time<T>(&self, took: Span, value: T) -> Result<T, PollError> {
        let deadline = self.schedule.deadline;
        if took > deadline { Err(PollError::TooSlow { took, deadline }) } else { Ok(value) }
    }

    fn count<T>(&mut self, result: Result<T, PollError>) -> Result<T, PollError> {
        match result {
            Ok(value) => {
                self.failures = 0;
                Ok(value)
            }
            Err(error) => {
                self.failures += 1;
                let failures = self.failures;
                Err(if failures < self.schedule.failures { error } else { PollError::GivenUp { failures, last: Box::new(error) } })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::super::error::Place;
    use super::*;

    /// Only ends a test that fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn ms(ms: i64) -> RigTime {
        RigTime::ZERO + Span::milliseconds(ms)
    }

    fn absent() -> InstrumentError {
        InstrumentError::Absent { place: Place { instrument: "TEST", bus: Path::new("/dev/i2c-1").to_owned(), address: Some(8) } }
    }

    fn pace(failures: u32) -> Pace {
        Pace {
            schedule: Schedule { period: Span::milliseconds(50), deadline: Span::milliseconds(20), failures },
            due: ms(100),
            failures: 0,
        }
    }

    #[test]
    fn a_reading_is_stamped_midway() {
        let mut pace = pace(3);
        let poll = pace.judge(ms(100), RigTime(ms(104).0 + 1), Ok(7));
        assert_eq!((poll.at, poll.half_width), (ms(102), Span(2_000_001)), "no instant of the transfer is outside");
        assert_eq!((poll.late, poll.skipped, pace.due), (Span::ZERO, 0, ms(150)));
        assert_eq!(poll.result.unwrap(), 7);
    }

    #[test]
    fn lateness_is_told_and_does_not_add_up() {
        let mut pace = pace(3);
        let poll = pace.judge(ms(130), ms(135), Ok(()));
        assert_eq!((poll.late, poll.skipped, pace.due), (Span::milliseconds(30), 0, ms(150)));
        let poll = pace.judge(ms(150), ms(200), Err::<(), _>(absent()));
        assert_eq!((poll.skipped, pace.due), (0, ms(200)), "the next is due at this very moment");
        let poll = pace.judge(ms(200), RigTime(ms(300).0 + 1), Err::<(), _>(absent()));
        assert_eq!((poll.skipped, pace.due), (2, ms(350)));
    }

    #[test]
    fn what_took_too_long_is_no_reading() {
        let mut pace = pace(3);
        assert!(pace.judge(ms(100), ms(120), Ok(())).result.is_ok(), "the deadline itself is kept");
        let poll = pace.judge(ms(150), RigTime(ms(170).0 + 1), Ok(()));
        assert!(matches!(poll.result, Err(PollError::TooSlow { deadline: Span(20_000_000), took: Span(20_000_001) })));
    }

    #[test]
    fn it_is_given_up_after_failures_in_a_row() {
        let mut pace = pace(2);
        let mut at = 100;
        let mut next = |result| {
            at += 50;
            pace.judge(ms(at), ms(at + 1), result).result
        };
        assert!(matches!(next(Err(absent())), Err(PollError::Instrument(_))));
        assert!(next(Ok(())).is_ok());
        assert!(matches!(next(Err(absent())), Err(PollError::Instrument(_))), "one success begins the count anew");
        assert!(matches!(next(Err(absent())), Err(PollError::GivenUp { failures: 2, .. })));
    }

    fn quick(failures: u32) -> Schedule {
        Schedule { period: Span::microseconds(100), deadline: Span::seconds(60), failures }
    }

    #[test]
    fn readings_come_in_order_and_with_stamps_of_the_clock() {
        let clock = Clock::start();
        let (send, receive) = sync_channel(4);
        let mut count = 0;
        let read = move || {
            count += 1;
            Ok(count)
        };
        let _poller = Poller::start(clock, quick(1), read, move |poll| _ = send.send(poll)).unwrap();
        let mut last = RigTime::ZERO;
        for n in 1..=20 {
            let poll = receive.recv_timeout(PATIENCE).unwrap();
            assert_eq!(poll.result.unwrap(), n);
            assert!(poll.at >= last && poll.at <= clock.now() && poll.late >= Span::ZERO);
            last = poll.at;
        }
    }

    #[test]
    fn dropping_it_ends_it_and_delivers_no_more() {
        let (entered, enter) = sync_channel(1);
        let (leave, left) = sync_channel(1);
        let (send, receive) = sync_channel::<Poll<()>>(4);
        let read = move || {
            entered.send(()).unwrap();
            left.recv_timeout(PATIENCE).unwrap();
            Ok(())
        };
        let poller = Poller::start(Clock::start(), quick(1), read, move |poll| send.send(poll).unwrap()).unwrap();
        enter.recv_timeout(PATIENCE).unwrap();
        drop(poller);
        leave.send(()).unwrap();
        assert_eq!(receive.recv_timeout(PATIENCE).unwrap_err(), RecvTimeoutError::Disconnected, "the transfer under way is not delivered");
    }

    #[test]
    fn a_poller_that_waits_ends_at_once() {
        let (send, receive) = sync_channel::<Poll<()>>(4);
        let schedule = Schedule { period: Span::hours(1_000), ..quick(1) };
        let poller = Poller::start(Clock::start(), schedule, || Ok(()), move |poll| send.send(poll).unwrap()).unwrap();
        receive.recv_timeout(PATIENCE).unwrap();
        drop(poller);
        assert_eq!(receive.recv_timeout(PATIENCE).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    #[test]
    fn an_instrument_that_fails_ends_it() {
        let (send, receive) = sync_channel::<Poll<()>>(4);
        let _poller = Poller::start(Clock::start(), quick(3), || Err(absent()), move |poll| send.send(poll).unwrap()).unwrap();
        let polls: Vec<_> = std::iter::from_fn(|| receive.recv_timeout(PATIENCE).ok()).collect();
        assert_eq!(polls.len(), 3);
        let last = polls.into_iter().next_back().unwrap().result.unwrap_err();
        assert!(last.to_string().starts_with("3 readings failed one after another"), "{last}");
    }

    #[test]
    fn a_schedule_that_would_spin_is_refused() {
        for schedule in [Schedule { period: Span::ZERO, ..quick(1) }, Schedule { deadline: Span::ZERO, ..quick(1) }, quick(0)] {
            let refused = Poller::start(Clock::start(), schedule, || Ok(()), |_| {});
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
