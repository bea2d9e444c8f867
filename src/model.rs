//! AWS's resources in AWS's own terms, so that plans can be made and tested without a call.
//!
//! `aws` fills these types and the planners read them. They know no SDK. No I/O.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Attributes of a load balancer, listener or target group by key.
pub type Attributes = BTreeMap<String, String>;

/// The key of the one attribute of an NLB's TCP listener, in seconds (ELBv2 API, `ListenerAttribute`).
pub const TCP_IDLE_TIMEOUT: &str = "tcp.idle_timeout.seconds";

/// One Application or Network Load Balancer (ELBv2 API, `LoadBalancer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    pub dns_name: String,
    pub kind: LoadBalancerType,
    pub scheme: Scheme,
    pub state: State,
    pub vpc_id: String,
    pub zones: BTreeSet<String>,
    /// The fixed addresses. A load balancer without any has none here.
    pub addresses: Vec<String>,
}

impl LoadBalancer {
    /// Whether this load balancer is in another VPC than the NLB. Its addresses are then registered for all zones.
    pub fn is_in_another_vpc(&self, nlb: &Self) -> bool {
        self.vpc_id != nlb.vpc_id
    }
}

/// An enum of AWS's words, with one more variant for a word that AWS may add.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$of])* $variant,)+
            /// A word that this function does not know.
            Other(String),
        }

        impl $name {
            /// Reads AWS's word.
            pub fn of(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                })
            }
        }
    };
}

words! {
    /// A load balancer's type (ELBv2 API, `LoadBalancerTypeEnum`).
    LoadBalancerType { Application = "application", Network = "network", Gateway = "gateway" }
}

words! {
    /// Whether a load balancer has public addresses (ELBv2 API, `LoadBalancerSchemeEnum`).
    Scheme { Internal = "internal", InternetFacing = "internet-facing" }
}

words! {
    /// Whether a load balancer works already (ELBv2 API, `LoadBalancerStateEnum`).
    State {
        Provisioning = "provisioning",
        Active = "active",
        ActiveImpaired = "active_impaired",
        Failed = "failed",
    }
}

/// One listener (ELBv2 API, `Listener`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub arn: String,
    pub port: u16,
    /// For example `TCP`, `HTTP` or `HTTPS`.
    pub protocol: String,
    /// ARNs of the target groups of the default action.
    pub forwards_to: Vec<String>,
}

/// The health check of a target group, with every default filled in.
///
/// Source: ELBv2 API, `CreateTargetGroup`; Network Load Balancer guide, "Health checks".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `TCP`, `HTTP` or `HTTPS`.
    pub protocol: String,
    /// `traffic-port` or a port number.
    pub port: String,
    pub interval_seconds: u16,
    pub timeout_seconds: u16,
    pub healthy_threshold: u16,
    pub unhealthy_threshold: u16,
    /// `None` if the protocol is TCP.
    pub http: Option<HttpCheck>,
}

impl HealthCheck {
    /// Whether a health check that AWS describes may be `wanted`. AWS may leave the matcher out.
    pub fn matches(&self, wanted: &Self) -> bool {
        let mut described = self.clone();
        if let (Some(described), Some(wanted)) = (&mut described.http, &wanted.http)
            && described.matcher.is_empty()
        {
            described.matcher.clone_from(&wanted.matcher);
        }
        described == *wanted
    }
}

/// The path that an HTTP or HTTPS health check requests, and the status codes that it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    pub path: String,
    /// For example `200-399` or `200,302`.
    pub matcher: String,
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.protocol, self.port)?;
        if let Some(http) = &self.http {
            write!(f, " {} expecting {}", http.path, http.matcher)?;
        }
        write!(
            f,
            " every {} s within {} s, {} up, {} down",
            self.interval_seconds,
            self.timeout_seconds,
            self.healthy_threshold,
            self.unhealthy_threshold
        )
    }
}

/// A target group, and the port with which addresses are registered in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetGroupPort {
    pub arn: String,
    pub port: u16,
}

impl TargetGroupPort {
    pub fn new(arn: impl Into<String>, port: u16) -> Self {
        Self {
            arn: arn.into(),
            port,
        }
    }
}

/// One target group (ELBv2 API, `TargetGroup`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub port: u16,
    pub protocol: String,
    /// `ip`, `instance`, `lambda` or `alb`.
    pub target_type: String,
    pub vpc_id: String,
    pub health_check: HealthCheck,
    /// ARNs of the load balancers whose listeners forward to it.
    pub load_balancers: Vec<String>,
}

/// One schedule rule of the default event bus and its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub arn: String,
    pub schedule: String,
    pub enabled: bool,
    pub targets: Vec<RuleTarget>,
}

/// The name that a rule's template has for the scheduled time, such as `<time>`, and the path of that time in
/// EventBridge's event (EventBridge guide, "Amazon EventBridge input transformation").
pub const SCHEDULED_TIME: (&str, &str) = ("time", "$.time");

/// One target of a rule: what the rule calls, and with which input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTarget {
    pub id: String,
    pub arn: String,
    /// The template of the input, which EventBridge completes (`InputTransformer`), or the plain `Input` if there is no
    /// template.
    pub template: String,
}

/// What identifies a target in its group: the address **and** the port (ELBv2 API, `DeregisterTargets`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Endpoint {
    pub address: IpAddr,
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = std::net::AddrParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Endpoint {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let socket: std::net::SocketAddr = text.parse()?;
        Ok(Self {
            address: socket.ip(),
            port: socket.port(),
        })
    }
}

words! {
    /// The health of a target (ELBv2 API, `TargetHealthStateEnum`).
    HealthState {
        Initial = "initial",
        Healthy = "healthy",
        Unhealthy = "unhealthy",
        /// Its connections are draining. It is still registered, and may become healthy again.
        UnhealthyDraining = "unhealthy.draining",
        Unused = "unused",
        Unavailable = "unavailable",
        /// It is being deregistered, so it is no target any more, and it may be registered again.
        Draining = "draining",
    }
}

/// One target of a group, and its health (ELBv2 API, `TargetHealthDescription`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    pub endpoint: Endpoint,
    /// The Availability Zone that it was registered with.
    pub zone: Option<String>,
    pub state: HealthState,
    /// AWS's word for why it is not healthy, such as `Target.Timeout`.
    pub reason: Option<String>,
}

/// The registered targets of a group, each with the Availability Zone with which it was registered. Draining targets are
/// not among them.
pub type Registered = BTreeMap<Endpoint, Option<String>>;

/// Leaves the draining targets of a group out.
pub fn registered(targets: impl IntoIterator<Item = TargetHealth>) -> Registered {
    let targets = targets.into_iter();
    let targets = targets.filter(|target| target.state != HealthState::Draining);
    targets
        .map(|target| (target.endpoint, target.zone))
        .collect()
}
