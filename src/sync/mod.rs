//! A tick, which the schedule starts once a minute (`rule_tick`), and the sync of a Create or an Update, which
//! registers what DNS shows before CloudFormation is answered (`first_sync`). A tick takes the seven steps that `tick`
//! lists, and the sync of a request all but the seventh.
//!
//! Never deregisters a target that is not the binding's own, nor before the record says so.

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
pub use lost_record::{WhenDnsFails, rebuild_record, restore_record};
pub use plan::{Mode, Situation, TickPlan, plan};
pub use rule_tick::tick;
pub use source::Source;
pub use tick::{Tick, TickName, TickOutcome};
