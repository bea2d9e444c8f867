//! The plans of make and delete, the steps that they consist of, and how both read. `+` makes, `~` changes, `-` takes
//! away.

use crate::model::{Attributes, HealthCheck, Tags, TargetGroupPort};
use std::collections::BTreeMap;
use std::fmt;

/// The steps in their order: those of make, or the removals of delete. In the log, in a test and in a dry run it
/// reads one step a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<S> {
    pub steps: Vec<S>,
}

impl<S: fmt::Display> fmt::Display for Plan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.steps.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    CreateBucket {
        bucket: String,
    },
    TagBucket {
        bucket: String,
        tags: Tags,
    },
    /// From this step on S3 denies every request without TLS.
    PutBucketPolicy {
        bucket: String,
        policy: String,
    },
    /// The claim on the record, which is made if there is none: from this step on no other request acts.
    Claim {
        bucket: String,
    },
    /// Moves the record to the bucket of a changed `BucketName`.
    MoveRecord {
        from: String,
        to: String,
    },
    CreateTargetGroup {
        name: String,
        port: u16,
        vpc_id: String,
        health_check: HealthCheck,
    },
    ModifyHealthCheck {
        name: String,
        health_check: HealthCheck,
    },
    ModifyAttributes {
        name: String,
        attributes: Attributes,
    },
    TagTargetGroup {
        name: String,
        tags: Tags,
    },
    /// Registers every address that the ALB has in DNS. In the target groups `adopts`, which are given for the first
    /// time, the targets that an earlier function registered become the binding's own.
    Sync {
        adopts: Vec<TargetGroupPort>,
    },
    CreateListener {
        port: u16,
        target_group: String,
    },
    ForwardListener {
        arn: String,
        port: u16,
        target_group: String,
    },
    /// Gives a listener that is no longer wanted the port of one that AWS refused to make.
    MoveListener {
        arn: String,
        from: u16,
        port: u16,
        target_group: String,
    },
    /// Sets for how many seconds the listener holds a connection without traffic.
    SetIdleTimeout {
        port: u16,
        seconds: u32,
    },
    TagListener {
        arn: String,
        port: u16,
        tags: Tags,
    },
    PutRule {
        schedule: String,
    },
    TagRule {
        tags: Tags,
    },
    PutRuleTarget,
    /// Takes away a part that is no longer wanted.
    Remove(Removal),
}

/// A part of the binding that is made by several steps. The steps of different parts may be taken side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain<'a> {
    TargetGroup(&'a str),
    Listener(u16),
}

impl Step {
    /// The part that a step belongs to; `None` if it belongs to the whole binding.
    pub fn chain(&self) -> Option<Chain<'_>> {
        match self {
            Self::CreateTargetGroup { name, .. }
            | Self::ModifyHealthCheck { name, .. }
            | Self::ModifyAttributes { name, .. }
            | Self::TagTargetGroup { name, .. } => Some(Chain::TargetGroup(name)),
            Self::CreateListener { port, .. }
            | Self::ForwardListener { port, .. }
            | Self::SetIdleTimeout { port, .. }
            | Self::TagListener { port, .. } => Some(Chain::Listener(*port)),
            _ => None,
        }
    }

    /// Whether every plan has this step, even if everything is as it should be.
    pub const fn is_in_every_plan(&self) -> bool {
        matches!(self, Self::Claim { .. } | Self::Sync { .. })
    }

    /// Whether the next step may be taken beside this one: it waits only for earlier steps of its own chain.
    pub fn is_beside(&self, next: &Self) -> bool {
        matches!(
            (self.chain(), next.chain()),
            (Some(Chain::TargetGroup(_)), Some(Chain::TargetGroup(_)))
                | (Some(Chain::Listener(_)), Some(Chain::Listener(_)))
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBucket { bucket } => write!(f, "+ bucket {bucket}"),
            Self::TagBucket { bucket, tags } => {
                write!(f, "~ bucket {bucket}: tags {}", join_pairs(tags))
            }
            Self::PutBucketPolicy { bucket, .. } => {
                write!(f, "~ bucket {bucket}: policy, no request without TLS")
            }
            Self::Claim { bucket } => write!(f, "~ record in bucket {bucket}"),
            Self::MoveRecord { from, to } => {
                write!(f, "~ record from bucket {from} to bucket {to}")
            }
            Self::CreateTargetGroup {
                name,
                port,
                vpc_id,
                health_check,
            } => {
                write!(
                    f,
                    "+ target group {name} for port {port} in {vpc_id}, health check {health_check}"
                )
            }
            Self::ModifyHealthCheck { name, health_check } => {
                write!(f, "~ target group {name}: health check {health_check}")
            }
            Self::ModifyAttributes { name, attributes } => {
                write!(f, "~ target group {name}: {}", join_pairs(attributes))
            }
            Self::TagTargetGroup { name, tags } => {
                write!(f, "~ target group {name}: tags {}", join_pairs(tags))
            }
            Self::Sync { adopts } => {
                f.write_str("~ targets: every address in DNS")?;
                for group in adopts {
                    write!(f, ", and what an earlier function knew of {}", group.arn)?;
                }
                Ok(())
            }
            Self::CreateListener { port, target_group } => {
                write!(f, "+ listener on port {port} to {target_group}")
            }
            Self::ForwardListener {
                port, target_group, ..
            } => {
                write!(f, "~ listener on port {port} to {target_group}")
            }
            Self::MoveListener {
                from,
                port,
                target_group,
                ..
            } => {
                write!(
                    f,
                    "~ listener from port {from} to port {port}, to {target_group}"
                )
            }
            Self::SetIdleTimeout { port, seconds } => {
                write!(f, "~ listener on port {port}: idle timeout {seconds} s")
            }
            Self::TagListener { port, tags, .. } => {
                write!(f, "~ listener on port {port}: tags {}", join_pairs(tags))
            }
            Self::PutRule { schedule } => write!(f, "+ rule {schedule}"),
            Self::TagRule { tags } => write!(f, "~ rule: tags {}", join_pairs(tags)),
            Self::PutRuleTarget => write!(f, "+ rule target"),
            Self::Remove(removal) => removal.fmt(f),
        }
    }
}

fn join_pairs(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = map
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(", ")
}

/// One thing to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    RuleTargets {
        ids: Vec<String>,
    },
    Rule,
    /// Takes the binding's own targets out of a target group that is not its own.
    Targets {
        target_group: String,
    },
    Listener {
        arn: String,
        port: u16,
    },
    TargetGroup {
        arn: String,
        name: String,
    },
    /// The stub that a changed `BucketName` left in a bucket that the binding no longer uses.
    Stub {
        bucket: String,
    },
    /// The binding's record in a bucket that is not its own.
    Record {
        bucket: String,
    },
    /// The binding's own bucket, with everything in it.
    Bucket {
        bucket: String,
    },
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleTargets { ids } => write!(f, "- rule target {}", ids.join(", ")),
            Self::Rule => f.write_str("- rule"),
            Self::Targets { target_group } => write!(f, "- own targets in {target_group}"),
            Self::Listener { port, .. } => write!(f, "- listener on port {port}"),
            Self::TargetGroup { name, .. } => write!(f, "- target group {name}"),
            Self::Stub { bucket } => write!(f, "- stub in bucket {bucket}"),
            Self::Record { bucket } => write!(f, "- record in bucket {bucket}"),
            Self::Bucket { bucket } => write!(f, "- bucket {bucket}"),
        }
    }
}

impl Removal {
    /// Whether it takes the record away, or the bucket that may hold the record.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Record { .. } | Self::Bucket { .. })
    }
}
