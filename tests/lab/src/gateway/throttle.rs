//! How fast AWS answers, for benchmarks: each call after a set time, and ELBv2's no more often than
//! AWS allows. What the lab itself asks is answered at once. It refuses no call for any other reason.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::lock::lock;
use crate::names::{ELB, LAB_ACCESS_KEY};

/// Tokens that calls take, one each, and that come back with time.
struct TokenBucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    /// When its tokens were last counted.
    counted: Instant,
}

impl TokenBucket {
    fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self {
            capacity,
            per_second,
            tokens: capacity,
            counted: now,
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.counted = now;
    }
}

/// What an account may ask of ELBv2 in one Region: Elastic Load Balancing user guide, "Request throttling for the
/// Elastic Load Balancing API". Every call takes a token of the account's bucket and one of its kind's bucket. It is
/// assumed that a refused call takes none.
pub(super) struct RateLimits {
    account: TokenBucket,
    reading: TokenBucket,
    changing: TokenBucket,
    targets: TokenBucket,
}

impl RateLimits {
    pub fn new(share: f64, now: Instant) -> Self {
        let bucket =
            |capacity, per_second| TokenBucket::full(capacity * share, per_second * share, now);
        Self {
            account: bucket(40.0, 10.0),
            reading: bucket(40.0, 10.0),
            changing: bucket(20.0, 3.0),
            targets: bucket(20.0, 4.0),
        }
    }

    fn admit(&mut self, operation: &str, now: Instant) -> bool {
        let of_kind = match operation {
            "RegisterTargets" | "DeregisterTargets" => &mut self.targets,
            _ if operation.starts_with("Describe") => &mut self.reading,
            _ => &mut self.changing,
        };
        let mut buckets = [&mut self.account, of_kind];
        for bucket in &mut buckets {
            bucket.refill(now);
        }
        let admits = buckets.iter().all(|bucket| bucket.tokens >= 1.0);
        if admits {
            for bucket in buckets {
                bucket.tokens -= 1.0;
            }
        }
        admits
    }
}

#[derive(Default)]
pub(super) struct Throttle {
    delay: Mutex<Duration>,
    limits: Mutex<Option<RateLimits>>,
}

impl Throttle {
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.delay) = delay;
    }

    pub fn set_limits(&self, limits: Option<RateLimits>) {
        *lock(&self.limits) = limits;
    }

    /// Whether AWS would take the call rather than answer that there are too many.
    pub fn admits(&self, call: &Call) -> bool {
        if call.source == LAB_ACCESS_KEY || call.service != ELB {
            return true;
        }
        let mut limits = lock(&self.limits);
        limits
            .as_mut()
            .is_none_or(|limits| limits.admit(&call.operation, Instant::now()))
    }

    /// Waits until the set time has passed since the call came.
    pub async fn wait(&self, call: &Call, came: Instant) {
        let delay = *lock(&self.delay);
        if !delay.is_zero() && call.source != LAB_ACCESS_KEY {
            tokio::time::sleep_until((came + delay).into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls of an operation are taken at one moment.
    fn taken(rates: &mut RateLimits, operation: &str, now: Instant) -> usize {
        (0..100).filter(|_| rates.admit(operation, now)).count()
    }

    #[test]
    fn forty_calls_are_taken_at_once_and_ten_more_every_second() {
        let start = Instant::now();
        let mut rates = RateLimits::new(1.0, start);
        let describe = "DescribeTargetHealth";
        assert_eq!(taken(&mut rates, describe, start), 40);
        assert_eq!(taken(&mut rates, "RegisterTargets", start), 0);
        let later = start + Duration::from_secs(1);
        assert_eq!(taken(&mut rates, describe, later), 10);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(taken(&mut rates, describe, much_later), 40);
    }

    #[test]
    fn registering_and_changing_have_buckets_of_their_own() {
        let start = Instant::now();
        let mut rates = RateLimits::new(1.0, start);
        assert_eq!(taken(&mut rates, "RegisterTargets", start), 20);
        assert_eq!(taken(&mut rates, "DeregisterTargets", start), 0);
        assert_eq!(taken(&mut rates, "CreateListener", start), 20);
        let later = start + Duration::from_secs(1);
        assert_eq!(taken(&mut rates, "RegisterTargets", later), 4);
        assert_eq!(taken(&mut rates, "DeleteTargetGroup", later), 3);
    }
}
