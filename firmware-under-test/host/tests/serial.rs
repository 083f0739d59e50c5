//! A hosted board answers over a real pty that is opened like any serial port.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use pump_host::{Announcement, BalanceOptions, Ended, LinesPort, LinkPort, Options, monotonic_ns, run};
use pump_link::{Command, Decoder, FromPump, MAX_FRAME, Request, Response, State, decode_from_pump, encode};
use rig_model::input::{Actuation, Input};
use rig_plant::wire::{Down, Up};
use rig_sim::reference_bench;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_serial::{SerialPortBuilderExt, SerialStream};

/// Far longer than anything here takes; a hang becomes a failure.
const LIMIT: Duration = Duration::from_secs(30);

struct Hosted {
    link: String,
    balance: Option<String>,
    up: Lines<BufReader<OwnedReadHalf>>,
    down: OwnedWriteHalf,
    task: JoinHandle<Result<Ended, pump_host::HostError>>,
}

async fn hosted(name: &str) -> Hosted {
    hosted_with(name, None).await
}

async fn hosted_with(name: &str, balance: Option<BalanceOptions>) -> Hosted {
    let socket = std::env::temp_dir().join(format!("pump-host-test-{}-{name}.sock", std::process::id()));
    let options = Options {
        link: LinkPort::Pty { symlink: None },
        lines: LinesPort::Unix(socket),
        bench: reference_bench(),
        seed: 1,
        unit: None,
        balance,
    };
    let (tell, told) = oneshot::channel();
    let ready = |a: &Announcement| tell.send(a.clone()).unwrap();
    let task = tokio::spawn(async move { run(options, ready, std::future::pending()).await });
    let announcement = told.await.unwrap();
    let (read, down) = UnixStream::connect(&announcement.lines).await.unwrap().into_split();
    let Announcement { link, balance, .. } = announcement;
    Hosted { link, balance, up: BufReader::new(read).lines(), down, task }
}

impl Hosted {
    async fn next(&mut self) -> Up {
        Up::decode(&self.up.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// Also when the line before was cut short.
    async fn power(&mut self, id: u64, active: bool) {
        self.down.write_all(b"{\"actuate\":{\"id\n").await.unwrap();
        let line = Down::Actuate { id, what: Actuation::Line { line: "power".into(), active } }.encode().unwrap();
        self.down.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        while !matches!(self.next().await, Up::Input { input: Input::Done { id: done }, .. } if done == id) {}
    }
}

async fn ask(port: &mut SerialStream, seq: u16, command: Command) -> Response {
    let mut buffer = [0; MAX_FRAME];
    port.write_all(encode(&Request { session: 9, seq, command }, &mut buffer).unwrap()).await.unwrap();
    let mut decoder = Decoder::new();
    loop {
        let mut chunk = [0; 256];
        let n = port.read(&mut chunk).await.unwrap();
        let mut answer = None;
        decoder.push(&chunk[..n], |message| {
            if let Ok(FromPump::Reply { session: 9, seq: number, response }) = decode_from_pump(message.unwrap())
                && number == seq
            {
                answer = Some(response);
            }
        });
        if let Some(answer) = answer {
            return answer;
        }
    }
}

fn open(path: &str) -> SerialStream {
    tokio_serial::new(path, 115_200).open_native_async().unwrap()
}

#[tokio::test]
async fn a_board_answers_over_a_pty_survives_a_hang_up_and_leaves_with_the_rig() {
    tokio::time::timeout(LIMIT, async {
        let mut hosted = hosted("status").await;
        let Up::Hello { model, at_ns, .. } = hosted.next().await else { panic!("the hello comes first") };
        assert_eq!(model, rig_sim::identity().model);
        assert!(at_ns <= monotonic_ns());
        let mut port = open(&hosted.link);
        hosted.power(1, true).await;
        let Response::Status(status) = ask(&mut port, 1, Command::Status).await else { panic!("no status") };
        assert_eq!(status.state, State::SelfTest);
        drop(port);
        let mut port = open(&hosted.link);
        assert!(matches!(ask(&mut port, 2, Command::Identify).await, Response::Identity(_)));
        drop(hosted.down);
        drop(hosted.up);
        assert_eq!(hosted.task.await.unwrap().unwrap(), Ended::RigGone);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn inputs_carry_monotonic_times_and_no_watermark_overtakes_them() {
    tokio::time::timeout(LIMIT, async {
        let mut hosted = hosted("watermarks").await;
        let before = monotonic_ns();
        hosted.power(1, true).await;
        let (mut watermark, mut edges) = (0, 0);
        while edges < 2 {
            match hosted.next().await {
                Up::Watermark { at_ns } => {
                    assert!(at_ns > watermark && at_ns <= monotonic_ns());
                    watermark = at_ns;
                }
                Up::Input { at_ns, input, .. } => {
                    assert!(at_ns > watermark && at_ns > before && at_ns <= monotonic_ns());
                    if let Input::Edges(chirp) = input {
                        assert_eq!(chirp.first.0, at_ns);
                        edges += 1;
                    }
                }
                Up::Hello { .. } | Up::Refused { .. } => panic!("a second hello"),
            }
        }
    })
    .await
    .unwrap();
}

/// One line of the balance, without its end.
async fn weigh(port: &mut SerialStream, command: &str) -> String {
    port.write_all(command.as_bytes()).await.unwrap();
    let mut text = String::new();
    loop {
        match port.read_u8().await.unwrap() {
            b'\n' => return text.trim_end().to_owned(),
            byte => text.push(char::from(byte)),
        }
    }
}

#[tokio::test]
async fn what_the_board_delivers_lands_on_the_balance() {
    tokio::time::timeout(LIMIT, async {
        let mut balance = BalanceOptions::usual(LinkPort::Pty { symlink: None });
        balance.balance = balance.balance.undisturbed();
        let mut hosted = hosted_with("balance", Some(balance)).await;
        let mut scale = open(hosted.balance.as_ref().unwrap());
        assert_eq!(weigh(&mut scale, "@\r\n").await, "I4 A \"SIM-BALANCE\"");
        assert_eq!(weigh(&mut scale, "SI\r\n").await, "S S    5.00000 g");
        hosted.power(1, true).await;
        let Hosted { link, mut up, down: _down, .. } = hosted;
        // What comes up has to be taken, or the host gives up.
        tokio::spawn(async move { while let Ok(Some(_)) = up.next_line().await {} });
        let mut port = open(&link);
        let mut seq = 0..;
        let mut next = || seq.next().unwrap();
        loop {
            let Response::Status(status) = ask(&mut port, next(), Command::Status).await else { panic!("no status") };
            if status.state == State::Stopped {
                break;
            }
        }
        let bolus = Command::ProgramBolus { volume_nl: 10_000, duration_ms: 10_000 };
        assert_eq!(ask(&mut port, next(), bolus).await, Response::Accepted);
        assert_eq!(ask(&mut port, next(), Command::Start).await, Response::Accepted);
        // Ten strokes of 1 µL; most of each leaves the tip within the second.
        let mut last = 5.0;
        while last < 5.005 {
            let line = weigh(&mut scale, "SI\r\n").await;
            let shown: f64 = line[3..].trim_end_matches(" g").trim().parse().unwrap_or_else(|_| panic!("`{line}`"));
            assert!(shown >= last && shown < 5.012, "{line}");
            last = shown;
        }
    })
    .await
    .unwrap();
}
