//! What is learnt from calls about the resources they name: the tags that listeners were given, and
//! which load balancers are NLBs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::request::{self, IamRequest, TagMap};
use crate::gateway::Call;
use crate::names::ACCOUNT;

/// What IAM was asked for the calls of one caller. It reads the calls of all callers, for the others' calls tell of
/// load balancers.
pub fn requests(calls: &[Call], source: &str) -> Result<Vec<IamRequest>> {
    let mut observed = ObservedTags::default();
    let mut requests = Vec::new();
    for call in calls {
        if call.source == source {
            let of = request::of(call, |arn| {
                observed.tags.get(arn).cloned().unwrap_or_default()
            })?;
            requests.extend(
                of.into_iter()
                    .map(|request| observed.as_on_aws(request, source)),
            );
        }
        observed.note(call);
    }
    Ok(requests)
}

#[derive(Default)]
struct ObservedTags {
    tags: BTreeMap<String, TagMap>,
    nlbs: BTreeSet<String>,
}

impl ObservedTags {
    fn note(&mut self, call: &Call) {
        match call.operation.as_str() {
            "CreateLoadBalancer" if call.param("Type") == "network" => {
                self.nlbs.insert(call.param("Name").to_owned());
            }
            "CreateListener" => {
                let made = call.made.clone().into_iter();
                self.tags
                    .extend(made.map(|arn| (arn, request::given_tags(call))));
            }
            "AddTags" if call.status == Some(200) => {
                for arn in call.values("ResourceArns") {
                    let tags = self.tags.entry(arn).or_default();
                    tags.extend(request::given_tags(call));
                }
            }
            _ => {}
        }
    }

    /// MiniStack says `app` in the ARNs of NLBs and their listeners where AWS says `net` (ELBv2 user
    /// guide). A caller whose access key is a number has the account of that number.
    fn as_on_aws(&self, mut request: IamRequest, source: &str) -> IamRequest {
        for nlb in &self.nlbs {
            for kind in ["loadbalancer", "listener"] {
                let (theirs, ours) = (format!(":{kind}/app/{nlb}/"), format!(":{kind}/net/{nlb}/"));
                request.resource = request.resource.replacen(&theirs, &ours, 1);
            }
        }
        let account = format!(":{source}:");
        request.resource = request.resource.replace(&account, &format!(":{ACCOUNT}:"));
        request
    }
}
