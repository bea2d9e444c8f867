//! The recipes of docs/recipes.md, each followed as its reader would follow it.

use crate::support::{
    ELB, Fixture, SentResponse, as_targets, binary, forward_to, make_idle_target_group,
    make_listener, operations,
};
use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, ForwardActionConfig, Listener, ListenerAttribute,
    ProtocolEnum, TargetGroupTuple,
};
use lab::{AlbAndNlb, AlbSpec, Fault, FaultKind, Lab, NlbSpec, ZONES};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A stack with a binding in it, on an NLB that another stack uses as well.
struct SharingStack {
    fixture: Fixture,
    id: String,
    /// How many addresses of the VPC come before the ALB's own: two ALBs have none in common.
    skipped: usize,
}

impl SharingStack {
    /// Two stacks that share an NLB. Each has an ALB of its own, with the stack's name.
    async fn two(names: [&str; 2]) -> Result<[Self; 2]> {
        let [one, other] = names.map(AlbSpec::new);
        Self::of_albs([one, other]).await
    }

    async fn of_albs(albs: [AlbSpec; 2]) -> Result<[Self; 2]> {
        let lab = Arc::new(Lab::start().await?);
        let vpc = lab.vpc().await?;
        let nlb = lab.nlb(&vpc, &NlbSpec::new("front")).await?;
        let mut stacks = Vec::new();
        for (number, mut spec) in albs.into_iter().enumerate() {
            spec.ports = vec![80, 443];
            let alb = lab.alb(&vpc, &spec).await?;
            let nlb = nlb.clone();
            // The access key tells which function made a call.
            let variables = [("AWS_ACCESS_KEY_ID", spec.name.as_str())];
            let function = lab.function_with(binary(), &variables).await?;
            let fixture = Fixture::on(Arc::clone(&lab), function, AlbAndNlb { alb, nlb });
            let id = format!(
                "arn:aws:cloudformation:us-east-1:000000000000:stack/{}/1",
                spec.name
            );
            let skipped = number * 50;
            let stack = Self {
                fixture,
                id,
                skipped,
            };
            stack.scale(3);
            stacks.push(stack);
        }
        stacks.try_into().ok().context("two")
    }

    fn addresses(&self, count: usize) -> Vec<Ipv4Addr> {
        self.fixture.alb.addresses_after(self.skipped, count)
    }

    /// Sets how many addresses the ALB has in DNS.
    fn scale(&self, count: usize) {
        self.fixture.show_in_dns(self.addresses(count));
    }

    /// What the targets of a group should be for so many addresses of the ALB.
    fn expected(&self, count: usize, port: u16) -> Vec<String> {
        as_targets(&self.addresses(count), port)
    }

    async fn create(&self, listeners: Value) -> Result<SentResponse> {
        self.request("Create", None, listeners).await
    }

    async fn update(&self, made: &SentResponse, listeners: Value) -> Result<SentResponse> {
        self.request("Update", Some(made), listeners).await
    }

    async fn delete(&self, made: &SentResponse) -> Result<()> {
        let response = self.request("Delete", Some(made), json!([{"Port": 80}]));
        response.await?.assert_success();
        Ok(())
    }

    async fn request(
        &self,
        kind: &str,
        made: Option<&SentResponse>,
        listeners: Value,
    ) -> Result<SentResponse> {
        let mut event = json!({
            "RequestType": kind,
            "StackId": self.id,
            "ResourceProperties": self.fixture.properties(json!({"Listeners": listeners})),
        });
        if let Some(made) = made {
            event["PhysicalResourceId"] = json!(made.id());
        }
        self.fixture.request(event).await
    }

    /// What the function changed for this stack, other than targets.
    fn wiring_changes(&self) -> Vec<String> {
        let calls = self.fixture.function_calls().into_iter();
        let of_wiring = calls.filter(|call| {
            let operation = call.operation.as_str();
            let is_wiring = operation.contains("Listener") || operation.contains("TargetGroup");
            is_wiring && !operation.starts_with("Describe")
        });
        of_wiring
            .map(|call| format!("{} {}", call.operation, call.params))
            .collect()
    }
}

/// The NLB's listeners, each as `<protocol> <port> to <target group>`.
async fn listeners(fixture: &Fixture) -> Result<Vec<String>> {
    let client = fixture.elb();
    let described = client
        .describe_listeners()
        .load_balancer_arn(&fixture.nlb.arn);
    let described = described.send().await?;
    let mut listeners: Vec<_> = described.listeners().iter().map(told).collect();
    listeners.sort_unstable();
    Ok(listeners)
}

