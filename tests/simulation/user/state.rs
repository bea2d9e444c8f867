//! Who has a stack with the binding in it, and how often something befalls the requests.

use crate::properties::{PropertyChoices, ResourceProperties};
use crate::state::SimulatedStack;
use crate::world::SimulatedWorld;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// For how long CloudFormation waits for an answer (`ServiceTimeout`).
pub const SERVICE_TIMEOUT: u64 = 640_000;

/// How often of a thousand something befalls a request.
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
    /// Who gives a target group up takes the grant for it away, too.
    pub grant_removed: u32,
    /// EventBridge may not be told of the function, so that the request fails past its first sync.
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
    /// What CloudFormation last had a success for, with its physical id.
    pub acknowledged: RefCell<Option<(Rc<ResourceProperties>, String)>>,
    /// The bucket that the resource was first made with. It is made again with the same: a killed try of
    /// the first Create knows of no other, so that two records would stand for one id (a limit of the
    /// product's, told of in the README).
    pub first_bucket: RefCell<Option<Option<String>>>,
}

impl User {
    pub async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}
