//! How fast edges may come to a reader thread. Figures are printed; what is asserted is that no loss goes unseen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gpiocdev::Request;

use crate::events::{LARGEST_QUEUE, watch};
use crate::sim::{ChipPlan, SimLine, pulses};

/// Edges a second, on all lines together. The last one is more than any kernel here can make.
const RATES: [u32; 4] = [1000, 2000, 5000, 1_000_000];
/// So many edges at each rate: several times the kernel's queue, so that a reader who falls behind for good is found out.
const EDGES: u32 = 4 * LARGEST_QUEUE;
/// How often the reader looks whether the last edge has been made.
const LOOK: Duration = Duration::from_millis(50);

#[test]
fn one_line() {
    sweep(1);
}

#[test]
fn four_lines() {
    sweep(4);
}

fn sweep(lines: u32) {
    for rate in RATES {
        let measured = measure(lines, rate);
        println!(
            "{lines} line(s), {rate:>7} edges/s asked, {:>5.0} made: {} sent, {} received, {} missing by number",
            measured.made_per_s, measured.sent, measured.received, measured.missing
        );
        assert_eq!(measured.received + measured.missing, measured.sent, "a loss without a gap");
    }
}

struct Measured {
    made_per_s: f64,
    sent: u32,
    received: u32,
    missing: u32,
}

fn measure(lines: u32, rate: u32) -> Measured {
    let chip = ChipPlan::new("rate", lines).create().unwrap();
    let offsets: Vec<u32> = (0..lines).collect();
    let ends: Vec<SimLine> = offsets.iter().map(|&offset| chip.line(offset).unwrap()).collect();
    let request = watch(chip.device(), &offsets, LARGEST_QUEUE);
    let all_made = AtomicBool::new(false);
    let (took, numbers) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_all(&request, lines, &all_made));
        let began = Instant::now();
        pulses(&ends, EDGES / lines / 2, Duration::from_secs(1) * lines / rate).unwrap();
        let took = began.elapsed();
        all_made.store(true, Ordering::Release);
        (took, reader.join().unwrap())
    });
    Measured {
        made_per_s: f64::from(EDGES) / took.as_secs_f64(),
        sent: EDGES,
        received: numbers.iter().map(|line| line.received).sum(),
        // What was dropped before the last event of a line; the last event itself is never dropped.
        missing: numbers.iter().map(|line| line.last - line.received).sum(),
    }
}

#[derive(Clone, Default)]
struct Numbers {
    received: u32,
    last: u32,
}

fn read_all(request: &Request, lines: u32, all_made: &AtomicBool) -> Vec<Numbers> {
    let mut numbers = vec![Numbers::default(); lines as usize];
    let mut buffer = request.new_edge_event_buffer(LARGEST_QUEUE as usize);
    loop {
        // Asked before looking for events: none that is made after the answer can be the reason for an empty queue.
        let last = all_made.load(Ordering::Acquire);
        if !buffer.is_empty() || request.wait_edge_event(LOOK).unwrap() {
            let event = buffer.read_event().unwrap();
            let line = &mut numbers[event.offset as usize];
            line.received += 1;
            line.last = event.line_seqno;
        } else if last {
            return numbers;
        }
    }
}
