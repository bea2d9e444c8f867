//! What an account asks of the role, the log group and the function by parameters of the two templates.

use super::{Account, KMS_KEY, PROVIDER};
use anyhow::Result;
use lab::package::CODE_PARAMETERS;
use lab::policy::{IamRequest, Policy, resources};
use lab::{ZONES, stack};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DOCUMENTED: &str = include_str!("../../../docs/boundary.json");
const BOUNDARY: &str = "arn:aws:iam::000000000000:policy/limits/Boundary";
const SIGNING: &str =
    "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0";
const VPC: [(&str, &str); 2] = [
    ("SubnetIds", "subnet-1,subnet-2"),
    ("SecurityGroupIds", "sg-1,sg-2"),
];

/// A template with a function, the logical ids of its role and its function, and the parameters that
/// have no default.
struct Template {
    file: &'static str,
    role: &'static str,
    function: &'static str,
    needed: &'static [(&'static str, &'static str)],
}

const TEMPLATES: [Template; 2] = [
    Template {
        file: "provider.yaml",
        role: "Role",
        function: "Function",
        needed: &CODE_PARAMETERS,
    },
    Template {
        file: "sync.yaml",
        role: "LambdaIAMRole",
        function: "LambdaFunction",
        needed: &[
            CODE_PARAMETERS[0],
            (
                "InternalALBDNSName",
                "internal-orders-1.us-east-1.elb.amazonaws.com",
            ),
            (
                "NLBTargetGroupARN",
                "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/front/0123456789abcdef",
            ),
            ("S3BucketName", "state"),
            ("ALBListenerPort", "80"),
        ],
    },
];

impl Template {
    fn parameters(&self, given: &[(&str, &str)]) -> Value {
        let all = self.needed.iter().chain(given);
        all.map(|(name, value)| (*name, *value)).collect()
    }

    /// The resources that the template asks CloudFormation for.
    fn asks(&self, given: &[(&str, &str)]) -> Result<Value> {
        resources(self.file, &self.parameters(given))
    }
}

/// Asserts for each template that parameters become a property of one resource, which has no such property without
/// them.
fn assert_property(
    given: &[(&str, &str)],
    of: fn(&Template) -> &str,
    name: &str,
    value: &Value,
) -> Result<()> {
    for template in &TEMPLATES {
        let (with, without) = (template.asks(given)?, template.asks(&[])?);
        assert_eq!(
            &with[of(template)]["Properties"][name],
            value,
            "{}",
            template.file
        );
        assert_eq!(
            without[of(template)]["Properties"][name],
            Value::Null,
            "{}",
            template.file
        );
    }
    Ok(())
}

#[test]
fn the_role_has_the_permissions_boundary_that_is_given() -> Result<()> {
    let given = [("PermissionsBoundary", BOUNDARY)];
    assert_property(
        &given,
        |template| template.role,
        "PermissionsBoundary",
        &json!(BOUNDARY),
    )
}

#[test]
fn the_function_is_in_the_subnets_and_security_groups_that_are_given() -> Result<()> {
    let vpc = json!({"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1", "sg-2"]});
    assert_property(&VPC, |template| template.function, "VpcConfig", &vpc)
}

#[test]
fn the_function_has_the_code_signing_configuration_that_is_given() -> Result<()> {
    let given = [("CodeSigningConfig", SIGNING)];
    assert_property(
        &given,
        |template| template.function,
        "CodeSigningConfigArn",
        &json!(SIGNING),
    )
}

#[test]
fn the_function_has_the_concurrency_that_is_reserved() -> Result<()> {
    let given = [("ReservedConcurrency", "20")];
    let property = "ReservedConcurrentExecutions";
    assert_property(&given, |template| template.function, property, &json!("20"))
}

#[test]
fn lambda_may_make_network_interfaces_in_the_roles_name_and_the_function_may_not() -> Result<()> {
    let interface = "arn:aws:ec2:us-east-1:000000000000:network-interface/*";
    // A shared subnet is another account's.
    let subnet = "arn:aws:ec2:us-east-1:111111111111:subnet/subnet-1";
    let mut asked = vec![
        IamRequest::new("ec2:CreateNetworkInterface", subnet),
        IamRequest::new("ec2:DescribeNetworkInterfaces", "*"),
    ];
    for action in ["Assign", "Unassign"].map(|what| format!("ec2:{what}PrivateIpAddresses")) {
        asked.push(IamRequest::new(action, interface));
    }
    for action in ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"] {
        asked.push(IamRequest::new(action, interface));
    }
    let own = "arn:aws:lambda:us-east-1:000000000000:function:alb-nlb-binding";
    let by_the_function =
        |request: &IamRequest| request.clone().with("lambda:SourceFunctionArn", own);
    let by_itself: Vec<_> = asked.iter().map(by_the_function).collect();
    let looks = by_the_function(&IamRequest::new("ec2:DescribeSubnets", "*"));
    for template in &TEMPLATES {
        let role = |given: &[_]| {
            Policy::of_template(template.file, template.role, template.parameters(given))
        };
        let (inside, outside) = (role(&VPC), role(&[]));
        assert_eq!(inside.refused(&asked)?, [], "{}", template.file);
        assert_eq!(inside.refused(&by_itself)?, by_itself, "{}", template.file);
        assert_eq!(
            inside.refused(std::slice::from_ref(&looks))?,
            [],
            "{}",
            template.file
        );
        assert_eq!(outside.refused(&asked)?, asked, "{}", template.file);
    }
    Ok(())
}

