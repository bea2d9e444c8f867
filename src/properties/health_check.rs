//! `HealthCheck`: how the NLB finds out whether a target, an address of the ALB, is healthy.
//!
//! Defaults and ranges are those of the ELBv2 API, `CreateTargetGroup`, for TCP target groups.

use crate::model::{HealthCheck, HttpCheck};
use crate::reader::{self, Problems, Reader};
use serde_json::Value;

/// Reads the property. If it is absent, the check is AWS's default: TCP on the traffic port.
pub(super) fn parse(given: Option<(String, &Value)>, problems: &mut Problems) -> HealthCheck {
    match given {
        Some((path, value)) => read(path, value, problems).unwrap_or_else(HealthCheck::tcp_default),
        None => HealthCheck::tcp_default(),
    }
}

impl HealthCheck {
    /// The default of AWS for a TCP target group.
    pub fn tcp_default() -> Self {
        Self {
            protocol: "TCP".to_owned(),
            port: "traffic-port".to_owned(),
            interval_seconds: 30,
            timeout_seconds: 10,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            http: None,
        }
    }
}

fn read(path: String, value: &Value, problems: &mut Problems) -> Option<HealthCheck> {
    let defaults = HealthCheck::tcp_default();
    let mut reader = Reader::open(path.clone(), value, problems)?;
    let protocol = reader.optional("Protocol", reader::word(&["TCP", "HTTP", "HTTPS"]));
    let port = reader.optional("Port", port);
    let url_path = reader.optional("Path", url_path);
    let matcher = reader.optional("Matcher", matcher);
    let interval = reader.optional("IntervalSeconds", seconds(5, 300));
    let timeout = reader.optional("TimeoutSeconds", seconds(2, 120));
    let healthy = reader.optional("HealthyThreshold", seconds(2, 10));
    let unhealthy = reader.optional("UnhealthyThreshold", seconds(2, 10));

    let protocol = protocol.unwrap_or(defaults.protocol);
    let http = protocol != "TCP";
    if !http {
        for name in ["Path", "Matcher"] {
            reader.forbid(name, "absent unless Protocol is HTTP or HTTPS");
        }
    }
    reader.close();
    let interval_seconds = interval.unwrap_or(defaults.interval_seconds);
    // The API's defaults: 6 seconds for HTTP checks of a TCP group, 10 for TCP and HTTPS.
    let default_timeout = if protocol == "HTTP" { 6 } else { 10 };
    let timeout_seconds = match timeout {
        Some(timeout) => timeout,
        None => default_timeout.min(interval_seconds.saturating_sub(1)),
    };
    if timeout_seconds >= interval_seconds {
        problems.add(
            format!("{path}.TimeoutSeconds"),
            timeout_seconds,
            format!("less than IntervalSeconds, which is {interval_seconds}"),
        );
    }
    Some(HealthCheck {
        protocol,
        port: port.unwrap_or(defaults.port),
        interval_seconds,
        timeout_seconds,
        healthy_threshold: healthy.unwrap_or(defaults.healthy_threshold),
        unhealthy_threshold: unhealthy.unwrap_or(defaults.unhealthy_threshold),
        http: http.then(|| HttpCheck {
            path: url_path.unwrap_or_else(|| "/".to_owned()),
            matcher: matcher.unwrap_or_else(|| "200-399".to_owned()),
        }),
    })
}

fn seconds(least: u16, most: u16) -> impl Fn(&Value) -> Result<u16, String> {
    move |value| {
        let number = reader::number(least.into(), most.into())(value)?;
        u16::try_from(number).map_err(|error| error.to_string())
    }
}

fn port(value: &Value) -> Result<String, String> {
    match reader::text(value) {
        Some(text) if text == "traffic-port" => Ok(text),
        _ => reader::port(value)
            .map(|port| port.to_string())
            .map_err(|_| "traffic-port or a port from 1 to 65535".to_owned()),
    }
}

fn url_path(value: &Value) -> Result<String, String> {
    reader::text(value)
        .filter(|path| path.starts_with('/') && path.len() <= 1024)
        .ok_or_else(|| "a path that starts with / and has at most 1024 characters".to_owned())
}

/// Codes and ranges of codes from 200 to 599, such as `200,204` or `200-399`.
fn matcher(value: &Value) -> Result<String, String> {
    let code = |text: &str| reader::digits(text).filter(|code| (200..=599).contains(code));
    let fits = |part: &str| match part.split_once('-') {
        Some((from, to)) => matches!((code(from), code(to)), (Some(from), Some(to)) if from <= to),
        None => code(part).is_some(),
    };
    reader::text(value)
        .filter(|text| text.split(',').all(fits))
        .ok_or_else(|| "HTTP status codes from 200 to 599, as in 200,204 or 200-399".to_owned())
}
