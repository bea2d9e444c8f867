//! The backend of the NLB: the ALB as it is observed, or as the orders know it if it is gone, or a DNS name.

use super::last_success::LastSuccess;
use crate::binding::make::observed::Observed;
use crate::model::LoadBalancer;
use crate::properties::{Properties, TargetProperties, load_balancer_name};
use crate::record::Record;

/// The load balancer behind the NLB, as ticks know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Empty if only a DNS name is given.
    pub alb_arn: String,
    /// The name in the metric.
    pub name: String,
    pub dns_name: String,
    /// `all` if its addresses are outside the NLB's VPC (ELBv2 API, `TargetDescription`).
    pub availability_zone: Option<String>,
    /// An ALB that is gone has no addresses.
    pub is_gone: bool,
    /// Whether DNS may have no address for it. True for a DNS name that the binding already uses: only DNS can say that
    /// such a name is gone.
    pub may_lack_addresses: bool,
}

impl Backend {
    /// An ALB, in the NLB's VPC or elsewhere.
    pub fn of_alb(alb: &LoadBalancer, is_in_another_vpc: bool) -> Self {
        Self {
            alb_arn: alb.arn.clone(),
            name: alb.name.clone(),
            dns_name: alb.dns_name.clone(),
            availability_zone: zone(is_in_another_vpc),
            is_gone: false,
            may_lack_addresses: false,
        }
    }

    /// How many addresses of the backend a record knows.
    pub fn addresses_known_by(&self, record: &Record) -> usize {
        record.current_addresses_of(&self.dns_name).len()
    }
}

/// The backend of the `wanted` properties; `None` if its ALB does not exist and the orders do not know it.
pub(super) fn backend(
    wanted: &Properties,
    last_success: Option<LastSuccess<'_>>,
    observed: &Observed,
) -> Option<Backend> {
    let orders = last_success.map(|last| last.orders);
    let alb_arn = match &wanted.target {
        TargetProperties::Alb { arn } => arn.clone(),
        TargetProperties::DnsName { dns_name, same_vpc } => {
            return Some(Backend {
                alb_arn: String::new(),
                name: load_balancer_name(dns_name).to_owned(),
                dns_name: dns_name.clone(),
                availability_zone: zone(!same_vpc),
                is_gone: false,
                may_lack_addresses: last_success
                    .is_some_and(|last| last.has_target(&wanted.target)),
            });
        }
    };
    let Some(alb) = &observed.alb else {
        let orders = orders.filter(|orders| orders.alb_arn == alb_arn)?;
        return Some(Backend {
            alb_arn,
            name: orders.alb_name.clone(),
            dns_name: orders.alb_dns_name.clone(),
            // Targets go on to be registered as they were.
            availability_zone: orders.availability_zone.clone(),
            is_gone: true,
            may_lack_addresses: false,
        });
    };
    let is_in_another_vpc = match &observed.nlb {
        Some(nlb) => alb.is_in_another_vpc(nlb),
        None => orders.is_some_and(|orders| orders.availability_zone.is_some()),
    };
    Some(Backend::of_alb(alb, is_in_another_vpc))
}

/// The `AvailabilityZone` that targets are registered with.
fn zone(is_in_another_vpc: bool) -> Option<String> {
    is_in_another_vpc.then(|| "all".to_owned())
}
