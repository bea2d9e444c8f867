import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/*
 * What the function may do: the statements of cfn/provider.yaml, which says why each of them is as it is.
 * Everything that the function makes is named after a binding's id, alb-nlb-binding-<16 hex digits>, or
 * anb-<16 hex digits>-<port> for a target group; the statements are cut along those names. A test compares the two.
 */

const ID = 'alb-nlb-binding-*';
const TAG = 'alb-nlb-binding';

/** ARN patterns of what a binding makes, for permissions. */
export function ruleArns(scope: IConstruct): string {
  return Stack.of(scope).formatArn({ service: 'events', resource: 'rule', resourceName: ID });
}

function loadBalancingArns(scope: IConstruct, resource: string, resourceName: string): string {
  return Stack.of(scope).formatArn({ service: 'elasticloadbalancing', resource, resourceName });
}

function bucketArns(objects = ''): string {
  return `arn:${Aws.PARTITION}:s3:::${ID}${objects}`;
}

/** What the function does for every binding. */
export function functionStatements(
  scope: IConstruct,
  own: { readonly functionArn: string; readonly logGroupArn: string },
): PolicyStatement[] {
  return [
    ...loadBalancing(scope),
    ...state(scope),
    ...schedule(scope, own.functionArn),
    ...observability(scope, own),
  ];
}

/** Resource types and condition keys: Service Authorization Reference, "Elastic Load Balancing V2". */
function loadBalancing(scope: IConstruct): PolicyStatement[] {
  const targetGroups = loadBalancingArns(scope, 'targetgroup', 'anb-*/*');
  const listeners = loadBalancingArns(scope, 'listener', 'net/*/*/*');
  const loadBalancers = loadBalancingArns(scope, 'loadbalancer', 'net/*/*');
  const requestTag = { [`aws:RequestTag/${TAG}`]: ID };
  const elb = (...actions: string[]): string[] => actions.map((action) => `elasticloadbalancing:${action}`);
  return [
    new PolicyStatement({
      sid: 'Look',
      actions: elb(
        'DescribeListenerAttributes',
        'DescribeListeners',
        'DescribeLoadBalancerAttributes',
        'DescribeLoadBalancers',
        'DescribeTags',
        'DescribeTargetGroupAttributes',
        'DescribeTargetGroups',
        'DescribeTargetHealth',
      ),
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'LookAsLoadBalancingAsks',
      actions: ['Instances', 'InternetGateways', 'Subnets', 'Vpcs'].map((what) => `ec2:Describe${what}`),
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'MakeOwnTargetGroups',
      actions: elb('CreateTargetGroup'),
      resources: [targetGroups],
      conditions: { StringLike: requestTag },
    }),
    new PolicyStatement({
      sid: 'KeepOwnTargetGroups',
      actions: elb(
        'AddTags',
        'DeleteTargetGroup',
        'DeregisterTargets',
        'ModifyTargetGroup',
        'ModifyTargetGroupAttributes',
        'RegisterTargets',
      ),
      resources: [targetGroups],
    }),
    new PolicyStatement({
      sid: 'MakeOwnListeners',
      actions: elb('CreateListener'),
      resources: [loadBalancers],
      conditions: { StringLike: requestTag },
    }),
    new PolicyStatement({
      sid: 'TagOwnListenersWhenMade',
      actions: elb('AddTags'),
      resources: [listeners, loadBalancers],
      conditions: {
        StringEquals: { 'elasticloadbalancing:CreateAction': 'CreateListener' },
        StringLike: requestTag,
      },
    }),
    new PolicyStatement({
      sid: 'KeepOwnListeners',
      actions: elb('AddTags', 'DeleteListener', 'ModifyListener', 'ModifyListenerAttributes'),
      resources: [listeners],
      conditions: { StringLike: { [`aws:ResourceTag/${TAG}`]: ID } },
    }),
  ];
}

