//! Figures as they are shown.

use std::time::Duration;

use anyhow::{Context, Result};

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// The middle value; of an even number of values the greater one of the two.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Result<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted
        .get(sorted.len() / 2)
        .copied()
        .context("nothing was measured")
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
