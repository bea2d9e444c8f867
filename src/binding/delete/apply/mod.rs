//! Removes what a plan names, one thing at a time: every step of Delete, and the last steps of an Update.
//!
//! Decides nothing and searches for nothing. It is no error if a thing is gone already.

mod bucket;
mod given_targets;
mod step;

pub(in crate::binding) use step::Remover;
