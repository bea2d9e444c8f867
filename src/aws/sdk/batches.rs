//! Batches of names or ARNs. ELBv2 takes at most 20 a call (ELBv2 API, `DescribeLoadBalancers`, `DescribeTags`), and
//! refuses the whole call if it does not know one of them.
//!
//! Never guesses which one that is: each name of a refused batch is asked by itself.

use crate::aws::api::{AwsError, AwsResult, gather};

const BATCH_SIZE: usize = 20;

/// What AWS knows of these names. A name that `is_unknown` to AWS is left out.
pub(super) async fn describe_known<T>(
    names: &[String],
    is_unknown: impl Fn(&AwsError) -> bool,
    describe: impl AsyncFn(&[String]) -> AwsResult<Vec<T>>,
) -> AwsResult<Vec<T>> {
    let describe_one = async |name: &[String]| match describe(name).await {
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        described => described,
    };
    let describe_batch = async |batch: &[String]| match describe(batch).await {
        Err(error) if is_unknown(&error) && batch.len() > 1 => {
            let each = gather(batch.chunks(1).map(&describe_one)).await?;
            Ok(each.into_iter().flatten().collect())
        }
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        described => described,
    };
    let described = gather(names.chunks(BATCH_SIZE).map(&describe_batch)).await?;
    Ok(described.into_iter().flatten().collect())
}
