//! Who may act on AWS, and when: the rules about looks, claims, the order of requests, and ticks.

mod claims;
mod cloudformation;
mod judge;
mod lease;
mod other_bindings;
mod still_wanted;
mod tick_write;

pub use claims::{ClaimedRecord, Claims};
pub use cloudformation::{ResourceStatus, STATUS_LAG, StackReader, StackView};
pub use judge::{NewRequest, Verdict, Wait, is_cancelled, judge};
pub use lease::{Lease, LeaseHolder};
pub use other_bindings::owned_by_others;
pub use still_wanted::MeantBinding;
pub use tick_write::TickWrite;
