use super::checks::{Backend, Checked, Standing, check};
use super::observed::{GivenTargetGroup, NlbListener, Observed, OwnTargetGroup};
use super::plan::{Plan, moving, plan};
use crate::binding::desired::Desired;
use crate::binding::findings::Findings;
use crate::binding::hints::Hints;
use crate::binding::step::{Removal, Step};
use crate::model::{
    Attributes as Map, Endpoint, Listener, LoadBalancer, LoadBalancerType, Rule, Scheme, State,
    TCP_IDLE_TIMEOUT, TargetGroup,
};
use crate::names::{BindingId, TAG};
use crate::properties::{Properties, TargetGroupProperties, attribute_defaults};
use crate::record::{Own, Phase, Record, RuleEvent};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const ALB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/orders/1";
const NLB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/front/2";
const GIVEN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/theirs/3";

fn desired(changes: Value) -> Desired {
    let mut properties = json!({"AlbArn": ALB, "NlbArn": NLB, "Listeners": [{"Port": 80}]});
    for (name, value) in changes.as_object().expect("changes are an object") {
        properties[name] = value.clone();
    }
    let id = BindingId::derive("stack", "Binding", NLB);
    Desired {
        properties: Properties::parse(&properties, "us-east-1", &id).expect("good properties"),
        id,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        function_arn: "arn:function".to_owned(),
        former: Hints::default(),
        replaces: None,
    }
}

fn load_balancer(arn: &str, kind: &str, zones: &[&str]) -> LoadBalancer {
    LoadBalancer {
        arn: arn.to_owned(),
        name: kind.to_owned(),
        dns_name: format!("{kind}.elb.amazonaws.com"),
        kind: LoadBalancerType::of(kind),
        scheme: Scheme::Internal,
        state: State::Active,
        vpc_id: "vpc-1".to_owned(),
        zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
        addresses: Vec::new(),
    }
}

fn alb_listener(port: u16) -> Listener {
    Listener {
        arn: format!("arn:alb-listener-{port}"),
        port,
        protocol: "HTTP".to_owned(),
        forwards_to: Vec::new(),
    }
}

/// Two load balancers that fit, and nothing made yet.
fn bare(desired: &Desired) -> Observed {
    Observed {
        alb: Some(load_balancer(ALB, "application", &["a", "b"])),
        nlb: Some(load_balancer(NLB, "network", &["a", "b"])),
        alb_listeners: vec![alb_listener(80), alb_listener(443)],
        tags: desired
            .id
            .tags(BTreeMap::from([("team".to_owned(), "web".to_owned())])),
        ..Observed::default()
    }
}

/// What the checks make of a world that passes the needful of them.
fn checked(world: &Observed) -> Checked<'_> {
    let (alb, nlb) = (world.alb.as_ref(), world.nlb.as_ref());
    let (alb, nlb) = (alb.expect("an ALB"), nlb.expect("an NLB"));
    Checked {
        backend: Backend::of_alb(alb, alb.is_elsewhere(nlb)),
        nlb: Cow::Borrowed(nlb),
        observed: world,
        bucket_stands: false,
    }
}

pub(super) fn planned(desired: &Desired, world: &Observed) -> Plan {
    plan(desired, &checked(world))
}

/// The world after a plan was carried out, as AWS would show it.
pub(super) fn carried_out(desired: &Desired, world: Observed) -> Observed {
    let steps = planned(desired, &world).steps;
    after(desired, world, steps)
}

fn after(desired: &Desired, mut world: Observed, steps: Vec<Step>) -> Observed {
    for step in steps {
        match step {
            Step::CreateBucket { .. } => {
                world.bucket_exists = true;
                world.bucket_tags = world.tags.clone();
            }
            Step::Claim { bucket } => {
                let new = || (Record::new(&desired.id.to_string(), Phase::Making), bucket);
                world.record.get_or_insert_with(new);
            }
            Step::TakeRecord { from, to } => {
                let (record, bucket) = world.record.as_mut().expect("a record");
                record.elsewhere.remove(&to);
                record.elsewhere.insert(from);
                *bucket = to;
            }
            Step::Sync { .. } => {
                let (record, _) = world.record.as_mut().expect("a record");
                let given = desired.given().map(|arn| (arn.to_owned(), Own::new()));
                for (arn, own) in given {
                    record.own.entry(arn).or_insert(own);
                }
            }
            Step::TagBucket { tags, .. } => world.bucket_tags = tags,
            Step::PutBucketPolicy { policy, .. } => world.bucket_policy = Some(policy),
            Step::CreateTargetGroup {
                name,
                port,
                vpc_id,
                health_check,
            } => {
                world.groups.push(OwnTargetGroup {
                    group: TargetGroup {
                        arn: format!("arn:{name}"),
                        name,
                        port,
                        protocol: "TCP".to_owned(),
                        target_type: "ip".to_owned(),
                        vpc_id,
                        health_check,
                        load_balancers: Vec::new(),
                    },
                    attributes: attribute_defaults(),
                    tags: world.tags.clone(),
                });
            }
            Step::ModifyHealthCheck { name, health_check } => {
                group(&mut world, &name).group.health_check = health_check;
            }
            Step::ModifyAttributes { name, attributes } => {
                group(&mut world, &name).attributes.extend(attributes);
            }
            Step::TagTargetGroup { name, tags } => group(&mut world, &name).tags.extend(tags),
            Step::CreateListener { port, target_group } => {
                let tags = world.tags.clone();
                world
                    .nlb_listeners
                    .push(own_listener(port, &format!("arn:{target_group}"), tags));
            }
            Step::ForwardListener {
                port, target_group, ..
            } => {
                listener(&mut world, port).listener.forwards_to =
                    vec![format!("arn:{target_group}")];
            }
            Step::MoveListener {
                from,
                port,
                target_group,
                ..
            } => {
                let moved = &mut listener(&mut world, from).listener;
                moved.port = port;
                moved.forwards_to = vec![format!("arn:{target_group}")];
            }
            Step::SetIdleTimeout { port, seconds } => {
                let attributes = &mut listener(&mut world, port).attributes;
                attributes.insert(TCP_IDLE_TIMEOUT.to_owned(), seconds.to_string());
            }
            Step::TagListener { port, tags, .. } => listener(&mut world, port).tags.extend(tags),
            Step::PutRule { schedule } => {
                let tags = world.tags.clone();
                let targets = world
                    .rule
                    .take()
                    .map(|rule| rule.targets)
                    .unwrap_or_default();
                world.rule = Some(Rule {
                    arn: "arn:rule".to_owned(),
                    schedule,
                    enabled: true,
                    targets,
                });
                world.rule_tags.extend(tags);
            }
            Step::TagRule { tags } => world.rule_tags.extend(tags),
            Step::PutRuleTarget => {
                let record = world.record.as_ref();
                let backend = checked(&world).backend;
                let expected = record.map_or(0, |(record, _)| backend.known_by(record));
                let target = desired.rule_target(&checked(&world), &BTreeMap::new(), expected);
                let target = target.expect("all is made");
                world.rule.as_mut().expect("a rule").targets = vec![target];
            }
            Step::Remove(Removal::Listener { arn, .. }) => {
                world.nlb_listeners.retain(|own| own.listener.arn != arn);
            }
            Step::Remove(Removal::TargetGroup { arn, .. }) => {
                world.groups.retain(|own| own.group.arn != arn);
            }
            Step::Remove(Removal::Stub { bucket }) => {
                let (record, _) = world.record.as_mut().expect("a record");
                record.elsewhere.remove(&bucket);
            }
            Step::Remove(Removal::Targets { target_group }) => {
                let (record, _) = world.record.as_mut().expect("a record");
                record.own.remove(&target_group);
            }
            Step::Remove(_) => {}
        }
    }
    world
}

