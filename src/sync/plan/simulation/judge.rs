//! The judge: ends the simulation at the very change that is not as the contract says.
//!
//! Goes by what really happened and by its own books; it asks the product nothing but whether a
//! tick that is repeated does nothing.

use super::dns::ADDRESSES_PER_ANSWER;
use super::ledger::{Ledger, Notes, Role, View, is_ordered, targets};
use super::world::{Key, World};
use crate::sync::TickInput;
use crate::sync::plan::{Rules, Situation, plan};
use crate::sync::state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

impl World {
    /// A look at DNS: from now on what it showed is not foreign.
    pub fn enter_view(&mut self, notes: &Notes) {
        let (Some(orders), Some(view)) = (&notes.orders, &notes.view) else {
            return;
        };
        for key in targets(orders, &view.addresses) {
            self.ledger.left.remove(&key);
            self.ledger.seen.insert(key);
        }
    }

    /// The state owns what we registered, always.
    pub fn judge_write(&mut self, notes: &mut Notes, state: &State) {
        self.ledger.tally.changes += 1;
        let owned = |(group, endpoint): &Key| {
            let own = state.targets.get(group);
            own.is_some_and(|own| own.contains_key(endpoint))
        };
        for key in self.ours() {
            assert!(owned(&key), "{} makes the state forget {key:?}", notes.id);
        }
        let missed = Rc::make_mut(&mut self.ledger.missed);
        missed.retain(|key, _| owned(key));
        let (Some(orders), Some(view)) = (&notes.orders, &notes.view) else {
            return;
        };
        let counts = notes.role == Role::Tick
            && view.whole
            && (state.load_balancer.is_empty() || state.load_balancer == orders.alb_arn);
        for (group, own) in &state.targets {
            for endpoint in own.keys() {
                let key = (group.clone(), *endpoint);
                let seen = notes.wants(&key);
                let missed = missed.entry(key).or_default();
                if seen {
                    missed.clear();
                } else if counts {
                    missed.insert(notes.id.clone());
                }
            }
        }
        if notes.role == Role::Provider {
            self.ledger.bound = Some(Rc::new(orders.clone()));
        }
        self.remember(notes);
    }

    /// What an invocation decides on, whatever happens until it does it.
    pub fn remember(&self, notes: &mut Notes) {
        notes.missed = Rc::clone(&self.ledger.missed);
        notes.bound = self.ledger.bound.clone();
    }

    /// What we register, the state owned before; unless Delete took the state away meanwhile.
    pub fn judge_registration(&mut self, notes: &Notes, key: &Key) {
        self.ledger.tally.changes += 1;
        let orders = notes.orders.as_ref().expect("orders to register by");
        let Some(Some(object)) = self.buckets.get(&orders.bucket) else {
            assert!(
                self.ledger.is_deleted,
                "{} registers {key:?} without a state",
                notes.id
            );
            return;
        };
        let own = object.state.targets.get(&key.0);
        assert!(
            own.is_some_and(|own| own.contains_key(&key.1)),
            "{} registers {key:?}, which the state does not own",
            notes.id
        );
    }

    pub fn judge_deregistration(&mut self, notes: &Notes, key: &Key) {
        let id = &notes.id;
        self.ledger.tally.changes += 1;
        self.ledger.tally.deregistered += 1;
        assert!(
            self.ledger.seen.contains(key),
            "{id} takes away the foreign target {key:?}"
        );
        match notes.role {
            Role::Delete => return,
            Role::Provider => panic!("{id} takes away {key:?} in an Update"),
            // Undone, because the binding was deleted under it.
            Role::Tick if notes.met_no_rule => {
                assert!(
                    notes.registered.contains(key),
                    "{id} undoes what another did: {key:?}"
                );
                return;
            }
            Role::Tick => {}
        }
        let view = notes.view.as_ref().expect("a look at DNS");
        assert!(view.whole, "{id} takes away {key:?} after a doubtful look");
        assert!(
            !notes.wants(key),
            "{id} takes away {key:?}, which it saw in DNS"
        );
        let missed = notes.missed.get(key).map_or(0, BTreeSet::len);
        assert!(
            missed >= view.until as usize,
            "{id} takes away {key:?}, missed by {missed} ticks of {}",
            view.until
        );
        let orders = notes.orders.as_ref().expect("orders");
        if is_ordered(orders, key) && view.in_dns.contains(&key.1.address) {
            self.ledger.tally.doubted += 1;
        }
        let shows = |bound: &Rc<TickInput>, addresses: &BTreeSet<IpAddr>| {
            is_ordered(bound, key) && addresses.contains(&key.1.address)
        };
        let bound = notes.bound.iter();
        let mut bound = bound.filter(|bound| bound.alb_arn == orders.alb_arn);
        assert!(
            !bound.any(|bound| shows(bound, &view.addresses)),
            "{id} goes by old orders and takes away {key:?}, which the last Update registered"
        );
        let mut bound = self.ledger.bound.iter();
        if bound.any(|bound| shows(bound, &self.albs[&bound.alb_arn])) {
            self.ledger.tally.overtaken += 1;
        }
    }

