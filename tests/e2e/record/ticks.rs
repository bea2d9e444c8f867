//! Ticks that overlap each other or are killed, in both ways of use.

use super::Stack;
use crate::published::SetUp;
use crate::support::{Answer, Bench, TIMEOUT, binary, rule_input};
use anyhow::Result;
use lab::{Fault, Function, HeldCalls, Invocation, What};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

/// Whose ticks they are: a binding's, or those of a function in the published one's place.
pub enum Ticking {
    Binding(Box<Stack>, Box<Answer>),
    DropIn(Box<SetUp>),
}

impl Ticking {
    /// Each way of use, with three addresses in DNS that are registered.
    pub async fn both() -> Result<[Self; 2]> {
        let (stack, made) = Stack::bound(json!({})).await?;
        let set_up = SetUp::new().await?;
        set_up.ticks(1).await?;
        Ok([
            Self::Binding(Box::new(stack), Box::new(made)),
            Self::DropIn(Box::new(set_up)),
        ])
    }

    pub fn bench(&self) -> &Bench {
        match self {
            Self::Binding(stack, _) => &stack.bench,
            Self::DropIn(set_up) => &set_up.bench,
        }
    }

    pub fn function(&self) -> &Function {
        match self {
            Self::Binding(stack, _) => &stack.bench.function,
            Self::DropIn(set_up) => &set_up.function,
        }
    }

    pub async fn environment(&self) -> Result<Function> {
        match self {
            Self::Binding(stack, _) => stack.environment().await,
            Self::DropIn(set_up) => {
                crate::published::function(&set_up.bench, &set_up.group, &[]).await
            }
        }
    }

    pub async fn event_at(&self, time: SystemTime) -> Result<Value> {
        match self {
            Self::Binding(stack, made) => rule_input(stack.lab(), made.id(), time).await,
            Self::DropIn(set_up) => set_up.event_at(time),
        }
    }

    pub fn next_minute(&self) -> SystemTime {
        self.bench().minutes.next()
    }

    pub async fn tick_at(&self, time: SystemTime) -> Result<Invocation> {
        let event = self.event_at(time).await?;
        self.function().invoke(event, TIMEOUT).await
    }

    pub async fn ticks(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.tick_at(self.next_minute()).await?.success()?;
        }
        Ok(())
    }

    pub fn targets(&self) -> Vec<String> {
        match self {
            Self::Binding(stack, made) => stack.bench.targets(made.attribute("TargetGroupArn")),
            Self::DropIn(set_up) => set_up.targets(),
        }
    }

    pub fn addresses(&self, count: usize) -> Vec<Ipv4Addr> {
        self.bench().pair.alb.addresses(count)
    }

    pub fn holds(&self, service: &str, operation: &str) -> HeldCalls {
        let hold = HeldCalls::default();
        let fault = Fault::new(service, operation, What::Hold(hold.clone()));
        let fault = fault.nth(1).by(self.function().access_key());
        self.bench().lab.gateway().inject(fault);
        hold
    }
}

/// A tick has decided that an address leaves, and is about to write that. Meanwhile the address
/// comes back, and another tick has written the record.
#[tokio::test]
async fn a_tick_whose_record_another_has_written_looks_at_dns_anew_before_it_decides() -> Result<()>
{
    for ticking in Ticking::both().await? {
        let bench = ticking.bench();
        bench.scale(2);
        ticking.ticks(2).await?;
        let other = ticking.environment().await?;
        let (first, second) = (ticking.next_minute(), ticking.next_minute());
        let (first, second) = (
            ticking.event_at(first).await?,
            ticking.event_at(second).await?,
        );
        let hold = ticking.holds("s3", "PutObject");
        let meanwhile = async {
            hold.arrived(1).await;
            bench.see(ticking.addresses(4));
            other.invoke(second, TIMEOUT).await?.success()?;
            hold.release();
            Ok::<_, anyhow::Error>(())
        };
        let (held, meanwhile) = tokio::join!(ticking.function().invoke(first, TIMEOUT), meanwhile);
        meanwhile?;
        held?.success()?;
        assert_eq!(ticking.targets(), bench.expected(4, 80));
        let gateway = bench.lab.gateway();
        let gone = gateway.calls_of("elasticloadbalancing", "DeregisterTargets");
        assert!(gone.is_empty(), "{gone:#?}");
    }
    Ok(())
}

/// It was killed when the record said that an address leaves, and before the address left.
#[tokio::test]
async fn a_tick_that_was_killed_before_it_deregistered_is_made_good() -> Result<()> {
    for is_done in [true, false] {
        for ticking in Ticking::both().await? {
            ticking.bench().scale(2);
            ticking.ticks(2).await?;
            let event = ticking.event_at(ticking.next_minute()).await?;
            let hold = ticking.holds("elasticloadbalancing", "DeregisterTargets");
            if !is_done {
                let fault = Fault::new("elasticloadbalancing", "DeregisterTargets", What::CutOff);
                let fault = fault.nth(1).by(ticking.function().access_key());
                ticking.bench().lab.gateway().inject(fault);
            }
            super::killed_at(&hold, ticking.environment().await?, &event).await?;
            hold.release();
            ticking.function().invoke(event, TIMEOUT).await?.success()?;
            assert_eq!(
                ticking.targets(),
                ticking.bench().expected(2, 80),
                "{is_done}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_address_that_comes_back_while_it_is_put_out_serves_in_the_end() -> Result<()> {
    let [binding, _] = Ticking::both().await?;
    let bench = binding.bench();
    bench.scale(2);
    binding.ticks(2).await?;
    let event = binding.event_at(binding.next_minute()).await?;
    let next = binding.event_at(binding.next_minute()).await?;
    // Its call takes as long as a call may, and is carried out when nobody waits for it any more.
    let hold = binding.holds("elasticloadbalancing", "DeregisterTargets");
    let slow = bench.lab.function_with(binary(), &[]).await?;
    let back = async {
        hold.arrived(1).await;
        bench.scale(3);
        let other = binding.environment().await?;
        let release = async {
            binding_asked(bench).await;
            hold.release();
        };
        let (next, ()) = tokio::join!(other.invoke(next, TIMEOUT), release);
        next?.success()
    };
    let (slow, back) = tokio::join!(slow.invoke(event, TIMEOUT), back);
    slow?;
    back?;
    assert_eq!(binding.targets(), bench.expected(3, 80));
    Ok(())
}

/// Waits until a tick has asked DNS once more.
async fn binding_asked(bench: &Bench) {
    let before = bench.lab.dns().queries("orders");
    while bench.lab.dns().queries("orders") == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
