//! Finds the target groups and listeners that may be a binding's own, for make and for delete.
//!
//! Changes nothing.

use crate::aws::api::{Aws, AwsResult};
use crate::model::{Listener, TargetGroup};
use crate::names::BindingId;
use std::collections::BTreeSet;

/// Whether a listener may be the binding's: it is on one of the `ports` of the record, or forwards to one of the
/// binding's target groups or to none. If the record does not name the ports, every listener may be. The listeners
/// of other bindings on the NLB are left out, because each costs a call if it is deleted while it is observed.
pub(super) fn may_be_own(
    id: &BindingId,
    ports: Option<&BTreeSet<u16>>,
    listener: &Listener,
) -> bool {
    let mut forwards = listener.forwards_to.iter();
    ports.is_none_or(|ports| ports.contains(&listener.port))
        || listener.forwards_to.is_empty()
        || forwards.any(|arn| id.made_group(arn))
}

/// The binding's own target groups: by their names if these are known, else by the prefix of their names.
pub(super) async fn own_target_groups(
    aws: &impl Aws,
    id: &BindingId,
    names: Option<Vec<String>>,
) -> AwsResult<Vec<TargetGroup>> {
    match names {
        Some(names) => aws.target_groups_by_name(&names).await,
        None => {
            aws.target_groups_with_prefix(&id.target_group_prefix())
                .await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> BindingId {
        BindingId::derive("stack", "Binding", "arn:nlb")
    }

    #[test]
    fn of_an_nlb_that_many_share_only_listeners_that_may_be_its_own_are_asked_about() {
        let listener = |port, forwards_to: &[&str]| Listener {
            arn: format!("arn:listener/{port}"),
            port,
            protocol: "TCP".to_owned(),
            forwards_to: forwards_to.iter().map(|arn| (*arn).to_owned()).collect(),
        };
        let (own, theirs) = (
            format!("arn:targetgroup/{}80", id().target_group_prefix()),
            "arn:targetgroup/anb-0123456789abcdef-81/1",
        );
        let own = own.replacen("arn:", "arn:aws:elasticloadbalancing:eu-central-1:1:", 1);
        let noted = BTreeSet::from([80]);
        let may_be_own = |listener, ports| may_be_own(&id(), ports, &listener);
        assert!(
            may_be_own(listener(80, &[theirs]), Some(&noted)),
            "by its port"
        );
        assert!(
            may_be_own(listener(81, &[&own]), Some(&noted)),
            "by its target group"
        );
        assert!(
            may_be_own(listener(81, &[]), Some(&noted)),
            "it leads nowhere"
        );
        assert!(!may_be_own(listener(81, &[theirs]), Some(&noted)));
        assert!(
            may_be_own(listener(81, &[theirs]), None),
            "nothing is known"
        );
    }
}
