//! The addresses of a load balancer, and which of them one answer shows.
//!
//! At most eight addresses an answer, another random choice each time, for 60 seconds: the
//! Application Load Balancer user guide, "Application Load Balancer overview" (TTL) and the
//! Route 53 developer guide on answers with up to eight healthy records. Two of the eight are the
//! next in turn, so that as many lookups as make a list certain always show the whole pool: AWS
//! hides an address from one run in a thousand, and a test would fail as seldom.

use std::net::Ipv4Addr;

use rand::seq::{IndexedRandom, SliceRandom};

const ADDRESSES_PER_ANSWER: usize = 8;
/// How many of them are shown because it is their turn.
const IN_TURN: usize = 2;

#[derive(Clone)]
pub(super) struct AddressPool {
    addresses: Vec<Ipv4Addr>,
    /// The index of the address whose turn is next.
    next: usize,
}

impl AddressPool {
    pub fn of(addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
            next: 0,
        }
    }

    /// The addresses of one answer: distinct, and in random order.
    pub fn answer(&mut self) -> Vec<Ipv4Addr> {
        let count = self.addresses.len();
        let in_turn = IN_TURN.min(count);
        let mut others = self.addresses.clone();
        others.rotate_left(self.next);
        let mut answer: Vec<_> = others.drain(..in_turn).collect();
        self.next = (self.next + in_turn) % count.max(1);
        let mut rng = rand::rng();
        answer.extend(others.sample(&mut rng, ADDRESSES_PER_ANSWER - IN_TURN));
        answer.shuffle(&mut rng);
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn half_as_many_answers_as_there_are_addresses_show_each_of_them() {
        for count in 1..=100 {
            let addresses: Vec<_> = (1..=count).map(|n| Ipv4Addr::new(10, 0, 0, n)).collect();
            let mut pool = AddressPool::of(addresses.clone());
            let answers: Vec<_> = (0..addresses.len().div_ceil(2))
                .map(|_| pool.answer())
                .collect();
            for answer in &answers {
                let distinct: BTreeSet<_> = answer.iter().collect();
                assert_eq!(distinct.len(), answer.len());
                assert_eq!(answer.len(), addresses.len().min(8));
            }
            let shown: BTreeSet<_> = answers.into_iter().flatten().collect();
            assert_eq!(shown, addresses.into_iter().collect());
        }
    }
}
