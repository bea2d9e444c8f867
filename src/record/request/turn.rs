//! What one request has while it is served: its lease, its claims, and the record's store.

use crate::aws::api::{Objects, Stacks};
use crate::clock::{Clock, Timestamp};
use crate::names::BindingId;
use crate::record::data::{Caller, Replacement};
use crate::record::protocol::{Claims, Lease};
use crate::record::storage::Store;
use std::cell::Cell;

/// One request of CloudFormation, from its first look at the record to its outcome.
pub struct Turn<'a, A> {
    pub(super) aws: &'a A,
    pub(super) clock: Clock,
    pub(super) caller: Caller,
    pub(super) lease: Lease<Claims<'a, A>>,
    /// Whether it was taken over and has started again.
    pub(super) has_started_again: Cell<bool>,
    /// When it first asked CloudFormation whether the stack rolls back.
    pub(super) asked: Cell<Option<Timestamp>>,
}

impl<'a, A: Objects + Stacks> Turn<'a, A> {
    pub fn new(aws: &'a A, clock: Clock, caller: Caller) -> Self {
        let claims = Claims::none(caller.delivery.clone());
        let lease = Lease::new(claims, clock);
        Self {
            aws,
            clock,
            caller,
            lease,
            has_started_again: Cell::new(false),
            asked: Cell::default(),
        }
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The permission of this request to act.
    pub fn lease(&self) -> &Lease<Claims<'a, A>> {
        &self.lease
    }

    /// The store of a binding's record.
    pub fn store(&self, id: &BindingId) -> Store<'a, A> {
        Store::new(self.aws, id.to_string()).with_just_made(self.lease.just_made().clone())
    }

    /// Rule 9: the binding that a note in the record means.
    pub fn replacement(&self, replaced: &Replacement) -> BindingId {
        let Caller {
            stack_id,
            logical_id,
            ..
        } = &self.caller;
        BindingId::derive(stack_id, logical_id, &replaced.nlb_arn)
    }
}
