//! A resource of a stack as the stack's events tell of it, for MiniStack's own DescribeStackResource knows a
//! resource only once its request is done. It keeps nothing: every question reads all events again.
//!
//! AWS shows `CREATE_IN_PROGRESS`, `UPDATE_IN_PROGRESS` or `DELETE_IN_PROGRESS` from before the
//! function is invoked, and the former physical id until there is another one (CloudFormation API,
//! StackResourceDetail; user guide, "Custom resources"). What replaces a resource is shown while the
//! former is deleted, and the former is shown again once the stack rolls back.

use crate::xml::Element;

const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// What DescribeStackResource shows of one resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ShownResource {
    pub status: String,
    /// Empty if there is none yet.
    pub physical_id: String,
    pub kind: String,
    pub since: String,
}

/// From all events of a stack, the oldest first.
pub(super) fn resource(events: &[Element], logical_id: &str) -> Option<ShownResource> {
    let mut shown: Option<ShownResource> = None;
    let mut before_update = None;
    for event in events {
        let [status, physical_id, kind] = ["ResourceStatus", "PhysicalResourceId", "ResourceType"]
            .map(|name| event.text_of(name));
        if kind == STACK_TYPE && physical_id == event.text_of("StackId") {
            match status {
                "UPDATE_IN_PROGRESS" => before_update = shown.clone(),
                "UPDATE_ROLLBACK_IN_PROGRESS" => roll_back(&mut shown, before_update.take()),
                _ => {}
            }
        } else if event.text_of("LogicalResourceId") == logical_id {
            // It tells of a predecessor that is deleted, or of a replacement that a rollback deletes.
            let is_of_another = shown
                .as_ref()
                .is_some_and(|shown| shown.physical_id != physical_id);
            if status.starts_with("DELETE_") && is_of_another {
                continue;
            }
            shown = Some(ShownResource {
                status: named(status, shown.as_ref()),
                physical_id: match (physical_id, &shown) {
                    ("", Some(former)) if !is_gone(former) => former.physical_id.clone(),
                    _ => physical_id.to_owned(),
                },
                kind: kind.to_owned(),
                since: event.text_of("Timestamp").to_owned(),
            });
        }
    }
    shown
}

/// What the update had replaced is shown again.
fn roll_back(shown: &mut Option<ShownResource>, before: Option<ShownResource>) {
    if let (Some(now), Some(mut before)) = (&shown, before)
        && now.physical_id != before.physical_id
        && !is_gone(&before)
    {
        "UPDATE_COMPLETE".clone_into(&mut before.status);
        *shown = Some(before);
    }
}

/// MiniStack says `UPDATE_` of what an update of the stack adds, AWS says `CREATE_`.
fn named(status: &str, former: Option<&ShownResource>) -> String {
    let is_new =
        former.is_none_or(|former| is_gone(former) || former.status == "CREATE_IN_PROGRESS");
    match status.strip_prefix("UPDATE_") {
        Some(rest) if is_new => format!("CREATE_{rest}"),
        _ => status.to_owned(),
    }
}

fn is_gone(resource: &ShownResource) -> bool {
    resource.status == "DELETE_COMPLETE"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown after each event, as `status physical id`. Events are written as `logical id,
    /// status, physical id`; `Stack` is the stack itself.
    fn after_each(told: &[(&str, &str, &str)]) -> Vec<String> {
        let mut events = Vec::new();
        let mut all = Vec::new();
        for (logical_id, status, physical_id) in told {
            let (kind, physical_id) = match *logical_id {
                "Stack" => (STACK_TYPE, "arn"),
                _ => ("Custom::Any", *physical_id),
            };
            events.push(Element::of(
                "member",
                [
                    ("StackId", "arn"),
                    ("LogicalResourceId", logical_id),
                    ("ResourceStatus", status),
                    ("PhysicalResourceId", physical_id),
                    ("ResourceType", kind),
                ]
                .map(|(name, text)| Element::with_text(name, text))
                .to_vec(),
            ));
            let shown = resource(&events, "Own");
            all.push(shown.map_or_else(String::new, |shown| {
                format!("{} {}", shown.status, shown.physical_id)
            }));
        }
        all
    }

    #[test]
    fn a_resource_that_is_replaced_keeps_its_id_until_there_is_another() {
        let shown = after_each(&[
            ("Stack", "CREATE_IN_PROGRESS", ""),
            ("Own", "CREATE_IN_PROGRESS", ""),
            ("Own", "CREATE_COMPLETE", "old"),
            ("Stack", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_COMPLETE", "new"),
            ("Own", "DELETE_IN_PROGRESS", "old"),
            ("Own", "DELETE_COMPLETE", "old"),
            ("Own", "DELETE_IN_PROGRESS", "new"),
            ("Own", "DELETE_COMPLETE", "new"),
        ]);
        assert_eq!(
            shown,
            [
                "",
                "CREATE_IN_PROGRESS ",
                "CREATE_COMPLETE old",
                "CREATE_COMPLETE old",
                "UPDATE_IN_PROGRESS old",
                "UPDATE_COMPLETE new",
                "UPDATE_COMPLETE new",
                "UPDATE_COMPLETE new",
                "DELETE_IN_PROGRESS new",
                "DELETE_COMPLETE new",
            ]
        );
    }

    #[test]
    fn a_replacement_that_is_rolled_back_leaves_the_former_one_living() {
        let shown = after_each(&[
            ("Own", "CREATE_COMPLETE", "old"),
            ("Stack", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_COMPLETE", "new"),
            ("Other", "UPDATE_FAILED", ""),
            ("Stack", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
            ("Own", "DELETE_IN_PROGRESS", "new"),
            ("Own", "DELETE_COMPLETE", "new"),
        ]);
        assert_eq!(shown[4..], ["UPDATE_COMPLETE old"; 3]);
    }

    #[test]
    fn what_an_update_adds_is_created_and_goes_when_that_is_rolled_back() {
        let shown = after_each(&[
            ("Stack", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_COMPLETE", "it"),
            ("Stack", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
            ("Own", "DELETE_IN_PROGRESS", "it"),
            ("Own", "DELETE_COMPLETE", "it"),
            ("Stack", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_IN_PROGRESS", ""),
            ("Own", "UPDATE_FAILED", ""),
        ]);
        assert_eq!(
            shown,
            [
                "",
                "CREATE_IN_PROGRESS ",
                "CREATE_COMPLETE it",
                "CREATE_COMPLETE it",
                "DELETE_IN_PROGRESS it",
                "DELETE_COMPLETE it",
                "DELETE_COMPLETE it",
                "CREATE_IN_PROGRESS ",
                "CREATE_FAILED ",
            ]
        );
    }
}
