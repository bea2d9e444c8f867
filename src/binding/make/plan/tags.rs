//! Which tags and attributes differ.

use crate::model::Tags;
use std::collections::BTreeMap;

/// Tags to add or change. Tags that others added stay.
pub(super) fn missing(present: &Tags, wanted: &Tags) -> Option<Tags> {
    let tags = differing(wanted, present);
    (!tags.is_empty()).then_some(tags)
}

/// The wanted pairs that are not present.
pub(super) fn differing(
    wanted: &BTreeMap<String, String>,
    present: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    wanted
        .iter()
        .filter(|(key, value)| present.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
