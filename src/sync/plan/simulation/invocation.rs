//! What an invocation does in the simulation: the product's own code, on the simulated AWS.
//!
//! A tick is `sync::tick` but for its DNS. Create and Update go by the order of `binding::make`,
//! whose steps cannot be had without DNS. Delete is the product's own.

use super::aws::Client;
use super::dns::{self, Asking, Trouble};
use super::ledger::{Role, View};
use super::wiring::health_check;
use crate::binding::{BindingError, BindingId, Hints};
use crate::capabilities::{Buckets, Objects, Rules, TargetGroups};
use crate::discovery::{DiscoveryError, Found};
use crate::model::{RuleTarget, Tags};
use crate::sync::observe;
use crate::sync::state::State;
use crate::sync::{Caller, Outcome, SyncError, TickInput, existing, pass};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) const ACCOUNT: &str = "123456789012";
const NLB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/front/2";

/// Where the targets of one listener go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Given(String),
    Made(u16),
}

/// The properties of a binding, as far as they matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub id: BindingId,
    pub alb: String,
    /// A bucket of the user's own.
    pub bucket: Option<String>,
    /// Where to, and the ALB's port.
    pub listeners: Vec<(Place, u16)>,
    pub max_lookups: usize,
    pub invocations_before_deregistration: u32,
}

impl Wanted {
    fn bucket(&self) -> String {
        let given = self.bucket.clone();
        given.unwrap_or_else(|| self.id.bucket(ACCOUNT))
    }
}

pub(super) async fn tick(client: Client, orders: TickInput) -> Result<Outcome, SyncError> {
    let id = client.notes.borrow().id.clone();
    let observed = observe::observe(&client, &orders).await;
    let Some(observed) = existing(&client, &orders, observed).await? else {
        return Ok(Outcome::Deleted);
    };
    let found = look(&client, &orders, observed.state.addresses().len())?;
    pass(&client, &orders, &id, Caller::Rule, found, observed).await
}

fn look(client: &Client, orders: &TickInput, known: usize) -> Result<Found, DiscoveryError> {
    let world = &mut *client.world.borrow_mut();
    let notes = &mut *client.notes.borrow_mut();
    let in_dns = world.albs[&orders.alb_arn].clone();
    let asking = Asking {
        max_lookups: orders.max_lookups,
        independent: world.independent_dns,
        trouble: match world.chance.of(world.weather.silent) {
            false => Trouble::None,
            true => world.chance.one_of(&[Trouble::Some, Trouble::All]),
        },
    };
    notes.faulted |= asking.trouble != Trouble::None;
    let found = dns::look(&mut world.chance, &in_dns, known, asking)?;
    world.tell(|| format!("{} sees {found:?} of {in_dns:?}", notes.id));
    if found.certain && in_dns.len() > dns::ADDRESSES_PER_ANSWER {
        world.ledger.tally.sampled += 1;
        world.ledger.tally.mistaken += u64::from(found.addresses != in_dns);
    }
    let least = orders.invocations_before_deregistration;
    notes.orders = Some(orders.clone());
    notes.view = Some(View {
        addresses: found.addresses.clone(),
        in_dns,
        whole: found.certain || found.failed_lookups == 0,
        until: found.runs_needed.max(least),
    });
    world.enter_view(notes);
    Ok(found)
}

/// Create and Update.
pub(super) async fn make(client: Client, wanted: Wanted) -> Result<(), BindingError> {
    let made = steps(&client, &wanted).await;
    let bucket = wanted.bucket();
    let is_deleted = match &made {
        Ok(()) => match client.read(&bucket, &wanted.id.state_key()).await {
            Err(error) if error.is_not_found() => true,
            read => read?.is_none(),
        },
        Err(BindingError::Sync(SyncError::Deleted)) => true,
        Err(_) => false,
    };
    if is_deleted {
        delete(client, wanted).await?;
        return Err(BindingError::Deleted);
    }
    made
}

