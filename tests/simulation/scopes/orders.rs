//! Plays every order of the calls of two events that a few preemptions allow.

use super::pairs::{EventPair, PAIRS};
use super::play::play;
use super::schedule::{ChoicePoint, Schedule, next, spent};
use crate::dice::Dice;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// How many schedules with more than one preemption are tried for each pair.
const PICKED: u64 = 150;

fn play_pair(pair: EventPair, schedule: Schedule, is_printed: bool) -> Vec<ChoicePoint> {
    let schedule = Rc::new(schedule);
    let played = play(&schedule, is_printed, |scenario| async move {
        scenario.run_pair(pair).await;
    });
    let points = schedule.points();
    if let Err(trace) = played {
        println!("{trace}");
        let chosen: Vec<_> = points
            .iter()
            .map(|point| point.chosen.to_string())
            .collect();
        panic!(
            "again: SIMULATION_SCHEDULE='{pair:?} {}' cargo test --test simulation orders::every -- --nocapture",
            chosen.join(" ")
        );
    }
    points
}

/// Plays all schedules with up to `bound` preemptions and gives their number.
fn play_all(pair: EventPair, bound: u32) -> u64 {
    let mut prefix = Vec::new();
    let mut schedules = 0;
    loop {
        let points = play_pair(pair, Schedule::following(prefix), false);
        schedules += 1;
        match next(&points, bound) {
            Some(other) => prefix = other,
            None => return schedules,
        }
    }
}

/// Plays some schedules with two or three preemptions at random points, and gives how many had more than one.
fn play_picked(pair: EventPair) -> u64 {
    let dice = Dice::new(pair as u64);
    let points = play_pair(pair, Schedule::default(), false);
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
        let points = play_pair(pair, Schedule::preempted(preempts), false);
        picked += u64::from(spent(&points) > 1);
    }
    picked
}

/// The schedule that `SIMULATION_SCHEDULE` asks for: the name of a pair, and what is chosen at each point.
fn requested_schedule() -> Option<(EventPair, Schedule)> {
    let text = std::env::var("SIMULATION_SCHEDULE").ok()?;
    let (name, chosen) = text.split_once(' ').unwrap_or((&text, ""));
    let pair = PAIRS.into_iter().find(|pair| format!("{pair:?}") == name);
    let chosen = chosen.split_whitespace();
    let chosen = chosen.map(|chosen| chosen.parse().expect("a number"));
    Some((pair.expect("a pair"), Schedule::following(chosen.collect())))
}

#[test]
fn every_order_of_two_events_ends_well() {
    if let Some((pair, schedule)) = requested_schedule() {
        play_pair(pair, schedule, true);
        return;
    }
    let bound = crate::settings::number("SIMULATION_PREEMPTIONS");
    let started = Instant::now();
    let mut all = 0;
    for pair in PAIRS {
        let began = Instant::now();
        let bounded = play_all(pair, bound.map_or(1, |bound| u32::try_from(bound).unwrap()));
        let picked = if bound.is_none() {
            play_picked(pair)
        } else {
            0
        };
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
