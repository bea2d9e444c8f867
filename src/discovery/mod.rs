//! Which addresses a name has: asks DNS until the list is certain enough.
//!
//! An answer without addresses and a failed lookup are errors, never an empty list. A cache repeats one answer for
//! 60 seconds, so the system's resolver is asked only if no authoritative server can be reached.
//!
//! `client` chooses the servers, `query` makes one lookup, `run` makes many side by side, `sampling` counts their
//! answers, `independence` tells caches by them, and `stopping_rule` says how many answers are enough.

mod client;
mod dns;
mod found;
mod independence;
mod name_servers;
mod query;
mod run;
mod sampling;
mod server;
mod stopping_rule;

pub use client::DnsClient;
pub use dns::{Dns, DnsAnswer, DnsError, DnsQuery};
pub use found::{Evidence, Found};
pub use run::{Search, run};
pub use stopping_rule::{ADDRESSES_PER_ANSWER, lookups_needed};
