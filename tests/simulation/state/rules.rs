//! The state of EventBridge: its rules.

use alb_nlb_binding::model::{Rule, Tags};

pub struct SimulatedRule {
    pub rule: Rule,
    pub tags: Tags,
}
