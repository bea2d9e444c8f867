//! Random lives: many worlds, each from its own seed, in all weathers.
//!
//! A violation prints its seed and its story; `SIMULATION_SEED` plays that life again.

use crate::dice::Dice;
use crate::eventbridge::Habits;
use crate::life::{Character, live};
use crate::state::Climate;
use crate::tally::Tally;
use crate::user::Fortune;
use crate::world::World;
use std::rc::Rc;
use std::time::Instant;

/// So many lives, where nobody says otherwise.
const LIVES: u64 = 2_000;

/// What has to have happened in so many lives, or they prove little.
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
    "targets put out by ticks",
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

/// Three lives of ten have all troubles; the others have a few, so that a story is short.
fn character(seed: u64) -> Character {
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
    let mut character = Character {
        climate: Climate {
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
        habits: Habits {
            doubled: has(250, 300),
            late: has(250, 300),
            held_back: has(200, 120),
            killed: has(200, 150),
            left_out: has(100, 150),
        },
        fortune: Fortune {
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
            grant_leaves: if users == 1 { has(200, 900) } else { 0 },
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
        character.fortune.quota = has(150, 400);
    }
    if is_unknown || is_denied {
        // Where CloudFormation cannot be asked, nobody can know that a request is not wanted any more
        // that comes after its binding is gone.
        character.fortune.late = 0;
        character.fortune.cancelled = 0;
        character.fortune.killed = 0;
    }
    character
}

/// Plays one life; gives its fingerprint.
fn play(seed: u64, tally: &Rc<Tally>, is_told: bool) -> Result<u64, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(seed, tally, None);
        world.story.is_told.set(is_told);
        let character = character(seed);
        world.say("life", format!("{character:?}"));
        world.stage.spawn(live(Rc::clone(&world), character));
        world.stage.play().await;
        if world.stage.never_ends() {
            world.violate("this life goes in circles");
        }
        match world.violation() {
            Some(violation) => Err(format!(
                "{}\nseed {seed}: {violation}\nagain, as a whole: SIMULATION_SEED={seed} cargo test --test simulation lives -- --nocapture",
                world.story.text()
            )),
            None => Ok(world.story.fingerprint.get()),
        }
    })
}

pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn in_all_lives_the_contract_holds() {
    let tally = Rc::default();
    if let Some(seed) = number("SIMULATION_SEED") {
        let played = play(seed, &tally, true);
        println!("{}", tally.text());
        return played.map(|_| ()).unwrap();
    }
    let started = Instant::now();
    let lives = number("SIMULATION_LIVES").unwrap_or(LIVES);
    let first = number("SIMULATION_FIRST").unwrap_or(0);
    let mut violations = 0;
    let most = number("SIMULATION_VIOLATIONS").unwrap_or(1);
    for seed in first..first + lives {
        if let Err(story) = play(seed, &tally, false) {
            violations += 1;
            match violations {
                1 => println!("{story}"),
                _ => println!("{}", story.lines().rev().nth(1).unwrap_or_default()),
            }
            assert!(
                violations < most,
                "life {seed} of {lives}, after {:.1} s",
                started.elapsed().as_secs_f64()
            );
        }
    }
    println!("{}", tally.text());
    assert_eq!(violations, 0);
    // Where few lives are asked for, not everything can happen.
    if lives >= LIVES {
        for what in HAPPENS {
            assert!(tally.of(what) > 0, "there was never {what}");
        }
    }
    println!("{lives} lives in {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn a_seed_plays_the_same_life_again() {
    for seed in 0..5 {
        let tally = Rc::default();
        assert_eq!(
            play(seed, &tally, false).ok(),
            play(seed, &tally, false).ok(),
            "{seed}"
        );
    }
}
