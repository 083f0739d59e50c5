use pump_link::{Command, FromPump, Notice, Request};
use rig_model::quantity::Pressure;

use super::*;

const NOWHERE: Around = Around { reservoir: Volume(20_000.0), pressure: Pressure(1.0) };

fn notice(state: State) -> Vec<u8> {
    frame(&FromPump::Notice { number: 1, uptime_us: 0, notice: Notice::State(state) })
}

fn start(seq: u16) -> Vec<u8> {
    frame(&Request { session: 7, seq, command: Command::Start })
}

fn faults(seams: &[Seam]) -> Faults {
    Faults::new(seams.into(), 1)
}

#[test]
fn a_sound_pump_is_left_alone() {
    let mut faults = faults(&[]);
    assert_eq!(faults.bytes_from_pump(RigTime(1), notice(State::Bolus)), notice(State::Bolus));
    assert_eq!(*faults.bytes_to_pump(RigTime(1), &start(1)), *start(1));
    assert_eq!(faults.stroke(RigTime(1), Volume(1.0), Span(1), NOWHERE), Some(1.0));
    assert_eq!((faults.next(), faults.gain(), faults.pressure(Pressure(50.0)).0), (None, 1.0, 50.0));
    assert_eq!((faults.tone(RigTime(1), true), faults.button(RigTime(1), true)), (Some(true), Some(true)));
    let mut memory = Some(vec![1]);
    faults.stored(&[1]);
    faults.forget(&mut memory);
    faults.remember(&mut memory);
    assert_eq!(memory, Some(vec![1]));
}

#[test]
fn only_a_repeated_start_is_echoed_and_only_after_the_bolus() {
    let program = frame(&Request { session: 7, seq: 1, command: Command::ProgramBolus { volume_nl: 1, duration_ms: 1 } });
    for (second_start, echoed) in [(2, true), (3, false)] {
        let mut faults = faults(&[Seam::RepeatedStart { after_s: 0.5 }]);
        faults.bytes_to_pump(RigTime(0), &program);
        faults.bytes_to_pump(RigTime(1), &start(2));
        faults.bytes_from_pump(RigTime(2), notice(State::Bolus));
        faults.bytes_to_pump(RigTime(3), &start(second_start));
        assert_eq!(faults.next(), None);
        faults.bytes_from_pump(RigTime(9), notice(State::Stopped));
        assert_eq!(faults.next(), echoed.then_some(RigTime(9) + Span::milliseconds(500)));
    }
}
