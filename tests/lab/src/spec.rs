//! The load balancers that a test wants. The defaults are what most tests want.

/// The zones in which every VPC of a lab has a subnet.
pub const ZONES: [&str; 4] = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"];

/// An ALB that is to be made.
#[derive(Clone, Debug)]
pub struct AlbSpec {
    pub name: String,
    pub zones: Vec<&'static str>,
    /// The ports of its HTTP listeners.
    pub ports: Vec<u16>,
    pub scheme: &'static str,
    /// `None` leaves it at AWS's default.
    pub idle_timeout_seconds: Option<u16>,
}

impl AlbSpec {
    /// An internal ALB in zones a and b, with a listener on port 80.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zones: ZONES[..2].to_vec(),
            ports: vec![80],
            scheme: "internal",
            idle_timeout_seconds: None,
        }
    }
}

/// An NLB that is to be made.
#[derive(Clone, Debug)]
pub struct NlbSpec {
    pub name: String,
    pub zones: Vec<&'static str>,
    /// Whether it is in a VPC of its own rather than in the ALB's.
    pub own_vpc: bool,
    pub cross_zone: bool,
}

impl NlbSpec {
    /// An internal NLB in zones a and b of the ALB's VPC, with a fixed address in each.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zones: ZONES[..2].to_vec(),
            own_vpc: false,
            cross_zone: false,
        }
    }
}
