//! From an earlier function to the custom resource, with its target group and its bucket, as docs/migrate.md says:
//! no live target leaves on the way, and addresses that are gone leave in their time.

use super::{BUCKET, LegacySetUp};
use crate::support::SentResponse;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl LegacySetUp {
    /// The binding's properties as docs/migrate.md gives them.
    fn properties(&self) -> Value {
        json!({
            "BucketName": BUCKET,
            "Listeners": [{"Port": "80", "TargetGroupArn": self.group}],
        })
    }

    async fn bind(&self) -> Result<SentResponse> {
        let made = self.fixture.create(self.properties()).await?;
        made.assert_success();
        Ok(made)
    }

    async fn ticks_of_binding(&self, made: &SentResponse, count: usize) -> Result<()> {
        for _ in 0..count {
            self.fixture.tick(made).await?.success()?;
        }
        Ok(())
    }

    /// The addresses that anybody has deregistered so far, in the order of the calls.
    fn deregistered(&self) -> Vec<String> {
        let calls = self.fixture.lab.gateway().history().into_iter();
        let calls = calls.filter(|call| call.operation == "DeregisterTargets");
        let targets = calls.flat_map(|call| call.members("Targets"));
        targets.map(|target| target["Id"].clone()).collect()
    }
}

/// The whole way: the published function, this function in its place, then a binding beside it, and in the end the
/// binding alone. Of the six addresses that the published function knew three are in DNS.
#[tokio::test]
async fn by_way_of_the_drop_in_no_target_leaves_and_what_was_known_leaves_in_time() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let known = set_up.addresses(6);
    set_up.register(6).await?;
    // Two were missing once and one twice when the code was swapped.
    set_up
        .leave_files_of_python3(
            &known[..3],
            json!({&known[3]: 1, &known[4]: 1, &known[5]: 2}),
        )
        .await?;

    set_up.ticks(1).await?;
    assert_eq!(set_up.deregistered(), known[5..]);

    // The binding takes over what this function knows by then: two of the addresses were missing twice.
    let made = set_up.bind().await?;
    assert_eq!(
        set_up.deregistered(),
        known[5..],
        "Create takes nothing away"
    );
    set_up.assert_registered(5);

    // The binding's first tick misses the two for the third time. The old rule still fires beside it.
    set_up.ticks_of_binding(&made, 1).await?;
    set_up.ticks(1).await?;
    let left: BTreeSet<_> = set_up.deregistered().into_iter().collect();
    assert_eq!(left, known[3..].iter().cloned().collect());
    set_up.assert_registered(3);

    // The old rule is deleted. The binding goes on alone, and the files are as they were.
    set_up.fixture.scale(2);
    set_up.ticks_of_binding(&made, 3).await?;
    set_up.assert_registered(2);

    // The Delete takes all targets, for they are the binding's own by now and no rollback needs them.
    let id = Some(made.id());
    set_up
        .fixture
        .shows("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", id);
    let deleted = set_up.fixture.delete(&made, set_up.properties()).await?;
    deleted.assert_success();
    assert!(set_up.targets().is_empty());
    let alb = &set_up.fixture.alb.dns_name;
    let keys = set_up.fixture.keys(BUCKET).await?;
    let record = |key: &&String| key.starts_with("alb-nlb-binding/orders/front-80/");
    assert_eq!(keys.iter().filter(record).count(), 1, "{keys:?}");
    assert!(keys.contains(&format!("{alb}/active_ip.json")), "{keys:?}");
    assert!(keys.contains(&format!("{alb}/pending_ip.json")), "{keys:?}");
    assert_eq!(keys.len(), 3, "{keys:?}");
    Ok(())
}

#[tokio::test]
async fn straight_from_the_published_function_no_target_leaves_and_what_was_known_leaves_in_time()
-> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let known = set_up.addresses(5);
    set_up.register(5).await?;
    set_up
        .leave_files_of_python3(&known[..4], json!({&known[4]: 2}))
        .await?;

    let made = set_up.bind().await?;
    assert_eq!(set_up.deregistered(), [""; 0]);
    set_up.ticks_of_binding(&made, 1).await?;
    assert_eq!(set_up.deregistered(), known[4..]);
    set_up.ticks_of_binding(&made, 1).await?;
    assert_eq!(set_up.deregistered(), known[4..]);
    set_up.ticks_of_binding(&made, 1).await?;
    set_up.assert_registered(3);
    Ok(())
}

/// That function counts misses down, and registers addresses with the target group's port.
#[tokio::test]
async fn from_hostname_as_target_no_target_leaves_and_what_was_known_leaves_in_time() -> Result<()>
{
    let set_up = LegacySetUp::new().await?;
    let known = set_up.addresses(5);
    set_up.register(5).await?;
    let alb = &set_up.fixture.alb.dns_name;
    let group = set_up.group.replace('/', "-");
    let tracked = json!({
        &known[0]: 3, &known[1]: 3, &known[2]: 3, &known[3]: 2, &known[4]: 1,
    });
    let key = format!("Tracked IP list for {alb} - {group}");
    set_up.leave_file(&key, format!("{tracked:#}")).await?;

    let made = set_up.bind().await?;
    assert_eq!(set_up.deregistered(), [""; 0]);
    set_up.ticks_of_binding(&made, 1).await?;
    assert_eq!(set_up.deregistered(), known[4..]);
    set_up.ticks_of_binding(&made, 1).await?;
    set_up.assert_registered(3);
    Ok(())
}

/// The binding takes over port 80 first, and port 443 by an Update.
#[tokio::test]
async fn a_second_target_group_moves_by_an_update() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let secure = set_up.fixture.given_group("front-443", 443).await?;
    let known = set_up.addresses(4);
    for address in set_up.fixture.alb.addresses(4) {
        set_up.fixture.register(&secure, address, 80).await?;
    }
    set_up.leave_files_of_python3(&known, json!({})).await?;
    let made = set_up.bind().await?;
    let both = json!({
        "BucketName": BUCKET,
        "Listeners": [
            {"Port": 80, "TargetGroupArn": set_up.group},
            {"Port": 80, "TargetGroupArn": secure},
        ],
    });
    set_up.fixture.update(&made, both).await?.assert_success();
    assert_eq!(set_up.deregistered(), [""; 0]);
    set_up.ticks_of_binding(&made, 2).await?;
    assert_eq!(set_up.deregistered(), [""; 0]);
    set_up.ticks_of_binding(&made, 1).await?;
    set_up.assert_registered(3);
    assert_eq!(
        set_up.fixture.targets(&secure),
        set_up.fixture.expected(3, 80)
    );
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_create_and_leaves_all_targets() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.register(5).await?;
    let key = format!("{}/active_ip.json", set_up.fixture.alb.dns_name);
    set_up.leave_file(&key, "{").await?;
    let failed = set_up.fixture.create(set_up.properties()).await?;
    failed.assert_failed(&[&key, "mend it or delete it"]);
    let deleted = set_up.fixture.delete(&failed, set_up.properties()).await?;
    deleted.assert_success();
    set_up.assert_registered(5);
    assert_eq!(set_up.fixture.keys(BUCKET).await?, [key]);
    Ok(())
}
