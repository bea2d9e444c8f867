//! Requests like those that the function makes, each on something that is not the function's.

use alb_nlb_binding::names::TAG;
use lab::policy::IamRequest;
use serde_json::json;

/// Every such request that is like a given one: the role must refuse all of them.
pub fn of(request: &IamRequest) -> Vec<IamRequest> {
    let mut strangers = vec![renamed(request)];
    // An object's ARN has neither account nor Region: what looks like them is a part of its key.
    if !request.resource.starts_with("arn:aws:s3:::") {
        strangers.extend([
            with_resource(request, ":000000000000:", ":111111111111:"),
            with_resource(request, ":us-east-1:", ":eu-west-1:"),
        ]);
    }
    let is_listener = request.resource.contains(":listener/");
    if is_listener {
        strangers.push(without(request, &format!("aws:ResourceTag/{TAG}")));
        strangers.push(other(request, &format!("aws:ResourceTag/{TAG}")));
    }
    let makes = request.action.starts_with("elasticloadbalancing:Create");
    let made = "elasticloadbalancing:CreateAction";
    let is_tagged = request.context.contains_key(made) && !request.resource.contains("/anb-");
    if makes || is_tagged {
        strangers.push(without(request, &format!("aws:RequestTag/{TAG}")));
        strangers.push(other(request, &format!("aws:RequestTag/{TAG}")));
    }
    if is_listener || is_tagged {
        // Whoever may tag a listener may take it over, so only a new one may be tagged.
        strangers.push(without(request, made));
        strangers.push(other(request, made));
    }
    strangers.push(other(request, "cloudwatch:namespace"));
    strangers.push(other(request, "kms:ViaService"));
    let target = "events:TargetArn";
    let function = "arn:aws:lambda:us-east-1:000000000000:function:other";
    strangers.push(changed(request, target, json!([function])));
    // Another account may have a bucket with our name. A bucket that is being made has no owner yet.
    let bucket = format!("arn:aws:s3:::{TAG}-");
    if request.resource.starts_with(&bucket) && request.action != "s3:CreateBucket" {
        let owner = "aws:ResourceAccount";
        strangers.push(changed(request, owner, json!("111111111111")));
    }
    if request.resource.ends_with(":their-bucket") {
        strangers.push(other(request, "s3:prefix"));
    }
    strangers.retain(|stranger| stranger != request);
    strangers
}

fn renamed(request: &IamRequest) -> IamRequest {
    [
        ("alb-nlb-binding-", "somebody-elses-"),
        ("/anb-", "/xyz-"),
        ("their-bucket", "others-bucket"),
        (":targetgroup/theirs/", ":targetgroup/others/"),
        (":key/theirs", ":key/others"),
        (":log-group:/aws/lambda/", ":log-group:/aws/lambda/other-"),
    ]
    .into_iter()
    .fold(request.clone(), |request, (ours, theirs)| {
        with_resource(&request, ours, theirs)
    })
}

fn with_resource(request: &IamRequest, ours: &str, theirs: &str) -> IamRequest {
    let resource = request.resource.replace(ours, theirs);
    IamRequest {
        resource,
        ..request.clone()
    }
}

fn without(request: &IamRequest, key: &str) -> IamRequest {
    let mut request = request.clone();
    request.context.remove(key);
    request
}

fn other(request: &IamRequest, key: &str) -> IamRequest {
    changed(request, key, json!("somebody-elses"))
}

fn changed(request: &IamRequest, key: &str, value: serde_json::Value) -> IamRequest {
    let mut request = request.clone();
    if let Some(present) = request.context.get_mut(key) {
        *present = value;
    }
    request
}
