//! What a binding must not touch: targets that another binding serves, and anything that a forged record names.

use super::stack::{BindingStack, each_on_its_own_stack};
use crate::support::{ELB, TIMEOUT, as_targets};
use alb_nlb_binding::names::BindingId;
use anyhow::Result;
use lab::NlbSpec;
use serde_json::{Value, json};

#[tokio::test]
async fn a_changed_nlb_with_the_same_group_costs_no_target() -> Result<()> {
    for is_known in [true, false] {
        let stack = BindingStack::new().await?;
        let group = stack.given_group().await?;
        let listeners = json!([{"Port": 80, "TargetGroupArn": group}]);
        let old = json!({"Listeners": listeners});
        let made = stack.bind(old.clone()).await?;
        stack.ticks(made.id(), 1).await?;
        let vpc = &stack.fixture.nlb.vpc;
        let other = stack.lab().nlb(vpc, &NlbSpec::new("other")).await?;
        let new = json!({"NlbArn": other.arn, "Listeners": listeners});
        stack.shows_updating(made.id());
        let replaced = stack.update(made.id(), old.clone(), new.clone());
        let replaced = stack.succeeds(&replaced).await?;
        let id = replaced.id();
        assert_ne!(id, made.id());
        stack.shows_cleaning_up(id);
        if !is_known {
            stack.becomes_unknown();
        }
        stack.succeeds(&stack.delete(made.id(), old)).await?;
        assert_eq!(stack.fixture.targets(&group), stack.fixture.expected(3, 80));
        assert_eq!(stack.deregistered(), [""; 0]);
        // The targets are the new binding's own by now.
        stack.fixture.scale(2);
        stack.ticks(id, 3).await?;
        assert_eq!(stack.fixture.targets(&group), stack.fixture.expected(2, 80));
        stack.shows_deleting(id);
        stack.succeeds(&stack.delete(id, new)).await?;
        assert!(stack.fixture.targets(&group).is_empty());
    }
    Ok(())
}

/// A tick lists the rules to see whether another binding serves an address that is to leave a given group. An
/// address that comes needs no such look.
#[tokio::test]
async fn where_the_rules_cannot_be_listed_a_tick_registers_and_nothing_leaves_a_given_group()
-> Result<()> {
    let stack = BindingStack::new().await?;
    let fixture = &stack.fixture;
    let group = stack.given_group().await?;
    let listeners = json!([{"Port": 80, "TargetGroupArn": group}]);
    let made = stack.bind(json!({"Listeners": listeners})).await?;
    let denied = stack.fixture.deny("events", "ListRules");
    fixture.scale(2);
    stack.ticks(made.id(), 2).await?;
    let new = fixture.alb.addresses_after(3, 2);
    let both = [fixture.alb.addresses(3), new.clone()].concat();
    fixture.show_in_dns(new.clone());
    let tick = stack.tick(made.id()).await?;
    let error = tick.result.expect_err("nothing may leave").to_string();
    assert!(error.contains("ListRules"), "{error}");
    assert_eq!(fixture.targets(&group), as_targets(&both, 80));
    assert_eq!(stack.deregistered(), [""; 0]);
    fixture.allow(denied);
    stack.ticks(made.id(), 2).await?;
    assert_eq!(fixture.targets(&group), as_targets(&new, 80));
    Ok(())
}