    /// After a tick that nothing disturbed: what it saw is registered, and nothing stays longer
    /// than it may.
    pub fn judge_good_tick(&mut self, notes: &Notes) {
        let (Some(orders), Some(view)) = (&notes.orders, &notes.view) else {
            panic!("{} looked nowhere", notes.id);
        };
        self.ledger.tally.good_ticks += 1;
        for (group, endpoint) in targets(orders, &view.addresses) {
            let registered = self
                .groups
                .get(&group)
                .and_then(|group| group.get(&endpoint));
            assert!(
                registered.is_some_and(|target| target.drains_until.is_none()),
                "{} leaves {endpoint} of {group} unregistered",
                notes.id
            );
        }
        self.judge_repetition(notes, orders, view);
        let left: BTreeSet<Key> = self
            .ours()
            .filter(|key| !(is_ordered(orders, key) && view.in_dns.contains(&key.1.address)))
            .collect();
        self.ledger.left.retain(|key, _| left.contains(key));
        for key in left {
            let (ticks, most) = self.ledger.left.entry(key.clone()).or_default();
            *ticks += 1;
            *most = view.until.max(*most);
            assert!(
                ticks <= most,
                "{key:?} left and is registered after {ticks} good ticks, {most} are enough"
            );
        }
    }

    /// The same tick once more does nothing, but that what was just taken away may be forgotten.
    fn judge_repetition(&self, notes: &Notes, orders: &TickInput, view: &View) {
        let Some(Some(object)) = self.buckets.get(&orders.bucket) else {
            panic!("{} has no state", notes.id);
        };
        let listed = self.groups.keys();
        let registered = listed.filter_map(|arn| Some((arn.clone(), self.registered(arn)?)));
        let registered = registered.collect();
        let again = |state: &State| {
            plan(&Situation {
                seen: &view.addresses,
                groups: &orders.target_groups,
                registered: &registered,
                state,
                load_balancer: &orders.alb_arn,
                tick: &notes.id,
                rules: Rules::Count { until: view.until },
            })
        };
        let second = again(&object.state);
        assert!(second.groups.is_empty(), "{} again: {second}", notes.id);
        if let Some(state) = second.state {
            let third = again(&state).to_string();
            assert_eq!(third, "nothing to do", "{} a third time", notes.id);
        }
    }

    /// Whether there is nothing more to do: registered is what is in DNS, and owned is that.
    pub fn is_settled(&self, orders: &TickInput) -> bool {
        let wanted = targets(orders, &self.albs[&orders.alb_arn]);
        let Some(Some(object)) = self.buckets.get(&orders.bucket) else {
            return false;
        };
        let state = &object.state;
        let owned = state
            .targets
            .iter()
            .flat_map(|(group, own)| own.keys().map(move |endpoint| (group.clone(), *endpoint)));
        let owned: BTreeSet<Key> = owned.collect();
        let registered = |(group, endpoint): &Key| {
            let target = self.groups.get(group).and_then(|group| group.get(endpoint));
            target.is_some_and(|target| target.drains_until.is_none())
        };
        // Where answers are samples, something is always missing from some of them.
        let sampled = self.albs[&orders.alb_arn].len() >= ADDRESSES_PER_ANSWER;
        let mut counts = state.targets.values().flat_map(BTreeMap::values);
        (sampled || counts.all(|missed| *missed == 0))
            && owned == wanted
            && wanted.iter().all(registered)
            && self.ours().all(|key| wanted.contains(&key))
    }

    /// When Delete and all late ticks are over: nothing of ours is left.
    pub fn judge_end(&mut self) {
        assert!(self.rule.is_none(), "the rule is left");
        assert!(
            self.buckets.values().all(Option::is_none),
            "a state is left"
        );
        let left: BTreeSet<Key> = self.ours().collect();
        for key in &left {
            assert!(
                self.ledger.stranded.contains(key),
                "{key:?} is left after Delete"
            );
        }
        // Somebody finds them and takes them away by hand.
        for (group, endpoint) in &left {
            self.deregister(group, *endpoint);
        }
        let mut tally = self.ledger.tally;
        tally.stranded += left.len() as u64;
        tally.lives += 1;
        self.ledger = Ledger {
            tally,
            ..Ledger::default()
        };
    }
}
