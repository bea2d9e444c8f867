//! What it means when a call of AWS goes wrong, in AWS's own codes.

use std::error::Error;

/// What AWS answers, or why it does not.
pub type AwsResult<T> = Result<T, AwsError>;

/// A call that AWS refused, or that did not reach it.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on {resource} failed: {reason}")]
pub struct AwsError {
    pub operation: &'static str,
    pub resource: String,
    /// AWS's own error code, where an answer came.
    pub code: Option<String>,
    /// AWS's code and message, or how the call went wrong before there was an answer.
    pub reason: String,
    pub trouble: Trouble,
    /// How the call went wrong before there was an answer. What AWS has answered is in the reason.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// How often in a row a call is made that AWS fails at, or that gets no answer. Where AWS says that it is
/// busy, the invocation's deadline ends the trying.
pub const TRIES: u32 = 7;

/// Whether a call that went wrong is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// AWS has refused it.
    Stays,
    /// AWS failed, or no answer came: it may be better the next time.
    MayPass,
    /// AWS has said that it is too busy, or busy with the same thing.
    Passes,
}

/// Whether AWS's answer means that something is not deleted for what still uses it, which AWS may see for a
/// moment after it is gone (ELBv2 API, `DeleteTargetGroup`; EventBridge API, `DeleteRule`, whose code tells no
/// more than that the request was wrong).
pub fn is_in_use(operation: &str, code: &str, message: &str) -> bool {
    let has_targets = code == "ValidationException" && message.contains("has targets");
    operation.starts_with("Delete") && code == "ResourceInUse"
        || operation == "DeleteRule" && has_targets
}

impl AwsError {
    /// A call that was given up because no answer came.
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

    /// Whether AWS has refused it for a quota: what is there has to make room first (ELBv2 API, the errors of
    /// CreateListener and RegisterTargets; EventBridge API, `LimitExceededException`).
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

    /// Whether S3 refuses an object. To a role without `s3:ListBucket` it says the same of one that
    /// does not exist (S3 API, `GetObject`).
    pub fn is_refused_object(&self) -> bool {
        self.operation == "GetObject" && self.is(&["AccessDenied"])
    }

    /// Whether AWS does not delete something for what still uses it.
    pub fn is_in_use(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        is_in_use(self.operation, code, &self.reason)
    }

    /// Whether AWS says that the thing asked for does not exist.
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

/// What AWS tells of something; `None` where that went while it was looked at.
///
/// # Errors
/// What AWS refuses for another reason.
pub fn unless_gone<T>(told: AwsResult<T>) -> AwsResult<Option<T>> {
    match told {
        Err(error) if error.is_not_found() => Ok(None),
        told => told.map(Some),
    }
}
