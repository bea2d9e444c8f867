//! Ticks that come late, in bursts or twice, in both ways of use: each belongs to its minute.

use super::ago;
use super::ticks::Ticking;
use crate::support::{TIMEOUT, expected};
use anyhow::Result;
use lab::DnsFailure;
use std::time::Duration;

#[tokio::test]
async fn a_tick_91_seconds_late_registers_and_does_not_count() -> Result<()> {
    for ticking in Ticking::both().await? {
        let mut live = ticking.addresses(4);
        live.remove(2);
        ticking.bench().see(live.clone());
        for late in 91..100 {
            let tick = ticking.tick_at(ago(late)).await?;
            assert!(tick.mentions("too late"), "{:#?}", tick.log);
            tick.success()?;
            assert_eq!(ticking.targets(), ticking.bench().expected(4, 80));
        }
        // In time it counts, and the third one takes it out.
        ticking.ticks(2).await?;
        assert_eq!(ticking.targets(), ticking.bench().expected(4, 80));
        ticking.ticks(1).await?;
        assert_eq!(ticking.targets(), expected(&live, 80));
    }
    Ok(())
}

#[tokio::test]
async fn five_ticks_held_back_a_minute_apart_and_delivered_together_count_at_most_two_misses()
-> Result<()> {
    for oldest_first in [true, false] {
        for ticking in Ticking::both().await? {
            ticking.bench().scale(2);
            let last = ticking.next_minute();
            let mut times: Vec<_> = (0..5)
                .map(|minutes| last - Duration::from_secs(60 * minutes))
                .collect();
            if oldest_first {
                times.reverse();
            }
            for time in times {
                ticking.tick_at(time).await?.success()?;
            }
            assert_eq!(ticking.targets(), ticking.bench().expected(3, 80));
            ticking.ticks(1).await?;
            assert_eq!(ticking.targets(), ticking.bench().expected(2, 80));
        }
    }
    Ok(())
}

/// The same where Lambda hands them to as many environments at once.
#[tokio::test]
async fn five_ticks_held_back_and_delivered_at_once_to_five_environments_count_at_most_two_misses()
-> Result<()> {
    for ticking in Ticking::both().await? {
        ticking.bench().scale(2);
        let last = ticking.next_minute();
        let ticks = (0..5).map(async |minutes| {
            let event = ticking
                .event_at(last - Duration::from_secs(60 * minutes))
                .await?;
            let environment = ticking.environment().await?;
            environment.invoke(event, TIMEOUT).await
        });
        for tick in futures_util::future::join_all(ticks).await {
            // One that was written over again and again fails, and Lambda tries it again.
            tick?;
        }
        assert_eq!(ticking.targets(), ticking.bench().expected(3, 80));
    }
    Ok(())
}

/// EventBridge may fire twice for one scheduled time, each with an event id of its own; and Lambda
/// may deliver one event twice.
#[tokio::test]
async fn two_events_with_one_scheduled_time_count_once() -> Result<()> {
    for ticking in Ticking::both().await? {
        ticking.bench().scale(2);
        let time = ticking.next_minute();
        let other = ticking.environment().await?;
        for _ in 0..4 {
            ticking.tick_at(time).await?.success()?;
            other
                .invoke(ticking.event_at(time).await?, TIMEOUT)
                .await?
                .success()?;
        }
        assert_eq!(ticking.targets(), ticking.bench().expected(3, 80));
        ticking.ticks(1).await?;
        assert_eq!(ticking.targets(), ticking.bench().expected(3, 80));
        // A tick of before, once more, when others have counted since.
        ticking.tick_at(time).await?.success()?;
        assert_eq!(ticking.targets(), ticking.bench().expected(3, 80));
        ticking.ticks(1).await?;
        assert_eq!(ticking.targets(), ticking.bench().expected(2, 80));
    }
    Ok(())
}

/// A tick that DNS has failed at has counted nothing, so that its second try may count.
#[tokio::test]
async fn a_tick_that_failed_counts_when_lambda_tries_it_again() -> Result<()> {
    for ticking in Ticking::both().await? {
        ticking.bench().scale(2);
        ticking.ticks(2).await?;
        let dns = ticking.bench().lab.dns();
        let time = ticking.next_minute();
        dns.fail("orders", DnsFailure::ServFail);
        assert!(ticking.tick_at(time).await?.result.is_err());
        dns.fail("orders", None);
        ticking.tick_at(time).await?.success()?;
        assert_eq!(ticking.targets(), ticking.bench().expected(2, 80));
    }
    Ok(())
}
