//! The client against a simulated balance that was written from the manual on its own, on a virtual clock.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_plant::balance::BalanceParams;
use rig_plant::sics::{Sics, SicsParams, Unit};

use super::reply::Adjusted;
use super::{Answer, Client, Mode, Order, Output, Settings, Weighed};

/// What a command or a reply takes on the wire.
const WIRE: Span = Span::milliseconds(15);

struct Talk {
    client: Client,
    balance: Sics,
    now: RigTime,
    /// µL/h.
    flow: f64,
    to_balance: Vec<(RigTime, Vec<u8>)>,
    to_client: Vec<(RigTime, Vec<u8>)>,
}

impl Talk {
    fn new(settings: Settings, balance: BalanceParams, sics: SicsParams) -> Self {
        let balance = Sics::new(balance, sics, 9, RigTime::ZERO);
        let client = Client::new(settings, RigTime::ZERO);
        Self { client, balance, now: RigTime::ZERO, flow: 0.0, to_balance: Vec::new(), to_client: Vec::new() }
    }

    fn delivered(&self) -> Volume {
        Volume(self.flow * self.now.0 as f64 / 3.6e12)
    }

    /// All that the client says until then; in steps of a millisecond.
    fn until(&mut self, end: RigTime) -> Vec<Output> {
        let mut all = Vec::new();
        while self.now < end {
            self.now += Span::milliseconds(1);
            let mut said = Vec::new();
            self.balance.advance(self.now, self.delivered(), &mut said);
            for bytes in due(&mut self.to_balance, self.now) {
                self.balance.receive(&bytes, &mut said);
            }
            if !said.is_empty() {
                self.to_client.push((self.now + WIRE, said));
            }
            for bytes in due(&mut self.to_client, self.now) {
                self.client.received(self.now, &bytes);
            }
            while let Some(output) = self.client.poll(self.now) {
                match output {
                    Output::Transmit(bytes) => self.to_balance.push((self.now + WIRE, bytes)),
                    other => all.push(other),
                }
            }
        }
        all
    }
}

fn due(queue: &mut Vec<(RigTime, Vec<u8>)>, now: RigTime) -> Vec<Vec<u8>> {
    let later = queue.iter().position(|(at, _)| *at > now).unwrap_or(queue.len());
    queue.drain(..later).map(|(_, bytes)| bytes).collect()
}

fn seconds(s: i64) -> RigTime {
    RigTime::ZERO + Span::seconds(s)
}

fn still() -> BalanceParams {
    BalanceParams { tube_diameter: 0.0, ..BalanceParams::semi_micro().undisturbed() }
}

fn masses(outputs: &[Output]) -> Vec<f64> {
    let mass = |o: &Output| if let Output::Reading { weighed: Weighed::Mass { mg, .. }, .. } = o { Some(*mg) } else { None };
    outputs.iter().filter_map(mass).collect()
}

fn losses(outputs: &[Output]) -> usize {
    outputs.iter().filter(|o| matches!(o, Output::Lost { .. })).count()
}

#[test]
fn what_the_balance_shows_is_what_is_read() {
    let repeat = Mode::Repeat { silence: Span::seconds(1) };
    for (mode, unit, per_minute) in
        [(Settings::new().mode, Unit::Gram, 120), (Settings::new().mode, Unit::Milligram, 120), (repeat, Unit::Kilogram, 300)]
    {
        let settings = Settings { mode, serial: Some("B021002593".to_owned()), ..Settings::new() };
        // In kg with eight decimals the step is still 0.01 mg.
        let mut talk = Talk::new(settings, still(), SicsParams { unit, ..SicsParams::new("B021002593") });
        talk.flow = 1_000.0;
        let outputs = talk.until(seconds(60));
        assert_eq!(outputs[0], Output::Ready { serial: "B021002593".to_owned() });
        assert_eq!(losses(&outputs), 0);
        let masses = masses(&outputs);
        assert!(masses.len().abs_diff(per_minute) <= 2, "{} readings", masses.len());
        assert!(masses.is_sorted());
        // 16.67 µL and what weighs it, Z = 1.00285 µL/mg, less the lag of half a second.
        let grown = masses[masses.len() - 1] - 5_000.0;
        let expected = 1_000.0 * (60.0 - 0.5) / 3_600.0 / 1.002_85;
        assert!((grown - expected).abs() < 0.16, "{grown} is not {expected}");
    }
}