fn told(listener: &Listener) -> String {
    let name = |arn: Option<&str>| arn.and_then(|arn| arn.split('/').nth(1)).map(str::to_owned);
    let mut groups = Vec::new();
    for action in listener.default_actions() {
        groups.extend(name(action.target_group_arn()));
        for group in action
            .forward_config()
            .iter()
            .flat_map(|c| c.target_groups())
        {
            let weight = group.weight().unwrap_or_default();
            groups.extend(name(group.target_group_arn()).map(|name| format!("{name} x{weight}")));
        }
    }
    let protocol = listener.protocol().map_or("", ProtocolEnum::as_str);
    let port = listener.port().unwrap_or_default();
    format!("{protocol} {port} to {}", groups.join(", "))
}

/// The health of the targets of a group.
async fn target_states(fixture: &Fixture, group: &str) -> Result<Vec<String>> {
    let described = fixture
        .elb()
        .describe_target_health()
        .target_group_arn(group);
    let described = described.send().await?;
    let targets = described.target_health_descriptions().iter();
    let states = targets.filter_map(|target| target.target_health()?.state());
    Ok(states.map(|state| state.as_str().to_owned()).collect())
}

/// The listener's owner lets it forward elsewhere.
async fn set_default_action(fixture: &Fixture, listener: &str, action: Action) -> Result<()> {
    let modify = fixture.elb().modify_listener().listener_arn(listener);
    modify.default_actions(action).send().await?;
    Ok(())
}

fn forward_by_weight(groups: [(&str, i32); 2]) -> Action {
    let groups = groups.map(|(group, weight)| {
        let tuple = TargetGroupTuple::builder().target_group_arn(group);
        tuple.weight(weight).build()
    });
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups.to_vec()));
    let action = Action::builder().r#type(ActionTypeEnum::Forward);
    action.forward_config(config.build()).build()
}

// TLS on the NLB.

/// With a certificate of its own, on port 443, to a TCP target group: the NLB deciphers, and the ALB gets it plain
/// (NLB guide, "Listeners for your Network Load Balancers").
async fn tls_listener(fixture: &Fixture, group: &str) -> Result<String> {
    let arn = make_listener(&fixture.lab, &fixture.nlb, 443, group).await?;
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/theirs";
    fixture
        .elb()
        .modify_listener()
        .listener_arn(&arn)
        .protocol(ProtocolEnum::Tls)
        .certificates(Certificate::builder().certificate_arn(certificate).build())
        .send()
        .await?;
    Ok(arn)
}

#[tokio::test]
async fn behind_an_own_tls_listener_the_alb_is_followed_and_delete_leaves_listener_and_group()
-> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(3);
    let group = make_idle_target_group(&fixture.lab, &fixture.nlb, "tls", 80).await?;
    tls_listener(&fixture, &group).await?;
    let given = json!({"Listeners": [{"Port": 443, "AlbPort": 80, "TargetGroupArn": group}]});
    let made = fixture.create(given.clone()).await?;
    made.assert_success();
    assert_eq!(made.attribute("ListenerArns"), "");
    assert_eq!(fixture.targets(&group), fixture.expected(3, 80));
    assert_eq!(listeners(&fixture).await?, ["TLS 443 to tls"]);

    fixture.scale(12);
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(&group), fixture.expected(12, 80));
    fixture.scale(2);
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(&group), fixture.expected(2, 80));

    fixture.delete(&made, given).await?.assert_success();
    assert!(fixture.targets(&group).is_empty());
    assert_eq!(listeners(&fixture).await?, ["TLS 443 to tls"]);
    let left = fixture.leftovers(made.id()).await?;
    assert_eq!(left, ["listener on Some(443)"]);
    Ok(())
}

/// A TLS listener has no idle timeout but the default, which cannot be changed (NLB guide, "Update the TCP idle
/// timeout for your Network Load Balancer listener").
#[tokio::test]
async fn an_alb_that_idles_for_as_long_as_a_tls_listener_is_refused() -> Result<()> {
    let mut alb = AlbSpec::new("orders");
    alb.idle_timeout_seconds = Some(350);
    let fixture = Fixture::with(alb, NlbSpec::new("front")).await?;
    let group = make_idle_target_group(&fixture.lab, &fixture.nlb, "tls", 80).await?;
    let arn = tls_listener(&fixture, &group).await?;
    let given = json!({"Listeners": [{"Port": 80, "TargetGroupArn": group}]});
    let refused = fixture.create(given).await?;
    let seconds = "tcp.idle_timeout.seconds 350";
    refused.assert_failed(&["idle_timeout.timeout_seconds 350", seconds, &arn]);
    assert!(fixture.targets(&group).is_empty());
    Ok(())
}

