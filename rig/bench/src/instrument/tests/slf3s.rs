use embedded_hal::i2c::{self, ErrorKind, I2c, Operation};
use rig_model::quantity::Flow;

use super::{Fault, NACK, Time, Wiring, bus};
use crate::instrument::{End, Flags, FlowSample, Fluid, Identity, InstrumentError, RESOLUTION, Reading, Slf3s};

/// What an SLF3S is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Idle {
        from: u64,
    },
    /// The first half of the identity command was heard.
    Asked,
    /// Both halves were; the next read gets the identity.
    Telling,
    Measuring {
        since: u64,
        fluid: Fluid,
    },
}

/// An SLF3S-0600F with its states, its times and its checksums.
#[derive(Debug)]
struct Model {
    time: Time,
    wiring: Wiring,
    doing: Doing,
    product: u32,
    serial: u64,
    /// Steps of flow for water and for isopropanol.
    steps: [i16; 2],
    temperature: i16,
    flags: u16,
    /// This bit of the next frames is flipped.
    flipped: Option<usize>,
    /// From start to the first sample.
    first_sample: u64,
    /// Some acknowledge a stop while idle, some do not.
    acknowledges_stop: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            time: Time::default(),
            wiring: Wiring::Sound,
            doing: Doing::Idle { from: 0 },
            product: 0x0703_0302,
            serial: 0x0000_0001_2345_6789,
            steps: [347, 120],
            temperature: 4_720,
            flags: 0,
            flipped: None,
            first_sample: 12_000_000,
            acknowledges_stop: false,
        }
    }

    fn command(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let now = self.time.now();
        let [high, low] = bytes else { panic!("a command is two bytes: {bytes:?}") };
        self.doing = match (u16::from_be_bytes([*high, *low]), self.doing) {
            (0x3ff9, Doing::Measuring { .. }) => Doing::Idle { from: now + 500_000 },
            (_, Doing::Idle { from }) if now < from => return Err(NACK),
            (0x3ff9, idle) if self.acknowledges_stop => idle,
            (0x367c, Doing::Idle { .. } | Doing::Asked | Doing::Telling) => Doing::Asked,
            (0xe102, Doing::Asked) => Doing::Telling,
            (0x3608, Doing::Idle { .. } | Doing::Telling) => Doing::Measuring { since: now, fluid: Fluid::Water },
            (0x3615, Doing::Idle { .. } | Doing::Telling) => Doing::Measuring { since: now, fluid: Fluid::Isopropanol },
            _ => return Err(NACK),
        };
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        let words: Vec<u16> = match self.doing {
            Doing::Telling => [self.product >> 16, self.product & 0xffff]
                .into_iter()
                .map(|word| word as u16)
                .chain((0..4).rev().map(|i| (self.serial >> (16 * i)) as u16))
                .collect(),
            Doing::Measuring { since, fluid } if self.time.now() >= since + self.first_sample => {
                // Flags are for the time since the last reading.
                let flags = std::mem::take(&mut self.flags);
                vec![self.steps[fluid as usize] as u16, self.temperature as u16, flags]
            }
            _ => return Err(NACK),
        };
        let mut frame: Vec<u8> =
            words.iter().flat_map(|w| [w.to_be_bytes()[0], w.to_be_bytes()[1], bitwise_crc(&w.to_be_bytes())]).collect();
        if let Some(bit) = self.flipped {
            frame[bit / 8] ^= 0x80 >> (bit % 8);
        }
        buffer.copy_from_slice(&frame[..buffer.len()]);
        Ok(())
    }
}

/// From the data sheet: polynomial x⁸ + x⁵ + x⁴ + 1, initial value 0xff, highest bit first.
fn bitwise_crc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xff, |crc, byte| (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x31 }))
}

#[test]
fn the_model_computes_the_data_sheets_checksum() {
    assert_eq!(bitwise_crc(&[0xbe, 0xef]), 0x92);
}

impl i2c::ErrorType for Model {
    type Error = Fault;
}

impl I2c for Model {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Fault> {
        let [operation] = operations else { panic!("the sensor knows no repeated start: {operations:?}") };
        match (self.wiring, operation) {
            (Wiring::Open, _) => Err(NACK),
            (Wiring::Hangs(kind), _) => Err(Fault(kind)),
            (Wiring::ReadsZeros, Operation::Read(buffer)) => {
                buffer.fill(0);
                Ok(())
            }
            (Wiring::ReadsZeros, Operation::Write(_)) => Ok(()),
            (Wiring::Sound, Operation::Write(bytes)) if address == 0 && **bytes == [0x06] => {
                self.doing = Doing::Idle { from: self.time.now() + 25_000_000 };
                Ok(())
            }
            (Wiring::Sound, _) if address != 0x08 => Err(NACK),
            (Wiring::Sound, Operation::Write(bytes)) => self.command(bytes),
            (Wiring::Sound, Operation::Read(buffer)) => self.read(buffer),
        }
    }
}

