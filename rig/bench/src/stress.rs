//! How fast this machine counts without a loss: an output of its own, wired to an input of its own, at rising rates.

use std::time::Duration;

use rig_model::bench::{Bench, Bias, Drive, Gpio};
use rig_model::time::Span;

use crate::clock::{duration, monotonic_ns};
use crate::edges;
use crate::gpio::{self, Edge, InputSpec, Inputs, LineError, OutputSpec, Outputs, Watch};
use crate::supervise::HEARTBEAT;

/// Edges a second, one after another until one of them loses.
const RATES: [u32; 10] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
/// Long enough that other work of the machine falls into it.
const EACH: Span = Span::seconds(2);
/// From the last edge to the queue: what has not come by then does not come.
const AFTERWARDS: Span = Span::milliseconds(200);
/// How long one look at the input waits.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What the program itself can't drive is no measure of what the machine can count: below this share of the rate the search ends.
const DRIVEN: f64 = 0.9;

/// An output that is wired to an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    pub out: OutputSpec,
    pub back: InputSpec,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StressError {
    #[error("`{text}` is no loop: write the output, a colon, and the input, such as `20:21` or `heartbeat:flow.pump`")]
    NoLoop { text: String },
    #[error("`{name}` moves something at the bench: take `heartbeat`, or the offset of a line that nothing hangs on, such as 20")]
    MovesSomething { name: String },
    #[error("there is no line `{name}` in the bench file: name one of its lines and channels, or the offset of a free line of its chip")]
    NoLine { name: String },
    #[error("the lines of the bench file are on several chips, so `{offset}` may mean any of them: name a line of the bench file instead")]
    SeveralChips { offset: u32 },
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("no edge came back at {rate} a second: join the output and the input by a wire or 1 kΩ")]
    NothingCameBack { rate: u32 },
    #[error("the thread that drives the output panicked: run again with `RUST_BACKTRACE=1`")]
    Panicked,
}

impl Loop {
    /// `OUT:IN`, each a name of the bench file or the offset of a line on its chip.
    pub fn parse(bench: &Bench, text: &str) -> Result<Self, StressError> {
        let (out, back) = text.split_once(':').ok_or_else(|| StressError::NoLoop { text: text.to_owned() })?;
        if bench.line(out).is_some() && out != HEARTBEAT {
            return Err(StressError::MovesSomething { name: out.to_owned() });
        }
        let output = match bench.line(out).and_then(|line| Some((line.gpio.clone()?, line.safe_active))) {
            Some((gpio, active)) => OutputSpec { name: out.into(), gpio, active },
            None => OutputSpec { name: out.into(), gpio: at_offset(bench, out)?, active: false },
        };
        let (inputs, _) = edges::wiring(bench);
        let named = inputs.into_iter().find(|spec| *spec.name == *back);
        let back = match named {
            Some(spec) => InputSpec { watch: Watch::Both, ..spec },
            None => InputSpec { name: back.into(), gpio: at_offset(bench, back)?, watch: Watch::Both },
        };
        Ok(Self { out: output, back })
    }
}

/// A line that the bench file does not name, on its chip.
fn at_offset(bench: &Bench, text: &str) -> Result<Gpio, StressError> {
    let offset = text.parse().map_err(|_| StressError::NoLine { name: text.to_owned() })?;
    let mut chips: Vec<&str> = bench.lines.iter().filter_map(|line| Some(line.gpio.as_ref()?.chip.as_str())).collect();
    chips.dedup();
    let [chip] = chips[..] else { return Err(StressError::SeveralChips { offset }) };
    let chip = chip.to_owned();
    Ok(Gpio { chip, offset, line_name: None, active_low: false, bias: Bias::AsIs, drive: Drive::PushPull, debounce: None })
}

/// What became of the edges of one rate.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Rate {
    pub asked: u32,
    /// What the output was really driven at.
    pub per_second: f64,
    pub sent: u64,
    /// Told by the kernel, and numbered by it: what is numbered and not told found no room in its queue.
    pub told: u64,
    pub numbered: u64,
    /// From just before the output was set to the input's time stamp; where nothing was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_ns: Option<i64>,
}

impl Rate {
    pub fn clean(&self) -> bool {
        self.sent == self.told && self.sent == self.numbered
    }
}

/// All rates that were tried, in their order.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Stress {
    pub rates: Vec<Rate>,
}

impl Stress {
    /// The last before the first with a loss.
    pub fn highest_clean(&self) -> Option<&Rate> {
        self.rates.iter().take_while(|rate| rate.clean()).last()
    }

