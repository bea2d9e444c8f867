//! The DNS of load balancers: pools of addresses that tests scale, answered as AWS answers for a
//! load balancer's name, over UDP and TCP, on one server or on several. Other names may have addresses
//! as well, or be aliases. It resolves nothing else.

mod address_pool;
mod contents;
mod failure;
mod handler;
mod names;
mod record_set;
mod server;
mod servers;

pub use failure::DnsFailure;
pub use server::{Cache, DnsServer};
pub use servers::DnsServers;
