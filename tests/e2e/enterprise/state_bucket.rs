//! One bucket for the records of all bindings, which the provider's stack makes or is given.

use super::{Account, KMS_KEY, PROVIDER};
use crate::support::wait_for_targets;
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use lab::package::CODE_PARAMETERS;
use lab::policy::{IamRequest, Policy, of_key, requests, resources};
use lab::{ACCOUNT, AlbAndNlb, AlbSpec, NlbSpec, stack};
use serde_json::{Value, json};

const BINDING_STACK: &str = "orders";
const GIVEN_BUCKET: &str = "shared-state";

/// Who owns an account with an ALB of three addresses and an NLB, and deploys a binding there.
struct AccountOwner {
    account: Account,
    pair: AlbAndNlb,
}

impl AccountOwner {
    async fn new() -> Result<Self> {
        let account = Account::new().await?;
        let specs = (AlbSpec::new("orders"), NlbSpec::new("front"));
        let pair = account.lab.load_balancers(&specs.0, &specs.1).await?;
        account.lab.dns().set("orders", pair.alb.addresses(3));
        Ok(Self { account, pair })
    }

    fn client(&self) -> &Client {
        &self.account.client
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.account.lab.aws())
    }

    async fn make_bucket(&self, name: &str) -> Result<()> {
        self.s3().create_bucket().bucket(name).send().await?;
        Ok(())
    }

    /// Deploys cfn/binding.yaml, and gives the binding's target group and the bucket of its record.
    async fn bind(&self) -> Result<(String, String)> {
        let template = stack::template("binding.yaml")?;
        let parameters = self.parameters("rate(1 minute)");
        let made = stack::create(self.client(), BINDING_STACK, &template, &parameters).await?;
        let made = made.expect("CREATE_COMPLETE")?;
        let output = |name| made.output(name).map(str::to_owned);
        Ok((output("TargetGroupArn")?, output("BucketName")?))
    }

    fn parameters<'a>(&'a self, schedule: &'a str) -> [(&'a str, &'a str); 3] {
        let (alb, nlb) = (&self.pair.alb.arn, &self.pair.nlb.arn);
        [("AlbArn", alb), ("NlbArn", nlb), ("Schedule", schedule)]
    }

    /// Waits for a tick to register a fourth address.
    async fn tick(&self, group: &str) -> Result<()> {
        let addresses = self.pair.alb.addresses(4);
        self.account.lab.dns().set("orders", addresses.clone());
        wait_for_targets(&self.account.lab, group, &addresses).await
    }

    async fn unbind(&self) -> Result<()> {
        let deleted = stack::delete(self.client(), BINDING_STACK).await?;
        deleted.expect("DELETE_COMPLETE")?;
        Ok(())
    }

    async fn buckets(&self) -> Result<Vec<String>> {
        let listed = self.s3().list_buckets().send().await?;
        let names = listed.buckets().iter().filter_map(|bucket| bucket.name());
        let code = |name: &&str| *name != CODE_PARAMETERS[0].1;
        Ok(names.filter(code).map(str::to_owned).collect())
    }

    /// The keys in a bucket, once for each version.
    async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let listed = self
            .s3()
            .list_object_versions()
            .bucket(bucket)
            .send()
            .await?;
        let keys = listed.versions().iter().filter_map(|version| version.key());
        Ok(keys.map(str::to_owned).collect())
    }

    /// What the function has asked of IAM so far.
    fn asked(&self) -> Result<Vec<IamRequest>> {
        requests(&self.account.lab.gateway().history(), ACCOUNT)
    }

    /// Lives a binding's life with one bucket for all, and gives what its function asked of IAM.
    async fn life_in(&self, bucket: &str) -> Result<Vec<IamRequest>> {
        let (group, record) = self.bind().await?;
        assert_eq!(record, bucket);
        assert_eq!(self.buckets().await?, [bucket], "none of its own");
        let id = self.account.physical_id(BINDING_STACK, "Binding").await?;
        self.tick(&group).await?;
        assert_eq!(self.keys(bucket).await?, [format!("{id}/state.json")]);
        self.unbind().await?;
        assert_eq!(self.keys(bucket).await?, [""; 0], "nothing stays");
        let role = self.account.role().await?;
        let asked = self.asked()?;
        assert!(asked.len() > 50, "{}", asked.len());
        assert_eq!(role.refused(&asked)?, []);
        assert!(!makes_buckets(&role)?, "no right to make one");
        Ok(asked)
    }
}

fn makes_buckets(role: &Policy) -> Result<bool> {
    Ok(role
        .judge(&[])?
        .grants
        .iter()
        .any(|(_, action)| action == "s3:CreateBucket"))
}

