//! Step 5 of a tick: the metric. If it fails, the tick logs that and goes on.

use crate::aws::api::Metrics;
use crate::log::chain;
use crate::progress;
use crate::record::Orders;
use std::rc::Rc;
use std::time::Duration;
use tracing::warn;

/// How long a tick waits for CloudWatch, which a VPC may have no way to.
const METRIC_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn publish(aws: &impl Metrics, orders: &Orders, addresses: usize) {
    if !orders.ip_count_metric {
        return;
    }
    let put = aws.put_ip_count(&orders.alb_name, addresses);
    // What this call waits for is not what the invocation waits for.
    let unreported = Rc::default();
    let put = progress::track(&unreported, put);
    match tokio::time::timeout(METRIC_TIMEOUT, put).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = chain(&error);
            warn!(error, "the metric was not published");
        }
        Err(_) => warn!("the metric was not published: no answer in time"),
    }
}
