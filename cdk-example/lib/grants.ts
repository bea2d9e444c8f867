import { Annotations, Stack } from 'aws-cdk-lib';
import { Policy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { createHash } from 'node:crypto';
import type { Construct } from 'constructs';
import { explainPatterns } from './findings';
import { targetGroupArnOf, type AlbNlbListener } from './listener';
import { givenBucketStatements, givenTargetGroupStatements } from './policy';
import type { IAlbNlbBindingProvider } from './provider';

/**
 * Lets the function use what the user of one binding brings. Each bucket and target group has a policy of its own,
 * in the binding's stack: where one is taken away, CloudFormation updates the binding first, which takes its targets
 * out of the group, and deletes the policy in the end. And a provider in another stack needs nothing from this one.
 */
export function grantGiven(
  scope: Construct,
  provider: IAlbNlbBindingProvider,
  given: { readonly bucket?: IBucket; readonly listeners: readonly AlbNlbListener[] },
): Policy[] {
  const statements = new Map<string, PolicyStatement[]>();
  if (given.bucket) {
    const { bucketArn, encryptionKey } = given.bucket;
    statements.set(bucketArn, givenBucketStatements(bucketArn, encryptionKey?.keyArn));
  }
  for (const arn of given.listeners.map(targetGroupArnOf)) {
    if (arn !== undefined) statements.set(arn, givenTargetGroupStatements(arn));
  }
  const { role } = provider;
  if (!role) {
    if (statements.size > 0) {
      Annotations.of(scope).addWarningV2(
        'alb-nlb-binding:roleUnknown',
        'the provider is known by its ARN only, so nothing is granted to it here: name bucket, its key and target ' +
          'groups in GivenBuckets, GivenBucketKeys and GivenTargetGroups of cfn/provider.yaml, by grantBucket() and ' +
          'grantTargetGroup() where the provider is made, or give its role to AlbNlbBindingProvider.fromAttributes()',
      );
    }
    return [];
  }
  return [...statements].map(([arn, list]) => {
    const policy = new Policy(scope, `Given${digest(scope, arn)}`, { roles: [role], statements: list });
    explainPatterns(policy, list);
    return policy;
  });
}

/** Tells one given ARN from another, be it known now or only at deployment. */
function digest(scope: Construct, arn: string): string {
  const resolved = JSON.stringify(Stack.of(scope).resolve(arn));
  return createHash('sha256').update(resolved).digest('hex').slice(0, 8);
}
