use embedded_hal::i2c::{self, ErrorKind, I2c, Operation};

use super::{BUS, Fault, NACK, Time, Wiring, bus};
use crate::instrument::{Ads1115, AdsSettings, Conversion, DataRate, End, FullScale, InstrumentError};

/// An ADS1115 with its four registers, and conversions that take their time.
#[derive(Debug)]
struct Model {
    time: Time,
    address: u8,
    wiring: Wiring,
    /// Volts at the four inputs.
    volts: [f64; 4],
    pointer: usize,
    /// Conversion, configuration, low and high threshold.
    registers: [u16; 4],
    /// When the conversion under way is done.
    busy_until: Option<u64>,
    /// Its oscillator against the nominal one; the data sheet allows ±10 %.
    oscillator: f64,
    /// After so many more transfers its supply is interrupted.
    reset_in: Option<u32>,
    /// A register file that takes what is written but is no ADS1115: it forces these bits.
    forced: u16,
}

const POWER_UP: [u16; 4] = [0, 0x8583, 0x8000, 0x7fff];

impl Model {
    fn new(time: &Time, volts: [f64; 4]) -> Self {
        Self {
            time: time.clone(),
            address: 0x48,
            wiring: Wiring::Sound,
            volts,
            pointer: 0,
            registers: POWER_UP,
            busy_until: None,
            oscillator: 1.0,
            reset_in: None,
            forced: 0,
        }
    }

    fn settle(&mut self) {
        if self.busy_until.is_some_and(|done| self.time.now() >= done) {
            self.busy_until = None;
            self.registers[0] = self.code();
        }
        self.registers[1] = self.registers[1] & 0x7fff | u16::from(self.busy_until.is_none()) << 15;
    }

    /// The input that the multiplexer has chosen, in the chosen range.
    fn code(&self) -> u16 {
        let config = self.registers[1];
        let volts = match config >> 12 & 7 {
            0 => self.volts[0] - self.volts[1],
            input @ 4.. => self.volts[usize::from(input - 4)],
            _ => panic!("an input that the rig does not use"),
        };
        let range = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256][usize::from(config >> 9 & 7)];
        (volts / range * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16 as u16
    }

    fn write(&mut self, bytes: &[u8]) {
        self.pointer = usize::from(bytes[0] & 3);
        if let [_, high, low] = bytes {
            let value = u16::from_be_bytes([*high, *low]) | self.forced;
            self.registers[self.pointer] = value;
            if self.pointer == 1 && value & 0x8000 != 0 {
                let rate = [8.0, 16.0, 32.0, 64.0, 128.0, 250.0, 475.0, 860.0][usize::from(value >> 5 & 7)];
                self.busy_until = Some(self.time.now() + (1e9 / rate / self.oscillator) as u64 + 25_000);
            }
        }
    }

    fn reset(&mut self) {
        (self.registers, self.pointer, self.busy_until) = (POWER_UP, 0, None);
    }
}

impl i2c::ErrorType for Model {
    type Error = Fault;
}

impl I2c for Model {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Fault> {
        match self.wiring {
            Wiring::Hangs(kind) => return Err(Fault(kind)),
            Wiring::ReadsZeros => {
                operations.iter_mut().for_each(|o| {
                    if let Operation::Read(buffer) = o {
                        buffer.fill(0);
                    }
                });
                return Ok(());
            }
            Wiring::Open => return Err(NACK),
            Wiring::Sound if address != self.address => return Err(NACK),
            Wiring::Sound => {}
        }
        if let Some(left) = &mut self.reset_in {
            if *left == 0 {
                self.reset_in = None;
                self.reset();
            } else {
                *left -= 1;
            }
        }
        for operation in operations {
            self.settle();
            match operation {
                Operation::Write(bytes) => self.write(bytes),
                Operation::Read(buffer) => buffer.copy_from_slice(&self.registers[self.pointer].to_be_bytes()),
            }
        }
        Ok(())
    }
}

fn settings(input: u8, full_scale: FullScale, rate: DataRate) -> AdsSettings {
    AdsSettings { input, full_scale, rate }
}

const USUAL: AdsSettings = AdsSettings { input: 1, full_scale: FullScale::V2_048, rate: DataRate::Hz128 };

fn adc(model: Model, settings: AdsSettings) -> Ads1115<Model, Time> {
    let (time, address) = (model.time.clone(), model.address);
    Ads1115::new(model, time, bus(), address, settings).unwrap()
}

fn model() -> Model {
    Model::new(&Time::default(), [0.1, 1.024, 0.3, -0.02])
}

/// What comes of a conversion after this was done to the device.
fn converted(change: impl FnOnce(&mut Model)) -> Result<Conversion, InstrumentError> {
    let mut model = model();
    change(&mut model);
    adc(model, USUAL).convert()
}

