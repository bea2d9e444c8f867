//! How long the planners think: the same plans at ten times and a hundred times the size. Items a
//! second that stay the same are cost that grows linearly.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use alb_nlb_binding::properties::Properties;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// A tick's plan for one target group; an item is an address.
#[divan::bench_group(name = "tick, by addresses")]
mod tick {
    use super::*;
    use alb_nlb_binding::clock::Timestamp;
    use alb_nlb_binding::discovery::Evidence;
    use alb_nlb_binding::model::{Endpoint, Registered, TargetGroupPort};
    use alb_nlb_binding::record::{OwnTarget, OwnTargets, Phase, Record};
    use alb_nlb_binding::sync::{Mode, Situation, plan};
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/orders/1";
    const UNTIL: u32 = 3;
    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    struct TickInputs {
        groups: Vec<TargetGroupPort>,
        seen: BTreeSet<IpAddr>,
        registered: BTreeMap<String, Registered>,
        record: Record,
        may_leave: BTreeSet<String>,
    }

    impl TickInputs {
        /// So many addresses, all of them in DNS, registered and known, or none.
        fn new(addresses: u32, seen: bool, registered: bool, missed: Option<u32>) -> Self {
            let endpoint = |number: u32| Endpoint {
                address: Ipv4Addr::from(0x0a00_0000 + number).into(),
                port: 80,
            };
            let all = || (0..addresses).map(endpoint);
            let own: OwnTargets = missed.map_or_else(OwnTargets::new, |missed| {
                let target = OwnTarget {
                    missed,
                    draws: missed,
                    ..OwnTarget::default()
                };
                all().map(|endpoint| (endpoint, target.clone())).collect()
            });
            let some = |wanted: bool| all().filter(move |_| wanted);
            let registered = some(registered).map(|endpoint| (endpoint, None)).collect();
            let mut record = Record::new("owner", Phase::Serving);
            record.own.insert(GROUP.to_owned(), own);
            Self {
                groups: vec![TargetGroupPort::new(GROUP, 80)],
                seen: some(seen).map(|endpoint| endpoint.address).collect(),
                registered: BTreeMap::from([(GROUP.to_owned(), registered)]),
                record,
                may_leave: BTreeSet::from([GROUP.to_owned()]),
            }
        }

        fn bench(&self, bencher: Bencher, addresses: u32) {
            let situation = Situation {
                seen: &self.seen,
                groups: &self.groups,
                registered: &self.registered,
                record: &self.record,
                others: &BTreeMap::new(),
                mode: Mode::Count {
                    tick: "tick",
                    at: NOW,
                    until: UNTIL,
                    evidence: Evidence {
                        draws: UNTIL,
                        needed: UNTIL,
                        cached_for: Duration::ZERO,
                    },
                    may_leave: &self.may_leave,
                },
                now: NOW,
            };
            bencher
                .counter(ItemsCount::new(addresses))
                .bench(|| plan(black_box(&situation)));
        }
    }

    #[divan::bench(args = [10, 100, 1000])]
    fn nothing_changed(bencher: Bencher, addresses: u32) {
        TickInputs::new(addresses, true, true, Some(0)).bench(bencher, addresses);
    }

    #[divan::bench(args = [10, 100, 1000])]
    fn all_are_new(bencher: Bencher, addresses: u32) {
        TickInputs::new(addresses, true, false, None).bench(bencher, addresses);
    }

    #[divan::bench(args = [10, 100, 1000])]
    fn all_leave(bencher: Bencher, addresses: u32) {
        TickInputs::new(addresses, false, true, Some(UNTIL - 1)).bench(bencher, addresses);
    }
}

/// The plan of Create and Update, which knows no addresses; an item is one of `Listeners`, of which
/// 50 are allowed.
#[divan::bench_group(name = "make, by listeners")]
mod make {
    use super::*;

    use alb_nlb_binding::binding::{
        Backend, Checked, Desired, Hints, NlbListener, Observed, OwnTargetGroup, plan,
    };
    use alb_nlb_binding::model::{
        Attributes, Listener, LoadBalancer, LoadBalancerType, Scheme, State, TargetGroup,
    };
    use alb_nlb_binding::names::BindingId;
    use alb_nlb_binding::properties::MadeProperties;
    use serde_json::json;
    use std::borrow::Cow;
    use std::collections::BTreeSet;

    const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/";

    fn desired(listeners: u16) -> Desired {
        let ports: Vec<_> = (1..=listeners).map(|port| json!({"Port": port})).collect();
        let properties = json!({
            "AlbArn": format!("{ARN}app/orders/1"),
            "NlbArn": format!("{ARN}net/front/2"),
            "Listeners": ports,
        });
        let id = BindingId::derive("stack", "Binding", "nlb");
        let properties = Properties::parse(&properties, "us-east-1", &id);
        Desired {
            properties: properties.expect("good properties"),
            id,
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            function_arn: "arn:function".to_owned(),
            former: Hints::default(),
            replaces: None,
        }
    }

    /// OwnTarget groups and listeners as they should be.
    fn made(desired: &Desired) -> Observed {
        let mut made = Observed::default();
        for listener in desired.made() {
            let MadeProperties {
                health_check,
                attributes,
                ..
            } = listener.properties;
            let name = listener.group;
            let arn = format!("arn:{name}");
            made.nlb_listeners.push(NlbListener {
                listener: Listener {
                    arn: format!("arn:listener-{}", listener.port),
                    port: listener.port,
                    protocol: "TCP".to_owned(),
                    forwards_to: vec![arn.clone()],
                },
                tags: Attributes::new(),
                is_own: true,
                attributes: Attributes::new(),
            });
            made.groups.push(OwnTargetGroup {
                group: TargetGroup {
                    arn,
                    name,
                    port: listener.alb_port,
                    protocol: "TCP".to_owned(),
                    target_type: "ip".to_owned(),
                    vpc_id: String::new(),
                    health_check: health_check.clone(),
                    load_balancers: Vec::new(),
                },
                attributes: attributes.clone(),
                tags: Attributes::new(),
            });
        }
        made
    }

    fn load_balancer(kind: LoadBalancerType, name: &str) -> LoadBalancer {
        LoadBalancer {
            arn: format!("{ARN}{name}"),
            name: name.to_owned(),
            dns_name: format!("{name}.elb.amazonaws.com"),
            kind,
            scheme: Scheme::Internal,
            state: State::Active,
            vpc_id: "vpc-1".to_owned(),
            zones: BTreeSet::new(),
            addresses: Vec::new(),
        }
    }

    fn bench(bencher: Bencher, listeners: u16, observe: impl Fn(&Desired) -> Observed) {
        let desired = desired(listeners);
        let (alb, nlb) = (
            load_balancer(LoadBalancerType::Application, "orders"),
            load_balancer(LoadBalancerType::Network, "front"),
        );
        let observed = Observed {
            alb: Some(alb.clone()),
            nlb: Some(nlb.clone()),
            ..observe(&desired)
        };
        let checked = Checked {
            backend: Backend::of_alb(&alb, false),
            nlb: Cow::Owned(nlb),
            observed: &observed,
            uses_bucket_already: true,
        };
        bencher
            .counter(ItemsCount::new(listeners))
            .bench(|| plan(black_box(&desired), black_box(&checked)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn nothing_is_there(bencher: Bencher, listeners: u16) {
        bench(bencher, listeners, |_| Observed::default());
    }

    #[divan::bench(args = [1, 10, 50])]
    fn nothing_changed(bencher: Bencher, listeners: u16) {
        bench(bencher, listeners, made);
    }
}
