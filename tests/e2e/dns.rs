//! DNS that is not well: caches, servers with old addresses, and failures that pass.

use crate::legacy::LegacySetUp;
use crate::support::{Fixture, SentResponse, SuccessLog as _, addresses_line, as_targets};
use anyhow::Result;
use lab::{Cache, DnsFailure, DnsServer};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The ways in which DNS fails for a while: how many answers it gives before, and how it fails then.
const PASSING: [(usize, DnsFailure); 4] = [
    (0, DnsFailure::ServFail),
    (0, DnsFailure::Silent),
    (1, DnsFailure::ServFail),
    (1, DnsFailure::Silent),
];

const FOUR_SECONDS: Duration = Duration::from_secs(4);

/// A binding of 28 addresses, whose DNS server shows another eight of them each time.
async fn bound_to_28() -> Result<(Fixture, SentResponse)> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "28");
    Ok((fixture, made))
}

/// Several DNS servers, and the property that names them.
async fn servers(fixture: &Fixture, count: usize) -> Result<(Vec<DnsServer>, Value)> {
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(fixture.lab.dns().add_server().await?);
    }
    let names: Vec<_> = servers
        .iter()
        .map(|server| server.address().to_string())
        .collect();
    Ok((servers, json!({ "DnsServers": names })))
}

fn warnings(log: &[Value]) -> Vec<String> {
    log.iter()
        .filter(|line| line["level"] == "WARN")
        .map(Value::to_string)
        .collect()
}

#[tokio::test]
async fn of_28_addresses_behind_a_cache_all_stay_and_it_is_named_once() -> Result<()> {
    let (fixture, made) = bound_to_28().await?;
    let group = made.attribute("TargetGroupArn");
    let server = fixture.lab.dns().server();
    let mut said = Vec::new();
    for says_so in [false, true] {
        // A cache forgets what it shows between two ticks, or in the middle of one.
        for (nodes, forgets_after) in [
            (1, None),
            (1, Some(0)),
            (1, Some(20)),
            (2, None),
            (4, Some(0)),
            (8, Some(0)),
        ] {
            let case = format!("{nodes} nodes, {forgets_after:?}, says so: {says_so}");
            server.set_cache(Cache { nodes, says_so });
            for tick in 1..=20 {
                if let Some(answers) = forgets_after {
                    server.forget_after(answers);
                }
                let log = fixture.tick(&made).await?.success_log()?;
                // With more nodes the cache may show all 28 addresses, and the list is certain then.
                if nodes < 4 {
                    assert_eq!(
                        addresses_line(&log)["certain"],
                        false,
                        "{case}, tick {tick}"
                    );
                }
                said.extend(warnings(&log));
            }
            assert_eq!(fixture.targets(group), fixture.expected(28, 80), "{case}");
            server.set_cache(None);
            let log = fixture.tick(&made).await?.success_log()?;
            assert_eq!(addresses_line(&log)["certain"], true, "{case}");
        }
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(&server.address().to_string()), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn in_the_published_functions_place_28_addresses_behind_a_cache_stay_as_well() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.fixture.scale(28);
    set_up.ticks(1).await?;
    set_up.fixture.lab.dns().server().set_cache(Cache {
        nodes: 1,
        says_so: false,
    });
    let mut said = Vec::new();
    for _ in 0..20 {
        let log = set_up.tick().await?.success_log()?;
        assert_eq!(addresses_line(&log)["certain"], false);
        said.extend(warnings(&log));
    }
    assert_eq!(
        set_up.fixture.targets(&set_up.group),
        set_up.fixture.expected(28, 80)
    );
    assert_eq!(said.len(), 1, "{said:?}");
    Ok(())
}

#[tokio::test]
async fn a_cache_beside_a_server_that_chooses_anew_is_named_and_the_list_is_certain() -> Result<()>
{
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let (servers, property) = servers(&fixture, 2).await?;
    let [cache, good] = &servers[..] else {
        panic!("two servers")
    };
    cache.set_cache(Cache {
        nodes: 1,
        says_so: true,
    });
    let made = fixture.create(property).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "28");
    let mut said = warnings(&made.invocation.log);
    for _ in 0..3 {
        let log = fixture.tick(&made).await?.success_log()?;
        assert_eq!(addresses_line(&log)["certain"], true);
        said.extend(warnings(&log));
    }
    said.retain(|line| line.contains("as a cache does"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(&cache.address().to_string()), "{said:?}");
    assert!(!said[0].contains(&good.address().to_string()), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn eight_addresses_are_certain_after_five_lookups_and_nothing_is_said() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(8);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    for _ in 0..3 {
        let log = fixture.tick(&made).await?.success_log()?;
        assert_eq!(addresses_line(&log)["certain"], true);
        assert_eq!(addresses_line(&log)["lookups"], 5);
        assert_eq!(warnings(&log), Vec::<String>::new());
    }
    Ok(())
}

/// Eight addresses look like a cache that shows eight of 28; only a cache shows others before long.
#[tokio::test]
async fn what_leaves_when_28_become_8_goes_when_enough_ticks_have_seen_the_same() -> Result<()> {
    let (fixture, made) = bound_to_28().await?;
    let group = made.attribute("TargetGroupArn");
    fixture.scale(8);
    fixture.ticks(&made, 31).await?;
    assert_eq!(fixture.targets(group), fixture.expected(28, 80));
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), fixture.expected(8, 80));
    Ok(())
}

