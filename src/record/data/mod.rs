//! What the record holds, and what follows from that alone. Nothing here asks AWS.

mod caller;
mod claim;
mod due_targets;
mod lost;
mod orders;
mod own_target;
mod record;
mod rule_event;
mod signed;
mod state_object;
#[cfg(test)]
mod tests;
mod tick_rules;

pub use caller::Caller;
pub use claim::{
    Claim, DeliveryId, FormerRequest, Outcome, PropertiesDigest, Replacement, RequestType,
    Response, ResponseStatus, TAKEOVER_WAIT,
};
pub use orders::Orders;
pub use own_target::{OwnTarget, OwnTargets};
pub use record::{Failure, Phase, Record};
pub use rule_event::{RULE_TARGET, RuleEvent};
pub use signed::{Signed, signature_time};
pub use state_object::{StateObject, StateObjectError};
pub use tick_rules::Counting;
