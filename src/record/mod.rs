//! The binding's record and the protocol around it. They alone decide what an invocation may do.
//!
//! The record is one S3 object. Every invocation reads it, and every change of it is written with If-Match or
//! If-None-Match. ELBv2 and EventBridge know no such condition, so time takes its place there.
//!
//! - `data`: what the record holds: the claim, the orders, own targets. Pure.
//! - `storage`: where the record is: read, searched for, written under its condition, moved.
//! - `protocol`: who may act: the lease, the claims, which request is later, whether it is still wanted.
//! - `request`: one request of CloudFormation on its way through that protocol, up to its outcome.
//!
//! # The rules
//!
//! Comments name a rule by its number. These are all of them, each with the files that keep it.
//!
//! 1. **Act only on a fresh look.** A call that changes something on AWS starts within 5 s of a look at the record, or
//!    of a write of it, and ends within 5 s more. `protocol/lease.rs` gives the permit that each such call takes.
//! 2. **Claims.** A request claims the record before it changes anything. If it takes over from a request that has
//!    no answer yet, it waits 15 s and observes again. A request whose claim is gone stops and undoes nothing.
//!    `request/claiming.rs` claims and waits, `protocol/claims.rs` sees whether the request still has its claim.
//! 3. **The same request again.** The answer is stored in the claim before it is sent, so that each delivery of a
//!    request answers the same. `protocol/judge.rs` finds it, `request/outcome.rs` stores it, and
//!    `request/other_delivery.rs` waits for the delivery that has taken over.
//! 4. **Which is later?** A request that CloudFormation signed more than 2 s before that of the claim is superseded
//!    and does nothing. So is an Update whose rollback has claimed the record. `protocol/judge.rs`, by the time that
//!    `data/signed.rs` reads.
//! 5. **Is it still wanted?** CloudFormation is asked, and a request is refused only after 10 s of the same answer.
//!    `protocol/still_wanted.rs`, by what `protocol/cloudformation.rs` reads; `request/stack_status.rs` asks.
//!    What a request that is not wanted has made, `binding/make/still_wanted.rs` removes; a late second delivery of a
//!    Delete ends in `binding/delete/still_wanted.rs`.
//! 6. **Ticks** write the record before they register or deregister: `protocol/tick_write.rs`. While a claim has no
//!    answer they count nothing: `data/tick_rules.rs`. What becomes own, and which target has to be waited for, is in
//!    `sync/plan/planning.rs`.
//! 7. **Delete** turns the record into its tombstone first, which is [`Phase::Leaving`]: `data/record.rs`. What it then
//!    removes is in `binding/delete`: the order in `deleting.rs`, and own targets in given groups, with the second look
//!    after 15 s, in `apply/given_targets.rs`.
//! 8. **The rule's input** says where the record is and holds a copy of the orders: `data/rule_event.rs`. If the
//!    record is lost while the rule exists, `data/lost.rs` rebuilds it from that copy, for `sync/lost_record.rs`.
//! 9. **A replacement** claims the former binding's record as well ([`ClaimPurpose::ToReplace`] in
//!    `request/claiming.rs`), and is noted there ([`Replacement`] in `data/claim.rs`). `binding/make/former.rs` does
//!    that, and `binding/delete/replacements.rs` removes a replacement that is not wanted.
//! 10. **Another bucket.** The record is copied there, and the old one becomes a stub: `storage/relocation.rs`. Readers
//!     follow stubs: `storage/store.rs`.
//! 11. **Found targets** were registered in a given group before this binding wrote about it: [`Record::found`],
//!     set by `sync/plan/planning.rs`; whether they stay is in `binding/delete/apply/given_targets.rs`. Own
//!     targets that another binding owns as well stay registered: `protocol/other_bindings.rs`.
//!
//! This folder reads CloudFormation and other bindings' rules. It changes nothing on AWS but the record.

mod data;
mod error;
mod just_made;
mod protocol;
mod request;
mod storage;

pub use crate::permit::FRESH_FOR;
pub use data::{
    Caller, Claim, Counting, DeliveryId, Failure, Orders, OwnTarget, OwnTargets, Phase,
    PropertiesDigest, RULE_TARGET, Record, Replacement, RequestType, Response, ResponseStatus,
    RuleEvent, Signed, TAKEOVER_WAIT, signature_time,
};
pub use error::RecordError;
pub use just_made::ResourceKind;
pub use protocol::{
    Lease, LeaseHolder, ResourceStatus, STATUS_LAG, StackReader, StackView, TickWrite,
    owned_by_others,
};
pub use request::{ClaimPurpose, ClaimResult, SuccessfulRequest, Turn};
pub use storage::{Candidate, Contents, Located, Store, StoredRecord, Unreadable};
