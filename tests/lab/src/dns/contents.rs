//! What DNS holds. All servers of a lab share it.

use std::collections::HashMap;
use std::time::Duration;

use super::address_pool::AddressPool;
use super::failure::Failing;

#[derive(Default)]
pub(super) struct DnsContents {
    pub addresses: HashMap<String, AddressPool>,
    /// Names that only lead to other names.
    pub aliases: HashMap<String, String>,
    pub failures: HashMap<String, Failing>,
    /// How long an answer takes at least.
    pub delay: Duration,
    /// How long each answer took.
    pub times: Vec<Duration>,
}