// Several ALBs behind one port.

#[tokio::test]
async fn two_albs_behind_one_port_are_followed_while_its_owner_switches_between_them() -> Result<()>
{
    let [blue, green] = SharingStack::two(["blue", "green"]).await?;
    let (lab, nlb) = (&blue.fixture.lab, &blue.fixture.nlb);
    let blue_group = make_idle_target_group(lab, nlb, "blue", 80).await?;
    let green_group = make_idle_target_group(lab, nlb, "green", 80).await?;
    let front = make_listener(lab, nlb, 80, &blue_group).await?;
    let bind = async |stack: &SharingStack, group: &str| {
        let made = stack.create(json!([{"Port": 80, "TargetGroupArn": group}]));
        let made = made.await?;
        made.assert_success();
        Ok::<_, anyhow::Error>(made)
    };
    let blue_made = bind(&blue, &blue_group).await?;
    let green_made = bind(&green, &green_group).await?;
    // Green's targets are registered, but no listener forwards to them, so the NLB does not check their health.
    assert_eq!(
        target_states(&green.fixture, &green_group).await?,
        ["unused"; 3]
    );
    let trial = make_listener(lab, nlb, 8080, &green_group).await?;
    assert_eq!(
        target_states(&green.fixture, &green_group).await?,
        ["healthy"; 3]
    );

    set_default_action(&blue.fixture, &front, forward_to(&green_group)).await?;
    set_default_action(&blue.fixture, &trial, forward_to(&blue_group)).await?;
    let switched = ["TCP 80 to green", "TCP 8080 to blue"];
    // Each binding goes on following its own ALB, whichever of them has the traffic.
    blue.scale(4);
    green.scale(2);
    blue.fixture.ticks(&blue_made, 3).await?;
    green.fixture.ticks(&green_made, 3).await?;
    assert_eq!(blue.fixture.targets(&blue_group), blue.expected(4, 80));
    assert_eq!(green.fixture.targets(&green_group), green.expected(2, 80));
    assert_eq!(listeners(&blue.fixture).await?, switched);

    blue.delete(&blue_made).await?;
    assert!(blue.fixture.targets(&blue_group).is_empty());
    assert_eq!(green.fixture.targets(&green_group), green.expected(2, 80));
    assert_eq!(listeners(&blue.fixture).await?, switched);
    for stack in [&blue, &green] {
        assert_eq!(stack.wiring_changes(), [""; 0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_listener_that_weighs_two_albs_is_left_as_it_is_and_both_are_held_against_its_idle_timeout()
-> Result<()> {
    let mut slow = AlbSpec::new("green");
    slow.idle_timeout_seconds = Some(400);
    let [blue, green] = SharingStack::of_albs([AlbSpec::new("blue"), slow]).await?;
    let (lab, nlb) = (&blue.fixture.lab, &blue.fixture.nlb);
    let blue_group = make_idle_target_group(lab, nlb, "blue", 80).await?;
    let green_group = make_idle_target_group(lab, nlb, "green", 80).await?;
    let front = make_listener(lab, nlb, 80, &blue_group).await?;
    let share = |blue, green| forward_by_weight([(&blue_group, blue), (&green_group, green)]);
    set_default_action(&blue.fixture, &front, share(90, 10)).await?;

    let blue_made = blue
        .create(json!([{"Port": 80, "TargetGroupArn": blue_group}]))
        .await?;
    blue_made.assert_success();
    let given = json!([{"Port": 80, "TargetGroupArn": green_group}]);
    let refused = green.create(given.clone()).await?;
    refused.assert_failed(&["idle_timeout.timeout_seconds 400", &front]);
    let seconds = ListenerAttribute::builder()
        .key("tcp.idle_timeout.seconds")
        .value("500");
    green
        .fixture
        .elb()
        .modify_listener_attributes()
        .listener_arn(&front)
        .attributes(seconds.build())
        .send()
        .await?;
    let green_made = green.create(given).await?;
    green_made.assert_success();

    set_default_action(&blue.fixture, &front, share(0, 100)).await?;
    blue.scale(2);
    green.scale(4);
    blue.fixture.ticks(&blue_made, 3).await?;
    green.fixture.ticks(&green_made, 1).await?;
    assert_eq!(blue.fixture.targets(&blue_group), blue.expected(2, 80));
    assert_eq!(green.fixture.targets(&green_group), green.expected(4, 80));
    let weighs = ["TCP 80 to blue x0, green x100"];
    assert_eq!(listeners(&blue.fixture).await?, weighs);
    for stack in [&blue, &green] {
        assert_eq!(stack.wiring_changes(), [""; 0]);
    }
    Ok(())
}

// Blue and green by an Update of AlbArn. The way there, and a rollback while the old one is still registered, are
// tested in update.rs and record/rollbacks.rs.

#[tokio::test]
async fn an_update_back_to_an_alb_that_has_left_registers_it_again_before_the_other_one_leaves()
-> Result<()> {
    let (fixture, made) = Fixture::bound().await?;
    let group = made.attribute("TargetGroupArn").to_owned();
    let (green, of_green) = fixture.next_alb_in_dns(2).await?;
    let to_green = json!({"AlbArn": green.arn});
    fixture.update(&made, to_green).await?.assert_success();
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(&group), as_targets(&of_green, 80));

    // Blue's connections are still draining.
    fixture.update(&made, json!({})).await?.assert_success();
    let both = [fixture.alb.addresses(3), of_green].concat();
    assert_eq!(fixture.targets(&group), as_targets(&both, 80));
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(&group), fixture.expected(3, 80));
    Ok(())
}

// An NLB that several stacks share.

#[tokio::test]
async fn two_stacks_share_an_nlb_and_a_port_that_one_has_is_refused_to_the_other_by_its_owners_name()
-> Result<()> {
    let [orders, invoices] = SharingStack::two(["orders", "invoices"]).await?;
    let first = orders.create(json!([{"Port": 80}, {"Port": 443}])).await?;
    first.assert_success();
    let refused = invoices
        .create(json!([{"Port": 443}, {"Port": 8080, "AlbPort": 80}]))
        .await?;
    refused.assert_failed(&["port 443", &format!("is {}'s", first.id())]);
    assert_eq!(invoices.wiring_changes(), [""; 0]);

    let second = invoices
        .create(json!([{"Port": 8443, "AlbPort": 443}]))
        .await?;
    second.assert_success();
    assert_eq!(listeners(&orders.fixture).await?.len(), 3);
    orders.scale(2);
    invoices.scale(4);
    orders.fixture.ticks(&first, 3).await?;
    invoices.fixture.ticks(&second, 1).await?;
    let groups = first.target_groups();
    let theirs = second.attribute("TargetGroupArn");
    let serves = |count| {
        assert_eq!(
            orders.fixture.targets(groups[0]),
            orders.expected(count, 80)
        );
        assert_eq!(
            orders.fixture.targets(groups[1]),
            orders.expected(count, 443)
        );
    };
    serves(2);
    assert_eq!(invoices.fixture.targets(theirs), invoices.expected(4, 443));

    let own = first.id().trim_start_matches("alb-nlb-binding-");
    invoices.delete(&second).await?;
    let left = listeners(&orders.fixture).await?;
    let expected = [443, 80].map(|port| format!("TCP {port} to anb-{own}-{port}"));
    assert_eq!(left, expected);
    orders.scale(3);
    orders.fixture.ticks(&first, 1).await?;
    serves(3);
    for (stack, other) in [(&orders, &second), (&invoices, &first)] {
        let changes = stack.wiring_changes();
        for arn in ["ListenerArns", "TargetGroupArns"] {
            for arn in other.attribute(arn).split(',') {
                let touched = changes.iter().find(|change| change.contains(arn));
                assert_eq!(touched, None);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_port_moves_from_one_stack_to_another_in_two_updates_and_the_rest_serves_on() -> Result<()>
{
    let [orders, invoices] = SharingStack::two(["orders", "invoices"]).await?;
    let first = orders.create(json!([{"Port": 80}, {"Port": 443}])).await?;
    first.assert_success();
    let second = invoices
        .create(json!([{"Port": 8080, "AlbPort": 80}]))
        .await?;
    second.assert_success();
    let takes = json!([{"Port": 8080, "AlbPort": 80}, {"Port": 443}]);
    let too_early = invoices.update(&second, takes.clone()).await?;
    too_early.assert_failed(&[&format!("is {}'s", first.id()), "take the port out"]);

    let gives = orders.update(&first, json!([{"Port": 80}])).await?;
    gives.assert_success();
    let taken = invoices.update(&second, takes).await?;
    taken.assert_success();
    let [of_orders, of_invoices] =
        [&first, &second].map(|made| made.id().replace("alb-nlb-binding-", "anb-"));
    let moved = [
        format!("TCP 443 to {of_invoices}-443"),
        format!("TCP 80 to {of_orders}-80"),
        format!("TCP 8080 to {of_invoices}-8080"),
    ];
    assert_eq!(listeners(&orders.fixture).await?, moved);
    let groups = taken.target_groups();
    assert_eq!(
        invoices.fixture.targets(groups[1]),
        invoices.expected(3, 443)
    );
    let group = gives.attribute("TargetGroupArns");
    assert_eq!(orders.fixture.targets(group), orders.expected(3, 80));
    Ok(())
}

// Other targets, by a DNS name in place of an ALB.

async fn create_named(fixture: &Fixture, name: &str, changes: Value) -> Result<SentResponse> {
    let properties = fixture.properties_with_dns_name(name, changes);
    let create = json!({"RequestType": "Create", "ResourceProperties": properties});
    fixture.request(create).await
}

/// Deletes a binding, and asserts that nothing is left of it.
async fn delete_named(
    fixture: &Fixture,
    name: &str,
    made: &SentResponse,
    changes: Value,
) -> Result<()> {
    let delete = json!({
        "RequestType": "Delete",
        "PhysicalResourceId": made.id(),
        "ResourceProperties": fixture.properties_with_dns_name(name, changes),
    });
    fixture.request(delete).await?.assert_success();
    assert_eq!(fixture.leftovers(made.id()).await?, [""; 0]);
    Ok(())
}

/// An ALB in a VPC of its own, in zones that the NLB has not.
async fn alb_in_another_vpc() -> Result<Fixture> {
    let mut alb = AlbSpec::new("orders");
    alb.zones = ZONES[2..].to_vec();
    let mut nlb = NlbSpec::new("front");
    nlb.own_vpc = true;
    let fixture = Fixture::with(alb, nlb).await?;
    fixture.scale(3);
    Ok(fixture)
}

#[tokio::test]
async fn an_alb_of_another_account_is_followed_by_its_name_and_nothing_of_it_is_asked() -> Result<()>
{
    let fixture = alb_in_another_vpc().await?;
    let name = fixture.alb.dns_name.clone();
    // The ALB has no listener on that port, and the function does not look for one.
    let changes = json!({"SameVpc": "false", "Listeners": [{"Port": 443, "TargetPort": 8443}]});
    let made = create_named(&fixture, &name, changes.clone()).await?;
    made.assert_success();
    assert_eq!(made.attribute("IpCount"), "3");
    let group = made.attribute("TargetGroupArn");
    fixture.scale(12);
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), fixture.expected(12, 8443));
    fixture.scale(2);
    fixture.ticks(&made, 3).await?;
    assert_eq!(fixture.targets(group), fixture.expected(2, 8443));
    let targets = fixture.lab.targets(group).into_iter();
    assert!(targets.clone().count() > 0);
    for target in targets {
        assert_eq!(target.zone.as_deref(), Some("all"));
    }
    for call in fixture.function_calls() {
        let alb = &fixture.alb.arn;
        assert!(!call.params.to_string().contains(alb), "{call:?}");
    }
    delete_named(&fixture, &name, &made, changes).await
}

#[tokio::test]
async fn an_alb_of_another_account_in_a_shared_vpc_is_registered_in_the_zones_of_its_subnets()
-> Result<()> {
    let fixture = Fixture::new().await?;
    fixture.scale(2);
    let name = fixture.alb.dns_name.clone();
    let made = create_named(&fixture, &name, json!({})).await?;
    made.assert_success();
    let targets = fixture.lab.targets(made.attribute("TargetGroupArn"));
    let zones: Vec<_> = targets
        .iter()
        .map(|target| target.zone.as_deref())
        .collect();
    assert_eq!(zones, [Some(ZONES[0]), Some(ZONES[1])]);
    Ok(())
}

#[tokio::test]
async fn where_same_vpc_is_not_so_the_reason_has_what_aws_says_and_nothing_is_left() -> Result<()> {
    for (fixture, same_vpc, says) in [
        (alb_in_another_vpc().await?, true, "is outside the VPC"),
        (Fixture::new().await?, false, "is within the VPC"),
    ] {
        let name = fixture.alb.dns_name.clone();
        let changes = json!({"SameVpc": same_vpc});
        let failed = create_named(&fixture, &name, changes.clone()).await?;
        failed.assert_failed(&["RegisterTargets", says]);
        delete_named(&fixture, &name, &failed, changes).await?;
    }
    Ok(())
}

/// The endpoint of a cluster is an alias of its writer's; while one fails over, the VPC's resolver may show the former
/// writer for the TTL.
#[tokio::test]
async fn a_database_that_fails_over_is_followed_with_the_first_tick_that_dns_shows_it_to()
-> Result<()> {
    const CLUSTER: &str = "orders.cluster-c7tj4example.us-east-1.rds.amazonaws.com";
    const WRITERS: [&str; 2] = [
        "orders-1.c7tj4example.us-east-1.rds.amazonaws.com",
        "orders-2.c7tj4example.us-east-1.rds.amazonaws.com",
    ];
    let fixture = Fixture::new().await?;
    let dns = fixture.lab.dns();
    let addresses = fixture.alb.addresses(2);
    for (writer, address) in WRITERS.into_iter().zip(&addresses) {
        dns.set(writer, [*address]);
    }
    dns.set_alias(CLUSTER, WRITERS[0]);
    let resolver = dns.add_server().await?;
    resolver.set_cache(lab::Cache {
        nodes: 1,
        says_so: true,
    });
    let attributes = json!([
        {"Key": "deregistration_delay.timeout_seconds", "Value": 0},
        {"Key": "deregistration_delay.connection_termination.enabled", "Value": true},
    ]);
    let changes = json!({
        "Listeners": [{"Port": 5432, "TargetGroupAttributes": attributes}],
        "DnsServers": [resolver.address().to_string()],
        "InvocationsBeforeDeregistration": 1,
    });
    let made = create_named(&fixture, CLUSTER, changes).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    let [first, second] = [0, 1].map(|writer| as_targets(&addresses[writer..=writer], 5432));
    assert_eq!(fixture.targets(group), first);

    dns.set_alias(CLUSTER, WRITERS[1]);
    fixture.lab.gateway().clear();
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), first, "the cache shows it still");
    assert!(fixture.wiring_changes().is_empty());
    resolver.forget_after(0);
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), second);
    let changes = fixture.wiring_changes();
    let changed = operations(&changes).into_iter();
    let changed: Vec<_> = changed.filter(|name| name.ends_with("Targets")).collect();
    assert_eq!(changed, ["RegisterTargets", "DeregisterTargets"]);
    assert_eq!(dns.server().queries(CLUSTER), 0);
    Ok(())
}

