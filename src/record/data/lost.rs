//! Rule 8: rebuilds a lost record by what its rule says. Pure.

use super::orders::Orders;
use super::own_target::OwnTarget;
use super::record::{Phase, Record};
use crate::model::{Endpoint, Registered, TargetGroupPort};
use crate::names::BindingId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl Record {
    /// Rebuilds the record from the copy of the orders in the rule. Own are the targets that are `seen` in DNS, and all
    /// targets in the target groups that the binding made.
    pub fn rebuilt(
        id: &BindingId,
        orders: &Orders,
        registered: &BTreeMap<String, Registered>,
        seen: &BTreeSet<IpAddr>,
    ) -> Self {
        let mut record = Self::new(&id.to_string(), Phase::Serving);
        for TargetGroupPort { arn, port } in &orders.target_groups {
            let is_seen =
                |endpoint: &Endpoint| endpoint.port == *port && seen.contains(&endpoint.address);
            let registered = registered.get(arn).into_iter().flat_map(BTreeMap::keys);
            let own = registered.filter(|endpoint| id.made_group(arn) || is_seen(endpoint));
            let own = own.map(|endpoint| (*endpoint, OwnTarget::default()));
            record.own.entry(arn.clone()).or_default().extend(own);
        }
        record.orders = Some(orders.clone());
        record
    }
}
