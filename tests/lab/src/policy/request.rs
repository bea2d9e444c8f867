//! What IAM is asked for one call: actions, resources and condition keys, as the Service
//! Authorization Reference lists them under "Actions, resources, and condition keys for" each service.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::gateway::Call;
use crate::names::{ACCOUNT, REGION};

/// The part of an ARN that AWS makes up while it makes the resource.
const NEW: &str = "0123456789abcdef";

/// One question to IAM.
#[derive(Clone, Debug, PartialEq)]
pub struct IamRequest {
    pub action: String,
    pub resource: String,
    /// Condition keys. S3's `aws:ResourceAccount` is null if there is no such bucket.
    pub context: BTreeMap<String, Value>,
}

pub(super) type TagMap = BTreeMap<String, String>;

impl IamRequest {
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            context: BTreeMap::new(),
        }
    }

    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.context.insert(key.into(), value.into());
        self
    }

    fn with_tags(mut self, kind: &str, tags: &TagMap) -> Self {
        for (key, value) in tags {
            self = self.with(format!("aws:{kind}/{key}"), value.as_str());
        }
        self
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"action": self.action, "resource": self.resource, "context": self.context})
    }
}

impl fmt::Display for IamRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = json!(self.context);
        write!(formatter, "{} on {} {context}", self.action, self.resource)
    }
}

/// What a call needs. `tags` tells the tags of a resource before the call.
pub(super) fn of(call: &Call, tags: impl Fn(&str) -> TagMap) -> Result<Vec<IamRequest>> {
    match call.service.as_str() {
        "elasticloadbalancing" => load_balancing(call, tags),
        "s3" => s3(call),
        "events" => events(call),
        "monitoring" if call.operation == "GetMetricStatistics" => {
            Ok(vec![IamRequest::new("cloudwatch:GetMetricStatistics", "*")])
        }
        "monitoring" if call.operation == "PutMetricData" => {
            let request = IamRequest::new("cloudwatch:PutMetricData", "*");
            Ok(vec![
                request.with("cloudwatch:namespace", call.param("Namespace")),
            ])
        }
        "cloudformation"
            if ["DescribeStackResource", "DescribeStacks"].contains(&call.operation.as_str()) =>
        {
            let stack = call.param("StackName");
            let stack = match stack.starts_with("arn:") {
                true => stack.to_owned(),
                false => arn("cloudformation", &format!("stack/{stack}/{NEW}")),
            };
            let action = format!("cloudformation:{}", call.operation);
            Ok(vec![IamRequest::new(action, stack)])
        }
        _ => unknown(call),
    }
}

