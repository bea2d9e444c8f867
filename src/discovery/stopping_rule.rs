//! How many answers are enough: one answer holds at most 8 addresses, a random subset.
//!
//! With `n` addresses in all, `q` answers all lack one given address with probability `(1 - 8/n)^q`. So the probability
//! that there is an address which they all lack is below `n (1 - 8/n)^q`. Nobody knows `n`; one more than was ever seen
//! is assumed.
//! Source: Application Load Balancer guide, "DNS name": up to eight addresses in one answer.
//!
//! The rule holds for draws: answers that are chosen at random and independently of each other. `independence` says how
//! many draws the answers of a run are worth.

/// How many addresses one DNS answer of a load balancer holds at most. An answer of fewer is the whole list.
pub const ADDRESSES_PER_ANSWER: usize = 8;

/// A list is certain if the chance that an address is missing is below this.
const ACCEPTED_DOUBT: f64 = 0.001;

/// How many full answers are enough, by the number of addresses that this run has seen and of those known before
/// it.
pub fn lookups_needed(seen: usize, known: usize) -> usize {
    let assumed_count = assumed_count(seen, known);
    let chance_one_answer_lacks_it = chance_one_answer_lacks_it(assumed_count);
    if chance_one_answer_lacks_it <= 0.0 {
        return 1;
    }
    // The smallest q with assumed_count * chance_one_answer_lacks_it^q < ACCEPTED_DOUBT.
    let needed =
        ((ACCEPTED_DOUBT / assumed_count).ln() / chance_one_answer_lacks_it.ln()).floor() + 1.0;
    // Finite and positive; far below 2^53 for any real number of addresses.
    needed as usize
}

/// The chance that an address was in none of the full answers, between 0 and 1.
pub fn doubt(seen: usize, known: usize, answers: usize) -> f64 {
    let assumed_count = assumed_count(seen, known);
    let answers = i32::try_from(answers).unwrap_or(i32::MAX);
    (assumed_count * chance_one_answer_lacks_it(assumed_count).powi(answers)).min(1.0)
}

/// One address more than was ever seen.
fn assumed_count(seen: usize, known: usize) -> f64 {
    float(seen.max(known).saturating_add(1))
}

/// Exact for every count of addresses or answers.
pub(super) fn float(count: usize) -> f64 {
    // There are no more IPv4 addresses than that.
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// The chance that one answer lacks one given address of `addresses`.
fn chance_one_answer_lacks_it(addresses: f64) -> f64 {
    (1.0 - 8.0 / addresses).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::{doubt, lookups_needed};

    #[test]
    fn a_list_of_28_56_and_100_addresses_needs_the_lookups_that_the_simulation_gave() {
        assert_eq!(lookups_needed(28, 0), 32);
        assert_eq!(lookups_needed(56, 0), 73);
        assert_eq!(lookups_needed(100, 0), 140);
    }

    #[test]
    fn the_larger_of_seen_and_known_counts() {
        assert_eq!(lookups_needed(8, 28), lookups_needed(28, 8));
        assert!(lookups_needed(8, 28) > lookups_needed(8, 0));
    }

    #[test]
    fn the_number_found_is_the_smallest_that_leaves_less_than_one_in_a_thousand() {
        for seen in 8..300_usize {
            let needed = lookups_needed(seen, 0);
            let text = format!("{seen} addresses, {needed} lookups");
            assert!(doubt(seen, 0, needed) < 0.001, "{text}");
            assert!(doubt(seen, 0, needed - 1) >= 0.001, "{text}");
        }
    }
}
