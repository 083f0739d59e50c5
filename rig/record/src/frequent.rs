//! Reads the lines of bytes on the link, nine of ten lines of a long run, without serde.
//!
//! Takes exactly the form that the writer gives them; any other line is left to serde, which judges it.

use rig_model::fact::{Body, Fact};
use rig_model::input::{Action, Bytes, Input};
use rig_model::time::RigTime;

/// The version, the sequence number and the fact of such a line, of which `text` is all before `,"chain":`.
pub(crate) fn parse(text: &str) -> Option<(u32, u64, Fact)> {
    let Start { version, seq, at, arrival, kind, rest } = start(text)?;
    let bytes = |rest: &str| hexadecimal(rest.strip_prefix(",\"body\":\"")?.strip_suffix('"')?);
    let body = match kind {
        "rx" => Body::Input(Input::Rx(bytes(rest)?)),
        "tx" => Body::Action(Action::Tx(bytes(rest)?)),
        _ => return None,
    };
    Some((version, seq, Fact { at: RigTime(at), arrival, body }))
}

/// The version, the sequence number and the kind of any line, whatever its body.
pub(crate) fn envelope(text: &str) -> Option<(u32, u64, &str)> {
    start(text).map(|start| (start.version, start.seq, start.kind))
}

/// What a line says before its body, which is the rest.
struct Start<'t> {
    version: u32,
    seq: u64,
    at: i64,
    arrival: Option<RigTime>,
    kind: &'t str,
    rest: &'t str,
}

fn start(text: &str) -> Option<Start<'_>> {
    let (version, rest) = integer(text.strip_prefix("{\"v\":")?)?;
    let (seq, rest) = integer(rest.strip_prefix(",\"seq\":")?)?;
    let (at, rest) = integer(rest.strip_prefix(",\"t\":")?)?;
    let (arrival, rest) = match rest.strip_prefix(",\"at\":") {
        Some(rest) => integer(rest).map(|(arrival, rest)| (Some(RigTime(arrival)), rest))?,
        None => (None, rest),
    };
    let (kind, rest) = rest.strip_prefix(",\"kind\":\"")?.split_once('"')?;
    Some(Start { version: version.try_into().ok()?, seq: seq.try_into().ok()?, at, arrival, kind, rest })
}

/// A JSON integer in its only form: no plus sign, no leading zeros, no minus zero.
fn integer(text: &str) -> Option<(i64, &str)> {
    let end = text.bytes().skip(1).position(|b| !b.is_ascii_digit())? + 1;
    let (number, rest) = text.split_at_checked(end)?;
    let canonical = match number.as_bytes() {
        [b'0'] => true,
        [b'-', first, ..] | [first, ..] => matches!(first, b'1'..=b'9'),
        [] => false,
    };
    Some((number.parse().ok().filter(|_| canonical)?, rest))
}

/// Pairs of digits, nothing else.
fn hexadecimal(digits: &str) -> Option<Bytes> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push((value(*high)? << 4 | value(*low)?) as u8);
    }
    Some(Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_writers_own_form_is_taken() {
        for (line, taken) in [
            (r#"{"v":1,"seq":2,"t":-5,"kind":"rx","body":"00ff""#, true),
            (r#"{"v":1,"seq":2,"t":0,"at":7,"kind":"tx","body":"""#, true),
            (r#"{"v":1,"seq":2,"t":9223372036854775807,"kind":"tx","body":"""#, true),
            (r#"{"v":1,"seq":2,"t":9223372036854775808,"kind":"tx","body":"""#, false),
            (r#"{"v":1,"seq":-2,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":+2,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":02,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":-0,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":-,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":µ,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"0""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"0g""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"00\"""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"00" "#, false),
            (r#"{"v":1, "seq":2,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":02,"seq":2,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":-2,"seq":2,"t":0,"kind":"rx","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"µ","body":"00""#, false),
            (r#"{"v":1,"seq":2,"t":0,"kind":"log","body":"00""#, false),
        ] {
            assert_eq!(parse(line).is_some(), taken, "{line}");
        }
    }
}
