//! Create and Update: observe, check, plan, claim the record, carry the plan out, and do nothing if it is run again.
//! `making` has the order of these; `delete` is the mirror of this folder.

mod apply;
mod checks;
mod claim;
mod elb;
mod former;
mod making;
mod observe;
mod observed;
mod orders;
mod plan;
#[cfg(test)]
mod proptests;
mod still_wanted;
#[cfg(test)]
mod tests;
mod waiting;

pub use apply::{MakeResult, ReturnValues};
pub use checks::{Backend, Checked, LastSuccess, check};
pub use making::make;
pub use observe::{find_record, observe};
pub use observed::{NlbListener, Observed, OwnTargetGroup, RecordBucket};
pub use plan::plan;
