import { Annotations, Names, Stack } from 'aws-cdk-lib';
import { CfnPolicy, type IRole } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { createHash } from 'node:crypto';
import type { Construct, IDependable } from 'constructs';
import { explainFindings } from './findings';
import { targetGroupArnOf, type AlbNlbListener } from './listener';
import type { IAlbNlbBindingProvider } from './provider';
import { include } from './template';

/**
 * Lets the function use what the user of one binding brings. Each bucket and target group has policies of its own,
 * in the binding's stack: where one is taken away, CloudFormation updates the binding first, which takes its targets
 * out of the group, and deletes the policy in the end. And a provider in another stack needs nothing from this one.
 */
export function grantGiven(
  scope: Construct,
  { role }: IAlbNlbBindingProvider,
  { bucket, listeners }: { readonly bucket?: IBucket; readonly listeners: AlbNlbListener[] },
): IDependable[] {
  const groups = new Set(listeners.map(targetGroupArnOf).filter((arn) => arn !== undefined));
  if (role) {
    return [
      ...(bucket ? [grantBucket(scope, role, bucket)] : []),
      ...[...groups].map((arn) => grantTargetGroup(scope, role, arn)),
    ];
  }
  if (bucket || groups.size > 0) {
    Annotations.of(scope).addWarningV2(
      'alb-nlb-binding:roleUnknown',
      'the provider is known by its ARN only, so nothing is granted to it here: name bucket, its key and target ' +
        'groups in GivenBuckets, GivenBucketKeys and GivenTargetGroups of cfn/provider.yaml, by grantBucket() and ' +
        'grantTargetGroup() where the provider is made, or give its role to AlbNlbBindingProvider.fromAttributes()',
    );
  }
  return [];
}

/** For the state in a bucket that the user brings, and for the key that it is encrypted with. */
export function grantBucket(
  scope: Construct,
  role: IRole,
  { bucketArn, encryptionKey }: IBucket,
): IDependable {
  const key = encryptionKey?.keyArn;
  return grant(scope, role, bucketArn, {
    GivenBuckets: [bucketArn],
    GivenBucketKeys: key === undefined ? undefined : [key],
  });
}

/** For the targets of a group that the user brings. */
export function grantTargetGroup(scope: Construct, role: IRole, targetGroupArn: string): IDependable {
  return grant(scope, role, targetGroupArn, { GivenTargetGroups: [targetGroupArn] });
}

function grant(
  scope: Construct,
  { roleName }: IRole,
  arn: string,
  given: Readonly<Record<string, string[] | undefined>>,
): IDependable {
  const policies = Object.keys(given).map((parameter) => `${parameter}Policy`);
  const template = include(
    scope,
    `Given${digest(scope, arn)}`,
    'provider',
    { ...given, Role: roleName },
    policies,
  );
  for (const policy of template.node.children) {
    // Under the name in the template it would take the place of another one of this role.
    if (policy instanceof CfnPolicy) policy.policyName = Names.uniqueResourceName(policy, { separator: '-' });
  }
  explainFindings(template);
  return template;
}

/** Tells one given ARN from another, be it known now or only at deployment. */
function digest(scope: Construct, arn: string): string {
  const resolved = JSON.stringify(Stack.of(scope).resolve(arn));
  return createHash('sha256').update(resolved).digest('hex').slice(0, 8);
}
