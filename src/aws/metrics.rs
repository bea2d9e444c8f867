//! CloudWatch: the one metric.

use super::{Aws, failed};
use crate::capabilities::{Answer, Metrics};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};

/// Names that start with `AWS/` are AWS's own (CloudWatch API, `PutMetricData`).
const NAMESPACE: &str = "AlbNlbBinding";

impl Metrics for Aws {
    async fn put_ip_count(&self, load_balancer: &str, count: usize) -> Answer<()> {
        let value = u32::try_from(count).map_or(f64::MAX, f64::from);
        let datum = MetricDatum::builder()
            .metric_name("LoadBalancerIPCount")
            .dimensions(
                Dimension::builder()
                    .name("LoadBalancerName")
                    .value(load_balancer)
                    .build(),
            )
            .unit(StandardUnit::Count)
            .value(value)
            .build();
        self.cloudwatch
            .put_metric_data()
            .namespace(NAMESPACE)
            .metric_data(datum)
            .send()
            .await
            .map_err(failed("PutMetricData", NAMESPACE))?;
        Ok(())
    }
}
