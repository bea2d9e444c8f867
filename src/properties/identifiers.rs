//! ARNs, names of buckets, DNS names and servers' addresses: whether a text can be one, by the rules of AWS and of DNS.
//! No I/O.

use crate::names::BindingId;
use crate::reader::{self, Problems};
use serde_json::Value;
use std::net::SocketAddr;

pub(super) fn load_balancer_arn(value: &Value, region: &str) -> Result<String, String> {
    elb_arn(value, region, "loadbalancer/")
}

pub(crate) fn target_group_arn(value: &Value, region: &str) -> Result<String, String> {
    let arn = elb_arn(value, region, "targetgroup/")?;
    BindingId::of_target_group(&arn).map_or(Ok(arn), |owner| {
        Err(format!(
            "a target group that no binding has made; this is {owner}'s, which deletes it when it \
             goes: without TargetGroupArn a binding makes its own"
        ))
    })
}

/// `arn:<partition>:elasticloadbalancing:<region>:<account>:<resource>`
fn elb_arn(value: &Value, region: &str, resource: &str) -> Result<String, String> {
    let allowed = || {
        format!(
            "the ARN of an Elastic Load Balancing {} in {region}",
            if resource == "targetgroup/" {
                "target group"
            } else {
                "load balancer"
            }
        )
    };
    let arn = reader::text(value).ok_or_else(allowed)?;
    let mut parts = arn.splitn(6, ':');
    let fits = parts.next() == Some("arn")
        && parts.next().is_some_and(|part| part.starts_with("aws"))
        && parts.next() == Some("elasticloadbalancing")
        && parts.next() == Some(region)
        && parts.next().is_some_and(|part| !part.is_empty())
        && parts.next().is_some_and(|part| {
            part.strip_prefix(resource)
                .is_some_and(|rest| !rest.is_empty())
        });
    if fits { Ok(arn) } else { Err(allowed()) }
}

/// Whether S3 may have a bucket with this name. Before March 2018 a name in us-east-1 could have capitals,
/// underscores and 255 characters, and such buckets still exist (S3 guide, "Bucket naming rules").
pub fn is_bucket_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (3..=255).contains(&name.len())
        && name.bytes().all(is_allowed)
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

/// Whether a text is the ARN of a load balancer in this Region.
pub fn is_load_balancer_arn(text: &str, region: &str) -> bool {
    load_balancer_arn(&Value::from(text), region).is_ok()
}

/// Whether a text is the ARN of a target group in this Region that no binding has made.
pub fn is_target_group_arn(text: &str, region: &str) -> bool {
    target_group_arn(&Value::from(text), region).is_ok()
}

pub(crate) fn bucket_name(value: &Value) -> Result<String, String> {
    reader::text(value)
        .filter(|name| is_bucket_name(name))
        .ok_or_else(|| {
            "the name of an existing bucket: 3 to 255 of A-Z, a-z, 0-9, '.', '_' and '-'".to_owned()
        })
}

/// The bucket that the function's variable `STATE_BUCKET` names, which is the default of `BucketName`.
///
/// # Errors
/// If the binding `id` must not use a bucket of that name.
pub fn state_bucket(given: Option<&str>, id: &BindingId) -> Result<Option<String>, Problems> {
    let Some(given) = given else {
        return Ok(None);
    };
    let name = bucket_name_for(&Value::from(given), id);
    name.map(Some).map_err(|allowed| {
        let mut problems = Problems::default();
        problems.add("the function's variable STATE_BUCKET", given, allowed);
        problems
    })
}

/// The name of a bucket that the binding `id` may use: no other binding has made it.
pub(super) fn bucket_name_for(value: &Value, id: &BindingId) -> Result<String, String> {
    let name = bucket_name(value)?;
    match BindingId::of_bucket(&name).filter(|owner| owner != id) {
        Some(owner) => Err(format!(
            "a bucket that no other binding has made; this is {owner}'s, which deletes it when it goes"
        )),
        None => Ok(name),
    }
}

pub(super) fn dns_server(value: &Value) -> Result<SocketAddr, String> {
    reader::text(value)
        .and_then(|text| parse_dns_server(&text))
        .ok_or_else(|| "an IP address, or an IP address and a port as in 10.0.0.2:53".to_owned())
}

/// Reads `ip` or `ip:port`. Without a port it is DNS's port, 53.
pub fn parse_dns_server(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let address = text.parse().map(|ip| SocketAddr::new(ip, 53));
    address.or_else(|_| text.parse()).ok()
}

/// A DNS name may end in the dot that marks it as absolute.
pub(super) fn target_dns_name(value: &Value) -> Result<String, String> {
    reader::text(value)
        .map(|text| text.strip_suffix('.').unwrap_or(&text).to_owned())
        .filter(|name| is_dns_name(name))
        .ok_or_else(|| "a DNS name, as in db.example.com".to_owned())
}

/// The name under which the metric counts the addresses of a DNS name: the ALB's name, or the whole DNS name if that
/// is no ALB's, such as that of a CNAME that points to the ALB.
pub(crate) fn load_balancer_name(dns_name: &str) -> &str {
    alb_name(dns_name).unwrap_or(dns_name)
}

/// Whether a text has at least two labels of letters, digits, hyphens and underscores, and is no address (RFC 1035,
/// 2.3.4).
pub(crate) fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && text.parse::<std::net::IpAddr>().is_err()
}

/// The `<name>` in `internal-<name>-<digits>.<region>.elb.amazonaws.com`, also of another partition, such as
/// `.amazonaws.com.cn`. No ALB's name begins with `internal-` (ELBv2 API, `CreateLoadBalancer`).
fn alb_name(dns_name: &str) -> Option<&str> {
    let (label, domain) = dns_name.split_once('.')?;
    let (_region, domain) = domain.split_once('.')?;
    let (name, digits) = label.rsplit_once('-')?;
    let name = name.strip_prefix("internal-").unwrap_or(name);
    let is_alb = domain.starts_with("elb.")
        && !name.is_empty()
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_alb.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_albs_name_is_taken_from_its_dns_name_in_every_partition() {
        for (dns_name, expected) in [
            ("internal-a-1.us-east-1.elb.amazonaws.com", Some("a")),
            (
                "internal-a-b-22.cn-north-1.elb.amazonaws.com.cn",
                Some("a-b"),
            ),
            (
                "internal-Net-Inter-RL5-34.us-east-1.elb.amazonaws.com",
                Some("Net-Inter-RL5"),
            ),
            ("internal-a-1.eusc-de-east-1.elb.amazonaws.eu", Some("a")),
            ("a-1.us-east-1.elb.amazonaws.com", Some("a")),
            // An NLB, a CNAME, and names that only resemble an ALB's.
            ("front-0123456789abcdef.elb.us-east-1.amazonaws.com", None),
            ("orders.example.com", None),
            ("internal-a.us-east-1.elb.amazonaws.com", None),
            ("internal-a-x1.us-east-1.elb.amazonaws.com", None),
            ("internal-a-1", None),
            ("", None),
        ] {
            assert_eq!(alb_name(dns_name), expected, "{dns_name}");
        }
    }
}