/// The model on loan, so that a test can change it between two calls of the driver.
#[derive(Debug)]
struct Shared(std::rc::Rc<std::cell::RefCell<Model>>);

impl i2c::ErrorType for Shared {
    type Error = Fault;
}

impl I2c for Shared {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Fault> {
        self.0.borrow_mut().transaction(address, operations)
    }
}

struct Bed {
    model: std::rc::Rc<std::cell::RefCell<Model>>,
    sensor: Slf3s<Shared, Time>,
}

impl Bed {
    fn new() -> Self {
        let model = Model::new();
        let time = model.time.clone();
        let model = std::rc::Rc::new(std::cell::RefCell::new(model));
        Self { sensor: Slf3s::new(Shared(model.clone()), time, bus()), model }
    }

    fn measuring(fluid: Fluid) -> Self {
        let mut bed = Self::new();
        bed.sensor.start(fluid).unwrap();
        bed
    }

    fn change(&mut self, change: impl FnOnce(&mut Model)) -> &mut Slf3s<Shared, Time> {
        change(&mut self.model.borrow_mut());
        &mut self.sensor
    }

    fn read(&mut self, change: impl FnOnce(&mut Model)) -> FlowSample {
        self.change(change).read().unwrap()
    }

    fn fails(&mut self, change: impl FnOnce(&mut Model)) -> InstrumentError {
        self.change(change).read().unwrap_err()
    }
}

const QUIET: Flags = Flags { air: false, high_flow: false, smoothing: false };

#[test]
fn samples_are_in_the_rigs_units() {
    for (fluid, flow) in [(Fluid::Water, 34.7 * 60.0), (Fluid::Isopropanol, 12.0 * 60.0)] {
        let sample = Bed::measuring(fluid).read(|_| {});
        let Reading::Value(found) = sample.flow else { panic!("{sample:?}") };
        assert!((found - flow).abs() < 1e-9, "{found} µL/h");
        assert_eq!((sample.temperature_c, sample.flags), (23.6, QUIET));
    }
    assert_eq!(RESOLUTION, Flow(6.0));
}

#[test]
fn reverse_flow_and_frost_are_negative() {
    let sample = Bed::measuring(Fluid::Water).read(|model| (model.steps, model.temperature) = ([-25; 2], -100));
    assert_eq!((sample.flow, sample.temperature_c), (Reading::Value(-150.0), -0.5));
}

#[test]
fn it_is_idle_warm_and_identified_before_it_counts() {
    for (doing, acknowledges_stop) in [
        (Doing::Idle { from: 0 }, false),
        (Doing::Idle { from: 0 }, true),
        (Doing::Measuring { since: 0, fluid: Fluid::Isopropanol }, false),
    ] {
        let mut bed = Bed::new();
        let identity = bed.change(|model| (model.doing, model.acknowledges_stop) = (doing, acknowledges_stop)).start(Fluid::Water).unwrap();
        assert_eq!(identity, Identity { product: 0x0703_0302, serial: 0x1_2345_6789 }, "{doing:?}");
        let model = bed.model.borrow();
        let Doing::Measuring { since, fluid: Fluid::Water } = model.doing else { panic!("{:?}", model.doing) };
        assert!(model.time.now() - since >= 60_000_000, "samples before that are not accurate");
    }
}

#[test]
fn ranges_and_saturation_are_told_apart() {
    let mut bed = Bed::measuring(Fluid::Water);
    for (steps, reading) in [
        (0, Reading::Value(0.0)),
        (20_000, Reading::Value(120_000.0)),
        (-20_000, Reading::Value(-120_000.0)),
        (20_001, Reading::Outside(120_006.0)),
        (-20_001, Reading::Outside(-120_006.0)),
        (32_499, Reading::Outside(194_994.0)),
        (32_500, Reading::Saturated(End::High)),
        (i16::MAX, Reading::Saturated(End::High)),
        (-32_500, Reading::Saturated(End::Low)),
        (i16::MIN, Reading::Saturated(End::Low)),
    ] {
        assert_eq!(bed.read(|model| model.steps = [steps; 2]).flow, reading, "{steps}");
    }
}

#[test]
fn flags_are_told_and_spoil_what_they_should() {
    let mut bed = Bed::measuring(Fluid::Water);
    let air = bed.read(|model| model.flags = 1);
    assert_eq!((air.flags, air.measured()), (Flags { air: true, ..QUIET }, None));
    let high = bed.read(|model| model.flags = 2);
    assert_eq!(
        (high.flags, high.flow),
        (Flags { high_flow: true, ..QUIET }, Reading::Saturated(End::High)),
        "the mean was cut off somewhere"
    );
    let smooth = bed.read(|model| model.flags = 1 << 5);
    assert_eq!((smooth.flags, smooth.measured()), (Flags { smoothing: true, ..QUIET }, Some(2_082.0)));
    assert_eq!(bed.read(|_| {}).flags, QUIET, "each is for the time since the reading before");
}

