//! The balance: its port, who it is, and what it shows.

use std::path::Path;

use rig_model::bench::{Bench, Wiring};

use super::{Finding, Ground, access, port};
use crate::balance::BalanceError;
use crate::error::BenchError;
use crate::instrument::mt_sics::{Failure, Weighed};
use crate::scales::Line;

/// Nothing for a bench without a balance, or one whose own process plays it.
pub(super) fn look(bench: &Bench, ground: &Ground) -> Option<Finding> {
    let (what, path) = wired(bench)?;
    let device = ground.path(path);
    // Its path is in the bench file: a hosted one is not needed.
    let line = Line::of(bench, None).ok().flatten()?.on(&device);
    Some(match run(line) {
        Ok((serial, weighed)) => shown(what, &serial, path, &weighed).simulated(port::pty(&device)),
        Err(error) => refused(what, &error),
    })
}

pub(super) fn simulated(bench: &Bench, ground: &Ground) -> Option<String> {
    port::pty(&ground.path(wired(bench)?.1))
}

/// Channel and port of the balance.
fn wired(bench: &Bench) -> Option<(&str, &str)> {
    bench.channels.iter().find_map(|channel| match &channel.wiring {
        Some(Wiring::Serial(serial)) => Some((&*channel.name, serial.path.as_deref()?)),
        _ => None,
    })
}

fn run(line: Line) -> Result<(String, Weighed), BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| BenchError::Thread { source })?;
    runtime.block_on(line.look())
}

fn shown(what: &str, serial: &str, path: &str, weighed: &Weighed) -> Finding {
    let is = format!("balance {serial} on {path}");
    let bad = |shows: &str, remedy: &str| Finding::bad(what, format!("{is} {shows}"), remedy);
    match weighed {
        Weighed::Mass { mg, stable } => {
            let finding = Finding::good(what, format!("{is} shows {mg} mg, {}", if *stable { "at rest" } else { "not at rest" }));
            port::counted(path).map_or(finding.clone(), |remedy| Finding::warning(what, finding.words, remedy))
        }
        Weighed::Overload => bad("shows overload", "take what is too heavy off its pan"),
        Weighed::Underload => bad("shows underload", "put its pan on, or set it to zero"),
        Weighed::NotNow => bad("is busy", "wait until it has adjusted itself, or see what its display asks for"),
        Weighed::NotAllowed => bad("does not allow to be read", "leave its menu, and see what its display asks for"),
        Weighed::Fault(fault) => bad(&format!("shows its error {fault}"), "its manual says what to do"),
    }
}

fn refused(what: &str, error: &BenchError) -> Finding {
    match error {
        BenchError::PortDenied { path } => {
            Finding::bad(what, format!("serial port {} may not be opened by this user", path.display()), access::remedy(path))
        }
        BenchError::Balance { source: BalanceError::GivenUp { path, source }, .. } => given_up(what, path, source),
        BenchError::Balance { source, .. } => Finding::of_error(what, source),
        error => Finding::of_error(what, error),
    }
}

