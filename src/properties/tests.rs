use super::*;
use serde_json::json;

const ALB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1";
const NLB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/n/2";
const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/g/3";

/// Good properties with some of them replaced.
fn properties(changes: Value) -> Value {
    let mut properties = json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "ServiceTimeout": "600",
        "AlbArn": ALB,
        "NlbArn": NLB,
        "Listeners": [{"Port": "80"}],
    });
    for (name, value) in changes.as_object().expect("changes are an object") {
        properties[name] = value.clone();
    }
    properties
}

fn parsed(changes: Value) -> Properties {
    Properties::parse(&properties(changes), "us-east-1").expect("good properties")
}

/// The problems found, as `property: given …` lines.
fn problems(changes: Value) -> Vec<String> {
    match Properties::parse(&properties(changes), "us-east-1") {
        Ok(parsed) => panic!("no problem found in {parsed:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn listener(changes: Value) -> Value {
    let mut listener = json!({"Port": 80});
    for (name, value) in changes.as_object().expect("changes are an object") {
        listener[name] = value.clone();
    }
    json!({ "Listeners": [listener] })
}

#[test]
fn the_least_that_can_be_given_gets_every_default() {
    let parsed = parsed(json!({}));
    assert_eq!(parsed.schedule, "rate(1 minute)");
    assert_eq!(parsed.max_lookups, 50);
    assert_eq!(parsed.invocations_before_deregistration, 3);
    assert!(parsed.ip_count_metric);
    assert!(!parsed.allow_zone_mismatch);
    assert_eq!(parsed.bucket_name, None);
    assert!(parsed.dns_servers.is_empty());
    let [listener] = parsed.listeners.as_slice() else {
        panic!("one listener");
    };
    assert_eq!((listener.port, listener.alb_port), (80, 80));
    let TargetGroupProperties::Made {
        health_check,
        attributes,
    } = &listener.target_group
    else {
        panic!("a target group is made");
    };
    assert_eq!(
        health_check.to_string(),
        "TCP on traffic-port every 30 s within 10 s, 5 up, 2 down"
    );
    assert!(attributes.is_empty());
}

#[test]
fn numbers_and_booleans_may_be_strings_as_cloudformation_sends_them() {
    let as_text = json!({
        "MaxLookupsPerInvocation": "100", "InvocationsBeforeDeregistration": "5",
        "IpCountMetric": "false", "AllowZoneMismatch": "true",
        "Listeners": [{"Port": "443", "AlbPort": "8443"}],
    });
    let as_scalars = json!({
        "MaxLookupsPerInvocation": 100, "InvocationsBeforeDeregistration": 5,
        "IpCountMetric": false, "AllowZoneMismatch": true,
        "Listeners": [{"Port": 443, "AlbPort": 8443}],
    });
    assert_eq!(parsed(as_text), parsed(as_scalars));
}

#[test]
fn all_problems_are_told_at_once_each_with_property_given_and_allowed() {
    let found = problems(json!({
        "AlbArn": "my-alb",
        "NlbArn": null,
        "Listeners": [{"Port": "0"}, {"Prot": 80}],
        "Schedule": "rate(1 minutes)",
        "MaxLookupsPerInvocation": "1001",
        "IpCountMetric": "yes",
        "Colour": "blue",
    }))
    .join("\n");
    for expected in [
        "AlbArn: given \"my-alb\", allowed is the ARN of an Elastic Load Balancing load balancer in us-east-1",
        "NlbArn: given nothing, allowed is the ARN of",
        "Listeners[0].Port: given \"0\", allowed is a port from 1 to 65535",
        "Listeners[1].Port: given nothing, allowed is a port from 1 to 65535",
        "Listeners[1].Prot: given 80, allowed is no such property; there are AlbPort, ",
        "Schedule: given \"rate(1 minutes)\", allowed is rate(1 minute)",
        "MaxLookupsPerInvocation: given \"1001\", allowed is a whole number from 1 to 1000",
        "IpCountMetric: given \"yes\", allowed is true or false",
        "Colour: given \"blue\", allowed is no such property",
    ] {
        assert!(found.contains(expected), "{expected:?} is not in\n{found}");
    }
}

#[test]
fn an_arn_of_another_region_or_service_is_refused() {
    for arn in [
        ALB.replace("us-east-1", "eu-west-1"),
        ALB.replace("elasticloadbalancing", "s3"),
        GROUP.to_owned(),
    ] {
        let found = problems(json!({ "AlbArn": arn }));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn one_to_fifty_listeners_are_allowed() {
    let listeners = |count: u16| {
        let list: Vec<_> = (1..=count).map(|port| json!({ "Port": port })).collect();
        json!({ "Listeners": list })
    };
    assert_eq!(parsed(listeners(50)).listeners.len(), 50);
    for count in [0, 51] {
        let found = problems(listeners(count)).join("\n");
        assert!(found.contains("allowed is a list of 1 to 50"), "{found}");
    }
}

#[test]
fn a_port_may_not_be_listed_twice_but_for_given_target_groups() {
    let found = problems(json!({"Listeners": [{"Port": 80}, {"Port": 80, "AlbPort": 81}]}));
    assert!(
        found[0].starts_with("Listeners[1].Port: given 80"),
        "{found:?}"
    );
    let given = json!({"Listeners": [{"Port": 80}, {"Port": 80, "TargetGroupArn": GROUP}]});
    assert_eq!(parsed(given).listeners.len(), 2);
    let twice = json!({"Listeners": [
        {"Port": 80, "TargetGroupArn": GROUP}, {"Port": 80, "TargetGroupArn": GROUP},
    ]});
    assert!(problems(twice)[0].starts_with("Listeners[1].TargetGroupArn"));
}

#[test]
fn a_given_target_group_takes_neither_health_check_nor_attributes() {
    let found = problems(listener(json!({
        "TargetGroupArn": GROUP, "HealthCheck": {"Protocol": "TCP"}, "TargetGroupAttributes": [],
    })));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_health_check_is_read_with_the_defaults_of_its_protocol() {
    let parsed = parsed(listener(
        json!({"HealthCheck": {"Protocol": "HTTP", "Path": "/up", "Matcher": 200}}),
    ));
    let TargetGroupProperties::Made { health_check, .. } = &parsed.listeners[0].target_group else {
        panic!("a target group is made");
    };
    assert_eq!(
        health_check.to_string(),
        "HTTP on traffic-port /up expecting 200 every 30 s within 6 s, 5 up, 2 down"
    );
}

#[test]
fn a_health_check_that_aws_would_refuse_is_refused_here() {
    for (check, place) in [
        (json!({"Protocol": "UDP"}), "HealthCheck.Protocol"),
        (json!({"Path": "/up"}), "HealthCheck.Path"),
        (
            json!({"Protocol": "HTTP", "Path": "up"}),
            "HealthCheck.Path",
        ),
        (
            json!({"Protocol": "HTTP", "Matcher": "600"}),
            "HealthCheck.Matcher",
        ),
        (json!({"IntervalSeconds": 4}), "HealthCheck.IntervalSeconds"),
        (
            json!({"IntervalSeconds": 10, "TimeoutSeconds": 10}),
            "HealthCheck.TimeoutSeconds",
        ),
        (
            json!({"HealthyThreshold": 11}),
            "HealthCheck.HealthyThreshold",
        ),
        (json!({"Port": "http"}), "HealthCheck.Port"),
        (json!({"Timeout": 3}), "HealthCheck.Timeout"),
    ] {
        let found = problems(listener(json!({ "HealthCheck": check })));
        assert!(
            found[0].starts_with(&format!("Listeners[0].{place}:")),
            "{found:?}"
        );
    }
}

#[test]
fn attributes_are_checked_by_key_and_value() {
    let attribute = |key: &str, value: Value| {
        listener(json!({"TargetGroupAttributes": [{"Key": key, "Value": value}]}))
    };
    let good = parsed(attribute(
        "deregistration_delay.timeout_seconds",
        json!("30"),
    ));
    let TargetGroupProperties::Made { attributes, .. } = &good.listeners[0].target_group else {
        panic!("a target group is made");
    };
    assert_eq!(attributes["deregistration_delay.timeout_seconds"], "30");
    for (key, value, place) in [
        ("deregistration_delay", json!("30"), "Key"),
        (
            "deregistration_delay.timeout_seconds",
            json!("3601"),
            "Value",
        ),
        ("preserve_client_ip.enabled", json!("on"), "Value"),
        ("proxy_protocol_v2.enabled", json!("true"), "Value"),
    ] {
        let found = problems(attribute(key, value));
        let expected = format!("Listeners[0].TargetGroupAttributes[0].{place}:");
        assert!(found[0].starts_with(&expected), "{found:?}");
    }
}

#[test]
fn schedules_are_those_that_eventbridge_takes() {
    for good in [
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(2 days)",
        "cron(0/5 * * * ? *)",
        "cron(0 12 ? * MON-FRI 2026)",
        "cron(15 10 L * ? *)",
        "cron(0 8 ? * 6#3 *)",
        "cron(0 0 15W * ? *)",
        "cron(0,30 8-18 1 JAN,JUL ? *)",
    ] {
        assert_eq!(parsed(json!({ "Schedule": good })).schedule, good);
    }
    for bad in [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(01 minute)",
        "rate(1 second)",
        "rate(-1 minutes)",
        "rate(1  minute)",
        "rate 1 minute",
        "1 minute",
        "",
        "cron(* * * * * *)",
        "cron(0 12 * * ?)",
        "cron(60 12 * * ? *)",
        "cron(0 12 ? * ? *)",
        "cron(0 12 * 13 ? *)",
        "cron(0 12 L-1 * MON *)",
        "cron(x 12 * * ? *)",
    ] {
        assert_eq!(problems(json!({ "Schedule": bad })).len(), 1, "{bad}");
    }
}

#[test]
fn dns_servers_are_addresses_with_or_without_a_port() {
    let parsed = parsed(json!({"DnsServers": ["10.0.0.2", "127.0.0.1:5353", "[2001:db8::1]:53"]}));
    let servers: Vec<_> = parsed.dns_servers.iter().map(ToString::to_string).collect();
    assert_eq!(
        servers,
        ["10.0.0.2:53", "127.0.0.1:5353", "[2001:db8::1]:53"]
    );
    let found = problems(json!({"DnsServers": ["dns.example"]}));
    assert!(
        found[0].starts_with("DnsServers[0]: given \"dns.example\""),
        "{found:?}"
    );
}

#[test]
fn a_long_value_does_not_push_the_other_problems_out() {
    let found = problems(json!({"AlbArn": "x".repeat(5000), "IpCountMetric": "maybe"}));
    assert!(found.iter().all(|problem| problem.len() < 400), "{found:?}");
}
