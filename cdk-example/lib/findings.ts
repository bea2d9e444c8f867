import { Stack, Validations, type CfnResource } from 'aws-cdk-lib';
import { CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

/** Why the resources of a policy statement are patterns, by the statement's Sid. */
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
  KeepStateInStateBucket: 'The objects of bindings in the state bucket, alb-nlb-binding-<id>/state.json.',
  SeeNetworkInterfaces: 'The Describe actions of EC2 have no resource-level permissions.',
  KeepNetworkInterfaces:
    "Lambda makes the interfaces and names them; the function's own code is denied to use this.",
};

interface PolicyDocument {
  readonly Statement: readonly { readonly Sid: string; readonly Resource: unknown }[];
}

/**
 * Tells cdk-nag, if the app uses it, why resources of the function's policies are patterns. Each finding is named in
 * full, so that cdk-nag reports a new pattern.
 */
export function explainFindings(template: CfnInclude): void {
  const resolve = (value: unknown): unknown => Stack.of(template).resolve(value);
  for (const resource of template.node.children) {
    if (resource instanceof CfnBucket) {
      Validations.of(resource).acknowledge({
        id: 'AwsSolutions::AwsSolutions-S1',
        reason:
          'Holds a few kilobytes of addresses and counts, which every run reads: a log would be larger.',
      });
    } else if (resource instanceof CfnPolicy) {
      explain(resource, [resolve(resource.policyDocument) as PolicyDocument]);
    } else if (resource instanceof CfnRole) {
      const policies = resolve(resource.policies) as { policyDocument: PolicyDocument }[];
      explain(
        resource,
        policies.map(({ policyDocument }) => policyDocument),
      );
    }
  }
}

function explain(resource: CfnResource, documents: readonly PolicyDocument[]): void {
  const reasons = new Map<string, string>();
  for (const { Sid, Resource } of documents.flatMap(({ Statement }) => Statement)) {
    const reason = REASONS[Sid];
    for (const finding of [Resource].flat().map(flatten)) {
      if (finding.includes('*') && reason !== undefined && !reasons.has(finding)) {
        reasons.set(finding, reason);
      }
    }
  }
  Validations.of(resource).acknowledge(
    ...[...reasons].map(([finding, reason]) => ({
      id: `AwsSolutions::AwsSolutions-IAM5[Resource::${finding}]`,
      reason,
    })),
  );
}

/** A resolved text as cdk-nag writes it: references in angle brackets, other functions as JSON. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  const [[name, argument] = ['', '']] = Object.entries(value as object);
  switch (name) {
    case 'Fn::Join':
      return (argument as [string, unknown[]])[1].map(flatten).join((argument as [string])[0]);
    case 'Fn::Sub':
      return flatten(argument);
    case 'Fn::GetAtt':
      return `<${(argument as string[]).join('.')}>`;
    case 'Ref':
      return `<${String(argument)}>`;
    default:
      return JSON.stringify(value);
  }
}