#[test]
fn lost_replies_cost_readings_and_never_a_wrong_one() {
    let sics = SicsParams { dropped_replies: 0.1, ..SicsParams::new("1") };
    let mut talk = Talk::new(Settings::new(), still(), sics);
    talk.flow = 100.0;
    let outputs = talk.until(seconds(600));
    // Seven in a row make a silence of 2.5 s, which is one in ten million; of some 1200 asked.
    assert_eq!(losses(&outputs), 0);
    let masses = masses(&outputs);
    assert!(masses.len() > 900 && masses.is_sorted(), "{}", masses.len());
    assert!(!outputs.iter().any(|o| matches!(o, Output::Failed(_))));
}

#[test]
fn zero_and_tare_over_the_wire() {
    let mut talk = Talk::new(Settings::new(), BalanceParams { vessel: 1_500.0, ..still() }, SicsParams::new("1"));
    talk.until(seconds(2));
    for (order, answer) in [
        (Order::Tare, Answer::Adjusted(Adjusted::Done { stable: true, tare_mg: Some(1_500.0) })),
        (Order::AtRest, Answer::Weighed(Weighed::Mass { mg: 0.0, stable: true })),
        (Order::Zero, Answer::Adjusted(Adjusted::Done { stable: true, tare_mg: None })),
        (Order::TareNow, Answer::Adjusted(Adjusted::Done { stable: true, tare_mg: Some(0.0) })),
        (Order::ZeroNow, Answer::Adjusted(Adjusted::Done { stable: true, tare_mg: None })),
    ] {
        talk.client.order(order, talk.now).unwrap();
        let until = talk.now + Span::seconds(2);
        let outputs = talk.until(until);
        assert!(outputs.contains(&Output::Answered { order, answer }), "{order:?}: {outputs:?}");
        assert!(!masses(&outputs).is_empty(), "it goes on reading");
    }
}

#[test]
fn without_rest_there_is_no_tare_and_no_harm() {
    let mut talk = Talk::new(Settings::new(), still(), SicsParams::new("1"));
    // 36 mL/h never come to rest.
    talk.flow = 36_000.0;
    talk.until(seconds(2));
    talk.client.order(Order::Tare, talk.now).unwrap();
    let outputs = talk.until(seconds(40));
    let answered = Output::Answered { order: Order::Tare, answer: Answer::Adjusted(Adjusted::NotNow) };
    assert!(outputs.contains(&answered), "{outputs:?}");
    let overload = BalanceParams { capacity: 5_100.0, ..still() };
    let mut talk = Talk::new(Settings::new(), overload, SicsParams::new("1"));
    talk.flow = 36_000.0;
    let outputs = talk.until(seconds(20));
    assert!(matches!(outputs.last(), Some(Output::Reading { weighed: Weighed::Overload, .. })), "{outputs:?}");
}

#[test]
fn a_balance_that_was_off_is_noticed() {
    let mut talk = Talk::new(Settings::new(), BalanceParams { vessel: 1_500.0, ..still() }, SicsParams::new("1"));
    talk.until(seconds(2));
    let mut said = Vec::new();
    talk.balance.switch_on(&mut said);
    let at = talk.now + WIRE;
    talk.to_client.push((at, said));
    let outputs = talk.until(seconds(10));
    assert_eq!(losses(&outputs), 1);
    assert!(masses(&outputs).len() > 10, "and read on");
}
