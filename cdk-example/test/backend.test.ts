import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { AlbNlbBinding, AlbNlbBindingProps } from '../lib';
import { PSEUDO, defaultsOf, evaluate, readTemplate, type Values } from './template';
import { ALB_ARN, NLB_ARN, appOf, bind, bindingOf, loadBalancers, newStack } from './support';

const NAME = 'db.example.com';

/** A binding of a DNS name instead of an ALB. */
function bindName(stack: Stack, changes: Partial<AlbNlbBindingProps> = {}, id?: string): AlbNlbBinding {
  return bind(stack, { alb: undefined, targetDnsName: NAME, ...changes }, id);
}

test('a DNS name stands in the place of an ALB', () => {
  const stack = newStack();
  bindName(stack, { sameVpc: false, listeners: [{ port: 443, targetPort: 8443 }] });
  expect(bindingOf(stack).Properties).toEqual({
    ServiceToken: expect.anything() as unknown,
    ServiceTimeout: '600',
    TargetDnsName: NAME,
    SameVpc: false,
    NlbArn: NLB_ARN,
    Listeners: [{ Port: 443, TargetPort: 8443 }],
  });
});

test('without sameVpc the function takes its default', () => {
  const stack = newStack();
  bindName(stack);
  expect(bindingOf(stack).Properties).not.toHaveProperty('SameVpc');
});

test('a DNS name may be whole, and may be known at deployment only', () => {
  expect(() => bindName(newStack(), { targetDnsName: `${NAME}.` })).not.toThrow();
  const stack = newStack();
  bindName(stack, { targetDnsName: new CfnParameter(stack, 'Name').valueAsString });
  expect(bindingOf(stack).Properties.TargetDnsName).toEqual({ Ref: 'Name' });
});

test('all that is given arrives, and the function tells what does not go together', () => {
  const stack = newStack();
  bind(stack, { alb: ALB_ARN, targetDnsName: NAME, sameVpc: true });
  expect(bindingOf(stack).Properties).toMatchObject({ AlbArn: ALB_ARN, TargetDnsName: NAME, SameVpc: true });
});

describe('what is behind a DNS name', () => {
  test('is not checked: it may be the name of an ALB that the function would refuse by its ARN', () => {
    const stack = newStack();
    const { vpc, nlb } = loadBalancers(stack);
    const alb = new ApplicationLoadBalancer(stack, 'Public', { vpc, internetFacing: true });
    bindName(stack, { targetDnsName: alb.loadBalancerDnsName, nlb });
    expect(() => appOf(stack).synth()).not.toThrow();
  });

  test('may be on any port, but on the NLB each port has one owner', () => {
    const stack = newStack();
    bindName(stack);
    bindName(stack, { targetDnsName: 'other.example.com' }, 'Second');
    expect(() => appOf(stack).synth()).toThrow('port 80 of the NLB is taken by Orders/Second');
  });
});

describe('the metric of addresses', () => {
  test.each([
    ['DB.Example.com.', 'DB.Example.com'],
    ['internal-Net-Inter-RL5-34.us-east-1.elb.amazonaws.com', 'Net-Inter-RL5'],
    ['internal-orders-1234567890.cn-north-1.elb.amazonaws.com.cn', 'orders'],
    ['internal-orders-1234567890.eu-west-1.elb.amazonaws.com.', 'orders'],
    ['orders-1234567890.eu-west-1.elb.amazonaws.com', 'orders'],
    // The name of an NLB, and a name that only looks like an ALB's.
    [
      'front-0123456789abcdef.elb.us-east-1.amazonaws.com',
      'front-0123456789abcdef.elb.us-east-1.amazonaws.com',
    ],
    ['internal-orders.us-east-1.elb.amazonaws.com', 'internal-orders.us-east-1.elb.amazonaws.com'],
  ])('of %s is that of %s', (targetDnsName, LoadBalancerName) => {
    const binding = bindName(newStack(), { targetDnsName });
    expect(binding.metricIpCount().dimensions).toEqual({ LoadBalancerName });
  });

  test('of a name that is known at deployment only is that of the name as it is, or of the one that is given', () => {
    const stack = newStack();
    const targetDnsName = new CfnParameter(stack, 'Name').valueAsString;
    const binding = bindName(stack, { targetDnsName });
    expect(binding.metricIpCount().dimensions).toEqual({ LoadBalancerName: targetDnsName });
    const dimensionsMap = { LoadBalancerName: 'orders' };
    expect(binding.metricIpCount({ dimensionsMap }).dimensions).toEqual(dimensionsMap);
  });
});

