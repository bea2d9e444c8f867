//! What Lambda says about an invocation besides its event. No role of the function needs more of Lambda than this.

use std::time::Duration;

/// One invocation (Lambda guide, "Using the Lambda context object").
#[derive(Debug, Clone)]
pub struct Invocation {
    /// It stays the same when Lambda repeats the invocation.
    pub request_id: String,
    /// With the version or alias that was called.
    pub function_arn: String,
    pub log_stream: String,
    /// The time until Lambda stops the sandbox.
    pub remaining: Duration,
}