/// All that an endpoint service does to ELBv2 is that its NLB cannot be deleted (NLB guide, "Delete a Network Load
/// Balancer"): the emulated AWS has no PrivateLink, so that is played here.
#[tokio::test]
async fn behind_an_endpoint_service_a_binding_comes_follows_and_goes_and_only_the_nlb_has_to_stay()
-> Result<()> {
    let fixture = alb_in_another_vpc().await?;
    let nlb = &fixture.nlb.arn;
    let gateway = fixture.lab.gateway();
    let in_use = FaultKind::Answer {
        status: 400,
        code: "ResourceInUse".to_owned(),
        message: format!("Load balancer '{nlb}' is associated with another service"),
    };
    let service = Fault::new(ELB, "DeleteLoadBalancer", in_use);
    let service = gateway.inject(service);
    let owner = Client::new(&fixture.lab.aws_as("owner"));
    let name = fixture.alb.dns_name.clone();
    let changes = json!({"SameVpc": false, "Listeners": [{"Port": 443}]});
    let made = create_named(&fixture, &name, changes.clone()).await?;
    made.assert_success();
    let group = made.attribute("TargetGroupArn");
    fixture.scale(5);
    fixture.ticks(&made, 1).await?;
    assert_eq!(fixture.targets(group), fixture.expected(5, 443));
    let deleted = owner.delete_load_balancer().load_balancer_arn(nlb).send();
    let refused = deleted.await.expect_err("the service stands");
    assert!(refused.into_service_error().is_resource_in_use_exception());
    delete_named(&fixture, &name, &made, changes).await?;
    gateway.remove_fault(service);
    let deleted = owner.delete_load_balancer().load_balancer_arn(nlb).send();
    deleted.await?;
    Ok(())
}
