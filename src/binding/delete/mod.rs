//! Delete, the mirror of `make`: claim the record with a tombstone, observe, plan, and take away, until nothing is
//! left. `deleting` asks first whether the Delete is meant for what is there now; `leaving` has the order of the rest.

mod apply;
mod claim;
mod deleting;
mod leaving;
mod made_anew;
mod observe;
mod observed;
mod plan;
#[cfg(test)]
mod proptests;
mod replacements;
#[cfg(test)]
mod tests;

pub(super) use apply::Remover;
pub use deleting::delete;
pub(super) use leaving::take_away;
pub(super) use replacements::take_away_replacements;
