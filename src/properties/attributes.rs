//! `TargetGroupAttributes`: the attributes of a TCP target group of type `ip`, and AWS's defaults.
//!
//! Only attributes with a default in this file are taken, because an attribute that is taken away gets its default back.
//! Source: ELBv2 API, `TargetGroupAttribute`; Network Load Balancer guide, "Edit target group
//! attributes".

use crate::model::Attributes;
use crate::reader::{self, Problems, Reader};
use serde_json::Value;
use std::collections::BTreeMap;

/// What an attribute's value may be.
enum Allowed {
    Words(&'static [&'static str]),
    Number(u32, u32),
    /// A number, or `off`.
    NumberOrOff(u32, u32),
}

struct Attribute {
    key: &'static str,
    default: &'static str,
    allowed: Allowed,
}

const BOOLEAN: Allowed = Allowed::Words(&["true", "false"]);

const ATTRIBUTES: [Attribute; 13] = [
    Attribute {
        key: "deregistration_delay.timeout_seconds",
        default: "300",
        allowed: Allowed::Number(0, 3600),
    },
    Attribute {
        key: "deregistration_delay.connection_termination.enabled",
        default: "false",
        allowed: BOOLEAN,
    },
    Attribute {
        key: "preserve_client_ip.enabled",
        default: "false",
        allowed: BOOLEAN,
    },
    Attribute {
        key: "proxy_protocol_v2.enabled",
        default: "false",
        // The header would come before the request, and an ALB does not understand it.
        allowed: Allowed::Words(&["false"]),
    },
    Attribute {
        key: "stickiness.enabled",
        default: "false",
        allowed: BOOLEAN,
    },
    Attribute {
        key: STICKINESS_TYPE,
        default: "source_ip",
        allowed: Allowed::Words(&["source_ip"]),
    },
    Attribute {
        key: CROSS_ZONE,
        default: CROSS_ZONE_AS_NLB,
        allowed: Allowed::Words(&["true", "false", CROSS_ZONE_AS_NLB]),
    },
    Attribute {
        key: DNS_FAILOVER[0],
        default: "1",
        allowed: Allowed::NumberOrOff(1, 1000),
    },
    Attribute {
        key: DNS_FAILOVER[1],
        default: "off",
        allowed: Allowed::NumberOrOff(1, 100),
    },
    Attribute {
        key: ROUTING[0],
        default: "1",
        allowed: Allowed::Number(1, 1000),
    },
    Attribute {
        key: ROUTING[1],
        default: "off",
        allowed: Allowed::NumberOrOff(1, 100),
    },
    Attribute {
        key: CONNECTION_TERMINATION,
        default: "true",
        allowed: BOOLEAN,
    },
    Attribute {
        key: DRAINING_INTERVAL,
        default: "0",
        allowed: Allowed::Number(0, 360_000),
    },
];

/// The attribute that has one value only, so that it never has to get its default back.
const STICKINESS_TYPE: &str = "stickiness.type";

/// Whether each of the NLB's addresses reaches targets in every zone. The NLB has the same attribute.
pub const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// The value with which a target group takes the NLB's value.
pub const CROSS_ZONE_AS_NLB: &str = "use_load_balancer_configuration";

/// Whether connections to an unhealthy target are closed at once.
pub const CONNECTION_TERMINATION: &str =
    "target_health_state.unhealthy.connection_termination.enabled";

/// How many seconds such connections may run on otherwise.
pub const DRAINING_INTERVAL: &str = "target_health_state.unhealthy.draining_interval_seconds";

/// With fewer healthy targets than this a zone leaves DNS: a count and a percentage.
const DNS_FAILOVER: [&str; 2] = [
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
];

/// With fewer healthy targets than this, unhealthy targets get traffic too: a count and a percentage.
const ROUTING: [&str; 2] = [
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
];

/// AWS's defaults by key. An attribute that is taken away from the properties gets its default back.
pub fn defaults() -> Attributes {
    ATTRIBUTES
        .iter()
        .filter(|attribute| attribute.key != STICKINESS_TYPE)
        .map(|attribute| (attribute.key.to_owned(), attribute.default.to_owned()))
        .collect()
}

/// Reads the list of `{Key, Value}`.
pub(super) fn parse(elements: Vec<(String, &Value)>, problems: &mut Problems) -> Attributes {
    let mut attributes = Attributes::new();
    let mut places = BTreeMap::new();
    for (path, element) in elements {
        let Some(mut reader) = Reader::open(path.clone(), element, problems) else {
            continue;
        };
        let attribute = reader.required("Key", key);
        let value = reader.required("Value", |value| match &attribute {
            Some(attribute) => attribute.allowed.parse(value),
            None => reader::text(value).ok_or_else(|| "a text".to_owned()),
        });
        reader.close();
        let (Some(attribute), Some(value)) = (attribute, value) else {
            continue;
        };
        places.insert(attribute.key, format!("{path}.Value"));
        if attributes.insert(attribute.key.to_owned(), value).is_some() {
            problems.add(
                format!("{path}.Key"),
                attribute.key,
                "a key that no other of the list has",
            );
        }
    }
    for (key, allowed) in clashes(&attributes) {
        if let (Some(place), Some(value)) = (places.get(key), attributes.get(key)) {
            problems.add(format!("{place} of {key}"), value, allowed);
        }
    }
    attributes
}

/// The attributes that AWS refuses together with the others, defaults included, and what is allowed instead. Sources:
/// ELBv2 API, `TargetGroupAttribute` (the interval); Network Load Balancer guide, "Target group health", "Requirements
/// and considerations" (the thresholds).
fn clashes(given: &Attributes) -> Vec<(&'static str, String)> {
    let mut all = defaults();
    all.extend(given.clone());
    let value = |key: &str| all.get(key).map_or("", String::as_str);
    let mut clashes = Vec::new();
    if value(CONNECTION_TERMINATION) != "false" && value(DRAINING_INTERVAL) != "0" {
        let allowed = format!("0, unless {CONNECTION_TERMINATION} is false, which is true");
        clashes.push((DRAINING_INTERVAL, allowed));
    }
    for (dns, routing) in DNS_FAILOVER.into_iter().zip(ROUTING) {
        let threshold = |key| value(key).parse::<u32>().ok();
        // A threshold that is off is no number.
        if let (Some(least), Some(most)) = (threshold(routing), threshold(dns))
            && least > most
        {
            // AWS's own default is 1 or off, so only a given threshold can be too high.
            clashes.push((routing, format!("at most {dns}, which is {most}")));
        }
    }
    clashes
}

fn key(value: &Value) -> Result<&'static Attribute, String> {
    let text = reader::text(value).unwrap_or_default();
    ATTRIBUTES
        .iter()
        .find(|attribute| attribute.key == text)
        .ok_or_else(|| {
            let keys: Vec<_> = ATTRIBUTES.iter().map(|attribute| attribute.key).collect();
            format!("one of {}", keys.join(", "))
        })
}

impl Allowed {
    fn parse(&self, value: &Value) -> Result<String, String> {
        match self {
            Self::Words(words) => reader::word(words)(value),
            Self::Number(least, most) => {
                reader::number(*least, *most)(value).map(|number| number.to_string())
            }
            Self::NumberOrOff(least, most) => match reader::text(value).as_deref() {
                Some("off") => Ok("off".to_owned()),
                _ => reader::number(*least, *most)(value)
                    .map(|number| number.to_string())
                    .map_err(|allowed| format!("{allowed}, or off")),
            },
        }
    }
}
