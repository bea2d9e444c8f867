//! Rule 8: the rule's input, which is the event that a tick gets.
//!
//! It says where the record is and for which minute the tick is scheduled, and holds a copy of the orders. By the copy
//! a tick can begin before it has read the record; the record decides. The template is a part of the rule's target and
//! has at most 8,192 characters (EventBridge API, `InputTransformer`).

use super::orders::Orders;
use crate::clock::Timestamp;
use crate::discovery::ADDRESSES_PER_ANSWER;
use crate::model::Rule;
use crate::names::BindingId;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many characters a template may have.
const TEMPLATE_CHARACTERS: usize = 8192;

/// The ticks of cron schedules are spread over this time. ELBv2 lets an account make forty calls at once and then ten
/// a second (ELB guide, "Request throttling for the Elastic Load Balancing API"). So three hundred bindings get
/// through, and each tick has 35 s left.
const SPREAD: Duration = Duration::from_secs(20);

/// The id of the rule's one target.
pub const RULE_TARGET: &str = "alb-nlb-binding";

/// EventBridge replaces this by the event's scheduled time, in quotes (EventBridge guide, "Amazon EventBridge input
/// transformation").
const TIME: &str = "<time>";

/// The event of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RuleEvent {
    #[serde(rename = "AlbNlbBinding")]
    pub id: BindingId,
    /// The bucket that held the record when the rule was put.
    pub bucket: String,
    /// The scheduled time of the tick. EventBridge may deliver it more than once.
    #[serde(default, deserialize_with = "time")]
    pub time: Option<Timestamp>,
    /// Whether the schedule is a cron expression. Those of many bindings fire in the same moment, while a rate counts
    /// from the time when its rule was made.
    #[serde(default)]
    pub cron: bool,
    /// How many addresses to expect, so that a new process asks DNS often enough at once. Zero if there are fewer than
    /// eight, because then a single answer is the whole list.
    #[serde(default)]
    pub addresses: usize,
    /// `None` if the template had no room for it.
    #[serde(default)]
    pub orders: Option<Orders>,
    /// Digests of the ARNs of given target groups that the copy does not name: those that the binding gave up when the
    /// rule was put and, if there is no copy, those of the orders.
    #[serde(default)]
    pub given: BTreeSet<String>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    Timestamp::parse(&text)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no time")))
}

