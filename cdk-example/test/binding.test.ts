import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AlbNlbHealthCheckProtocol, AlbNlbBinding, CrossZone } from '../lib';
import { ALB_ARN, GROUP_ARN, NLB_ARN, bind, bindingOf, loadBalancers, newStack } from './support';

test('a binding has no properties but those it was given, and does not hang a stack for an hour', () => {
  const stack = newStack();
  bind(stack);
  const { ServiceToken, ...properties } = bindingOf(stack).Properties;
  expect(ServiceToken).toEqual({
    'Fn::GetAtt': [expect.stringMatching(/^AlbNlbBindingProviderTemplateFunction/), 'Arn'],
  });
  expect(properties).toEqual({
    AlbArn: ALB_ARN,
    NlbArn: NLB_ARN,
    Listeners: [{ Port: 80 }],
    ServiceTimeout: '600',
  });
});

test('every property arrives as the contract names it', () => {
  const stack = newStack();
  bind(stack, {
    listeners: [
      {
        port: 443,
        albPort: 8443,
        healthCheck: {
          protocol: AlbNlbHealthCheckProtocol.HTTPS,
          port: 8080,
          path: '/health',
          healthyHttpCodes: '200-299',
          interval: Duration.minutes(1),
          timeout: Duration.seconds(5),
          healthyThresholdCount: 3,
          unhealthyThresholdCount: 4,
        },
        deregistrationDelay: Duration.minutes(2),
        idleTimeout: Duration.minutes(10),
        connectionTermination: true,
        preserveClientIp: true,
        stickiness: false,
        crossZone: CrossZone.ENABLED,
        attributes: { 'target_health_state.unhealthy.draining_interval_seconds': '60' },
      },
      { port: 80, targetGroup: GROUP_ARN },
    ],
    schedule: Schedule.rate(Duration.minutes(5)),
    maxLookupsPerInvocation: 140,
    invocationsBeforeDeregistration: 5,
    ipCountMetric: false,
    dnsServers: ['10.0.0.2', '10.0.0.3:5353'],
    bucket: Bucket.fromBucketName(stack, 'Bucket', 'states'),
    allowZoneMismatch: true,
    serviceTimeout: Duration.minutes(20),
  });
  expect(bindingOf(stack).Properties).toEqual({
    ServiceToken: expect.anything() as unknown,
    ServiceTimeout: '1200',
    AlbArn: ALB_ARN,
    NlbArn: NLB_ARN,
    Listeners: [
      {
        Port: 443,
        AlbPort: 8443,
        HealthCheck: {
          Protocol: 'HTTPS',
          Port: 8080,
          Path: '/health',
          Matcher: '200-299',
          IntervalSeconds: 60,
          TimeoutSeconds: 5,
          HealthyThreshold: 3,
          UnhealthyThreshold: 4,
        },
        IdleTimeoutSeconds: 600,
        TargetGroupAttributes: [
          { Key: 'deregistration_delay.timeout_seconds', Value: '120' },
          { Key: 'deregistration_delay.connection_termination.enabled', Value: 'true' },
          { Key: 'preserve_client_ip.enabled', Value: 'true' },
          { Key: 'stickiness.enabled', Value: 'false' },
          { Key: 'load_balancing.cross_zone.enabled', Value: 'true' },
          { Key: 'target_health_state.unhealthy.draining_interval_seconds', Value: '60' },
        ],
      },
      { Port: 80, TargetGroupArn: GROUP_ARN },
    ],
    Schedule: 'rate(5 minutes)',
    MaxLookupsPerInvocation: 140,
    InvocationsBeforeDeregistration: 5,
    IpCountMetric: false,
    DnsServers: ['10.0.0.2', '10.0.0.3:5353'],
    BucketName: 'states',
    AllowZoneMismatch: true,
  });
});

