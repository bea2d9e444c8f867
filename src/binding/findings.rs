//! The findings of the checks: what each one is about, and its text. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that the checks find wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Findings(pub(super) BTreeMap<About, String>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings: Vec<_> = self.0.values().map(String::as_str).collect();
        f.write_str(&findings.join("; "))
    }
}

/// What one finding is about. Two findings about the same are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// A load balancer that does not exist, or is of the wrong type.
    LoadBalancer(&'static str),
    State(&'static str),
    /// A load balancer that is being provisioned: a request waits for it.
    Provisioning(&'static str),
    Scheme,
    /// The zones that only the ALB has.
    ZonesOfAlb(BTreeSet<String>),
    /// The zones that only the NLB has.
    ZonesOfNlb(BTreeSet<String>),
    AlbListener(u16),
    NlbPort(u16),
    GivenGroup(String, &'static str),
    /// A listener of the NLB, and for how many seconds it holds an idle connection.
    IdleTimeout(String, u32),
    Bucket,
    /// That the policy of the own bucket denies requests without TLS.
    BucketPolicy,
}

impl Findings {
    pub(super) fn add(&mut self, about: About, finding: String) {
        self.0.insert(about, finding);
    }

    /// Whether every finding is a missing listener of the ALB, which may be being made.
    pub fn lacks_only_alb_listeners(&self) -> bool {
        !self.0.is_empty()
            && self
                .0
                .keys()
                .all(|about| matches!(about, About::AlbListener(_)))
    }

    /// The findings that fail a request, and apart from them those that a request waits for.
    pub fn split_provisioning(self) -> (Self, Self) {
        let is_made = |about: &About| matches!(about, About::Provisioning(_));
        let (made, rest) = self.0.into_iter().partition(|(about, _)| is_made(about));
        (Self(rest), Self(made))
    }

    /// The texts of the findings.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

/// The finding of an own bucket whose policy cannot be read or put.
pub(super) fn no_policy(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be made to deny requests without TLS ({refused}); allow \
         s3:GetBucketPolicy and s3:PutBucketPolicy on it, or give StateBucket of the provider's stack or BucketName, \
         to use an existing bucket"
    )
}

/// The finding of an own bucket whose name another account may have.
pub(super) fn lost_name(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be used ({refused}), so its name is another account's or \
         permission is missing; give BucketName, or StateBucket of the provider's stack (the function's \
         variable STATE_BUCKET), to use an existing bucket"
    )
}

/// A list as it reads in a finding.
pub(super) fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}
