//! A tick: what the schedule calls once a minute (`rule_tick`, `tick`), and the sync of a Create or an Update, which
//! registers what DNS shows before CloudFormation is answered (`first_sync`).
//!
//! Only own targets are ever deregistered, and only after the record says so.

mod apply;
mod error;
mod first_sync;
mod lost_record;
mod metric;
mod observe;
mod plan;
mod rule_tick;
mod source;
mod tick;
mod tick_log;

pub use error::SyncError;
pub use first_sync::{FirstSync, first_sync};
pub use lost_record::{Unseen, anew, make_anew};
pub use observe::Read;
pub use plan::{Mode, Plan, Situation, plan};
pub use rule_tick::tick;
pub use source::Source;
pub use tick::{Tick, TickName, TickOutcome};
