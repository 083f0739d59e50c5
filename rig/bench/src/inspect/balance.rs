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
