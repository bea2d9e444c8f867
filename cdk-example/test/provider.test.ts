import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { NetworkTargetGroup, TargetType } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { join } from 'node:path';
import { AlbNlbBindingCode, AlbNlbBindingLogLevel, AlbNlbBindingProvider } from '../lib';
import {
  GROUP_ARN,
  X86_64,
  bind,
  bindingOf,
  dummyCode,
  loadBalancers,
  newApp,
  newStack,
  temporaryDirectory,
  writePackage,
} from './support';

const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:alb-nlb-binding';

interface Policy {
  PolicyName: string;
  PolicyDocument: { Statement: Record<string, unknown>[] };
}

/** The policies of a stack that are resources of their own, apart from the role. */
function givenPolicies(stack: Stack): Policy[] {
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  return policies.map(({ Properties }) => Properties as Policy);
}

/** The statements of a stack's policies, by their Sid. */
function givenStatements(stack: Stack): Record<string, Record<string, unknown>> {
  const statements = givenPolicies(stack).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  return Object.fromEntries(statements.map((statement) => [String(statement.Sid), statement]));
}

test('all bindings of a stack share one function, and another stack has its own', () => {
  const app = newApp();
  const stack = newStack(undefined, app);
  bind(stack);
  bind(stack, { listeners: [{ port: 81 }] }, 'Second');
  const other = new Stack(app, 'Other');
  const provider = AlbNlbBindingProvider.of(other, { code: dummyCode() });
  expect(bind(other, { listeners: [{ port: 82 }] }).provider).toBe(provider);
  for (const each of [stack, other]) Template.fromStack(each).resourceCountIs('AWS::Lambda::Function', 1);
});

test('properties for a provider that is made already are refused', () => {
  const stack = newStack();
  bind(stack);
  expect(() => AlbNlbBindingProvider.of(stack, {})).toThrow(
    "Orders/AlbNlbBindingProvider is made already: give its properties before the stack's first binding",
  );
});

test('every property of a provider has its effect', () => {
  const stack = new Stack(newApp(), 'Stack');
  const zip = writePackage(join(temporaryDirectory(), 'bootstrap.zip'), X86_64);
  new AlbNlbBindingProvider(stack, 'Provider', {
    code: AlbNlbBindingCode.fromPackage(zip),
    architecture: Architecture.X86_64,
    functionName: 'bindings',
    logRetention: RetentionDays.ONE_WEEK,
    logLevel: AlbNlbBindingLogLevel.WARN,
    dnsServers: ['10.0.0.2', '10.0.0.3:53'],
  });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Architectures: ['x86_64'],
    FunctionName: 'bindings',
    Environment: { Variables: { LOG_LEVEL: 'WARN', DNS_SERVERS: '10.0.0.2,10.0.0.3:53' } },
  });
  template.hasResourceProperties('AWS::Logs::LogGroup', {
    LogGroupName: { 'Fn::Sub': '/aws/lambda/bindings' },
    RetentionInDays: 7,
  });
});

test('errors of the function can be alarmed on', () => {
  const provider = AlbNlbBindingProvider.of(newStack());
  const metric = provider.metricErrors();
  expect([metric.namespace, metric.metricName]).toEqual(['AWS/Lambda', 'Errors']);
});

test('a target group that the user brings is granted to the function before the binding is made', () => {
  const stack = newStack();
  const { vpc, alb, nlb } = loadBalancers(stack, 80);
  const group = new NetworkTargetGroup(stack, 'Group', { vpc, port: 80, targetType: TargetType.IP });
  bind(stack, { alb, nlb, listeners: [{ port: 80, targetGroup: group }] });
  expect(givenStatements(stack)).toEqual({
    RegisterInGivenTargetGroups: {
      Sid: 'RegisterInGivenTargetGroups',
      Effect: 'Allow',
      Action: ['elasticloadbalancing:DeregisterTargets', 'elasticloadbalancing:RegisterTargets'],
      Resource: [stack.resolve(group.targetGroupArn) as unknown],
    },
  });
  expect(bindingOf(stack).DependsOn).toEqual(
    expect.arrayContaining([expect.stringMatching(/^BindingGiven/)]),
  );
});

