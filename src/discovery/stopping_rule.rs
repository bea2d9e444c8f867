//! When enough lookups have been made: an answer holds at most 8 addresses, a random subset.
//!
//! With `n` addresses in all, an address is in no answer of `q` with probability `(1 - 8/n)^q`,
//! so some address is missed with probability below `n (1 - 8/n)^q`. The number is not known;
//! one more than was ever seen is assumed.
//! Source: Application Load Balancer guide, "DNS name": up to eight addresses in one answer.
//!
//! That answers are chosen anew each time is nowhere promised, and a cache does not. So they are
//! judged by how many of them differ. Where none of the different ones holds an address, that says
//! no less than as many answers chosen at random would; and where so few are different as chance
//! hardly ever makes them, they are a cache's.

/// How many addresses one DNS answer of a load balancer holds at most. One of fewer is the whole list.
pub const ADDRESSES_PER_ANSWER: usize = 8;

/// The chance of missing an address that is let pass.
const DOUBT: f64 = 0.001;

/// How many full answers are enough, when so many addresses were seen in this run and so many
/// were known before it.
pub fn lookups_needed(seen: usize, known: usize) -> usize {
    let assumed = assumed(seen, known);
    let missed_by_one = missed_by_one(assumed);
    if missed_by_one <= 0.0 {
        return 1;
    }
    // The smallest q with assumed * missed_by_one^q < DOUBT.
    let needed = ((DOUBT / assumed).ln() / missed_by_one.ln()).floor() + 1.0;
    // Finite and positive; far below 2^53 for any real number of addresses.
    needed as usize
}

/// So seldom answers that were chosen at random are taken for a cache's.
const CHANCE: f64 = 1e-6;

/// How many random answers full `answers` are worth, so many `different` ones of which were given
/// where there can be so many: as many as would most probably show just these, but no more than
/// they are.
pub fn worth(different: usize, answers: usize, choices: f64) -> usize {
    let different = float(different);
    if different >= choices {
        return answers;
    }
    let worth = (-different / choices).ln_1p() / (-1.0 / choices).ln_1p();
    // Finite and not negative.
    (worth.ceil() as usize).min(answers)
}

/// Whether so few of the full `answers` are different as a random choice would hardly ever make
/// them, where there can be so many.
pub fn repeat(different: usize, answers: usize, choices: f64) -> bool {
    if different == answers || float(different) >= choices {
        return false;
    }
    // The chance is below (choices over different) * (different / choices)^answers.
    let selections: f64 = (0..different)
        .map(|one| ((choices - float(one)) / float(one + 1)).ln())
        .sum();
    selections + float(answers) * (float(different) / choices).ln() < CHANCE.ln()
}

/// How many different answers there can be that hold so many of the addresses.
pub fn choices(addresses: usize, held: usize) -> f64 {
    let choices: f64 = (0..held.min(addresses))
        .map(|one| float(addresses - one) / float(one + 1))
        .product();
    choices.round().min(MANY)
}

/// More than anybody could count, and few enough to reckon with.
const MANY: f64 = 1e15;

/// The chance that an address was in none of so many full answers.
pub fn doubt(seen: usize, known: usize, answers: usize) -> f64 {
    let assumed = assumed(seen, known);
    let answers = i32::try_from(answers).unwrap_or(i32::MAX);
    (assumed * missed_by_one(assumed).powi(answers)).min(1.0)
}

/// One address more than was ever seen.
fn assumed(seen: usize, known: usize) -> f64 {
    float(seen.max(known).saturating_add(1))
}

fn float(count: usize) -> f64 {
    // There are no more IPv4 addresses than that.
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// The chance that one answer does not hold a given one of so many addresses.
fn missed_by_one(addresses: f64) -> f64 {
    (1.0 - 8.0 / addresses).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::{choices, doubt, lookups_needed, repeat, worth};

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

    #[test]
    fn answers_that_all_differ_are_worth_as_many_as_they_are() {
        for addresses in 9..=1000 {
            for held in [8, addresses / 2] {
                let choices = choices(addresses, held);
                for answers in 1..=4 {
                    let text = format!("{answers} answers with {held} of {addresses}");
                    assert_eq!(worth(answers, answers, choices), answers, "{text}");
                    assert!(!repeat(answers, answers, choices), "{text}");
                }
            }
        }
    }

    #[test]
    fn one_and_the_same_answer_is_worth_one_where_there_are_more_addresses_than_it_holds() {
        for addresses in 9..=1000 {
            for held in [8, addresses - 1] {
                let choices = choices(addresses, held);
                assert_eq!(worth(1, 50, choices), 1, "{held} of {addresses}");
                assert!(repeat(1, 50, choices), "{held} of {addresses}");
            }
        }
        for all in [8, 20, 1000] {
            assert_eq!(worth(1, 50, choices(all, all)), 50);
            assert!(!repeat(1, 50, choices(all, all)));
        }
    }

    #[test]
    fn of_few_addresses_answers_must_repeat_each_other_and_may() {
        let (of_9, of_28) = (choices(9, 8), choices(28, 8));
        // All nine answers that there are.
        assert_eq!(worth(9, 32, of_9), 32);
        assert!(!repeat(9, 32, of_9) && !repeat(7, 32, of_9));
        // Half of them in fifty answers come by chance less than once in a million times.
        assert!(repeat(4, 50, of_9));
        // 28 have three million answers: two that are equal are a cache's.
        assert!(repeat(1, 2, of_28) && !repeat(31, 32, of_28));
    }
}
