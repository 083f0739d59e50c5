//! Two-point calibration of an analogue pressure sensor: codes of the converter to kPa.

use super::{Conversion, Reading};

/// One point of the calibration: the code that the converter gave at a known pressure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub code: i32,
    pub kpa: f64,
}

/// The straight line through two points. Between them a reading is a value; beyond them it is marked as outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    low: Point,
    high: Point,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    #[error("both points of the calibration have code {code}: take them at two pressures that the converter tells apart")]
    EqualCodes { code: i32 },
    #[error("both points of the calibration are at {kpa} kPa: take them at two different pressures")]
    EqualPressures { kpa: f64 },
    #[error("the calibration has a pressure that is no number: enter both in kPa")]
    NoNumber,
}

impl Calibration {
    /// In either order; the code may fall with rising pressure.
    pub fn new(one: Point, other: Point) -> Result<Self, CalibrationError> {
        if !(one.kpa.is_finite() && other.kpa.is_finite()) {
            return Err(CalibrationError::NoNumber);
        }
        if one.code == other.code {
            return Err(CalibrationError::EqualCodes { code: one.code });
        }
        if one.kpa == other.kpa {
            return Err(CalibrationError::EqualPressures { kpa: one.kpa });
        }
        let (low, high) = if one.code < other.code { (one, other) } else { (other, one) };
        Ok(Self { low, high })
    }

    /// What a conversion means in kPa.
    pub fn read(&self, conversion: Conversion) -> Reading {
        match conversion {
            Conversion::Code(code) if (self.low.code..=self.high.code).contains(&code) => Reading::Value(self.kpa(code)),
            Conversion::Code(code) => Reading::Outside(self.kpa(code)),
            Conversion::Saturated(end) if self.low.kpa > self.high.kpa => Reading::Saturated(end.opposite()),
            Conversion::Saturated(end) => Reading::Saturated(end),
        }
    }

    fn kpa(&self, code: i32) -> f64 {
        let share = (f64::from(code) - f64::from(self.low.code)) / (f64::from(self.high.code) - f64::from(self.low.code));
        // In this form both points come out exactly.
        self.low.kpa * (1.0 - share) + self.high.kpa * share
    }
}

#[cfg(test)]
mod tests {
    use super::super::End;
    use super::*;

    fn calibration(low: (i32, f64), high: (i32, f64)) -> Result<Calibration, CalibrationError> {
        Calibration::new(Point { code: low.0, kpa: low.1 }, Point { code: high.0, kpa: high.1 })
    }

    #[test]
    fn the_line_goes_through_both_points() {
        let c = calibration((400, 0.0), (3_600, 160.0)).unwrap();
        for (code, reading) in [
            (400, Reading::Value(0.0)),
            (3_600, Reading::Value(160.0)),
            (2_000, Reading::Value(80.0)),
            (399, Reading::Outside(-0.05)),
            (4_000, Reading::Outside(180.0)),
        ] {
            match (c.read(Conversion::Code(code)), reading) {
                (Reading::Value(a), Reading::Value(b)) | (Reading::Outside(a), Reading::Outside(b)) => {
                    assert!((a - b).abs() < 1e-12, "{code}")
                }
                (a, b) => panic!("{code}: {a:?} is not {b:?}"),
            }
        }
        assert_eq!(calibration((3_600, 160.0), (400, 0.0)).unwrap(), c, "the order does not matter");
    }

    #[test]
    fn a_saturated_converter_gives_no_value() {
        let rising = calibration((400, 0.0), (3_600, 160.0)).unwrap();
        let falling = calibration((400, 160.0), (3_600, 0.0)).unwrap();
        for (end, of_rising, of_falling) in [(End::Low, End::Low, End::High), (End::High, End::High, End::Low)] {
            assert_eq!(rising.read(Conversion::Saturated(end)), Reading::Saturated(of_rising));
            assert_eq!(falling.read(Conversion::Saturated(end)), Reading::Saturated(of_falling), "the end is one of the pressure");
        }
        assert_eq!(rising.read(Conversion::Saturated(End::High)).measured(), None);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        assert_eq!(calibration((400, 0.0), (400, 160.0)), Err(CalibrationError::EqualCodes { code: 400 }));
        assert_eq!(calibration((400, 7.0), (900, 7.0)), Err(CalibrationError::EqualPressures { kpa: 7.0 }));
        assert_eq!(calibration((400, f64::NAN), (900, 7.0)), Err(CalibrationError::NoNumber));
        assert!(calibration((i32::MIN, 0.0), (i32::MAX, 1.0)).is_ok());
    }
}