fn unknown(call: &Call) -> Result<Vec<IamRequest>> {
    bail!(
        "what {} of {} needs is not known here: look it up in the Service Authorization Reference",
        call.operation,
        call.service
    )
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// "Elastic Load Balancing V2". Tags given while making something need AddTags on it as well, with
/// `CreateAction` (user guide, "Tag resources during creation").
fn load_balancing(call: &Call, tags: impl Fn(&str) -> TagMap) -> Result<Vec<IamRequest>> {
    let operation = call.operation.as_str();
    let action = format!("elasticloadbalancing:{operation}");
    let given = given_tags(call);
    let made = |on: String, tagged: &[String]| {
        let mut requests = vec![IamRequest::new(&action, on).with_tags("RequestTag", &given)];
        for tagged in tagged.iter().filter(|_| !given.is_empty()) {
            let tagging = IamRequest::new("elasticloadbalancing:AddTags", tagged);
            let tagging = tagging.with("elasticloadbalancing:CreateAction", operation);
            requests.push(tagging.with_tags("RequestTag", &given));
        }
        requests
    };
    // User guide, "Elastic Load Balancing API permissions": what a caller needs besides the action.
    let looks = |what: &[&str]| {
        let what = what.iter();
        what.map(|what| IamRequest::new(format!("ec2:Describe{what}"), "*"))
            .collect::<Vec<_>>()
    };
    let on = |resource: &str| {
        let request = IamRequest::new(&action, resource).with_tags("RequestTag", &given);
        request.with_tags("ResourceTag", &tags(resource))
    };
    match operation {
        _ if operation.starts_with("Describe") => Ok(vec![IamRequest::new(action, "*")]),
        "CreateTargetGroup" => {
            let group = format!("targetgroup/{}/{NEW}", call.param("Name"));
            let group = arn("elasticloadbalancing", &group);
            let mut requests = made(group.clone(), &[group]);
            requests.extend(looks(&["InternetGateways", "Vpcs"]));
            Ok(requests)
        }
        "CreateListener" => {
            let nlb = call.param("LoadBalancerArn");
            let listener = nlb.replacen(":loadbalancer/", ":listener/", 1);
            // AWS was seen to deny AddTags on the load balancer: kubernetes-sigs/aws-load-balancer-controller,
            // issue 3086.
            let tagged = [format!("{listener}/{NEW}"), nlb.to_owned()];
            Ok(made(nlb.to_owned(), &tagged))
        }
        "ModifyListener" | "ModifyListenerAttributes" | "DeleteListener" => {
            Ok(vec![on(call.param("ListenerArn"))])
        }
        "RegisterTargets" => {
            let mut requests = vec![on(call.param("TargetGroupArn"))];
            requests.extend(looks(&["Instances", "InternetGateways", "Subnets", "Vpcs"]));
            Ok(requests)
        }
        "DeregisterTargets"
        | "ModifyTargetGroup"
        | "ModifyTargetGroupAttributes"
        | "DeleteTargetGroup" => Ok(vec![on(call.param("TargetGroupArn"))]),
        "AddTags" => Ok(call
            .values("ResourceArns")
            .iter()
            .map(|arn| on(arn))
            .collect()),
        _ => unknown(call),
    }
}

/// The tags that a call of ELBv2 gives.
pub(super) fn given_tags(call: &Call) -> TagMap {
    let tags = call.members("Tags").into_iter();
    tags.filter_map(|mut tag| Some((tag.remove("Key")?, tag.remove("Value").unwrap_or_default())))
        .collect()
}

/// "Amazon S3", and "Required permissions for Amazon S3 API operations" in its user guide.
fn s3(call: &Call) -> Result<Vec<IamRequest>> {
    let bucket = format!("arn:aws:s3:::{}", call.param("Bucket"));
    let object = |key: &str| format!("{bucket}/{key}");
    let action = format!("s3:{}", call.operation);
    let mut requests = match call.operation.as_str() {
        "HeadBucket" => vec![IamRequest::new("s3:ListBucket", &bucket)],
        "ListObjectVersions" => {
            let request = IamRequest::new("s3:ListBucketVersions", &bucket);
            vec![request.with("s3:prefix", call.param("prefix"))]
        }
        "CreateBucket" => {
            let tags = call.params["Tags"].as_array().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let tags: TagMap = tags
                .map(|tag| (text(&tag["Key"]), text(&tag["Value"])))
                .collect();
            // "You must have the s3:TagResource permission to create a general purpose bucket with tags" (API,
            // CreateBucketConfiguration).
            let tagging = Some("s3:TagResource").filter(|_| !tags.is_empty());
            let actions = [Some(action.as_str()), tagging].into_iter().flatten();
            actions
                .map(|action| IamRequest::new(action, &bucket).with_tags("RequestTag", &tags))
                .collect()
        }
        "DeleteBucket" | "GetBucketPolicy" | "GetBucketTagging" | "PutBucketPolicy"
        | "PutBucketTagging" => vec![IamRequest::new(action, &bucket)],
        "GetObject" | "HeadObject" => {
            let mut requests = vec![IamRequest::new("s3:GetObject", object(call.param("Key")))];
            // "If you don't have the s3:ListBucket permission, Amazon S3 returns 403" in place of it.
            let is_head = call.operation == "HeadObject";
            if call.error.as_deref() == Some("NoSuchKey") || is_head && call.status == Some(404) {
                requests.push(IamRequest::new("s3:ListBucket", &bucket));
            }
            requests
        }
        "PutObject" => {
            let object = object(call.param("Key"));
            let mut requests = vec![IamRequest::new(action, &object)];
            // User guide, "Conditional writes": If-Match needs GetObject as well.
            if call.headers.contains_key("if-match") {
                requests.push(IamRequest::new("s3:GetObject", object));
            }
            requests
        }
        "DeleteObjects" => {
            let objects = call.params["Objects"].as_array().into_iter().flatten();
            objects
                .flat_map(|deleted| {
                    let object = object(deleted["Key"].as_str().unwrap_or_default());
                    let versioned = deleted["VersionId"].is_string();
                    let version = IamRequest::new("s3:DeleteObjectVersion", &object);
                    let deleted = IamRequest::new("s3:DeleteObject", object);
                    [Some(deleted), Some(version).filter(|_| versioned)]
                })
                .flatten()
                .collect()
        }
        _ => return unknown(call),
    };
    let no_such_bucket = match call.operation.as_str() {
        "HeadBucket" => call.status == Some(404),
        _ => call.error.as_deref() == Some("NoSuchBucket"),
    };
    for request in &mut requests {
        let owner = Some(ACCOUNT).filter(|_| !no_such_bucket);
        let key = "aws:ResourceAccount".to_owned();
        request.context.insert(key, json!(owner));
    }
    Ok(requests)
}

/// What S3 asks of the key that a bucket is encrypted with, in the name of the caller that reads and writes its
/// objects ("Using server-side encryption with AWS KMS keys" in its user guide). Tests ask this by hand, for no call
/// tells whether a bucket has a key; the lab's buckets have none.
pub fn of_key(key: &str, bucket: &str) -> [IamRequest; 2] {
    ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| {
        IamRequest::new(action, key)
            .with("kms:ViaService", format!("s3.{REGION}.amazonaws.com"))
            .with(
                "kms:EncryptionContext:aws:s3:arn",
                format!("arn:aws:s3:::{bucket}"),
            )
    })
}

/// "Amazon EventBridge".
fn events(call: &Call) -> Result<Vec<IamRequest>> {
    let named = |name: &str| arn("events", &format!("rule/{}", call.param(name)));
    let action = format!("events:{}", call.operation);
    Ok(match call.operation.as_str() {
        "PutRule" => {
            let mut requests = vec![IamRequest::new(action, named("Name"))];
            // "To tag a rule in PutRule, you must have TagResource as well" (API, PutRule, Tags).
            let tags = call.params["Tags"].as_array();
            if tags.is_some_and(|tags| !tags.is_empty()) {
                requests.push(IamRequest::new("events:TagResource", named("Name")));
            }
            requests
        }
        // The reference names no resource type for it.
        "ListRules" => vec![IamRequest::new(action, "*")],
        "DeleteRule" | "DescribeRule" => vec![IamRequest::new(action, named("Name"))],
        "ListTargetsByRule" | "RemoveTargets" => vec![IamRequest::new(action, named("Rule"))],
        "PutTargets" => {
            let targets = call.params["Targets"].as_array().into_iter().flatten();
            let targets: Vec<_> = targets.map(|target| target["Arn"].clone()).collect();
            vec![IamRequest::new(action, named("Rule")).with("events:TargetArn", targets)]
        }
        "ListTagsForResource" | "TagResource" => {
            vec![IamRequest::new(action, call.param("ResourceARN"))]
        }
        _ => return unknown(call),
    })
}
