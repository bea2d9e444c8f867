//! ELBv2 takes at most 20 names or ARNs a call (ELBv2 API, `DescribeLoadBalancers`, `DescribeTags`), and where
//! it does not know one of them it refuses the call for all.
//!
//! Never guesses which one that is: then each is asked about by itself.

use crate::aws::api::{AwsError, AwsResult, gather};

const AT_MOST: usize = 20;

/// What AWS tells of many; of those that it does not know it tells nothing.
pub(super) async fn known<T>(
    names: &[String],
    is_unknown: impl Fn(&AwsError) -> bool,
    ask: impl AsyncFn(&[String]) -> AwsResult<Vec<T>>,
) -> AwsResult<Vec<T>> {
    let asked_one = async |name: &[String]| match ask(name).await {
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        told => told,
    };
    let asked_some = async |some: &[String]| match ask(some).await {
        Err(error) if is_unknown(&error) && some.len() > 1 => {
            let each = gather(some.chunks(1).map(&asked_one)).await?;
            Ok(each.into_iter().flatten().collect())
        }
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        told => told,
    };
    let told = gather(names.chunks(AT_MOST).map(&asked_some)).await?;
    Ok(told.into_iter().flatten().collect())
}
