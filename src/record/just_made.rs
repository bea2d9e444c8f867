//! What a request has just made. For a moment AWS might not know it, and answers the next calls that it does not exist.
//! Such calls are made again.

use crate::aws::api::AwsError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long S3 may still say that a bucket does not exist after it has read or written the record in it. If S3
/// says so later, the bucket is gone.
const DENIED_FOR: Duration = Duration::from_secs(5);

/// The kinds of resources that AWS might not know for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    Bucket,
    /// By its ARN.
    TargetGroup,
    /// By its ARN.
    Listener,
    Rule,
}

/// The resources that one request has made. Clones share the same list.
#[derive(Debug, Clone, Default)]
pub struct JustMade(Rc<RefCell<Resources>>);

/// The resources, each with the time by which AWS must show it; `None` if there is no such time.
type Resources = BTreeMap<(ResourceKind, String), Option<Instant>>;

impl JustMade {
    /// Notes that a resource was made.
    pub fn add(&self, kind: ResourceKind, name: &str) {
        let mut made = self.0.borrow_mut();
        made.entry((kind, name.to_owned())).or_default();
    }

    /// Notes that S3 has read or written the record in a bucket.
    pub fn bucket_was_used(&self, bucket: &str) {
        let mut made = self.0.borrow_mut();
        if let Some(until) = made.get_mut(&(ResourceKind::Bucket, bucket.to_owned())) {
            until.get_or_insert_with(|| Instant::now() + DENIED_FOR);
        }
    }

    /// Forgets all of them, before they are removed: from then on AWS is believed if it says that one does not exist.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Whether a bucket was made that S3 might not know yet.
    pub fn has_bucket(&self, bucket: &str) -> bool {
        let key = (ResourceKind::Bucket, bucket.to_owned());
        self.0.borrow().get(&key).is_some_and(may_be_unknown)
    }

    /// Whether this error says that something that was just made does not exist.
    pub fn explains(&self, error: &AwsError) -> bool {
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
            // The error may name other ARNs as well.
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

/// The bucket of `s3://bucket/key`, or the bucket alone.
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
        let just_made = JustMade::default();
        just_made.add(ResourceKind::TargetGroup, "arn:group/new");
        just_made.add(ResourceKind::Rule, "rule");
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
            assert_eq!(just_made.explains(&error), expected, "{operation} {code}");
        }
        just_made.clear();
        assert!(!just_made.explains(&not_found(
            "PutTargets",
            "rule",
            "ResourceNotFoundException"
        )));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_has_shown_the_record_is_gone_when_s3_denies_it_for_long() {
        let just_made = JustMade::default();
        just_made.add(ResourceKind::Bucket, "own");
        let denied = not_found("GetObject", "s3://own/id/state.json", "NoSuchBucket");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(just_made.explains(&denied) && just_made.has_bucket("own"));
        just_made.bucket_was_used("own");
        assert!(just_made.explains(&denied));
        tokio::time::sleep(DENIED_FOR).await;
        assert!(!just_made.explains(&denied) && !just_made.has_bucket("own"));
    }
}
