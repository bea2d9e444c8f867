//! What one run of lookups finds in the simulated DNS: at most 8 random addresses an answer.
//!
//! Goes by the steps of `discovery::Run`, which cannot be had without servers, and by its very
//! formula. No I/O.

use super::world::Chance;
use crate::discovery::{DiscoveryError, Found};
pub(super) use certainty::ADDRESSES_PER_ANSWER;
use certainty::lookups_needed;
use rand::seq::IndexedRandom;
use std::collections::BTreeSet;
use std::net::IpAddr;

// Private to discovery; the simulation is worth nothing with a formula of its own.
#[allow(clippy::duplicate_mod)]
#[path = "../../../discovery/certainty.rs"]
mod certainty;

/// What goes wrong with the lookups of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// One in four fails.
    Some,
    /// No server answers.
    All,
}

/// How one run asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    pub max_lookups: usize,
    /// Authoritative servers choose anew for each answer, a cache repeats one.
    pub independent: bool,
    pub trouble: Trouble,
}

pub(super) fn look(
    chance: &mut Chance,
    in_dns: &BTreeSet<IpAddr>,
    known: usize,
    asking: Asking,
) -> Result<Found, DiscoveryError> {
    if asking.trouble == Trouble::All {
        return Err(DiscoveryError::Silent {
            name: "application".to_owned(),
            servers: "the simulated one".to_owned(),
        });
    }
    let addresses: Vec<IpAddr> = in_dns.iter().copied().collect();
    let mut seen: BTreeSet<_> = answer(chance, &addresses).into_iter().collect();
    let complete = addresses.len() < ADDRESSES_PER_ANSWER;
    let (mut lookups, mut failed_lookups) = (1, 0);
    let mut full_answers = usize::from(!complete);
    let certain = |seen: &BTreeSet<_>, full_answers| {
        complete || (asking.independent && full_answers >= lookups_needed(seen.len(), known))
    };
    while lookups < asking.max_lookups && !certain(&seen, full_answers) {
        lookups += 1;
        if asking.trouble == Trouble::Some && chance.of(0.25) {
            failed_lookups += 1;
            continue;
        }
        full_answers += 1;
        if asking.independent {
            seen.extend(answer(chance, &addresses));
        }
    }
    let certain = certain(&seen, full_answers);
    let fresh = if asking.independent { full_answers } else { 1 };
    let runs_needed = match certain {
        true => 1,
        false => lookups_needed(seen.len(), known).div_ceil(fresh.max(1)),
    };
    Ok(Found {
        addresses: seen,
        lookups,
        failed_lookups,
        certain,
        runs_needed: u32::try_from(runs_needed).expect("few runs"),
    })
}

/// Application Load Balancer guide, "DNS name": up to eight addresses in one answer.
fn answer(chance: &mut Chance, addresses: &[IpAddr]) -> Vec<IpAddr> {
    if addresses.len() <= ADDRESSES_PER_ANSWER {
        return addresses.to_vec();
    }
    addresses
        .sample(&mut chance.0, ADDRESSES_PER_ANSWER)
        .copied()
        .collect()
}
