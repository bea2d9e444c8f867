//! Delete, the mirror of `make`: claim the record with a tombstone, observe, plan, and remove, until nothing is left.
//! `still_wanted` asks first whether the Delete is meant for the binding that is there now. `deleting` has the order
//! of the rest.

mod apply;
mod claim;
mod deleting;
mod made_anew;
mod observe;
mod observed;
mod plan;
#[cfg(test)]
mod proptests;
mod replacements;
mod still_wanted;
#[cfg(test)]
mod tests;

pub(super) use apply::Remover;
pub(super) use deleting::take_away;
pub(super) use replacements::take_away_replacements;
pub use still_wanted::delete;