fn given_up(what: &str, path: &Path, failure: &Failure) -> Finding {
    let path = path.display();
    match failure {
        Failure::Silent { .. } => {
            let remedy = "look at its power and its cable; set its interface to MT-SICS, and its baud rate and parity as in the bench file";
            Finding::bad(what, format!("no balance answers on {path}"), remedy)
        }
        Failure::Another { expected, found } => {
            let words = format!("balance {found} answers on {path}, and the bench file names {expected}");
            Finding::bad(what, words, "connect the right one; or enter its serial number and its certificate in the bench file")
        }
        Failure::GivenUp { last, .. } => {
            let remedy = "set the same baud rate and parity at both ends, and its host unit to g, mg, kg or ct";
            Finding::bad(what, format!("the balance on {path} says who it is but gives no reading ({last})"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::pty::openpty;
    use rig_model::bench::{BenchKind, Channel, Instrument, Parity, SerialInstrument};

    use super::*;
    use crate::inspect::State;
    use crate::serial::PortOf;

    const PORT: &str = "/dev/serial/by-id/usb-balance";

    #[test]
    fn what_it_shows_is_told_and_what_keeps_it_from_being_read_with_what_to_do() {
        for (path, weighed, state, words, remedy) in [
            (PORT, Weighed::Mass { mg: 5_000.02, stable: true }, State::Good, "shows 5000.02 mg, at rest", ""),
            (PORT, Weighed::Mass { mg: 1.0, stable: false }, State::Good, "shows 1 mg, not at rest", ""),
            ("/dev/ttyUSB1", Weighed::Mass { mg: 1.0, stable: true }, State::Warning, "shows 1 mg", "/dev/serial/by-id"),
            (PORT, Weighed::Overload, State::Bad, "shows overload", "off its pan"),
            (PORT, Weighed::Underload, State::Bad, "shows underload", "put its pan on"),
            (PORT, Weighed::NotNow, State::Bad, "is busy", "wait"),
            (PORT, Weighed::NotAllowed, State::Bad, "does not allow", "its menu"),
            (PORT, Weighed::Fault("10b".to_owned()), State::Bad, "shows its error 10b", "its manual"),
        ] {
            let found = shown("balance", "B1", path, &weighed);
            assert_eq!(found.state, state, "{found:?}");
            assert!(found.words.contains(&format!("balance B1 on {path} ")) && found.words.contains(words), "{found:?}");
            assert!(found.remedy.as_deref().unwrap_or_default().contains(remedy), "{found:?}");
        }
    }

    #[test]
    fn each_reason_not_to_have_it_says_what_to_do() {
        let balance = |source| BenchError::Balance { channel: "balance".to_owned(), source };
        let given_up = |source| balance(BalanceError::GivenUp { path: PORT.into(), source });
        let last = "the balance weighs in `oz`".to_owned();
        for (error, words, remedy) in [
            (BenchError::PortMissing { path: PORT.into(), of: PortOf::Balance }, "is not there", "the balance's `port` of the bench file"),
            (BenchError::PortBusy { path: PORT.into() }, "is in use by another program", "fuser"),
            (BenchError::PortDenied { path: "/nonexistent".into() }, "may not be opened by this user", "ls -l"),
            (given_up(Failure::Silent { last: String::new() }), "no balance answers", "its baud rate and parity"),
            (given_up(Failure::Another { expected: "B1".into(), found: "B2".into() }), "balance B2 answers", "connect the right one"),
            (given_up(Failure::GivenUp { failures: 5, last }), "gives no reading (the balance weighs in `oz`)", "its host unit"),
            (balance(BalanceError::Gone { path: PORT.into(), why: "hung up".into() }), "is gone (hung up)", "its cable and its power"),
        ] {
            let found = refused("balance", &error);
            assert_eq!(found.state, State::Bad);
            assert!(found.words.contains(words) && found.remedy.as_deref().unwrap_or_default().contains(remedy), "{found:?}");
        }
    }

    #[test]
    fn a_real_bench_whose_balance_is_on_a_pseudo_terminal_is_found_to_be_simulated() {
        let pair = openpty(None, None).unwrap();
        let device = nix::unistd::ttyname(&pair.slave).unwrap();
        let path = Some(device.to_str().unwrap().to_owned());
        let wiring = Wiring::Serial(SerialInstrument { path, baud: 9_600, parity: Parity::Even, serial: None, repeats: false });
        let channel = Channel { name: "balance".into(), instrument: Instrument::Alarm, certificate: None, wiring: Some(wiring) };
        let bench = Bench { kind: BenchKind::Pi, channels: vec![channel], ..crate::tests::bench() };
        let why = crate::inspect::simulated(&bench, &Ground::default());
        assert!(why.iter().any(|why| why.contains(&format!("serial port {} is a pseudo-terminal", device.display()))), "{why:?}");
    }
}
