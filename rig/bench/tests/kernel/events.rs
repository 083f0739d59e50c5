//! Edge events: time stamps, numbers, and what is left when the kernel's queue was too small.

use std::path::Path;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, EdgeEvent, EdgeKind, EventClock};
use nix::time::{ClockId, clock_gettime};

use crate::sim::{ChipPlan, Level, SimChip, pulses};

/// The most that the kernel keeps for one request, and only when it is asked to.
pub const LARGEST_QUEUE: u32 = 1024;
/// Asked for, it leaves the size to the kernel: so many events for each requested line.
const KERNEL_DECIDES: u32 = 0;
const QUEUE_PER_LINE: u32 = 16;
const AT_ONCE: Duration = Duration::ZERO;

pub fn watch(chip: &Path, lines: &[u32], queue: u32) -> Request {
    Request::builder()
        .on_chip(chip)
        .with_consumer("kernel-tests")
        .with_lines(lines)
        .with_edge_detection(EdgeDetection::BothEdges)
        .with_event_clock(EventClock::Monotonic)
        .with_kernel_event_buffer_size(queue)
        .request()
        .unwrap()
}

/// All events that are there, without waiting for more. `read_edge_event` of gpiocdev would lose most of them.
pub fn drain(request: &Request) -> Vec<EdgeEvent> {
    let mut buffer = request.new_edge_event_buffer(LARGEST_QUEUE as usize);
    let mut events = Vec::new();
    while buffer.has_event().unwrap() {
        events.push(buffer.read_event().unwrap());
    }
    events
}

pub fn monotonic_ns() -> u64 {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap());
    u64::try_from(now.as_nanos()).unwrap()
}

#[test]
fn time_stamps_are_of_the_monotonic_clock_and_taken_when_the_edge_happens() {
    let chip = ChipPlan::new("stamps", 1).create().unwrap();
    let line = chip.line(0).unwrap();
    let request = watch(chip.device(), &[0], LARGEST_QUEUE);
    let mut around = Vec::new();
    for level in [Level::High, Level::Low, Level::High, Level::Low] {
        let before = monotonic_ns();
        line.pull(level).unwrap();
        around.push(before..=monotonic_ns());
        std::thread::sleep(Duration::from_millis(2));
    }

    let events = drain(&request);
    let kinds: Vec<EdgeKind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EdgeKind::Rising, EdgeKind::Falling, EdgeKind::Rising, EdgeKind::Falling]);
    for (event, around) in events.iter().zip(&around) {
        // Read long after: a stamp made when it was read would be too late.
        assert!(around.contains(&event.timestamp_ns), "{event:?} was stamped outside {around:?}");
    }
}

#[test]
fn each_line_counts_its_own_events_and_the_request_counts_all() {
    let chip = ChipPlan::new("numbers", 4).create().unwrap();
    let request = watch(chip.device(), &[0, 3], LARGEST_QUEUE);
    pulses(&[chip.line(0).unwrap(), chip.line(1).unwrap(), chip.line(3).unwrap()], 20, AT_ONCE).unwrap();

    let events = drain(&request);
    for offset in [0, 3] {
        let numbers: Vec<u32> = events.iter().filter(|event| event.offset == offset).map(|event| event.line_seqno).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>(), "line {offset}");
    }
    // Line 1 was not asked for. In a request of several lines these may come in another order.
    let mut all: Vec<u32> = events.iter().map(|event| event.seqno).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=80).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_drops_the_oldest_and_the_numbers_tell_at_every_burst_size_around_the_limit() {
    let chip = ChipPlan::new("overflow", 1).create().unwrap();
    for burst in (LARGEST_QUEUE - 2..=LARGEST_QUEUE + 3).chain([2 * LARGEST_QUEUE, 3000]) {
        check_overflow(&chip, LARGEST_QUEUE, LARGEST_QUEUE, burst);
    }
}

#[test]
fn a_queue_that_nobody_asked_for_is_small() {
    let chip = ChipPlan::new("default", 1).create().unwrap();
    for burst in QUEUE_PER_LINE - 2..=QUEUE_PER_LINE + 3 {
        check_overflow(&chip, KERNEL_DECIDES, QUEUE_PER_LINE, burst);
    }
}

/// `burst` edges that nobody reads meanwhile: the last `kept` of them are left, with their numbers.
fn check_overflow(chip: &SimChip, asked: u32, kept: u32, burst: u32) {
    let line = chip.line(0).unwrap();
    line.pull(Level::Low).unwrap();
    let request = watch(chip.device(), &[0], asked);
    for edge in 0..burst {
        line.pull(if edge % 2 == 0 { Level::High } else { Level::Low }).unwrap();
    }

    let numbers: Vec<u32> = drain(&request).iter().map(|event| event.line_seqno).collect();
    let first = burst.saturating_sub(kept) + 1;
    assert_eq!(numbers, (first..=burst).collect::<Vec<_>>(), "burst of {burst}");
}

#[test]
fn after_an_overflow_the_gap_lies_before_what_was_kept() {
    let chip = ChipPlan::new("gap", 1).create().unwrap();
    let line = chip.line(0).unwrap();
    let request = watch(chip.device(), &[0], LARGEST_QUEUE);
    line.pulses(5, AT_ONCE).unwrap();
    let before = drain(&request);
    line.pulses(LARGEST_QUEUE, AT_ONCE).unwrap();
    let after = drain(&request);

    assert_eq!(before.last().unwrap().line_seqno, 10);
    assert_eq!(after.first().unwrap().line_seqno, 10 + LARGEST_QUEUE + 1);
    assert_eq!(after.last().unwrap().line_seqno, 10 + 2 * LARGEST_QUEUE);
}
