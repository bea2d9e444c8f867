//! First aid: a person asks the deployed function what a request would find and do (`Check`, `Plan`), and how a
//! binding is (`Status`). The answers come from the same code that a request and a tick run.
//!
//! `request` reads the question, and `answer` answers it in time, by `dry_run` (Check, Plan) or `status`. Both `observe`;
//! `diagnosis` makes sentences of what was observed, and `report` is the JSON. `context` is what all of them work with.
//!
//! Changes nothing: only a lease gives permits, and nothing here has a lease. An error on the way to an answer is put
//! in it, because a failed invocation would set off the alarm on errors.

mod answer;
mod context;
mod diagnosis;
mod dry_run;
mod observe;
mod observed;
mod report;
mod request;
mod status;

pub use context::FirstAid;
pub use request::{Action, ActionError, Proposal};
