//! ELBv2: load balancers, listeners and tags. ELBv2 API, `CreateListener` (idempotent for the same
//! settings, else DuplicateListener).
//!
//! Decides nothing about right and wrong: it calls the judge before it makes a change.

use super::call::{SimulatedAws, change, read, rejected};
use crate::judge;
use crate::state::Service::Elb;
use alb_nlb_binding::aws::api::{AwsResult, ElbTags, Listeners, LoadBalancers};
use alb_nlb_binding::model::{Attributes, Listener, LoadBalancer, TCP_IDLE_TIMEOUT, Tags};
use alb_nlb_binding::permit::Permit;
use std::collections::BTreeMap;

impl LoadBalancers for SimulatedAws {
    async fn load_balancers(&self, arns: &[String]) -> AwsResult<Vec<LoadBalancer>> {
        let (asked, wanted) = (arns.join(", "), arns.to_vec());
        self.call(
            read(Elb, "DescribeLoadBalancers"),
            &asked,
            move |world, _| {
                let elb = world.elb.borrow();
                let found = wanted.iter().filter_map(|arn| elb.load_balancers.get(arn));
                Ok(found
                    .map(|(load_balancer, _)| load_balancer.clone())
                    .collect())
            },
        )
        .await
    }

    async fn load_balancer_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let wanted = arn.to_owned();
        self.call(
            read(Elb, "DescribeLoadBalancerAttributes"),
            arn,
            move |world, _| {
                let elb = world.elb.borrow();
                let found = elb.load_balancers.get(&wanted);
                let gone = || {
                    rejected(
                        "DescribeLoadBalancerAttributes",
                        &wanted,
                        "LoadBalancerNotFound",
                    )
                };
                found
                    .map(|(_, attributes)| attributes.clone())
                    .ok_or_else(gone)
            },
        )
        .await
    }
}

impl Listeners for SimulatedAws {
    async fn listeners(&self, load_balancer: &str) -> AwsResult<Vec<Listener>> {
        let on = load_balancer.to_owned();
        self.call(
            read(Elb, "DescribeListeners"),
            load_balancer,
            move |world, _| {
                let elb = world.elb.borrow();
                let listeners = elb
                    .listeners
                    .values()
                    .filter(|held| held.load_balancer == on);
                Ok(listeners.map(|held| held.listener.clone()).collect())
            },
        )
        .await
    }

    async fn listener_attributes(&self, arn: &str) -> AwsResult<Attributes> {
        let wanted = arn.to_owned();
        self.call(
            read(Elb, "DescribeListenerAttributes"),
            arn,
            move |world, _| {
                let gone = || rejected("DescribeListenerAttributes", &wanted, "ListenerNotFound");
                let elb = world.elb.borrow();
                let found = elb.listeners.get(&wanted);
                found.map(|held| held.attributes.clone()).ok_or_else(gone)
            },
        )
        .await
    }

    async fn set_idle_timeout(&self, _: Permit, arn: &str, seconds: u32) -> AwsResult<()> {
        let wanted = arn.to_owned();
        self.call(
            change(Elb, "ModifyListenerAttributes"),
            arn,
            move |world, process| {
                judge::require_own_listener(world, process, &wanted);
                let mut elb = world.elb.borrow_mut();
                let gone = || rejected("ModifyListenerAttributes", &wanted, "ListenerNotFound");
                let held = elb.listeners.get_mut(&wanted).ok_or_else(gone)?;
                let key = TCP_IDLE_TIMEOUT.to_owned();
                held.attributes.insert(key, seconds.to_string());
                Ok(())
            },
        )
        .await
    }