impl RuleEvent {
    /// The template from which EventBridge makes the event.
    ///
    /// # Errors
    /// If the orders cannot be written as JSON.
    pub fn template(
        id: &BindingId,
        bucket: &str,
        schedule: &str,
        orders: &Orders,
        given_up: &BTreeSet<String>,
        addresses: usize,
    ) -> Result<String, serde_json::Error> {
        let cron = match schedule.starts_with("cron") {
            true => r#","Cron":true"#,
            false => "",
        };
        let addresses = match addresses < ADDRESSES_PER_ANSWER {
            true => String::new(),
            false => format!(r#","Addresses":{addresses}"#),
        };
        let pointer = |given: &BTreeSet<String>| {
            let bucket = serde_json::to_string(bucket)?;
            let given = match given.is_empty() {
                true => String::new(),
                false => format!(r#","Given":{}"#, serde_json::to_string(given)?),
            };
            Ok::<_, serde_json::Error>(format!(
                r#"{{"AlbNlbBinding":"{id}","Bucket":{bucket},"Time":{TIME}{cron}{addresses}{given}"#
            ))
        };
        let mut given: BTreeSet<_> = given_up.iter().map(|arn| digest(arn)).collect();
        let copy = serde_json::to_string(orders)?;
        let whole = format!(r#"{},"Orders":{copy}}}"#, pointer(&given)?);
        if whole.chars().count() <= TEMPLATE_CHARACTERS {
            return Ok(whole);
        }
        let groups = orders.groups().into_iter();
        given.extend(groups.filter(|arn| !id.made_group(arn)).map(digest));
        Ok(format!("{}}}", pointer(&given)?))
    }

    /// How long a tick waits at its start, so that the ticks of many bindings are spread. It is the same for each tick
    /// of a binding, so they stay as far apart as the schedule says.
    pub fn start_delay(&self) -> Duration {
        if !self.cron {
            return Duration::ZERO;
        }
        let share = Sha256::digest(self.id.to_string())
            .iter()
            .take(2)
            .fold(0, |share, byte| share * 256 + u32::from(*byte));
        SPREAD * share / 65_536
    }

    /// Whether the rule names a target group. This guards against a forged record: anybody who may write to the bucket
    /// can write the record, but only this function writes the rule.
    pub fn names_group(&self, arn: &str) -> bool {
        let is_copied = |orders: &Orders| orders.groups().contains(arn);
        self.id.made_group(arn)
            || self.orders.as_ref().is_some_and(is_copied)
            || self.given.contains(&digest(arn))
    }

    /// The event that a rule gives the function now. `None` if it cannot be read.
    pub fn of_rule(rule: Option<&Rule>) -> Option<Self> {
        let mut targets = rule?.targets.iter();
        let target = targets.find(|target| target.id == RULE_TARGET)?;
        Self::of_template(&target.template)
    }

    /// Reads a template, in which the time is still a placeholder. `None` if this project did not write it.
    pub(crate) fn of_template(template: &str) -> Option<Self> {
        serde_json::from_str(&template.replacen(TIME, "null", 1)).ok()
    }
}

/// 16 hex digits of SHA-256: so short that the template has room for the groups of all listeners.
fn digest(arn: &str) -> String {
    let hash = Sha256::digest(arn);
    let bytes = hash.iter().take(8);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TargetGroupPort;

    fn orders(groups: usize) -> Orders {
        let arn = |number: usize| {
            format!(
                "arn:aws:elasticloadbalancing:ap-southeast-2:123456789012:targetgroup/\
                 anb-0123456789abcdef-{number:05}/0123456789abcdef"
            )
        };
        let groups = (1..=groups).map(|number| TargetGroupPort::new(arn(number), 65_535));
        Orders {
            nlb_arn: "arn:nlb".to_owned(),
            alb_arn: "arn:alb".to_owned(),
            alb_name: "orders".to_owned(),
            alb_dns_name: "internal-orders-1.ap-southeast-2.elb.amazonaws.com".to_owned(),
            target_groups: groups.collect(),
            availability_zone: None,
            max_lookups: 50,
            invocations_before_deregistration: 3,
            ip_count_metric: true,
            dns_servers: Vec::new(),
        }
    }

    fn id() -> BindingId {
        BindingId::derive("stack", "Binding", "arn:nlb")
    }

    fn template(orders: &Orders) -> String {
        let schedule = "rate(1 minute)";
        RuleEvent::template(&id(), "bucket", schedule, orders, &BTreeSet::new(), 0).expect("JSON")
    }

    #[test]
    fn a_rule_tells_how_many_addresses_to_expect_where_one_answer_does_not_show_that_it_holds_them()
    {
        let told = |addresses| {
            let (orders, none) = (orders(1), BTreeSet::new());
            let schedule = "rate(1 minute)";
            let template =
                RuleEvent::template(&id(), "bucket", schedule, &orders, &none, addresses);
            let event = RuleEvent::of_template(&template.expect("JSON")).expect("ours");
            event.addresses
        };
        assert_eq!([told(7), told(8), told(28)], [0, 8, 28]);
    }

    #[test]
    fn fifty_target_groups_fit_into_a_rules_template() {
        let template = template(&orders(50));
        let event = RuleEvent::of_template(&template).expect("ours");
        assert_eq!(event.orders, Some(orders(50)));
    }

    #[test]
    fn orders_that_do_not_fit_are_left_out_and_the_pointer_stays() {
        let template = template(&orders(80));
        let event = RuleEvent::of_template(&template).expect("ours");
        assert_eq!((event.id, event.orders), (id(), None));
        assert_eq!(event.bucket, "bucket");
    }

    #[test]
    fn a_rule_names_the_groups_of_its_orders_and_no_others_whether_it_holds_them_or_not() {
        let own = format!(
            "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/{}/1",
            id().target_group(80)
        );
        for groups in [50, 80] {
            let orders = orders(groups);
            let template = template(&orders);
            assert!(template.chars().count() <= TEMPLATE_CHARACTERS);
            let event = RuleEvent::of_template(&template).expect("ours");
            assert!(
                orders
                    .groups()
                    .into_iter()
                    .all(|arn| event.names_group(arn))
            );
            assert!(event.names_group(&own));
            assert!(!event.names_group("arn:of-somebody-else"));
        }
    }

    #[test]
    fn ticks_of_cron_schedules_are_spread_over_twenty_seconds_each_binding_by_itself() {
        let waits = |number: u32, schedule: &str| {
            let id = BindingId::derive("stack", &number.to_string(), "arn:nlb");
            let template =
                RuleEvent::template(&id, "bucket", schedule, &orders(1), &BTreeSet::new(), 0);
            let event = RuleEvent::of_template(&template.expect("JSON")).expect("ours");
            event.start_delay()
        };
        let waited: Vec<_> = (0..300)
            .map(|number| waits(number, "cron(* * * * ? *)"))
            .collect();
        assert_eq!(waited[0], waits(0, "cron(0 12 * * ? *)"), "always the same");
        assert!(waited.iter().all(|waits| *waits < SPREAD));
        for quarter in 0..4 {
            let quarter = SPREAD / 4 * quarter..SPREAD / 4 * (quarter + 1);
            let within = waited.iter().filter(|waits| quarter.contains(*waits));
            assert!((50..100).contains(&within.count()), "{quarter:?}");
        }
        assert_eq!(waits(0, "rate(1 minute)"), Duration::ZERO);
    }

    #[test]
    fn the_event_holds_the_scheduled_time_where_the_template_has_its_place() {
        let template = template(&orders(1));
        let event = template.replacen(TIME, r#""2026-11-25T02:10:00Z""#, 1);
        let event: RuleEvent = serde_json::from_str(&event).expect("an event");
        assert_eq!(event.time, Timestamp::parse("2026-11-25T02:10:00Z"));
        let nonsense = template.replacen(TIME, r#""soon""#, 1);
        let error = serde_json::from_str::<RuleEvent>(&nonsense).expect_err("no time");
        assert!(error.to_string().contains("soon"), "{error}");
    }
}
