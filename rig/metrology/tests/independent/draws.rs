//! Random numbers from a seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

pub struct Draws(ChaCha8Rng);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// From 0 up to, but not with, 1.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between − and + `half_width`, each value as likely as the other.
    pub fn within(&mut self, half_width: f64) -> f64 {
        half_width * (2.0 * self.uniform() - 1.0)
    }

    /// The sum of two that are each within half of it.
    pub fn triangular(&mut self, half_width: f64) -> f64 {
        self.within(half_width / 2.0) + self.within(half_width / 2.0)
    }

    /// Box and Muller, one of the two.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Student's, of whole degrees of freedom.
    pub fn student(&mut self, dof: u32) -> f64 {
        let chi_square: f64 = (0..dof).map(|_| self.normal()).map(|z| z * z).sum();
        self.normal() / (chi_square / f64::from(dof)).sqrt()
    }
}
