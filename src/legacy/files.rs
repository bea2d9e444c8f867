//! The files that the function of 2018 and other earlier functions left in a bucket: their keys and their content.
//! No I/O.
//!
//! Parses them as those functions did. A file that cannot be parsed is an error and never an empty list.

use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses, each with the number of ticks in a row that it has been missing from DNS.
pub(super) type Known = BTreeMap<IpAddr, u32>;

/// Why a file that is there cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file is no JSON; mend it or delete it")]
    Json(#[from] serde_json::Error),
    #[error("the file holds {found} where {expected} should be; mend it or delete it")]
    Form {
        expected: &'static str,
        found: String,
    },
    #[error("the file names {given:?}, which is no IP address; mend it or delete it")]
    Address {
        given: String,
        source: std::net::AddrParseError,
    },
}

/// The keys of the two files that one version of the function of 2018 kept.
pub(super) struct Pair {
    pub(super) active: String,
    pub(super) pending: String,
}

/// The keys of the version in Python 3, and then of the one in Python 2.7, which misspelt one. Neither version had
/// the target group or the port in its keys.
pub(super) fn pairs(dns_name: &str) -> [Pair; 2] {
    [
        Pair {
            active: format!("{dns_name}/active_ip.json"),
            pending: format!("{dns_name}/pending_ip.json"),
        },
        Pair {
            active: format!("{dns_name}-active-registered-IPs/Active IP list of {dns_name}.json"),
            pending: format!(
                "{dns_name}-pending-deregisteration-IPs/Pending deregisteration IP list of \
                 {dns_name}.json"
            ),
        },
    ]
}

/// The key of the function hostname-as-target (AWS Networking blog, "Hostname-as-Target for Network Load
/// Balancers").
pub(super) fn tracked_key(dns_name: &str, target_group: &str) -> String {
    let group = target_group.replace('/', "-");
    format!("Tracked IP list for {dns_name} - {group}")
}

/// `{"LoadBalancerName": …, "TimeStamp": …, "IPList": ["10.0.0.1", …], "IPCount": …}`: addresses that are not
/// missing.
pub(super) fn active(body: &[u8]) -> Result<Known, FileError> {
    let file = json(body)?;
    let fields = file.as_object().ok_or_else(|| form("an object", &file))?;
    let Some(list) = fields.get("IPList") else {
        return Ok(Known::new());
    };
    let list = list.as_array().ok_or_else(|| form("a list", list))?;
    list.iter()
        .map(|entry| {
            let text = entry.as_str().ok_or_else(|| form("an address", entry))?;
            Ok((address(text)?, 0))
        })
        .collect()
}

/// `{"10.0.0.1": 2, …}`: addresses, each with the number of ticks that it was missing for.
pub(super) fn pending(body: &[u8]) -> Result<Known, FileError> {
    counts(body, |count| count)
}

/// `{"10.0.0.1": 3, …}`: addresses, each with the number of further misses until it leaves, from `until` down.
pub(super) fn tracked(body: &[u8], until: u32) -> Result<Known, FileError> {
    counts(body, |left| until.saturating_sub(left))
}

fn counts(body: &[u8], missed: impl Fn(u32) -> u32) -> Result<Known, FileError> {
    let file = json(body)?;
    let fields = file.as_object().ok_or_else(|| form("an object", &file))?;
    fields
        .iter()
        .map(|(text, count)| {
            let number = count.as_i64().ok_or_else(|| form("a count", count))?;
            let number = u32::try_from(number.max(0)).unwrap_or(u32::MAX);
            Ok((address(text)?, missed(number)))
        })
        .collect()
}

/// The version in Python 2.7 wrote its JSON as a string in JSON.
fn json(body: &[u8]) -> Result<Value, FileError> {
    match serde_json::from_slice(body)? {
        Value::String(inner) => Ok(serde_json::from_str(&inner)?),
        file => Ok(file),
    }
}

fn address(text: &str) -> Result<IpAddr, FileError> {
    text.parse().map_err(|source| FileError::Address {
        given: text.to_owned(),
        source,
    })
}

fn form(expected: &'static str, found: &Value) -> FileError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    FileError::Form {
        expected,
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ALB: &str = "internal-orders-1.us-east-1.elb.amazonaws.com";

    fn known(addresses: &[(&str, u32)]) -> Known {
        let parse = |(address, missed): &(&str, u32)| (address.parse().expect("one"), *missed);
        addresses.iter().map(parse).collect()
    }

    #[test]
    fn the_keys_are_those_that_the_functions_wrote() {
        let [python3, python2] = pairs(ALB);
        assert_eq!(python3.active, format!("{ALB}/active_ip.json"));
        assert_eq!(python3.pending, format!("{ALB}/pending_ip.json"));
        assert_eq!(
            python2.active,
            format!("{ALB}-active-registered-IPs/Active IP list of {ALB}.json")
        );
        assert_eq!(
            python2.pending,
            format!(
                "{ALB}-pending-deregisteration-IPs/Pending deregisteration IP list of {ALB}.json"
            )
        );
        assert_eq!(
            tracked_key(
                ALB,
                "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/front/2"
            ),
            format!(
                "Tracked IP list for {ALB} - \
                 arn:aws:elasticloadbalancing:us-east-1:1:targetgroup-front-2"
            )
        );
    }

    #[test]
    fn both_pythons_are_understood() {
        let list = json!({
            "LoadBalancerName": ALB, "TimeStamp": "2021-05-19 00:19:46",
            "IPList": ["10.0.0.1", "10.0.0.2"], "IPCount": 2,
        })
        .to_string();
        let expected = known(&[("10.0.0.1", 0), ("10.0.0.2", 0)]);
        let counts = json!({"10.0.0.3": 2}).to_string();
        for made_of in [|text: String| text, |text: String| json!(text).to_string()] {
            let (list, counts) = (made_of(list.clone()), made_of(counts.clone()));
            assert_eq!(active(list.as_bytes()).expect("a list"), expected);
            let counted = pending(counts.as_bytes()).expect("counts");
            assert_eq!(counted, known(&[("10.0.0.3", 2)]));
            assert_eq!(
                active(made_of("{}".to_owned()).as_bytes()).expect("none"),
                known(&[])
            );
        }
    }

    #[test]
    fn hostname_as_target_counts_down() {
        let file = json!({"10.0.0.1": 3, "10.0.0.2": 1, "10.0.0.3": 10, "10.0.0.4": 0}).to_string();
        let expected = [
            ("10.0.0.1", 0),
            ("10.0.0.2", 2),
            ("10.0.0.3", 0),
            ("10.0.0.4", 3),
        ];
        assert_eq!(
            tracked(file.as_bytes(), 3).expect("counts"),
            known(&expected)
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_says_why() {
        for (body, expected) in [
            ("", "no JSON"),
            ("<Error/>", "no JSON"),
            ("[]", "a list where an object should be"),
            (r#"{"IPList": "10.0.0.1"}"#, "a text where a list should be"),
            (r#"{"IPList": [1]}"#, "a number where an address should be"),
            (
                r#"{"IPList": ["orders"]}"#,
                r#""orders", which is no IP address"#,
            ),
        ] {
            let error = active(body.as_bytes()).expect_err(body).to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
        for (body, expected) in [
            ("7", "a number where an object should be"),
            (r#"{"10.0.0.1": "soon"}"#, "a text where a count should be"),
            (r#"{"IPList": 3}"#, r#""IPList", which is no IP address"#),
        ] {
            let error = pending(body.as_bytes()).expect_err(body).to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
    }
}