function state(scope: IConstruct): PolicyStatement[] {
  return [
    new PolicyStatement({ sid: 'MakeOwnBuckets', actions: ['s3:CreateBucket'], resources: [bucketArns()] }),
    new PolicyStatement({
      sid: 'KeepOwnBuckets',
      actions: [
        's3:DeleteBucket',
        's3:GetBucketTagging',
        's3:ListBucket',
        's3:ListBucketVersions',
        's3:PutBucketTagging',
        's3:DeleteObject',
        's3:DeleteObjectVersion',
        's3:GetObject',
        's3:PutObject',
      ],
      resources: [bucketArns(), bucketArns('/*')],
      conditions: { StringEqualsIfExists: { 'aws:ResourceAccount': Stack.of(scope).account } },
    }),
  ];
}

function schedule(scope: IConstruct, functionArn: string): PolicyStatement[] {
  const events = (...actions: string[]): string[] => actions.map((action) => `events:${action}`);
  return [
    new PolicyStatement({
      sid: 'KeepOwnRules',
      actions: events(
        'DeleteRule',
        'DescribeRule',
        'ListTagsForResource',
        'ListTargetsByRule',
        'PutRule',
        'RemoveTargets',
        'TagResource',
      ),
      resources: [ruleArns(scope)],
    }),
    new PolicyStatement({ sid: 'FindRulesOfBindings', actions: events('ListRules'), resources: ['*'] }),
    new PolicyStatement({
      sid: 'AimRulesAtThisFunctionOnly',
      actions: events('PutTargets'),
      resources: [ruleArns(scope)],
      conditions: { 'ForAllValues:ArnEquals': { 'events:TargetArn': functionArn } },
    }),
  ];
}

function observability(scope: IConstruct, own: { readonly logGroupArn: string }): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'Measure',
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': 'AlbNlbBinding' } },
    }),
    new PolicyStatement({
      sid: 'SeeWhenLastMeasured',
      actions: ['cloudwatch:GetMetricStatistics'],
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'ReadStacks',
      actions: ['cloudformation:DescribeStackResource', 'cloudformation:DescribeStacks'],
      resources: [
        Stack.of(scope).formatArn({ service: 'cloudformation', resource: 'stack', resourceName: '*' }),
      ],
    }),
    new PolicyStatement({
      sid: 'Log',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [own.logGroupArn],
    }),
  ];
}

/** What the function in the published one's place, and the published one itself, left in a bucket. */
const ADOPTED = [
  'alb-nlb-binding/*/state.json',
  'internal-*/active_ip.json',
  'internal-*/pending_ip.json',
  'internal-*-IPs/* IP list of internal-*.json',
  'Tracked IP list for internal-*:targetgroup-*',
];

/** For the state in a bucket that the user brings, and for the key that the bucket is encrypted with. */
export function givenBucketStatements(bucketArn: string, keyArn?: string): PolicyStatement[] {
  const key = new PolicyStatement({
    sid: 'UseKeyOfGivenBuckets',
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: keyArn === undefined ? [] : [keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
  });
  return [
    new PolicyStatement({
      sid: 'FindStateInGivenBuckets',
      actions: ['s3:ListBucket'],
      resources: [bucketArn],
      conditions: { StringLikeIfExists: { 's3:prefix': ID } },
    }),
    new PolicyStatement({
      sid: 'FindStateVersionsInGivenBuckets',
      actions: ['s3:ListBucketVersions'],
      resources: [bucketArn],
      conditions: { StringLike: { 's3:prefix': ID } },
    }),
    new PolicyStatement({
      sid: 'KeepStateInGivenBuckets',
      actions: ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:GetObject', 's3:PutObject'],
      resources: [`${bucketArn}/${ID}/*`],
    }),
    new PolicyStatement({
      sid: 'AdoptInGivenBuckets',
      actions: ['s3:GetObject'],
      resources: ADOPTED.map((key) => `${bucketArn}/${key}`),
    }),
    ...(keyArn === undefined ? [] : [key]),
  ];
}

/** For a target group that the user brings. */
export function givenTargetGroupStatements(targetGroupArn: string): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'RegisterInGivenTargetGroups',
      actions: ['elasticloadbalancing:DeregisterTargets', 'elasticloadbalancing:RegisterTargets'],
      resources: [targetGroupArn],
    }),
  ];
}
