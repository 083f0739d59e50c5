//! The serial link: what is read and written, and every way in which a port fails.

use std::path::Path;

use rig_model::input::{Action, Bytes, Input, Source};
use rig_model::time::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Bed, PATIENCE, Setup, bytes, device, inputs, is_in_order, lost, plug_in, watermark};
use crate::error::BenchError;
use crate::link::{RX_CAPACITY, TX_CAPACITY};
use crate::serial;

fn looks_again() -> Setup {
    Setup { reopen_within: Span::seconds(60), ..Setup::default() }
}

async fn receive(bed: &mut Bed, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    timeout(PATIENCE, bed.board().read_exact(&mut got)).await.expect("bytes in time").unwrap();
    assert_eq!(got, wanted);
}

#[tokio::test]
async fn bytes_go_both_ways_and_promises_hold() {
    let mut bed = Bed::new(Setup::default()).await;
    bed.ports.carry_out(Action::Tx(Bytes(vec![0, 1, 0x0a, 0x0d, 0x11, 0xff])));
    receive(&mut bed, &[0, 1, 0x0a, 0x0d, 0x11, 0xff]).await;
    let mut all = Vec::new();
    for chunk in [&[0u8, 3, 4, 0x7f][..], &[0x13, 0xff], &[0]] {
        bed.board().write_all(chunk).await.unwrap();
        all.extend(bed.hear(|heard| bytes(heard).len() == chunk.len()).await);
    }
    assert_eq!(bytes(&all), [0, 3, 4, 0x7f, 0x13, 0xff, 0]);
    assert!(is_in_order(&all, Source::Link), "{all:?}");
}

#[tokio::test]
async fn a_silent_link_is_complete_up_to_now() {
    let mut bed = Bed::new(Setup::default()).await;
    let now = bed.clock.now();
    bed.hear(|heard| watermark(heard, Source::Link) >= Some(now) && watermark(heard, Source::Operator) >= Some(now)).await;
}

#[tokio::test]
async fn ports_that_cannot_be_used_are_named_with_the_cause() {
    let bed = Bed::new(Setup::default()).await;
    let here = device(&bed.dir);
    let file = bed.dir.path().join("notes.txt");
    std::fs::write(&file, "not a port").unwrap();
    let missing = bed.dir.path().join("ttyNONE");
    let refusal = |path: &Path| serial::open(path, 115_200).unwrap_err();

    assert!(matches!(refusal(&missing), BenchError::PortMissing { path, .. } if path == missing));
    assert!(matches!(refusal(&here), BenchError::PortBusy { path } if path == here));
    assert!(matches!(refusal(&file), BenchError::PortUnusable { path, .. } if path == file));
    drop(bed);
}

#[tokio::test]
async fn a_port_that_is_unplugged_for_good_is_down_and_still_complete_up_to_now() {
    let mut bed = Bed::new(Setup::default()).await;
    bed.unplug();
    let named = device(&bed.dir).display().to_string();
    let Input::LinkDown { why } = bed.hear_input(|i| matches!(i, Input::LinkDown { .. })).await else { unreachable!() };
    assert!(why.contains(&named), "{why}");
    let now = bed.clock.now();
    bed.hear(|heard| watermark(heard, Source::Link) >= Some(now)).await;
}

#[tokio::test]
async fn a_port_that_comes_back_is_used_again_without_what_was_meant_for_the_one_that_went() {
    let mut bed = Bed::new(looks_again()).await;
    bed.unplug();
    let mut all = bed.hear(|heard| inputs(heard).any(|i| matches!(i, Input::LinkDown { .. }))).await;
    bed.ports.carry_out(Action::Tx(Bytes(b"stale".to_vec())));
    bed.board = Some(plug_in(&bed.dir));
    all.extend(bed.hear(|heard| inputs(heard).any(|i| *i == Input::LinkUp)).await);

    bed.ports.carry_out(Action::Tx(Bytes(b"fresh".to_vec())));
    receive(&mut bed, b"fresh").await;
    bed.board().write_all(b"again").await.unwrap();
    all.extend(bed.hear(|heard| bytes(heard) == b"again").await);
    assert!(is_in_order(&all, Source::Link), "{all:?}");
}

#[tokio::test]
async fn a_peer_that_takes_no_bytes_is_a_link_that_is_down() {
    let mut bed = Bed::new(Setup::default()).await;
    for _ in 0..TX_CAPACITY {
        bed.ports.carry_out(Action::Tx(Bytes(vec![0x55; 4096])));
    }
    let Input::LinkDown { why } = bed.hear_input(|i| matches!(i, Input::LinkDown { .. })).await else { unreachable!() };
    assert!(why.contains("stalled"), "{why}");
}

#[tokio::test]
async fn bytes_that_find_no_room_are_told() {
    let mut bed = Bed::new(Setup::default()).await;
    // Nothing runs between these, so that the queue is full at the last.
    for _ in 0..=TX_CAPACITY {
        bed.ports.carry_out(Action::Tx(Bytes(vec![0x55; 7])));
    }
    bed.hear_input(lost("7 bytes to the board found no room")).await;
}

#[tokio::test]
async fn a_flood_is_read_or_told_to_the_last_byte() {
    const SENT: usize = 4096 * RX_CAPACITY;
    let mut bed = Bed::new(Setup::default()).await;
    for _ in 0..SENT / 4096 {
        timeout(PATIENCE, bed.board().write_all(&[0xa5; 4096])).await.expect("the flood is read").unwrap();
    }
    let accounted = |heard: &[_]| {
        let counts = inputs(heard).map(|i| match i {
            Input::Rx(bytes) => bytes.0.len() as u64,
            Input::Lost { what } => what.count.expect("lost bytes are counted"),
            other => panic!("{other:?}"),
        });
        counts.sum::<u64>()
    };
    let heard = bed.hear(|heard| accounted(heard) >= SENT as u64).await;
    assert_eq!(accounted(&heard), SENT as u64);
    assert!(inputs(&heard).any(lost("did not keep up")), "the flood is larger than the queue");
    assert!(is_in_order(&heard, Source::Link));
}