#[test]
fn the_boundary_of_the_docs_has_every_action_of_the_role_and_no_other() -> Result<()> {
    let actions = |policy: Policy| -> Result<BTreeSet<String>> {
        let grants = policy.judge(&[])?.grants.into_iter();
        Ok(grants.map(|(_, action)| action).collect())
    };
    let boundary = actions(Policy::new(DOCUMENTED)?)?;
    let given = [
        ("GivenBuckets", "arn:aws:s3:::theirs"),
        ("GivenBucketKeys", KMS_KEY),
        (
            "GivenTargetGroups",
            "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/theirs/0123456789abcdef",
        ),
    ];
    let [provider, sync] = TEMPLATES.map(|template| {
        let given = match template.file {
            "provider.yaml" => [&VPC[..], &given].concat(),
            _ => [&VPC[..], &[("S3BucketKeyARN", KMS_KEY)]].concat(),
        };
        let parameters = template.parameters(&given);
        actions(Policy::of_template(
            template.file,
            template.role,
            parameters,
        ))
    });
    assert_eq!(boundary, provider?);
    let lacking: Vec<_> = sync?.difference(&boundary).cloned().collect();
    assert_eq!(lacking, [""; 0]);
    Ok(())
}

#[test]
fn the_function_is_made_after_what_its_role_needs_for_it() -> Result<()> {
    let [provider, _] = &TEMPLATES;
    let given = [&VPC[..], &[("StateBucket", "shared-state")]].concat();
    let after = |given: &[_]| Ok(provider.asks(given)?["Function"]["Metadata"]["After"].clone());
    let all: Result<Value> = after(&given);
    assert_eq!(
        all?,
        json!(["StateBucketAccess", "NetworkInterfacesPolicy"])
    );
    let none: Result<Value> = after(&[]);
    assert_eq!(none?, json!(["", ""]));
    Ok(())
}

/// All parameters at once, so that CloudFormation has to take them.
#[tokio::test]
async fn a_stack_with_all_of_it_is_deployed_with_its_path_and_its_key() -> Result<()> {
    let account = Account::new().await?;
    let vpc = account.lab.vpc().await?;
    let subnets = ZONES[..2]
        .iter()
        .map(|zone| Ok(vpc.subnet(zone)?.id.as_str()));
    let subnets = subnets.collect::<Result<Vec<_>>>()?.join(",");
    let given = [
        ("PermissionsBoundary", BOUNDARY),
        ("RolePath", "/service/edge/"),
        ("LogGroupKey", KMS_KEY),
        ("SubnetIds", &subnets),
        VPC[1],
        ("CodeSigningConfig", SIGNING),
        ("ReservedConcurrency", "20"),
    ];
    account
        .deploy(
            &[
                &given[..],
                &[("StateBucket", "Make"), ("StateBucketKey", KMS_KEY)],
            ]
            .concat(),
        )
        .await?;
    let [_, sync] = &TEMPLATES;
    let needed = [&CODE_PARAMETERS, &sync.needed[1..], &given].concat();
    let template = stack::template(sync.file)?;
    let made = stack::create(&account.client, "sync", &template, &needed).await?;
    made.expect("CREATE_COMPLETE")?;
    let synced = account.physical_id("sync", sync.function).await?;
    for (function, group) in [
        (PROVIDER, "/aws/lambda/alb-nlb-binding"),
        (synced.as_str(), "/alb-nlb-binding/sync"),
    ] {
        let lambda = account.lab.function_configuration(function).await?;
        let role = lambda["Role"].as_str().unwrap_or_default();
        assert!(
            role.starts_with("arn:aws:iam::000000000000:role/service/edge/"),
            "{role}"
        );
        let group = account.lab.log_group(group).await?;
        assert_eq!(group["kmsKeyId"], KMS_KEY, "{group}");
    }
    for stack in ["sync", PROVIDER] {
        stack::delete(&account.client, stack)
            .await?
            .expect("DELETE_COMPLETE")?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_made() -> Result<()> {
    let account = Account::new().await?;
    for (name, value, told) in [
        ("PermissionsBoundary", "Boundary", "must match pattern"),
        ("RolePath", "service", "begins and ends with a slash"),
        ("LogGroupKey", "alias/ours", "must match pattern"),
        ("SubnetIds", "subnet-1,vpc-1", "must match pattern"),
        ("SecurityGroupIds", "subnet-1", "must match pattern"),
        (
            "CodeSigningConfig",
            "csc-0123456789abcdef0",
            "must match pattern",
        ),
        ("ReservedConcurrency", "0", "A whole number of at least 1"),
        ("StateBucket", "make-Mine", "the word Make"),
        ("StateBucketKey", "alias/ours", "must match pattern"),
    ] {
        let refused = account.deploy(&[(name, value)]).await.expect_err(name);
        let refused = format!("{refused:?}");
        assert!(
            refused.contains(name) && refused.contains(told),
            "{refused}"
        );
    }
    Ok(())
}
