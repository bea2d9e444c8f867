//! Random numbers from one seed, so that a life can be played again.
//!
//! Never takes randomness from the system.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::cell::RefCell;

/// The random numbers of one life.
pub struct Dice(RefCell<SmallRng>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(RefCell::new(SmallRng::seed_from_u64(seed)))
    }

    /// From `least` to `most`, both included.
    pub fn between(&self, least: u64, most: u64) -> u64 {
        self.0.borrow_mut().random_range(least..=most)
    }

    /// True in `per_mille` of a thousand cases. Draws no number if that is 0.
    pub fn chance(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.0.borrow_mut().random_range(0..1000) < per_mille
    }

    pub fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    pub fn index(&self, length: usize) -> usize {
        self.0.borrow_mut().random_range(0..length)
    }
}
