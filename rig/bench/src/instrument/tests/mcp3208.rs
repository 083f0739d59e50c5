use std::convert::Infallible;
use std::path::Path;

use embedded_hal::spi::{self, Operation, SpiDevice};

use crate::instrument::{Conversion, End, InstrumentError, Mcp3208};

/// An MCP3208 that follows the clock bit by bit.
#[derive(Debug, Default)]
struct Model {
    /// Codes at the eight inputs, single-ended.
    codes: [u16; 8],
    /// What the line is at while the device drives nothing.
    idle_high: bool,
    absent: bool,
    selections: u32,
}

impl Model {
    /// One frame between the edges of chip select.
    fn frame(&mut self, sent: &[u8]) -> Vec<u8> {
        self.selections += 1;
        let bit_of = |bytes: &[u8], i: usize| bytes[i / 8] >> (7 - i % 8) & 1;
        let mut received = vec![0; sent.len()];
        let start = (0..sent.len() * 8).find(|i| bit_of(sent, *i) == 1);
        for i in 0..sent.len() * 8 {
            let driven = start.filter(|_| !self.absent).and_then(|start| {
                // Start, SGL/DIFF, D2, D1, D0, one clock to sample, then the null bit and the code.
                let address = (2..5).fold(0, |n, j| n << 1 | bit_of(sent, start + j));
                assert_eq!(bit_of(sent, start + 1), 1, "single-ended");
                match i.checked_sub(start + 6)? {
                    0 => Some(0),
                    n @ 1..=12 => Some((self.codes[usize::from(address)] >> (12 - n)) as u8 & 1),
                    _ => None,
                }
            });
            received[i / 8] |= driven.unwrap_or(u8::from(self.idle_high)) << (7 - i % 8);
        }
        received
    }
}

impl spi::ErrorType for Model {
    type Error = Infallible;
}

impl SpiDevice for Model {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let [Operation::Transfer(read, write)] = operations else { panic!("one transfer under one chip select: {operations:?}") };
        read.copy_from_slice(&self.frame(write));
        Ok(())
    }
}

fn adc(model: Model, input: u8) -> Mcp3208<Model> {
    Mcp3208::new(model, Path::new("/dev/spidev0.0"), input).unwrap()
}

#[test]
fn each_input_gives_its_own_code() {
    let codes = [1, 0x800, 0x7ff, 0xaaa, 0x555, 4_094, 123, 0xf0f];
    for idle_high in [false, true] {
        for (input, code) in (0..).zip(codes) {
            let mut adc = adc(Model { codes, idle_high, ..Model::default() }, input);
            assert_eq!(adc.convert().unwrap(), Conversion::Code(i32::from(code)), "input {input}");
        }
    }
}

#[test]
fn the_ends_of_the_scale_are_saturation() {
    for (code, end) in [(0, End::Low), (4_095, End::High)] {
        let mut adc = adc(Model { codes: [code; 8], ..Model::default() }, 3);
        assert_eq!(adc.convert().unwrap(), Conversion::Saturated(end));
        assert!(adc.probe().unwrap().sentence.contains("check"));
    }
}

#[test]
fn a_missing_null_bit_is_a_missing_converter() {
    let mut adc = adc(Model { absent: true, idle_high: true, ..Model::default() }, 0);
    let error = adc.convert().unwrap_err();
    assert!(matches!(error, InstrumentError::OtherDevice { .. }));
    assert_eq!(
        error.to_string(),
        "MCP3208 on /dev/spidev0.0 is not what is there: the null bit before the code is 1: connect the right instrument or correct the bench file"
    );
    assert!(adc.probe().is_err());
}

#[test]
fn a_probe_says_what_it_saw() {
    let probe = adc(Model { codes: [700; 8], ..Model::default() }, 2).probe().unwrap();
    assert_eq!(probe.sentence, "MCP3208 on /dev/spidev0.0 sends its null bit; input 2 gives code 700");
    assert_eq!(probe.identity, None);
}

#[test]
fn there_are_eight_inputs() {
    let error = Mcp3208::new(Model::default(), Path::new("/dev/spidev0.0"), 8).unwrap_err();
    assert_eq!(error.to_string(), "MCP3208: input 8 is not one of 0 to 7: correct the bench file");
}
