//! Ticks that overlap each other or are killed, in both ways of use.

use super::request::killed_at;
use super::way_of_use::WayOfUse;
use crate::support::{ELB, Fixture, TIMEOUT, binary};
use anyhow::Result;
use lab::{Fault, FaultKind};
use std::time::Duration;

/// A tick has decided that an address leaves, and is held before it writes that. Meanwhile the address comes
/// back, and another tick writes the record.
#[tokio::test]
async fn a_tick_whose_record_another_has_written_looks_at_dns_anew_before_it_decides() -> Result<()>
{
    for way in WayOfUse::both().await? {
        let fixture = way.fixture();
        fixture.scale(2);
        way.ticks(2).await?;
        let other = way.another_environment().await?;
        let (first, second) = (way.next_minute(), way.next_minute());
        let (first, second) = (way.event_at(first).await?, way.event_at(second).await?);
        let hold = way.holds("s3", "PutObject");
        let meanwhile = async {
            hold.arrived(1).await;
            fixture.show_in_dns(way.addresses(4));
            other.invoke(second, TIMEOUT).await?.success()?;
            hold.release();
            Ok::<_, anyhow::Error>(())
        };
        let (held, meanwhile) = tokio::join!(way.function().invoke(first, TIMEOUT), meanwhile);
        meanwhile?;
        held?.success()?;
        way.assert_registered(4);
        let gateway = fixture.lab.gateway();
        let gone = gateway.calls_of(ELB, "DeregisterTargets");
        assert!(gone.is_empty(), "{gone:#?}");
    }
    Ok(())
}

/// The tick has written that an address leaves, and is killed at the call that takes it out.
#[tokio::test]
async fn a_tick_that_was_killed_before_it_deregistered_is_made_good() -> Result<()> {
    for is_carried_out in [true, false] {
        for way in WayOfUse::both().await? {
            way.fixture().scale(2);
            way.ticks(2).await?;
            let event = way.event_at(way.next_minute()).await?;
            let hold = way.holds(ELB, "DeregisterTargets");
            if !is_carried_out {
                let fault = Fault::new(ELB, "DeregisterTargets", FaultKind::CutOff);
                let fault = fault.nth(1).by(way.function().access_key());
                way.fixture().lab.gateway().inject(fault);
            }
            killed_at(&hold, way.another_environment().await?, &event).await?;
            way.function().invoke(event, TIMEOUT).await?.success()?;
            assert_eq!(
                way.targets(),
                way.fixture().expected(2, 80),
                "{is_carried_out}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_address_that_comes_back_while_it_is_put_out_serves_in_the_end() -> Result<()> {
    let [binding, _] = WayOfUse::both().await?;
    let fixture = binding.fixture();
    fixture.scale(2);
    binding.ticks(2).await?;
    let event = binding.event_at(binding.next_minute()).await?;
    let next = binding.event_at(binding.next_minute()).await?;
    // The call is held until the next tick has looked at DNS, and is carried out then.
    let hold = binding.holds(ELB, "DeregisterTargets");
    let slow = fixture.lab.function_with(binary(), &[]).await?;
    let back = async {
        hold.arrived(1).await;
        fixture.scale(3);
        let other = binding.another_environment().await?;
        let release = async {
            wait_for_dns_query(fixture).await;
            hold.release();
        };
        let (next, ()) = tokio::join!(other.invoke(next, TIMEOUT), release);
        next?.success()
    };
    let (slow, back) = tokio::join!(slow.invoke(event, TIMEOUT), back);
    slow?;
    back?;
    binding.assert_registered(3);
    Ok(())
}

/// Waits until DNS is asked once more.
async fn wait_for_dns_query(fixture: &Fixture) {
    let before = fixture.lab.dns().queries("orders");
    while fixture.lab.dns().queries("orders") == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
