use super::*;
use serde_json::json;

const ALB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1";
const NLB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/n/2";
const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/g/3";

fn id() -> BindingId {
    BindingId::derive("stack", "Binding", NLB)
}

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
    Properties::parse(&properties(changes), "us-east-1", &id()).expect("good properties")
}

fn made(target_group: &TargetGroupProperties) -> &MadeProperties {
    match target_group {
        TargetGroupProperties::Made(made) => made,
        TargetGroupProperties::Given { .. } => panic!("a target group is made"),
    }
}

/// The problems found, as `property: given …` lines.
fn problems(changes: Value) -> Vec<String> {
    match Properties::parse(&properties(changes), "us-east-1", &id()) {
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
    let made = made(&listener.target_group);
    assert_eq!(
        made.health_check.to_string(),
        "TCP on traffic-port every 30 s within 10 s, 5 up, 2 down"
    );
    assert!(made.attributes.is_empty());
    assert_eq!(made.idle_timeout, 350);
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
fn a_listener_that_is_made_has_an_idle_timeout_and_a_given_groups_is_its_owners() {
    for seconds in [60, 6000] {
        let given = listener(json!({"IdleTimeoutSeconds": seconds.to_string()}));
        let parsed = parsed(given);
        assert_eq!(
            made(&parsed.listeners[0].target_group).idle_timeout,
            seconds
        );
    }
    for bad in [
        json!({"IdleTimeoutSeconds": 59}),
        json!({"IdleTimeoutSeconds": "6001"}),
        json!({"IdleTimeoutSeconds": 350, "TargetGroupArn": GROUP}),
    ] {
        let found = problems(listener(bad));
        assert!(
            found[0].starts_with("Listeners[0].IdleTimeoutSeconds: "),
            "{found:?}"
        );
    }
}

/// The other binding deletes it in its own Delete.
#[test]
fn what_another_binding_has_made_is_refused() {
    let other = BindingId::derive("stack", "Other", NLB);
    let group = |id: &BindingId| GROUP.replace("/g/", &format!("/{}/", id.target_group(80)));
    for owner in [&other, &id()] {
        let found = problems(listener(json!({"TargetGroupArn": group(owner)})));
        assert!(
            found[0].contains(&format!("this is {owner}'s")),
            "{found:?}"
        );
    }
    let found = problems(json!({"BucketName": other.bucket("123456789012")}));
    assert!(
        found[0].contains(&format!("this is {other}'s")),
        "{found:?}"
    );
    let own = id().bucket("123456789012");
    assert_eq!(parsed(json!({"BucketName": own})).bucket_name, Some(own));
    for theirs in [
        "anb-0123456789abcde-80",
        "anb-0123456789abcdeg-80",
        "anb-0123456789abcdef",
    ] {
        let arn = GROUP.replace("/g/", &format!("/{theirs}/"));
        let parsed = parsed(listener(json!({"TargetGroupArn": arn})));
        assert_eq!(
            parsed.listeners[0].target_group,
            TargetGroupProperties::Given { arn }
        );
    }
}

#[test]
fn a_bucket_may_have_a_name_of_before_march_2018() {
    let long = "a".repeat(255);
    for name in ["my.bucket-1", "My_Bucket", "_a_", long.as_str()] {
        assert_eq!(
            parsed(json!({"BucketName": name})).bucket_name.as_deref(),
            Some(name)
        );
    }
    let longer = "a".repeat(256);
    for bad in [
        "ab",
        "10.0.0.1",
        "a/b",
        "a bucket",
        "b\u{fc}cket",
        longer.as_str(),
    ] {
        let found = problems(json!({"BucketName": bad}));
        assert!(found[0].starts_with("BucketName: given"), "{found:?}");
    }
}

#[test]
fn a_health_check_is_read_with_the_defaults_of_its_protocol() {
    let parsed = parsed(listener(
        json!({"HealthCheck": {"Protocol": "HTTP", "Path": "/up", "Matcher": 200}}),
    ));
    assert_eq!(
        made(&parsed.listeners[0].target_group)
            .health_check
            .to_string(),
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
    let made = made(&good.listeners[0].target_group);
    assert_eq!(
        made.attributes["deregistration_delay.timeout_seconds"],
        "30"
    );
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

/// What AWS refuses of attributes that are good by themselves.
#[test]
fn attributes_that_cannot_stand_together_are_refused() {
    const INTERVAL: &str = "target_health_state.unhealthy.draining_interval_seconds";
    const CONNECTION_TERMINATION: &str =
        "target_health_state.unhealthy.connection_termination.enabled";
    const DNS: &str = "target_group_health.dns_failover.minimum_healthy_targets.";
    const ROUTING: &str = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.";
    let (dns, routing) = (format!("{DNS}count"), format!("{ROUTING}count"));
    let (dns_part, routing_part) = (format!("{DNS}percentage"), format!("{ROUTING}percentage"));
    let told = |attributes: &[(&str, &str)]| {
        let list = attributes.iter();
        let list: Vec<_> = list
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        let given = properties(listener(json!({ "TargetGroupAttributes": list })));
        match Properties::parse(&given, "us-east-1", &id()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    };
    for good in [
        &[(INTERVAL, "30"), (CONNECTION_TERMINATION, "false")][..],
        &[(INTERVAL, "0")],
        &[(INTERVAL, "0"), (CONNECTION_TERMINATION, "true")],
        &[(CONNECTION_TERMINATION, "false")],
        &[(dns.as_str(), "2")],
        &[(dns.as_str(), "2"), (routing.as_str(), "2")],
        &[(dns.as_str(), "off"), (routing.as_str(), "2")],
        &[(dns_part.as_str(), "50"), (routing_part.as_str(), "50")],
        &[(routing_part.as_str(), "50")],
    ] {
        assert_eq!(told(good), Vec::<String>::new());
    }
    for (bad, at, problem) in [
        (
            &[(INTERVAL, "30")][..],
            0,
            "given 30, allowed is 0, unless target_health_state.unhealthy.connection_termination.enabled \
             is false, which is true",
        ),
        (
            &[(CONNECTION_TERMINATION, "true"), (INTERVAL, "1")],
            1,
            "given 1, allowed is 0, unless",
        ),
        (
            &[(routing.as_str(), "2")],
            0,
            "given 2, allowed is at most target_group_health.dns_failover.minimum_healthy_targets.count, \
             which is 1",
        ),
        (
            &[(routing.as_str(), "3"), (dns.as_str(), "2")],
            0,
            "given 3, allowed is at most",
        ),
        (
            &[(dns_part.as_str(), "10"), (routing_part.as_str(), "11")],
            1,
            "given 11, allowed is at most",
        ),
    ] {
        let [found] = &told(bad)[..] else {
            panic!("one problem of {bad:?}");
        };
        let key = bad[at].0;
        let expected =
            format!("Listeners[0].TargetGroupAttributes[{at}].Value of {key}: {problem}");
        assert!(found.starts_with(&expected), "{found}");
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
        "cron(0/30 20-2 ? * MON-FRI *)",
        "cron(15 10 ? * 6L 2002-2005)",
        "cron(0 2 ? * SAT#3 *)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 ? * L *)",
        "cron(0 0 ? * friL *)",
        "cron(0-15/5 */23 1-31 */12 ? 2026/2)",
        "rate(366 days)",
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
        "rate(+5 minutes)",
        "rate(367 days)",
        "rate( 5 minutes)",
        "rate(5 MINUTES)",
        "cron(+5 * * * ? *)",
        "cron(0/+5 * * * ? *)",
        "cron(30-10 * * * ? *)",
        "cron(0 0 ? * FRI-MON *)",
        "cron(0 0 ? * MON-FRI/2 *)",
        "cron(0 0 ? * */2 *)",
        "cron(0 0 20-10 * ? *)",
        "cron(0 0 1 12-1 ? *)",
        "cron(0 0 1 1 ? 2030-2020)",
        "cron(*/60 * * * ? *)",
        "cron(*/0 * * * ? *)",
        "cron(0 */24 * * ? *)",
        "cron(0 0 W * ? *)",
        "cron(0 0 WW * ? *)",
        "cron(0 0 LL * ? *)",
        "cron(0 0 WL * ? *)",
        "cron(0 0 15LW * ? *)",
        "cron(0 0 5L * ? *)",
        "cron(0 0 32W * ? *)",
        "cron(0 0 1,L * ? *)",
        "cron(0 0 L/2 * ? *)",
        "cron(L 0 1 * ? *)",
        "cron(0 0 1 L ? *)",
        "cron(0 0 ? * W *)",
        "cron(0 0 ? * 3W *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * LL *)",
        "cron(0 0 ? * 8L *)",
        "cron(0 0 ? * MON-5L *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 ? * 3#+2 *)",
        "cron(0 0 ? * 3#1,6#3 *)",
        "cron(0 0 ? * MON,3#2 *)",
        "cron(0 0 ?,1 * MON *)",
        "cron(0 12 * * ? *) ",
        "cron( 0 12 * * ? *)",
        "cron(0\t12 * * ? *)",
        "cron(0 12 * * ? 2200)",
        "cron(1,,2 12 * * ? *)",
    ] {
        assert_eq!(problems(json!({ "Schedule": bad })).len(), 1, "{bad}");
    }
}

#[test]
fn a_schedule_has_256_characters_at_most() {
    let of = |count| format!("cron(0{} * * * ? *)", ",59".repeat(count));
    let longest = of(79);
    assert_eq!(parsed(json!({ "Schedule": longest })).schedule, longest);
    assert_eq!(problems(json!({ "Schedule": of(80) })).len(), 1);
}

#[test]
fn a_number_has_no_sign() {
    for changes in [
        json!({"MaxLookupsPerInvocation": "+5"}),
        json!({"Listeners": [{"Port": "+80"}]}),
        listener(json!({"HealthCheck": {"Protocol": "HTTP", "Matcher": "+200"}})),
    ] {
        assert_eq!(problems(changes.clone()).len(), 1, "{changes}");
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

#[test]
fn a_dns_name_stands_in_the_place_of_an_alb() {
    let of = |target: Value| {
        let mut given = properties(json!({}));
        let given = given.as_object_mut().expect("an object");
        given.remove("AlbArn");
        given.extend(target.as_object().expect("an object").clone());
        Properties::parse(&json!(given), "us-east-1", &id())
    };
    for (given, dns_name, same_vpc) in [
        (
            json!({"TargetDnsName": "db.example.com"}),
            "db.example.com",
            true,
        ),
        (
            json!({"TargetDnsName": "db.example.com.", "SameVpc": "false"}),
            "db.example.com",
            false,
        ),
        (
            json!({"TargetDnsName": "_a.b-c.internal", "SameVpc": true}),
            "_a.b-c.internal",
            true,
        ),
    ] {
        let parsed = of(given).expect("good properties");
        let dns_name = dns_name.to_owned();
        let wanted = TargetProperties::DnsName { dns_name, same_vpc };
        assert_eq!(parsed.target, wanted);
        assert_eq!(parsed.alb_arn(), None);
    }
    for (given, problem) in [
        (
            json!({}),
            "AlbArn: given nothing, allowed is the ARN of an Elastic Load Balancing load balancer in us-east-1, \
             or TargetDnsName in its place",
        ),
        (
            json!({"TargetDnsName": "db.example.com", "AlbArn": ALB}),
            &format!("AlbArn: given \"{ALB}\", allowed is absent next to TargetDnsName"),
        ),
        (
            json!({"AlbArn": ALB, "SameVpc": "true"}),
            "SameVpc: given \"true\", allowed is absent unless TargetDnsName is given",
        ),
        (
            json!({"TargetDnsName": "10.0.0.1"}),
            "TargetDnsName: given \"10.0.0.1\", allowed is a DNS name, as in db.example.com",
        ),
        (
            json!({"TargetDnsName": "db.example.com", "SameVpc": "no"}),
            "SameVpc: given \"no\", allowed is true or false",
        ),
    ] {
        let problems = of(given).expect_err("a problem");
        assert_eq!(problems.to_string(), problem);
    }
}

#[test]
fn target_port_is_another_name_of_alb_port_and_they_do_not_stand_side_by_side() {
    let parsed = parsed(listener(json!({"TargetPort": "5432"})));
    assert_eq!(
        (parsed.listeners[0].port, parsed.listeners[0].alb_port),
        (80, 5432)
    );
    let found = problems(listener(json!({"TargetPort": 5432, "AlbPort": 5432})));
    let problem = "Listeners[0].TargetPort: given 5432, allowed is absent next to AlbPort, which is another name of it";
    assert_eq!(found, [problem]);
}
