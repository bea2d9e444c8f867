//! What is asked of CloudWatch.

use super::error::AwsResult;
use crate::clock::Timestamp;

/// The one metric.
pub trait Metrics {
    /// Publishes how many addresses the load balancer has in DNS now.
    async fn put_ip_count(&self, load_balancer: &str, count: usize) -> AwsResult<()>;
    /// The last minute between `from` and `until` in which the metric got a value; `None` if it got none.
    async fn last_ip_count(
        &self,
        load_balancer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> AwsResult<Option<Timestamp>>;
}