#[test]
fn every_input_range_and_rate_converts() {
    let ranges = [(FullScale::V6_144, 6.144), (FullScale::V4_096, 4.096), (FullScale::V2_048, 2.048), (FullScale::V1_024, 1.024)];
    let rates = [
        (DataRate::Hz8, 8.0),
        (DataRate::Hz16, 16.0),
        (DataRate::Hz32, 32.0),
        (DataRate::Hz64, 64.0),
        (DataRate::Hz128, 128.0),
        (DataRate::Hz250, 250.0),
        (DataRate::Hz475, 475.0),
        (DataRate::Hz860, 860.0),
    ];
    let volts = [0.1, 1.0, 0.3, -0.02];
    for (input, volt) in (0..).zip(volts) {
        for (range, full) in ranges {
            for (rate, per_second) in rates {
                let time = Time::default();
                let conversion = adc(Model::new(&time, volts), settings(input, range, rate)).convert().unwrap();
                assert_eq!(conversion, Conversion::Code((volt / full * 32_768.0_f64).round() as i32), "{input} {range:?} {rate:?}");
                assert!(time.now() as f64 >= 1e9 / per_second, "it waited for the conversion");
            }
        }
    }
}

#[test]
fn the_narrow_ranges_convert() {
    for (range, full) in [(FullScale::V0_512, 0.512), (FullScale::V0_256, 0.256)] {
        let conversion = adc(model(), settings(0, range, DataRate::Hz860)).convert().unwrap();
        assert_eq!(conversion, Conversion::Code((0.1 / full * 32_768.0_f64).round() as i32));
    }
}

#[test]
fn the_ends_of_the_codes_are_saturation() {
    for (volts, end) in [(2.1, End::High), (-2.1, End::Low)] {
        assert_eq!(converted(|model| model.volts = [volts; 4]).unwrap(), Conversion::Saturated(end));
    }
}

#[test]
fn a_slow_oscillator_is_waited_for_up_to_a_limit() {
    assert!(converted(|model| model.oscillator = 0.91).is_ok(), "what the data sheet allows");
    assert!(converted(|model| model.oscillator = 0.5).is_ok());
    let error = converted(|model| model.oscillator = 1e-3).unwrap_err();
    assert!(error.to_string().starts_with(&format!("ADS1115 at 0x48 on {BUS} was not ready within 17.236 ms")), "{error}");
}

#[test]
fn a_reset_in_between_is_noticed_whenever_it_happens() {
    let conversion = converted(|_| {}).unwrap();
    let (mut noticed, mut harmless) = (0, 0);
    // Write, look, fetch, look again: nothing comes after that.
    for at in 0..6 {
        match converted(|model| model.reset_in = Some(at)) {
            Err(InstrumentError::Restarted { .. }) => noticed += 1,
            Ok(same) if same == conversion => harmless += 1,
            other => panic!("a reset before transfer {at} gives {other:?}"),
        }
    }
    assert_eq!((noticed, harmless), (3, 3), "before the write, and after all, it is harmless");
}

#[test]
fn another_device_at_this_address_is_noticed() {
    let error = converted(|model| model.forced = 0x0010).unwrap_err();
    assert!(error.to_string().contains("configured as 0x5583 it answers 0x5593"), "{error}");
    let mut model = model();
    model.forced = 0x0010;
    assert!(matches!(adc(model, USUAL).probe(), Err(InstrumentError::OtherDevice { .. })));
}

#[test]
fn a_bus_without_the_device_or_without_hope() {
    let error = converted(|model| model.wiring = Wiring::Open).unwrap_err();
    assert!(error.to_string().starts_with("ADS1115 at 0x48 on /dev/i2c-1 does not answer: check its supply"), "{error}");
    for wiring in [Wiring::Hangs(ErrorKind::Bus), Wiring::Hangs(ErrorKind::ArbitrationLoss), Wiring::ReadsZeros] {
        let error = converted(|model| model.wiring = wiring).unwrap_err();
        assert!(matches!(error, InstrumentError::Stuck { .. }), "{wiring:?}: {error}");
        assert!(error.to_string().contains("the bus hangs, SDA or SCL held low"), "{error}");
    }
    let error = converted(|model| model.wiring = Wiring::Hangs(ErrorKind::Other)).unwrap_err();
    assert!(matches!(error, InstrumentError::Transfer { .. }));
}

#[test]
fn a_probe_converts_nothing() {
    let mut adc = adc(model(), USUAL);
    let probe = adc.probe().unwrap();
    assert_eq!(probe.sentence, "ADS1115 at 0x48 on /dev/i2c-1 keeps its configuration 0x5583");
    assert_eq!(adc.convert().unwrap(), Conversion::Code(16_384), "and it can be used at once");
}

#[test]
fn wrong_settings_are_refused() {
    let refused = |address, input| {
        let settings = AdsSettings { input, ..USUAL };
        Ads1115::new(model(), Time::default(), bus(), address, settings).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(refused(0x4b, 3), Ok(()));
    assert_eq!(refused(0x4c, 0), Err("ADS1115: address 0x4c is not one of 0x48 to 0x4b: correct the bench file".to_owned()));
    assert_eq!(refused(0x48, 4), Err("ADS1115: input 4 is not one of 0 to 3: correct the bench file".to_owned()));
}
