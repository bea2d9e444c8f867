//! Ticks that come late, in bursts or twice, in both ways of use: what counts is the time they are scheduled for.

use super::way_of_use::WayOfUse;
use crate::support::{TIMEOUT, as_targets};
use anyhow::Result;
use lab::DnsFailure;
use std::time::{Duration, SystemTime};

fn ago(seconds: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_tick_91_seconds_late_registers_and_does_not_count() -> Result<()> {
    for way in WayOfUse::both().await? {
        let mut live = way.addresses(4);
        live.remove(2);
        way.fixture().show_in_dns(live.clone());
        for late in 91..100 {
            let tick = way.tick_at(ago(late)).await?;
            assert!(tick.mentions("too late"), "{:#?}", tick.log);
            tick.success()?;
            way.assert_registered(4);
        }
        // Ticks in time count, and the third one takes the address out.
        way.ticks(2).await?;
        way.assert_registered(4);
        way.ticks(1).await?;
        assert_eq!(way.targets(), as_targets(&live, 80));
    }
    Ok(())
}

#[tokio::test]
async fn five_ticks_held_back_a_minute_apart_and_delivered_together_count_at_most_two_misses()
-> Result<()> {
    for oldest_first in [true, false] {
        for way in WayOfUse::both().await? {
            way.fixture().scale(2);
            let last = way.next_minute();
            let mut times: Vec<_> = (0..5)
                .map(|minutes| last - Duration::from_secs(60 * minutes))
                .collect();
            if oldest_first {
                times.reverse();
            }
            for time in times {
                way.tick_at(time).await?.success()?;
            }
            way.assert_registered(3);
            way.ticks(1).await?;
            way.assert_registered(2);
        }
    }
    Ok(())
}

/// The same if Lambda gives each of them to another environment at the same time.
#[tokio::test]
async fn five_ticks_held_back_and_delivered_at_once_to_five_environments_count_at_most_two_misses()
-> Result<()> {
    for way in WayOfUse::both().await? {
        way.fixture().scale(2);
        let last = way.next_minute();
        let ticks = (0..5).map(async |minutes| {
            let event = way
                .event_at(last - Duration::from_secs(60 * minutes))
                .await?;
            let environment = way.another_environment().await?;
            environment.invoke(event, TIMEOUT).await
        });
        for tick in futures_util::future::join_all(ticks).await {
            // A tick fails when others write the record each time before it does; Lambda would try it again.
            tick?;
        }
        way.assert_registered(3);
    }
    Ok(())
}

/// EventBridge may fire twice for one scheduled time, each with an event id of its own; and Lambda
/// may deliver one event twice.
#[tokio::test]
async fn two_events_with_one_scheduled_time_count_once() -> Result<()> {
    for way in WayOfUse::both().await? {
        way.fixture().scale(2);
        let time = way.next_minute();
        let other = way.another_environment().await?;
        for _ in 0..4 {
            way.tick_at(time).await?.success()?;
            other
                .invoke(way.event_at(time).await?, TIMEOUT)
                .await?
                .success()?;
        }
        way.assert_registered(3);
        way.ticks(1).await?;
        way.assert_registered(3);
        // The earlier tick comes once more when others have counted since.
        way.tick_at(time).await?.success()?;
        way.assert_registered(3);
        way.ticks(1).await?;
        way.assert_registered(2);
    }
    Ok(())
}

/// A tick that failed for want of DNS has counted nothing, so its second try counts.
#[tokio::test]
async fn a_tick_that_failed_counts_when_lambda_tries_it_again() -> Result<()> {
    for way in WayOfUse::both().await? {
        way.fixture().scale(2);
        way.ticks(2).await?;
        let dns = way.fixture().lab.dns();
        let time = way.next_minute();
        dns.fail("orders", DnsFailure::ServFail);
        assert!(way.tick_at(time).await?.result.is_err());
        dns.fail("orders", None);
        way.tick_at(time).await?.success()?;
        way.assert_registered(2);
    }
    Ok(())
}
