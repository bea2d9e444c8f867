//! When enough lookups have been made: an answer holds at most 8 addresses, a random subset.
//!
//! With `n` addresses in all, an address is in no answer of `q` with probability `(1 - 8/n)^q`,
//! so some address is missed with probability below `n (1 - 8/n)^q`. The number is not known;
//! one more than was ever seen is assumed.
//! Source: Application Load Balancer guide, "DNS name": up to eight addresses in one answer.

/// How many addresses one DNS answer holds at most.
pub const ADDRESSES_PER_ANSWER: usize = 8;

/// The chance of missing an address that is let pass.
const DOUBT: f64 = 0.001;

/// How many full answers are enough, when so many addresses were seen in this run and so many
/// were known before it.
pub fn lookups_needed(seen: usize, known: usize) -> usize {
    let assumed = seen.max(known).saturating_add(1);
    if assumed <= ADDRESSES_PER_ANSWER {
        return 1;
    }
    // There are no more IPv4 addresses than that.
    let assumed = u32::try_from(assumed).map_or(f64::from(u32::MAX), f64::from);
    let missed_by_one = 1.0 - 8.0 / assumed;
    // The smallest q with assumed * missed_by_one^q < DOUBT.
    let needed = ((DOUBT / assumed).ln() / missed_by_one.ln()).floor() + 1.0;
    // Finite and positive; far below 2^53 for any real number of addresses.
    needed as usize
}

#[cfg(test)]
mod tests {
    use super::lookups_needed;

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
            let assumed = (seen + 1) as f64;
            let doubt = |lookups: usize| assumed * (1.0 - 8.0 / assumed).powi(lookups as i32);
            assert!(doubt(needed) < 0.001, "{seen} addresses, {needed} lookups");
            assert!(
                doubt(needed - 1) >= 0.001,
                "{seen} addresses, {needed} lookups"
            );
        }
    }
}
