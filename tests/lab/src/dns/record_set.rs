//! The records of one name in one answer.

use std::net::Ipv4Addr;

use anyhow::Result;
use hickory_server::proto::rr::rdata::{A, CNAME};
use hickory_server::proto::rr::{Name, RData, Record};

use super::names::load_balancer_of;

const TTL: u32 = 60;
/// The TTL of names that are no load balancer's. Aurora's zones have it (Amazon Aurora MySQL Database
/// Administrator's Handbook, "DNS caching").
const TTL_OF_OTHERS: u32 = 5;

#[derive(Clone)]
pub(super) struct RecordSet {
    /// The name that the addresses are of, if it is another one (CNAME).
    pub alias: Option<String>,
    pub addresses: Vec<Ipv4Addr>,
}

/// An alias comes before the addresses that it leads to.
pub(super) fn records(mut owner: Name, found: RecordSet) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    if let Some(alias) = &found.alias {
        let alias = Name::from_ascii(format!("{alias}."))?;
        let leads = RData::CNAME(CNAME(alias.clone()));
        records.push(Record::from_rdata(owner, TTL_OF_OTHERS, leads));
        owner = alias;
    }
    let is_load_balancer = load_balancer_of(&owner.to_ascii()).is_some();
    let ttl = if is_load_balancer { TTL } else { TTL_OF_OTHERS };
    let address = |address| Record::from_rdata(owner.clone(), ttl, RData::A(A(address)));
    records.extend(found.addresses.into_iter().map(address));
    Ok(records)
}
