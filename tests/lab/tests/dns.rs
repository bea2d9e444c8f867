//! The DNS of load balancers.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup_ip::LookupIp;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use lab::{Cache, DnsFailure, Lab};
use tokio::sync::OnceCell;

static LAB: OnceCell<Lab> = OnceCell::const_new();

async fn lab() -> &'static Lab {
    LAB.get_or_try_init(Lab::start).await.expect("a lab")
}

fn resolver(server: SocketAddr, tcp: bool, patience: Duration) -> Result<TokioResolver> {
    let mut connection = if tcp {
        ConnectionConfig::tcp()
    } else {
        ConnectionConfig::udp()
    };
    connection.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![connection]);
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    options.attempts = 0;
    options.timeout = patience;
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    Ok(
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?,
    )
}

async fn look_up(server: SocketAddr, tcp: bool, name: &str) -> Result<LookupIp, NetError> {
    look_up_within(Duration::from_secs(60), server, tcp, name).await
}

async fn look_up_within(
    patience: Duration,
    server: SocketAddr,
    tcp: bool,
    name: &str,
) -> Result<LookupIp, NetError> {
    let resolver = resolver(server, tcp, patience).expect("a resolver");
    let name = format!("{name}-1a2b3c4d.us-east-1.elb.amazonaws.com.");
    resolver.lookup_ip(name).await
}

fn pool(count: u8) -> Vec<Ipv4Addr> {
    (1..=count)
        .map(|host| Ipv4Addr::new(10, 0, 0, host))
        .collect()
}

#[tokio::test]
async fn an_answer_holds_eight_random_addresses_at_most_over_udp_and_tcp() -> Result<()> {
    let lab = lab().await;
    lab.dns().set("large", pool(28));
    let server = lab.dns().server();
    for tcp in [false, true] {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let answer: Vec<IpAddr> = look_up(server.address(), tcp, "large")
                .await?
                .iter()
                .collect();
            assert_eq!(answer.iter().collect::<HashSet<_>>().len(), 8);
            seen.extend(answer);
        }
        // A hundred answers miss one of the addresses less than once in ten million runs.
        assert_eq!(seen.len(), 28);
    }
    assert_eq!(lab.dns().queries("large"), 200);
    assert_eq!(server.queries("large"), 200);
    Ok(())
}

#[tokio::test]
async fn a_pool_of_eight_or_fewer_is_answered_whole() -> Result<()> {
    let lab = lab().await;
    let server = lab.dns().server().address();
    for count in [1, 8] {
        lab.dns().set("small", pool(count));
        let mut answer: Vec<IpAddr> = look_up(server, false, "small").await?.iter().collect();
        answer.sort();
        assert_eq!(
            answer,
            pool(count).into_iter().map(IpAddr::V4).collect::<Vec<_>>()
        );
    }
    Ok(())
}

#[tokio::test]
async fn lookups_fail_on_demand_and_work_again() -> Result<()> {
    let lab = lab().await;
    let server = lab.dns().server().address();
    lab.dns().set("failing", pool(3));
    for failure in [
        DnsFailure::ServFail,
        DnsFailure::Refused,
        DnsFailure::NxDomain,
        DnsFailure::NoAddresses,
    ] {
        lab.dns().fail("failing", failure);
        assert!(
            look_up(server, false, "failing").await.is_err(),
            "{failure:?}"
        );
    }
    lab.dns().fail("failing", DnsFailure::Silent);
    let patience = Duration::from_millis(200);
    assert!(
        look_up_within(patience, server, false, "failing")
            .await
            .is_err()
    );
    lab.dns().fail("failing", None);
    assert_eq!(look_up(server, false, "failing").await?.iter().count(), 3);
    assert!(look_up(server, false, "unknown").await.is_err());
    Ok(())
}

#[tokio::test]
async fn one_server_among_several_fails_alone() -> Result<()> {
    let lab = lab().await;
    lab.dns().set("shared", pool(3));
    let bad = lab.dns().add_server().await?;
    bad.fail(DnsFailure::Refused);
    assert!(look_up(bad.address(), false, "shared").await.is_err());
    assert_eq!(
        look_up(lab.dns().server().address(), false, "shared")
            .await?
            .iter()
            .count(),
        3
    );
    assert_eq!((bad.queries("shared"), lab.dns().queries("shared")), (1, 2));
    Ok(())
}

#[tokio::test]
async fn every_answer_takes_the_set_time_at_least() -> Result<()> {
    let lab = Lab::start().await?;
    let delay = Duration::from_millis(100);
    lab.dns().set("slow", pool(3));
    lab.dns().set_delay(delay);
    look_up(lab.dns().server().address(), true, "slow").await?;
    let times = lab.dns().times();
    assert!(!times.is_empty());
    assert!(times.iter().all(|took| *took >= delay), "{times:?}");
    Ok(())
}

