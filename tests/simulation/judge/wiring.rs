//! The wiring: what acknowledged properties name has its target group, its listener and its rule.
//!
//! The contract, "Lifecycle": nothing that still serves is destroyed while the binding stays, save, as an
//! Update's last step, what that Update's own properties no longer name.

use super::naming::group_name;
use crate::state::ACCOUNT;
use crate::state::Bucket;
use crate::state::{Process, Role};
use crate::wishes::Wish;
use crate::world::World;
use alb_nlb_binding::names::TAG;
use alb_nlb_binding::record::RequestType;

/// What a wish names is there, and of the binding nothing else.
pub(super) fn judge_wiring(world: &World, id: &str, wish: &Wish, when: &str) {
    if let Err(what) = wired(world, id, wish) {
        world.violate(format!("{when}, {what}"));
    }
}

pub fn judge_listener_deletion(world: &World, process: &Process, arn: &str) {
    let elb = world.elb.borrow();
    let Some(held) = elb.listeners.get(arn) else {
        return;
    };
    let Some(id) = held.tags.get(TAG) else { return };
    let port = held.listener.port;
    let names = |wish: &Wish| wish.nlb == held.load_balancer && wish.makes(port);
    judge_removal(world, process, id, names, arn);
}

pub fn judge_group_deletion(world: &World, process: &Process, arn: &str) {
    let elb = world.elb.borrow();
    let Some(held) = elb.groups.get(arn) else {
        return;
    };
    let name = &held.group.name;
    for id in world.observed.books.borrow().keys() {
        let names = |wish: &Wish| {
            wish.made()
                .any(|listen| *name == group_name(id, listen.port))
        };
        judge_removal(world, process, id, names, name);
    }
}

/// A rule, or its target.
pub fn judge_rule_deletion(world: &World, process: &Process, id: &str) {
    judge_removal(world, process, id, |_| true, &format!("the rule {id}"));
}

/// `names` tells whether a wish needs what goes.
fn judge_removal(
    world: &World,
    process: &Process,
    id: &str,
    names: impl Fn(&Wish) -> bool,
    what: &str,
) {
    let books = world.observed.books.borrow();
    let term = books.get(id).filter(|book| !book.is_leaving);
    let Some(term) = term.and_then(|book| book.current()) else {
        return;
    };
    // A later Update gives it up; whether that is answered yet, or failed, or was cancelled.
    let gives_up = matches!(&process.role, Role::Request(sent)
            if sent.kind == RequestType::Update
                && sent.about == id
                && sent.number > term.request
                && !names(&sent.wish));
    if names(&term.wish) && !gives_up {
        let who = &process.name;
        world.violate(format!(
            "{who} deletes {what}, which CloudFormation's last acknowledged properties name"
        ));
    }
}
fn wired(world: &World, id: &str, wish: &Wish) -> Result<(), String> {
    let (elb, rules) = (world.elb.borrow(), world.rules.borrow());
    for listen in wish.made() {
        let (name, port) = (group_name(id, listen.port), listen.port);
        let Some(held) = elb.named(&name) else {
            return Err(format!("the target group {name} is not there"));
        };
        if held.group.health_check.interval_seconds != wish.interval {
            return Err(format!("{name} is not checked every {} s", wish.interval));
        }
        let listener = elb.listener_at(&wish.nlb, port);
        let is_own = listener.is_some_and(|held| held.tags.get(TAG).is_some_and(|tag| tag == id));
        let forwards =
            listener.is_some_and(|there| there.listener.forwards_to == [held.group.arn.clone()]);
        if !is_own || !forwards {
            return Err(format!("no listener of {id} on {port} forwards to {name}"));
        }
    }
    let is_right =
        |held: &&crate::state::HeldRule| held.rule.enabled && held.rule.targets.len() == 1;
    if rules.get(id).filter(is_right).is_none() {
        return Err(format!("no rule {id} is enabled with one target"));
    }
    let bucket = format!("{id}-{ACCOUNT}");
    let s3 = world.s3.borrow();
    let is_closed = |bucket: &Bucket| bucket.policy.is_some() && bucket.tags.contains_key(TAG);
    if wish.bucket.is_none() && !s3.buckets.get(&bucket).is_some_and(is_closed) {
        return Err(format!("{bucket} has no policy, or not its tags"));
    }
    let mut listeners = elb.listeners.values();
    let own = |held: &&crate::state::HeldListener| held.tags.get(TAG).is_some_and(|tag| tag == id);
    if let Some(held) = listeners.find(|held| own(held) && !wish.makes(held.listener.port)) {
        return Err(format!(
            "a listener of {id} is left on {}",
            held.listener.port
        ));
    }
    let prefix = &group_name(id, 0)[..21];
    let is_named = |name: &str| {
        wish.made()
            .any(|listen| name == group_name(id, listen.port))
    };
    let mut groups = elb.groups.values().map(|held| &held.group.name);
    match groups.find(|name| name.starts_with(prefix) && !is_named(name)) {
        Some(name) => Err(format!("the target group {name} is left")),
        None => Ok(()),
    }
}
