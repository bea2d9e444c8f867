//! The binding's record, and the protocol around it: what any invocation may do follows from here,
//! and from nowhere else.
//!
//! Read side by side with the contract's section "The record", rule by rule:
//!
//! 1. Act only on a fresh look: `lease`. A call that changes something takes a permit, and only a
//!    lease gives one.
//! 2. Claims, 3. the same request again, 4. which is later: `claim` judges, `turn` carries out, and
//!    `outcome` puts the answer down.
//! 5. Is it still wanted: `wanted`.
//! 6. Ticks write before they act: [`Ticking`]; whether they count: [`Record::counting`].
//! 7. Delete's tombstone: [`Phase::Leaving`], put by `turn`; what Delete then does is its own.
//! 8. The rule's event: `orders`. A lost record: [`Record::made_anew`].
//! 9. A replacement claims two records: [`Turn::claim`] is called for both, with [`Replacement`].
//! 10. Another bucket: `store` and `located`, and [`Turn::take_to`].
//! 11. Contents targets: [`OwnTarget::found`]; others' own: `others`.
//!
//! It asks S3 and CloudFormation, and EventBridge for others' rules; it changes nothing but the record.

mod body;
mod claim;
mod error;
mod fresh;
mod held;
mod holds;
mod lease;
mod located;
mod orders;
mod others;
mod outcome;
mod own;
mod request;
mod store;
#[cfg(test)]
mod tests;
mod ticking;
mod turn;
mod wanted;

pub use body::{Failure, Phase, Record};
pub use claim::signed;
pub use error::RecordError;
pub use fresh::{Fresh, ResourceKind};
pub use holds::{Claims, Ticking};
pub use lease::{FRESH, Hold, Lease};
pub use located::{Candidate, Contents, Held, Located, Unreadable};
pub use orders::{Orders, RULE_TARGET, RuleEvent};
pub use others::owned_by_others;
pub use outcome::Served;
pub use own::{Own, OwnTarget};
pub use request::TAKEN_OVER;
pub use request::{
    Caller, Claim, Digest, Mark, Replacement, RequestType, Response, Signed, Status,
};
pub use store::Store;
pub use ticking::Counting;
pub use turn::{Claiming, Hand, Turn};
pub use wanted::{Asker, LAG, Resource, View};
