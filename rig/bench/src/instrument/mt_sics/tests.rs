//! Replies as the reference manual prints them (with the spaces that it marks), and whole conversations in literal bytes.

use proptest::prelude::*;
use rig_model::time::{RigTime, Span};

use super::reply::Adjusted;
use super::*;

fn ms(ms: i64) -> RigTime {
    RigTime::ZERO + Span::milliseconds(ms)
}

fn mass(mg: f64, stable: bool) -> Reply {
    Reply::Weight(Weighed::Mass { mg, stable })
}

fn done(stable: bool, tare_mg: Option<f64>) -> Adjusted {
    Adjusted::Done { stable, tare_mg }
}

#[test]
fn replies_of_the_manual() {
    for (line, reply) in [
        ("S S     14.256 g", mass(14_256.0, true)),
        ("S S     100.00 g", mass(100_000.0, true)),
        ("S D     129.07 g", mass(129_070.0, false)),
        ("S S   -0.00002 g", mass(-0.02, true)),
        ("S S   12.34567 g", mass(12_345.67, true)),
        ("S S    9.9999  g", mass(9_999.9, true)), // the coarse range of a balance with two
        ("S D      12.34 mg", mass(12.34, false)),
        ("S D    1.00001 kg", mass(1_000_010.0, false)),
        ("S S     12.345 ct", mass(2_469.0, true)),
        ("S S          0 g", mass(0.0, true)),
        ("S I", Reply::Weight(Weighed::NotNow)),
        ("S L", Reply::Weight(Weighed::NotAllowed)),
        ("S +", Reply::Weight(Weighed::Overload)),
        ("S -", Reply::Weight(Weighed::Underload)),
        ("S S  Error 10b", Reply::Weight(Weighed::Fault("10b".to_owned()))),
        ("S S   Error 1t", Reply::Weight(Weighed::Fault("1t".to_owned()))),
        ("Z A", Reply::Zero(done(true, None))),
        ("Z I", Reply::Zero(Adjusted::NotNow)),
        ("Z +", Reply::Zero(Adjusted::Above)),
        ("Z -", Reply::Zero(Adjusted::Below)),
        ("ZI D", Reply::ZeroNow(done(false, None))),
        ("ZI S", Reply::ZeroNow(done(true, None))),
        ("ZI I", Reply::ZeroNow(Adjusted::NotNow)),
        ("T S     100.00 g", Reply::Tare(done(true, Some(100_000.0)))),
        ("T I", Reply::Tare(Adjusted::NotNow)),
        ("T L", Reply::Tare(Adjusted::NotAllowed)),
        ("TI D     117.57 g", Reply::TareNow(done(false, Some(117_570.0)))),
        ("TI +", Reply::TareNow(Adjusted::Above)),
        ("I4 A \"B021002593\"", Reply::Serial("B021002593".to_owned())),
        (r#"I4 A "a\"b""#, Reply::Serial("a\"b".to_owned())),
        ("ES", Reply::Syntax),
        ("ET", Reply::Transmission),
        ("EL", Reply::Logical),
    ] {
        assert_eq!(read(line.as_bytes()), Ok(reply), "{line}");
    }
}

#[test]
fn a_damaged_line_is_no_reading() {
    for line in [
        "",
        "S",
        "S S",
        "S S ",
        "S S 100.00 g",                  // characters are missing
        "S S     10.00 g",               // a digit
        "S S     100.0",                 // the end
        "S S     100.00",                // the unit
        "S S     100.00 ",               //
        "S S     100.00 g ",             // something more
        "S S     100.0S S     100.00 g", // two in one
        " S     100.00 g",               // the beginning
        "S S     1p0.00 g",
        "S S     1 0.00 g",
        "S S     100..0 g",
        "S S    -    1.0 g",
        "S S    0100.00 g",
        "S S       .010 g",
        "S S       010. g",
        "S S    +100.00 g",
        "S S   1.00e+02 g",
        "S S        inf g",
        "S S        NaN g",
        "S S   1_000.00 g",
        "S S     100,00 g",
        "S X     100.00 g",
        "S M     100.00 g",
        "T D     100.00 g",
        "Z S",
        "Z A 1",
        "I4 A B021002593",
        "I4 A \"B0210",
        "I4 A \"a\"b\"",
        "I4 B \"1\"",
        "s s     100.00 g",
        "E",
        "ES ",
    ] {
        assert!(matches!(read(line.as_bytes()), Err(Damage::NoReply(_))), "{line}: {:?}", read(line.as_bytes()));
    }
    assert!(matches!(read(b"S S     100.00 \xb5g"), Err(Damage::NoReply(_))), "not of ASCII");
    assert_eq!(read(b"S S\x00    100.00 g"), Err(Damage::NoReply(r"S S\x00    100.00 g".to_owned())));
}

#[test]
fn units_that_are_not_known_are_named() {
    for unit in ["oz", "lb", "N", "G", "PCS", "%"] {
        let line = format!("S S     100.00 {unit}");
        assert_eq!(read(line.as_bytes()), Err(Damage::Unit(unit.to_owned())), "{line}");
    }
    assert_eq!(Damage::Unit("oz".to_owned()).to_string(), "the balance weighs in `oz`: set its host unit to g, mg, kg or ct");
}

/// Round numbers.
fn patient() -> Settings {
    Settings { reply_limit: Span::milliseconds(500), silence: Span::seconds(2), ..Settings::new() }
}

/// A client and what it has said so far.
struct Talk {
    client: Client,
    now: RigTime,
}

impl Talk {
    fn new(settings: Settings) -> Self {
        Self { client: Client::new(settings, ms(0)), now: ms(0) }
    }

    /// One that has found its balance, at 0 ms, and has nothing under way.
    fn open(settings: Settings) -> Self {
        let mut talk = Self::new(settings);
        assert_eq!(talk.says(0), sent("@\r\n"));
        assert_eq!(talk.hears(0, b"I4 A \"0123456789\"\r\n"), sent("I4\r\n"));
        talk.client.received(ms(0), b"I4 A \"0123456789\"\r\n");
        assert_eq!(talk.client.poll(ms(0)), Some(Output::Ready { serial: "0123456789".to_owned() }));
        talk
    }

    fn says(&mut self, at: i64) -> Vec<Output> {
        self.now = ms(at);
        let mut all = Vec::new();
        while let Some(output) = self.client.poll(self.now) {
            assert!(all.len() < 20, "it does not come to rest: {all:?}");
            all.push(output);
        }
        all
    }

    fn hears(&mut self, at: i64, bytes: &[u8]) -> Vec<Output> {
        self.client.received(ms(at), bytes);
        self.says(at)
    }
}

fn sent(text: &str) -> Vec<Output> {
    vec![Output::Transmit(text.as_bytes().to_vec())]
}

/// A line of 16 characters and its end at 9600 baud.
const LINE: Span = Span(18 * 10 * 1_000_000_000 / 9_600);

fn reading(at: i64, mg: f64, stable: bool) -> Output {
    Output::Reading { at: ms(at) - LINE, weighed: Weighed::Mass { mg, stable } }
}

fn lost(outputs: &[Output]) -> Vec<&str> {
    outputs.iter().filter_map(|o| if let Output::Lost { why, .. } = o { Some(why.as_str()) } else { None }).collect()
}

#[test]
fn it_opens_and_polls_on_a_grid() {
    let mut talk = Talk::new(Settings { serial: Some("0123456789".to_owned()), ..patient() });
    assert_eq!(talk.says(0), sent("@\r\n"));
    assert_eq!(talk.client.due(), ms(500));
    // The rest of a conversation that was broken off.
    assert_eq!(talk.hears(10, b"00 g\r\nS S     100.00 g\r\nI4 A \"0123456789\"\r\n"), sent("I4\r\n"));
    let outputs = talk.hears(50, b"I4 A \"0123456789\"\r\n");
    assert_eq!(outputs[0], Output::Ready { serial: "0123456789".to_owned() });
    assert_eq!(outputs[1..], sent("SI\r\n"));
    assert_eq!(talk.hears(80, b"S D     100.00 "), []);
    assert_eq!(talk.hears(90, b"g\r\n"), [reading(90, 100_000.0, false)]);
    assert_eq!((talk.says(549), talk.client.due()), (vec![], ms(550)));
    assert_eq!(talk.says(550), sent("SI\r\n"));
    assert_eq!(talk.hears(580, b"S S     100.01 g\r\n"), [reading(580, 100_010.0, true)]);
    // What was missed is not made up for.
    assert_eq!(talk.says(2_120), sent("SI\r\n"));
    assert_eq!(talk.hears(2_130, b"S +\r\n").len(), 1);
    assert_eq!((talk.says(2_140), talk.client.due()), (vec![], ms(2_550)));
}

#[test]
fn another_balance_is_refused() {
    let mut talk = Talk::new(Settings { serial: Some("B021002593".to_owned()), ..Settings::new() });
    talk.says(0);
    let outputs = talk.hears(10, b"I4 A \"B021002594\"\r\n");
    let failure = Failure::Another { expected: "B021002593".to_owned(), found: "B021002594".to_owned() };
    assert_eq!(outputs, [Output::Failed(failure)]);
    assert_eq!((talk.hears(20, b"I4 A \"B021002593\"\r\n"), talk.client.due()), (vec![], RigTime::MAX), "it stays given up");
    // Also when it is exchanged later on.
    let mut talk = Talk::open(Settings::new());
    talk.says(0);
    assert!(matches!(&talk.hears(5, b"I4 A \"77\"\r\n")[..], [.., Output::Failed(Failure::Another { .. })]));
}

#[test]
fn a_silent_balance_is_asked_a_few_times() {
    let mut talk = Talk::new(patient());
    assert_eq!(talk.says(0), sent("@\r\n"));
    for again in 1..5 {
        assert_eq!(talk.says(again * 500), sent("@\r\n"));
    }
    assert!(matches!(&talk.says(2_500)[..], [Output::Failed(Failure::Silent { last })] if last == "@ was not answered in time"));
}

/// What a balance of the right number answers.
const NAME: &[u8] = b"I4 A \"0123456789\"\r\n";

#[test]
fn a_reply_that_does_not_come_is_asked_for_again_and_a_late_one_is_not_taken_for_the_next() {
    let mut talk = Talk::open(patient());
    assert_eq!(talk.says(0), sent("SI\r\n"));
    assert_eq!(talk.says(500), sent("I4\r\n"), "no loss yet");
    // Now it comes: the value of half a second ago.
    assert_eq!(talk.hears(510, b"S S     100.00 g\r\n"), []);
    assert_eq!(talk.hears(520, NAME), sent("SI\r\n"));
    assert_eq!(talk.hears(540, b"S S     100.02 g\r\n"), [reading(540, 100_020.0, true), Output::Transmit(b"SI\r\n".to_vec())]);
}

#[test]
fn silence_is_a_loss_because_the_balance_may_have_been_off() {
    let mut talk = Talk::open(patient());
    assert_eq!(talk.says(0), sent("SI\r\n"));
    for at in [500, 1_000, 1_500] {
        assert_eq!(talk.says(at), sent("I4\r\n"));
    }
    let outputs = talk.says(2_000);
    assert_eq!(lost(&outputs), ["no reading came for 2 s, the last time because I4 was not answered in time"]);
    assert_eq!(outputs[..1], sent("I4\r\n"));
    assert_eq!(talk.hears(2_010, NAME), sent("SI\r\n"));
    // Who was asked four times may answer four times, and was not switched on again for that.
    assert_eq!(talk.hears(2_020, &NAME.repeat(3)), []);
    assert_eq!(talk.hears(2_030, b"S S     100.02 g\r\n")[0], reading(2_030, 100_020.0, true));
    assert_eq!(lost(&talk.hears(2_040, NAME)).len(), 1, "after the next weight nothing is owed any more");
}

#[test]
fn a_weight_that_came_nobody_knows_when_is_asked_for_again() {
    let mut talk = Talk::open(Settings::new());
    talk.says(0);
    talk.client.received_late(ms(400), b"S S     100.00 g\r\n");
    assert_eq!(talk.says(400), sent("SI\r\n"));
    assert_eq!(talk.hears(440, b"S S     100.02 g\r\n"), [reading(440, 100_020.0, true)]);
    // That it was switched on again is true whenever it was.
    talk.client.received_late(ms(460), NAME);
    assert_eq!(lost(&talk.says(460)).len(), 1);
}

#[test]
fn a_damaged_reply_is_asked_for_again_at_once() {
    for damage in [&b"S S     1p0.00 g\r\n"[..], b"S S     100.00 oz\r\n", b"\xff\xfe\n"] {
        let mut talk = Talk::open(Settings::new());
        talk.says(0);
        assert_eq!(talk.hears(30, damage), sent("I4\r\n"));
        assert_eq!(talk.hears(40, damage), sent("I4\r\n"));
        assert_eq!(talk.hears(50, NAME), sent("SI\r\n"));
        assert_eq!(talk.hears(60, b"S S     100.02 g\r\n"), [reading(60, 100_020.0, true)]);
    }
}

#[test]
fn what_the_balance_says_of_itself_is_a_loss_at_once() {
    for fault in [&b"S L\r\n"[..], b"S S  Error 10b\r\n"] {
        let mut talk = Talk::open(Settings::new());
        talk.says(0);
        assert_eq!(lost(&talk.hears(30, fault)).len(), 1);
    }
}

#[test]
fn it_is_given_up_after_losses_in_a_row() {
    // Who it is it says whenever it is asked, and nothing else.
    let mut talk = Talk::open(Settings { failures: 3, ..patient() });
    let mut at = 0;
    let mut all = Vec::new();
    while talk.client.due() != RigTime::MAX {
        all.extend(talk.says(at));
        if matches!(all.last(), Some(Output::Transmit(bytes)) if bytes == b"I4\r\n") {
            all.extend(talk.hears(at, NAME));
        }
        at += 100;
        assert!(at < 60_000);
    }
    assert_eq!(lost(&all).len(), 3);
    assert!(matches!(all.last(), Some(Output::Failed(Failure::GivenUp { failures: 3, .. }))), "{all:?}");
    assert!((6_000..8_000).contains(&at), "three silences of 2 s: {at} ms");
}

#[test]
fn overload_underload_and_business_are_told_apart() {
    let mut talk = Talk::open(Settings::new());
    talk.says(0);
    assert!(matches!(&talk.hears(10, b"S +\r\n")[..], [Output::Reading { weighed: Weighed::Overload, .. }]));
    talk.says(500);
    assert!(matches!(&talk.hears(510, b"S -\r\n")[..], [Output::Reading { weighed: Weighed::Underload, .. }]));
    for n in 2..20 {
        talk.says(500 * n);
        // As long as it may last: it does not count towards giving up.
        assert_eq!(lost(&talk.hears(500 * n + 10, b"S I\r\n")), ["the balance is busy"]);
    }
}

#[test]
fn repeated_readings_are_taken_and_their_end_is_noticed() {
    let mut talk = Talk::open(Settings { mode: Mode::Repeat { silence: Span::milliseconds(600) }, ..Settings::new() });
    assert_eq!(talk.says(0), sent("SIR\r\n"));
    let outputs = talk.hears(100, b"S D     129.07 g\r\nS D     129.08 g\r\n");
    assert_eq!(outputs, [reading(100, 129_070.0, false), reading(100, 129_080.0, false)]);
    assert_eq!(talk.hears(300, b"S S     129.09 g\r\n"), [reading(300, 129_090.0, true)]);
    assert_eq!(talk.client.due(), ms(900));
    // A damaged one is lost, and those after it are not.
    assert_eq!(lost(&talk.hears(400, b"S S     129 09 g\r\n")).len(), 1);
    assert_eq!(talk.hears(500, b"S S     129.09 g\r\n"), [reading(500, 129_090.0, true)]);
    let outputs = talk.says(1_100);
    assert_eq!(lost(&outputs), ["the balance has stopped repeating its readings"]);
    assert_eq!(outputs[1..], sent("SIR\r\n"));
}

#[test]
fn a_balance_that_can_not_repeat_is_given_up_with_the_reason() {
    let mut talk = Talk::open(Settings { mode: Mode::Repeat { silence: Span::seconds(1) }, ..Settings::new() });
    let mut all = talk.says(0);
    for _ in 0..5 {
        all.extend(talk.hears(10, b"ES\r\n"));
    }
    let Some(Output::Failed(failure)) = all.last() else { panic!("{all:?}") };
    assert!(failure.to_string().ends_with("the balance answered SIR with ES (not understood)"), "{failure}");
}

#[test]
fn orders_are_carried_out_between_readings_and_once() {
    let mut talk = Talk::open(Settings::new());
    talk.says(0);
    talk.client.order(Order::Zero, ms(5)).unwrap();
    assert_eq!(talk.client.order(Order::Tare, ms(5)), Err(Refused::Busy));
    assert_eq!(talk.says(5), [], "the reply to SI comes first");
    let outputs = talk.hears(20, b"S S     100.00 g\r\n");
    assert_eq!(outputs[0], reading(20, 100_000.0, true));
    assert_eq!(outputs[1..], sent("Z\r\n"));
    let zeroed = Output::Answered { order: Order::Zero, answer: Answer::Adjusted(done(true, None)) };
    assert_eq!(talk.hears(4_000, b"Z A\r\n")[0], zeroed);
    for (order, command, reply, answer) in [
        (Order::ZeroNow, "ZI\r\n", "ZI D\r\n", Answer::Adjusted(done(false, None))),
        (Order::Tare, "T\r\n", "T S     100.00 g\r\n", Answer::Adjusted(done(true, Some(100_000.0)))),
        (Order::TareNow, "TI\r\n", "TI -\r\n", Answer::Adjusted(Adjusted::Below)),
        (Order::AtRest, "S\r\n", "S S     100.00 g\r\n", Answer::Weighed(Weighed::Mass { mg: 100_000.0, stable: true })),
        (Order::Tare, "T\r\n", "ET\r\n", Answer::Refused("ET (badly received)")),
        (Order::Tare, "T\r\n", "T S     1#0.00 g\r\n", Answer::Unknown),
    ] {
        let mut talk = Talk::open(Settings::new());
        talk.client.order(order, ms(0)).unwrap();
        assert_eq!(talk.says(0), sent(command));
        assert_eq!(talk.hears(10, reply.as_bytes())[0], Output::Answered { order, answer });
    }
}

#[test]
fn an_order_without_an_answer_is_not_repeated() {
    let mut talk = Talk::open(patient());
    talk.client.order(Order::Tare, ms(0)).unwrap();
    assert_eq!(talk.says(0), sent("T\r\n"));
    assert_eq!((talk.says(59_999), talk.client.due()), (vec![], ms(60_000)));
    let outputs = talk.says(60_000);
    assert_eq!(outputs[0], Output::Answered { order: Order::Tare, answer: Answer::Unknown });
    assert_eq!(outputs[1..], sent("I4\r\n"), "and what may still come is not taken for something else");
    let all: Vec<Output> = (1..=5).flat_map(|n| talk.says(60_000 + n * 500)).collect();
    assert_eq!(lost(&all).len(), 1, "silence after an order is silence too");
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let mut talk = Talk::new(Settings::new());
    assert_eq!(talk.client.order(Order::Zero, ms(0)), Err(Refused::NotReady));
    let mut talk = Talk::open(Settings { mode: Mode::Repeat { silence: Span::seconds(1) }, ..Settings::new() });
    assert_eq!(talk.client.order(Order::AtRest, ms(0)), Err(Refused::Repeating));
    // A zero is set while readings go on.
    talk.says(0);
    talk.hears(100, b"S S     100.00 g\r\n");
    talk.client.order(Order::ZeroNow, ms(100)).unwrap();
    assert_eq!(talk.says(100), sent("ZI\r\n"));
    let outputs = talk.hears(200, b"S D     100.00 g\r\nZI S\r\nS S       0.00 g\r\n");
    assert_eq!(outputs.len(), 3);
    assert_eq!(outputs[1], Output::Answered { order: Order::ZeroNow, answer: Answer::Adjusted(done(true, None)) });
}

#[test]
fn a_balance_that_was_switched_on_again_has_another_zero() {
    for mode in [Mode::Poll { every: Span::milliseconds(500) }, Mode::Repeat { silence: Span::milliseconds(900) }] {
        let mut talk = Talk::open(Settings { mode, ..Settings::new() });
        talk.says(0);
        talk.hears(10, b"S S     100.00 g\r\n");
        assert_eq!(lost(&talk.hears(200, b"I4 A \"0123456789\"\r\n")), ["the balance was switched on again, and its zero is another"]);
        let asked = talk.says(500);
        assert!(matches!(&asked[..], [Output::Transmit(_)]) || matches!(mode, Mode::Repeat { .. }), "{asked:?}");
    }
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let mut lines = super::lines::Lines::default();
    for _ in 0..1_000_000 {
        assert_eq!(lines.push(b'x'), None);
    }
    assert_eq!(lines.push(b'\n'), Some(super::lines::Line::Broken { bytes: 1_000_001 }));
    for byte in b"ES\r" {
        assert_eq!(lines.push(*byte), None);
    }
    assert_eq!(lines.push(b'\n'), Some(super::lines::Line::Whole(b"ES".to_vec())));
}

/// Everything that is said of it until nothing is left.
fn drain(client: &mut Client, at: RigTime) -> Vec<Output> {
    std::iter::from_fn(|| client.poll(at)).take(10_000).collect()
}

fn repeating() -> Talk {
    let mut talk = Talk::open(Settings { mode: Mode::Repeat { silence: Span::seconds(1) }, failures: u32::MAX, ..Settings::new() });
    talk.says(0);
    talk
}

proptest! {
    #[test]
    fn any_bytes_are_borne(bytes: Vec<u8>, again: Vec<u8>, chunk in 1usize..40) {
        for mut talk in [Talk::new(Settings::new()), Talk::open(Settings::new()), repeating()] {
            let mut at = 0;
            for part in bytes.chunks(chunk).chain(again.chunks(chunk)) {
                at += 300;
                talk.client.received(ms(at), part);
                let outputs = drain(&mut talk.client, ms(at));
                prop_assert!(outputs.len() < 10_000);
                prop_assert!(talk.client.due() > ms(at) - Span::seconds(2));
            }
        }
    }

    #[test]
    fn a_good_line_after_garbage_is_read(garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut talk = repeating();
        talk.client.received(ms(10), &garbage);
        talk.client.received(ms(20), b"\r\nS S     100.00 g\r\n");
        let outputs = drain(&mut talk.client, ms(20));
        prop_assert!(outputs.contains(&reading(20, 100_000.0, true)));
    }

    /// Whatever single byte is lost or changed, but for a digit that became another: no wrong value, and the next line is read.
    #[test]
    fn one_damaged_byte_makes_no_wrong_value(at in 0usize..18, with: Option<u8>) {
        let good = b"S S     100.00 g\r\n";
        let mut bytes = good.to_vec();
        match with {
            Some(with) => bytes[at] = with,
            None => drop(bytes.remove(at)),
        }
        prop_assume!(!matches!(with, Some(with) if with.is_ascii_digit() || with == b'-'));
        // Parity and framing are the port's; `S` and `D`, `g` and `mg` are told apart by nothing else.
        let mut talk = repeating();
        talk.client.received(ms(10), &bytes);
        talk.client.received(ms(20), good);
        talk.client.received(ms(30), good);
        let outputs = drain(&mut talk.client, ms(30));
        prop_assert!(outputs.contains(&reading(30, 100_000.0, true)));
        for output in outputs {
            if let Output::Reading { weighed: Weighed::Mass { mg, .. }, .. } = output {
                prop_assert_eq!(mg, 100_000.0);
            }
        }
    }
}
