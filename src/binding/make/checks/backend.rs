//! What is behind the NLB: the ALB as it is, or as the orders know one that is gone, or a name.

use super::standing::Standing;
use crate::binding::make::observed::Observed;
use crate::model::LoadBalancer;
use crate::properties::{Properties, TargetProperties, lb_name};
use crate::record::Record;

/// What is behind the NLB, as ticks know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Empty where only a DNS name is given.
    pub alb_arn: String,
    /// By which it is measured.
    pub name: String,
    pub dns_name: String,
    /// `all` where its addresses are outside the NLB's VPC (ELBv2 API, `TargetDescription`).
    pub availability_zone: Option<String>,
    /// An ALB that is gone has no addresses.
    pub is_gone: bool,
    /// Of a name that the binding stood on before only DNS tells whether it is gone.
    pub may_be_silent: bool,
}

impl Backend {
    /// An ALB, in the NLB's VPC or elsewhere.
    pub fn of_alb(alb: &LoadBalancer, is_elsewhere: bool) -> Self {
        Self {
            alb_arn: alb.arn.clone(),
            name: alb.name.clone(),
            dns_name: alb.dns_name.clone(),
            availability_zone: zone(is_elsewhere),
            is_gone: false,
            may_be_silent: false,
        }
    }

    /// How many addresses of it a record knows.
    pub fn known_by(&self, record: &Record) -> usize {
        record.known_of(&self.dns_name).len()
    }
}

pub(super) fn backend(
    wanted: &Properties,
    standing: Option<Standing<'_>>,
    observed: &Observed,
) -> Option<Backend> {
    let orders = standing.map(|standing| standing.orders);
    let alb_arn = match &wanted.target {
        TargetProperties::Alb { arn } => arn.clone(),
        TargetProperties::DnsName { dns_name, same_vpc } => {
            return Some(Backend {
                alb_arn: String::new(),
                name: lb_name(dns_name).to_owned(),
                dns_name: dns_name.clone(),
                availability_zone: zone(!same_vpc),
                is_gone: false,
                may_be_silent: standing.is_some_and(|standing| standing.is_on(&wanted.target)),
            });
        }
    };
    let Some(alb) = &observed.alb else {
        let orders = orders.filter(|orders| orders.alb_arn == alb_arn)?;
        return Some(Backend {
            alb_arn,
            name: orders.alb_name.clone(),
            dns_name: orders.alb_dns_name.clone(),
            // So that targets are registered as they were.
            availability_zone: orders.availability_zone.clone(),
            is_gone: true,
            may_be_silent: false,
        });
    };
    let is_elsewhere = match &observed.nlb {
        Some(nlb) => alb.is_elsewhere(nlb),
        None => orders.is_some_and(|orders| orders.availability_zone.is_some()),
    };
    Some(Backend::of_alb(alb, is_elsewhere))
}

/// What targets are registered with.
fn zone(is_elsewhere: bool) -> Option<String> {
    is_elsewhere.then(|| "all".to_owned())
}