test('each bucket and target group has a policy of its own, which goes after the binding has left it', () => {
  const policies = (...arns: string[]): string[] => {
    const stack = newStack();
    bind(stack, { listeners: arns.map((targetGroup, index) => ({ port: index + 1, targetGroup })) });
    return Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  };
  const both = policies(GROUP_ARN, `${GROUP_ARN}0`);
  const one = policies(GROUP_ARN);
  expect(both).toHaveLength(one.length + 1);
  expect(both).toEqual(expect.arrayContaining(one));
});

test('a bucket that the user brings is granted with its key, but no other object in it', () => {
  const stack = newStack();
  const encryptionKey = new Key(stack, 'Key');
  bind(stack, { bucket: new Bucket(stack, 'Bucket', { encryptionKey }) });
  const statements = givenStatements(stack);
  expect(Object.keys(statements).sort()).toEqual([
    'AdoptInGivenBuckets',
    'FindStateInGivenBuckets',
    'FindStateVersionsInGivenBuckets',
    'KeepStateInGivenBuckets',
    'UseKeyOfGivenBuckets',
  ]);
  expect(JSON.stringify(statements.KeepStateInGivenBuckets?.Resource)).toContain('/alb-nlb-binding-*/*');
  expect(statements.UseKeyOfGivenBuckets).toMatchObject({
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: [stack.resolve(encryptionKey.keyArn) as unknown],
    // Only S3, which uses the key in the function's name, may use it.
    Condition: { StringEquals: { 'kms:ViaService': { 'Fn::Sub': 's3.${AWS::Region}.${AWS::URLSuffix}' } } },
  });
});

test('no policy takes the place of another of the same role', () => {
  const app = newApp();
  const provider = new AlbNlbBindingProvider(new Stack(app, 'Shared'), 'Provider', { code: dummyCode() });
  const stacks = ['First', 'Second'].map((id) => {
    const stack = new Stack(app, id);
    bind(stack, { provider, listeners: [{ port: 80, targetGroup: GROUP_ARN }] });
    bind(stack, { provider, listeners: [{ port: 81, targetGroup: GROUP_ARN }] }, 'Other');
    return stack;
  });
  const names = stacks.flatMap(givenPolicies).map(({ PolicyName }) => PolicyName);
  expect(new Set(names).size).toBe(4);
});

test('a provider can be allowed buckets and target groups of other apps', () => {
  const stack = newStack();
  const provider = AlbNlbBindingProvider.of(stack);
  provider.grantBucket(Bucket.fromBucketName(stack, 'Bucket', 'states'));
  provider.grantTargetGroup(
    NetworkTargetGroup.fromTargetGroupAttributes(stack, 'Group', { targetGroupArn: GROUP_ARN }),
  );
  expect(Object.keys(givenStatements(stack))).toEqual(
    expect.arrayContaining(['KeepStateInGivenBuckets', 'RegisterInGivenTargetGroups']),
  );
});

test('what is granted twice is granted once, and what is alike in two stacks is two', () => {
  const app = newApp();
  const shared = new Stack(app, 'Shared');
  const provider = new AlbNlbBindingProvider(shared, 'Provider', { code: dummyCode() });
  for (const id of ['First', 'Second']) {
    const bucket = new Bucket(new Stack(app, id), 'State');
    provider.grantBucket(bucket);
    provider.grantBucket(bucket);
  }
  expect(givenPolicies(shared)).toHaveLength(2);
});

