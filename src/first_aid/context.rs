//! What every answer is made with: AWS, DNS, and what the function knows of itself.

use crate::aws::api::Aws;
use crate::clock::Clock;
use crate::discovery::{self, Dns, Found, Search};
use crate::log::chain;
use std::collections::BTreeSet;
use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use tokio::sync::oneshot;

/// What a person's question is answered with.
pub struct FirstAid<'a, A, D> {
    pub aws: &'a A,
    pub dns: &'a D,
    pub region: &'a str,
    /// The function's variable `STATE_BUCKET`.
    pub state_bucket: Option<&'a str>,
    pub function_arn: &'a str,
    pub clock: Clock,
}

impl<A: Aws, D: Dns> FirstAid<'_, A, D> {
    /// The addresses that DNS shows now. The addresses that are known already say how many to expect.
    ///
    /// # Errors
    /// The text of the error if DNS shows none.
    pub(super) async fn discover(
        &self,
        dns_name: &str,
        servers: &[SocketAddr],
        max_lookups: usize,
        known: BTreeSet<IpAddr>,
    ) -> Result<Found, String> {
        let search = Search {
            dns_name,
            servers,
            max_lookups,
            expected: known.len(),
        };
        let found = discovery::run(self.dns, search, ready(known), oneshot::channel().0);
        found.await.map_err(|error| chain(&error))
    }
}
