//! What an error of AWS means for the caller, by AWS's own codes.

use std::error::Error;

/// The answer of a call, or why there is none.
pub type AwsResult<T> = Result<T, AwsError>;

/// A call that AWS refused, or that did not reach it.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on {resource} failed: {reason}")]
pub struct AwsError {
    pub operation: &'static str,
    pub resource: String,
    /// AWS's own error code; `None` if no answer came, or an answer without a code.
    pub code: Option<String>,
    /// AWS's code and message, or what went wrong before an answer came.
    pub reason: String,
    pub trouble: Trouble,
    /// The SDK's error if no answer came. An answer of AWS is in the reason already.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// How often in a row a call is made if AWS fails or does not answer. If AWS says that it is busy, only the
/// invocation's deadline ends the tries.
pub const TRIES: u32 = 7;

/// Whether a call that failed is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// AWS has refused it.
    Stays,
    /// AWS failed, or no answer came: the next try may succeed.
    MayPass,
    /// AWS has said that it is too busy, or that it is busy with the same resource.
    Passes,
}

/// Whether AWS refuses to delete something because another thing still uses it. AWS may still see that other thing for
/// a moment after it is gone (ELBv2 API, `DeleteTargetGroup`; EventBridge API, `DeleteRule`, whose code says only that
/// the request was wrong).
pub fn is_in_use(operation: &str, code: &str, message: &str) -> bool {
    let has_targets = code == "ValidationException" && message.contains("has targets");
    operation.starts_with("Delete") && code == "ResourceInUse"
        || operation == "DeleteRule" && has_targets
}

impl AwsError {
    /// The error of a call that was given up because no answer came.
    pub fn no_answer(operation: &'static str, resource: impl Into<String>) -> Self {
        Self {
            operation,
            resource: resource.into(),
            code: None,
            reason: "no answer in time".to_owned(),
            trouble: Trouble::MayPass,
            source: None,
        }
    }

    /// Whether AWS answered with one of these codes.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }

    /// Whether AWS has refused the call because of a quota (ELBv2 API, the errors of CreateListener and
    /// RegisterTargets; EventBridge API, `LimitExceededException`).
    pub fn is_quota(&self) -> bool {
        self.is(&[
            "TooManyTargets",
            "TooManyListeners",
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "TooManyTargetGroups",
            "TooManyBuckets",
            "LimitExceededException",
        ])
    }

    /// Whether S3 refuses to give an object. A role without `s3:ListBucket` gets the same answer for an object that
    /// does not exist (S3 API, `GetObject`).
    pub fn is_refused_object(&self) -> bool {
        self.operation == "GetObject" && self.is(&["AccessDenied"])
    }

    /// The same as the function [`is_in_use`], of this error.
    pub fn is_in_use(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        is_in_use(self.operation, code, &self.reason)
    }

    /// Whether AWS says that the resource does not exist.
    pub fn is_not_found(&self) -> bool {
        self.is(&[
            "LoadBalancerNotFound",
            "ListenerNotFound",
            "TargetGroupNotFound",
            "NoSuchBucket",
            "NoSuchKey",
            "NoSuchTagSet",
            "NotFound",
            "ResourceNotFoundException",
        ])
    }
}

/// The answer about a resource; `None` if AWS says that it does not exist: it was deleted meanwhile, or is not shown
/// yet.
///
/// # Errors
/// Every other error of the call.
pub fn none_if_not_found<T>(answer: AwsResult<T>) -> AwsResult<Option<T>> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}
