//! One life: a world that follows from a seed, users with their stacks in it, and its end.
//!
//! Says which weather there is, and what is judged when all is quiet.

use crate::calendar::MINUTE;
use crate::dice::Dice;
use crate::eventbridge::{EventBridge, Habits};
use crate::judge;
use crate::lambda::{Delivery, invoke};
use crate::state::{ADDRESSES_PER_ANSWER, Climate, Group, NAMES, Role, Stack, arn};
use crate::user::{Fortune, User};
use crate::wishes::{Choices, Wish};
use crate::world::World;
use alb_nlb_binding::model::{Endpoint, HealthCheck, LoadBalancerType, TargetGroup};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

/// What a life is like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Character {
    pub climate: Climate,
    pub habits: Habits,
    pub fortune: Fortune,
    pub users: u64,
    pub changes: u64,
    /// How many addresses an ALB has at most.
    pub addresses: usize,
    pub lag: u64,
    pub is_unknown: bool,
    pub is_denied: bool,
}

/// What all lives need before anybody has asked for anything.
pub struct Ground {
    pub albs: Vec<String>,
    pub nlbs: Vec<String>,
    pub given: Vec<String>,
    pub buckets: Vec<String>,
}

pub fn prepare(world: &World, addresses: usize) -> Ground {
    let mut elb = world.elb.borrow_mut();
    let albs: Vec<_> = ["alb1", "alb2"]
        .map(|name| elb.add_load_balancer(LoadBalancerType::Application, name))
        .into();
    let nlbs: Vec<_> = ["nlb1", "nlb2"]
        .map(|name| elb.add_load_balancer(LoadBalancerType::Network, name))
        .into();
    for alb in &albs {
        elb.add_listener(alb, 80, "HTTP", &[], BTreeMap::new());
        elb.add_listener(alb, 443, "HTTPS", &[], BTreeMap::new());
    }
    let given: Vec<_> = ["given1", "given2", "theirs"]
        .map(|name| given_group(&mut elb.groups, name))
        .into();
    for (nlb, port) in nlbs.iter().zip([9000, 9001]) {
        for (index, group) in given.iter().enumerate() {
            let port = port + 10 * u16::try_from(index).unwrap();
            elb.add_listener(
                nlb,
                port,
                "TCP",
                std::slice::from_ref(group),
                BTreeMap::new(),
            );
        }
    }
    let mut dns = world.dns.borrow_mut();
    for name in NAMES {
        for _ in 0..world.dice.between(1, addresses as u64) {
            let address = dns.add(name, 0);
            if world.dice.chance(300) {
                elb.register(&given[0], Endpoint { address, port: 80 }, None, false);
            }
        }
    }
    for group in &given {
        for host in 1..3 {
            let address = IpAddr::V4(Ipv4Addr::new(192, 168, 0, host));
            elb.register(group, Endpoint { address, port: 80 }, None, false);
        }
    }
    let buckets: Vec<_> = ["given-bucket-1", "given-bucket-2"]
        .map(str::to_owned)
        .into();
    for bucket in &buckets {
        let mut s3 = world.s3.borrow_mut();
        s3.buckets.entry(bucket.clone()).or_default().is_given = true;
    }
    let given = given[..2].to_vec();
    Ground {
        albs,
        nlbs,
        given,
        buckets,
    }
}

fn given_group(groups: &mut BTreeMap<String, Group>, name: &str) -> String {
    let arn = arn(&format!("targetgroup/{name}/1"));
    let group = TargetGroup {
        arn: arn.clone(),
        name: name.to_owned(),
        port: 80,
        protocol: "TCP".to_owned(),
        target_type: "ip".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        health_check: HealthCheck {
            protocol: "TCP".to_owned(),
            port: "traffic-port".to_owned(),
            interval_seconds: 30,
            timeout_seconds: 10,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            http: None,
        },
        load_balancers: Vec::new(),
    };
    let held = Group {
        group,
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
        targets: BTreeMap::new(),
        shows: 0,
    };
    groups.insert(arn.clone(), held);
    arn
}

