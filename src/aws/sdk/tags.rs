//! ELBv2: tags of target groups and listeners.

use super::{Sdk, batches::describe_known, failed};
use crate::aws::api::{AwsError, AwsResult, ElbTags};
use crate::model::Tags;
use crate::permit::Permit;
use aws_sdk_elasticloadbalancingv2::types::Tag;
use std::collections::BTreeMap;

impl ElbTags for Sdk {
    async fn elb_tags(&self, arns: &[String]) -> AwsResult<BTreeMap<String, Tags>> {
        // A resource that was deleted meanwhile makes the call fail for all of them.
        let describe = async |arns: &[String]| self.describe_tags(arns).await;
        let tags = describe_known(arns, AwsError::is_not_found, describe).await?;
        Ok(tags.into_iter().collect())
    }

    async fn add_elb_tags(&self, _: Permit, arn: &str, tags: &Tags) -> AwsResult<()> {
        self.elb_once
            .add_tags()
            .resource_arns(arn)
            .set_tags(Some(elb_tag_list(tags)))
            .send()
            .await
            .map_err(failed("AddTags", arn))?;
        Ok(())
    }
}

impl Sdk {
    async fn describe_tags(&self, arns: &[String]) -> AwsResult<Vec<(String, Tags)>> {
        let output = self
            .elb
            .describe_tags()
            .set_resource_arns(Some(arns.to_vec()))
            .send()
            .await
            .map_err(failed("DescribeTags", arns.join(", ")))?;
        let descriptions = output.tag_descriptions.unwrap_or_default().into_iter();
        let described = descriptions.map(|described| {
            let tags = described.tags.unwrap_or_default().into_iter();
            let tags = tags
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect();
            (described.resource_arn.unwrap_or_default(), tags)
        });
        // AWS knows all of these ARNs, or it would have refused the call.
        let untagged = arns.iter().map(|arn| (arn.clone(), Tags::new()));
        Ok(untagged.chain(described).collect())
    }
}

pub(super) fn elb_tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}
