//! One call from its arrival to its answer: what the faults and the throttle make of it, and whether the gateway
//! answers it or MiniStack does.

use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use hyper::http::request::Parts;

use super::call::Call;
use super::fault::{FaultEffects, FaultKind};
use super::reply::{self, ApiReply};
use super::response_cache::CacheResult;
use super::state::{ApiRequest, State};
use crate::lock::lock;
use crate::names::{ELB, LAB_ACCESS_KEY};

/// Names or ARNs that one call may name (ELBv2 API, `DescribeLoadBalancers`: "up to 20 load balancers in a single
/// call"; `DescribeTags`: "up to 20 resources"). For target groups it is seen, not written: docs/aws.md.
const NAMES_PER_CALL: usize = 20;

impl State {
    /// Records the call. Without a reply the caller is to see its connection cut.
    pub(super) async fn answer(&self, parts: Parts, body: Bytes) -> Option<ApiReply> {
        let came = Instant::now();
        let call = Call::read(&parts, &body);
        let request = ApiRequest { parts, body, call };
        let effects = if request.call.source == LAB_ACCESS_KEY {
            FaultEffects::default()
        } else {
            self.faults.effects_on(&request.call)
        };
        if let Some(delay) = effects.delay {
            tokio::time::sleep(delay).await;
        }
        if let Some(hold) = effects.hold {
            hold.pass().await;
        }
        let reply = match effects.instead {
            Some(FaultKind::CutOff) => None,
            Some(FaultKind::LoseAnswer) => Some(self.carry_out(&request).await),
            Some(FaultKind::HideMissing) => {
                let reply = self.carry_out(&request).await;
                let is_missing = reply.status() == hyper::StatusCode::NOT_FOUND;
                Some(match is_missing {
                    true => FaultKind::Deny.reply(&request.call),
                    false => reply,
                })
            }
            Some(what) => Some(what.reply(&request.call)),
            None if !self.throttle.admits(&request.call) => {
                Some(FaultKind::Throttle.reply(&request.call))
            }
            None => Some(self.carry_out_or_recall(&request).await),
        };
        self.throttle.wait(&request.call, came).await;
        let call = request.call.answered(reply.as_ref(), came.elapsed());
        lock(&self.calls).push(call);
        reply.filter(|_| !effects.loses_answer)
    }

    /// Answers from the cache if possible, else makes the call.
    async fn carry_out_or_recall(&self, request: &ApiRequest) -> ApiReply {
        let recall = self.cache.recall(&request.call);
        if let CacheResult::Known(reply) = recall {
            return reply;
        }
        let reply = self.carry_out(request).await;
        self.cache.keep(recall, &reply);
        reply
    }

    async fn carry_out(&self, request: &ApiRequest) -> ApiReply {
        let done = match request.call.service.as_str() {
            ELB => self.load_balancing(request).await,
            "cloudformation" => self.cloudformation(request).await,
            "events" if request.call.operation == "PutRule" => self.put_rule(request).await,
            "events" if request.call.operation == "PutTargets" => self.put_targets(request).await,
            _ => self.forward(request, None).await,
        };
        done.unwrap_or_else(|error| {
            reply::error(&request.call, 502, "LabFailure", &format!("{error:#}"))
        })
    }

    async fn load_balancing(&self, request: &ApiRequest) -> Result<ApiReply> {
        let lists = [
            "LoadBalancerArns",
            "Names",
            "ResourceArns",
            "TargetGroupArns",
        ];
        if let Some(list) = lists
            .into_iter()
            .find(|list| request.call.values(list).len() > NAMES_PER_CALL)
        {
            let message = format!("{list} may have {NAMES_PER_CALL} members at most");
            return Ok(reply::error(
                &request.call,
                400,
                "ValidationError",
                &message,
            ));
        }
        match request.call.operation.as_str() {
            "RegisterTargets" => self.register_targets(request).await,
            "DeregisterTargets" => self.deregister_targets(request).await,
            "DescribeTargetHealth" => self.describe_target_health(request).await,
            "CreateLoadBalancer" => self.create_load_balancer(request).await,
            "DeleteLoadBalancer" => self.delete_load_balancer(request).await,
            "DescribeLoadBalancers" => self.describe_load_balancers(request).await,
            "CreateTargetGroup" | "ModifyTargetGroup" => self.put_target_group(request).await,
            "DescribeTargetGroups" => self.describe_target_groups(request).await,
            "ModifyTargetGroupAttributes" => self.modify_target_group_attributes(request).await,
            "DeleteTargetGroup" => self.delete_target_group(request).await,
            "CreateListener" | "ModifyListener" => self.put_listener(request).await,
            "DescribeListeners" => self.describe_listeners(request).await,
            _ => self.forward(request, None).await,
        }
    }
}
