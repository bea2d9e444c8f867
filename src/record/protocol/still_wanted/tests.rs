use super::*;
use crate::aws::api::{AwsResult, Stack, StackResource};
use crate::clock::Timestamp;
use std::cell::RefCell;
use std::time::Duration;

fn id() -> BindingId {
    BindingId::derive("stack", "Binding", "arn:nlb")
}

fn view(stack: Option<&str>, resource: Option<(&str, bool)>) -> StackView {
    let stack = stack.map(|status| Stack {
        status: status.to_owned(),
        ..Stack::default()
    });
    let known = |(status, is_own): (&str, bool)| {
        let physical_id = if is_own {
            id().to_string()
        } else {
            "another".to_owned()
        };
        ResourceStatus::Known(StackResource {
            physical_id: Some(physical_id),
            status: status.to_owned(),
        })
    };
    StackView {
        stack,
        resource: resource.map_or(ResourceStatus::Unknown, known),
    }
}

/// The view of a resource without an id.
fn nameless(status: &str) -> StackView {
    StackView {
        stack: None,
        resource: ResourceStatus::Known(StackResource {
            physical_id: None,
            status: status.to_owned(),
        }),
    }
}

#[test]
fn a_stacks_status_tells_whether_it_rolls_back_and_whether_it_may_yet() {
    for (status, rolls_back, is_rolling_back, is_past_rollback) in [
        ("CREATE_IN_PROGRESS", false, false, false),
        ("UPDATE_IN_PROGRESS", false, false, false),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", false, false, true),
        ("UPDATE_COMPLETE", false, false, false),
        ("ROLLBACK_IN_PROGRESS", true, true, false),
        ("ROLLBACK_COMPLETE", true, false, false),
        ("ROLLBACK_FAILED", true, true, false),
        ("UPDATE_ROLLBACK_IN_PROGRESS", true, true, false),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            true,
            true,
            false,
        ),
        ("UPDATE_ROLLBACK_COMPLETE", true, false, false),
        ("UPDATE_ROLLBACK_FAILED", true, true, false),
        ("DELETE_IN_PROGRESS", false, false, true),
        ("DELETE_COMPLETE", false, false, true),
    ] {
        let view = view(Some(status), None);
        assert_eq!(view.rollback(), Some(rolls_back), "{status}");
        assert_eq!(view.is_rolling_back(), Some(is_rolling_back), "{status}");
        assert_eq!(view.is_past_rollback(), is_past_rollback, "{status}");
    }
    let unknown = view(None, None);
    assert_eq!(unknown.rollback(), None);
    assert_eq!(unknown.is_rolling_back(), None);
    assert!(!unknown.is_past_rollback());
}

#[test]
fn a_resource_is_known_or_not_and_has_an_id_or_none_yet() {
    let unknown = view(None, None);
    assert!(!unknown.is_known() && !unknown.has_no_physical_id());
    let missing = StackView {
        resource: ResourceStatus::Missing,
        ..StackView::default()
    };
    assert!(missing.is_known() && !missing.has_no_physical_id());
    let named = view(None, Some(("CREATE_IN_PROGRESS", true)));
    assert!(named.is_known() && !named.has_no_physical_id());
    let nameless = nameless("CREATE_IN_PROGRESS");
    assert!(nameless.is_known() && nameless.has_no_physical_id());
}

fn meant<'a>(id: &'a BindingId, given: Option<&'a str>) -> MeantBinding<'a> {
    let has_record = true;
    MeantBinding {
        id,
        given,
        has_record,
    }
}

fn is_refused(view: &StackView, kind: RequestType) -> bool {
    view.refusal(kind, meant(&id(), None)).is_some()
}

#[test]
fn a_create_is_wanted_only_while_its_resource_is_being_created() {
    for (status, refused) in [
        ("CREATE_IN_PROGRESS", false),
        ("CREATE_COMPLETE", true),
        ("CREATE_FAILED", true),
        ("DELETE_IN_PROGRESS", true),
        ("DELETE_COMPLETE", true),
        ("UPDATE_IN_PROGRESS", true),
    ] {
        for stack in [None, Some("UPDATE_ROLLBACK_IN_PROGRESS")] {
            let view = view(stack, Some((status, false)));
            assert_eq!(is_refused(&view, RequestType::Create), refused, "{status}");
        }
    }
}

