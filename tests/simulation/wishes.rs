//! What a user asks for: the properties of one binding, and how they change.
//!
//! Only properties that the contract allows.

use crate::dice::Dice;
use alb_nlb_binding::names::BindingId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const LOGICAL_ID: &str = "Binding";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub alb: String,
    pub nlb: String,
    pub listeners: Vec<Listen>,
    pub bucket: Option<String>,
    /// `InvocationsBeforeDeregistration`.
    pub until: u32,
    pub interval: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    pub port: u16,
    pub alb_port: u16,
    pub given: Option<String>,
}

/// What there is to choose from.
#[derive(Default)]
pub struct Choices {
    pub albs: Vec<String>,
    pub nlbs: Vec<String>,
    pub given: Vec<String>,
    pub buckets: Vec<String>,
    /// The first port that this user may listen on; each has three.
    pub first_port: u16,
}

impl Wish {
    pub fn any(dice: &Dice, choices: &Choices) -> Self {
        let mut wish = Self {
            alb: choices.albs[dice.index(choices.albs.len())].clone(),
            nlb: choices.nlbs[0].clone(),
            listeners: Vec::new(),
            bucket: None,
            until: dice.pick(&[1, 2, 2, 3]),
            interval: 30,
        };
        wish.change_listeners(dice, choices);
        if dice.chance(350) {
            wish.bucket = Some(choices.buckets[dice.index(choices.buckets.len())].clone());
        }
        wish
    }

    fn change_listeners(&mut self, dice: &Dice, choices: &Choices) {
        let ports = [0, 1, 2].map(|more| choices.first_port + more);
        self.listeners = Vec::new();
        for port in ports {
            if dice.chance(400) {
                let alb_port = dice.pick(&[80, 443]);
                self.listeners.push(Listen {
                    port,
                    alb_port,
                    given: None,
                });
            }
        }
        for arn in &choices.given {
            if dice.chance(350) {
                let given = Some(arn.clone());
                self.listeners.push(Listen {
                    port: 80,
                    alb_port: 80,
                    given,
                });
            }
        }
        if self.listeners.is_empty() {
            let (port, alb_port) = (ports[0], 80);
            self.listeners.push(Listen {
                port,
                alb_port,
                given: None,
            });
        }
    }

    /// The same with something changed, the NLB only where `replaces` says so.
    pub fn changed(&self, dice: &Dice, choices: &Choices, replaces: bool) -> Self {
        let mut wish = self.clone();
        if replaces {
            let others: Vec<_> = choices
                .nlbs
                .iter()
                .filter(|nlb| **nlb != self.nlb)
                .collect();
            wish.nlb = others[dice.index(others.len())].clone();
        }
        for _ in 0..dice.between(1, 2) {
            match dice.between(0, 5) {
                0 | 1 => wish.alb = choices.albs[dice.index(choices.albs.len())].clone(),
                2 => wish.change_listeners(dice, choices),
                3 => {
                    let bucket = dice.index(choices.buckets.len() + 1);
                    wish.bucket = choices.buckets.get(bucket).cloned();
                }
                4 => wish.until = dice.pick(&[1, 2, 3]),
                _ => wish.interval = dice.pick(&[10, 30]),
            }
        }
        wish
    }

    pub fn properties(&self) -> Value {
        let listeners = self.listeners.iter().map(|listen| {
            let mut listener = json!({
                "Port": listen.port.to_string(),
                "AlbPort": listen.alb_port.to_string(),
            });
            match &listen.given {
                Some(arn) => listener["TargetGroupArn"] = json!(arn),
                None => {
                    listener["HealthCheck"] = json!({"IntervalSeconds": self.interval.to_string()})
                }
            }
            listener
        });
        let listeners: Vec<_> = listeners.collect();
        let mut properties = json!({
            "ServiceToken": "arn:function",
            "AlbArn": self.alb,
            "NlbArn": self.nlb,
            "Listeners": listeners,
            "InvocationsBeforeDeregistration": self.until.to_string(),
        });
        if let Some(bucket) = &self.bucket {
            properties["BucketName"] = json!(bucket);
        }
        properties
    }

    pub fn id(&self, stack_id: &str) -> String {
        BindingId::derive(stack_id, LOGICAL_ID, &self.nlb).to_string()
    }

    /// The listeners that the binding makes, with their target groups.
    pub fn made(&self) -> impl Iterator<Item = &Listen> {
        self.listeners
            .iter()
            .filter(|listen| listen.given.is_none())
    }

    pub fn makes(&self, port: u16) -> bool {
        self.made().any(|listen| listen.port == port)
    }

    pub fn given(&self) -> BTreeSet<&str> {
        self.listeners
            .iter()
            .filter_map(|listen| listen.given.as_deref())
            .collect()
    }

    pub fn text(&self) -> String {
        let short = |arn: &str| arn.rsplit('/').nth(1).unwrap_or(arn).to_owned();
        let listeners: Vec<_> = self
            .listeners
            .iter()
            .map(|listen| match &listen.given {
                Some(arn) => format!("{}:{}", short(arn), listen.alb_port),
                None => format!("{}->{}", listen.port, listen.alb_port),
            })
            .collect();
        format!(
            "{} to {}, {}, bucket {}, {} misses, {} s",
            short(&self.nlb),
            short(&self.alb),
            listeners.join(" "),
            self.bucket.as_deref().unwrap_or("own"),
            self.until,
            self.interval
        )
    }
}
