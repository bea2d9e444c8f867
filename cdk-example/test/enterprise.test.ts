import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CodeSigningConfig } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AlbNlbBindingProvider, type AlbNlbBindingProviderProps } from '../lib';
import { dummyCode, newApp } from './support';

/*
 * What accounts with rules of their own demand of the function. Each property of the provider must arrive at its
 * parameter of cfn/provider.yaml, and change nothing else.
 */

const ACCOUNT = '123456789012';
const KEY_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const BOUNDARY_ARN = `arn:aws:iam::${ACCOUNT}:policy/boundary`;
const SIGNING_ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:code-signing-config:csc-0123456789abcdef0`;

function stackWith(props: (stack: Stack) => AlbNlbBindingProviderProps): Template {
  const stack = new Stack(newApp(), 'Provider', { env: { account: ACCOUNT, region: 'eu-west-1' } });
  new AlbNlbBindingProvider(stack, 'Provider', { code: dummyCode(), ...props(stack) });
  return Template.fromStack(stack);
}

/** The properties of the only resource of a type. */
function only(template: Template, type: string): Record<string, unknown> {
  const found = Object.values(template.findResources(type));
  expect(found).toHaveLength(1);
  return found[0]?.Properties as Record<string, unknown>;
}

/** All statements of the function's role, by their Sids. */
function statements(template: Template): Record<string, { Action: string | string[]; Effect: string }> {
  interface Policy {
    PolicyDocument: { Statement: { Sid: string; Action: string | string[]; Effect: string }[] };
  }
  const role = only(template, 'AWS::IAM::Role').Policies as Policy[];
  const others = Object.values(template.findResources('AWS::IAM::Policy')).map(
    ({ Properties }) => Properties as Policy,
  );
  return Object.fromEntries(
    [...role, ...others].flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.map((statement) => [statement.Sid, statement]),
    ),
  );
}

test('without them the stack has nothing but what the function needs', () => {
  const template = stackWith(() => ({}));
  expect(Object.keys(template.toJSON() as object)).not.toContain('Conditions');
  expect(
    Object.values((template.toJSON() as { Resources: Record<string, { Type: string }> }).Resources)
      .map(({ Type }) => Type)
      .sort(),
  ).toEqual([
    'AWS::IAM::Role',
    'AWS::Lambda::EventInvokeConfig',
    'AWS::Lambda::Function',
    'AWS::Lambda::Permission',
    'AWS::Logs::LogGroup',
  ]);
  const { VpcConfig, CodeSigningConfigArn, ReservedConcurrentExecutions } = only(
    template,
    'AWS::Lambda::Function',
  );
  expect([VpcConfig, CodeSigningConfigArn, ReservedConcurrentExecutions]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(only(template, 'AWS::IAM::Role')).toMatchObject({ Path: '/' });
  expect(only(template, 'AWS::Logs::LogGroup').KmsKeyId).toBeUndefined();
});

test('the role has the permissions boundary, by the property or by the idiom of the CDK', () => {
  const template = stackWith((stack) => ({
    permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', BOUNDARY_ARN),
  }));
  expect(only(template, 'AWS::IAM::Role').PermissionsBoundary).toBe(BOUNDARY_ARN);
  const applied = stackWith((stack) => {
    PermissionsBoundary.of(stack).apply(ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', BOUNDARY_ARN));
    return {};
  });
  expect(only(applied, 'AWS::IAM::Role').PermissionsBoundary).toBe(BOUNDARY_ARN);
});

test('the role has the path, and its ARN has it too', () => {
  const stack = new Stack(newApp(), 'Provider', { env: { account: ACCOUNT, region: 'eu-west-1' } });
  const { role } = new AlbNlbBindingProvider(stack, 'Provider', { code: dummyCode(), rolePath: '/service/' });
  expect(only(Template.fromStack(stack), 'AWS::IAM::Role').Path).toBe('/service/');
  const ref = { Ref: expect.stringContaining('Role') as string };
  expect(stack.resolve(role?.roleName)).toEqual(ref);
  expect(stack.resolve(role?.roleArn)).toEqual({
    'Fn::Join': ['', [`arn:aws:iam::${ACCOUNT}:role/service/`, ref]],
  });
});

test('the log group is encrypted with the key', () => {
  const template = stackWith((stack) => ({ logGroupKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) }));
  expect(only(template, 'AWS::Logs::LogGroup').KmsKeyId).toBe(KEY_ARN);
});

test('the function runs in the VPC, and may make its network interfaces', () => {
  const template = stackWith((stack) => ({
    vpc: new Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false }),
  }));
  const groups = Object.keys(template.findResources('AWS::EC2::SecurityGroup'));
  expect(only(template, 'AWS::Lambda::Function').VpcConfig).toEqual({
    SubnetIds: [1, 2].map((n) => ({ Ref: expect.stringMatching(`PrivateSubnet${n}`) as string })),
    SecurityGroupIds: [{ 'Fn::GetAtt': [groups[0], 'GroupId'] }],
  });
  expect(Object.values(statements(template)).flatMap(({ Action }) => Action)).toContain(
    'ec2:CreateNetworkInterface',
  );
  template.hasResource('AWS::Lambda::Function', {
    DependsOn: Match.arrayWith([Match.stringLikeRegexp('PrivateSubnet1DefaultRoute')]),
  });
  const ownNetwork = stackWith((stack) => {
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 1, restrictDefaultSecurityGroup: false });
    return {
      vpc,
      vpcSubnets: { subnets: vpc.publicSubnets },
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-12345678')],
    };
  });
  expect(only(ownNetwork, 'AWS::Lambda::Function').VpcConfig).toEqual({
    SubnetIds: [{ Ref: expect.stringContaining('PublicSubnet') as string }],
    SecurityGroupIds: ['sg-12345678'],
  });
});

test('the function takes signed code only, and has its invocations set aside', () => {
  const template = stackWith((stack) => ({
    codeSigningConfig: CodeSigningConfig.fromCodeSigningConfigArn(stack, 'Signing', SIGNING_ARN),
    reservedConcurrency: 20,
  }));
  expect(only(template, 'AWS::Lambda::Function')).toMatchObject({
    CodeSigningConfigArn: SIGNING_ARN,
    ReservedConcurrentExecutions: 20,
  });
});

test('one bucket is made for all bindings, and the function makes none', () => {
  const template = stackWith((stack) => ({
    makeStateBucket: true,
    stateBucketKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
  }));
  const [[bucket, made] = ['', undefined]] = Object.entries(template.findResources('AWS::S3::Bucket'));
  expect(JSON.stringify(made)).toContain(KEY_ARN);
  const { Environment } = only(template, 'AWS::Lambda::Function');
  expect(Environment).toMatchObject({ Variables: { STATE_BUCKET: { Ref: bucket } } });
  const { Bucket: of, PolicyDocument } = only(template, 'AWS::S3::BucketPolicy');
  expect(of).toEqual({ Ref: bucket });
  expect(JSON.stringify(PolicyDocument)).toContain('aws:SecureTransport');
  const allowed = Object.values(statements(template)).flatMap(({ Action }) => Action);
  expect(allowed).not.toContain('s3:CreateBucket');
  expect(allowed).toContain('kms:GenerateDataKey');
});

test('a bucket of their own holds the state of all bindings', () => {
  const template = stackWith((stack) => ({
    stateBucket: Bucket.fromBucketAttributes(stack, 'Bucket', {
      bucketName: 'states',
      encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN),
    }),
  }));
  template.resourceCountIs('AWS::S3::Bucket', 0);
  expect(only(template, 'AWS::Lambda::Function').Environment).toMatchObject({
    Variables: { STATE_BUCKET: 'states' },
  });
  const allowed = Object.values(statements(template)).flatMap(({ Action }) => Action);
  expect(allowed).not.toContain('s3:CreateBucket');
  expect(allowed).toContain('kms:GenerateDataKey');
});
