//! The reference maker: binary frames.

use pump_link::{
    Alarms, Command, Decoder, FromPump, Identity, LogCode, LogEntry, MAX_FRAME, Notice, Response, Status, decode_request, encode,
};
use rig_dut::Session;
use rig_model::bench::Link;
use rig_model::dut::{Alarm, DutReport, PumpState, Refusal, Verb};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;

use super::{Say, Wire};

pub const SESSION: u32 = 0xC0FFEE;

#[derive(Default)]
pub struct LinkPump {
    decoder: Decoder,
}

impl Wire for LinkPump {
    fn session(&self, link: &Link) -> Session {
        Session::new(link, SESSION).expect("the bench names pump-link")
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<(u16, Verb, u32)> {
        let mut heard = Vec::new();
        self.decoder.push(bytes, |message| {
            let Ok(Ok(request)) = message.map(decode_request) else { return };
            assert_eq!(request.session, SESSION);
            heard.push((request.seq, verb(request.command), if let Command::ReadLog { from } = request.command { from } else { 0 }));
        });
        heard
    }

    fn say(&self, what: &Say) -> Vec<u8> {
        let reply = |seq: &u16, response| FromPump::Reply { session: SESSION, seq: *seq, response };
        frame(&match what {
            Say::Accepted(tag) => reply(tag, Response::Accepted),
            Say::Refused(tag, refusal) => reply(tag, Response::Refused(code(*refusal))),
            Say::Identity(tag) => reply(tag, Response::Identity(identity())),
            Say::Status(tag) => reply(tag, Response::Status(status())),
            Say::Log(tag, from, to) => {
                let entry = |number| LogEntry { number, uptime_us: 5, code: LogCode::PowerOn, value: number };
                reply(tag, Response::Log { entries: (*from..=*to).map(entry).collect() })
            }
            Say::Notice(report) => FromPump::Notice { number: 1, uptime_us: 5, notice: notice(report) },
            Say::Garbage => return b"\xFFno frame\0".to_vec(),
        })
    }
}

pub fn frame(message: &FromPump) -> Vec<u8> {
    encode(message, &mut [0; MAX_FRAME]).expect("it fits").to_vec()
}

fn verb(command: Command) -> Verb {
    let volume = |nl: u32| Volume(f64::from(nl) / 1e3);
    match command {
        Command::Identify => Verb::Identify,
        Command::Status => Verb::Status,
        Command::FactoryReset => Verb::FactoryReset,
        Command::ProgramBasal { rate_nl_h } => Verb::ProgramBasal { rate: Flow(f64::from(rate_nl_h) / 1e3) },
        Command::ProgramBolus { volume_nl, duration_ms } => {
            Verb::ProgramBolus { volume: volume(volume_nl), over: Span::milliseconds(duration_ms.into()) }
        }
        Command::ProgramPriming { volume_nl } => Verb::ProgramPriming { volume: volume(volume_nl) },
        Command::Start => Verb::Start,
        Command::Stop => Verb::Stop,
        Command::Acknowledge => Verb::Acknowledge,
        Command::Refill { volume_nl } => Verb::Refill { volume: volume(volume_nl) },
        Command::ReadLog { .. } => Verb::ReadLog,
        other => panic!("the script knows no {other:?}"),
    }
}

fn code(refusal: Refusal) -> pump_link::Refusal {
    match refusal {
        Refusal::AlarmLatched => pump_link::Refusal::AlarmLatched,
        other => panic!("the script refuses with {other}"),
    }
}

fn notice(report: &DutReport) -> Notice {
    match report {
        DutReport::AlarmOn(Alarm::Occlusion) => Notice::AlarmOn(pump_link::Alarm::Occlusion),
        DutReport::AlarmOff(Alarm::Occlusion) => Notice::AlarmOff(pump_link::Alarm::Occlusion),
        DutReport::State(PumpState::Halted) => Notice::State(pump_link::State::Halted),
        DutReport::Restarted => Notice::Restarted,
        other => panic!("the script says {other:?}"),
    }
}

fn identity() -> Identity {
    let text = |text: &str| text.try_into().expect("it fits");
    Identity { model: text("PUMP-20"), serial: text("0001"), firmware_version: text("1.2.3"), build_hash: [0xAB; 20], protocol_version: 1 }
}

fn status() -> Status {
    Status {
        state: pump_link::State::Stopped,
        alarms: Alarms::NONE,
        reservoir_nl: 20_000_000,
        delivered_nl: 0,
        basal_nl_h: 20_833,
        bolus_left_nl: 0,
        strokes: 0,
        resets: 0,
        uptime_us: 5,
    }
}
