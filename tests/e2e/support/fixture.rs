//! One lab with an ALB, an NLB and the function.

use super::constants::binary;
use super::privileges;
use super::schedule::ScheduledTimes;
use anyhow::Result;
use lab::policy::Role;
use lab::{Alb, AlbAndNlb, AlbSpec, Lab, Nlb, NlbSpec, RunningFunction};
use std::net::Ipv4Addr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

pub struct Fixture {
    pub lab: Arc<Lab>,
    pub function: RunningFunction,
    pub alb: Alb,
    pub nlb: Nlb,
    /// The number of the next request.
    pub(super) next_request: AtomicUsize,
    pub schedule: ScheduledTimes,
    /// The function's role, deployed for the buckets and target groups that properties have named so far.
    pub role: Mutex<Role>,
}

impl Fixture {
    /// An internal ALB named `orders` with one address in DNS, and an NLB, in two zones.
    pub async fn new() -> Result<Self> {
        Self::with(AlbSpec::new("orders"), NlbSpec::new("front")).await
    }

    pub async fn with(alb: AlbSpec, nlb: NlbSpec) -> Result<Self> {
        let lab = Lab::start().await?;
        let function = lab.function(binary()).await?;
        let load_balancers = lab.load_balancers(&alb, &nlb).await?;
        Ok(Self::on(Arc::new(lab), function, load_balancers))
    }

    /// One of several on the same lab.
    pub fn on(lab: Arc<Lab>, function: RunningFunction, load_balancers: AlbAndNlb) -> Self {
        let AlbAndNlb { alb, nlb } = load_balancers;
        lab.dns().set(&alb.name, alb.addresses(1));
        Self {
            lab,
            function,
            alb,
            nlb,
            next_request: AtomicUsize::new(1),
            schedule: ScheduledTimes::default(),
            role: Mutex::default(),
        }
    }

    /// Sets how many addresses the ALB has in DNS.
    pub fn scale(&self, count: usize) {
        self.show_in_dns(self.alb.addresses(count));
    }

    /// Sets which addresses the ALB has in DNS.
    pub fn show_in_dns(&self, addresses: Vec<Ipv4Addr>) {
        self.lab.dns().set(&self.alb.name, addresses);
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.lab.aws())
    }

    pub fn elb(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        aws_sdk_elasticloadbalancingv2::Client::new(&self.lab.aws())
    }
}

/// Every test also tests the role: it must allow what the function called.
impl Drop for Fixture {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let role = self.role.lock().expect("no panic");
            privileges::assert_allowed(&self.lab, self.function.access_key(), &role);
        }
    }
}
