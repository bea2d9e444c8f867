//! The checks, which must pass before anything is made. They give all findings at once, each with the value that was
//! found, the value that is needed, and how to mend it. Pure.
//!
//! A finding that the properties of the last success have as well does not fail an Update: a rollback must get through,
//! and it makes nothing worse.

mod backend;
mod bucket;
mod load_balancers;
mod ports;
mod standing;
mod timeouts;
mod zones;

pub use backend::Backend;
pub use standing::Standing;

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
    /// Where the NLB is gone and the binding stands on it all the same: as its ARN and the orders tell it.
    pub nlb: Cow<'a, LoadBalancer>,
    pub observed: &'a Observed,
    /// Whether the binding stands with this bucket already: then a finding about its policy only warns.
    pub bucket_stands: bool,
}

/// Checks the desired properties. `standing` is what the binding stands on before an Update, and `None` for a Create.
/// Gives the findings that only warn as well.
///
/// # Errors
/// All findings that the binding does not stand with already.
pub fn check<'a>(
    desired: &Desired,
    standing: Option<Standing<'_>>,
    observed: &'a Observed,
) -> Result<(Checked<'a>, Findings), Findings> {
    let wanted = &desired.properties;
    let mut found = find_all(wanted, wanted, observed);
    found.check_bucket(desired, observed);
    let stands = standing
        .into_iter()
        .flat_map(|standing| standing.properties);
    let stands: Vec<_> = stands
        .map(|properties| find_all(properties, wanted, observed))
        .collect();
    let orders = standing.map(|standing| standing.orders);
    let is_ordered = orders.is_some_and(|orders| wanted.alb_arn() == Some(&orders.alb_arn));
    let bucket_stands = standing.is_some_and(|standing| standing.has_bucket(desired, observed));
    let is_known = |about: &About| match about {
        About::BucketPolicy => bucket_stands,
        // Only the orders tell what an ALB was that is gone.
        About::LoadBalancer("AlbArn") if !is_ordered => false,
        _ => stands.iter().any(|stands| stands.0.contains_key(about)),
    };
    let (known, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
        found.0.into_iter().partition(|(about, _)| is_known(about));
    let nlb = nlb(wanted, orders, observed);
    let backend = backend(wanted, standing, observed);
    match (backend, nlb) {
        (Some(backend), Some(nlb)) if new.is_empty() => {
            let checked = Checked {
                backend,
                nlb,
                observed,
                bucket_stands,
            };
            Ok((checked, Findings(known)))
        }
        _ => Err(Findings(new)),
    }
}

/// The NLB. Of one that is gone, only what its ARN and the orders tell.
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