test('every attribute is a token of the binding', () => {
  const stack = newStack();
  const binding = bind(stack, {
    listeners: [{ port: 80 }, { port: 443, targetGroup: GROUP_ARN }, { port: 81 }],
  });
  const { id } = bindingOf(stack);
  const attribute = (name: string): object => ({ 'Fn::GetAtt': [id, name] });
  const list = (name: string): object => ({ 'Fn::Split': [',', attribute(name)] });
  const item = (name: string, index: number): object => ({ 'Fn::Select': [index, list(name)] });
  expect(
    stack.resolve({
      bindingId: binding.bindingId,
      bucketName: binding.bucketName,
      ruleName: binding.ruleName,
      ruleArn: binding.ruleArn,
      targetGroupArn: binding.targetGroupArn,
      targetGroupArns: binding.targetGroupArns,
      listenerArn: binding.listenerArn,
      listenerArns: binding.listenerArns,
      availabilityZones: binding.availabilityZones,
      nlbAddresses: binding.nlbAddresses,
      ipCount: binding.ipCount,
    }),
  ).toEqual({
    bindingId: { Ref: id },
    bucketName: attribute('BucketName'),
    ruleName: attribute('RuleName'),
    ruleArn: attribute('RuleArn'),
    targetGroupArn: attribute('TargetGroupArn'),
    targetGroupArns: [0, 1, 2].map((index) => item('TargetGroupArns', index)),
    listenerArn: attribute('ListenerArn'),
    listenerArns: [0, 1].map((index) => item('ListenerArns', index)),
    availabilityZones: list('AvailabilityZones'),
    nlbAddresses: list('NlbAddresses'),
    ipCount: attribute('IpCount'),
  });
});

test('without a listener of its own a binding has no listener ARNs', () => {
  const binding = bind(newStack(), { listeners: [{ port: 80, targetGroup: GROUP_ARN }] });
  expect(binding.listenerArns).toEqual([]);
});

test("a binding comes after all of the ALB's listeners, also those that are made later and elsewhere", () => {
  const stack = newStack();
  const { vpc, alb, nlb } = loadBalancers(stack, 80);
  bind(stack, { alb, nlb });
  const http = {
    protocol: ApplicationProtocol.HTTP,
    open: false,
    defaultAction: ListenerAction.fixedResponse(200),
  };
  alb.addListener('Later', { port: 81, ...http });
  new ApplicationListener(stack, 'Elsewhere', { loadBalancer: alb, port: 82, ...http });
  new ApplicationLoadBalancer(stack, 'Other', { vpc }).addListener('Http', http);
  const listeners = Object.keys(
    Template.fromStack(stack).findResources('AWS::ElasticLoadBalancingV2::Listener'),
  );
  expect(listeners).toHaveLength(4);
  expect(bindingOf(stack).DependsOn.filter((id) => listeners.includes(id))).toEqual(
    listeners.filter((id) => !id.startsWith('OtherHttp')).sort(),
  );
});

test('a binding comes after the NLB, and after everything that its function needs to run', () => {
  const stack = newStack();
  const { alb, nlb } = loadBalancers(stack, 80);
  bind(stack, { alb, nlb });
  const { Properties, DependsOn } = bindingOf(stack);
  expect(Properties.NlbArn).toEqual(stack.resolve(nlb.loadBalancerArn));
  const template = Template.fromStack(stack);
  for (const type of [
    'AWS::IAM::Role',
    'AWS::Lambda::EventInvokeConfig',
    'AWS::Lambda::Function',
    'AWS::Lambda::Permission',
    'AWS::Logs::LogGroup',
  ]) {
    expect(DependsOn).toEqual(expect.arrayContaining(Object.keys(template.findResources(type))));
  }
});

test('load balancers that exist already are bound as well', () => {
  const stack = newStack({ env: { account: '123456789012', region: 'eu-west-1' } });
  const alb = ApplicationLoadBalancer.fromApplicationLoadBalancerAttributes(stack, 'Alb', {
    loadBalancerArn: ALB_ARN,
    securityGroupId: 'sg-12345678',
  });
  const nlb = NetworkLoadBalancer.fromNetworkLoadBalancerAttributes(stack, 'Nlb', {
    loadBalancerArn: NLB_ARN,
  });
  new AlbNlbBinding(stack, 'Binding', { alb, nlb, listeners: [{ port: 80 }] });
  expect(bindingOf(stack).Properties).toMatchObject({ AlbArn: ALB_ARN, NlbArn: NLB_ARN });
});

test('the metric of addresses is that of the ALB', () => {
  const stack = newStack();
  const { alb, nlb } = loadBalancers(stack, 80);
  bind(stack, { alb, nlb })
    .metricIpCount({ period: Duration.minutes(1) })
    .createAlarm(stack, 'Alarm', {
      threshold: 1,
      evaluationPeriods: 1,
    });
  const named = bind(stack, {}, 'Other').metricIpCount();
  expect(named.dimensions).toEqual({ LoadBalancerName: 'orders' });
  Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'AlbNlbBinding',
    MetricName: 'LoadBalancerIPCount',
    Statistic: 'Minimum',
    Period: 60,
    Dimensions: [
      {
        Name: 'LoadBalancerName',
        Value: {
          'Fn::Select': [2, { 'Fn::Split': ['/', Stack.of(alb).resolve(alb.loadBalancerArn) as unknown] }],
        },
      },
    ],
  });
});
