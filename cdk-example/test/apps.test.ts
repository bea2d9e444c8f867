import { Stack, Validations, type App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AlbNlbBindingProvider } from '../lib';
import { FixedAddressesStack } from '../stacks/fixed-addresses';
import { SmallStack } from '../stacks/small';
import {
  GROUP_ARN,
  appOf,
  bind,
  dummyCode,
  newApp,
  newStack,
  temporaryDirectory,
  writePackage,
} from './support';

/** What cdk-nag finds in an app and nobody has explained, as the CDK reports it. */
function findings(app: App): { ruleName: string }[] {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  try {
    app.synth();
  } catch {
    // Findings make the synthesis fail; the report names them.
  }
  const report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')) as {
    pluginReports: { pluginName: string; violations: { ruleName: string }[] }[];
  };
  const found = report.pluginReports.filter(({ pluginName }) => pluginName === 'AwsSolutions');
  expect(found).toHaveLength(1);
  return found.flatMap(({ violations }) => violations);
}

test('cdk-nag finds nothing in the example that is not explained', () => {
  const app = newApp();
  new FixedAddressesStack(app, 'Example', { code: dummyCode() });
  expect(findings(app)).toEqual([]);
});

test('cdk-nag finds nothing in a binding, whether its account and Region are known or not', () => {
  for (const env of [undefined, { account: '123456789012', region: 'eu-west-1' }]) {
    const stack = newStack({ env });
    bind(stack, {
      listeners: [{ port: 80, targetGroup: GROUP_ARN }],
      bucket: Bucket.fromBucketName(stack, 'Bucket', 'states'),
    });
    expect(findings(appOf(stack))).toEqual([]);
  }
});

test('cdk-nag finds nothing in a function for an account with rules of its own', () => {
  const app = newApp();
  const stack = new Stack(app, 'Provider');
  new AlbNlbBindingProvider(stack, 'Own', {
    code: dummyCode(),
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-12345678',
      availabilityZones: ['eu-west-1a'],
      privateSubnetIds: ['subnet-12345678'],
    }),
    makeStateBucket: true,
    stateBucketKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:123456789012:key/1'),
  });
  new AlbNlbBindingProvider(stack, 'Given', {
    code: dummyCode(),
    stateBucket: Bucket.fromBucketName(stack, 'Bucket', 'states'),
  });
  expect(findings(app)).toEqual([]);
});

test('cdk-nag does find what is not explained', () => {
  const app = newApp();
  new SmallStack(app, 'Small', { code: dummyCode() });
  expect(findings(app)).toEqual(
    expect.arrayContaining([expect.objectContaining({ ruleName: 'AwsSolutions-VPC7' })]),
  );
});

test('the example binds an internal ALB to an NLB with two Elastic IPs, and watches it', () => {
  const stack = new FixedAddressesStack(newApp(), 'Example', { code: dummyCode() });
  const template = Template.fromStack(stack);
  const [first, second] = Object.keys(template.findResources('AWS::EC2::EIP'));
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
    Type: 'network',
    Scheme: 'internet-facing',
    SubnetMappings: [
      { AllocationId: { 'Fn::GetAtt': [first, 'AllocationId'] } },
      { AllocationId: { 'Fn::GetAtt': [second, 'AllocationId'] } },
    ],
  });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
    Type: 'application',
    Scheme: 'internal',
  });
  for (const MetricName of ['Errors', 'LoadBalancerIPCount', 'UnHealthyHostCount']) {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName });
  }
  template.resourceCountIs('Custom::AlbNlbBinding', 1);
});

test('only the NLB may reach the ALB of the example', () => {
  const template = Template.fromStack(new FixedAddressesStack(newApp(), 'Example', { code: dummyCode() }));
  const groups = Object.keys(template.findResources('AWS::EC2::SecurityGroup'));
  const [nlb, alb] = ['Nlb', 'Alb'].map((name) => groups.find((id) => id.startsWith(`${name}SecurityGroup`)));
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    FromPort: 80,
    ToPort: 80,
    GroupId: { 'Fn::GetAtt': [alb, 'GroupId'] },
    SourceSecurityGroupId: { 'Fn::GetAtt': [nlb, 'GroupId'] },
  });
  template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
});

test('the small stack has no type that emulators of AWS lack', () => {
  const template = Template.fromStack(new SmallStack(newApp(), 'Small', { code: dummyCode() }));
  for (const type of ['EIP', 'NatGateway', 'SecurityGroupIngress']) {
    template.resourceCountIs(`AWS::EC2::${type}`, 0);
  }
  template.resourceCountIs('AWS::Lambda::Function', 1);
});

test('another name is another ALB for the small stack', () => {
  const template = Template.fromStack(
    new SmallStack(newApp(), 'Small', { code: dummyCode(), albName: 'next' }),
  );
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Name: 'next' });
});

test("the CDK's CLI synthesizes the example, from cdk.json to cdk-nag", () => {
  const directory = temporaryDirectory();
  const zip = writePackage(join(directory, 'bootstrap.zip'));
  const output = join(directory, 'out');
  const environment = { ...process.env, CDK_HOME: directory, CDK_DISABLE_CLI_TELEMETRY: 'true' };
  execFileSync(
    join(__dirname, '../node_modules/.bin/cdk'),
    ['synth', '--quiet', '--no-notices', '--output', output, '-c', `package=${zip}`],
    { cwd: join(__dirname, '..'), env: { ...environment, CDK_DISABLE_VERSION_CHECK: 'true' }, stdio: 'pipe' },
  );
  expect(readdirSync(output)).toContain('AlbNlbBindingExample.template.json');
}, 120_000);
