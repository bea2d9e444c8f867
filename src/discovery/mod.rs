//! Which addresses a name has: asks DNS until the list is certain enough.
//!
//! An answer without addresses and a failed lookup are errors, never an empty list. A cache would repeat one answer
//! for 60 seconds, so it is asked only where nobody else can be.

mod client;
mod dns;
mod name_servers;
mod query;
mod run;
mod sampling;
mod server;
mod stopping_rule;

pub use client::DnsClient;
pub use dns::{Dns, DnsAnswer, DnsError, DnsQuery};
pub use run::{Search, run};
pub use sampling::{Evidence, Found};
pub use stopping_rule::{ADDRESSES_PER_ANSWER, lookups_needed};
