//! The binding's record and the protocol around it. They alone decide what an invocation may do.
//!
//! - `data`: what the record holds: the claim, the orders, own targets. Pure.
//! - `storage`: where the record is: read, searched for, written under its condition, moved.
//! - `protocol`: who may act: the lease, the claims, which request is later, whether it is still wanted.
//! - `request`: one request of CloudFormation on its way through that protocol, up to its outcome.
//!
//! The contract's section "The record" has eleven rules. Each is kept here:
//!
//! | rule | kept by |
//! |---|---|
//! | 1. Act only on a fresh look | `protocol::lease`: each call that changes something takes a permit, and only a lease gives one |
//! | 2. Claims | `request::claiming`, and `protocol::claims`, which sees whether a claim still stands |
//! | 3. The same request again | `protocol::judge`; `request::outcome` stores the answer; `request::other_delivery` |
//! | 4. Which is later? | `protocol::judge`, by `data::signed` |
//! | 5. Is it still wanted? | `protocol::still_wanted`, by what `protocol::cloudformation` reads |
//! | 6. Ticks write before they act | `protocol::tick_write`; what a tick may count: `data::tick_rules` |
//! | 7. Delete's tombstone | [`Phase::Leaving`], set by [`Record::claim_for`]; what Delete then does: `binding::delete` |
//! | 8. The rule's input | `data::rule_event`; a lost record: `data::lost` |
//! | 9. A replacement | [`Turn::claim`] is called for both records; the note: [`Replacement`] |
//! | 10. Another bucket | `storage::relocation`; `storage::store` follows the stubs |
//! | 11. Found targets | [`Record::found`]; targets that other bindings own as well: `protocol::other_bindings` |
//!
//! This folder reads CloudFormation and other bindings' rules. It changes nothing on AWS but the record.

mod data;
mod error;
mod just_made;
mod protocol;
mod request;
mod storage;

pub use crate::permit::FRESH;
pub use data::{
    Caller, Claim, Counting, Digest, Failure, Mark, Orders, Own, OwnTarget, Phase, RULE_TARGET,
    Record, Replacement, RequestType, Response, RuleEvent, Signed, Status, TAKEN_OVER, signed,
};
pub use error::RecordError;
pub use just_made::ResourceKind;
pub use protocol::{Asker, Hold, LAG, Lease, Resource, Ticking, View, owned_by_others};
pub use request::{Claiming, Hand, Served, Turn};
pub use storage::{Candidate, Contents, Held, Located, Store, Unreadable};
