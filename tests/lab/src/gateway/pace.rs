//! How fast AWS answers, for benchmarks: each call after a set time, and ELBv2's no more often than
//! AWS allows. What the lab itself asks is answered at once. Never refuses for any other reason.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::Gateway;
use super::call::Call;
use super::elb::ELB;
use crate::{LAB, lock};

/// Tokens that calls take, one each, and that come back with time.
struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    /// When its tokens were last counted.
    counted: Instant,
}

impl Bucket {
    fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self {
            capacity,
            per_second,
            tokens: capacity,
            counted: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.counted).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.counted = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

/// What an account may ask of ELBv2 in one Region: Elastic Load Balancing user guide, "Request
/// throttling for the Elastic Load Balancing API", of which the two numbers for targets are those
/// that kubernetes-sigs/aws-load-balancer-controller keeps to by default.
struct Rates {
    describe: Bucket,
    targets: Bucket,
}

impl Rates {
    fn new(now: Instant) -> Self {
        Self {
            describe: Bucket::full(40.0, 10.0, now),
            targets: Bucket::full(20.0, 4.0, now),
        }
    }

    fn admit(&mut self, operation: &str, now: Instant) -> bool {
        match operation {
            "RegisterTargets" | "DeregisterTargets" => self.targets.take(now),
            _ if operation.starts_with("Describe") => self.describe.take(now),
            _ => true,
        }
    }
}

#[derive(Default)]
pub(super) struct Pace {
    delay: Mutex<Duration>,
    rates: Mutex<Option<Rates>>,
}

impl Gateway {
    /// Lets every call take at least so long, but for those of the lab itself.
    pub fn set_delay(&self, delay: Duration) {
        self.state.pace.set_delay(delay);
    }

    /// Lets ELBv2 throttle as it does on AWS, or no more. The allowance is full at first.
    pub fn limit_rates(&self, limited: bool) {
        self.state.pace.limit(limited);
    }
}

impl Pace {
    fn set_delay(&self, delay: Duration) {
        *lock(&self.delay) = delay;
    }

    fn limit(&self, limited: bool) {
        *lock(&self.rates) = limited.then(|| Rates::new(Instant::now()));
    }

    /// Whether AWS would take the call rather than answer that there are too many.
    pub fn admits(&self, call: &Call) -> bool {
        if call.source == LAB || call.service != ELB {
            return true;
        }
        let mut rates = lock(&self.rates);
        rates
            .as_mut()
            .is_none_or(|rates| rates.admit(&call.operation, Instant::now()))
    }

    /// Holds an answer back until the set time since the call came has passed.
    pub async fn hold(&self, call: &Call, came: Instant) {
        let delay = *lock(&self.delay);
        if !delay.is_zero() && call.source != LAB {
            tokio::time::sleep_until((came + delay).into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls of an operation are taken at one moment.
    fn taken(rates: &mut Rates, operation: &str, now: Instant) -> usize {
        (0..100).filter(|_| rates.admit(operation, now)).count()
    }

    #[test]
    fn forty_descriptions_are_taken_at_once_and_ten_more_every_second() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let describe = "DescribeTargetHealth";
        assert_eq!(taken(&mut rates, describe, start), 40);
        let later = start + Duration::from_secs(1);
        assert_eq!(taken(&mut rates, describe, later), 10);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!(taken(&mut rates, describe, much_later), 40);
    }

    #[test]
    fn registering_has_a_bucket_of_its_own() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        assert_eq!(taken(&mut rates, "DescribeTargetHealth", start), 40);
        assert_eq!(taken(&mut rates, "RegisterTargets", start), 20);
        assert_eq!(taken(&mut rates, "DeregisterTargets", start), 0);
    }
}
