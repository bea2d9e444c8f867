//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Never asks more often than it is allowed to, and says whether it found enough.

use super::tally::{Found, Tally};
use crate::capabilities::{Dns, DnsError, Question};
use crate::log::chain;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::net::SocketAddr;
use std::pin::pin;

/// Lookups under way at once. At one function's end it costs a socket each; at the other end they
/// are spread over the four servers of the zone.
const SIDE_BY_SIDE: usize = 64;

/// A run under way.
pub struct Run<Q> {
    question: Q,
    tally: Tally,
}

/// Starts a run with its first lookup, after which most runs are done: without an answer to it there
/// is no list at all.
///
/// # Errors
/// Where no server gives an address.
pub async fn start<D: Dns>(
    dns: &D,
    dns_name: &str,
    servers: &[SocketAddr],
    max_lookups: usize,
) -> Result<Run<D::Question>, DnsError> {
    let (question, first) = dns.ask(dns_name, servers).await?;
    let mut tally = Tally::new(max_lookups, question.is_independent());
    tally.begin();
    tally.take(first);
    Ok(Run { question, tally })
}

impl<Q: Question> Run<Q> {
    /// Goes on until the list is complete or certain, or the allowance is used up. `known` tells,
    /// as soon as it can, how many addresses were known before this run; what is needed in any
    /// case is asked meanwhile.
    pub async fn finish(self, known: impl Future<Output = usize>) -> Found {
        let Self {
            question,
            mut tally,
        } = self;
        let mut known = pin!(known);
        let mut before = None;
        let mut under_way = FuturesUnordered::new();
        loop {
            let wanted = tally.wanted(before.unwrap_or(0));
            let free = SIDE_BY_SIDE.saturating_sub(under_way.len());
            for _ in 0..wanted.min(free) {
                under_way.push(question.again(tally.begin()));
            }
            if let Some(known) = before
                && (under_way.is_empty() || tally.is_complete())
            {
                return tally.found(known);
            }
            tokio::select! {
                count = &mut known, if before.is_none() => before = Some(count),
                Some(answer) = under_way.next() => match answer {
                    Ok(addresses) => tally.take(addresses),
                    Err(error) => {
                        let error = chain(&error);
                        tracing::warn!(error, "a lookup failed");
                        tally.take_failure();
                    }
                },
            }
        }
    }
}