#[test]
fn where_the_resource_cannot_be_seen_a_create_is_refused_in_a_stack_that_rolls_back_or_leaves() {
    for (status, refused) in [
        ("CREATE_IN_PROGRESS", false),
        ("UPDATE_IN_PROGRESS", false),
        ("UPDATE_COMPLETE", false),
        ("ROLLBACK_IN_PROGRESS", true),
        ("ROLLBACK_COMPLETE", true),
        ("ROLLBACK_FAILED", true),
        ("UPDATE_ROLLBACK_IN_PROGRESS", true),
        ("UPDATE_ROLLBACK_COMPLETE", true),
        ("DELETE_IN_PROGRESS", true),
        ("DELETE_COMPLETE", true),
    ] {
        let view = view(Some(status), None);
        assert_eq!(is_refused(&view, RequestType::Create), refused, "{status}");
        assert!(!is_refused(&view, RequestType::Update), "{status}");
        assert!(!is_refused(&view, RequestType::Delete), "{status}");
    }
    assert!(!is_refused(&view(None, None), RequestType::Create));
}

#[test]
fn an_update_of_a_binding_that_was_replaced_is_wanted_in_a_rollback_only() {
    let former = BindingId::derive("stack", "Binding", "arn:former").to_string();
    for (stack, given, refused) in [
        ("UPDATE_IN_PROGRESS", Some(former.as_str()), true),
        ("UPDATE_IN_PROGRESS", Some(id().to_string().as_str()), false),
        ("UPDATE_IN_PROGRESS", None, false),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Some(former.as_str()), false),
    ] {
        let view = view(Some(stack), Some(("UPDATE_IN_PROGRESS", true)));
        let (kind, id) = (RequestType::Update, id());
        let meant = meant(&id, given);
        let refusal = view.refusal(kind, meant);
        assert_eq!(refusal.is_some(), refused, "{stack} {given:?}");
        // What has no record any more was deleted, and no rollback goes back to it.
        let has_record = false;
        let is_former = given == Some(former.as_str());
        let refusal = view.refusal(
            kind,
            MeantBinding {
                has_record,
                ..meant
            },
        );
        assert_eq!(refusal.is_some(), is_former, "{stack} {given:?}");
    }
    // An id that CloudFormation invented names no binding.
    let invented = view(
        Some("UPDATE_IN_PROGRESS"),
        Some(("UPDATE_IN_PROGRESS", false)),
    );
    let refusal = invented.refusal(RequestType::Update, meant(&id(), Some(&former)));
    assert_eq!(refusal, None);
}

#[test]
fn nothing_is_made_of_a_resource_that_a_stack_does_not_have_once_it_makes_nothing_more() {
    for (status, refused) in [
        ("UPDATE_COMPLETE", true),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", true),
        ("UPDATE_IN_PROGRESS", false),
    ] {
        let mut view = view(Some(status), None);
        view.resource = ResourceStatus::Missing;
        assert_eq!(is_refused(&view, RequestType::Create), refused, "{status}");
        assert_eq!(is_refused(&view, RequestType::Update), refused, "{status}");
        assert!(!is_refused(&view, RequestType::Delete), "{status}");
    }
}

#[test]
fn an_update_is_wanted_while_anything_but_a_delete_is_under_way() {
    for (status, refused) in [
        ("UPDATE_IN_PROGRESS", false),
        ("CREATE_IN_PROGRESS", false),
        ("UPDATE_COMPLETE", true),
        ("UPDATE_FAILED", true),
        ("DELETE_IN_PROGRESS", true),
        ("DELETE_COMPLETE", true),
    ] {
        let view = view(None, Some((status, true)));
        assert_eq!(is_refused(&view, RequestType::Update), refused, "{status}");
    }
}

#[test]
fn an_update_of_a_resource_that_is_just_being_created_is_not_wanted() {
    for (status, refused) in [("CREATE_IN_PROGRESS", true), ("UPDATE_IN_PROGRESS", false)] {
        let view = nameless(status);
        assert_eq!(is_refused(&view, RequestType::Update), refused, "{status}");
    }
}

