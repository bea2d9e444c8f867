import { Annotations, Names, Stack } from 'aws-cdk-lib';
import { CfnPolicy, type IRole } from 'aws-cdk-lib/aws-iam';
import type { INetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { createHash } from 'node:crypto';
import type { Construct, IDependable } from 'constructs';
import { explainFindings } from './findings';
import type { AlbNlbListener } from './listener';
import { include } from './template';

/**
 * Lets the function use the bucket and the target groups that a binding is given. Each of them has its own policies
 * in the binding's stack. When one is taken away, CloudFormation first updates the binding, which deregisters its
 * targets from the group, and deletes the policy last. A provider in another stack imports nothing from this stack.
 */
export function grantGiven(
  scope: Construct,
  role: IRole | undefined,
  { bucket, listeners }: { readonly bucket?: IBucket; readonly listeners: AlbNlbListener[] },
): IDependable[] {
  const groups = listeners.flatMap(({ targetGroup }) => (targetGroup === undefined ? [] : [targetGroup]));
  if (role) {
    return [
      ...(bucket ? [grantBucket(scope, role, bucket)] : []),
      ...groups.map((group) => grantTargetGroup(scope, role, group)),
    ];
  }
  if (bucket || groups.length > 0) {
    Annotations.of(scope).addWarningV2(
      'alb-nlb-binding:roleUnknown',
      'the provider is known by its ARN only, so nothing is granted to it here: name bucket, its key and target ' +
        'groups in GivenBuckets, GivenBucketKeys and GivenTargetGroups of cfn/provider.yaml, by grantBucket() and ' +
        'grantTargetGroup() where the provider is made, or give its role to AlbNlbBindingProvider.fromAttributes()',
    );
  }
  return [];
}

/** Allows the role to keep state in a given bucket, and to use the key that the bucket is encrypted with. */
export function grantBucket(scope: Construct, role: IRole, bucket: IBucket): IDependable {
  const key = keyArnOf(bucket.encryptionKey);
  return grant(scope, role, bucket.node.path, {
    GivenBuckets: [bucket.bucketArn],
    GivenBucketKeys: key === undefined ? undefined : [key],
  });
}

/** Allows the role to register targets in a given target group. */
export function grantTargetGroup(
  scope: Construct,
  role: IRole,
  group: INetworkTargetGroup | string,
): IDependable {
  const [arn, id] =
    typeof group === 'string'
      ? [group, JSON.stringify(Stack.of(scope).resolve(group))]
      : [group.targetGroupArn, group.node.path];
  return grant(scope, role, id, { GivenTargetGroups: [arn] });
}

/**
 * The ARN of a key, for a policy.
 *
 * @throws an error if it is an alias, which no policy matches
 */
export function keyArnOf(key: IKey | undefined): string | undefined {
  if (key && ('aliasName' in key || key.keyArn.includes(':alias/'))) {
    throw new Error(`${key.node.path} is an alias, which a policy does not match: give the key itself`);
  }
  return key?.keyArn;
}

/** @param identity tells what is granted apart from anything else that is granted in this scope */
function grant(
  scope: Construct,
  { roleName }: IRole,
  identity: string,
  parameters: Readonly<Record<string, string[] | undefined>>,
): IDependable {
  const id = `Given${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`;
  const granted = scope.node.tryFindChild(id);
  if (granted) return granted;
  const policies = Object.keys(parameters).map((parameter) => `${parameter}Policy`);
  const template = include(scope, id, 'provider', { ...parameters, Role: roleName }, policies);
  for (const policy of template.node.children) {
    // With the name in the template it would replace another policy of the role, which has each name only once.
    if (policy instanceof CfnPolicy) {
      policy.policyName = Names.uniqueResourceName(policy, { maxLength: 128, separator: '-' });
    }
  }
  explainFindings(template);
  return template;
}
