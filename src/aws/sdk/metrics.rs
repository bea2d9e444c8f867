//! CloudWatch: the one metric.

use super::{Sdk, failed};
use crate::aws::api::{AwsResult, Metrics};
use crate::clock::Timestamp;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, Statistic};

/// It must not start with `AWS/`, which is reserved for AWS (CloudWatch API, `PutMetricData`).
const NAMESPACE: &str = "AlbNlbBinding";

const METRIC_NAME: &str = "LoadBalancerIPCount";

impl Metrics for Sdk {
    async fn put_ip_count(&self, load_balancer: &str, count: usize) -> AwsResult<()> {
        let value = u32::try_from(count).map_or(f64::MAX, f64::from);
        let datum = MetricDatum::builder()
            .metric_name(METRIC_NAME)
            .dimensions(dimension(load_balancer))
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

    async fn last_ip_count(
        &self,
        load_balancer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> AwsResult<Option<Timestamp>> {
        let output = self
            .cloudwatch
            .get_metric_statistics()
            .namespace(NAMESPACE)
            .metric_name(METRIC_NAME)
            .dimensions(dimension(load_balancer))
            .start_time(date_time(from))
            .end_time(date_time(until))
            .period(60)
            .statistics(Statistic::SampleCount)
            .send()
            .await
            .map_err(failed("GetMetricStatistics", load_balancer))?;
        let points = output.datapoints.unwrap_or_default().into_iter();
        let minutes = points.filter_map(|point| u64::try_from(point.timestamp?.secs()).ok());
        let last = minutes.max();
        Ok(last.map(|seconds| Timestamp::from_millis(seconds * 1000)))
    }
}

fn dimension(load_balancer: &str) -> Dimension {
    let dimension = Dimension::builder().name("LoadBalancerName");
    dimension.value(load_balancer).build()
}

fn date_time(at: Timestamp) -> DateTime {
    DateTime::from_secs(i64::try_from(at.as_millis() / 1000).unwrap_or(i64::MAX))
}
