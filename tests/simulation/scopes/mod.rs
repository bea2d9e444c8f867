//! Small scopes, exhaustively: every order of two events' calls with a few preemptions, and every await
//! at which Lambda may kill one.
//!
//! Says how many schedules were played. `SIMULATION_PREEMPTIONS` sets how many preemptions all
//! schedules have; without it, all with one are played, and some of those with two or three.
//! `SIMULATION_SCHEDULE` plays one of them again and prints its story.

mod kills;
mod pairs;
mod schedule;
mod stories;

use crate::dice::Dice;
use crate::tally::Tally;
use crate::world::World;
use pairs::{PAIRS, Pair};
use schedule::{Chosen, Point, Schedule, next, spent};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;
use stories::Teller;

/// How many schedules with more preemptions are tried for each pair.
const PICKED: u64 = 150;

/// Plays a story by a schedule.
fn play<T, F>(schedule: &Rc<Schedule>, is_told: bool, tell: T) -> Result<(), String>
where
    T: FnOnce(Teller) -> F,
    F: Future<Output = ()> + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let chooser = Box::new(Chosen(Rc::clone(schedule)));
        let world = World::new(7, &Rc::<Tally>::default(), Some(chooser));
        world.story.is_told.set(is_told);
        let teller = Teller::new(&world, schedule);
        world.stage.spawn(tell(teller));
        world.stage.play().await;
        if world.stage.never_ends() {
            world.violate("this goes in circles");
        }
        match world.violation() {
            Some(violation) => Err(format!("{}\n{violation}", world.story.text())),
            None => Ok(()),
        }
    })
}

fn tell(pair: Pair, schedule: Schedule, is_told: bool) -> Vec<Point> {
    let schedule = Rc::new(schedule);
    let played = play(&schedule, is_told, |teller| async move {
        teller.tells(pair).await;
    });
    let points = schedule.points();
    if let Err(story) = played {
        println!("{story}");
        let chosen: Vec<_> = points
            .iter()
            .map(|point| point.chosen.to_string())
            .collect();
        panic!(
            "again: SIMULATION_SCHEDULE='{pair:?} {}' cargo test --test simulation scopes::every -- --nocapture",
            chosen.join(" ")
        );
    }
    points
}

/// All schedules with so many preemptions.
fn exhausts(pair: Pair, bound: u32) -> u64 {
    let mut prefix = Vec::new();
    let mut schedules = 0;
    loop {
        let points = tell(pair, Schedule::following(prefix), false);
        schedules += 1;
        match next(&points, bound) {
            Some(other) => prefix = other,
            None => return schedules,
        }
    }
}

/// Some with two or three, at places and by whom the dice choose; gives how many had so many.
fn picks(pair: Pair) -> u64 {
    let dice = Dice::new(pair as u64);
    let points = tell(pair, Schedule::default(), false);
    let is_place = |place: &usize| points[*place].costs.iter().any(|cost| *cost > 0);
    let places: Vec<_> = (0..points.len()).filter(is_place).collect();
    if places.len() < 3 {
        return 0;
    }
    let mut picked = 0;
    for _ in 0..PICKED {
        let (wanted, mut preempts) = (2 + dice.index(2), BTreeMap::new());
        while preempts.len() < wanted {
            preempts.insert(places[dice.index(places.len())], dice.index(60));
        }
        let points = tell(pair, Schedule::preempted(preempts), false);
        picked += u64::from(spent(&points) > 1);
    }
    picked
}

/// The schedule that is asked for: a pair, and what is chosen at each place.
fn asked() -> Option<(Pair, Schedule)> {
    let text = std::env::var("SIMULATION_SCHEDULE").ok()?;
    let (name, chosen) = text.split_once(' ').unwrap_or((&text, ""));
    let pair = PAIRS.into_iter().find(|pair| format!("{pair:?}") == name);
    let chosen = chosen.split_whitespace();
    let chosen = chosen.map(|chosen| chosen.parse().expect("a number"));
    Some((pair.expect("a pair"), Schedule::following(chosen.collect())))
}

#[test]
fn every_order_of_two_events_ends_well() {
    if let Some((pair, schedule)) = asked() {
        tell(pair, schedule, true);
        return;
    }
    let bound = crate::lives::number("SIMULATION_PREEMPTIONS");
    let started = Instant::now();
    let mut all = 0;
    for pair in PAIRS {
        let began = Instant::now();
        let bounded = exhausts(pair, bound.map_or(1, |bound| u32::try_from(bound).unwrap()));
        let picked = if bound.is_none() { picks(pair) } else { 0 };
        all += bounded + picked;
        println!(
            "{pair:?}: {bounded} schedules with up to {} preemptions, {picked} picked with two or three, {:.1} s",
            bound.unwrap_or(1),
            began.elapsed().as_secs_f64()
        );
    }
    println!(
        "{all} schedules in {:.1} s",
        started.elapsed().as_secs_f64()
    );
}
