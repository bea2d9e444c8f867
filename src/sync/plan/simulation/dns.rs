//! What one run of lookups finds in the simulated DNS: at most 8 random addresses an answer.
//!
//! Goes by the very tally of `discovery::Run`, which cannot be had without servers. No I/O.

use super::world::Chance;
use crate::discovery::{DiscoveryError, Found, Tally};
use rand::seq::IndexedRandom;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Application Load Balancer guide, "DNS name": up to eight addresses in one answer.
pub(super) const ADDRESSES_PER_ANSWER: usize = 8;

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
    let mut tally = Tally::new(asking.max_lookups, asking.independent);
    tally.begin();
    let first = answer(chance, &addresses);
    tally.take(first.clone());
    while tally.wanted(known) > 0 {
        tally.begin();
        if asking.trouble == Trouble::Some && chance.of(0.25) {
            tally.take_failure();
        } else if asking.independent {
            tally.take(answer(chance, &addresses));
        } else {
            tally.take(first.clone());
        }
    }
    Ok(tally.found(known))
}

fn answer(chance: &mut Chance, addresses: &[IpAddr]) -> Vec<IpAddr> {
    if addresses.len() <= ADDRESSES_PER_ANSWER {
        return addresses.to_vec();
    }
    addresses
        .sample(&mut chance.0, ADDRESSES_PER_ANSWER)
        .copied()
        .collect()
}
