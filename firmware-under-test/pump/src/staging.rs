//! What is programmed and not yet in force: put aside, read back, confirmed or forgotten.

use heapless::Vec;
use pump_link::{Command, READ_BACK_PAGE, Refusal, Response, parts_checksum};

use crate::config::Config;
use crate::rules::PARTS_MAX;
use crate::time::Micros;

#[derive(Debug, Clone, Default)]
pub struct Staging {
    parts: Vec<Command, { PARTS_MAX as usize }>,
    /// How many of them, from the first on, were read back since the last change.
    read: usize,
    /// When the last one came, or was confirmed.
    since: Micros,
}

impl Staging {
    pub fn parts(&self) -> &[Command] {
        &self.parts
    }

    pub fn put(&mut self, part: Command, now: Micros, config: &Config) -> Result<(), Refusal> {
        if self.parts.len() >= usize::from(config.rules.parts_max) {
            self.drop_superseded();
        }
        if self.parts.len() >= usize::from(config.rules.parts_max) || self.parts.push(part).is_err() {
            return Err(Refusal::ScheduleFull);
        }
        self.read = 0;
        self.since = now;
        Ok(())
    }

    /// A page from this part on. Reading without gaps from the first part to the last is what a confirmation asks for.
    pub fn page(&mut self, from: u32) -> Response {
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(self.parts.len());
        let parts: Vec<Command, READ_BACK_PAGE> = self.parts.iter().skip(from).take(READ_BACK_PAGE).copied().collect();
        let next = from.saturating_add(parts.len());
        if from <= self.read {
            self.read = self.read.max(next);
        }
        let next = if next < self.parts.len() { u32::try_from(next).unwrap_or(0) } else { 0 };
        Response::ReadBack { next, checksum: parts_checksum(&self.parts), parts }
    }

    /// Whether all of it was read back as it is, and this is its checksum.
    pub fn confirmed_by(&self, checksum: u32) -> Result<(), Refusal> {
        if self.parts.is_empty() {
            Err(Refusal::NothingToConfirm)
        } else if self.read < self.parts.len() || parts_checksum(&self.parts) != checksum {
            Err(Refusal::ConfirmationMismatch)
        } else {
            Ok(())
        }
    }

    /// How many there were.
    pub fn forget(&mut self) -> u32 {
        let count = self.parts.len();
        self.parts.clear();
        self.read = 0;
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Somebody went on with it.
    pub fn touch(&mut self, now: Micros) {
        self.since = now;
    }

    /// When it is forgotten that nobody went on with.
    pub fn forgotten_at(&self, config: &Config) -> Micros {
        self.since.plus(config.rules.forget_programme_us)
    }

    pub fn needs_confirmation(&self, config: &Config) -> bool {
        self.parts.iter().any(|part| match *part {
            Command::ProgramBasal { rate_nl_h } => rate_nl_h > config.rules.soft_basal_nl_h,
            Command::ProgramBolus { volume_nl, .. } => volume_nl > config.rules.soft_bolus_nl,
            Command::ProgramPriming { .. } => false,
            _ => true,
        })
    }

    /// Of basal rates, boluses and primings only the last one of each counts. Who programs on and on without a start is not refused for it.
    fn drop_superseded(&mut self) {
        let last = |of: fn(&Command) -> bool| self.parts.iter().rposition(of);
        let (basal, dose) = (last(is_plain_basal), last(is_plain_dose));
        let mut place = 0_usize;
        self.parts.retain(|part| {
            let kept = (!is_plain_basal(part) || basal == Some(place)) && (!is_plain_dose(part) || dose == Some(place));
            place = place.saturating_add(1);
            kept
        });
    }
}

fn is_plain_basal(part: &Command) -> bool {
    matches!(part, Command::ProgramBasal { .. })
}

fn is_plain_dose(part: &Command) -> bool {
    matches!(part, Command::ProgramBolus { .. } | Command::ProgramPriming { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASAL: Command = Command::ProgramBasal { rate_nl_h: 20_000 };

    fn page(staging: &mut Staging, from: u32) -> (u32, u32, usize) {
        match staging.page(from) {
            Response::ReadBack { next, checksum, parts } => (next, checksum, parts.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_was_read_to_its_end_is_confirmed() {
        let config = Config::default();
        let mut staging = Staging::default();
        assert_eq!(staging.confirmed_by(0), Err(Refusal::NothingToConfirm));
        for _ in 0..7 {
            staging.put(BASAL, Micros::ZERO, &config).unwrap();
        }
        let (next, checksum, parts) = page(&mut staging, 0);
        assert_eq!((next, parts), (5, 5));
        assert_eq!(staging.confirmed_by(checksum), Err(Refusal::ConfirmationMismatch), "two are not read yet");
        assert_eq!(page(&mut staging, 6), (0, checksum, 1));
        assert_eq!(staging.confirmed_by(checksum), Err(Refusal::ConfirmationMismatch), "one was left out");
        assert_eq!(page(&mut staging, 5), (0, checksum, 2));
        assert_eq!(staging.confirmed_by(checksum), Ok(()));
        assert_eq!(staging.confirmed_by(checksum ^ 1), Err(Refusal::ConfirmationMismatch));
        staging.put(BASAL, Micros::ZERO, &config).unwrap();
        assert_eq!(staging.confirmed_by(parts_checksum(staging.parts())), Err(Refusal::ConfirmationMismatch), "altered since");
        assert_eq!(page(&mut staging, u32::MAX).2, 0);
    }

    #[test]
    fn a_full_store_lets_go_of_what_counts_no_more() {
        let config = Config::default();
        let mut staging = Staging::default();
        for n in 0..100 {
            staging.put(Command::ProgramBasal { rate_nl_h: 20_000 + n }, Micros::ZERO, &config).unwrap();
            staging.put(Command::ProgramBolus { volume_nl: 1_000 + n, duration_ms: 60_000 }, Micros::ZERO, &config).unwrap();
        }
        let newest = [Command::ProgramBasal { rate_nl_h: 20_099 }, Command::ProgramBolus { volume_nl: 1_099, duration_ms: 60_000 }];
        assert!(staging.parts().ends_with(&newest));
        staging.forget();
        for _ in 0..32 {
            staging.put(Command::ProgramMinimum, Micros::ZERO, &config).unwrap();
        }
        assert_eq!(staging.put(BASAL, Micros::ZERO, &config), Err(Refusal::ScheduleFull));
    }
}
