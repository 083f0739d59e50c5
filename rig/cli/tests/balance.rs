//! `rig host --balance`: a balance on a pty in a process of its own, read by the driver that reads a real one.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the test starts a process and reads what it says")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rig_bench::Clock;
use rig_bench::balance::{Balance, BalanceError, Parity, Told};
use rig_bench::instrument::mt_sics::{Answer, Order, Settings, Weighed};
use serde_json::Value;
use support::rig;

/// Far longer than anything here takes; a hang becomes a failure.
const LIMIT: Duration = Duration::from_secs(60);

/// Ends with the test, however that ends.
struct Hosted(Child);

impl Drop for Hosted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The process and its announcement.
fn host(arguments: &[&str]) -> (Hosted, Value) {
    let mut command = rig(["host", "--bench", "rig/benches/process.toml"]);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hosted = Hosted(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(hosted.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (hosted, serde_json::from_str(&line).unwrap())
}

async fn until(balance: &mut Balance, wanted: impl Fn(&Told) -> bool) -> Told {
    let told = async {
        loop {
            let told = balance.next().await.unwrap();
            if wanted(&told) {
                return told;
            }
        }
    };
    tokio::time::timeout(LIMIT, told).await.expect("it was told in time")
}

fn is_mass(told: &Told) -> bool {
    matches!(told, Told::Reading { weighed: Weighed::Mass { .. }, .. })
}

fn on_tokio(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn without_it_there_is_no_balance() {
    let (_hosted, announced) = host(&[]);
    assert_eq!(announced.get("balance"), None);
}

#[test]
fn it_is_found_by_its_name_read_zeroed_and_missed_when_it_goes() {
    on_tokio(async {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("ttyBALANCE");
        let (hosted, announced) = host(&["--balance", link.to_str().unwrap()]);
        assert_eq!(announced["balance"].as_str().map(Path::new), Some(&*link));
        // The board's process serves once the rig listens to its lines.
        let _lines = std::os::unix::net::UnixStream::connect(announced["lines"].as_str().unwrap()).unwrap();
        let settings = Settings { serial: Some("SIM-BALANCE".to_owned()), ..Settings::new() };
        let mut balance = Balance::open(&link, Parity::Even, settings, Clock::start()).unwrap();
        assert_eq!(until(&mut balance, |_| true).await, Told::Ready { serial: "SIM-BALANCE".to_owned() });
        let Told::Reading { weighed: Weighed::Mass { mg, .. }, .. } = until(&mut balance, is_mass).await else { unreachable!() };
        // A vessel of 5 g, and noise.
        assert!((mg - 5_000.0).abs() < 1.0, "{mg}");
        balance.order(Order::Tare).unwrap();
        let Told::Answered { answer, .. } = until(&mut balance, |told| matches!(told, Told::Answered { .. })).await else { unreachable!() };
        assert!(matches!(answer, Answer::Adjusted(_)), "{answer:?}");
        let Told::Reading { weighed: Weighed::Mass { mg, .. }, .. } = until(&mut balance, is_mass).await else { unreachable!() };
        assert!(mg.abs() < 1.0, "{mg}");
        drop(hosted);
        let gone = async {
            loop {
                if let Err(error) = balance.next().await {
                    return error;
                }
            }
        };
        let error = tokio::time::timeout(LIMIT, gone).await.expect("it is missed in time");
        assert!(matches!(&error, BalanceError::Gone { path, .. } if *path == link), "{error}");
    });
}