/// The addresses of all ALBs come and go, until they are told to rest.
pub async fn scales(world: Rc<World>, most: usize, rests: Rc<Cell<bool>>) {
    loop {
        let pause = world.dice.between(5_000, 150_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if rests.get() {
            return;
        }
        let name = world.dice.pick(&NAMES);
        let now = world.stage.now();
        let mut dns = world.dns.borrow_mut();
        let (live, left) = (dns.addresses(name), dns.left(name));
        match world.dice.between(0, 3) {
            0 if live.len() < most => {
                let address = dns.add(name, now);
                world.say("dns", format!("{name} + {address}"));
            }
            1 if !left.is_empty() && live.len() < most => {
                let address = left[world.dice.index(left.len())];
                dns.put(name, address, now);
                world.say("dns", format!("{name} + {address} again"));
            }
            _ if live.len() > 1 => {
                let address = live[world.dice.index(live.len())];
                dns.take(name, address, now);
                world.say("dns", format!("{name} - {address}"));
            }
            _ => {}
        }
    }
}

pub fn users(world: &Rc<World>, ground: &Ground, character: &Character) -> Vec<Rc<User>> {
    let users = (0..character.users).map(|number| {
        let name = format!("stack{}", number + 1);
        let is_known = !character.is_unknown;
        Rc::new(User {
            world: Rc::clone(world),
            stack: Stack::new(&name, is_known, character.is_denied, character.lag),
            choices: Choices {
                albs: ground.albs.clone(),
                nlbs: ground.nlbs.clone(),
                given: ground.given.clone(),
                buckets: ground.buckets.clone(),
                first_port: 8000 + 100 * u16::try_from(number).unwrap(),
            },
            fortune: Cell::new(character.fortune),
            living: RefCell::new(None),
            made_in: RefCell::default(),
        })
    });
    users.collect()
}

/// The whole of it.
pub async fn live(world: Rc<World>, character: Character) {
    let ground = prepare(&world, character.addresses);
    world.weather.set(character.climate);
    let eventbridge = EventBridge::new(character.habits);
    world
        .stage
        .spawn(Rc::clone(&eventbridge).runs(Rc::clone(&world)));
    let rests = Rc::new(Cell::new(false));
    world.stage.spawn(scales(
        Rc::clone(&world),
        character.addresses,
        Rc::clone(&rests),
    ));
    let users = users(&world, &ground, &character);
    let scripts = users
        .iter()
        .map(|user| script(Rc::clone(user), character.changes));
    futures_util::future::join_all(scripts).await;
    world.say("life", "becomes quiet");
    rests.set(true);
    world.weather.set(Climate::default());
    eventbridge.habits.set(Habits::default());
    eventbridge.held_until.set(0);
    for user in &users {
        user.fortune.set(Fortune::default());
    }
    is_quiet(&world).await;
    converges(&world).await;
    is_asked(&world).await;
    if world.violation().is_some() {
        return;
    }
    futures_util::future::join_all(users.iter().map(|user| user.deletes_all())).await;
    is_quiet(&world).await;
    judge::judge_nothing_left(&world);
    is_asked(&world).await;
    world.tally.count("lives");
    world.stage.end();
}

/// What one user does.
async fn script(user: Rc<User>, changes: u64) {
    let dice: &Dice = &user.world.dice;
    for _ in 0..changes {
        let is_living = user.living.borrow().is_some();
        match dice.between(0, 999) {
            _ if !is_living => user.creates(Wish::any(dice, &user.choices)).await,
            n if n < u64::from(user.fortune.get().removed) => user.removes().await,
            _ => user.updates().await,
        }
        user.sleeps(dice.between(1_000, 220_000)).await;
    }
}

/// How each binding fares, and each that was.
async fn is_asked(world: &Rc<World>) {
    let ids = judge::binding_ids(world);
    for id in ids {
        let question = json!({"Action": "Status", "PhysicalResourceId": id});
        let role = Role::Question { id: id.into() };
        invoke(world, question, role, Delivery::default());
    }
    is_quiet(world).await;
}

/// Until nothing is under way any more.
async fn is_quiet(world: &World) {
    loop {
        tokio::time::sleep(Duration::from_secs(7)).await;
        if world.under_way.get() == 0 {
            return;
        }
    }
}

/// So many ticks later than they should need. A full answer that is always the same may be a cache's as
/// well: what was known beside it is gone when so many ticks agree as would make it certain.
async fn converges(world: &World) {
    let left = MINUTE - world.stage.now() % MINUTE;
    let is_full = |name: &str| world.dns.borrow().addresses(name).len() == ADDRESSES_PER_ANSWER;
    let more = match NAMES.into_iter().any(is_full) {
        true => 60,
        false => 0,
    };
    let minutes = judge::most_misses(world) + 1 + more;
    tokio::time::sleep(Duration::from_millis(left + minutes * MINUTE + 50_000)).await;
    judge::judge_convergence(world);
}
