//! Takes steps of different target groups, or of different listeners, side by side.

use super::applier::Applier;
use super::made::{MadeSoFar, RefusedListener};
use crate::aws::api::Aws;
use crate::binding::error::BindingError;
use crate::binding::step::Step;
use crate::discovery::Dns;
use futures_util::stream::{self, StreamExt};
use std::cell::{Cell, RefCell};

/// How many target groups, or listeners, are made side by side: ELBv2 takes only twenty changes at once (ELB guide,
/// "Request throttling for the Elastic Load Balancing API").
const MADE_SIDE_BY_SIDE: usize = 4;

impl<A: Aws, D: Dns> Applier<'_, '_, A, D> {
    /// Takes the steps of one batch, those of different chains side by side. Gives the listeners that AWS refuses for a
    /// quota.
    pub(super) async fn apply_batch(
        &self,
        steps: &[Step],
        made: &RefCell<MadeSoFar>,
    ) -> Result<Vec<RefusedListener>, BindingError> {
        let mut chains: Vec<Vec<&Step>> = Vec::new();
        for step in steps {
            let has_step = |chain: &&mut Vec<&Step>| {
                let first = chain.first();
                first.is_some_and(|first| first.chain() == step.chain())
            };
            match chains.iter_mut().find(has_step) {
                Some(chain) => chain.push(step),
                None => chains.push(vec![step]),
            }
        }
        let has_failed = Cell::new(false);
        let taken = chains.into_iter().map(async |steps| {
            if has_failed.get() {
                return Ok(None);
            }
            let taken = self.take_chain(steps, made).await;
            has_failed.set(has_failed.get() || taken.is_err());
            taken
        });
        // Chains that have begun come to their end before a failed one fails the request: none is dropped half way.
        let taken = stream::iter(taken).buffered(MADE_SIDE_BY_SIDE);
        let taken: Vec<_> = taken.collect().await;
        let refused: Result<Vec<_>, _> = taken.into_iter().collect();
        Ok(refused?.into_iter().flatten().collect())
    }

    /// Takes the steps of one chain, one after the other.
    async fn take_chain(
        &self,
        steps: Vec<&Step>,
        made: &RefCell<MadeSoFar>,
    ) -> Result<Option<RefusedListener>, BindingError> {
        for step in steps {
            match (self.take_step(step, made).await, step) {
                (Err(error), &Step::CreateListener { port, .. }) if error.is_quota() => {
                    return Ok(Some(RefusedListener { port, error }));
                }
                (taken, _) => taken?,
            }
        }
        Ok(None)
    }
}
