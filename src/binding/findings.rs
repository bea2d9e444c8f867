//! What the checks find: each finding with what it is about, and how they read. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that is wrong with a pair of load balancers.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Findings(pub(super) BTreeMap<About, String>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings: Vec<_> = self.0.values().map(String::as_str).collect();
        f.write_str(&findings.join("; "))
    }
}

/// What one finding is about: two that are about the same are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// That a load balancer is there, and of the right type.
    LoadBalancer(&'static str),
    State(&'static str),
    /// That it is being made: a request waits for it.
    Provisioning(&'static str),
    Scheme,
    /// The zones that only the ALB has, or only the NLB.
    ZonesOfAlb(BTreeSet<String>),
    ZonesOfNlb(BTreeSet<String>),
    AlbListener(u16),
    NlbPort(u16),
    GivenGroup(String, &'static str),
    /// The NLB's listener, and the seconds for which it holds a connection.
    IdleTimeout(String, u32),
    Bucket,
    /// Whether it denies requests without TLS.
    BucketPolicy,
}

impl Findings {
    pub(super) fn add(&mut self, about: About, finding: String) {
        self.0.insert(about, finding);
    }

    /// Whether all that is missing are listeners of the ALB, which may be being made.
    pub fn may_pass(&self) -> bool {
        !self.0.is_empty()
            && self
                .0
                .keys()
                .all(|about| matches!(about, About::AlbListener(_)))
    }

    /// Without those that a request waits for until they pass, and these by themselves.
    pub fn but_for_provisioning(self) -> (Self, Self) {
        let is_made = |about: &About| matches!(about, About::Provisioning(_));
        let (made, rest) = self.0.into_iter().partition(|(about, _)| is_made(about));
        (Self(rest), Self(made))
    }

    /// Each by itself.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

/// What to do about an own bucket whose policy can be neither read nor put.
pub(super) fn no_policy(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be made to deny requests without TLS ({refused}); allow \
         s3:GetBucketPolicy and s3:PutBucketPolicy on it, or give StateBucket of the provider's stack or BucketName, \
         to use an existing bucket"
    )
}

/// What to do about an own bucket whose name another account has.
pub(super) fn lost_name(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be used ({refused}), so its name is another account's or \
         permission is missing; give BucketName, or StateBucket of the provider's stack (the function's \
         variable STATE_BUCKET), to use an existing bucket"
    )
}

pub(super) fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}
