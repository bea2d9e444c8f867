//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Never asks more often than it is allowed to, and says whether it found enough.

use super::tally::{Found, Tally};
use crate::capabilities::{Dns, DnsError, Question};
use crate::log::chain;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
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
    let mut tally = Tally::new(max_lookups, question.servers());
    tally.begin();
    tally.take(first);
    Ok(Run { question, tally })
}

impl<Q: Question> Run<Q> {
    /// Goes on until the list is complete or certain, or the allowance is used up. `known` tells,
    /// as soon as it can, which addresses were known before this run; what is needed in any case is
    /// asked meanwhile.
    pub async fn finish(self, known: impl Future<Output = BTreeSet<IpAddr>>) -> Found {
        let Self {
            question,
            mut tally,
        } = self;
        let mut known = pin!(known);
        let mut before = None;
        let nothing = BTreeSet::new();
        let mut under_way = FuturesUnordered::new();
        let mut failure = None;
        let (known, judgement) = loop {
            let so_far = before.as_ref().unwrap_or(&nothing);
            let judgement = tally.judge(so_far);
            if before.is_some() && judgement.is_complete {
                break (so_far, judgement);
            }
            let free = match before.is_none() && tally.is_short() {
                true => 0,
                false => SIDE_BY_SIDE.saturating_sub(under_way.len()),
            };
            let last = tally.last(&judgement);
            for _ in 0..judgement.wanted.min(free) {
                under_way.push(question.again(tally.begin(), last.clone()));
            }
            if before.is_some() && under_way.is_empty() {
                break (so_far, judgement);
            }
            tokio::select! {
                addresses = &mut known, if before.is_none() => before = Some(addresses),
                Some(answer) = under_way.next() => match answer {
                    Ok(answer) => tally.take(answer),
                    Err(error) => {
                        tally.take_failure();
                        failure = Some(error);
                    }
                },
            }
        };
        let found = tally.found(known, &judgement);
        if !judgement.caches.is_empty() {
            question.warn_of(&judgement.caches, found.addresses.union(known).count());
        }
        if let Some(error) = failure {
            let (failed, lookups) = (found.failed_lookups, found.lookups);
            let error = chain(&error);
            tracing::warn!(
                error,
                failed,
                lookups,
                "lookups failed, the last of them so"
            );
        }
        found
    }
}