    async fn create_listener(
        &self,
        _: Permit,
        load_balancer: &str,
        port: u16,
        target_group: &str,
        tags: &Tags,
    ) -> AwsResult<String> {
        let (on, to, tags) = (
            load_balancer.to_owned(),
            target_group.to_owned(),
            tags.clone(),
        );
        let resource = format!("{port} of {load_balancer}");
        let named = resource.clone();
        self.call(
            change(Elb, "CreateListener"),
            &resource,
            move |world, process| {
                let mut elb = world.elb.borrow_mut();
                if elb.visible(&to, world.scheduler.now()).is_none() {
                    return Err(rejected("CreateListener", &to, "TargetGroupNotFound"));
                }
                if let Some(held) = elb.listener_at(&on, port) {
                    let is_same = held.listener.forwards_to == [to.clone()];
                    let duplicate = || rejected("CreateListener", &named, "DuplicateListener");
                    return is_same
                        .then(|| held.listener.arn.clone())
                        .ok_or_else(duplicate);
                }
                judge::check_new_listener(world, process, &on, &tags);
                Ok(elb.add_listener(&on, port, "TCP", std::slice::from_ref(&to), tags.clone()))
            },
        )
        .await
    }

    async fn modify_listener(
        &self,
        _: Permit,
        arn: &str,
        port: Option<u16>,
        target_group: &str,
    ) -> AwsResult<()> {
        let (wanted, to) = (arn.to_owned(), target_group.to_owned());
        self.call(change(Elb, "ModifyListener"), arn, move |world, process| {
            judge::require_own_listener(world, process, &wanted);
            let mut elb = world.elb.borrow_mut();
            let gone = || rejected("ModifyListener", &wanted, "ListenerNotFound");
            let held = elb.listeners.get(&wanted).ok_or_else(gone)?;
            let port = port.unwrap_or(held.listener.port);
            let there = elb.listener_at(&held.load_balancer, port);
            if there.is_some_and(|there| there.listener.arn != wanted) {
                return Err(rejected("ModifyListener", &wanted, "DuplicateListener"));
            }
            let held = elb.listeners.get_mut(&wanted).ok_or_else(gone)?;
            held.listener.port = port;
            held.listener.forwards_to = vec![to.clone()];
            Ok(())
        })
        .await
    }

    async fn delete_listener(&self, _: Permit, arn: &str) -> AwsResult<()> {
        let wanted = arn.to_owned();
        self.call(change(Elb, "DeleteListener"), arn, move |world, process| {
            judge::require_own_listener(world, process, &wanted);
            judge::check_listener_deletion(world, process, &wanted);
            let gone = || rejected("DeleteListener", &wanted, "ListenerNotFound");
            let removed = world.elb.borrow_mut().listeners.remove(&wanted);
            removed.map(|_| ()).ok_or_else(gone)
        })
        .await
    }
}

impl ElbTags for SimulatedAws {
    async fn elb_tags(&self, arns: &[String]) -> AwsResult<BTreeMap<String, Tags>> {
        if arns.is_empty() {
            return Ok(BTreeMap::new());
        }
        let wanted = arns.to_vec();
        let resource = format!("{} resources", arns.len());
        self.call(read(Elb, "DescribeTags"), &resource, move |world, _| {
            let elb = world.elb.borrow();
            let tags = |arn: &String| {
                let of_listener = elb.listeners.get(arn).map(|held| &held.tags);
                of_listener
                    .or_else(|| Some(&elb.groups.get(arn)?.tags))
                    .cloned()
            };
            Ok(wanted
                .iter()
                .filter_map(|arn| Some((arn.clone(), tags(arn)?)))
                .collect())
        })
        .await
    }

    async fn add_elb_tags(&self, _: Permit, arn: &str, tags: &Tags) -> AwsResult<()> {
        let (wanted, tags) = (arn.to_owned(), tags.clone());
        self.call(change(Elb, "AddTags"), arn, move |world, process| {
            if wanted.contains(":targetgroup/") {
                judge::require_own_group(world, process, &wanted);
            } else {
                judge::require_own_listener(world, process, &wanted);
            }
            let mut elb = world.elb.borrow_mut();
            if let Some(held) = elb.listeners.get_mut(&wanted) {
                held.tags.extend(tags.clone());
            } else if let Some(held) = elb.groups.get_mut(&wanted) {
                held.tags.extend(tags.clone());
            } else {
                return Err(rejected("AddTags", &wanted, "TargetGroupNotFound"));
            }
            Ok(())
        })
        .await
    }
}
