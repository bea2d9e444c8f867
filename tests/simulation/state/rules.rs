//! EventBridge as far as it holds anything: the rules.

use alb_nlb_binding::model::{Rule, Tags};

pub struct HeldRule {
    pub rule: Rule,
    pub tags: Tags,
}