#[test]
fn every_flipped_bit_of_a_sample_is_found() {
    let mut bed = Bed::measuring(Fluid::Water);
    for bit in 0..72 {
        let error = bed.fails(|model| model.flipped = Some(bit));
        let InstrumentError::Checksum { word, .. } = error else { panic!("bit {bit}: {error}") };
        assert_eq!(word, bit / 24 + 1);
    }
    let error = bed.fails(|_| {});
    assert!(
        error.to_string().starts_with("SLF3S-0600F at 0x08 on /dev/i2c-1 sent word 3 with a wrong checksum: shorten the cable"),
        "{error}"
    );
    assert!(bed.change(|model| model.flipped = None).read().is_ok(), "the next is sound again");
}

#[test]
fn every_flipped_bit_of_the_identity_is_found() {
    let mut bed = Bed::new();
    for bit in 0..144 {
        let error = bed.change(|model| model.flipped = Some(bit)).probe().unwrap_err();
        assert!(matches!(error, InstrumentError::Checksum { .. }), "bit {bit}: {error}");
    }
}

#[test]
fn a_sensor_that_is_not_ready_is_asked_again_up_to_a_limit() {
    let mut bed = Bed::measuring(Fluid::Water);
    let begun_anew = |model: &mut Model, wait| {
        model.doing = Doing::Measuring { since: model.time.now(), fluid: Fluid::Water };
        model.first_sample = wait;
    };
    assert!(bed.change(|model| begun_anew(model, 12_000_000)).read().is_ok(), "as late as the data sheet allows");
    let error = bed.fails(|model| begun_anew(model, u64::MAX / 2));
    assert!(matches!(error, InstrumentError::Restarted { .. }), "it is there, and gives nothing: {error}");
}

#[test]
fn a_sensor_that_vanishes_and_one_that_forgets_are_told_apart() {
    let mut bed = Bed::measuring(Fluid::Water);
    let error = bed.fails(|model| model.wiring = Wiring::Open);
    assert!(error.to_string().starts_with("SLF3S-0600F at 0x08 on /dev/i2c-1 does not answer: check its supply"), "{error}");
    let error = bed.fails(|model| (model.wiring, model.doing, model.acknowledges_stop) = (Wiring::Sound, Doing::Idle { from: 0 }, true));
    assert!(matches!(error, InstrumentError::Restarted { .. }), "{error}");
    assert!(matches!(Bed::new().change(|model| model.wiring = Wiring::Open).start(Fluid::Water), Err(InstrumentError::Absent { .. })));
}

#[test]
fn a_stuck_bus_is_named() {
    for wiring in [Wiring::Hangs(ErrorKind::Bus), Wiring::Hangs(ErrorKind::ArbitrationLoss), Wiring::ReadsZeros] {
        let error = Bed::measuring(Fluid::Water).fails(|model| model.wiring = wiring);
        assert!(matches!(error, InstrumentError::Stuck { .. }), "{wiring:?}: {error}");
        let error = Bed::new().change(|model| model.wiring = wiring).probe().unwrap_err();
        assert!(error.to_string().starts_with("SLF3S-0600F at 0x08 on /dev/i2c-1 is out of reach because the bus hangs"), "{error}");
    }
}

#[test]
fn another_product_is_refused_and_another_revision_is_not() {
    let start = |product| Bed::new().change(|model| model.product = product).start(Fluid::Water);
    let error = start(0x0703_0202).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SLF3S-0600F at 0x08 on /dev/i2c-1 is not what is there: product number 0x07030202: \
         connect the right instrument or correct the bench file"
    );
    assert!(start(0x0703_0309).is_ok());
}

#[test]
fn a_probe_tells_product_and_serial_number() {
    let probe = Bed::new().sensor.probe().unwrap();
    assert_eq!(probe.sentence, "SLF3S-0600F at 0x08 on /dev/i2c-1 is product 0x07030302, serial number 4886718345");
    assert_eq!(probe.identity, Some(Identity { product: 0x0703_0302, serial: 4_886_718_345 }));
}

#[test]
fn it_can_be_stopped_and_reset() {
    let mut bed = Bed::measuring(Fluid::Water);
    bed.sensor.stop().unwrap();
    assert!(matches!(bed.model.borrow().doing, Doing::Idle { .. }));
    bed.sensor.reset_bus().unwrap();
    assert!(bed.sensor.start(Fluid::Water).is_ok(), "power-up was waited for");
}
