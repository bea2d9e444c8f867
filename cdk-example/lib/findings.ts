import { Stack, Validations } from 'aws-cdk-lib';
import type { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Why a statement's resources are patterns, by its Sid. */
const REASONS: Readonly<Record<string, string>> = {
  Look: 'The Describe actions of Elastic Load Balancing have no resource-level permissions, nor has ListRules.',
  LookAsLoadBalancingAsks: 'The Describe actions of EC2 have no resource-level permissions.',
  MakeOwnTargetGroups: 'Bindings make target groups named anb-<id>-<port>; the ids are not known before.',
  MakeOwnListeners:
    'Which NLBs get listeners is up to the bindings; a condition demands the tag of a binding.',
  TagOwnListenersWhenMade:
    'Listeners have no names; conditions demand that they are being made, with the tag of a binding.',
  MakeOwnBuckets: 'Bindings make buckets named alb-nlb-binding-<id>-<account>; the ids are not known before.',
  KeepOwnBuckets: 'The objects in those buckets; a condition demands that they are of this account.',
  KeepOwnRules: 'Bindings make rules named alb-nlb-binding-<id>; the ids are not known before.',
  ReadStacks:
    'Any stack of the account may have bindings, and CloudFormation hands them neither tags nor status.',
  AdoptInGivenBuckets: 'What a published function left for ALBs in a given bucket; it is only read.',
  KeepStateInGivenBuckets: 'The objects of bindings in a given bucket, alb-nlb-binding-<id>/state.json.',
};

/**
 * Tells cdk-nag, where it is used, why resources of the function's policies are patterns. Each finding is named in
 * full, so that a new pattern is a new finding.
 */
export function explainPatterns(policy: Policy, statements: readonly PolicyStatement[]): void {
  const reasons = new Map<string, string>();
  for (const { sid, resources } of statements) {
    for (const resource of resources) {
      const finding = flatten(Stack.of(policy).resolve(resource));
      const reason = REASONS[sid ?? ''];
      if (finding.includes('*') && reason !== undefined && !reasons.has(finding))
        reasons.set(finding, reason);
    }
  }
  Validations.of(policy).acknowledge(
    ...[...reasons].map(([finding, reason]) => ({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::${finding}]`,
      reason,
    })),
  );
}

/** A resolved text as cdk-nag writes it: references in angle brackets. */
function flatten(value: unknown): string {
  if (Array.isArray(value)) return value.map(flatten).join('');
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument] = ['', '']] = Object.entries(value);
  if (name === 'Fn::Join') return flatten((argument as unknown[])[1]);
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  return `<${String(argument)}>`;
}
