//! The names and tags of everything that a binding makes. They all follow from its physical id. A resource that carries
//! the id is the binding's, and no other is. No I/O.

use crate::model::Tags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// The start of every physical id, and so of every rule's name.
pub const PREFIX: &str = "alb-nlb-binding-";

/// The key of the tag on everything that a binding makes. The tag's value is the physical id.
pub const TAG: &str = "alb-nlb-binding";

/// How many tags a resource may have (ELB guide, tagging restrictions). A stack may have as many; its last one is left out
/// then.
const MOST_TAGS: usize = 50;

/// The physical id of one binding: `alb-nlb-binding-` and 16 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BindingId {
    digits: String,
}

/// The error about a text that is no binding's physical id.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no physical id of a binding: {PREFIX} and 16 hex digits")]
pub struct NoBindingId(String);

impl TryFrom<String> for BindingId {
    type Error = NoBindingId;

    fn try_from(text: String) -> Result<Self, NoBindingId> {
        Self::parse(&text).ok_or(NoBindingId(text))
    }
}

impl From<BindingId> for String {
    fn from(id: BindingId) -> Self {
        id.to_string()
    }
}

impl BindingId {
    /// The id that follows from a request, and from every repetition of it: 16 hex digits of SHA-256 over StackId,
    /// LogicalResourceId and NlbArn, one after the other.
    pub fn derive(stack_id: &str, logical_resource_id: &str, nlb_arn: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(stack_id)
            .chain_update(logical_resource_id)
            .chain_update(nlb_arn)
            .finalize();
        let digits = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { digits }
    }

    /// `None` if the id is not a binding's, such as an id that CloudFormation has invented.
    pub fn parse(physical_id: &str) -> Option<Self> {
        let digits = physical_id.strip_prefix(PREFIX)?;
        let fits = digits.len() == 16
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self {
            digits: digits.to_owned(),
        })
    }

    /// The name of the bucket that the binding makes for its record.
    pub fn bucket(&self, account: &str) -> String {
        format!("{self}-{account}")
    }

    /// The binding whose own bucket has this name.
    pub fn of_bucket(name: &str) -> Option<Self> {
        let (id, account) = name.rsplit_once('-')?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        Self::parse(id).filter(|_| is_account)
    }

    /// The binding that has made the target group with this ARN.
    pub fn of_target_group(arn: &str) -> Option<Self> {
        let (_, group) = arn.split_once(":targetgroup/anb-")?;
        let (digits, _) = group.split_once('-')?;
        Self::parse(&format!("{PREFIX}{digits}"))
    }

    /// Whether this binding has made the target group with this ARN.
    pub fn made_group(&self, arn: &str) -> bool {
        arn.contains(&format!(":targetgroup/{}", self.target_group_prefix()))
    }

    /// The name of the binding's rule.
    pub fn rule(&self) -> String {
        self.to_string()
    }

    /// The start of every key of the binding's objects.
    pub fn key_prefix(&self) -> String {
        format!("{self}/")
    }

    /// The start of the names of all its target groups.
    pub fn target_group_prefix(&self) -> String {
        format!("anb-{}-", self.digits)
    }

    /// The name of the target group for the listener on `port`. It has at most 4 + 16 + 1 + 5 characters, and may have 32
    /// (ELBv2 API, `CreateTargetGroup`).
    pub fn target_group(&self, port: u16) -> String {
        format!("{}{port}", self.target_group_prefix())
    }

    /// The names of its target groups for listeners on these ports.
    pub fn target_groups(&self, ports: &BTreeSet<u16>) -> Vec<String> {
        let names = ports.iter().map(|port| self.target_group(*port));
        names.collect()
    }

    /// The tags of everything that the binding makes: the stack's tags and [`TAG`].
    pub fn tags(&self, stack_tags: Tags) -> Tags {
        let mut tags: Tags = stack_tags
            .into_iter()
            // Only AWS may set these tags.
            .filter(|(key, _)| !key.starts_with("aws:"))
            .take(MOST_TAGS - 1)
            .collect();
        tags.insert(TAG.to_owned(), self.to_string());
        tags
    }
}

impl fmt::Display for BindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.digits)
    }
}

/// The account in `arn:<partition>:lambda:<region>:<account>:function:<name>`.
pub fn account(function_arn: &str) -> &str {
    function_arn.split(':').nth(4).unwrap_or_default()
}

/// The partition in such an ARN, for example `aws` or `aws-cn`.
pub fn partition(function_arn: &str) -> &str {
    function_arn.split(':').nth(1).unwrap_or_default()
}

/// A function's ARN without version or alias: the role lets a rule call this one only.
pub fn unqualified(function_arn: &str) -> String {
    let parts: Vec<_> = function_arn.split(':').take(7).collect();
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_id_and_the_id_from_what_is_asked_for() {
        let id = BindingId::derive("stack", "Binding", "arn:nlb");
        assert_eq!(id, BindingId::derive("stack", "Binding", "arn:nlb"));
        assert_ne!(id, BindingId::derive("stack", "Binding", "arn:other"));
        assert_eq!(BindingId::parse(&id.to_string()), Some(id.clone()));
        assert!(id.bucket("123456789012").len() <= 63);
        assert!(id.target_group(65535).len() <= 32);
        for other in [
            "",
            "alb-nlb-binding-",
            "alb-nlb-binding-0123456789ABCDEF",
            "2026/11/22/[$LATEST]0",
        ] {
            assert_eq!(BindingId::parse(other), None, "{other}");
        }
    }

    /// The role allows rules to call only the unqualified function: `events:TargetArn`.
    #[test]
    fn a_rule_calls_the_function_without_version_or_alias() {
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        assert_eq!(unqualified(function), function);
        for qualifier in ["live", "7", "$LATEST"] {
            assert_eq!(unqualified(&format!("{function}:{qualifier}")), function);
        }
    }
}
