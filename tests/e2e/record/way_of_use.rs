//! Both ways of use as one: what a test of ticks does with the function of a binding, and with one in the
//! published function's place.

use super::stack::BindingStack;
use crate::legacy::LegacySetUp;
use crate::support::{Fixture, SentResponse, TIMEOUT, rule_input};
use anyhow::Result;
use lab::{Fault, FaultKind, HeldCalls, InvocationResult, RunningFunction};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::SystemTime;

/// Whose ticks they are: a binding's, or those of a function in the published one's place.
pub enum WayOfUse {
    Binding(Box<BindingStack>, Box<SentResponse>),
    DropIn(Box<LegacySetUp>),
}

impl WayOfUse {
    /// Each way of use, with three addresses in DNS that are registered.
    pub async fn both() -> Result<[Self; 2]> {
        let (stack, made) = BindingStack::bound(json!({})).await?;
        let set_up = LegacySetUp::new().await?;
        set_up.ticks(1).await?;
        Ok([
            Self::Binding(Box::new(stack), Box::new(made)),
            Self::DropIn(Box::new(set_up)),
        ])
    }

    pub fn fixture(&self) -> &Fixture {
        match self {
            Self::Binding(stack, _) => &stack.fixture,
            Self::DropIn(set_up) => &set_up.fixture,
        }
    }

    pub fn function(&self) -> &RunningFunction {
        match self {
            Self::Binding(stack, _) => &stack.fixture.function,
            Self::DropIn(set_up) => &set_up.function,
        }
    }

    pub async fn another_environment(&self) -> Result<RunningFunction> {
        match self {
            Self::Binding(stack, _) => stack.another_environment().await,
            Self::DropIn(set_up) => {
                crate::legacy::function(&set_up.fixture, &set_up.group, &[]).await
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
        self.fixture().schedule.next()
    }

    pub async fn tick_at(&self, time: SystemTime) -> Result<InvocationResult> {
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
            Self::Binding(stack, made) => stack.fixture.targets(made.attribute("TargetGroupArn")),
            Self::DropIn(set_up) => set_up.targets(),
        }
    }

    /// The targets are so many addresses of the ALB, its first ones, and nothing else.
    #[track_caller]
    pub fn assert_registered(&self, count: usize) {
        assert_eq!(self.targets(), self.fixture().expected(count, 80));
    }

    pub fn addresses(&self, count: usize) -> Vec<Ipv4Addr> {
        self.fixture().alb.addresses(count)
    }

    pub fn holds(&self, service: &str, operation: &str) -> HeldCalls {
        let hold = HeldCalls::default();
        let fault = Fault::new(service, operation, FaultKind::Hold(hold.clone()));
        let fault = fault.nth(1).by(self.function().access_key());
        self.fixture().lab.gateway().inject(fault);
        hold
    }
}