/// The rollback deletes what the replacement has made, and the former binding serves on.
#[tokio::test]
async fn a_changed_nlb_with_the_same_group_that_is_rolled_back_costs_no_target() -> Result<()> {
    let points = [(ELB, "DescribeTargetHealth"), ("events", "PutTargets")];
    each_on_its_own_stack(points, async |stack, (service, operation)| {
        let name = &stack.fixture.alb.name;
        let group = stack.given_group().await?;
        let listeners = json!([{"Port": 80, "TargetGroupArn": group}]);
        let old = json!({"Listeners": listeners});
        let made = stack.bind(old.clone()).await?;
        let id = made.id();
        let vpc = &stack.fixture.nlb.vpc;
        let other = stack
            .lab()
            .nlb(vpc, &NlbSpec::new(&format!("other-{name}")))
            .await?;
        let new = json!({"NlbArn": other.arn, "Listeners": listeners});
        stack.shows_updating(id);
        // One more address comes while both bindings are there.
        stack.fixture.scale(4);
        let hold = stack.holds(service, operation);
        let update = stack.update(id, old.clone(), new.clone());
        update
            .killed_at(&hold, stack.another_environment().await?)
            .await?;
        stack.shows_rolling_back(id);
        stack.succeeds(&stack.update(id, new, old)).await?;
        stack.shows_rolled_back(id);
        assert_eq!(stack.deregistered(), [""; 0], "{operation}");
        stack.ticks(id, 3).await?;
        assert_eq!(stack.fixture.targets(&group), stack.fixture.expected(4, 80));
        let new_id = BindingId::derive(&stack.id, "Binding", &other.arn).to_string();
        let left = stack.fixture.leftovers(&new_id).await?;
        assert_eq!(left, ["listener on Some(8000)"], "{operation}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_changed_logical_id_with_the_same_group_costs_no_target() -> Result<()> {
    for bucket in [None, Some("their-bucket")] {
        let stack = BindingStack::new().await?;
        let group = stack.given_group().await?;
        let mut given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
        if let Some(bucket) = bucket {
            stack.fixture.given_bucket(bucket).await?;
            given["BucketName"] = json!(bucket);
        }
        let made = stack.bind(given.clone()).await?;
        let mut create = stack.create(given.clone());
        create.event["LogicalResourceId"] = json!("Renamed");
        let view = lab::FakeStackView::new("UPDATE_IN_PROGRESS")
            .with_resource("Binding", "CREATE_COMPLETE", Some(made.id()))
            .with_resource("Renamed", "CREATE_IN_PROGRESS", None);
        stack.lab().gateway().set_stack(&stack.id, view);
        let renamed = stack.succeeds(&create).await?;
        let view = lab::FakeStackView::new("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            .with_resource("Binding", "DELETE_IN_PROGRESS", Some(made.id()))
            .with_resource("Renamed", "CREATE_COMPLETE", Some(renamed.id()));
        stack.lab().gateway().set_stack(&stack.id, view);
        stack.succeeds(&stack.delete(made.id(), given)).await?;
        assert_eq!(stack.fixture.targets(&group), stack.fixture.expected(3, 80));
        assert_eq!(stack.deregistered(), [""; 0]);
        stack.ticks(renamed.id(), 1).await?;
        assert_eq!(stack.fixture.targets(&group), stack.fixture.expected(3, 80));
    }
    Ok(())
}

/// A binding whose record somebody else can write, and a target group of theirs that it was never given.
async fn bind_with_foreign_record(stack: &BindingStack) -> Result<(String, String, Value)> {
    let number = stack.fixture.alb.name.clone();
    let group = stack
        .fixture
        .given_group(&format!("foreign-{number}"), 9000)
        .await?;
    for address in stack.fixture.alb.addresses_after(50, 2) {
        stack.fixture.register(&group, address, 80).await?;
    }
    let bucket = format!("their-bucket-{number}");
    stack.fixture.given_bucket(&bucket).await?;
    let properties = json!({ "BucketName": bucket });
    let made = stack.bind(properties.clone()).await?;
    Ok((made.id().to_owned(), group, properties))
}

/// What the forged record says of the foreign group.
const LIES: [&str; 4] = [
    "own",
    "orders",
    "orders, and the rule holds no copy",
    "leaving",
];

#[tokio::test]
async fn a_record_by_somebody_else_takes_no_target_out_of_a_group_that_was_never_named()
-> Result<()> {
    each_on_its_own_stack(LIES, async |stack, lie| {
        let (id, group, properties) = bind_with_foreign_record(stack).await?;
        let theirs = stack.fixture.targets(&group);
        assert_eq!(theirs.len(), 2);
        let bucket = properties["BucketName"].as_str().expect("a name");
        let forge = async || {
            let mut record = stack.record(bucket, &id).await?;
            let own = theirs
                .iter()
                .map(|target| (target.clone(), json!({"missed": 2})));
            record["own"][&group] = Value::Object(own.collect());
            if lie != "own" {
                let groups = record["orders"]["TargetGroups"].as_array_mut();
                let groups = groups.expect("a list");
                let mut one = groups[0].clone();
                one["arn"] = json!(group);
                groups.push(one);
            }
            if lie == "leaving" {
                record["claim"]["gives_up"] = json!([group]);
            }
            stack.writes_record(bucket, &id, record).await
        };
        // Another binding of the account was given that group.
        let role = &stack.fixture.role;
        role.lock()
            .expect("no panic")
            .given_target_groups
            .extend([group.clone()]);
        forge().await?;
        for _ in 0..4 {
            let mut event = stack.tick_event(&id).await?;
            if lie.ends_with("no copy") {
                let fields = event.as_object_mut().expect("an object");
                fields.remove("Orders").expect("a copy");
            }
            let tick = stack.fixture.function.invoke(event, TIMEOUT).await?;
            tick.success()?;
        }
        let left = stack.fixture.targets(&group);
        assert!(
            theirs.iter().all(|target| left.contains(target)),
            "{lie}: {left:?}"
        );
        forge().await?;
        stack.shows_updating(&id);
        let mut changed = properties.clone();
        changed["InvocationsBeforeDeregistration"] = json!(1);
        let update = stack.update(&id, properties.clone(), changed);
        stack.succeeds(&update).await?;
        stack.ticks(&id, 2).await?;
        forge().await?;
        stack.shows_deleting(&id);
        stack
            .succeeds(&stack.delete(&id, properties.clone()))
            .await?;
        let left = stack.fixture.targets(&group);
        assert!(
            theirs.iter().all(|target| left.contains(target)),
            "{lie}: {left:?}"
        );
        Ok(())
    })
    .await
}

/// A record also names the binding that replaces its own, and the buckets that it was in before.
#[tokio::test]
async fn a_record_by_somebody_else_takes_no_other_binding_and_no_other_object_away() -> Result<()> {
    let stacks = BindingStack::several(2).await?;
    let [stack, victim] = &stacks[..] else {
        panic!("two stacks");
    };
    let other = victim.bind(json!({})).await?;
    let (id, _, properties) = bind_with_foreign_record(stack).await?;
    let bucket = properties["BucketName"].as_str().expect("a name");
    let forge = async || {
        let mut record = stack.record(bucket, &id).await?;
        let nlb = &victim.fixture.nlb.arn;
        record["replaced"] = json!([{"nlb_arn": nlb, "done": false}]);
        record["elsewhere"] = json!([other.attribute("BucketName")]);
        stack.writes_record(bucket, &id, record).await
    };
    let untouched = async |after: &str| {
        let left = victim.fixture.leftovers(other.id()).await?;
        assert_eq!(left.len(), 4, "{after}: {left:#?}");
        victim.ticks(other.id(), 1).await?;
        let targets = victim.fixture.targets(other.attribute("TargetGroupArn"));
        assert_eq!(
            targets,
            as_targets(&victim.fixture.alb.addresses(3), 80),
            "{after}"
        );
        Ok::<_, anyhow::Error>(())
    };
    forge().await?;
    stack.shows_updating(&id);
    let mut changed = properties.clone();
    changed["InvocationsBeforeDeregistration"] = json!(5);
    stack
        .succeeds(&stack.update(&id, properties.clone(), changed))
        .await?;
    untouched("an Update").await?;
    forge().await?;
    stack.shows_deleting(&id);
    stack
        .succeeds(&stack.delete(&id, properties.clone()))
        .await?;
    untouched("a Delete").await
}