fn group<'a>(world: &'a mut Observed, name: &str) -> &'a mut OwnTargetGroup {
    world
        .groups
        .iter_mut()
        .find(|own| own.group.name == name)
        .expect("the group")
}

fn listener(world: &mut Observed, port: u16) -> &mut NlbListener {
    world
        .nlb_listeners
        .iter_mut()
        .find(|own| own.listener.port == port)
        .expect("the listener")
}

fn own_listener(port: u16, target_group: &str, tags: Map) -> NlbListener {
    NlbListener {
        listener: Listener {
            arn: format!("arn:listener-{port}"),
            port,
            protocol: "TCP".to_owned(),
            forwards_to: vec![target_group.to_owned()],
        },
        is_own: true,
        tags,
        attributes: Map::new(),
    }
}

/// A plan without the claim, which every plan begins with.
pub(super) fn steps(desired: &Desired, world: &Observed) -> String {
    let plan = planned(desired, world).to_string();
    let lines = plan.lines().filter(|line| !line.starts_with("~ record in"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What is found of a binding that stands on nothing.
fn found(desired: &Desired, world: &Observed) -> Option<String> {
    let found = check(desired, None, world).err();
    found.map(|findings| findings.to_string())
}

fn findings(desired: &Desired, world: &Observed) -> String {
    found(desired, world).expect("something is found")
}

pub(super) const NOTHING: &str = "~ targets: every address in DNS";

#[test]
fn a_new_binding_is_made_in_the_order_of_the_contract_and_a_second_plan_is_empty() {
    let desired = desired(json!({}));
    let world = bare(&desired);
    let plan = planned(&desired, &world).to_string();
    let kinds: Vec<_> = plan
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "+ bucket",
            "~ bucket",
            "~ record",
            "+ target",
            "~ targets:",
            "+ listener",
            "+ rule",
            "+ rule"
        ]
    );
    assert_eq!(steps(&desired, &carried_out(&desired, world)), NOTHING);
}

#[test]
fn an_update_does_only_the_difference_and_a_second_plan_is_empty() {
    let before = desired(json!({}));
    let world = carried_out(&before, bare(&before));
    for (changes, expected) in [
        (
            json!({"Schedule": "rate(5 minutes)"}),
            "+ rule rate(5 minutes)",
        ),
        (
            json!({"InvocationsBeforeDeregistration": 5}),
            "+ rule target",
        ),
        (
            json!({"Listeners": [{"Port": 80, "HealthCheck": {"IntervalSeconds": 60}}]}),
            "health check TCP on traffic-port every 60 s",
        ),
        (
            json!({"Listeners": [{"Port": 80, "TargetGroupAttributes":
                [{"Key": "deregistration_delay.timeout_seconds", "Value": 10}]}]}),
            "deregistration_delay.timeout_seconds=10",
        ),
    ] {
        let after = desired(changes);
        let change = steps(&after, &world);
        assert!(change.contains(expected), "{change}");
        assert_eq!(change.lines().count(), 2, "{change}");
        assert_eq!(steps(&after, &carried_out(&after, world.clone())), NOTHING);
    }
}

#[test]
fn an_attribute_that_is_taken_away_goes_back_to_the_default() {
    let with = desired(json!({"Listeners": [{"Port": 80, "TargetGroupAttributes":
        [{"Key": "preserve_client_ip.enabled", "Value": true}]}]}));
    let world = carried_out(&with, bare(&with));
    let without = desired(json!({}));
    assert!(steps(&without, &world).contains("preserve_client_ip.enabled=false"));
}

#[test]
fn a_port_that_moves_is_made_first_and_taken_away_last() {
    let before = desired(json!({}));
    let world = carried_out(&before, bare(&before));
    let after = desired(json!({"Listeners": [{"Port": 8080, "AlbPort": 80}]}));
    let moved = steps(&after, &world);
    let lines: Vec<_> = moved.lines().collect();
    assert!(lines[0].starts_with("+ target group") && lines[0].contains("-8080 for port 80"));
    assert!(lines[2].starts_with("+ listener on port 8080"));
    assert_eq!(lines[4], "- listener on port 80");
    assert!(lines[5].starts_with("- target group") && lines[5].ends_with("-80"));
    assert_eq!(steps(&after, &carried_out(&after, world)), NOTHING);
}

#[test]
fn a_given_target_group_gets_neither_group_nor_listener() {
    let desired = desired(json!({"Listeners": [{"Port": 80, "TargetGroupArn": GIVEN}]}));
    let plan = steps(&desired, &bare(&desired));
    assert!(
        !plan.contains("target group") && !plan.contains("listener"),
        "{plan}"
    );
}

#[test]
fn a_target_group_newly_given_with_a_bucket_is_adopted_once_before_the_sync() {
    let given = json!([{"Port": 80, "TargetGroupArn": GIVEN}]);
    let adopts = format!("{NOTHING}, and what an earlier function knew of {GIVEN}");
    let before = desired(json!({"BucketName": "their-bucket"}));
    let mut world = bare(&before);
    world.bucket_exists = true;
    let created = desired(json!({"BucketName": "their-bucket", "Listeners": given}));
    let updated = carried_out(&before, world.clone());
    for world in [world, updated] {
        let plan = steps(&created, &world);
        assert!(plan.contains(&adopts), "{plan}");
        assert_eq!(steps(&created, &carried_out(&created, world)), NOTHING);
    }
    // In a bucket of the binding's own nobody can have left anything.
    let own = desired(json!({"Listeners": given}));
    assert!(!steps(&own, &bare(&own)).contains(&adopts));
}

#[test]
fn a_changed_bucket_takes_the_record_along_and_the_stub_goes_with_the_next_update() {
    let before = desired(json!({"BucketName": "first-bucket"}));
    let mut world = bare(&before);
    world.bucket_exists = true;
    let world = carried_out(&before, world);
    let after = desired(json!({"BucketName": "second-bucket"}));
    let plan = steps(&after, &world);
    let lines: Vec<_> = plan.lines().collect();
    let takes = "~ record from bucket first-bucket to bucket second-bucket";
    assert_eq!(lines.first(), Some(&takes));
    assert!(!plan.contains("stub"), "late ticks are led by it: {plan}");
    let world = carried_out(&after, world);
    let plan = steps(&after, &world);
    assert_eq!(plan.lines().last(), Some("- stub in bucket first-bucket"));
    assert_eq!(steps(&after, &carried_out(&after, world)), NOTHING);
}

#[test]
fn a_rolled_back_update_takes_the_record_back_and_keeps_the_own_buckets_stub() {
    let before = desired(json!({}));
    let world = carried_out(&before, bare(&before));
    let after = desired(json!({"BucketName": "second-bucket"}));
    let mut world = carried_out(&after, world);
    world.bucket_exists = true;
    let plan = steps(&after, &world);
    assert_eq!(plan, NOTHING, "the own bucket goes with Delete");
    let plan = steps(&before, &world);
    let own = format!("{}-123456789012", before.id);
    let takes = format!("~ record from bucket second-bucket to bucket {own}");
    assert_eq!(plan.lines().next(), Some(&*takes));
}

#[test]
fn a_given_target_group_that_is_not_wanted_any_more_loses_own_targets_last() {
    const OTHER: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/other/4";
    let given = |arn: &str| json!({"Listeners": [{"Port": 80, "TargetGroupArn": arn}]});
    let before = desired(given(GIVEN));
    let mut world = carried_out(&before, bare(&before));
    let after = desired(given(OTHER));
    let plan = steps(&after, &world);
    let takes_out = format!("- own targets in {GIVEN}");
    assert_eq!(plan.lines().last(), Some(&*takes_out));
    // The rule names it on, for AWS may refuse to have them taken out now.
    let checked = checked(&world);
    let target = after
        .rule_target(&checked, &BTreeMap::new(), 0)
        .expect("a target");
    let event = RuleEvent::of_template(&target.template).expect("ours");
    assert!(event.names(GIVEN) && event.names(OTHER));
    // A record that somebody else has written does not decide over groups that were never named.
    let record = &mut world.record.as_mut().expect("a record").0;
    record.own.insert(format!("{GIVEN}/foreign"), Own::new());
    assert_eq!(steps(&after, &world), plan);
}

#[test]
fn the_rule_is_put_again_where_more_addresses_are_known_than_it_tells_and_not_where_fewer_are() {
    let wanted = desired(json!({}));
    let mut world = carried_out(&wanted, bare(&wanted));
    // One answer of DNS shows that it holds seven addresses, and not that it holds eight.
    for (known, is_put) in [(7, false), (8, true), (28, true), (9, false), (29, true)] {
        let target = |last| Endpoint {
            address: [10, 0, 0, last].into(),
            port: 80,
        };
        let own = (0..known).map(|last| (target(last), Default::default()));
        let (record, _) = world.record.as_mut().expect("a record");
        record.own = [("arn:group".to_owned(), own.collect())].into();
        let plan = steps(&wanted, &world);
        assert_eq!(plan.contains("+ rule target"), is_put, "{known}: {plan}");
        world = carried_out(&wanted, world);
        assert_eq!(steps(&wanted, &world), NOTHING, "{known}");
    }
}

#[test]
fn a_stack_with_as_many_tags_as_aws_allows_still_leaves_room_for_the_bindings() {
    let many = (0..50)
        .map(|number| (format!("tag-{number:02}"), String::new()))
        .collect();
    let tags = desired(json!({})).id.tags(many);
    assert_eq!(tags.len(), 50);
    assert!(tags.contains_key(TAG));
}

#[test]
fn tags_that_others_added_stay() {
    let desired = desired(json!({}));
    let mut world = carried_out(&desired, bare(&desired));
    for tags in [&mut world.bucket_tags, &mut world.rule_tags] {
        tags.insert("theirs".to_owned(), "kept".to_owned());
    }
    assert_eq!(steps(&desired, &world), NOTHING);
    world.tags.insert("new".to_owned(), "tag".to_owned());
    let plan = steps(&desired, &world);
    assert!(
        plan.contains("tags alb-nlb-binding=") && plan.contains("theirs=kept"),
        "{plan}"
    );
}

#[test]
fn an_own_bucket_without_its_policy_gets_it_and_one_whose_policy_is_unread_does_not() {
    let desired = Desired {
        function_arn: "arn:aws-cn:lambda:cn-north-1:123456789012:function:binding".to_owned(),
        ..desired(json!({}))
    };
    let mut world = carried_out(&desired, bare(&desired));
    let put = world.bucket_policy.take().expect("a policy");
    let arn = format!("arn:aws-cn:s3:::{}", desired.own_bucket());
    assert!(put.contains(&format!("[\"{arn}\",\"{arn}/*\"]")), "{put}");
    let plan = steps(&desired, &world);
    assert!(plan.contains("no request without TLS"), "{plan}");
    assert_eq!(plan.lines().count(), 2, "{plan}");
    world.bucket_policy_refused = Some("AccessDenied".to_owned());
    assert_eq!(steps(&desired, &world), NOTHING);
}

#[test]
fn a_policy_that_cannot_be_read_holds_up_only_what_does_not_stand_with_its_bucket() {
    let own = desired(json!({}));
    let given = desired(json!({"BucketName": "their-bucket"}));
    let unread = |desired: &Desired| {
        let mut world = carried_out(desired, bare(desired));
        world.bucket_exists = true;
        world.bucket_policy_refused = Some("AccessDenied".to_owned());
        world
    };
    let advice = "allow s3:GetBucketPolicy and s3:PutBucketPolicy";
    assert!(findings(&own, &unread(&own)).contains(advice));
    let (errors, warnings) = update(&own, &own, &unread(&own));
    assert_eq!(errors, None);
    assert!(warnings.contains(advice), "{warnings}");
    // To a bucket of its own the binding only comes.
    let (errors, _) = update(&given, &own, &unread(&given));
    assert!(errors.expect("it is new").contains(advice));
}

#[test]
fn good_load_balancers_pass_the_checks_with_own_listeners_and_with_others_beside_them() {
    let desired = desired(json!({}));
    let mut world = bare(&desired);
    assert_eq!(found(&desired, &world), None);
    world.nlb_listeners = vec![
        own_listener(80, "arn:own", Map::new()),
        NlbListener {
            is_own: false,
            ..own_listener(81, "arn:theirs", Map::new())
        },
    ];
    assert_eq!(found(&desired, &world), None);
}

#[test]
fn a_zone_that_only_the_alb_has_is_always_an_error_that_names_both_sides() {
    let desired = desired(json!({"AllowZoneMismatch": true}));
    let mut world = bare(&desired);
    world.nlb = Some(load_balancer(NLB, "network", &["a"]));
    world
        .nlb_attributes
        .insert("load_balancing.cross_zone.enabled".into(), "true".into());
    let found = findings(&desired, &world);
    assert!(
        found.contains("the ALB application is in a, b, the NLB network in a"),
        "{found}"
    );
    assert!(found.contains("targets in b would be unused"), "{found}");
}

#[test]
fn a_zone_that_only_the_nlb_has_passes_when_allowed_and_cross_zone_is_on() {
    for (allowed, cross_zone, passes) in [
        (true, Some("true"), true),
        (true, Some("false"), false),
        (true, None, false),
        (false, Some("true"), false),
    ] {
        let desired = desired(json!({ "AllowZoneMismatch": allowed }));
        let mut world = bare(&desired);
        world.alb = Some(load_balancer(ALB, "application", &["a"]));
        if let Some(value) = cross_zone {
            world
                .nlb_attributes
                .insert("load_balancing.cross_zone.enabled".into(), value.into());
        }
        assert_eq!(
            found(&desired, &world).is_none(),
            passes,
            "{allowed} {cross_zone:?}"
        );
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let desired = desired(json!({"BucketName": "no-such-bucket", "Listeners": [
        {"Port": 81}, {"Port": 443, "AlbPort": 443}, {"Port": 80, "TargetGroupArn": GIVEN},
    ]}));
    let mut world = bare(&desired);
    world.alb = Some(LoadBalancer {
        scheme: Scheme::InternetFacing,
        state: State::Failed,
        ..load_balancer(ALB, "application", &["a", "c"])
    });
    world
        .alb_attributes
        .insert("idle_timeout.timeout_seconds".into(), "350".into());
    let mut theirs = own_listener(443, "arn:x", Map::new());
    theirs.is_own = false;
    world.nlb_listeners.push(theirs);
    world.given_groups.insert(GIVEN.to_owned(), None);
    let found = findings(&desired, &world);
    for expected in [
        "is in state failed, but must be active",
        "has the scheme internet-facing, but must be internal",
        "no HTTP or HTTPS listener on AlbPort 81, it has HTTP 80, HTTP 443",
        "already has the listener arn:listener-443 on port 443",
        &format!("TargetGroupArn {GIVEN} does not exist"),
        "targets in c would be unused",
        "address in b would have no target",
        "idle_timeout.timeout_seconds 350, which must be below IdleTimeoutSeconds 350 of the listener on Port 81",
        "BucketName no-such-bucket does not exist",
    ] {
        assert!(found.contains(expected), "{expected:?} is not in\n{found}");
    }
}

#[test]
fn a_load_balancer_that_is_being_made_is_told_apart_from_what_fails_a_request() {
    let desired = desired(json!({"Listeners": [{"Port": 81}]}));
    let mut world = bare(&desired);
    world.nlb.as_mut().expect("an NLB").state = State::Provisioning;
    let found = check(&desired, None, &world).expect_err("two findings");
    let (fails, waits) = found.but_for_provisioning();
    let fails: Vec<_> = fails.iter().collect();
    let waits: Vec<_> = waits.iter().collect();
    assert!(
        matches!(fails.as_slice(), [fails] if fails.contains("AlbPort 81")),
        "{fails:?}"
    );
    assert!(
        matches!(waits.as_slice(), [waits] if waits.ends_with("a Create and an Update wait until it is")),
        "{waits:?}"
    );
}

#[test]
fn a_name_stands_in_the_place_of_an_alb_and_only_the_nlb_is_checked() {
    let to_name = json!({"AlbArn": null, "TargetDnsName": "db.example.com", "SameVpc": false});
    let desired = desired(to_name);
    let mut world = bare(&desired);
    // As it is looked at: nothing of an ALB is asked.
    (world.alb, world.alb_listeners) = (None, Vec::new());
    let (checked, known) = check(&desired, None, &world).expect("it passes");
    assert_eq!(known, Findings::default());
    let orders = Desired::orders(&desired, &checked, &BTreeMap::new());
    assert_eq!(orders, None, "the target group is not made yet");
    let backend = &checked.backend;
    assert_eq!(
        (backend.alb_arn.as_str(), backend.name.as_str()),
        ("", "db.example.com")
    );
    assert_eq!(backend.availability_zone.as_deref(), Some("all"));
    assert!(!backend.may_be_silent, "a Create waits for its addresses");
    world.nlb = None;
    assert!(findings(&desired, &world).contains("NlbArn"));
}

/// An own listener on a port that is made, one that serves a given group, and others' beside them.
#[test]
fn only_the_listeners_that_carry_the_bindings_traffic_must_hold_connections_for_longer() {
    let desired = desired(json!({"Listeners": [
        {"Port": 81, "AlbPort": 80}, {"Port": 80, "TargetGroupArn": GIVEN},
    ]}));
    let of = |port, group: &str, is_own, seconds: Option<u32>| NlbListener {
        is_own,
        attributes: seconds
            .map(|seconds| ("tcp.idle_timeout.seconds".into(), seconds.to_string()))
            .into_iter()
            .collect(),
        ..own_listener(port, group, Map::new())
    };
    for (listener, alb_seconds, too_short) in [
        // What is made gets what the properties say, whatever it has now.
        (of(81, "arn:own", true, Some(100)), 349, None),
        // It goes with the Update, for its port is no longer wanted.
        (of(82, "arn:own", true, Some(60)), 99, None),
        (of(443, GIVEN, false, Some(100)), 99, None),
        (of(443, GIVEN, false, Some(100)), 100, Some((100, 443))),
        (of(443, "arn:theirs", false, Some(60)), 99, None),
    ] {
        let mut world = bare(&desired);
        let given = Some(given_group("ip", "TCP", "vpc-1"));
        world.given_groups.insert(GIVEN.to_owned(), given);
        world.alb_attributes.insert(
            "idle_timeout.timeout_seconds".into(),
            alb_seconds.to_string(),
        );
        let text = format!("{listener:?} {alb_seconds}");
        world.nlb_listeners = vec![listener];
        let found = found(&desired, &world);
        let expected = too_short.map(|(seconds, port)| {
            format!("tcp.idle_timeout.seconds {seconds} of the NLB's listener arn:listener-{port}")
        });
        match (found, expected) {
            (Some(found), Some(expected)) => assert!(found.contains(&expected), "{text}: {found}"),
            (found, expected) => assert_eq!(found, expected, "{text}"),
        }
    }
}

#[test]
fn a_listener_that_is_made_must_hold_connections_for_longer_than_the_alb() {
    for (given, alb_seconds, passes) in [
        (None, 349, true),
        (None, 350, false),
        (Some(100), 99, true),
        (Some(100), 100, false),
        (Some(4001), 4000, true),
    ] {
        let mut listener = json!({"Port": 80});
        if let Some(seconds) = given {
            listener["IdleTimeoutSeconds"] = json!(seconds);
        }
        let desired = desired(json!({ "Listeners": [listener] }));
        let mut world = bare(&desired);
        let key = "idle_timeout.timeout_seconds".to_owned();
        world.alb_attributes.insert(key, alb_seconds.to_string());
        let found = found(&desired, &world);
        assert_eq!(
            found.is_none(),
            passes,
            "{given:?} {alb_seconds}: {found:?}"
        );
    }
}

#[test]
fn an_idle_timeout_is_set_where_the_listener_has_another_and_goes_back_to_awss_default() {
    let of =
        |seconds: u32| desired(json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": seconds}]}));
    let (long, default) = (of(600), of(350));
    let set = |seconds| format!("~ listener on port 80: idle timeout {seconds} s");
    assert!(steps(&long, &bare(&long)).contains(&set(600)));
    assert!(!steps(&default, &bare(&default)).contains("idle timeout"));
    let world = carried_out(&long, bare(&long));
    assert_eq!(steps(&long, &world), NOTHING);
    assert_eq!(steps(&default, &world), format!("{NOTHING}\n{}", set(350)));
}

/// AWS takes an interval only while connections are not terminated, so there is an order.
#[test]
fn attributes_go_back_to_awss_defaults_in_the_order_that_aws_takes() {
    const INTERVAL: &str = "target_health_state.unhealthy.draining_interval_seconds";
    const TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
    let drains = desired(json!({"Listeners": [{"Port": 80, "TargetGroupAttributes": [
        {"Key": INTERVAL, "Value": 30},
        {"Key": TERMINATION, "Value": false},
        {"Key": "deregistration_delay.timeout_seconds", "Value": 10},
    ]}]}));
    let world = carried_out(&drains, bare(&drains));
    let changes = |desired: &Desired, world: &Observed| {
        let steps = steps(desired, world);
        let lines = steps.lines().filter_map(|line| {
            let (_, attributes) = line.strip_prefix("~ target group ")?.split_once(": ")?;
            Some(attributes.to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    let together =
        format!("deregistration_delay.timeout_seconds=10, {TERMINATION}=false, {INTERVAL}=30");
    assert_eq!(changes(&drains, &bare(&drains)), [together]);
    let back = [
        format!("deregistration_delay.timeout_seconds=300, {INTERVAL}=0"),
        format!("{TERMINATION}=true"),
    ];
    assert_eq!(changes(&desired(json!({})), &world), back);
}

#[test]
fn at_the_listeners_quota_those_that_are_to_go_are_moved_in_the_order_of_ports() {
    let ports = |ports: &[u16]| {
        let listener = |port| json!({"Port": port, "AlbPort": 80});
        let listeners: Vec<_> = ports.iter().map(listener).collect();
        desired(json!({ "Listeners": listeners }))
    };
    let before = ports(&[1, 2, 3, 4]);
    let world = carried_out(&before, bare(&before));
    let wanted = ports(&[3, 8, 9]);
    let moved = |refused: &[u16]| {
        let refused: BTreeSet<u16> = refused.iter().copied().collect();
        moving(&wanted, &checked(&world), &refused)
    };
    let group = |port| wanted.id.target_group(port);
    let lines = |steps: Vec<Step>| crate::binding::step::lines(&steps);
    assert_eq!(
        lines(moved(&[9, 8]).expect("there is room")),
        format!(
            "~ listener from port 1 to port 8, to {}\n\
             ~ listener from port 2 to port 9, to {}\n\
             - listener on port 4\n\
             - target group {}\n- target group {}\n- target group {}",
            group(8),
            group(9),
            group(1),
            group(2),
            group(4)
        )
    );
    assert_eq!(moved(&[5]), None, "it is not wanted");
    let more = ports(&[2, 3, 4, 8, 9]);
    let refused = BTreeSet::from([8, 9]);
    assert_eq!(
        moving(&more, &checked(&world), &refused),
        None,
        "one is to go"
    );
    // What was refused is there in the end, and nothing is left to do.
    let mut steps = planned(&wanted, &world).steps;
    steps.retain(|step| !matches!(step, Step::CreateListener { .. } | Step::Remove(_)));
    steps.extend(moved(&[8, 9]).expect("there is room"));
    let end = after(&wanted, world.clone(), steps);
    assert_eq!(super::tests::steps(&wanted, &end), NOTHING);
}

/// What is found of an Update to properties of which a binding stands on `before`: errors, and warnings.
fn update(before: &Desired, wanted: &Desired, world: &Observed) -> (Option<String>, String) {
    let stands = carried_out(before, bare(before));
    let orders = before.orders(&checked(&stands), &BTreeMap::new());
    let orders = orders.expect("all is made");
    let standing = Standing {
        properties: std::slice::from_ref(&before.properties),
        orders: &orders,
    };
    match check(wanted, Some(standing), world) {
        Ok((_, known)) => (None, known.to_string()),
        Err(findings) => (Some(findings.to_string()), String::new()),
    }
}

/// By hand, after the binding had its success.
#[test]
fn what_is_found_of_the_properties_that_stand_holds_no_update_up() {
    let before = desired(json!({"AllowZoneMismatch": true, "Listeners": [
        {"Port": 80, "TargetGroupAttributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": true}]},
        {"Port": 443, "TargetGroupArn": GIVEN},
    ]}));
    let mut fine = bare(&before);
    let given = Some(given_group("ip", "TCP", "vpc-1"));
    fine.given_groups.insert(GIVEN.to_owned(), given);
    assert_eq!(update(&before, &before, &fine), (None, String::new()));
    type Change = fn(&mut Observed);
    let changes: [(Change, &str); 10] = [
        (|world| world.alb = None, "AlbArn"),
        (|world| world.nlb = None, "NlbArn"),
        (
            |world| {
                let key = "idle_timeout.timeout_seconds".to_owned();
                world.alb_attributes.insert(key, "400".to_owned());
            },
            "IdleTimeoutSeconds 350",
        ),
        (|world| world.alb_listeners.clear(), "AlbPort 80"),
        (
            |world| world.nlb.as_mut().expect("an NLB").zones = ["a".to_owned()].into(),
            "would be unused",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into(),
            "would have no target",
        ),
        (
            |world| {
                world.nlb_listeners.push(NlbListener {
                    is_own: false,
                    ..own_listener(80, "arn:theirs", Map::new())
                });
            },
            "already has the listener",
        ),
        (
            |world| {
                world.given_groups.insert(GIVEN.to_owned(), None);
            },
            "does not exist",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").scheme = Scheme::InternetFacing,
            "internet-facing",
        ),
        (
            |world| world.alb.as_mut().expect("an ALB").state = State::Failed,
            "state failed",
        ),
    ];
    for (change, expected) in changes {
        let mut world = fine.clone();
        change(&mut world);
        let (errors, warnings) = update(&before, &before, &world);
        assert_eq!(errors, None);
        assert!(warnings.contains(expected), "{expected}: {warnings}");
        let create = findings(&before, &world);
        assert!(create.contains(expected), "{expected}: {create}");
    }
}

#[test]
fn what_an_update_makes_worse_is_an_error_though_something_else_stands_as_it_is() {
    let before = desired(json!({}));
    let mut world = bare(&before);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
    for (wanted, expected) in [
        (
            json!({"Listeners": [{"Port": 80}, {"Port": 81, "AlbPort": 80}]}),
            "on Port 81",
        ),
        (
            json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 300}]}),
            "IdleTimeoutSeconds 300",
        ),
        (
            json!({"Listeners": [{"Port": 80, "AlbPort": 8080}]}),
            "AlbPort 8080",
        ),
        (
            json!({"BucketName": "no-such-bucket"}),
            "BucketName no-such-bucket",
        ),
    ] {
        let wanted = desired(wanted);
        let (errors, _) = update(&before, &wanted, &world);
        let errors = errors.expect("something is worse");
        assert!(errors.contains(expected), "{expected}: {errors}");
        let stood = "IdleTimeoutSeconds 350 of the listener on Port 80";
        assert!(!errors.contains(stood), "{errors}");
    }
    // Of another ALB nothing stands.
    let other = desired(json!({"AlbArn": ALB.replace("orders", "others")}));
    let (errors, _) = update(&before, &other, &world);
    let errors = errors.expect("all is new");
    assert!(errors.contains("would have no target"), "{errors}");
    assert!(errors.contains("on Port 80"), "{errors}");
    // What a given group's own setting made up for is allowed no more.
    let listeners = json!([{"Port": 80, "TargetGroupArn": GIVEN}]);
    let allowed = desired(json!({"AllowZoneMismatch": true, "Listeners": listeners}));
    let mut world = bare(&allowed);
    world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
    let mut group = given_group("ip", "TCP", "vpc-1");
    let key = "load_balancing.cross_zone.enabled".to_owned();
    group.attributes.insert(key, "true".to_owned());
    world.given_groups.insert(GIVEN.to_owned(), Some(group));
    assert_eq!(update(&allowed, &allowed, &world), (None, String::new()));
    let (errors, _) = update(
        &allowed,
        &desired(json!({ "Listeners": listeners })),
        &world,
    );
    assert!(errors.expect("it is new").contains("would have no target"));
    // Nor where it gives way to one that is confined to its zone.
    let made = desired(json!({"AllowZoneMismatch": true}));
    world.given_groups.clear();
    let (errors, _) = update(&allowed, &made, &world);
    assert!(errors.expect("it is new").contains("would have no target"));
}

#[test]
fn more_time_than_the_albs_helps_though_that_was_not_so_before() {
    let before = desired(json!({}));
    let mut world = bare(&before);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    let longer = desired(json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}]}));
    assert_eq!(update(&before, &longer, &world).0, None);
}