    /// Over all clean rates.
    pub fn longest_latency(&self) -> Option<Span> {
        self.rates.iter().filter_map(|rate| rate.longest_ns).max().map(Span)
    }
}

/// Drives the loop until it loses, or can't be driven any faster. `told` hears of each rate as it ends.
///
/// # Errors
/// The lines can't be had or fail; nothing comes back at all.
pub fn stress(bench: &Bench, wired: &Loop, told: impl FnMut(&Rate)) -> Result<Stress, StressError> {
    let outputs = gpio::outputs(bench.backend, std::slice::from_ref(&wired.out))?;
    let inputs = gpio::inputs(bench.backend, std::slice::from_ref(&wired.back))?;
    rising(outputs, inputs, wired.out.active, EACH, told)
}

fn rising(
    mut outputs: Box<dyn Outputs>,
    mut inputs: Box<dyn Inputs>,
    rest: bool,
    each: Span,
    mut told: impl FnMut(&Rate),
) -> Result<Stress, StressError> {
    let mut rates: Vec<Rate> = Vec::new();
    // The number of the last edge that came: numbers run on from rate to rate.
    let mut number = 0;
    for asked in RATES {
        let rate = at_rate(&mut *outputs, &mut *inputs, rest, asked, each, &mut number)?;
        if rates.is_empty() && rate.told == 0 {
            return Err(StressError::NothingCameBack { rate: asked });
        }
        told(&rate);
        let go_on = rate.clean() && rate.per_second >= DRIVEN * f64::from(asked);
        rates.push(rate);
        if !go_on {
            break;
        }
    }
    Ok(Stress { rates })
}

fn at_rate(
    outputs: &mut dyn Outputs,
    inputs: &mut dyn Inputs,
    rest: bool,
    asked: u32,
    each: Span,
    number: &mut u32,
) -> Result<Rate, StressError> {
    let mut edges = Vec::new();
    let sent = std::thread::scope(|scope| {
        let driving = scope.spawn(|| drive(outputs, rest, asked, each));
        // Read at the same time, as in a run: the kernel's queue is short.
        while !driving.is_finished() {
            inputs.wait(LOOK_EVERY, &mut edges)?;
        }
        driving.join().map_err(|_| StressError::Panicked)?.map_err(StressError::Line)
    })?;
    let until = monotonic_ns() + AFTERWARDS.0;
    while edges.len() < sent.len() && monotonic_ns() < until {
        inputs.wait(LOOK_EVERY, &mut edges)?;
    }
    Ok(judge(asked, &sent, &edges, number))
}

/// When the output was moved, each time. It sleeps in between and never spins: in virtual time nothing would ever happen then. What comes late
/// for its time follows at once, so that the mean rate is kept.
fn drive(outputs: &mut dyn Outputs, rest: bool, asked: u32, each: Span) -> Result<Vec<i64>, LineError> {
    let period = 1_000_000_000 / i64::from(asked);
    // An even number, so that it ends at rest.
    let moves = each.0 / period / 2 * 2;
    let began = monotonic_ns();
    let mut sent = Vec::with_capacity(usize::try_from(moves).unwrap_or(0));
    for n in 0..moves {
        let left = began + n * period - monotonic_ns();
        if left > 0 {
            std::thread::sleep(duration(Span(left)));
        }
        sent.push(monotonic_ns());
        outputs.set(0, (n % 2 == 0) != rest)?;
    }
    Ok(sent)
}

