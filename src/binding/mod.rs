//! One binding from properties to wiring: `make` (Create and Update) and its mirror, `delete`. Both observe, plan and
//! apply, in files of these names; the steps of both plans are in `step`.
//!
//! Nothing is ever changed or deleted that is not the binding's by name or by tag, and nothing without the record's
//! leave.

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
    Backend, Bound, Checked, NlbListener, Observed, OwnTargetGroup, RecordBucket, ReturnValues,
    Standing, check, find, make, observe, plan,
};
pub use step::{Chain, Plan, Step};
