//! Pauses between attempts, for what AWS has not done yet: short at first, then twice as long each time. Each pause
//! is shortened by chance, by half at most, so that a hundred callers that were refused in one moment do not all
//! return in one.
//!
//! Never ends the waiting: the caller, or the invocation's deadline, does.

use std::time::Duration;

const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long the next pause is, before it is shortened by chance.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Backoff {
    /// The second attempt comes after 0.2 s.
    pub const fn short_at_first() -> Self {
        Self(SHORTEST_WAIT)
    }

    /// The second attempt comes at once, because it is most often the last.
    pub const fn none_at_first() -> Self {
        Self(Duration::ZERO)
    }

    /// Makes a pause; the next one is longer.
    pub async fn wait(&mut self) {
        if !self.0.is_zero() {
            tokio::time::sleep(self.0.mul_f64(1.0 - fastrand::f64() / 2.0)).await;
        }
        self.0 = (self.0 * 2).clamp(SHORTEST_WAIT, LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    async fn waits(backoff: &mut Backoff) -> u128 {
        let started = Instant::now();
        backoff.wait().await;
        started.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_is_twice_as_long_as_the_one_before_up_to_five_seconds_or_half_of_that() {
        let mut backoff = Backoff::none_at_first();
        for most in [0, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let waited = waits(&mut backoff).await;
            assert!(
                (most / 2..=most + 1).contains(&waited),
                "{waited}, {most} at most"
            );
        }
        assert!(waits(&mut Backoff::short_at_first()).await >= 100);
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_wait_for_the_same_do_not_wait_for_as_long() {
        let (mut one, mut other) = (Backoff::none_at_first(), Backoff::none_at_first());
        let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            of_one.push(waits(&mut one).await);
            of_other.push(waits(&mut other).await);
        }
        assert_ne!(of_one, of_other);
    }
}