fn judge(asked: u32, sent: &[i64], edges: &[Edge], number: &mut u32) -> Rate {
    let last = edges.last().map_or(*number, |edge| edge.number);
    let numbered = u64::from(last.wrapping_sub(*number));
    *number = last;
    let took = sent.last().zip(sent.first()).map_or(0, |(last, first)| last - first);
    let mut rate = Rate {
        asked,
        per_second: (sent.len().saturating_sub(1)) as f64 / (took.max(1) as f64 / 1e9),
        sent: sent.len() as u64,
        told: edges.len() as u64,
        numbered,
        median_ns: None,
        longest_ns: None,
    };
    // Which edge belongs to which move is known only where none is missing.
    if rate.clean() {
        let mut latencies: Vec<i64> = sent.iter().zip(edges).map(|(sent, edge)| edge.at_ns - sent).collect();
        latencies.sort_unstable();
        rate.median_ns = latencies.get(latencies.len() / 2).copied();
        rate.longest_ns = latencies.last().copied();
    }
    rate
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A wire that loses every edge beyond so many in one look.
    struct Wire(Sender<i64>);
    struct End {
        from: Receiver<i64>,
        number: u32,
        at_most: u32,
    }

    impl Outputs for Wire {
        fn set(&mut self, _: usize, _: bool) -> Result<(), LineError> {
            self.0.send(monotonic_ns()).map_err(|e| LineError::Failed { what: "the wire".to_owned(), why: e.to_string() })
        }
        fn is_active(&mut self, _: usize) -> Result<bool, LineError> {
            Ok(false)
        }
    }

    impl Inputs for End {
        fn wait(&mut self, timeout: Duration, edges: &mut Vec<Edge>) -> Result<(), LineError> {
            let first = self.from.recv_timeout(timeout).ok();
            for at_ns in first.into_iter().chain(self.from.try_iter()) {
                self.number += 1;
                if self.number <= self.at_most {
                    edges.push(Edge { input: 0, at_ns, number: self.number, rising: true });
                }
            }
            Ok(())
        }
        fn is_active(&mut self, _: usize) -> Result<bool, LineError> {
            Ok(false)
        }
    }

    fn stressed(at_most: u32) -> Result<Stress, StressError> {
        let (to, from) = channel();
        // 20 ms of each rate: 2, 4, 10, 20, 40, 100 … edges.
        rising(Box::new(Wire(to)), Box::new(End { from, number: 0, at_most }), false, Span::milliseconds(20), |_| {})
    }

    #[test]
    fn the_first_loss_ends_the_search_and_the_rate_before_it_is_the_answer() {
        let stress = stressed(50).unwrap();
        assert!(stress.rates.len() <= 5, "{stress:?}");
        let clean = stress.highest_clean().unwrap();
        assert!(clean.asked <= 1_000 && clean.longest_ns.is_some(), "{stress:?}");
        let last = stress.rates.last().unwrap();
        // A busy machine may end the search earlier, by not driving any faster; then nothing was lost.
        assert!(last.clean() || (last.asked == 2_000 && last.median_ns.is_none()), "{stress:?}");
    }

    #[test]
    fn a_loop_that_is_not_wired_is_told() {
        assert!(matches!(stressed(0), Err(StressError::NothingCameBack { rate: 100 })));
    }

    #[test]
    fn what_was_numbered_and_not_told_is_a_loss_and_so_is_the_reverse() {
        let edge = |number| Edge { input: 0, at_ns: 10 * i64::from(number), number, rising: true };
        for (numbers, clean) in
            [(&[8, 9, 10][..], true), (&[8, 10], false), (&[8, 9], false), (&[8, 9, 10, 11], false), (&[8, 9, 11], false)]
        {
            let mut number = 7;
            let edges: Vec<Edge> = numbers.iter().copied().map(edge).collect();
            let rate = judge(1_000, &[75, 80, 95], &edges, &mut number);
            assert_eq!(rate.clean(), clean, "{numbers:?}: {rate:?}");
            assert_eq!((rate.median_ns, rate.longest_ns), if clean { (Some(5), Some(10)) } else { (None, None) });
            assert_eq!(Some(&number), numbers.last());
        }
    }

    #[test]
    fn a_loop_is_two_names_or_two_offsets() {
        let gpio = |offset| Gpio {
            chip: "chip".to_owned(),
            offset,
            line_name: None,
            active_low: false,
            bias: Bias::AsIs,
            drive: Drive::PushPull,
            debounce: None,
        };
        let mut bench = crate::tests::bench();
        for (line, offset) in bench.lines.iter_mut().zip(3..) {
            line.gpio = Some(gpio(offset));
        }
        bench.lines[2].name = HEARTBEAT.into();
        assert!(matches!(Loop::parse(&bench, "power:21"), Err(StressError::MovesSomething { name }) if name == "power"));
        let wired = Loop::parse(&bench, "heartbeat:21").unwrap();
        assert_eq!((wired.out.gpio.offset, wired.out.active, wired.back.gpio.offset), (5, true, 21));
        assert_eq!(Loop::parse(&bench, "20:21").unwrap().out.gpio, gpio(20));
        assert!(matches!(Loop::parse(&bench, "20"), Err(StressError::NoLoop { .. })));
        assert!(matches!(Loop::parse(&bench, "20:flow.tip"), Err(StressError::NoLine { name }) if name == "flow.tip"));
        bench.lines[1].gpio = Some(Gpio { chip: "another".to_owned(), ..gpio(1) });
        assert!(matches!(Loop::parse(&bench, "20:21"), Err(StressError::SeveralChips { offset: 20 })));
    }
}
