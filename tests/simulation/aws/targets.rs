//! ELBv2: targets. `RegisterTargets`, `DeregisterTargets` (a missing target is no error),
//! `DescribeTargetHealth`; NLB guide, "Target health status": a draining target is not registered. Also the one
//! metric of the product in CloudWatch.
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, rejected};
use crate::judge;
use crate::state::Service::{CloudWatch, Elb};
use alb_nlb_binding::aws::api::{AwsResult, Metrics, Targets};
use alb_nlb_binding::clock::Timestamp;
use alb_nlb_binding::model::{Endpoint, HealthState, Registered, TargetHealth};
use alb_nlb_binding::permit::Permit;

impl Targets for SimulatedAws {
    async fn target_health(&self, target_group: &str) -> AwsResult<Option<Vec<TargetHealth>>> {
        let wanted = target_group.to_owned();
        self.call(
            read(Elb, "DescribeTargetHealth"),
            target_group,
            move |world, process| {
                judge::observe_target_health(world, process, &wanted);
                let now = world.scheduler.now();
                let mut elb = world.elb.borrow_mut();
                let Some(group) = elb.visible(&wanted, now) else {
                    return Ok(None);
                };
                group
                    .targets
                    .retain(|_, held| held.drains_until.is_none_or(|until| until > now));
                let targets = group.targets.iter().map(|(endpoint, held)| TargetHealth {
                    endpoint: *endpoint,
                    zone: Some(held.zone.clone()),
                    state: match held.drains_until {
                        Some(_) => HealthState::Draining,
                        None => HealthState::Healthy,
                    },
                    reason: None,
                });
                Ok(Some(targets.collect()))
            },
        )
        .await
    }

    async fn register(
        &self,
        _: Permit,
        target_group: &str,
        targets: &[Endpoint],
        zone: Option<&str>,
    ) -> AwsResult<()> {
        let (wanted, zone) = (target_group.to_owned(), zone.map(str::to_owned));
        let targets = targets.to_vec();
        let resource = format!("{} in {target_group}", list(&targets));
        self.call(
            change(Elb, "RegisterTargets"),
            &resource,
            move |world, process| {
                if world
                    .elb
                    .borrow_mut()
                    .visible(&wanted, world.scheduler.now())
                    .is_none()
                {
                    return Err(rejected("RegisterTargets", &wanted, "TargetGroupNotFound"));
                }
                for endpoint in &targets {
                    judge::check_registration(world, process, &wanted, endpoint);
                    let mut elb = world.elb.borrow_mut();
                    elb.register(&wanted, *endpoint, zone.as_deref(), true);
                }
                Ok(())
            },
        )
        .await
    }

    async fn deregister(
        &self,
        _: Permit,
        target_group: &str,
        targets: &Registered,
    ) -> AwsResult<()> {
        let wanted = target_group.to_owned();
        let targets: Vec<_> = targets.keys().copied().collect();
        let resource = format!("{} in {target_group}", list(&targets));
        self.call(
            change(Elb, "DeregisterTargets"),
            &resource,
            move |world, process| {
                if world
                    .elb
                    .borrow_mut()
                    .visible(&wanted, world.scheduler.now())
                    .is_none()
                {
                    return Err(rejected(
                        "DeregisterTargets",
                        &wanted,
                        "TargetGroupNotFound",
                    ));
                }
                for endpoint in &targets {
                    if world.elb.borrow().is_registered(&wanted, endpoint) {
                        judge::check_deregistration(world, process, &wanted, endpoint);
                    }
                    let now = world.scheduler.now();
                    world.elb.borrow_mut().deregister(&wanted, endpoint, now);
                }
                Ok(())
            },
        )
        .await
    }
}

fn list(targets: &[Endpoint]) -> String {
    let targets: Vec<_> = targets.iter().map(Endpoint::to_string).collect();
    targets.join(" ")
}

impl Metrics for SimulatedAws {
    async fn put_ip_count(&self, load_balancer: &str, _: usize) -> AwsResult<()> {
        let name = load_balancer.to_owned();
        self.call(
            read(CloudWatch, "PutMetricData"),
            load_balancer,
            move |world, _| {
                let fails = world.dice.chance(world.faults.rates().metrics_fail);
                if fails {
                    return Err(rejected("PutMetricData", "it", "AccessDenied"));
                }
                let mut measured = world.measured.borrow_mut();
                measured.insert(name.clone(), world.timestamp());
                Ok(())
            },
        )
        .await
    }

    async fn last_ip_count(
        &self,
        load_balancer: &str,
        from: Timestamp,
        _: Timestamp,
    ) -> AwsResult<Option<Timestamp>> {
        let name = load_balancer.to_owned();
        self.call(
            read(CloudWatch, "GetMetricStatistics"),
            load_balancer,
            move |world, _| {
                let measured = world.measured.borrow();
                let last = measured.get(&name).copied();
                Ok(last.filter(|last| *last >= from))
            },
        )
        .await
    }
}