#[test]
fn a_delete_of_the_living_binding_is_refused_unless_the_stack_leaves() {
    for (stack, status, is_own, refused) in [
        ("UPDATE_COMPLETE", "CREATE_COMPLETE", true, true),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE", true, true),
        ("UPDATE_COMPLETE", "CREATE_COMPLETE", false, false),
        ("UPDATE_COMPLETE", "DELETE_COMPLETE", true, false),
        ("UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", true, false),
        ("DELETE_IN_PROGRESS", "CREATE_COMPLETE", true, false),
        ("ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE", true, false),
    ] {
        let view = view(Some(stack), Some((status, is_own)));
        let text = format!("{stack} {status} {is_own}");
        assert_eq!(is_refused(&view, RequestType::Delete), refused, "{text}");
    }
}

/// A CloudFormation that shows one status after the other, a second each, and then the last.
struct Shows(RefCell<Vec<&'static str>>);

impl Shows {
    fn then(statuses: &[&'static str]) -> Self {
        let mut statuses = statuses.to_vec();
        statuses.reverse();
        Self(RefCell::new(statuses))
    }
}

impl Stacks for Shows {
    async fn stack(&self, _: &str) -> AwsResult<Option<Stack>> {
        Ok(None)
    }

    async fn stack_resource(&self, _: &str, _: &str) -> AwsResult<Option<StackResource>> {
        let mut statuses = self.0.borrow_mut();
        let status = match statuses.len() {
            1 => statuses[0],
            _ => statuses.pop().expect("one is left"),
        };
        let view = view(None, Some((status, true)));
        match view.resource {
            ResourceStatus::Known(resource) => Ok(Some(resource)),
            ResourceStatus::Unknown | ResourceStatus::Missing => Ok(None),
        }
    }
}

/// Whether a Create is wanted, and after how many seconds that was known.
async fn wanted(statuses: &[&'static str]) -> (bool, u64) {
    let clock = Clock::starting_at(Timestamp::from_millis(0));
    let shows = Shows::then(statuses);
    let stack_reader = StackReader {
        aws: &shows,
        stack_id: "stack",
        logical_id: "Binding",
    };
    let first = stack_reader.read().await;
    let id = id();
    let asked = stack_reader.is_wanted(&clock, RequestType::Create, meant(&id, None), first);
    let answer = tokio::time::timeout(Duration::from_secs(60), asked).await;
    let answer = answer.expect("what does not change is believed");
    (answer.is_ok(), clock.now().as_millis() / 1000)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_refused_only_after_ten_seconds_of_the_same_answer() {
    let (complete, deleted) = ("UPDATE_COMPLETE", "DELETE_COMPLETE");
    assert_eq!(wanted(&["CREATE_IN_PROGRESS"]).await, (true, 0));
    assert_eq!(wanted(&[complete]).await, (false, 10));
    let late = [[complete; 9].as_slice(), &["CREATE_IN_PROGRESS"]].concat();
    assert_eq!(wanted(&late).await, (true, 9));
    let changed = [[complete; 9].as_slice(), &[deleted]].concat();
    assert_eq!(wanted(&changed).await, (false, 19));
}

#[tokio::test(start_paused = true)]
async fn a_binding_counts_as_living_as_soon_as_cloudformation_names_it() {
    let clock = Clock::starting_at(Timestamp::from_millis(0));
    let shows = Shows::then(&["DELETE_COMPLETE", "DELETE_COMPLETE", "UPDATE_COMPLETE"]);
    let stack_reader = StackReader {
        aws: &shows,
        stack_id: "stack",
        logical_id: "Binding",
    };
    let first = stack_reader.read().await;
    assert!(!first.says_is_current(&id()), "it lags");
    let names = |view: &StackView| view.says_is_current(&id());
    assert!(
        stack_reader
            .wait_for(&clock, clock.now(), first, names)
            .await
            .says_is_current(&id())
    );
    assert!(clock.now() < Timestamp::from_millis(10_000));
    let none = view(None, Some(("UPDATE_COMPLETE", false)));
    let other = BindingId::derive("stack", "Binding", "arn:other");
    let names = |view: &StackView| view.says_is_current(&other);
    let asked = clock.now();
    let said = stack_reader.wait_for(&clock, asked, none, names).await;
    assert!(!said.says_is_current(&other));
    assert_eq!(clock.now().since(asked), STATUS_LAG);
}
