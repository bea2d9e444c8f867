//! Step 5 of a tick: the metric, which is worth no failure.

use crate::aws::api::Metrics;
use crate::log::chain;
use crate::progress;
use crate::record::Orders;
use std::rc::Rc;
use std::time::Duration;
use tracing::warn;

/// A metric is not worth waiting for: a VPC may have no way to CloudWatch.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn publish(aws: &impl Metrics, orders: &Orders, addresses: usize) {
    if !orders.ip_count_metric {
        return;
    }
    let put = aws.put_ip_count(&orders.alb_name, addresses);
    // Nobody waits for it.
    let untold = Rc::default();
    let put = progress::track(&untold, put);
    match tokio::time::timeout(TIMEOUT, put).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = chain(&error);
            warn!(error, "the metric was not published");
        }
        Err(_) => warn!("the metric was not published: no answer in time"),
    }
}
