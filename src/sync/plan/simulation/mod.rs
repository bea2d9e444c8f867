//! Years of bindings in seconds: the product's own sync and Delete in a simulated world where
//! everything may go wrong, judged after every step.
//!
//! One loop, virtual time and no I/O: all follows from a seed. It never asks how something is
//! done, only whether what the contract promises holds. `SIMULATION_SEED` replays one seed and
//! tells its story, `SIMULATION_DAYS` goes on for longer.

mod any;
mod aws;
mod changes;
mod dns;
mod invocation;
mod judge;
mod ledger;
mod life;
mod tally;
mod turns;
mod wiring;
mod world;

use life::Life;
use tally::Tally;

/// Seeds count up from here, so that every run is the same run.
const FIRST_SEED: u64 = 20_261_122;

const DAYS: u64 = 10_000;

/// Tells how to see it again when a simulation ends early, whatever ended it.
struct Replay {
    seed: u64,
    life: Life,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let story = self.life.story();
            let last = story.len().saturating_sub(200);
            eprintln!("{}", story[last..].join("\n"));
            eprintln!(
                "replay and tell: SIMULATION_SEED={} cargo test --package alb-nlb-binding --lib simulation",
                self.seed
            );
        }
    }
}

fn simulate(seed: u64, tells: bool) -> Tally {
    let mut replay = Replay {
        seed,
        life: Life::new(seed, tells),
    };
    for _ in 0..6 {
        replay.life.live(6);
    }
    replay.life.tally()
}

fn number_of(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a number"))
}

#[test]
fn over_ten_thousand_days_nothing_live_is_lost_and_nothing_is_left() {
    let mut tally = Tally::default();
    if let Some(seed) = number_of("SIMULATION_SEED") {
        println!("{:?}", simulate(seed, true));
        return;
    }
    let days = number_of("SIMULATION_DAYS").unwrap_or(DAYS);
    let mut seed = FIRST_SEED;
    println!("seeds from {seed} on");
    while tally.minutes < days * 24 * 60 {
        tally.add(&simulate(seed, false));
        seed += 1;
    }
    println!("{} days: {tally:?}", tally.minutes / 60 / 24);
    // One in a thousand is the doubt that the stopping rule lets pass.
    assert!(tally.mistaken * 1000 <= tally.sampled, "{tally:?}");
    assert!(tally.doubted * 1000 <= tally.ticks, "{tally:?}");
}
