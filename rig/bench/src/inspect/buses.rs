//! Buses that are there, and instruments that answer on them.

use std::path::Path;

use rig_model::bench::{Bench, Bus, Device, Wiring};

use super::{Finding, Ground, access};
use crate::instrument::{Ads1115, AdsSettings, DataRate, Delay, FullScale, I2cBus, InstrumentError, Mcp3208, Probe, Slf3s, open_spi};

pub(super) fn look(bench: &Bench, ground: &Ground) -> Vec<Finding> {
    let on_buses = bench.channels.iter().filter_map(|channel| match &channel.wiring {
        Some(Wiring::Bus(bus)) => Some((&channel.name, bus)),
        _ => None,
    });
    on_buses.map(|(name, bus)| judge(name, probe(bus, &ground.path(&bus.path)))).collect()
}

/// Asks the instrument who it is, as far as it can tell.
fn probe(bus: &Bus, path: &Path) -> Result<Probe, InstrumentError> {
    match bus.device {
        Device::Mcp3208 { input, .. } => Mcp3208::new(open_spi(path, Mcp3208::<()>::CLOCK_HZ)?, path, input)?.probe(),
        Device::Ads1115 { address, input, .. } => {
            // Nothing is converted: any range and rate do.
            let settings = AdsSettings { input, full_scale: FullScale::V4_096, rate: DataRate::Hz128 };
            Ads1115::new(I2cBus::open(path)?, Delay, path, address, settings)?.probe()
        }
        Device::Slf3s0600f { .. } => Slf3s::new(I2cBus::open(path)?, Delay, path).probe(),
    }
}

fn judge(name: &str, probed: Result<Probe, InstrumentError>) -> Finding {
    match probed {
        Ok(probe) => Finding::good(name, probe.sentence),
        Err(InstrumentError::BusDenied { bus }) => {
            Finding::bad(name, format!("bus {} may not be opened by this user", bus.display()), access::remedy(&bus))
        }
        Err(error) => Finding::of_error(name, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::State;
    use crate::instrument::Place;

    #[test]
    fn what_is_wrong_with_an_instrument_is_told_with_what_to_do() {
        let place = || Place { instrument: "ADS1115", bus: "/dev/i2c-1".into(), address: Some(0x48) };
        for (error, words, remedy) in [
            (InstrumentError::BusMissing { bus: "/dev/i2c-1".into() }, "bus /dev/i2c-1 is not there", "switch it on"),
            (InstrumentError::Absent { place: place() }, "ADS1115 at 0x48 on /dev/i2c-1 does not answer", "check its supply"),
            (InstrumentError::BusDenied { bus: "/dev/nonexistent-bus".into() }, "may not be opened by this user", "ls -l"),
        ] {
            let found = judge("pressure.line", Err(error));
            assert_eq!((found.what.as_str(), found.state), ("pressure.line", State::Bad));
            assert!(found.words.contains(words), "{found:?}");
            assert!(found.remedy.as_ref().is_some_and(|r| r.contains(remedy)), "{found:?}");
        }
        let sentence = "ADS1115 at 0x48 on /dev/i2c-1 keeps its configuration".to_owned();
        let good = judge("pressure.line", Ok(Probe { place: place(), identity: None, sentence: sentence.clone() }));
        assert_eq!((good.state, good.words), (State::Good, sentence));
    }
}
