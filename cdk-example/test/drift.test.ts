import { Stack, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlbNlbBindingProvider } from '../lib';
import { evaluate, parseTemplate, type Resource, type Values } from './template';
import { GROUP_ARN, dummyCode, newApp } from './support';

/*
 * The provider that the CDK makes and that of cfn/provider.yaml must not drift apart. Both templates are evaluated
 * with the same values and compared, statement by statement and property by property.
 */

const BUCKET_ARN = 'arn:aws:s3:::states';
const DNS_SERVERS = '10.0.0.2,10.0.0.3:53';
const PSEUDO: Values = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': '123456789012',
};

/** What of a template is compared. */
interface Provider {
  /** By Sid. */
  statements: Record<string, unknown>;
  trust: unknown;
  resources: Record<string, Record<string, unknown>>;
}

const COMPARED = {
  'AWS::IAM::Role': ['Description'],
  'AWS::Lambda::Function': [
    'Architectures',
    'Description',
    'Environment',
    'Handler',
    'LoggingConfig',
    'MemorySize',
    'Runtime',
    'Timeout',
  ],
  'AWS::Lambda::EventInvokeConfig': ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts', 'Qualifier'],
  'AWS::Lambda::Permission': ['Action', 'Principal', 'SourceArn'],
  'AWS::Logs::LogGroup': ['RetentionInDays'],
};
/** By what names a template's resources are the same. */
const ALIKE: Record<string, string> = {
  'AWS::Lambda::Function': 'arn:aws:lambda:eu-west-1:123456789012:function:alb-nlb-binding',
  'AWS::Logs::LogGroup': 'log-group',
  'AWS::IAM::Role': 'role',
};

function providerOf(
  resources: Record<string, Resource>,
  values: Values,
  conditions: Record<string, unknown>,
): Provider {
  const names = Object.fromEntries(
    Object.entries(resources).map(([id, { Type }]) => [id, ALIKE[Type] ?? id] as const),
  );
  const all = { ...PSEUDO, ...values, ...names };
  const evaluated = Object.values(resources).map(
    ({ Type, Properties }) =>
      [Type, evaluate(Properties, all, conditions) as Record<string, unknown>] as const,
  );
  const found = (type: string): Record<string, unknown>[] =>
    evaluated.filter(([Type]) => Type === type).map(([, properties]) => properties);
  const inline = found('AWS::IAM::Role').flatMap(
    (role) => (role.Policies ?? []) as Record<string, unknown>[],
  );
  const documents = [...inline, ...found('AWS::IAM::Policy')].map(
    ({ PolicyDocument }) => PolicyDocument as { Statement: Record<string, unknown>[] },
  );
  const statements = documents.flatMap(({ Statement }) => Statement);
  expect(new Set(statements.map(({ Sid }) => Sid)).size).toBe(statements.length);
  return {
    statements: Object.fromEntries(statements.map((statement) => [String(statement.Sid), normal(statement)])),
    trust: found('AWS::IAM::Role').map((role) => role.AssumeRolePolicyDocument),
    resources: Object.fromEntries(
      Object.entries(COMPARED).map(([type, properties]) => {
        const [resource = {}, ...others] = found(type);
        expect([type, others]).toEqual([type, []]);
        return [type, Object.fromEntries(properties.map((name) => [name, resource[name]]))];
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
  const template = parseTemplate(readFileSync(join(__dirname, '../../cfn/provider.yaml'), 'utf8'));
  const defaults = Object.fromEntries(
    Object.entries(template.Parameters ?? {}).map(([name, parameter]) => [name, parameter.Default]),
  );
  const values = {
    ...defaults,
    Architecture: 'x86_64',
    DnsServers: DNS_SERVERS,
    GivenBuckets: [BUCKET_ARN],
    GivenTargetGroups: [GROUP_ARN],
  };
  return providerOf(template.Resources, values, template.Conditions ?? {});
}

function ofCdk(change: (provider: AlbNlbBindingProvider, stack: Stack) => void = () => undefined): Provider {
  const stack = new Stack(newApp(), 'Provider');
  const provider = AlbNlbBindingProvider.of(stack, { code: dummyCode(), dnsServers: DNS_SERVERS.split(',') });
  provider.grantBucket(Bucket.fromBucketArn(stack, 'Bucket', BUCKET_ARN));
  provider.grantTargetGroup(
    NetworkTargetGroup.fromTargetGroupAttributes(stack, 'Group', { targetGroupArn: GROUP_ARN }),
  );
  change(provider, stack);
  return providerOf(Template.fromStack(stack).toJSON().Resources as Record<string, Resource>, {}, {});
}

test('the function and its role are those of cfn/provider.yaml', () => {
  expect(ofCdk()).toEqual(ofCloudFormation());
});

test('what is compared is there: every statement has a Sid, and no property is missing', () => {
  const { statements, resources } = ofCloudFormation();
  expect(Object.keys(statements)).toEqual(
    expect.arrayContaining(['Look', 'KeepOwnBuckets', 'AimRulesAtThisFunctionOnly']),
  );
  expect(Object.keys(statements)).not.toContain('undefined');
  for (const properties of Object.values(resources)) {
    expect(Object.values(properties)).not.toContain(undefined);
  }
});

test('a statement more, an action more or another timeout is a drift', () => {
  const more = ofCdk(({ role }) => {
    role.addToPrincipalPolicy(
      new PolicyStatement({ sid: 'More', actions: ['s3:GetObject'], resources: ['*'] }),
    );
  });
  expect(more).not.toEqual(ofCloudFormation());
  const slower = ofCdk(({ function: { node } }) => {
    (node.defaultChild as { timeout?: number }).timeout = Duration.minutes(1).toSeconds();
  });
  expect(slower).not.toEqual(ofCloudFormation());
});
