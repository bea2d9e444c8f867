//! The environment variables of the function that AWS published in 2018: from text to the orders of one tick.
//!
//! Reports everything that is wrong at once. Never asks AWS; it checks the form of names only.

use crate::model::TargetGroupPort;
use crate::properties::{Problems, bucket_name, is_dns_name, load_balancer_name, target_group_arn};
use crate::reader::{self, Reader};
use crate::record::Orders;
use serde_json::{Map, Value};

/// The seven variables of the function of 2018, and the one that its Python 3 version added.
const VARIABLES: [&str; 8] = [
    "ALB_DNS_NAME",
    "ALB_LISTENER",
    "S3_BUCKET",
    "NLB_TG_ARN",
    "MAX_LOOKUP_PER_INVOCATION",
    "INVOCATIONS_BEFORE_DEREGISTRATION",
    "CW_METRIC_FLAG_IP_COUNT",
    "SAME_VPC",
];

/// Variables that are missing or wrong.
#[derive(Debug, thiserror::Error)]
#[error(
    "a scheduled event without an input of its own is a tick by the function's environment \
     variables, and they cannot be used: {0}"
)]
pub struct VariablesError(Problems);

/// What the variables say: the orders of a tick, and where its record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    /// Takes the place of a binding's id in the key of the record.
    pub identity: String,
    pub bucket: String,
    pub orders: Orders,
}

/// Reads the variables of a function in `region`, with the defaults of the published CloudFormation template.
///
/// # Errors
/// All variables that are missing or wrong, each with what was given and what is allowed.
pub fn variables(
    variable: impl Fn(&str) -> Option<String>,
    region: &str,
) -> Result<Variables, VariablesError> {
    let given = VARIABLES.into_iter().filter_map(|name| {
        let text = variable(name)?;
        Some((name.to_owned(), Value::from(text.trim())))
    });
    let given = Value::Object(given.collect::<Map<_, _>>());
    let mut problems = Problems::default();
    match read(&given, region, &mut problems) {
        Some(variables) if problems.is_empty() => Ok(variables),
        _ => Err(VariablesError(problems)),
    }
}

fn read(given: &Value, region: &str, problems: &mut Problems) -> Option<Variables> {
    let mut reader = Reader::open(String::new(), given, problems)?;
    let alb = reader.required("ALB_DNS_NAME", alb_dns_name);
    let port = reader.required("ALB_LISTENER", reader::port);
    let bucket = reader.required("S3_BUCKET", bucket_name);
    let group = reader.required("NLB_TG_ARN", |value| target_group_arn(value, region));
    let max_lookups = reader.optional("MAX_LOOKUP_PER_INVOCATION", reader::number(1, 1000));
    let invocations = reader.optional("INVOCATIONS_BEFORE_DEREGISTRATION", reader::number(1, 1000));
    let ip_count_metric = reader.optional("CW_METRIC_FLAG_IP_COUNT", reader::boolean);
    let same_vpc = reader.optional("SAME_VPC", reader::boolean);
    let alb_dns_name = alb?;
    let alb_name = load_balancer_name(&alb_dns_name).to_owned();
    let (group, port) = (group?, port?);
    let identity = identity(&alb_name, &group, port);
    let orders = Orders {
        nlb_arn: String::new(),
        alb_arn: String::new(),
        alb_name,
        alb_dns_name,
        target_groups: vec![TargetGroupPort::new(group, port)],
        availability_zone: (!same_vpc.unwrap_or(true)).then(|| "all".to_owned()),
        max_lookups: max_lookups.map_or(50, |number| number as usize),
        invocations_before_deregistration: invocations.unwrap_or(3),
        ip_count_metric: ip_count_metric.unwrap_or(true),
        dns_servers: Vec::new(),
    };
    Some(Variables {
        identity,
        bucket: bucket?,
        orders,
    })
}

/// What takes the place of a binding's id: ALB, target group and port, so that functions may share a bucket.
pub(super) fn identity(alb_name: &str, target_group: &str, port: u16) -> String {
    let group = target_group
        .split_once(":targetgroup/")
        .map_or(target_group, |(_, group)| group);
    format!("alb-nlb-binding/{alb_name}/{group}/{port}")
}

