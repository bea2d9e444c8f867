import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds';
import { Key } from 'aws-cdk-lib/aws-kms';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlbNlbBindingCode, AlbNlbBindingProvider } from '../lib';
import {
  AcrossVpcs,
  ClientAddresses,
  Database,
  FirstAid,
  GivenTargetGroup,
  OtherAccount,
  OwnRules,
  SeveralPorts,
  SharedProvider,
  Watched,
} from './recipes';
import { bindingOf, dummyCode, newApp } from './support';

interface Recipe extends Stack {
  make(ingredients: {
    alb: ApplicationLoadBalancer;
    nlb: NetworkLoadBalancer;
    vpc: Vpc;
    ordersVpc: Vpc;
    database: DatabaseCluster;
    key: Key;
  }): void;
}

/** A stack with all that a recipe uses, and the recipe in it. */
function stackOf(Class: new (app: App, id: string) => Recipe, peered = false): Stack {
  const stack = new Class(newApp(), 'Recipe');
  AlbNlbBindingProvider.of(stack, { code: dummyCode() });
  const [vpc, ordersVpc] = ['Vpc', 'OrdersVpc'].map(
    (id) => new Vpc(stack, id, { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false }),
  ) as [Vpc, Vpc];
  const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc: peered ? ordersVpc : vpc });
  for (const port of [443, 8080]) {
    alb.addListener(`Port${port}`, {
      protocol: ApplicationProtocol.HTTP,
      port,
      open: false,
      defaultAction: ListenerAction.fixedResponse(200),
    });
  }
  const nlb = new NetworkLoadBalancer(stack, 'Nlb', {
    vpc,
    securityGroups: [new SecurityGroup(stack, 'NlbSecurityGroup', { vpc })],
  });
  stack.make({
    ...{ alb, nlb, vpc, ordersVpc },
    get key() {
      return new Key(stack, 'Key');
    },
    get database() {
      return databaseIn(stack, vpc);
    },
  });
  return stack;
}

function databaseIn(stack: Stack, vpc: Vpc): DatabaseCluster {
  return new DatabaseCluster(stack, 'Database', {
    engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_16_6 }),
    writer: ClusterInstance.serverlessV2('Writer'),
    vpc,
  });
}

test('several ports', () => {
  expect(bindingOf(stackOf(SeveralPorts)).Properties.Listeners).toEqual([
    { Port: 443, TargetGroupAttributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '60' }] },
    { Port: 80, AlbPort: 8080, HealthCheck: { Protocol: 'HTTP', Path: '/health', Matcher: '200-299' } },
  ]);
});

test('across VPCs', () => {
  const stack = stackOf(AcrossVpcs, true);
  const template = Template.fromStack(stack);
  const peered = template.findResources('AWS::EC2::Route', {
    Properties: { VpcPeeringConnectionId: { Ref: 'Peering' } },
  });
  // One route for each of the two private subnets of the two VPCs.
  expect(Object.keys(peered)).toHaveLength(4);
  template.resourceCountIs('Custom::AlbNlbBinding', 1);
});

test('a given target group', () => {
  const stack = stackOf(GivenTargetGroup);
  const group = { Ref: expect.stringMatching(/^Orders/) as unknown };
  expect(bindingOf(stack).Properties.Listeners).toEqual([{ Port: 443, TargetGroupArn: group }]);
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: [Match.objectLike({ Sid: 'RegisterInGivenTargetGroups' })] },
  });
});

test('client addresses', () => {
  expect(bindingOf(stackOf(ClientAddresses)).Properties.Listeners).toEqual([
    { Port: 443, TargetGroupAttributes: [{ Key: 'preserve_client_ip.enabled', Value: 'true' }] },
  ]);
});

test('a shared provider', () => {
  const stack = new SharedProvider(newApp(), 'Recipe');
  stack.make();
  expect(bindingOf(stack).Properties.ServiceToken).toEqual({
    'Fn::ImportValue': 'alb-nlb-binding-FunctionArn',
  });
  Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 0);
});

test('an ALB of another account', () => {
  const { Properties, DependsOn } = bindingOf(stackOf(OtherAccount));
  expect(Properties).toMatchObject({
    TargetDnsName: 'internal-orders-1234567890.eu-west-1.elb.amazonaws.com',
    SameVpc: false,
    Listeners: [{ Port: 443, TargetPort: 8443 }],
  });
  // The binding does not wait for the stack's own ALB, which is another one.
  expect(DependsOn.filter((id) => id.startsWith('Alb') && !id.startsWith('AlbNlbBinding'))).toEqual([]);
});

test('a database', () => {
  const stack = stackOf(Database);
  const { Properties, DependsOn } = bindingOf(stack);
  expect(Properties).toMatchObject({
    TargetDnsName: { 'Fn::GetAtt': [expect.stringMatching(/^Database/), 'Endpoint.Address'] },
    DnsServers: ['1.1.1.1', '8.8.8.8'],
    InvocationsBeforeDeregistration: 1,
  });
  // The database's name has no address until it has a writer.
  const [writer] = Object.keys(Template.fromStack(stack).findResources('AWS::RDS::DBInstance'));
  expect(DependsOn).toContain(writer);
});

test('first aid', () => {
  const outputs = Template.fromStack(stackOf(FirstAid)).findOutputs('*');
  expect(Object.keys(outputs)).toEqual([
    'StatusCommand',
    'CheckCommand',
    'PlanCommand',
    'StatusOfAllCommand',
  ]);
});

test('alarms and a dashboard', () => {
  const template = Template.fromStack(stackOf(Watched));
  template.resourceCountIs('AWS::CloudWatch::Alarm', 5);
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  template.resourceCountIs('AWS::SNS::Topic', 1);
});

test('an account with rules of its own', () => {
  // This test does not look at the package, which may not be built.
  const packaged = jest.spyOn(AlbNlbBindingCode, 'fromPackage').mockReturnValue(dummyCode());
  const template = Template.fromStack(stackOf(OwnRules));
  packaged.mockRestore();
  template.hasResourceProperties('AWS::IAM::Role', {
    Path: '/workload/',
    PermissionsBoundary: Match.anyValue(),
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    VpcConfig: Match.anyValue(),
    ReservedConcurrentExecutions: 20,
  });
  template.resourceCountIs('AWS::S3::Bucket', 1);
});

test('every recipe of the README is one of these, word for word', () => {
  const read = (name: string): string => readFileSync(join(__dirname, name), 'utf8');
  const tested = [...read('recipes.ts').matchAll(/ {4}\/\/ \[(.+)\]\n(.+?) {4}\/\/ \[\1\]/gs)].map(
    ([, , code = '']) => code.replace(/^ {4}/gm, ''),
  );
  const written = [...read('../README.md').matchAll(/```ts\n(.+?)```/gs)].map(([, code]) => code);
  expect(tested).toHaveLength(10);
  expect(written.sort()).toEqual(tested.sort());
});

test('every optional property says its default', () => {
  const lib = join(__dirname, '../lib');
  const index = readFileSync(join(lib, 'index.ts'), 'utf8');
  const sources = [...index.matchAll(/'\.\/(.+)'/g)].map(([, name = '']) => `${name}.ts`);
  const optional = sources.flatMap((name) => [
    ...readFileSync(join(lib, name), 'utf8').matchAll(/(\/\*\*(?:(?!\*\/).)*\*\/)?\n {2}readonly (\w+)\?:/gs),
  ]);
  const undocumented = optional.filter(([, comment = '']) => !comment.includes('@default'));
  expect(optional.length).toBeGreaterThan(30);
  expect(undocumented.map(([, , name]) => name)).toEqual([]);
});
