//! Air and liquid, as the operator states them on the command line: with their units, and only what can be in a room with a pump.

use rig_model::fact::Environment;
use rig_model::quantity::Dimension;
use rig_scenario::quantity;

/// In °C, in which people and pumps are tested.
const TEMPERATURE: (f64, f64) = (0.0, 50.0);
/// In %.
const HUMIDITY: (f64, f64) = (1.0, 100.0);
/// In hPa: from the highest towns to the deepest mines.
const AIR_PRESSURE: (f64, f64) = (500.0, 1_200.0);
/// In characters.
const MAX_LIQUID: usize = 200;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Stated {
    /// Temperature at the bench: `22.5 °C`
    #[arg(long, value_name = "TEMPERATURE", value_parser = temperature, allow_hyphen_values = true)]
    temperature: Option<f64>,
    /// Relative humidity: `41 %`
    #[arg(long, value_name = "RATIO", value_parser = humidity)]
    humidity: Option<f64>,
    /// Air pressure, absolute: `1009 hPa`
    #[arg(long, value_name = "PRESSURE", value_parser = air_pressure)]
    air_pressure: Option<f64>,
    /// What is pumped, with its lot: `water, lot 17`
    #[arg(long, value_name = "WORDS", value_parser = liquid)]
    liquid: Option<String>,
}

impl Stated {
    /// Nothing where nothing is stated.
    pub fn environment(&self) -> Option<Environment> {
        let Self { temperature, humidity, air_pressure, liquid } = self.clone();
        Some(Environment { temperature, humidity, air_pressure, liquid }).filter(|stated| *stated != Environment::default())
    }
}

fn temperature(text: &str) -> Result<f64, String> {
    let example = || format!("`{text}` is no temperature; for example `22.5 °C`");
    let number = text.trim().strip_suffix("°C").ok_or_else(example)?;
    within(number.trim().parse().map_err(|_| example())?, TEMPERATURE, "°C")
}

fn humidity(text: &str) -> Result<f64, String> {
    within(quantity(text, &[Dimension::Ratio])?.value, HUMIDITY, "%")
}

/// In hPa, as a barometer shows it; or in a unit of scenario files.
fn air_pressure(text: &str) -> Result<f64, String> {
    let value = match text.trim().strip_suffix("hPa") {
        Some(number) => number.trim().parse().map_err(|_| format!("`{text}` is no pressure; for example `1009 hPa`"))?,
        None => quantity(text, &[Dimension::Pressure])?.value * 10.0,
    };
    within(value, AIR_PRESSURE, "hPa")
}

fn liquid(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_LIQUID || text.chars().any(char::is_control) {
        return Err(format!("the liquid and its lot in 1 to {MAX_LIQUID} characters on one line; for example `water, lot 17`"));
    }
    Ok(text.to_owned())
}

fn within(value: f64, (least, most): (f64, f64), unit: &str) -> Result<f64, String> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(format!("{value} {unit} can't be: from {least} {unit} to {most} {unit} is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_has_its_unit_and_can_be() {
        assert_eq!(temperature("22.5 °C"), Ok(22.5));
        assert_eq!(temperature("0°C"), Ok(0.0));
        assert_eq!(humidity("41 %"), Ok(41.0));
        assert_eq!(air_pressure("1009 hPa"), Ok(1009.0));
        assert_eq!(air_pressure("101.3 kPa").map(f64::round), Ok(1013.0));
        assert_eq!(liquid(" water, lot 17 "), Ok("water, lot 17".to_owned()));
        for (found, words) in [
            (temperature("22.5"), "`22.5` is no temperature"),
            (temperature("72.5 °F"), "`72.5 °F` is no temperature"),
            (temperature("NaN °C"), "NaN °C can't be"),
            (temperature("-3 °C"), "-3 °C can't be: from 0 °C to 50 °C is taken"),
            (temperature("295 °C"), "295 °C can't be"),
            (humidity("0.41"), "`0.41` has no unit"),
            (humidity("0 %"), "0 % can't be"),
            (humidity("141 %"), "141 % can't be"),
            (air_pressure("1009"), "`1009` has no unit"),
            (air_pressure("inf hPa"), "inf hPa can't be"),
            (air_pressure("1.009 hPa"), "1.009 hPa can't be"),
            (air_pressure("1009 mL"), "`1009 mL` is a volume"),
        ] {
            let error = found.expect_err(words);
            assert!(error.starts_with(words), "{error}");
        }
        for text in ["", "  ", "water\nlot 17", "water\u{1b}", &"w".repeat(201)] {
            assert!(liquid(text).is_err(), "{text:?}");
        }
    }
}
