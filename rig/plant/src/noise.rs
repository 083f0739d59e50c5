//! Seeded noise that is the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Where Gaussian noise is cut off, in standard deviations: one draw in 16,000 is touched, and a bound can be stated.
pub(crate) const CLIP: f64 = 4.0;

/// One stream of noise. Each use has a stream of its own, so that more draws of one don't shift another.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    rng: ChaCha8Rng,
    /// The second half of the last pair of Gaussian draws.
    spare: Option<f64>,
}

impl Noise {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        // Not `seed_from_u64`, whose expansion another version of the crate may change.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self { rng, spare: None }
    }

    /// Uniform in the open interval (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        ((self.rng.next_u64() >> 11) as f64 + 0.5) * STEP
    }

    /// The standard Gaussian draw of this number, the same whatever was drawn before: for noise that belongs to an instant and must not
    /// depend on how often somebody looks.
    pub(crate) fn normal_at(&mut self, number: u64) -> f64 {
        /// A pair of draws takes two numbers of 64 bit.
        const WORDS: u128 = 4;
        self.rng.set_word_pos(u128::from(number) * WORDS);
        self.spare = None;
        self.normal()
    }

    /// Standard Gaussian, clipped at ±[`CLIP`]. Box and Muller, in pairs.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        let (sin, cos) = libm::sincos(2.0 * core::f64::consts::PI * self.uniform());
        self.spare = Some((radius * sin).clamp(-CLIP, CLIP));
        (radius * cos).clamp(-CLIP, CLIP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_draws_of_a_seed_are_pinned() {
        let mut noise = Noise::new(1, 2);
        let bits = [noise.uniform().to_bits(), noise.normal().to_bits(), noise.normal().to_bits()];
        assert_eq!(bits, [4_600_447_875_732_012_121, 13_833_927_786_257_603_725, 4_607_927_508_435_606_071]);
    }

    #[test]
    fn mean_and_spread_are_those_of_a_gaussian() {
        let mut noise = Noise::new(7, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| noise.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
        // Four standard errors: 1/√n and √(2/n).
        assert!(mean.abs() < 4.0 * 0.003_162, "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * 0.004_472, "{variance}");
    }

    #[test]
    fn a_numbered_draw_is_the_same_in_any_order() {
        let mut noise = Noise::new(5, 1);
        let forward: Vec<f64> = (0..50).map(|n| noise.normal_at(n)).collect();
        let backward: Vec<f64> = (0..50).rev().map(|n| noise.normal_at(n)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        let mean = forward.iter().sum::<f64>() / 50.0;
        assert!(mean.abs() < 4.0 / 50f64.sqrt() && forward[0] != forward[1]);
    }

    #[test]
    fn streams_differ() {
        assert_ne!(Noise::new(1, 0).uniform(), Noise::new(1, 1).uniform());
        assert_ne!(Noise::new(1, 0).uniform(), Noise::new(2, 0).uniform());
    }
}