describe('the resource of the templates is that of the construct', () => {
  /** The properties of a template's binding, as CloudFormation sends them. */
  function propertiesOf(name: string, parameters: Values): unknown {
    const template = readTemplate(name);
    const values = {
      ...PSEUDO,
      ...defaultsOf(template),
      ...parameters,
      'alb-nlb-binding-FunctionArn': 'function',
    };
    const properties = evaluate(template.Resources.Binding?.Properties, values, template.Conditions ?? {});
    return sent(properties as Values);
  }

  /** Properties with every scalar as a string, as CloudFormation sends them. */
  function sent({ ServiceToken, ...properties }: Values): unknown {
    expect(ServiceToken).toBeDefined();
    const scalar = (_: string, value: unknown): unknown =>
      typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    return JSON.parse(JSON.stringify(properties, scalar));
  }

  test('binding.yaml', () => {
    const stack = newStack();
    bind(stack, {
      listeners: [{ port: 443, albPort: 8443, idleTimeout: Duration.minutes(10) }],
      schedule: Schedule.rate(Duration.minutes(5)),
      maxLookupsPerInvocation: 51,
      invocationsBeforeDeregistration: 5,
      allowZoneMismatch: true,
    });
    const parameters = {
      AlbArn: ALB_ARN,
      NlbArn: NLB_ARN,
      Port: 443,
      AlbPort: '8443',
      IdleTimeoutSeconds: 600,
      Schedule: 'rate(5 minutes)',
      MaxLookupsPerInvocation: 51,
      InvocationsBeforeDeregistration: 5,
      AllowZoneMismatch: 'true',
    };
    expect(propertiesOf('binding.yaml', parameters)).toEqual(sent(bindingOf(stack).Properties));
  });

  test('target.yaml', () => {
    const stack = newStack();
    bindName(stack, {
      sameVpc: false,
      listeners: [{ port: 443, targetPort: 8443, idleTimeout: Duration.minutes(10) }],
      dnsServers: ['10.0.0.2', '10.0.0.3:53'],
      schedule: Schedule.rate(Duration.minutes(5)),
      maxLookupsPerInvocation: 51,
      invocationsBeforeDeregistration: 1,
    });
    const parameters = {
      TargetDnsName: NAME,
      SameVpc: 'false',
      NlbArn: NLB_ARN,
      Port: 443,
      TargetPort: '8443',
      DnsServers: ['10.0.0.2', '10.0.0.3:53'],
      IdleTimeoutSeconds: 600,
      Schedule: 'rate(5 minutes)',
      MaxLookupsPerInvocation: 51,
      InvocationsBeforeDeregistration: 1,
    };
    expect(propertiesOf('target.yaml', parameters)).toEqual(sent(bindingOf(stack).Properties));
  });

  test('target.yaml with nothing but what it needs leaves the rest to the function', () => {
    const properties = propertiesOf('target.yaml', { TargetDnsName: NAME, NlbArn: NLB_ARN, Port: 5432 });
    expect(properties).toEqual({
      ServiceTimeout: '600',
      TargetDnsName: NAME,
      SameVpc: 'true',
      NlbArn: NLB_ARN,
      Listeners: [{ Port: '5432', IdleTimeoutSeconds: '350' }],
      Schedule: 'rate(1 minute)',
      MaxLookupsPerInvocation: '50',
      InvocationsBeforeDeregistration: '3',
    });
  });
});
