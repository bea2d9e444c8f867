//! Whether the record is there and can be read. No I/O.

use super::remedy::BY_UPDATE;
use crate::first_aid::observed::{ObservedBinding, ObservedRecord};
use std::collections::BTreeSet;

/// The problem if neither a rule nor a record is left of the binding.
pub(super) fn no_binding_problem(observed: &ObservedBinding) -> Option<String> {
    let ObservedRecord::Gone { buckets, .. } = &observed.record else {
        return None;
    };
    if observed.rule.is_some() {
        return None;
    }
    let (id, buckets) = (&observed.id, joined(buckets));
    Some(match observed.leftovers.as_slice() {
        [] => format!(
            "there is no binding {id} in this account and Region, as far as can be seen: no rule, no target group, and no \
             record in {buckets} (of a bucket that only BucketName names nobody but the rule tells)"
        ),
        leftovers => format!(
            "the rule of {id} is gone, so no tick comes, and no record is in {buckets} (of a bucket that only BucketName \
             names nobody but the rule tells); there are still {}: delete the resource, or {BY_UPDATE}",
            leftovers.join(", ")
        ),
    })
}

pub(super) fn record_problem(observed: &ObservedBinding) -> Option<String> {
    let copy = observed
        .event
        .as_ref()
        .filter(|event| event.orders.is_some());
    match &observed.record {
        ObservedRecord::There { .. } => None,
        ObservedRecord::Gone { buckets, missing } => {
            let own = observed.id.bucket(&observed.account);
            let given = missing.iter().find(|bucket| **bucket != own);
            let copy = copy.filter(|event| !missing.contains(&event.bucket));
            let way = match (given, copy) {
                (Some(bucket), _) => {
                    format!("make the bucket {bucket} again, or name another one by BucketName")
                }
                (None, Some(_)) => {
                    "the next tick makes it anew by the rule's copy of the orders".to_owned()
                }
                (None, None) => BY_UPDATE.to_owned(),
            };
            Some(format!(
                "the record is gone from {}: {way}",
                joined(buckets)
            ))
        }
        ObservedRecord::Unreadable { why } => {
            let or_anew = match copy {
                Some(_) => {
                    ", or delete the object, and it is made anew by the rule's copy of the orders"
                }
                None => "",
            };
            Some(format!(
                "the record cannot be read, so ticks fail and change nothing ({why}): deploy the function that wrote it \
                 where it is of another version; else put a former version of the object back{or_anew}"
            ))
        }
        ObservedRecord::Hidden { why } => Some(format!(
            "the record cannot be looked at, so ticks fail and change nothing ({why}): let the function's role read \
             and write it"
        )),
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    names.join(", ")
}
