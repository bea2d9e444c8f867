//! One binding from properties to wiring: `make` (Create and Update) and its mirror, `delete`. Both claim the record,
//! observe, plan and apply, in files of these names; the plans of both consist of the steps in `step`.
//!
//! Never changes or deletes anything that is not the binding's by name or by tag, nor anything without a permit of the
//! record.

mod delete;
mod desired;
mod error;
mod findings;
mod hints;
mod locate;
mod make;
mod own;
mod step;

pub use delete::delete;
pub use desired::{Desired, MadeListener};
pub use error::BindingError;
pub use findings::Findings;
pub use hints::Hints;
pub(crate) use hints::candidates;
pub use make::{
    Backend, Checked, LastSuccess, MakeResult, NlbListener, Observed, OwnTargetGroup, RecordBucket,
    ReturnValues, check, find_record, make, observe, plan,
};
pub use step::{Chain, Plan, Step};
