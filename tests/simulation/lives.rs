//! Random lives: many worlds, each from its own seed, in all weathers.
//!
//! A violation prints its seed and its story; `SIMULATION_SEED` plays that life again.

use crate::dice::Dice;
use crate::eventbridge::Habits;
use crate::life::{Character, live};
use crate::tally::Tally;
use crate::user::Fortune;
use crate::weather::Climate;
use crate::world::World;
use std::rc::Rc;
use std::time::Instant;

/// So many lives, where nobody says otherwise.
const LIVES: u64 = 300;

fn character(seed: u64) -> Character {
    let dice = Dice::new(seed ^ 0x5eed);
    Character {
        climate: Climate::default(),
        habits: Habits::default(),
        fortune: Fortune::default(),
        users: 1,
        changes: dice.between(2, 5),
        addresses: 5,
        lag: 0,
        is_unknown: false,
        is_denied: false,
    }
}

/// Plays one life; gives its fingerprint.
fn play(seed: u64, tally: &Rc<Tally>, is_told: bool) -> Result<u64, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let world = World::new(seed, tally, None);
        world.story.is_told.set(is_told);
        let character = character(seed);
        world.say("life", format!("{character:?}"));
        world.stage.spawn(live(Rc::clone(&world), character));
        world.stage.play().await;
        match world.violation() {
            Some(violation) => Err(format!(
                "{}\nseed {seed}: {violation}\nagain, as a whole: SIMULATION_SEED={seed} cargo test --test simulation lives -- --nocapture",
                world.story.text()
            )),
            None => Ok(world.story.fingerprint.get()),
        }
    })
}

fn number(variable: &str) -> Option<u64> {
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
    for seed in 0..lives {
        if let Err(story) = play(seed, &tally, false) {
            println!("{story}");
            panic!("life {seed} of {lives}, after {:.1} s", started.elapsed().as_secs_f64());
        }
    }
    println!("{}", tally.text());
    println!("{lives} lives in {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn a_seed_plays_the_same_life_again() {
    for seed in 0..5 {
        let tally = Rc::default();
        assert_eq!(play(seed, &tally, false).ok(), play(seed, &tally, false).ok(), "{seed}");
    }
}