async fn steps(client: &Client, wanted: &Wanted) -> Result<(), BindingError> {
    let (bucket, key) = (wanted.bucket(), wanted.id.state_key());
    if wanted.bucket.is_none() && !client.bucket_exists(&bucket).await? {
        client.create_bucket(&bucket).await?;
    }
    if client.read(&bucket, &key).await?.is_none() {
        let empty = State::default().to_body().map_err(BindingError::Json)?;
        client.write(&bucket, &key, empty, None).await?;
    }
    let prefix = wanted.id.target_group_prefix();
    let present = client.target_groups_named(&prefix).await?;
    let mut target_groups = Vec::new();
    for (place, port) in &wanted.listeners {
        let arn = match place {
            Place::Given(arn) => arn.clone(),
            Place::Made(listener) => {
                let name = wanted.id.target_group(*listener);
                match present.iter().find(|group| group.name == name) {
                    Some(group) => group.arn.clone(),
                    None => {
                        let (check, tags) = (health_check(), Tags::new());
                        let made = client.create_target_group(&name, *port, "", &check, &tags);
                        made.await?
                    }
                }
            }
        };
        target_groups.push((arn, *port));
    }
    let orders = orders(wanted, target_groups);
    bind(client, &orders).await?;
    let rule = wanted.id.rule();
    if client.rule(&rule).await?.is_none() {
        client
            .put_rule(&rule, "rate(1 minute)", &Tags::new())
            .await?;
    }
    let target = RuleTarget {
        id: "alb-nlb-binding".to_owned(),
        arn: "arn:function".to_owned(),
        input: serde_json::to_string(&orders).map_err(BindingError::Json)?,
    };
    client.put_rule_target(&rule, &target).await?;
    let kept: BTreeSet<_> = orders.target_groups.iter().map(|(arn, _)| arn).collect();
    for group in present.iter().filter(|group| !kept.contains(&group.arn)) {
        client.delete_target_group(&group.arn).await?;
    }
    Ok(())
}

/// As `sync::bind`.
async fn bind(client: &Client, orders: &TickInput) -> Result<(), SyncError> {
    let id = client.notes.borrow().id.clone();
    let observed = observe::observe(client, orders).await?;
    let found = look(client, orders, observed.state.addresses().len())?;
    pass(client, orders, &id, Caller::Provider, found, observed).await?;
    Ok(())
}

fn orders(wanted: &Wanted, target_groups: Vec<(String, u16)>) -> TickInput {
    TickInput {
        alb_nlb_binding: wanted.id.to_string(),
        alb_arn: wanted.alb.clone(),
        alb_name: String::new(),
        alb_dns_name: String::new(),
        bucket: wanted.bucket(),
        target_groups,
        availability_zone: None,
        max_lookups: wanted.max_lookups,
        invocations_before_deregistration: wanted.invocations_before_deregistration,
        ip_count_metric: false,
        dns_servers: Vec::new(),
    }
}

pub(super) async fn delete(client: Client, wanted: Wanted) -> Result<(), BindingError> {
    let listeners = wanted.listeners.iter().map(|(place, port)| match place {
        Place::Given(arn) => json!({"Port": port, "TargetGroupArn": arn}),
        Place::Made(listener) => json!({"Port": listener, "AlbPort": port}),
    });
    let listeners: Vec<_> = listeners.collect();
    let mut properties = json!({"NlbArn": NLB, "Listeners": listeners});
    if let Some(bucket) = &wanted.bucket {
        properties["BucketName"] = json!(bucket);
    }
    let hints = Hints::read(&properties, "us-east-1");
    // From now on it does what a Delete does.
    client.notes.borrow_mut().role = Role::Delete;
    client.world.borrow_mut().ledger.is_deleted = true;
    crate::binding::delete(&client, &wanted.id, ACCOUNT, &hints).await
}