/// Any DNS name: the function of 2018 resolved whatever name it was given, also one that only leads to an ALB.
fn alb_dns_name(value: &Value) -> Result<String, String> {
    let name = reader::text(value).filter(|text| is_dns_name(text));
    name.ok_or_else(|| {
        "the DNS name of an internal ALB, as in \
         internal-orders-1234567890.eu-west-1.elb.amazonaws.com, or a name that leads to it"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/front-443/0123456789abcdef";
    const DNS_NAME: &str = "internal-my-orders-1234567890.eu-west-1.elb.amazonaws.com";

    fn with(changes: &[(&'static str, &'static str)]) -> Result<Variables, VariablesError> {
        let mut variables = BTreeMap::from([
            ("ALB_DNS_NAME", DNS_NAME),
            ("ALB_LISTENER", "443"),
            ("S3_BUCKET", "their-bucket"),
            ("NLB_TG_ARN", GROUP),
        ]);
        variables.extend(changes.iter().copied());
        super::variables(
            |name| variables.get(name).map(|value| (*value).to_owned()),
            "eu-west-1",
        )
    }

    #[test]
    fn the_four_that_must_be_there_are_enough_and_the_rest_is_as_in_the_published_template() {
        let Variables {
            identity,
            bucket,
            orders,
        } = with(&[]).expect("good variables");
        assert_eq!(orders.alb_name, "my-orders");
        assert_eq!(orders.alb_dns_name, DNS_NAME);
        assert_eq!(bucket, "their-bucket");
        assert_eq!(orders.target_groups, [TargetGroupPort::new(GROUP, 443)]);
        assert_eq!(orders.max_lookups, 50);
        assert_eq!(orders.invocations_before_deregistration, 3);
        assert!(orders.ip_count_metric);
        assert_eq!(orders.availability_zone, None);
        assert_eq!(
            identity,
            "alb-nlb-binding/my-orders/front-443/0123456789abcdef/443"
        );
    }

    #[test]
    fn booleans_are_understood_in_any_case() {
        for (text, expected) in [
            ("true", true),
            ("False", false),
            ("TRUE", true),
            ("fALSE", false),
        ] {
            let orders = with(&[("CW_METRIC_FLAG_IP_COUNT", text), ("SAME_VPC", text)]);
            let orders = orders.expect("good variables").orders;
            assert_eq!(orders.ip_count_metric, expected, "{text}");
            let zone = (!expected).then_some("all");
            assert_eq!(orders.availability_zone.as_deref(), zone, "{text}");
        }
    }

    #[test]
    fn spaces_around_a_value_are_no_part_of_it() {
        let orders = with(&[
            ("ALB_LISTENER", " 80 "),
            ("MAX_LOOKUP_PER_INVOCATION", "7\n"),
        ]);
        let orders = orders.expect("good variables").orders;
        assert_eq!(orders.target_groups, [TargetGroupPort::new(GROUP, 80)]);
        assert_eq!(orders.max_lookups, 7);
    }

    #[test]
    fn all_that_is_missing_is_named_with_what_is_allowed() {
        let error = super::variables(|_| None, "eu-west-1").expect_err("nothing given");
        let error = error.to_string();
        for expected in [
            "ALB_DNS_NAME: given nothing, allowed is the DNS name of an internal ALB",
            "ALB_LISTENER: given nothing, allowed is a port from 1 to 65535",
            "S3_BUCKET: given nothing, allowed is the name of an existing bucket",
            "NLB_TG_ARN: given nothing, allowed is the ARN of an Elastic Load Balancing target \
             group in eu-west-1",
        ] {
            assert!(error.contains(expected), "{expected} is not in {error}");
        }
        assert!(!error.contains("SAME_VPC"), "{error}");
    }

    #[test]
    fn all_that_is_wrong_is_named_with_what_was_given() {
        let error = with(&[
            ("ALB_DNS_NAME", "http://orders.example.com/"),
            ("ALB_LISTENER", "80,443"),
            ("S3_BUCKET", "their/bucket"),
            ("NLB_TG_ARN", "front-443"),
            ("MAX_LOOKUP_PER_INVOCATION", "0"),
            ("INVOCATIONS_BEFORE_DEREGISTRATION", "-1"),
            ("CW_METRIC_FLAG_IP_COUNT", "yes"),
            ("SAME_VPC", ""),
        ]);
        let error = error.expect_err("nothing is right").to_string();
        for expected in [
            "ALB_DNS_NAME: given \"http://orders.example.com/\"",
            "ALB_LISTENER: given \"80,443\"",
            "S3_BUCKET: given \"their/bucket\"",
            "NLB_TG_ARN: given \"front-443\"",
            "MAX_LOOKUP_PER_INVOCATION: given \"0\", allowed is a whole number from 1 to 1000",
            "INVOCATIONS_BEFORE_DEREGISTRATION: given \"-1\"",
            "CW_METRIC_FLAG_IP_COUNT: given \"yes\", allowed is true or false",
            "SAME_VPC: given \"\", allowed is true or false",
        ] {
            assert!(error.contains(expected), "{expected} is not in {error}");
        }
    }

    #[test]
    fn a_record_that_leads_to_the_alb_is_its_name_too() {
        let orders = with(&[("ALB_DNS_NAME", "orders.example.com")]);
        let orders = orders.expect("good variables").orders;
        assert_eq!(orders.alb_name, "orders.example.com");
        assert_eq!(orders.alb_dns_name, "orders.example.com");
    }

    #[test]
    fn what_is_no_dns_name_is_refused() {
        for given in ["orders", "10.0.0.1", "a..b", "a.b/", "-", "", "a b.c"] {
            assert!(with(&[("ALB_DNS_NAME", given)]).is_err(), "{given}");
        }
    }
}
