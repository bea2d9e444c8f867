//! A user who has a stack with the binding in it, and how often faults happen to the requests.

use crate::properties::{PropertyChoices, ResourceProperties};
use crate::state::SimulatedStack;
use crate::world::SimulatedWorld;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// How many milliseconds CloudFormation waits for an answer: longer than Lambda's queue and the function's own deadline
/// take together (docs/enterprise.md). Repeated on purpose, so that it does not follow the product.
pub const SERVICE_TIMEOUT: u64 = 640_000;

/// How many requests of a thousand each fault happens to.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestFaultRates {
    /// Another resource of the stack fails after this one.
    pub other_fails: u32,
    pub cancelled: u32,
    pub doubled: u32,
    pub late: u32,
    pub killed: u32,
    pub never_delivered: u32,
    pub replaces: u32,
    pub removed: u32,
    /// A user who gives a target group up also takes the permission for it away.
    pub grant_removed: u32,
    /// The function is denied to put the target of the rule, so that the request fails after its first sync.
    pub rule_denied: u32,
    /// A quota of the account is reached, until the next request.
    pub quota: u32,
    /// A request that failed is rolled back only minutes later ("Stack failure options").
    pub lingers: u32,
}

pub struct User {
    pub world: Rc<SimulatedWorld>,
    pub stack: Rc<SimulatedStack>,
    pub choices: PropertyChoices,
    pub faults: Cell<RequestFaultRates>,
    /// The properties of the last success that CloudFormation got, with the physical id.
    pub acknowledged: RefCell<Option<(Rc<ResourceProperties>, String)>>,
    /// The bucket of the first Create. A later Create names the same one: a killed try of the first Create knows
    /// no other bucket, so there would be two records of one id (a limit of the product, see the README).
    pub first_bucket: RefCell<Option<Option<String>>>,
}

impl User {
    pub async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}
