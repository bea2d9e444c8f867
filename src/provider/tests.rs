//! What no emulator can do to the function: a fault of its own in the middle of a request.

use super::*;
use crate::capabilities::*;
use crate::model::{
    Attributes, Endpoint, HealthCheck, Listener, LoadBalancer, Registered, Rule, RuleTarget, Tags,
    TargetGroup,
};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An AWS in which every call hits a bug.
struct Broken;

macro_rules! broken {
    ($($capability:ident { $(fn $call:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {
        $(impl $capability for Broken {
            $(async fn $call(&self, $(_: $kind),*) -> crate::capabilities::Answer<$answer> {
                panic!("a bug in {}", stringify!($call))
            })*
        })*
    };
}

broken! {
    LoadBalancers {
        fn load_balancer(arn: &str) -> Option<LoadBalancer>;
        fn load_balancer_attributes(arn: &str) -> Attributes;
    }
    Listeners {
        fn listeners(load_balancer: &str) -> Vec<Listener>;
        fn listener_attributes(arn: &str) -> Attributes;
        fn create_listener(load_balancer: &str, port: u16, group: &str, tags: &Tags) -> String;
        fn forward_listener(arn: &str, target_group: &str) -> ();
        fn delete_listener(arn: &str) -> ();
    }
    TargetGroups {
        fn target_groups_named(prefix: &str) -> Vec<TargetGroup>;
        fn target_group(arn: &str) -> Option<TargetGroup>;
        fn target_group_attributes(arn: &str) -> Attributes;
        fn create_target_group(name: &str, port: u16, vpc: &str, check: &HealthCheck, tags: &Tags) -> String;
        fn modify_health_check(arn: &str, check: &HealthCheck) -> ();
        fn modify_attributes(arn: &str, attributes: &Attributes) -> ();
        fn delete_target_group(arn: &str) -> ();
    }
    Targets {
        fn registered(group: &str) -> Option<Registered>;
        fn register(group: &str, targets: &[Endpoint], zone: Option<&str>) -> ();
        fn deregister(group: &str, targets: &Registered) -> ();
    }
    ElbTags {
        fn elb_tags(arns: &[String]) -> BTreeMap<String, Tags>;
        fn add_elb_tags(arn: &str, tags: &Tags) -> ();
    }
    Buckets {
        fn bucket_exists(bucket: &str) -> bool;
        fn create_bucket(bucket: &str) -> ();
        fn bucket_tags(bucket: &str) -> Tags;
        fn put_bucket_tags(bucket: &str, tags: &Tags) -> ();
        fn delete_bucket(bucket: &str) -> ();
    }
    Objects {
        fn read(bucket: &str, key: &str) -> Option<Stored>;
        fn write(bucket: &str, key: &str, body: Vec<u8>, etag: Option<&str>) -> Written;
        fn delete_all(bucket: &str, prefix: &str) -> ();
    }
    Rules {
        fn rule(name: &str) -> Option<Rule>;
        fn rule_tags(arn: &str) -> Tags;
        fn put_rule(name: &str, schedule: &str, tags: &Tags) -> ();
        fn put_rule_target(rule: &str, target: &RuleTarget) -> ();
        fn remove_rule_targets(rule: &str, ids: &[String]) -> ();
        fn delete_rule(rule: &str) -> ();
        fn tag_rule(arn: &str, tags: &Tags) -> ();
    }
    Metrics {
        fn put_ip_count(load_balancer: &str, count: usize) -> ();
    }
    Stacks {
        fn stack(stack_id: &str) -> Option<Stack>;
    }
}

/// Takes one PUT on a port of its own and gives its body.
async fn response_address() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/answer",
        listener.local_addr().expect("an address")
    );
    let taken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = String::new();
        while !request.ends_with('}') {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).await.expect("a request");
            request.push_str(std::str::from_utf8(&some[..read]).expect("text"));
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream
            .write_all(answer.as_bytes())
            .await
            .expect("an answer");
        request
    });
    (url, taken)
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_request_is_answered_and_the_next_request_too() {
    let discovery = Discovery::new("");
    let provider = Provider {
        aws: &Broken,
        discovery: &discovery,
        region: "us-east-1",
    };
    let invocation = Invocation {
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:f",
        log_stream: "the-log-stream",
        remaining: Duration::from_secs(30),
    };
    for request_type in ["Create", "Update", "Delete"] {
        let (url, taken) = response_address().await;
        let arn = |name| format!("arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/{name}/1");
        let event = json!({
            "RequestType": request_type,
            "ResponseURL": url,
            "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Binding",
            "ResourceType": "Custom::AlbNlbBinding",
            "PhysicalResourceId": "alb-nlb-binding-0123456789abcdef",
            "ResourceProperties": {
                "AlbArn": arn("app/a"), "NlbArn": arn("net/n"), "Listeners": [{"Port": 80}],
            },
            "OldResourceProperties": {},
        });
        provider.handle(event, &invocation).await.expect("answered");
        let answer = taken.await.expect("one PUT");
        for expected in ["FAILED", "the function panicked", "the-log-stream"] {
            assert!(answer.contains(expected), "{expected} is not in {answer}");
        }
    }
}