#[tokio::test]
async fn what_another_load_balancer_had_leaves_by_the_usual_count_and_none_is_called_a_cache()
-> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(8);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    let (next, new) = fixture.next_alb_in_dns(8).await?;
    let updated = fixture.update(&made, json!({ "AlbArn": next.arn })).await?;
    updated.assert_success();
    let mut said = warnings(&updated.invocation.log);
    for tick in 1..=3 {
        assert_eq!(fixture.targets(group).len(), 16, "before tick {tick}");
        let log = fixture.tick(&made).await?.success_log()?;
        assert_eq!(addresses_line(&log)["lookups"], 5, "tick {tick}");
        assert_eq!(addresses_line(&log)["certain"], true, "tick {tick}");
        said.extend(warnings(&log));
    }
    assert_eq!(fixture.targets(group), as_targets(&new, 80));
    said.retain(|line| line.contains("as a cache does"));
    assert_eq!(said, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_stale_server_costs_no_target_where_one_missed_tick_is_enough() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(7);
    let (servers, mut property) = servers(&fixture, 2).await?;
    property["InvocationsBeforeDeregistration"] = json!(1);
    let made = fixture.create(property).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    servers[0].set_stale(fixture.alb.addresses(5));
    for tick in 1..=6 {
        fixture.tick(&made).await?.success()?;
        assert_eq!(
            fixture.targets(group),
            fixture.expected(7, 80),
            "tick {tick}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_stale_server_among_four_costs_no_target_and_hides_no_new_one_for_long() -> Result<()> {
    for (old, new) in [(5, 28), (6, 7), (28, 28)] {
        let fixture = Fixture::new().await?;
        // Of the addresses of the ALB the newest one is the last.
        let live: Vec<Ipv4Addr> = fixture.alb.addresses(29).split_off(29 - new);
        let former = fixture.alb.addresses(28).split_off(28 - old.min(new));
        fixture.show_in_dns(former.clone());
        let (servers, property) = servers(&fixture, 4).await?;
        let made = fixture.create(property).await?;
        made.assert_success();
        let group = made.attribute("TargetGroupArn");
        servers[1].set_stale(former);
        fixture.show_in_dns(live.clone());
        fixture.ticks(&made, 2).await?;
        let is_registered = |address: &Ipv4Addr| {
            let targets = fixture.targets(group);
            as_targets(&[*address], 80)
                .iter()
                .all(|target| targets.contains(target))
        };
        assert!(live.iter().all(is_registered), "{old} of {new}");
        for _ in 0..10 {
            fixture.tick(&made).await?;
            assert!(live.iter().all(is_registered), "{old} of {new}");
        }
        for server in &servers {
            assert!(server.queries("orders") > 0, "each is asked");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_create_waits_while_dns_fails_for_four_seconds() -> Result<()> {
    for (answers, failure) in PASSING {
        let fixture = Fixture::new().await?;
        fixture.scale(28);
        let dns = fixture.lab.dns();
        dns.fail_for("orders", answers, failure, FOUR_SECONDS);
        let made = fixture.create(json!({})).await?;
        made.assert_success();
        let case = format!("{failure:?} after {answers} answers");
        assert_eq!(made.attribute("IpCount"), "28", "{case}");
        let targets = fixture.targets(made.attribute("TargetGroupArn"));
        assert_eq!(targets, fixture.expected(28, 80), "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn an_update_does_not_settle_for_what_a_cache_shows_where_that_passes() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    let dns = fixture.lab.dns();
    dns.server().set_cache(Cache {
        nodes: 1,
        says_so: true,
    });
    let before = dns.queries("orders");
    let passes = async {
        // These are the lookups of one look at DNS, and more: the function looks again.
        while dns.queries("orders") <= before + 50 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        dns.server().set_cache(None);
        std::future::pending().await
    };
    let two = json!({"Listeners": [{"Port": 80}, {"Port": 81, "AlbPort": 80}]});
    let updated = tokio::select! {
        updated = fixture.update(&made, two) => updated?,
        never = passes => never,
    };
    updated.assert_success();
    for group in updated.target_groups() {
        assert_eq!(fixture.targets(group), fixture.expected(28, 80));
    }
    Ok(())
}

#[tokio::test]
async fn a_create_takes_what_a_cache_shows_where_there_is_nothing_else() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    fixture.lab.dns().server().set_cache(Cache {
        nodes: 1,
        says_so: true,
    });
    let made = fixture.create(json!({})).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "8");
    Ok(())
}

#[tokio::test]
async fn a_delete_that_has_lost_its_record_waits_for_dns_and_leaves_none_of_its_targets()
-> Result<()> {
    for (answers, failure) in PASSING {
        let fixture = Fixture::new().await?;
        fixture.scale(28);
        let theirs = fixture.given_group("theirs", 8000).await?;
        let listeners = json!({"Listeners": [{"Port": 80, "TargetGroupArn": theirs}]});
        let made = fixture.create(listeners.clone()).await?;
        made.assert_success();
        let key = format!("{}/state.json", made.id());
        let bucket = made.attribute("BucketName");
        let lost = fixture.s3().delete_object().bucket(bucket).key(key);
        lost.send().await?;
        let dns = fixture.lab.dns();
        dns.fail_for("orders", answers, failure, FOUR_SECONDS);
        fixture.delete(&made, listeners).await?.assert_success();
        let case = format!("{failure:?} after {answers} answers");
        assert_eq!(fixture.targets(&theirs), Vec::<String>::new(), "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn a_delete_that_has_lost_its_record_looks_again_where_its_lookups_are_few() -> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(28);
    let theirs = fixture.given_group("theirs", 8000).await?;
    let properties = json!({
        "Listeners": [{"Port": 80, "TargetGroupArn": theirs}],
        "MaxLookupsPerInvocation": 8,
    });
    let made = fixture.create(properties.clone()).await?;
    made.assert_success();
    fixture.ticks(&made, 10).await?;
    assert_eq!(fixture.targets(&theirs), fixture.expected(28, 80));
    let key = format!("{}/state.json", made.id());
    let bucket = made.attribute("BucketName");
    let lost = fixture.s3().delete_object().bucket(bucket).key(key);
    lost.send().await?;
    fixture.delete(&made, properties).await?.assert_success();
    assert_eq!(fixture.targets(&theirs), Vec::<String>::new());
    Ok(())
}
