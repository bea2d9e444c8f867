//! Many calls of one kind at once. Never repeats a call.

use futures_util::stream::{self, StreamExt, TryStreamExt};

/// How many calls of one kind are under way at once. AWS throttles an account that asks for fifty target groups in one
/// moment (ELB guide, "Request throttling for the Elastic Load Balancing API").
pub const CALLS_SIDE_BY_SIDE: usize = 10;

/// Makes many calls, at most [`CALLS_SIDE_BY_SIDE`] of them at once, and gives their results in order.
///
/// # Errors
/// The first error of any call.
pub async fn gather<T, E>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    stream::iter(calls)
        .buffered(CALLS_SIDE_BY_SIDE)
        .try_collect()
        .await
}
