//! What a request has just made: AWS may not know it for a moment, and then says so of it to the next calls.

use crate::aws::api::AwsError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long S3 may still deny a bucket in which it has read or written the record. Longer, and it is
/// gone.
const DENIED_FOR: Duration = Duration::from_secs(5);

/// What AWS may not know for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    Bucket,
    /// By its ARN.
    TargetGroup,
    /// By its ARN.
    Listener,
    Rule,
}

/// What was made, each until AWS has to know it, where there is such a time. Shared by all that one request
/// works with.
#[derive(Debug, Clone, Default)]
pub struct Fresh(Rc<RefCell<Made>>);

type Made = BTreeMap<(ResourceKind, String), Option<Instant>>;

impl Fresh {
    /// Notes what was made.
    pub fn add(&self, kind: ResourceKind, name: &str) {
        let mut made = self.0.borrow_mut();
        made.entry((kind, name.to_owned())).or_default();
    }

    /// Notes that S3 has shown the record in a bucket.
    pub fn has_shown(&self, bucket: &str) {
        let mut made = self.0.borrow_mut();
        if let Some(until) = made.get_mut(&(ResourceKind::Bucket, bucket.to_owned())) {
            until.get_or_insert_with(|| Instant::now() + DENIED_FOR);
        }
    }

    /// From now on it may be gone, for it is taken away.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub fn has_bucket(&self, bucket: &str) -> bool {
        let key = (ResourceKind::Bucket, bucket.to_owned());
        self.0.borrow().get(&key).is_some_and(may_be_unknown)
    }

    /// Whether AWS says that something does not exist which was just made.
    pub fn is_not_shown(&self, error: &AwsError) -> bool {
        let kind = match error.code.as_deref() {
            Some("NoSuchBucket") => ResourceKind::Bucket,
            Some("TargetGroupNotFound") => ResourceKind::TargetGroup,
            Some("ListenerNotFound") => ResourceKind::Listener,
            Some("ResourceNotFoundException") => ResourceKind::Rule,
            _ => return false,
        };
        let resource = match kind {
            ResourceKind::Bucket => bucket_of(&error.resource),
            _ => &error.resource,
        };
        let is_about = |name: &str| match kind {
            ResourceKind::Bucket | ResourceKind::Rule => resource == name,
            // An ARN beside others.
            ResourceKind::TargetGroup | ResourceKind::Listener => resource.contains(name),
        };
        let made = self.0.borrow();
        let mut made = made.iter().filter(|((made, _), _)| *made == kind);
        made.any(|((_, name), until)| is_about(name) && may_be_unknown(until))
    }
}

fn may_be_unknown(until: &Option<Instant>) -> bool {
    until.is_none_or(|until| Instant::now() < until)
}

/// Of `s3://bucket/key`, or of the bucket itself.
fn bucket_of(resource: &str) -> &str {
    let resource = resource.strip_prefix("s3://").unwrap_or(resource);
    resource.split('/').next().unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found(operation: &'static str, resource: &str, code: &str) -> AwsError {
        AwsError {
            code: Some(code.to_owned()),
            ..AwsError::no_answer(operation, resource)
        }
    }

    #[test]
    fn only_what_was_made_is_waited_for_and_only_where_it_is_what_was_not_found() {
        let fresh = Fresh::default();
        fresh.add(ResourceKind::TargetGroup, "arn:group/new");
        fresh.add(ResourceKind::Rule, "rule");
        let listener = "port 80 of arn:nlb for arn:group/new";
        for (operation, resource, code, expected) in [
            ("CreateListener", listener, "TargetGroupNotFound", true),
            ("CreateListener", listener, "LoadBalancerNotFound", false),
            (
                "ModifyListener",
                "arn:listener/old for arn:group/new",
                "ListenerNotFound",
                false,
            ),
            (
                "RegisterTargets",
                "arn:group/old",
                "TargetGroupNotFound",
                false,
            ),
            ("PutTargets", "rule", "ResourceNotFoundException", true),
            (
                "GetObject",
                "s3://given/rule/state.json",
                "NoSuchBucket",
                false,
            ),
        ] {
            let error = not_found(operation, resource, code);
            assert_eq!(fresh.is_not_shown(&error), expected, "{operation} {code}");
        }
        fresh.clear();
        assert!(!fresh.is_not_shown(&not_found(
            "PutTargets",
            "rule",
            "ResourceNotFoundException"
        )));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_has_shown_the_record_is_gone_when_s3_denies_it_for_long() {
        let fresh = Fresh::default();
        fresh.add(ResourceKind::Bucket, "own");
        let denied = not_found("GetObject", "s3://own/id/state.json", "NoSuchBucket");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(fresh.is_not_shown(&denied) && fresh.has_bucket("own"));
        fresh.has_shown("own");
        assert!(fresh.is_not_shown(&denied));
        tokio::time::sleep(DENIED_FOR).await;
        assert!(!fresh.is_not_shown(&denied) && !fresh.has_bucket("own"));
    }
}
