//! CRC-32 (ISO-HDLC), over messages here and over stored settings in the pump.

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

/// A board spends 1 KiB on the table; a host, where the checksum is most of the cost of a frame, spends 16 KiB to do 16 bytes at a time.
#[cfg(target_os = "none")]
type Lanes = Table<1>;
#[cfg(not(target_os = "none"))]
type Lanes = Table<16>;
static CRC: Crc<u32, Lanes> = Crc::<u32, Lanes>::new(&CRC_32_ISO_HDLC);

/// CRC-32/ISO-HDLC: polynomial 0x04C11DB7 reflected, initial value and final XOR 0xFFFFFFFF. `crc32(b"123456789") == 0xCBF43926`.
///
/// 32 bits because garbage on the line is a daily event over months of running: one bad frame a second gets through
/// 16 bits about once in 18 h, through 32 bits about once in 136 years.
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// The same over bytes that come in pieces.
pub struct Crc32(Digest<'static, u32, Lanes>);

impl Crc32 {
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_value_of_the_catalogue() {
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
    }
}
