//! What no emulator can do to the function: a fault of its own in the middle of a request.

use super::*;
use crate::aws::api::*;
use crate::clock::Timestamp;
use crate::discovery::{DnsAnswer, DnsError, DnsQuery};
use crate::model::{
    Attributes, Endpoint, HealthCheck, Listener, LoadBalancer, Registered, Rule, RuleTarget, Tags,
    TargetGroup, TargetHealth,
};
use crate::names::unqualified;
use crate::permit::Permit;
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// An AWS in which every call hits a bug.
struct Broken;

macro_rules! broken {
    ($($capability:ident { $(fn $call:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(impl $capability for Broken {
            $(async fn $call(&self, $(_: $kind),*) -> crate::aws::api::AwsResult<$answer> {
                panic!("a bug in {}", stringify!($call))
            })*
        })*
    };
}

broken! {
    LoadBalancers {
        fn load_balancers(arns: &[String]) -> Vec<LoadBalancer>;
        fn load_balancer_attributes(arn: &str) -> Attributes;
    }
    Listeners {
        fn listeners(load_balancer: &str) -> Vec<Listener>;
        fn listener_attributes(arn: &str) -> Attributes;
        fn set_idle_timeout(permit: Permit, arn: &str, seconds: u32) -> ();
        fn create_listener(permit: Permit, load_balancer: &str, port: u16, group: &str, tags: &Tags) -> String;
        fn modify_listener(permit: Permit, arn: &str, port: Option<u16>, group: &str) -> ();
        fn delete_listener(permit: Permit, arn: &str) -> ();
    }
    TargetGroups {
        fn target_groups_called(names: &[String]) -> Vec<TargetGroup>;
        fn target_groups_named(prefix: &str) -> Vec<TargetGroup>;
        fn target_group(arn: &str) -> Option<TargetGroup>;
        fn target_group_attributes(arn: &str) -> Attributes;
        fn create_target_group(permit: Permit, name: &str, port: u16, vpc: &str, check: &HealthCheck, tags: &Tags) -> String;
        fn modify_health_check(permit: Permit, arn: &str, check: &HealthCheck) -> ();
        fn modify_attributes(permit: Permit, arn: &str, attributes: &Attributes) -> ();
        fn delete_target_group(permit: Permit, arn: &str) -> ();
    }
    Targets {
        fn target_health(group: &str) -> Option<Vec<TargetHealth>>;
        fn register(permit: Permit, group: &str, targets: &[Endpoint], zone: Option<&str>) -> ();
        fn deregister(permit: Permit, group: &str, targets: &Registered) -> ();
    }
    ElbTags {
        fn elb_tags(arns: &[String]) -> BTreeMap<String, Tags>;
        fn add_elb_tags(permit: Permit, arn: &str, tags: &Tags) -> ();
    }
    Buckets {
        fn bucket_exists(bucket: &str) -> bool;
        fn create_bucket(permit: Permit, bucket: &str, tags: &Tags) -> ();
        fn bucket_tags(bucket: &str) -> Tags;
        fn put_bucket_tags(permit: Permit, bucket: &str, tags: &Tags) -> ();
        fn bucket_policy(bucket: &str) -> Option<String>;
        fn put_bucket_policy(permit: Permit, bucket: &str, policy: &str) -> ();
        fn delete_bucket(permit: Permit, bucket: &str) -> ();
    }
    Objects {
        fn read(bucket: &str, key: &str) -> Option<Stored>;
        fn write(bucket: &str, key: &str, body: Vec<u8>, etag: Option<&str>) -> Written;
        fn etag(bucket: &str, key: &str) -> Option<String>;
        fn versions(bucket: &str, prefix: &str) -> Vec<Version>;
        fn delete_versions(permit: Permit, bucket: &str, versions: &[Version]) -> Vec<Version>;
    }
    Rules {
        fn rule(name: &str) -> Option<Rule>;
        fn rules_named(prefix: &str) -> Vec<String>;
        fn rule_tags(arn: &str) -> Tags;
        fn put_rule(permit: Permit, name: &str, schedule: &str, tags: &Tags) -> String;
        fn put_rule_target(permit: Permit, rule: &str, target: &RuleTarget) -> ();
        fn remove_rule_targets(permit: Permit, rule: &str, ids: &[String]) -> ();
        fn delete_rule(permit: Permit, rule: &str) -> ();
        fn tag_rule(permit: Permit, arn: &str, tags: &Tags) -> ();
    }
    Metrics {
        fn put_ip_count(load_balancer: &str, count: usize) -> ();
        fn last_ip_count(load_balancer: &str, from: Timestamp, until: Timestamp) -> Option<Timestamp>;
    }
    Stacks {
        fn stack(stack_id: &str) -> Option<Stack>;
        fn stack_resource(stack_id: &str, logical_id: &str) -> Option<StackResource>;
    }
}

/// Keeps the bodies of what is put.
#[derive(Default)]
struct Mailbox(RefCell<Vec<String>>);

impl Responder for Mailbox {
    async fn put(&self, _: &ResponseUrl, body: String, _: Duration) -> Result<u16, PutError> {
        self.0.borrow_mut().push(body);
        Ok(200)
    }
}

/// Nobody is asked.
struct NoDns;

impl Dns for NoDns {
    type Query = Self;

    async fn ask(&self, _: &str, _: &[SocketAddr]) -> Result<(Self::Query, DnsAnswer), DnsError> {
        panic!("a bug before any lookup")
    }

    async fn whom(&self, _: &str, _: &[SocketAddr]) -> Option<Self::Query> {
        None
    }

    fn remembered(&self, _: &str) -> BTreeSet<IpAddr> {
        BTreeSet::new()
    }

    fn remember(&self, _: &str, _: &BTreeSet<IpAddr>) {}
}

impl DnsQuery for NoDns {
    async fn again(&self, _: usize, _: BTreeSet<usize>) -> Result<DnsAnswer, DnsError> {
        panic!("a bug before any lookup")
    }

    fn silent(&self) -> DnsError {
        panic!("a bug before any lookup")
    }

    fn servers(&self) -> usize {
        1
    }

    fn warn_of(&self, _: &BTreeSet<usize>, _: usize) {}
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_request_is_answered_and_the_next_request_too() {
    let answers = Mailbox::default();
    let provider = Provider {
        aws: &Broken,
        dns: &NoDns,
        responder: &answers,
        region: "us-east-1",
        state_bucket: None,
    };
    let invocation = Invocation {
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:f",
        log_stream: "the-log-stream",
        clock: Clock::starting_at(Timestamp::from_millis(0)),
        remaining: Duration::from_secs(30),
    };
    for request_type in ["Create", "Update", "Delete"] {
        let arn = |name| format!("arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/{name}/1");
        let event = json!({
            "RequestType": request_type,
            "ResponseURL": "https://secret",
            "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Binding",
            "ResourceType": "Custom::AlbNlbBinding",
            "PhysicalResourceId": "alb-nlb-binding-0123456789abcdef",
            "ResourceProperties": {
                "AlbArn": arn("app/a"), "NlbArn": arn("net/n"), "Listeners": [{"Port": 80}],
            },
            "OldResourceProperties": {},
        });
        provider.handle(event, &invocation).await.expect("answered");
        let answer = answers.0.borrow_mut().pop().expect("one PUT");
        for expected in ["FAILED", "the function panicked", "the-log-stream"] {
            assert!(answer.contains(expected), "{expected} is not in {answer}");
        }
    }
}

/// The role lets rules call the function without version or alias only: `events:TargetArn`.
#[test]
fn a_rule_calls_the_function_without_version_or_alias() {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    assert_eq!(unqualified(function), function);
    for qualifier in ["live", "7", "$LATEST"] {
        assert_eq!(unqualified(&format!("{function}:{qualifier}")), function);
    }
}
