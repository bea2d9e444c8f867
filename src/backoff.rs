//! Waiting for what AWS has not done yet: a moment at first, then twice as long each time. By chance it is up to
//! half shorter, so that a hundred that were refused in one moment do not come back in one.
//!
//! Never ends the waiting: the caller, or the invocation's deadline, does.

use crate::aws::api::{AwsError, AwsResult};
use crate::progress;
use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses between one look and the next.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Backoff {
    /// The second look comes after a moment.
    pub const fn short_at_first() -> Self {
        Self(SHORTEST)
    }

    /// The second look comes at once: it is most often the last.
    pub const fn none_at_first() -> Self {
        Self(Duration::ZERO)
    }

    /// Waits, and waits longer the next time.
    pub async fn wait(&mut self) {
        if !self.0.is_zero() {
            tokio::time::sleep(self.0.mul_f64(1.0 - fastrand::f64() / 2.0)).await;
        }
        self.0 = (self.0 * 2).clamp(SHORTEST, LONGEST);
    }
}

/// Makes a call again for as long as AWS answers what `passes`.
///
/// # Errors
/// Any other error of the call.
pub async fn outlast<T>(
    mut backoff: Backoff,
    passes: impl Fn(&AwsError) -> bool,
    call: impl AsyncFn() -> AwsResult<T>,
) -> AwsResult<T> {
    loop {
        match call().await {
            Err(error) if passes(&error) => {
                progress::waits(error.operation, error.to_string());
                backoff.wait().await;
            }
            answer => return answer,
        }
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