#[tokio::test]
async fn a_bucket_that_the_stack_makes_holds_every_record_and_goes_with_the_stack() -> Result<()> {
    let owner = AccountOwner::new().await?;
    owner.account.deploy(&[("StateBucket", "Make")]).await?;
    let bucket = owner
        .account
        .physical_id(PROVIDER, "MadeStateBucket")
        .await?;

    let blocked = owner
        .s3()
        .get_public_access_block()
        .bucket(&bucket)
        .send()
        .await?;
    let blocked = blocked
        .public_access_block_configuration()
        .context("a block")?;
    for (what, is_blocked) in [
        ("BlockPublicAcls", blocked.block_public_acls()),
        ("BlockPublicPolicy", blocked.block_public_policy()),
        ("IgnorePublicAcls", blocked.ignore_public_acls()),
        ("RestrictPublicBuckets", blocked.restrict_public_buckets()),
    ] {
        assert_eq!(is_blocked, Some(true), "{what}");
    }
    let policy = owner
        .s3()
        .get_bucket_policy()
        .bucket(&bucket)
        .send()
        .await?;
    let policy: Value = serde_json::from_str(policy.policy().context("a policy")?)?;
    let arn = format!("arn:aws:s3:::{bucket}");
    let tls_only = json!([{
        "Sid": "OverTlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]);
    assert_eq!(policy["Statement"], tls_only);

    owner.life_in(&bucket).await?;
    let deleted = stack::delete(owner.client(), PROVIDER).await?;
    deleted.expect("DELETE_COMPLETE")?;
    assert_eq!(owner.buckets().await?, [""; 0]);
    Ok(())
}

#[test]
fn the_bucket_that_the_stack_makes_is_encrypted_by_s3_or_with_the_key_that_is_given() -> Result<()>
{
    let made = |key: &str| {
        let given = json!({"CodeBucket": "code", "StateBucket": "Make", "StateBucketKey": key});
        let made = resources("provider.yaml", &given)?;
        Ok::<_, anyhow::Error>(made["MadeStateBucket"]["Properties"].clone())
    };
    let encryption = "/BucketEncryption/ServerSideEncryptionConfiguration";
    let by_s3 = json!([{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]);
    assert_eq!(made("")?.pointer(encryption), Some(&by_s3));
    let with_the_key = json!([{
        "BucketKeyEnabled": true,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY},
    }]);
    assert_eq!(made(KMS_KEY)?.pointer(encryption), Some(&with_the_key));
    let owner = json!([{"ObjectOwnership": "BucketOwnerEnforced"}]);
    assert_eq!(made("")?.pointer("/OwnershipControls/Rules"), Some(&owner));
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_is_there_holds_every_record_and_the_role_may_no_more_than_that() -> Result<()>
{
    let owner = AccountOwner::new().await?;
    owner.make_bucket(GIVEN_BUCKET).await?;
    let given = [("StateBucket", GIVEN_BUCKET), ("StateBucketKey", KMS_KEY)];
    owner.account.deploy(&given).await?;
    let mut asked = owner.life_in(GIVEN_BUCKET).await?;
    asked.extend(of_key(KMS_KEY, GIVEN_BUCKET));
    let role = owner.account.role().await?;
    let verdict = role.judge(&asked)?;
    assert_eq!(role.refused(&asked)?, []);
    let of_the_bucket = |sid: &str| sid.ends_with("StateBucket");
    let granted = verdict.grants.iter().filter(|(sid, _)| of_the_bucket(sid));
    assert_eq!(granted.count(), 8);
    let mut unneeded = verdict.unneeded(&asked);
    unneeded.retain(|(sid, _)| of_the_bucket(sid));
    assert!(unneeded.is_empty(), "{unneeded:?}");

    let of_others = |request: &IamRequest| IamRequest {
        resource: request
            .resource
            .replace(GIVEN_BUCKET, "others-state")
            .replace("key/ours", "key/others"),
        ..request.clone()
    };
    let is_ours = |request: &&IamRequest| of_others(request) != **request;
    let others: Vec<_> = asked.iter().filter(is_ours).map(of_others).collect();
    assert!(others.len() > 10, "{}", others.len());
    assert_eq!(role.refused(&others)?, others);
    let foreign = IamRequest::new(
        "s3:GetObject",
        format!("arn:aws:s3:::{GIVEN_BUCKET}/somebody-elses"),
    );
    assert_eq!(role.refused(std::slice::from_ref(&foreign))?, [foreign]);
    Ok(())
}

#[tokio::test]
async fn an_update_moves_a_record_from_the_bindings_own_bucket_to_the_one_for_all() -> Result<()> {
    let owner = AccountOwner::new().await?;
    owner.make_bucket(GIVEN_BUCKET).await?;
    owner.account.deploy(&[]).await?;
    let (group, own) = owner.bind().await?;
    let id = owner.account.physical_id(BINDING_STACK, "Binding").await?;
    assert_eq!(own, format!("{id}-{ACCOUNT}"));
    let before = owner.asked()?.len();

    let template = stack::template("provider.yaml")?;
    let parameters = [&CODE_PARAMETERS[..], &[("StateBucket", GIVEN_BUCKET)]].concat();
    let updated = stack::update(owner.client(), PROVIDER, &template, &parameters).await?;
    updated.expect("UPDATE_COMPLETE")?;
    assert_eq!(
        owner.keys(GIVEN_BUCKET).await?,
        [""; 0],
        "a record moves with its binding's Update"
    );
    let template = stack::template("binding.yaml")?;
    let parameters = owner.parameters("rate(2 minutes)");
    let updated = stack::update(owner.client(), BINDING_STACK, &template, &parameters).await?;
    let updated = updated.expect("UPDATE_COMPLETE")?;
    assert_eq!(updated.output("BucketName")?, GIVEN_BUCKET);
    let record = format!("{id}/state.json");
    assert_eq!(owner.keys(GIVEN_BUCKET).await?, [record]);
    owner.tick(&group).await?;

    owner.unbind().await?;
    assert_eq!(owner.keys(GIVEN_BUCKET).await?, [""; 0]);
    assert_eq!(
        owner.buckets().await?,
        [GIVEN_BUCKET],
        "its own bucket goes, too"
    );
    let asked = owner.asked()?.split_off(before);
    let role = owner.account.role().await?;
    assert_eq!(role.refused(&asked)?, []);
    assert!(!makes_buckets(&role)?);
    Ok(())
}