/// The answers to so many lookups, each of them sorted.
async fn answers(server: SocketAddr, name: &str, count: usize) -> Result<Vec<Vec<IpAddr>>> {
    let mut answers = Vec::new();
    for _ in 0..count {
        let mut answer: Vec<_> = look_up(server, false, name).await?.iter().collect();
        answer.sort();
        answers.push(answer);
    }
    Ok(answers)
}

fn distinct(answers: &[Vec<IpAddr>]) -> usize {
    answers.iter().collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn a_cache_repeats_its_answer_until_it_forgets_it() -> Result<()> {
    let lab = Lab::start().await?;
    lab.dns().set("cached", pool(28));
    let cache = lab.dns().add_server().await?;
    let nodes = |nodes| Cache {
        nodes,
        says_so: false,
    };
    cache.set_cache(nodes(1));
    let first = answers(cache.address(), "cached", 10).await?;
    assert_eq!(distinct(&first), 1);
    cache.forget_after(4);
    let second = answers(cache.address(), "cached", 10).await?;
    assert_eq!(distinct(&second), 2);
    assert_eq!(second[3], first[0]);
    assert_ne!(second[4], first[0]);
    assert_eq!(second[4], second[9]);
    cache.set_cache(nodes(4));
    let many = distinct(&answers(cache.address(), "cached", 50).await?);
    assert!((2..=4).contains(&many), "{many}");
    cache.set_cache(None);
    assert!(distinct(&answers(cache.address(), "cached", 10).await?) > 4);
    Ok(())
}

#[tokio::test]
async fn another_name_has_addresses_or_is_an_alias_and_a_cache_keeps_both() -> Result<()> {
    let lab = Lab::start().await?;
    let (dns, server) = (lab.dns(), lab.dns().server());
    let [first, second] = ["db-1", "db-2"].map(|host| format!("{host}.rds.example.com"));
    dns.set(&first, pool(1));
    dns.set(&second, pool(9).split_off(8));
    let resolver = resolver(server.address(), false, Duration::from_secs(60))?;
    let look_up = async || {
        let found = resolver.lookup_ip("db.rds.example.com.").await?;
        Ok::<_, NetError>(found.iter().collect::<Vec<_>>())
    };
    assert!(look_up().await.is_err());
    dns.set_alias("db.rds.example.com", &first);
    assert_eq!(look_up().await?, [Ipv4Addr::new(10, 0, 0, 1)]);
    server.set_cache(Cache {
        nodes: 1,
        says_so: true,
    });
    for (shown, of) in [(1, &first), (1, &second), (9, &second)] {
        dns.set_alias("db.rds.example.com", of);
        if shown == 9 {
            server.forget_after(0);
        }
        assert_eq!(look_up().await?, [Ipv4Addr::new(10, 0, 0, shown)]);
    }
    dns.set("large", pool(28));
    dns.set_alias(
        "db.rds.example.com",
        "large-1a2b3c4d.us-east-1.elb.amazonaws.com",
    );
    server.set_cache(None);
    assert_eq!(look_up().await?.len(), 8);
    Ok(())
}

#[tokio::test]
async fn a_stale_server_shows_its_own_addresses_and_the_others_what_there_is() -> Result<()> {
    let lab = Lab::start().await?;
    lab.dns().set("moved", pool(7));
    let stale = lab.dns().add_server().await?;
    stale.set_stale(pool(5));
    let good = lab.dns().server();
    assert_eq!(answers(stale.address(), "moved", 1).await?[0].len(), 5);
    assert_eq!(answers(good.address(), "moved", 1).await?[0].len(), 7);
    stale.set_stale(None);
    assert_eq!(answers(stale.address(), "moved", 1).await?[0].len(), 7);
    Ok(())
}

#[tokio::test]
async fn a_failure_passes_after_its_time_from_the_first_lookup_on_that_meets_it() -> Result<()> {
    let lab = Lab::start().await?;
    let server = lab.dns().server().address();
    lab.dns().set("passing", pool(3));
    let lasts = Duration::from_millis(300);
    lab.dns().fail_for("passing", 1, DnsFailure::Refused, lasts);
    assert!(look_up(server, true, "passing").await.is_ok());
    let began = std::time::Instant::now();
    assert!(look_up(server, true, "passing").await.is_err());
    while look_up(server, true, "passing").await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() >= lasts);
    Ok(())
}
