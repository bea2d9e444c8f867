//! The record's bucket in the plan and in the checks.

use super::carried_out::{NOTHING, carried_out, own_bucket, steps};
use super::found::{findings, update};
use super::world::{desired, empty_account};
use crate::binding::desired::Desired;
use crate::binding::make::observed::RecordBucket;
use serde_json::json;

#[test]
fn a_changed_bucket_takes_the_record_along_and_the_stub_goes_with_the_next_update() {
    let before = desired(json!({"BucketName": "first-bucket"}));
    let mut world = empty_account(&before);
    world.bucket = RecordBucket::Given;
    let world = carried_out(&before, world);
    let after = desired(json!({"BucketName": "second-bucket"}));
    let plan = steps(&after, &world);
    let lines: Vec<_> = plan.lines().collect();
    let takes = "~ record from bucket first-bucket to bucket second-bucket";
    assert_eq!(lines.first(), Some(&takes));
    assert!(!plan.contains("stub"), "late ticks are led by it: {plan}");
    let world = carried_out(&after, world);
    let plan = steps(&after, &world);
    assert_eq!(plan.lines().last(), Some("- stub in bucket first-bucket"));
    assert_eq!(steps(&after, &carried_out(&after, world)), NOTHING);
}

#[test]
fn a_rolled_back_update_takes_the_record_back_and_keeps_the_own_buckets_stub() {
    let before = desired(json!({}));
    let world = carried_out(&before, empty_account(&before));
    let after = desired(json!({"BucketName": "second-bucket"}));
    let world = carried_out(&after, world);
    let plan = steps(&after, &world);
    assert_eq!(plan, NOTHING, "the own bucket goes with Delete");
    let plan = steps(&before, &world);
    let own = format!("{}-123456789012", before.id);
    let takes = format!("~ record from bucket second-bucket to bucket {own}");
    assert_eq!(plan.lines().next(), Some(&*takes));
}

#[test]
fn an_own_bucket_without_its_policy_gets_it_and_one_whose_policy_is_unread_does_not() {
    let desired = Desired {
        function_arn: "arn:aws-cn:lambda:cn-north-1:123456789012:function:binding".to_owned(),
        ..desired(json!({}))
    };
    let mut world = carried_out(&desired, empty_account(&desired));
    let put = std::mem::replace(own_bucket(&mut world).1, Ok(None));
    let put = put.ok().flatten().expect("a policy");
    let arn = format!("arn:aws-cn:s3:::{}", desired.own_bucket());
    assert!(put.contains(&format!("[\"{arn}\",\"{arn}/*\"]")), "{put}");
    let plan = steps(&desired, &world);
    assert!(plan.contains("no request without TLS"), "{plan}");
    assert_eq!(plan.lines().count(), 2, "{plan}");
    *own_bucket(&mut world).1 = Err("AccessDenied".to_owned());
    assert_eq!(steps(&desired, &world), NOTHING);
}

#[test]
fn a_policy_that_cannot_be_read_holds_up_only_what_does_not_stand_with_its_bucket() {
    let own = desired(json!({}));
    let given = desired(json!({"BucketName": "their-bucket"}));
    let unread = |desired: &Desired| {
        let mut world = carried_out(desired, empty_account(desired));
        world.bucket = RecordBucket::Own {
            tags: world.tags.clone(),
            policy: Err("AccessDenied".to_owned()),
        };
        world
    };
    let advice = "allow s3:GetBucketPolicy and s3:PutBucketPolicy";
    assert!(findings(&own, &unread(&own)).contains(advice));
    let (errors, warnings) = update(&own, &own, &unread(&own));
    assert_eq!(errors, None);
    assert!(warnings.contains(advice), "{warnings}");
    // The binding does not use its own bucket yet: this Update would move it there.
    let (errors, _) = update(&given, &own, &unread(&given));
    assert!(errors.expect("it is new").contains(advice));
}
