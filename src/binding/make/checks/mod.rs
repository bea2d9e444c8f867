//! The checks, which must pass before anything is made. They give all findings at once, each with the value that was
//! found, the value that is needed, and how to mend it. Pure.
//!
//! A finding that the properties of the last success have as well does not fail an Update: a rollback must get through,
//! and it makes nothing worse.

mod backend;
mod bucket;
mod last_success;
mod load_balancers;
mod ports;
mod timeouts;
mod zones;

pub use backend::Backend;
pub use last_success::LastSuccess;

use super::observed::Observed;
use crate::binding::desired::Desired;
use crate::binding::findings::{About, Findings};
use crate::model::{LoadBalancer, LoadBalancerType, Scheme, State};
use crate::properties::Properties;
use crate::record::Orders;
use backend::backend;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What was observed, after the checks have passed: there is a backend and an NLB.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub backend: Backend,
    /// If the NLB is gone: what its ARN and the orders say about it.
    pub nlb: Cow<'a, LoadBalancer>,
    pub observed: &'a Observed,
    /// Whether the binding already uses this bucket: then a finding about its policy only warns.
    pub uses_bucket_already: bool,
}

/// Checks the desired properties. `last_success` is `None` for a Create. Also gives the findings that only warn.
///
/// # Errors
/// All findings that the last successful properties do not have.
pub fn check<'a>(
    desired: &Desired,
    last_success: Option<LastSuccess<'_>>,
    observed: &'a Observed,
) -> Result<(Checked<'a>, Findings), Findings> {
    let wanted = &desired.properties;
    let mut found = find_all(wanted, wanted, observed);
    found.check_bucket(desired, observed);
    let former = last_success.into_iter().flat_map(|last| last.properties);
    let former_findings: Vec<_> = former
        .map(|properties| find_all(properties, wanted, observed))
        .collect();
    let orders = last_success.map(|last| last.orders);
    let is_ordered = orders.is_some_and(|orders| wanted.alb_arn() == Some(&orders.alb_arn));
    let uses_bucket_already = last_success.is_some_and(|last| last.has_bucket(desired, observed));
    let is_known = |about: &About| match about {
        About::BucketPolicy => uses_bucket_already,
        // If the ALB is gone, only the orders say which one it was.
        About::LoadBalancer("AlbArn") if !is_ordered => false,
        _ => former_findings
            .iter()
            .any(|former| former.0.contains_key(about)),
    };
    let (known, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
        found.0.into_iter().partition(|(about, _)| is_known(about));
    let nlb = nlb(wanted, orders, observed);
    let backend = backend(wanted, last_success, observed);
    match (backend, nlb) {
        (Some(backend), Some(nlb)) if new.is_empty() => {
            let checked = Checked {
                backend,
                nlb,
                observed,
                uses_bucket_already,
            };
            Ok((checked, Findings(known)))
        }
        _ => Err(Findings(new)),
    }
}

/// The NLB. If it is gone: what its ARN and the orders say about it.
fn nlb<'a>(
    wanted: &Properties,
    orders: Option<&Orders>,
    observed: &'a Observed,
) -> Option<Cow<'a, LoadBalancer>> {
    let arn = &wanted.nlb_arn;
    let gone = || {
        let is_in_another_vpc = orders?.availability_zone.is_some();
        let alb = observed.alb.as_ref().filter(|_| !is_in_another_vpc);
        Some(Cow::Owned(LoadBalancer {
            arn: arn.clone(),
            name: arn.split('/').nth(2).unwrap_or_default().to_owned(),
            dns_name: String::new(),
            kind: LoadBalancerType::Network,
            scheme: Scheme::Internal,
            state: State::of("gone"),
            vpc_id: alb.map(|alb| alb.vpc_id.clone()).unwrap_or_default(),
            zones: BTreeSet::new(),
            addresses: Vec::new(),
        }))
    };
    observed.nlb.as_ref().map(Cow::Borrowed).or_else(gone)
}

/// The findings about `properties`, as far as the same load balancers and target groups are `wanted`: only these were
/// observed.
fn find_all(properties: &Properties, wanted: &Properties, observed: &Observed) -> Findings {
    let mut findings = Findings::default();
    let alb = match properties.alb_arn() {
        Some(arn) if Some(arn) == wanted.alb_arn() => {
            findings.usable("AlbArn", arn, &observed.alb, &LoadBalancerType::Application)
        }
        _ => None,
    };
    let nlb_arn = &properties.nlb_arn;
    let nlb = match *nlb_arn == wanted.nlb_arn {
        true => findings.usable("NlbArn", nlb_arn, &observed.nlb, &LoadBalancerType::Network),
        false => None,
    };
    if let Some(alb) = alb {
        findings.check_scheme(alb);
        findings.check_alb_listeners(properties, alb, observed);
    }
    if let Some(nlb) = nlb {
        findings.check_nlb_ports(properties, nlb, observed);
        findings.check_given_groups(properties, nlb, observed);
    }
    if let (Some(alb), Some(nlb)) = (alb, nlb) {
        findings.check_zones(properties, alb, nlb, observed);
    }
    if let Some(alb) = alb {
        findings.check_idle_timeouts(properties, alb, observed);
    }
    findings
}