#[test]
fn a_rollback_may_go_back_to_what_the_binding_stood_on_before() {
    let raised = json!({"Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}]});
    let properties = json!({
        "AlbArn": ALB, "NlbArn": NLB, "Listeners": [{"Port": 80, "IdleTimeoutSeconds": 500}],
    });
    let raised = desired(raised);
    let before = desired(json!({}));
    let mut world = bare(&raised);
    let key = "idle_timeout.timeout_seconds".to_owned();
    world.alb_attributes.insert(key, "400".to_owned());
    let stands = carried_out(&raised, bare(&raised));
    let mut record = Record::new(&raised.id.to_string(), Phase::Serving);
    record.orders = raised.orders(&checked(&stands), &BTreeMap::new());
    // One that was lost and made anew has no properties.
    for known in [Some(properties), None] {
        record.properties = known;
        for (rolls_back, passes) in [(false, false), (true, true)] {
            let (properties, orders) = before.standing(&record, rolls_back).expect("orders");
            let standing = Standing {
                properties: &properties,
                orders: &orders,
            };
            assert_eq!(check(&before, Some(standing), &world).is_ok(), passes);
        }
    }
}

#[test]
fn a_rollback_to_an_alb_that_is_gone_says_so() {
    let others = ALB.replace("orders", "others");
    let other = desired(json!({ "AlbArn": others }));
    let mut stands = bare(&other);
    stands.alb = Some(load_balancer(&others, "application", &["a", "b"]));
    let stands = carried_out(&other, stands);
    let mut record = Record::new(&other.id.to_string(), Phase::Serving);
    record.orders = other.orders(&checked(&stands), &BTreeMap::new());
    let before = desired(json!({}));
    let (properties, orders) = before.standing(&record, true).expect("orders");
    let standing = Standing {
        properties: &properties,
        orders: &orders,
    };
    let mut world = bare(&before);
    world.alb = None;
    let findings = check(&before, Some(standing), &world).expect_err("nothing is known of it");
    assert!(
        findings.to_string().contains("does not exist"),
        "{findings}"
    );
}

#[test]
fn a_binding_stands_without_what_is_gone() {
    let desired = desired(json!({"Listeners": [
        {"Port": 80}, {"Port": 81, "AlbPort": 80, "TargetGroupArn": GIVEN},
    ]}));
    let mut world = bare(&desired);
    world
        .given_groups
        .insert(GIVEN.to_owned(), Some(given_group("ip", "TCP", "vpc-1")));
    let world = carried_out(&desired, world);
    let orders = desired
        .orders(&checked(&world), &BTreeMap::new())
        .expect("all is made");
    let standing = Standing {
        properties: std::slice::from_ref(&desired.properties),
        orders: &orders,
    };
    type Change = fn(&mut Observed);
    let changes: [(Change, &str); 3] = [
        (|world| world.alb = None, ""),
        (
            |world| {
                world.nlb = None;
                world.nlb_listeners.clear();
            },
            NOTHING,
        ),
        (
            |world| {
                let theirs = world.nlb_listeners.first_mut().expect("a listener");
                theirs.is_own = false;
            },
            NOTHING,
        ),
    ];
    for (change, expected) in changes {
        let mut world = world.clone();
        change(&mut world);
        let (checked, _) = check(&desired, Some(standing), &world).expect("it stands");
        let plan = plan(&desired, &checked).to_string();
        let lines: Vec<_> = plan
            .lines()
            .filter(|line| !line.starts_with("~ record in"))
            .collect();
        assert_eq!(lines.join("\n"), expected);
        assert_eq!(
            desired.orders(&checked, &BTreeMap::new()),
            Some(orders.clone())
        );
    }
}

#[test]
fn cross_zone_load_balancing_must_be_in_effect_for_every_target_group() {
    let made = |value: Option<&str>| {
        let attributes: Vec<_> = value
            .map(|value| json!({"Key": "load_balancing.cross_zone.enabled", "Value": value}))
            .into_iter()
            .collect();
        json!({"Port": 80, "TargetGroupAttributes": attributes})
    };
    let given = json!({"Port": 81, "AlbPort": 80, "TargetGroupArn": GIVEN});
    for (nlb, own, theirs, refused) in [
        ("true", None, None, None),
        ("true", Some("use_load_balancer_configuration"), None, None),
        (
            "true",
            Some("false"),
            None,
            Some("false of TargetGroupAttributes of Port 80"),
        ),
        ("false", Some("true"), None, None),
        ("false", Some("true"), Some("true"), None),
        ("false", None, Some("true"), Some("false of the NLB")),
        ("true", None, Some("false"), Some(GIVEN)),
        (
            "false",
            Some("true"),
            Some("use_load_balancer_configuration"),
            Some("false of the NLB"),
        ),
    ] {
        let mut listeners = vec![made(own)];
        listeners.extend(theirs.map(|_| given.clone()));
        let desired = desired(json!({"AllowZoneMismatch": true, "Listeners": listeners}));
        let mut world = bare(&desired);
        world.alb.as_mut().expect("an ALB").zones = ["a".to_owned()].into();
        let key = "load_balancing.cross_zone.enabled".to_owned();
        world.nlb_attributes.insert(key.clone(), nlb.to_owned());
        let mut group = given_group("ip", "TCP", "vpc-1");
        group
            .attributes
            .extend(theirs.map(|value| (key, value.to_owned())));
        world.given_groups.insert(GIVEN.to_owned(), Some(group));
        let found = found(&desired, &world);
        match (found, refused) {
            (Some(found), Some(refused)) => assert!(found.contains(refused), "{found}"),
            (found, refused) => assert_eq!(found.as_deref(), refused, "{nlb} {own:?} {theirs:?}"),
        }
    }
}

#[test]
fn zones_are_not_compared_where_targets_are_registered_with_all_of_them() {
    let desired = desired(json!({}));
    let mut world = bare(&desired);
    let alb = world.alb.as_mut().expect("an ALB");
    alb.zones = ["a".to_owned(), "c".to_owned()].into();
    assert!(found(&desired, &world).is_some());
    world.alb.as_mut().expect("an ALB").vpc_id = "vpc-2".to_owned();
    assert_eq!(found(&desired, &world), None);
}

#[test]
fn a_taken_port_tells_whose_it_is() {
    let desired = desired(json!({}));
    let mut world = bare(&desired);
    let other = BindingId::derive("stack", "Other", NLB);
    let theirs = |group: &str, tags| NlbListener {
        is_own: false,
        ..own_listener(80, group, tags)
    };
    world.nlb_listeners = vec![theirs(GIVEN, other.tags(Map::new()))];
    let found = findings(&desired, &world);
    assert!(
        found.contains(&format!("is {other}'s, another binding")),
        "{found}"
    );
    assert!(!found.contains("TargetGroupArn"), "{found}");
    world.nlb_listeners = vec![theirs(GIVEN, Map::new())];
    let found = findings(&desired, &world);
    assert!(
        found.contains(&format!("TargetGroupArn {GIVEN}")),
        "{found}"
    );
}

#[test]
fn load_balancers_that_are_missing_or_of_the_wrong_type_are_named() {
    let desired = desired(json!({}));
    let mut world = bare(&desired);
    world.alb = Some(load_balancer(ALB, "network", &["a", "b"]));
    world.nlb = None;
    let found = findings(&desired, &world);
    assert!(
        found.contains("is of type network, but must be of type application"),
        "{found}"
    );
    assert!(
        found.contains(&format!("NlbArn {NLB} does not exist")),
        "{found}"
    );
}

#[test]
fn a_given_target_group_must_be_of_type_ip_with_tcp_in_the_nlbs_vpc() {
    let desired = desired(json!({"Listeners": [{"Port": 80, "TargetGroupArn": GIVEN}]}));
    let mut world = bare(&desired);
    let given = Some(given_group("alb", "TLS", "vpc-2"));
    world.given_groups.insert(GIVEN.to_owned(), given);
    let found = findings(&desired, &world);
    for expected in [
        "type alb, but must have ip",
        "protocol TLS, but must have TCP",
        "VPC vpc-2, but must have vpc-1",
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

fn given_group(target_type: &str, protocol: &str, vpc_id: &str) -> GivenTargetGroup {
    let group = TargetGroup {
        arn: GIVEN.to_owned(),
        name: "theirs".to_owned(),
        port: 80,
        protocol: protocol.to_owned(),
        target_type: target_type.to_owned(),
        vpc_id: vpc_id.to_owned(),
        health_check: health_check(),
        load_balancers: Vec::new(),
    };
    let attributes = Map::new();
    GivenTargetGroup { group, attributes }
}

fn health_check() -> crate::model::HealthCheck {
    let made = desired(json!({}));
    match &made.properties.listeners[0].target_group {
        TargetGroupProperties::Made(made) => made.health_check.clone(),
        TargetGroupProperties::Given { .. } => unreachable!("a target group is made"),
    }
}

#[test]
fn an_alb_in_another_vpc_is_registered_with_all_zones() {
    let desired = desired(json!({}));
    let mut world = carried_out(&desired, bare(&desired));
    world.alb.as_mut().expect("the ALB").vpc_id = "vpc-2".to_owned();
    let orders = desired.orders(&checked(&world), &BTreeMap::new());
    let orders = orders.expect("all is made");
    assert_eq!(orders.availability_zone.as_deref(), Some("all"));
}

#[test]
fn names_follow_from_the_id_and_the_id_from_what_is_asked_for() {
    let id = BindingId::derive("stack", "Binding", NLB);
    assert_eq!(id, BindingId::derive("stack", "Binding", NLB));
    assert_ne!(id, BindingId::derive("stack", "Binding", ALB));
    assert_eq!(BindingId::parse(&id.to_string()), Some(id.clone()));
    assert!(id.bucket("123456789012").len() <= 63);
    assert!(id.target_group(65535).len() <= 32);
    for other in [
        "",
        "alb-nlb-binding-",
        "alb-nlb-binding-0123456789ABCDEF",
        "2026/11/22/[$LATEST]0",
    ] {
        assert_eq!(BindingId::parse(other), None, "{other}");
    }
}
