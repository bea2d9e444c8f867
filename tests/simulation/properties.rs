//! The properties that a user sets for one binding, and how they change.
//!
//! Holds only properties that docs/reference.md, "Properties", allows.

use crate::dice::Dice;
use alb_nlb_binding::names::BindingId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const LOGICAL_ID: &str = "Binding";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceProperties {
    pub alb: String,
    pub nlb: String,
    pub listeners: Vec<ListenerSettings>,
    pub bucket: Option<String>,
    /// `InvocationsBeforeDeregistration`.
    pub needed_misses: u32,
    pub interval: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSettings {
    pub port: u16,
    pub alb_port: u16,
    pub given_group: Option<String>,
}

/// The values that a user chooses from.
#[derive(Default)]
pub struct PropertyChoices {
    pub albs: Vec<String>,
    pub nlbs: Vec<String>,
    pub given: Vec<String>,
    pub buckets: Vec<String>,
    /// The first of the three ports that this user may entry on.
    pub first_port: u16,
}

impl ResourceProperties {
    pub fn random(dice: &Dice, choices: &PropertyChoices) -> Self {
        let mut properties = Self {
            alb: choices.albs[dice.index(choices.albs.len())].clone(),
            nlb: choices.nlbs[0].clone(),
            listeners: Vec::new(),
            bucket: None,
            needed_misses: dice.pick(&[1, 2, 2, 3]),
            interval: 30,
        };
        properties.change_listeners(dice, choices);
        if dice.chance(350) {
            properties.bucket = Some(choices.buckets[dice.index(choices.buckets.len())].clone());
        }
        properties
    }

    fn change_listeners(&mut self, dice: &Dice, choices: &PropertyChoices) {
        let ports = [0, 1, 2].map(|more| choices.first_port + more);
        self.listeners = Vec::new();
        for port in ports {
            if dice.chance(400) {
                let alb_port = dice.pick(&[80, 443]);
                self.listeners.push(ListenerSettings {
                    port,
                    alb_port,
                    given_group: None,
                });
            }
        }
        for arn in &choices.given {
            if dice.chance(350) {
                let given_group = Some(arn.clone());
                self.listeners.push(ListenerSettings {
                    port: 80,
                    alb_port: 80,
                    given_group,
                });
            }
        }
        if self.listeners.is_empty() {
            let (port, alb_port) = (ports[0], 80);
            self.listeners.push(ListenerSettings {
                port,
                alb_port,
                given_group: None,
            });
        }
    }

    /// A copy with one or two random changes. The NLB changes only if `replaces` is set.
    pub fn with_changes(&self, dice: &Dice, choices: &PropertyChoices, replaces: bool) -> Self {
        let mut properties = self.clone();
        if replaces {
            let others: Vec<_> = choices
                .nlbs
                .iter()
                .filter(|nlb| **nlb != self.nlb)
                .collect();
            properties.nlb = others[dice.index(others.len())].clone();
        }
        for _ in 0..dice.between(1, 2) {
            match dice.between(0, 5) {
                0 | 1 => properties.alb = choices.albs[dice.index(choices.albs.len())].clone(),
                2 => properties.change_listeners(dice, choices),
                3 => {
                    let bucket = dice.index(choices.buckets.len() + 1);
                    properties.bucket = choices.buckets.get(bucket).cloned();
                }
                4 => properties.needed_misses = dice.pick(&[1, 2, 3]),
                _ => properties.interval = dice.pick(&[10, 30]),
            }
        }
        properties
    }

    pub fn to_json(&self) -> Value {
        let listeners = self.listeners.iter().map(|entry| {
            let mut listener = json!({
                "Port": entry.port.to_string(),
                "AlbPort": entry.alb_port.to_string(),
            });
            match &entry.given_group {
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
            "InvocationsBeforeDeregistration": self.needed_misses.to_string(),
        });
        if let Some(bucket) = &self.bucket {
            properties["BucketName"] = json!(bucket);
        }
        properties
    }

    pub fn binding_id(&self, stack_id: &str) -> String {
        BindingId::derive(stack_id, LOGICAL_ID, &self.nlb).to_string()
    }

    /// The listeners that the binding makes itself, each with a target group of its own.
    pub fn made_listeners(&self) -> impl Iterator<Item = &ListenerSettings> {
        self.listeners
            .iter()
            .filter(|entry| entry.given_group.is_none())
    }

    pub fn makes_listener_on(&self, port: u16) -> bool {
        self.made_listeners().any(|entry| entry.port == port)
    }

    pub fn given_groups(&self) -> BTreeSet<&str> {
        self.listeners
            .iter()
            .filter_map(|entry| entry.given_group.as_deref())
            .collect()
    }

    pub fn summary(&self) -> String {
        let short = |arn: &str| arn.rsplit('/').nth(1).unwrap_or(arn).to_owned();
        let listeners: Vec<_> = self
            .listeners
            .iter()
            .map(|entry| match &entry.given_group {
                Some(arn) => format!("{}:{}", short(arn), entry.alb_port),
                None => format!("{}->{}", entry.port, entry.alb_port),
            })
            .collect();
        format!(
            "{} to {}, {}, bucket {}, {} misses, {} s",
            short(&self.nlb),
            short(&self.alb),
            listeners.join(" "),
            self.bucket.as_deref().unwrap_or("own"),
            self.needed_misses,
            self.interval
        )
    }
}
