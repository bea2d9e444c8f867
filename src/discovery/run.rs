//! One run of lookups, side by side, until the list is complete or certain enough.
//!
//! Never asks more often than it is allowed to, and says whether it found enough.

use super::DiscoveryError;
use super::question::Question;
use super::tally::{Found, Tally};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::pin::pin;

/// Lookups under way at once. At one function's end it costs a socket each; at the other end they
/// are spread over the four servers of the zone.
const SIDE_BY_SIDE: usize = 64;

/// A run under way.
pub struct Run {
    question: Question,
    tally: Tally,
}

impl Run {
    /// Starts with the first lookup: without an answer to it there is no list at all.
    pub(super) async fn start(question: Question, tally: Tally) -> Result<Self, DiscoveryError> {
        let mut run = Self { question, tally };
        let number = run.tally.begin();
        run.tally.take(run.question.ask(number).await?);
        Ok(run)
    }

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
                under_way.push(question.ask(tally.begin()));
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
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "a lookup failed");
                        tally.take_failure();
                    }
                },
            }
        }
    }
}
