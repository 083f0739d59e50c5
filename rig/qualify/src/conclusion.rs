//! What a qualification comes to, as one exit code.

use crate::matrix::{Matrix, Status};
use crate::setup::Make;
use crate::sound::Sound;

/// Counts that the exit code follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    pub defects: usize,
    pub caught: usize,
    pub sometimes: usize,
    pub survived: usize,
    /// Of them, mutants of which somebody has said why nothing notices them, and nothing shows that to be wrong.
    pub explained: usize,
    /// Defects of which something was not played, and which nothing caught.
    pub not_played: usize,
    /// Mutants that do not compile. They are no defects.
    pub not_compiled: usize,
    pub mutants: Share,
    pub false_alarms: usize,
    /// Scenarios of the sound pump that were not played, or skipped for what the bench lacks.
    pub unheard: usize,
}

impl Conclusion {
    pub fn of(matrix: &Matrix, sound: &Sound) -> Self {
        let count = |status| matrix.with_status(status).count();
        let explained = matrix.with_status(Status::Survived).filter(|(pump, standing)| {
            // What is said to be the same as the sound pump and came out otherwise is not explained.
            pump.explained.is_some() && (!pump.is_the_same() || standing.is_as_sound(pump))
        });
        Self {
            defects: matrix.defects().count(),
            caught: count(Status::Caught),
            sometimes: count(Status::Sometimes),
            survived: count(Status::Survived),
            explained: explained.count(),
            not_played: count(Status::NotPlayed),
            not_compiled: matrix.setup.not_compiled.len(),
            mutants: Share::of(matrix),
            false_alarms: sound.alarms.len(),
            unheard: sound.skipped.len() + usize::try_from(sound.not_played).unwrap_or(usize::MAX),
        }
    }

    /// 0 all defects are caught with every seed (but for mutants that are explained, and these are few enough), and nothing is said against the
    /// sound pump; 1 otherwise; 6 if something was not played.
    pub fn exit_code(&self) -> u8 {
        if self.sometimes + (self.survived - self.explained) + self.false_alarms > 0 || self.mutants.is_too_small() {
            1
        } else if self.not_played + self.unheard > 0 {
            6
        } else {
            0
        }
    }
}

/// How many of the generated mutants are caught with every seed, of those that were played and are not the same as the sound pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub caught: usize,
    pub of: usize,
}

impl Share {
    /// So many per cent must be caught, whatever is explained of the others.
    pub const LEAST_PERCENT: usize = 95;
    /// Of fewer mutants a single one is more than a per cent, and their share says little of all that there are: nothing is asked of it.
    pub const LEAST_MUTANTS: usize = 100;

    fn of(matrix: &Matrix) -> Self {
        let mutants = || matrix.defects().filter(|(pump, _)| pump.made == Make::Mutant);
        let other = mutants().filter(|(pump, standing)| standing.status != Status::NotPlayed && !standing.is_as_sound(pump));
        Self { caught: mutants().filter(|(_, standing)| standing.status == Status::Caught).count(), of: other.count() }
    }

    pub fn is_under(self) -> bool {
        self.caught.saturating_mul(100) < self.of.saturating_mul(Self::LEAST_PERCENT)
    }

    /// Under what is asked, and of enough mutants to ask it.
    pub fn is_too_small(self) -> bool {
        self.of >= Self::LEAST_MUTANTS && self.is_under()
    }
}
