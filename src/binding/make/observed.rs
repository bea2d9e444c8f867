//! AWS as it is observed, as the checks and the plan read it. No I/O.

use crate::model::{Attributes, Listener, LoadBalancer, Rule, Tags, TargetGroup};
use crate::record::Record;
use std::collections::BTreeMap;

/// AWS as it is, as far as one binding is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    pub alb: Option<LoadBalancer>,
    pub nlb: Option<LoadBalancer>,
    pub alb_attributes: Attributes,
    /// Read only if both are in one VPC and the NLB has a zone that the ALB does not have.
    pub nlb_attributes: Attributes,
    pub alb_listeners: Vec<Listener>,
    /// Only those that matter to the binding.
    pub nlb_listeners: Vec<NlbListener>,
    /// Target groups that the user gives, by ARN; `None` if a group does not exist.
    pub given_groups: BTreeMap<String, Option<GivenTargetGroup>>,
    /// Target groups that are the binding's by name.
    pub groups: Vec<OwnTargetGroup>,
    pub bucket: RecordBucket,
    /// The record, and the bucket that it is in.
    pub record: Option<(Record, String)>,
    pub rule: Option<Rule>,
    pub rule_tags: Tags,
    /// The tags that everything made should have.
    pub tags: Tags,
}

/// The bucket that the record is to be in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RecordBucket {
    #[default]
    Missing,
    /// It cannot be used, for this reason.
    Refused(String),
    /// It exists, and the user gives it: its tags and its policy are the user's.
    Given,
    /// It exists, and is the binding's own.
    Own {
        tags: Tags,
        /// The policy, if the bucket has one, or why it cannot be read.
        policy: Result<Option<String>, String>,
    },
}

/// A listener of the NLB, the binding's or another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NlbListener {
    pub listener: Listener,
    pub tags: Tags,
    /// Whether it is the binding's by its tag.
    pub is_own: bool,
    /// Read only if the binding's traffic may come through the listener.
    pub attributes: Attributes,
}

/// A target group that the user gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
}

/// A target group that is the binding's by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTargetGroup {
    pub group: TargetGroup,
    pub attributes: Attributes,
    pub tags: Tags,
}
