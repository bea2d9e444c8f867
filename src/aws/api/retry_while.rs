//! Repeats a call that only reads, for as long as AWS answers with an error that passes.
//!
//! Calls that change something are repeated by the record's lease instead.

use super::error::{AwsError, AwsResult};
use crate::backoff::Backoff;
use crate::progress;

/// Makes a call until it succeeds or fails with an error that does not pass.
///
/// # Errors
/// The first error of the call that `passes` is false for.
pub async fn retry_while<T>(
    mut backoff: Backoff,
    passes: impl Fn(&AwsError) -> bool,
    call: impl AsyncFn() -> AwsResult<T>,
) -> AwsResult<T> {
    loop {
        match call().await {
            Err(error) if passes(&error) => {
                progress::note_retry(error.operation, error.to_string());
                backoff.wait().await;
            }
            answer => return answer,
        }
    }
}
