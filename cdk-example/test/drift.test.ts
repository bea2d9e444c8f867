import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AlbNlbBindingProvider } from '../lib';
import { PSEUDO, defaultsOf, evaluate, readTemplate, type CfnTemplate, type Values } from './template';
import { GROUP_ARN, dummyCode, newApp } from './support';

/*
 * The provider that the CDK makes and that of cfn/provider.yaml must not drift apart. Both templates are evaluated
 * with the same values and compared, statement by statement and property by property.
 */

const BUCKET_ARN = 'arn:aws:s3:::states';
const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const DNS_SERVERS = '10.0.0.2,10.0.0.3:53';

/** A template with its statements by their Sid, and its resources by their type. */
interface Provider {
  statements: Record<string, unknown>;
  resources: Record<string, unknown>;
}

/** Where the two differ on purpose: how code, role and names are given. Everything else must be the same. */
const DIFFERING: Record<string, string[]> = {
  'AWS::IAM::Role': ['Policies'],
  'AWS::Lambda::Function': ['Code', 'FunctionName'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
};
/** What references to resources stand for. */
const REFERENCES: Record<string, string> = {
  'AWS::Lambda::Function': 'arn:aws:lambda:eu-west-1:123456789012:function:alb-nlb-binding',
  'AWS::Logs::LogGroup': 'log-group',
  'AWS::IAM::Role': 'role',
};

function providerOf({ Resources, Conditions = {} }: CfnTemplate, parameters: Values = {}): Provider {
  const names = Object.entries(Resources).map(([id, { Type }]) => [id, REFERENCES[Type]] as const);
  const values = { ...PSEUDO, ...parameters, ...Object.fromEntries(names) };
  const found = Object.values(Resources).map((resource) => {
    const properties = evaluate(resource.Properties, values, Conditions) as Record<string, unknown>;
    return { ...resource, Properties: properties };
  });
  const policies = found.flatMap(({ Type, Properties }) =>
    Type === 'AWS::IAM::Policy' ? [Properties] : ((Properties.Policies ?? []) as Record<string, unknown>[]),
  );
  const statements = policies.flatMap(
    ({ PolicyDocument }) => (PolicyDocument as { Statement: Record<string, unknown>[] }).Statement,
  );
  expect(new Set(statements.map(({ Sid }) => Sid)).size).toBe(statements.length);
  const others = found.filter(({ Type }) => Type !== 'AWS::IAM::Policy');
  expect(new Set(others.map(({ Type }) => Type)).size).toBe(others.length);
  return {
    statements: Object.fromEntries(statements.map((statement) => [String(statement.Sid), normal(statement)])),
    resources: Object.fromEntries(
      others.map(({ Type, Properties, DeletionPolicy, UpdateReplacePolicy }) => {
        const alike = Object.entries(Properties).filter(([name]) => !DIFFERING[Type]?.includes(name));
        return [Type, { ...Object.fromEntries(alike), DeletionPolicy, UpdateReplacePolicy }];
      }),
    ),
  };
}

/** One of a list may stand alone, and the order of actions and resources does not matter. */
function normal(statement: Record<string, unknown>): Record<string, unknown> {
  const list = (value: unknown): unknown[] => [value].flat().sort();
  return { ...statement, Action: list(statement.Action), Resource: list(statement.Resource) };
}

function ofCloudFormation(): Provider {
  const template = readTemplate('provider.yaml');
  const values = {
    ...defaultsOf(template),
    Architecture: 'x86_64',
    DnsServers: DNS_SERVERS,
    GivenBuckets: [BUCKET_ARN],
    GivenBucketKeys: [KEY_ARN],
    GivenTargetGroups: [GROUP_ARN],
  };
  return providerOf(template, values);
}

function ofCdk(change: (provider: AlbNlbBindingProvider, stack: Stack) => void = () => undefined): Provider {
  const stack = new Stack(newApp(), 'Provider');
  const provider = AlbNlbBindingProvider.of(stack, { code: dummyCode(), dnsServers: DNS_SERVERS.split(',') });
  const encryptionKey = Key.fromKeyArn(stack, 'Key', KEY_ARN);
  provider.grantBucket(
    Bucket.fromBucketAttributes(stack, 'Bucket', { bucketArn: BUCKET_ARN, encryptionKey }),
  );
  provider.grantTargetGroup(
    NetworkTargetGroup.fromTargetGroupAttributes(stack, 'Group', { targetGroupArn: GROUP_ARN }),
  );
  change(provider, stack);
  return providerOf(Template.fromStack(stack).toJSON() as CfnTemplate);
}

test('the function and its role are those of cfn/provider.yaml', () => {
  expect(ofCdk()).toEqual(ofCloudFormation());
});

test('what is compared is there', () => {
  const { statements, resources } = ofCloudFormation();
  const ofEachPolicy = [
    'Look',
    'KeepOwnBuckets',
    'AimRulesAtThisFunctionOnly',
    'Log',
    'KeepStateInGivenBuckets',
    'UseKeyOfGivenBuckets',
    'RegisterInGivenTargetGroups',
  ];
  expect(Object.keys(statements)).toEqual(expect.arrayContaining(ofEachPolicy));
  expect(Object.keys(resources).sort()).toEqual([
    'AWS::IAM::Role',
    'AWS::Lambda::EventInvokeConfig',
    'AWS::Lambda::Function',
    'AWS::Lambda::Permission',
    'AWS::Logs::LogGroup',
  ]);
});

test('a statement more, a property more or another timeout is a drift', () => {
  const more = ofCdk(({ role }) => {
    role.addToPrincipalPolicy(
      new PolicyStatement({ sid: 'More', actions: ['s3:GetObject'], resources: ['*'] }),
    );
  });
  expect(more).not.toEqual(ofCloudFormation());
  const reserved = ofCdk(({ function: { node } }) => {
    (node.defaultChild as CfnFunction).reservedConcurrentExecutions = 5;
  });
  expect(reserved).not.toEqual(ofCloudFormation());
  const slower = ofCdk(({ function: { node } }) => {
    (node.defaultChild as CfnFunction).timeout = 60;
  });
  expect(slower).not.toEqual(ofCloudFormation());
});