test('the name of a policy is one that IAM takes, however long the names of stack and binding are', () => {
  const stack = new Stack(newApp(), 'MyCompany-Platform-Networking-Production-EuWest1-StaticAddresses');
  const provider = new AlbNlbBindingProvider(stack, 'Provider', { code: dummyCode() });
  const id = 'OrdersServicePublicFixedAddressesBindingOfTheWholeCompany';
  bind(stack, { provider, listeners: [{ port: 80, targetGroup: GROUP_ARN }] }, id);
  for (const { PolicyName } of givenPolicies(stack)) expect(PolicyName.length).toBeLessThanOrEqual(128);
});

test('a key is given by itself, for a policy matches no alias', () => {
  const stack = newStack();
  const encryptionKey = new Key(stack, 'Key').addAlias('states');
  const bucket = new Bucket(stack, 'Bucket', { encryptionKey });
  expect(() => bind(stack, { bucket })).toThrow(
    'is an alias, which a policy does not match: give the key itself',
  );
});

test('a log that is kept for ever has no retention', () => {
  const stack = new Stack(newApp(), 'Provider');
  new AlbNlbBindingProvider(stack, 'Provider', { code: dummyCode(), logRetention: RetentionDays.INFINITE });
  Template.fromStack(stack).hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: Match.absent() });
});

test('what nobody can have meant is told all at once', () => {
  const stack = new Stack(newApp(), 'Provider');
  const made = (): unknown =>
    new AlbNlbBindingProvider(stack, 'Provider', {
      code: dummyCode(),
      makeStateBucket: true,
      stateBucket: Bucket.fromBucketName(stack, 'Bucket', 'states'),
      securityGroups: [],
      reservedConcurrency: 0,
    });
  expect(made).toThrow(
    /^Provider\/Provider: makeStateBucket and stateBucket: .+; vpcSubnets or securityGroups without vpc: .+; reservedConcurrency 0/,
  );
});

describe('a provider of another stack', () => {
  test('of the same app serves bindings and what they bring', () => {
    const app = newApp();
    const provider = new AlbNlbBindingProvider(new Stack(app, 'Shared'), 'Provider', { code: dummyCode() });
    const stack = new Stack(app, 'Orders');
    bind(stack, { provider, listeners: [{ port: 80, targetGroup: GROUP_ARN }] });
    // The stacks do not depend on each other in a circle, because the grant is in the binding's stack.
    app.synth();
    expect(givenPolicies(stack)).toHaveLength(1);
    expect(stack.dependencies.map(({ node }) => node.id)).toEqual(['Shared']);
    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 0);
  });

  test('is given by its ARN', () => {
    const stack = new Stack(newApp(), 'Orders');
    bind(stack, { provider: AlbNlbBindingProvider.fromFunctionArn(stack, 'Provider', FUNCTION_ARN) });
    expect(bindingOf(stack).Properties.ServiceToken).toBe(FUNCTION_ARN);
    const template = Template.fromStack(stack);
    for (const type of ['AWS::Lambda::Function', 'AWS::IAM::Policy']) template.resourceCountIs(type, 0);
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('that is known by its ARN only is granted nothing, which is told', () => {
    const stack = new Stack(newApp(), 'Orders');
    bind(stack, {
      provider: AlbNlbBindingProvider.fromFunctionArn(stack, 'Provider', FUNCTION_ARN),
      listeners: [{ port: 80, targetGroup: GROUP_ARN }],
    });
    Annotations.fromStack(stack).hasWarning(
      '/Orders/Binding',
      Match.stringLikeRegexp('GivenBuckets, GivenBucketKeys and GivenTargetGroups of cfn/provider.yaml'),
    );
  });

  test('whose role is known is granted what users bring', () => {
    const stack = new Stack(newApp(), 'Orders', { env: { account: '123456789012', region: 'eu-west-1' } });
    const role = Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/bindings');
    const provider = AlbNlbBindingProvider.fromAttributes(stack, 'Provider', {
      functionArn: FUNCTION_ARN,
      role,
    });
    bind(stack, { provider, listeners: [{ port: 80, targetGroup: GROUP_ARN }] });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', { Roles: ['bindings'] });
  });
});
