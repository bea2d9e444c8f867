//! What befalls the world without the binding's doing: scaling, other people, changed wishes.

use super::invocation::{Place, Wanted};
use super::world::{By, World};
use crate::binding::BindingId;
use crate::model::Endpoint;
use std::collections::BTreeSet;

pub(super) const ALBS: [&str; 2] = [
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/orders/1",
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/orders/2",
];

const GIVEN: [&str; 2] = [
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/theirs/1",
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/others/2",
];

pub(super) const GIVEN_BUCKET: &str = "their-bucket";

const PORTS: [u16; 2] = [80, 8080];

impl World {
    /// What was there before the binding.
    pub fn furnish(&mut self) {
        for alb in ALBS {
            self.albs.insert(alb.to_owned(), BTreeSet::new());
            self.scale(alb);
        }
        for group in GIVEN {
            self.groups.insert(group.to_owned(), Default::default());
        }
        self.buckets.insert(GIVEN_BUCKET.to_owned(), None);
    }

    /// Something happens: a load balancer scales or replaces an address, or other people meddle
    /// with a target group.
    pub fn something_happens(&mut self) {
        let alb = self.chance.one_of(&ALBS);
        match self.chance.number(0..=9) {
            0..=2 => self.scale(alb),
            3..=6 => self.replace(alb),
            7 => self.others_register(),
            _ => self.others_deregister(),
        }
    }

    fn scale(&mut self, alb: &str) {
        let size = match self.chance.number(0..=99) {
            0..=79 => self.chance.number(1..=6),
            80..=97 => self.chance.number(7..=16),
            _ => self.chance.number(17..=60),
        };
        while self.albs[alb].len() < size {
            self.add_address(alb);
        }
        while self.albs[alb].len() > size {
            self.drop_address(alb);
        }
        let addresses = &self.albs[alb];
        let told = format!("{alb} has {addresses:?}");
        self.tell(|| told);
    }

    fn replace(&mut self, alb: &str) {
        self.drop_address(alb);
        self.add_address(alb);
    }

    fn add_address(&mut self, alb: &str) {
        let address = self.address();
        self.albs.get_mut(alb).expect("an ALB").insert(address);
        self.tell(|| format!("{alb} gets {address}"));
    }

    fn drop_address(&mut self, alb: &str) {
        let addresses: Vec<_> = self.albs[alb].iter().copied().collect();
        let address = self.chance.one_of(&addresses);
        self.albs.get_mut(alb).expect("an ALB").remove(&address);
        self.dropped.push(address);
        self.tell(|| format!("{alb} gives back {address}"));
    }

    /// Mostly an address of nobody's, at times one of a load balancer or one that it had.
    fn others_register(&mut self) {
        let groups: Vec<_> = self.groups.keys().cloned().collect();
        let group = self.chance.one_of(&groups);
        let endpoint = Endpoint {
            address: self.address(),
            port: self.chance.one_of(&[80, 443, 8080]),
        };
        self.tell(|| format!("others register {endpoint} in {group}"));
        self.register(&group, endpoint, By::Others);
    }

    fn others_deregister(&mut self) {
        let groups: Vec<_> = self.groups.keys().cloned().collect();
        let group = self.chance.one_of(&groups);
        let endpoints: Vec<_> = self.groups[&group].keys().copied().collect();
        if !endpoints.is_empty() {
            let endpoint = self.chance.one_of(&endpoints);
            self.tell(|| format!("others deregister {endpoint} in {group}"));
            self.deregister(&group, endpoint);
        }
    }

    pub fn first_wish(&mut self) -> Wanted {
        let mut wanted = Wanted {
            id: BindingId::derive("stack", "Binding", "nlb"),
            alb: self.chance.one_of(&ALBS).to_owned(),
            bucket: self.chance.of(0.5).then(|| GIVEN_BUCKET.to_owned()),
            listeners: Vec::new(),
            max_lookups: 50,
            invocations_before_deregistration: self.chance.one_of(&[1, 2, 3, 3]),
        };
        wanted.listeners = self.listeners();
        wanted
    }

    pub fn another_wish(&mut self, wanted: &Wanted) -> Wanted {
        let mut wanted = wanted.clone();
        match self.chance.number(0..=9) {
            0..=3 => wanted.alb = self.chance.one_of(&ALBS).to_owned(),
            4..=7 => wanted.listeners = self.listeners(),
            8 => wanted.max_lookups = self.chance.one_of(&[1, 10, 50, 1000]),
            _ => wanted.invocations_before_deregistration = self.chance.one_of(&[1, 2, 3, 10]),
        }
        wanted
    }

    fn listeners(&mut self) -> Vec<(Place, u16)> {
        let mut listeners = Vec::new();
        let places = [
            Place::Given(GIVEN[0].to_owned()),
            Place::Given(GIVEN[1].to_owned()),
            Place::Made(80),
            Place::Made(443),
        ];
        while listeners.is_empty() {
            for place in &places {
                if self.chance.of(0.4) {
                    listeners.push((place.clone(), self.chance.one_of(&PORTS)));
                }
            }
        }
        listeners
    }
}
