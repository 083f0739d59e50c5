//! Whatever way the ports are left, the lines are driven to their safe levels.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use rig_model::input::{Action, Input, Source};
use rig_plant::wire::Up;

use super::{Bed, Server, Setup, safe_levels, set};
use crate::clock::Clock;
use crate::safe::Guard;

/// All orders up to the end of the channel, without their ids.
async fn orders(server: &mut Server) -> Vec<rig_model::input::Actuation> {
    let mut all = Vec::new();
    while let Some((_, what)) = server.order().await {
        all.push(what);
    }
    all
}

#[tokio::test]
async fn dropped() {
    let Bed { ports, mut server, .. } = Bed::new(Setup::default()).await;
    drop(ports);
    assert_eq!(orders(&mut server).await, safe_levels());
}

#[tokio::test]
async fn by_a_panic() {
    let Bed { mut ports, mut server, .. } = Bed::new(Setup::default()).await;
    let playing = tokio::spawn(async move {
        ports.carry_out(Action::Actuate { id: 1, what: set("power", true) });
        tokio::task::yield_now().await;
        panic!("in mid-run");
    });
    assert!(playing.await.unwrap_err().is_panic());
    let last: Vec<_> = orders(&mut server).await.into_iter().rev().take(3).rev().collect();
    assert_eq!(last, safe_levels());
}

/// Answers every order and gives them back.
async fn obey(server: &mut Server, clock: Clock) -> Vec<rig_model::input::Actuation> {
    let mut all = Vec::new();
    while let Some((id, what)) = server.order().await {
        all.push(what);
        let at_ns = clock.epoch_ns() + clock.now().0;
        server.say(&Up::Input { source: Source::Bench, at_ns, input: Input::Done { id } }).await;
    }
    all
}

#[tokio::test]
async fn closed_and_answered_by_every_line() {
    let Bed { ports, mut server, clock, .. } = Bed::new(Setup::default()).await;
    let (closed, ordered) = tokio::join!(ports.close(), obey(&mut server, clock));
    assert_eq!(closed, Ok(()));
    assert_eq!(ordered, safe_levels(), "once is enough when it was answered");
}

#[tokio::test]
async fn closed_and_not_answered() {
    let Bed { ports, mut server, .. } = Bed::new(Setup::default()).await;
    let (closed, ordered) = tokio::join!(ports.close(), orders(&mut server));
    assert_eq!(closed, Err("3 lines did not answer within 2 s".to_owned()));
    assert_eq!(ordered, [safe_levels(), safe_levels()].concat(), "ordered again as a last resort");
}

#[tokio::test]
async fn closed_when_the_lines_are_gone() {
    let Bed { mut ports, server, .. } = Bed::new(Setup::default()).await;
    drop(server);
    super::hear(&mut ports, |heard| super::inputs(heard).any(super::lost("the lines channel is gone"))).await;
    let why = ports.close().await.unwrap_err();
    assert!(why.contains("the lines channel is gone"), "{why}");
}

#[tokio::test]
async fn in_the_middle_of_an_order() {
    let dir = tempfile::tempdir().unwrap();
    let (channel, mut server) = super::channel(&dir).await;
    let guard = Guard::new(&channel, &super::bench()).unwrap();
    let (mut socket, mid_line) = channel.last_resort().unwrap();
    socket.write_all(b"{\"actuate\":{\"id\":4,").unwrap();
    mid_line.store(true, Ordering::SeqCst);
    drop(guard);
    assert_eq!(server.from.next_line().await.unwrap().unwrap(), "{\"actuate\":{\"id\":4,");
    assert_eq!(orders(&mut server).await, safe_levels());
}
