//! What must hold before anything is made. All findings at once, each with both values and the
//! way to mend it. Pure.
//!
//! What would be found just so of the properties that stand holds no Update up: a rollback must get
//! through, and nothing gets worse by it.

mod backend;
mod load_balancers;
mod ports;
mod timeouts;
mod zones;

pub use backend::Backend;

use super::Desired;
use super::observe::Observed;
use crate::model::{Kind, LoadBalancer, Scheme, State};
use crate::properties::{Properties, TargetProperties};
use crate::record::Orders;
use backend::backend;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that is wrong with a pair of load balancers.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Findings(BTreeMap<About, String>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings: Vec<_> = self.0.values().map(String::as_str).collect();
        f.write_str(&findings.join("; "))
    }
}

/// What one finding is about: two that are about the same are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// That a load balancer is there, and of the right type.
    LoadBalancer(&'static str),
    State(&'static str),
    /// That it is being made: a request waits for it.
    Provisioning(&'static str),
    Scheme,
    /// The zones that only the ALB has, or only the NLB.
    ZonesOfAlb(BTreeSet<String>),
    ZonesOfNlb(BTreeSet<String>),
    AlbListener(u16),
    NlbPort(u16),
    GivenGroup(String, &'static str),
    /// The NLB's listener, and the seconds for which it holds a connection.
    IdleTimeout(String, u32),
    Bucket,
    /// Whether it denies requests without TLS.
    BucketPolicy,
}

/// What was observed, after the checks: there is something to serve, and an NLB.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub backend: Backend,
    /// Where it is gone and the binding stands on it all the same: as the orders know it.
    pub nlb: Cow<'a, LoadBalancer>,
    pub observed: &'a Observed,
    /// Whether the binding stands with this bucket: what is wrong with its policy only warns.
    pub bucket_stands: bool,
}

/// What a binding stands on: the properties that it last had a success for, in a rollback those that it goes
/// back to as well, and the orders that came of the former.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub properties: &'a [Properties],
    pub orders: &'a Orders,
}

impl Standing<'_> {
    /// Whether the bucket is the one that the record is in, or that a rollback goes back to.
    fn has_bucket(&self, desired: &Desired, observed: &Observed) -> bool {
        let record = observed.record.as_ref();
        record.is_some_and(|(_, bucket)| *bucket == desired.bucket())
            || self.properties.contains(&desired.properties)
    }

    fn is_on(&self, target: &TargetProperties) -> bool {
        let mut stands = self.properties.iter();
        stands.any(|properties| properties.target == *target)
    }
}

/// Checks what an Update goes by against what stands; a Create stands on nothing. Gives the findings that
/// only warn as well.
///
/// # Errors
/// All findings that are new.
pub fn check<'a>(
    desired: &Desired,
    standing: Option<Standing<'_>>,
    observed: &'a Observed,
) -> Result<(Checked<'a>, Findings), Findings> {
    let wanted = &desired.properties;
    let mut found = find(wanted, wanted, observed);
    found.check_bucket(desired, observed);
    let stands = standing
        .into_iter()
        .flat_map(|standing| standing.properties);
    let stands: Vec<_> = stands
        .map(|properties| find(properties, wanted, observed))
        .collect();
    let orders = standing.map(|standing| standing.orders);
    let is_ordered = orders.is_some_and(|orders| wanted.alb_arn() == Some(&orders.alb_arn));
    let bucket_stands = standing.is_some_and(|standing| standing.has_bucket(desired, observed));
    let is_known = |about: &About| match about {
        About::BucketPolicy => bucket_stands,
        // Of one that is gone only the orders tell.
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

/// The NLB, or of one that is gone what its ARN tells.
fn nlb<'a>(
    wanted: &Properties,
    orders: Option<&Orders>,
    observed: &'a Observed,
) -> Option<Cow<'a, LoadBalancer>> {
    let arn = &wanted.nlb_arn;
    let gone = || {
        let is_elsewhere = orders?.availability_zone.is_some();
        let alb = observed.alb.as_ref().filter(|_| !is_elsewhere);
        Some(Cow::Owned(LoadBalancer {
            arn: arn.clone(),
            name: arn.split('/').nth(2).unwrap_or_default().to_owned(),
            dns_name: String::new(),
            kind: Kind::Network,
            scheme: Scheme::Internal,
            state: State::of("gone"),
            vpc_id: alb.map(|alb| alb.vpc_id.clone()).unwrap_or_default(),
            zones: BTreeSet::new(),
            addresses: Vec::new(),
        }))
    };
    observed.nlb.as_ref().map(Cow::Borrowed).or_else(gone)
}

/// What is found of `properties`, as far as what is `wanted` was observed for them.
fn find(properties: &Properties, wanted: &Properties, observed: &Observed) -> Findings {
    let mut findings = Findings::default();
    let alb = match properties.alb_arn() {
        Some(arn) if Some(arn) == wanted.alb_arn() => {
            findings.usable("AlbArn", arn, &observed.alb, &Kind::Application)
        }
        _ => None,
    };
    let nlb_arn = &properties.nlb_arn;
    let nlb = match *nlb_arn == wanted.nlb_arn {
        true => findings.usable("NlbArn", nlb_arn, &observed.nlb, &Kind::Network),
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

impl Findings {
    fn add(&mut self, about: About, finding: String) {
        self.0.insert(about, finding);
    }

    /// Whether all that is missing are listeners of the ALB, which may be being made.
    pub fn may_pass(&self) -> bool {
        !self.0.is_empty()
            && self
                .0
                .keys()
                .all(|about| matches!(about, About::AlbListener(_)))
    }

    /// Without those that a request waits for until they pass, and these by themselves.
    pub fn but_for_provisioning(self) -> (Self, Self) {
        let is_made = |about: &About| matches!(about, About::Provisioning(_));
        let (made, rest) = self.0.into_iter().partition(|(about, _)| is_made(about));
        (Self(rest), Self(made))
    }

    /// Each by itself.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// Without a bucket there is no record that could tell what stands.
    fn check_bucket(&mut self, desired: &Desired, observed: &Observed) {
        let bucket = desired.bucket();
        let is_given = desired.properties.bucket_name.is_some();
        if let Some(refused) = &observed.bucket_refused {
            let finding = match is_given {
                true => format!(
                    "BucketName {bucket} cannot be used ({refused}); name a bucket of the function's \
                     account and region and allow the function to use it"
                ),
                false => lost_name(&bucket, refused),
            };
            self.add(About::Bucket, finding);
        } else if is_given && !observed.bucket_exists {
            self.add(
                About::Bucket,
                format!(
                    "BucketName {bucket} does not exist; name an existing bucket, or name none, nor one \
                     in the function's variable STATE_BUCKET, and one is made"
                ),
            );
        }
        if let Some(refused) = &observed.bucket_policy_refused {
            self.add(About::BucketPolicy, no_policy(&bucket, refused));
        }
    }
}

/// What to do about an own bucket whose policy can be neither read nor put.
pub(super) fn no_policy(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be made to deny requests without TLS ({refused}); allow \
         s3:GetBucketPolicy and s3:PutBucketPolicy on it, or give StateBucket of the provider's stack or BucketName, \
         to use an existing bucket"
    )
}

/// What to do about an own bucket whose name another account has.
pub(super) fn lost_name(bucket: &str, refused: &str) -> String {
    format!(
        "the binding's own bucket {bucket} cannot be used ({refused}), so its name is another account's or \
         permission is missing; give BucketName, or StateBucket of the provider's stack (the function's \
         variable STATE_BUCKET), to use an existing bucket"
    )
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}
