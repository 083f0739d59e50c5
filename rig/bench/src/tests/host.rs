//! The firmware process: how it starts, how it dies, and that it is never left behind.

use std::ffi::OsString;
use std::path::Path;

use rig_model::input::Input;
use rig_model::time::Span;

use super::{Bed, PATIENCE, Setup, lost};
use crate::child::{ANNOUNCE_LIMIT, Announcement, Host};
use crate::error::BenchError;
use crate::ports::Ports;

fn shell(script: &str) -> Vec<OsString> {
    ["sh", "-c", script].map(OsString::from).to_vec()
}

async fn refusal(command: &[OsString], limit: Span) -> BenchError {
    Host::start(command, limit).await.expect_err("it is no firmware process")
}

#[tokio::test]
async fn a_process_that_does_not_start_well_is_refused_with_what_it_said() {
    let error = refusal(&["/nonexistent-folder/firmware".into()], ANNOUNCE_LIMIT).await;
    assert!(matches!(&error, BenchError::HostNotStarted { command, .. } if command == "/nonexistent-folder/firmware"), "{error}");
    let error = refusal(&[], ANNOUNCE_LIMIT).await;
    assert!(matches!(error, BenchError::HostNotStarted { .. }), "{error}");
    let error = refusal(&shell("echo no such bench >&2; exit 3"), ANNOUNCE_LIMIT).await;
    assert!(matches!(&error, BenchError::HostEnded { status, stderr, .. } if status.contains('3') && stderr == "no such bench"), "{error}");
    let error = refusal(&shell("echo hello there; sleep 600"), ANNOUNCE_LIMIT).await;
    assert!(matches!(&error, BenchError::HostAnnouncement { text, .. } if text == "hello there"), "{error}");
    let error = refusal(&shell("sleep 600"), Span::milliseconds(20)).await;
    assert!(matches!(&error, BenchError::HostSilent { .. }), "{error}");
}

/// Announces what is not there, and then does as the script says.
async fn start(script: &str) -> Host {
    let (host, announced) =
        Host::start(&shell(&format!("echo '{{\"link\":\"/l\",\"lines\":\"/s\"}}'; {script}")), ANNOUNCE_LIMIT).await.unwrap();
    assert_eq!(announced, Announcement { link: "/l".into(), lines: "/s".into(), balance: None });
    host
}

#[tokio::test]
async fn a_process_that_dies_in_mid_run_is_told_with_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let die = dir.path().join("die");
    let script = format!("until [ -e {} ]; do sleep 0.01; done; echo no more strokes >&2; exit 9", die.display());
    let mut bed = Bed::new(Setup { host: Some(start(&script).await), ..Setup::default() }).await;
    bed.hear(|heard| !heard.is_empty()).await;
    std::fs::write(die, "").unwrap();
    let Input::Lost { what } = bed.hear_input(lost("process `")).await else { unreachable!() };
    assert!(what.why.contains("exit status: 9") && what.why.contains("`no more strokes`"), "{}", what.why);
}

/// The process writes its id where it can be looked for.
async fn start_with_id(dir: &Path, then: &str) -> (Host, String) {
    let file = dir.join("pid");
    let host = start(&format!("echo $$ > {0}.part; mv {0}.part {0}; {then}", file.display())).await;
    let written = async {
        while !file.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("the process writes its id");
    let id = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert!(Path::new("/proc").join(&id).exists());
    (host, id)
}

/// Whether anything that is not a zombie is in this process group.
fn in_group(id: &str) -> bool {
    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|entry| std::fs::read_to_string(entry.unwrap().path().join("stat")).ok());
    // After the name in brackets: state, parent, group.
    stats.filter_map(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())).any(|rest| {
        let fields: Vec<_> = rest.split(' ').collect();
        fields[2] == id && fields[0] != "Z"
    })
}

#[tokio::test]
async fn dropping_it_ends_and_reaps_a_process_that_would_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (host, id) = start_with_id(dir.path(), "trap '' TERM HUP INT; sleep 600 & while true; do sleep 0.01; done").await;
    drop(host);
    assert!(!Path::new("/proc").join(&id).exists(), "neither running nor a zombie");
    assert!(!in_group(&id), "what it has started is ended with it");
}

#[tokio::test]
async fn a_process_that_leaves_by_itself_is_given_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("left");
    let (host, id) = start_with_id(dir.path(), &format!("read -r nothing; echo safe > {}", left.display())).await;
    host.leave().await;
    assert_eq!(std::fs::read_to_string(left).unwrap(), "safe\n");
    assert!(!Path::new("/proc").join(id).exists());
}

#[tokio::test]
async fn benches_of_another_kind_are_refused_before_anything_is_started() {
    use rig_model::bench::BenchKind;
    for kind in [BenchKind::Sim] {
        let bench = rig_model::bench::Bench { kind, ..super::bench() };
        let error = Ports::open(&bench, &["/nonexistent-folder/firmware".into()], None).await.unwrap_err();
        assert!(matches!(&error, BenchError::Unsupported { bench, .. } if bench == "process"), "{error}");
    }
}
