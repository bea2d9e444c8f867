//! Random lives: many worlds, each from its own seed, with all kinds of faults.
//!
//! A violation prints its seed and its trace. `SIMULATION_SEED` plays that life again.

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::eventbridge::TickFaultRates;
use crate::life::{LifeSettings, run_life};
use crate::settings::number;
use crate::state::CallFaultRates;
use crate::user::RequestFaultRates;
use crate::world::SimulatedWorld;
use std::rc::Rc;
use std::time::Instant;

/// How many lives are played if `SIMULATION_LIVES` is not set.
const LIVES: u64 = 2_000;

/// What must have happened at least once in [`LIVES`] lives, because they prove little otherwise.
const HAPPENS: [&str; 35] = [
    "Creates",
    "Updates",
    "Updates that replace",
    "Deletes",
    "rollbacks",
    "cancels",
    "failures of other resources",
    "requests that were delivered twice",
    "requests that were never delivered",
    "requests that were given up",
    "requests that were answered twice",
    "resources removed while the stack lives on",
    "bindings looked at after their Delete",
    "Deletes that had to be sent again",
    "rollbacks that had to be sent again",
    "answers that CloudFormation's address did not take",
    "claims taken over",
    "kills",
    "ticks",
    "ticks delivered twice",
    "ticks that came late",
    "bursts of ticks held back",
    "targets deregistered by ticks",
    "a conditional write that lost",
    "a throttled call",
    "a failure of AWS",
    "an answer that was lost",
    "a request that never arrived",
    "a busy EventBridge",
    "a DNS lookup that failed",
    "a target group not yet visible",
    "a bucket not yet visible",
    "a quota that is reached",
    "a bucket's name that was not free yet",
    "a denial",
];

/// Draws the settings of a life. Three lives of ten have all faults; the others have a few, so that their traces
/// are short.
fn settings(seed: u64) -> LifeSettings {
    let dice = Dice::new(seed ^ 0x5eed);
    let is_wild = dice.chance(300);
    let has = |often: u32, how_much: u32| {
        let happens = is_wild || dice.chance(often);
        if happens {
            u32::try_from(dice.between(1, u64::from(how_much))).unwrap()
        } else {
            0
        }
    };
    let (is_unknown, is_denied) = (dice.chance(120), dice.chance(60));
    let users = if dice.chance(200) { 2 } else { 1 };
    let mut settings = LifeSettings {
        call_faults: CallFaultRates {
            slow: has(300, 60),
            hangs: has(150, 12),
            throttled: has(150, 60),
            fails: has(150, 30),
            answer_lost: has(200, 25),
            request_lost: has(100, 15),
            concurrent: has(100, 200),
            dns_fails: has(150, 150),
            caches: has(300, 1_000),
            answer_put_fails: has(150, 500),
            not_yet: has(150, 500),
            metrics_fail: has(100, 500),
            name_taken: has(400, 800),
        },
        tick_faults: TickFaultRates {
            doubled: has(250, 300),
            late: has(250, 300),
            held_back: has(200, 120),
            killed: has(200, 150),
            left_out: has(100, 150),
        },
        request_faults: RequestFaultRates {
            other_fails: has(400, 400),
            cancelled: has(400, 500),
            doubled: has(300, 600),
            late: has(200, 400),
            killed: has(300, 600),
            never_delivered: has(50, 100),
            replaces: has(400, 700),
            removed: has(250, 500),
            rule_denied: if users == 1 { has(150, 400) } else { 0 },
            lingers: has(200, 900),
            quota: 0,
            grant_removed: if users == 1 { has(200, 900) } else { 0 },
        },
        users,
        changes: dice.between(2, 5),
        addresses: if dice.chance(60) { 12 } else { 5 },
        lag: if dice.chance(500) {
            dice.between(100, 9_000)
        } else {
            0
        },
        is_unknown,
        is_denied,
    };
    if users == 1 {
        settings.request_faults.quota = has(150, 400);
    }
    if is_unknown || is_denied {
        // If the function cannot ask CloudFormation, it cannot know that a request is obsolete that arrives
        // after its binding is gone.
        settings.request_faults.late = 0;
        settings.request_faults.cancelled = 0;
        settings.request_faults.killed = 0;
    }
    settings
}

/// Plays one life and gives its fingerprint, or the trace with the violation.
fn play(seed: u64, coverage: &Rc<Coverage>, is_printed: bool) -> Result<u64, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = SimulatedWorld::new(seed, coverage, None);
        world.trace.is_printed.set(is_printed);
        let settings = settings(seed);
        world.log("life", format!("{settings:?}"));
        world.scheduler.spawn(run_life(Rc::clone(&world), settings));
        world.scheduler.run().await;
        if world.scheduler.exceeds_step_limit() {
            world.violate("this life goes in circles");
        }
        match world.violation() {
            Some(violation) => Err(format!(
                "{}\nseed {seed}: {violation}\nagain, as a whole: SIMULATION_SEED={seed} cargo test --test simulation lives -- --nocapture",
                world.trace.text()
            )),
            None => Ok(world.trace.fingerprint.get()),
        }
    })
}

#[test]
fn in_all_lives_every_promise_holds() {
    let coverage = Rc::default();
    if let Some(seed) = number("SIMULATION_SEED") {
        let played = play(seed, &coverage, true);
        println!("{}", coverage.text());
        return played.map(|_| ()).unwrap();
    }
    let started = Instant::now();
    let lives = number("SIMULATION_LIVES").unwrap_or(LIVES);
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    let mut violations = 0;
    let most = number("SIMULATION_VIOLATIONS").unwrap_or(1);
    for seed in first..first + lives {
        if let Err(trace) = play(seed, &coverage, false) {
            violations += 1;
            match violations {
                1 => println!("{trace}"),
                _ => println!("{}", trace.lines().rev().nth(1).unwrap_or_default()),
            }
            assert!(
                violations < most,
                "life {seed} of {lives}, after {:.1} s",
                started.elapsed().as_secs_f64()
            );
        }
    }
    println!("{}", coverage.text());
    assert_eq!(violations, 0);
    // In few lives, not everything can happen.
    if lives >= LIVES {
        for what in HAPPENS {
            assert!(coverage.of(what) > 0, "there was never {what}");
        }
    }
    println!("{lives} lives in {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn a_seed_plays_the_same_life_again() {
    for seed in 0..5 {
        let coverage = Rc::default();
        assert_eq!(
            play(seed, &coverage, false).ok(),
            play(seed, &coverage, false).ok(),
            "{seed}"
        );
    }
}
