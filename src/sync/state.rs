//! What a binding knows from one tick to the next: which targets are its own, and for how many
//! ticks in a row each has been missing from DNS.
//!
//! An unreadable state is an error and never an empty one. No I/O.

use crate::model::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Written into every state, so that a later version knows what it reads.
const VERSION: u32 = 1;

/// How many counted ticks are remembered: a second delivery comes within minutes.
const REMEMBERED_TICKS: usize = 8;

/// Own targets of one target group, with the ticks in a row that each has been missing.
pub type Own = BTreeMap<Endpoint, u32>;

/// The state object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// ARN of the ALB that CloudFormation last bound: only its ticks may count anything missing.
    pub load_balancer: String,
    /// The target groups and ports that it was bound to: only ticks with these orders may count.
    pub target_groups: Vec<(String, u16)>,
    /// Ids of the last invocations that changed something, oldest first.
    pub ticks: Vec<String>,
    /// Own targets by target group ARN.
    pub targets: BTreeMap<String, Own>,
}

/// A state object that is there and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state object is not what a binding writes; nothing was changed")]
    Unreadable(#[from] serde_json::Error),
    #[error("the state object has version {found}, this function knows version {VERSION}")]
    Version { found: u32 },
    #[error("the state object names the target {target:?}, which is no address and port")]
    Target {
        target: String,
        source: std::net::AddrParseError,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    load_balancer: String,
    #[serde(default)]
    target_groups: Vec<(String, u16)>,
    ticks: Vec<String>,
    targets: BTreeMap<String, BTreeMap<String, u32>>,
}

impl State {
    pub fn parse(body: &[u8]) -> Result<Self, StateError> {
        let stored: Stored = serde_json::from_slice(body)?;
        if stored.version != VERSION {
            return Err(StateError::Version {
                found: stored.version,
            });
        }
        let mut targets = BTreeMap::new();
        for (group, own) in stored.targets {
            let mut parsed = Own::new();
            for (target, missed) in own {
                let endpoint = target
                    .parse()
                    .map_err(|source| StateError::Target { target, source })?;
                parsed.insert(endpoint, missed);
            }
            targets.insert(group, parsed);
        }
        Ok(Self {
            load_balancer: stored.load_balancer,
            target_groups: stored.target_groups,
            ticks: stored.ticks,
            targets,
        })
    }

    pub fn to_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let targets = self
            .targets
            .iter()
            .map(|(group, own)| {
                let own = own
                    .iter()
                    .map(|(endpoint, missed)| (endpoint.to_string(), *missed))
                    .collect();
                (group.clone(), own)
            })
            .collect();
        serde_json::to_vec(&Stored {
            version: VERSION,
            load_balancer: self.load_balancer.clone(),
            target_groups: self.target_groups.clone(),
            ticks: self.ticks.clone(),
            targets,
        })
    }

    /// Every address known, whether or not it is missing at the moment.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        self.targets
            .values()
            .flat_map(BTreeMap::keys)
            .map(|endpoint| endpoint.address)
            .collect()
    }

    /// Takes over the targets that only `former` owns; whether there were any.
    pub fn adopt(&mut self, former: &Self) -> bool {
        let mut adopted = false;
        for (group, own) in &former.targets {
            let known = self.targets.entry(group.clone()).or_default();
            for (endpoint, missed) in own {
                known.entry(*endpoint).or_insert_with(|| {
                    adopted = true;
                    *missed
                });
            }
        }
        adopted
    }

    /// Whether this invocation has already been counted: Lambda delivers at least once.
    pub fn has_counted(&self, tick: &str) -> bool {
        self.ticks.iter().any(|counted| counted == tick)
    }

    pub(super) fn remember(&mut self, tick: &str) {
        if !self.has_counted(tick) {
            self.ticks.push(tick.to_owned());
        }
        let surplus = self.ticks.len().saturating_sub(REMEMBERED_TICKS);
        self.ticks.drain(..surplus);
    }
}
