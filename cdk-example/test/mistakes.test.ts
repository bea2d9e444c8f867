import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { IpAddresses, Subnet, SubnetType, Vpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  CfnLoadBalancer,
  NetworkLoadBalancer,
  NetworkTargetGroup,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { AlbNlbHealthCheckProtocol, CrossZone, type AlbNlbBindingProps, type AlbNlbListener } from '../lib';
import { ALB_ARN, GROUP_ARN, NLB_ARN, appOf, bind, loadBalancers, newStack } from './support';

function synthesized(stack: Stack): () => unknown {
  return () => appOf(stack).synth();
}

/** Every mistake in the properties of one binding, with the sentence that tells it. */
const MISTAKES: readonly (readonly [string, Partial<AlbNlbBindingProps>, string])[] = [
  ['no listener', { listeners: [] }, 'listeners: given a list of 0, allowed is 1 to 50'],
  [
    'too many listeners',
    { listeners: Array.from({ length: 51 }, (_, index) => ({ port: index + 1 })) },
    'listeners: given a list of 51, allowed is 1 to 50',
  ],
  [
    'a port twice',
    { listeners: [{ port: 80 }, { port: 443 }, { port: 80, albPort: 8080 }] },
    'listeners[2].port: given 80, allowed is a port that listeners[0] has not',
  ],
  [
    'a port beyond all ports',
    { listeners: [{ port: 80 }, { port: 65536, albPort: 0 }] },
    'listeners[1].port: given 65536, allowed is a whole number from 1 to 65535',
  ],
  [
    'no port of the ALB',
    { listeners: [{ port: 80, albPort: 0.5 }] },
    'listeners[0].albPort: given 0.5, allowed is a whole number from 1 to 65535',
  ],
  [
    'a target group twice',
    {
      listeners: [
        { port: 80, targetGroup: GROUP_ARN },
        { port: 443, albPort: 80, targetGroup: GROUP_ARN },
      ],
    },
    'listeners[1].targetGroup: given that of listeners[0], allowed is another target group, or the same with another albPort',
  ],
  [
    'a health check of a given target group',
    { listeners: [{ port: 80, targetGroup: GROUP_ARN, healthCheck: {} }] },
    'listeners[0].healthCheck: given a value, allowed is absent next to targetGroup',
  ],
  [
    'an attribute of a given target group',
    { listeners: [{ port: 80, targetGroup: GROUP_ARN, preserveClientIp: true }] },
    'listeners[0].preserveClientIp: given a value, allowed is absent next to targetGroup',
  ],
  [
    "an idle timeout of a given target group's listener",
    { listeners: [{ port: 80, targetGroup: GROUP_ARN, idleTimeout: Duration.minutes(10) }] },
    'listeners[0].idleTimeout: given a value, allowed is absent next to targetGroup',
  ],
  [
    'an idle timeout that is too short',
    { listeners: [{ port: 80, idleTimeout: Duration.seconds(59) }] },
    'listeners[0].idleTimeout: given 59, allowed is a whole number from 60 to 6000',
  ],
  [
    'an idle timeout that is too long',
    { listeners: [{ port: 80, idleTimeout: Duration.hours(2) }] },
    'listeners[0].idleTimeout: given 7200, allowed is a whole number from 60 to 6000',
  ],
  [
    'an attribute by name that has a property',
    {
      listeners: [
        {
          port: 80,
          deregistrationDelay: Duration.seconds(5),
          attributes: { 'deregistration_delay.timeout_seconds': '6' },
        },
      ],
    },
    'listeners[0].attributes: given deregistration_delay.timeout_seconds, allowed is a key that no other property',
  ],
  [
    'a deregistration delay that is too long',
    { listeners: [{ port: 80, deregistrationDelay: Duration.hours(2) }] },
    'listeners[0].deregistrationDelay: given 7200, allowed is a whole number from 0 to 3600',
  ],
  [
    'a path in a TCP health check',
    { listeners: [{ port: 80, healthCheck: { path: '/health' } }] },
    'listeners[0].healthCheck.path: given /health, allowed is absent unless protocol is HTTP or HTTPS',
  ],
  [
    'a path that does not begin at the root',
    { listeners: [{ port: 80, healthCheck: { protocol: AlbNlbHealthCheckProtocol.HTTP, path: 'health' } }] },
    'listeners[0].healthCheck.path: given health, allowed is a path that starts with /',
  ],
  [
    'a health check that is too quick',
    { listeners: [{ port: 80, healthCheck: { interval: Duration.millis(1500) } }] },
    'listeners[0].healthCheck.interval: given 1.5, allowed is a whole number from 5 to 300',
  ],
  [
    'a timeout as long as the interval',
    { listeners: [{ port: 80, healthCheck: { timeout: Duration.seconds(30) } }] },
    'listeners[0].healthCheck.timeout: given 30 seconds, allowed is less than the interval, which is 30 seconds',
  ],
  [
    'a threshold of one',
    { listeners: [{ port: 80, healthCheck: { healthyThresholdCount: 1 } }] },
    'listeners[0].healthCheck.healthyThresholdCount: given 1, allowed is a whole number from 2 to 10',
  ],
  [
    'a schedule faster than a minute',
    { schedule: Schedule.expression('rate(30 seconds)') },
    'schedule: given rate(30 seconds), allowed is nothing faster than rate(1 minute)',
  ],
  [
    'a plural one',
    { schedule: Schedule.expression('rate(1 minutes)') },
    'schedule: given rate(1 minutes), allowed is',
  ],
  [
    'a singular five',
    { schedule: Schedule.expression('rate(5 minute)') },
    'schedule: given rate(5 minute), allowed is',
  ],
  [
    'never',
    { schedule: Schedule.expression('rate(0 minutes)') },
    'schedule: given rate(0 minutes), allowed is',
  ],
  [
    'five fields',
    { schedule: Schedule.expression('cron(* * * * *)') },
    'schedule: given cron(* * * * *), allowed is',
  ],
  [
    'no lookups',
    { maxLookupsPerInvocation: 0 },
    'maxLookupsPerInvocation: given 0, allowed is a whole number from 1',
  ],
  [
    'too many invocations',
    { invocationsBeforeDeregistration: 1001 },
    'invocationsBeforeDeregistration: given 1001, allowed is a whole number from 1 to 1000',
  ],
  [
    'too many DNS servers',
    { dnsServers: Array<string>(51).fill('10.0.0.2') },
    'dnsServers: given a list of 51, allowed is 50 at most',
  ],
  [
    'the NLB as ALB',
    { alb: NLB_ARN },
    `alb: given ${NLB_ARN}, allowed is the ARN of an Application Load Balancer`,
  ],
  [
    'the ALB as NLB',
    { nlb: ALB_ARN },
    `nlb: given ${ALB_ARN}, allowed is the ARN of a Network Load Balancer`,
  ],
];

test.each(MISTAKES)('%s is refused where the binding is made', (_, changes, sentence) => {
  expect(() => bind(newStack(), changes)).toThrow(sentence);
});

test('all mistakes are told at once, with the path of the binding', () => {
  const made = (): unknown =>
    bind(newStack(), { listeners: [{ port: 0 }, { port: 0 }], maxLookupsPerInvocation: -1 });
  expect(made).toThrow(/^Orders\/Binding cannot be deployed like this:\n( {2}- .+\n){3} {2}- max.+$/);
});

test('what is known at deployment only is left to the function', () => {
  const stack = newStack();
  const number = (id: string): number => new CfnParameter(stack, id, { type: 'Number' }).valueAsNumber;
  const text = (id: string): string => new CfnParameter(stack, id).valueAsString;
  bind(stack, {
    alb: text('AlbArn'),
    nlb: text('NlbArn'),
    listeners: [
      {
        port: number('Port'),
        deregistrationDelay: Duration.seconds(number('Delay')),
        idleTimeout: Duration.seconds(number('IdleTimeout')),
      },
      {
        port: number('OtherPort'),
        healthCheck: { interval: Duration.seconds(number('Interval')), timeout: Duration.seconds(60) },
      },
    ],
    schedule: Schedule.expression(text('Schedule')),
    maxLookupsPerInvocation: number('Lookups'),
  });
  expect(synthesized(stack)).not.toThrow();
});

test('rates, and cron expressions of six fields, are taken', () => {
  for (const schedule of [
    Schedule.rate(Duration.minutes(1)),
    Schedule.rate(Duration.hours(1)),
    Schedule.rate(Duration.days(2)),
    Schedule.cron({ minute: '0/5' }),
  ]) {
    expect(() => bind(newStack(), { schedule })).not.toThrow();
  }
});

describe('an internet-facing ALB', () => {
  const message =
    /alb: Orders\/Alb\/Resource is internet-facing, .* make it internal \(internetFacing: false\)/;

  test('is refused at synthesis', () => {
    const stack = newStack();
    const { vpc, nlb } = loadBalancers(new Stack(appOf(stack), 'Network'));
    const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc, internetFacing: true });
    bind(stack, { alb, nlb });
    expect(synthesized(stack)).toThrow(message);
  });

  test('is found by its ARN too, and where it is one by default', () => {
    const stack = newStack();
    const alb = new CfnLoadBalancer(stack, 'Alb', {
      subnets: ['subnet-0123456789abcdefa', 'subnet-0123456789abcdefb'],
    });
    bind(stack, { alb: alb.ref });
    expect(synthesized(stack)).toThrow(/alb: Orders\/Alb is internet-facing/);
  });
});

describe('Availability Zones', () => {
  const ENV = { account: '123456789012', region: 'eu-west-1' };

  /** A stack with an ALB and an NLB in these zones, bound. */
  function stackIn(
    albZones: string,
    nlbZones: string,
    allowZoneMismatch = false,
    crossZoneEnabled?: boolean,
    ...listeners: Partial<AlbNlbListener>[]
  ): Stack {
    const stack = newStack({ env: ENV });
    const vpc = new Vpc(stack, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
      availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
      natGateways: 0,
      subnetConfiguration: [{ name: 'Internal', subnetType: SubnetType.PRIVATE_ISOLATED }],
      restrictDefaultSecurityGroup: false,
    });
    const subnets = (zones: string): { availabilityZones: string[] } => ({
      availabilityZones: zones.split('').map((zone) => `eu-west-1${zone}`),
    });
    const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc, vpcSubnets: subnets(albZones) });
    const { subnets: mapped } = vpc.selectSubnets(subnets(nlbZones));
    const nlb = new NetworkLoadBalancer(stack, 'Nlb', {
      vpc,
      subnetMappings: mapped.map((subnet) => ({ subnet })),
      crossZoneEnabled,
    });
    bind(stack, {
      alb,
      nlb,
      allowZoneMismatch,
      listeners: (listeners.length > 0 ? listeners : [{}]).map((own, index) => ({
        port: 80 + index,
        ...own,
      })),
    });
    return stack;
  }

  test('that only the ALB has are refused', () => {
    expect(synthesized(stackIn('abc', 'ab'))).toThrow(
      'Availability Zones differ: the ALB Orders/Alb/Resource is in eu-west-1a, eu-west-1b, eu-west-1c, the NLB ' +
        'Orders/Nlb/Resource in eu-west-1a, eu-west-1b; targets in eu-west-1c would be unused: add it to the NLB or ' +
        'take it from the ALB',
    );
  });

  test('that only the ALB has are refused whatever is allowed', () => {
    expect(synthesized(stackIn('abc', 'ab', true, true))).toThrow('targets in eu-west-1c would be unused');
  });

  test('that only the NLB has are refused', () => {
    expect(synthesized(stackIn('ab', 'abc'))).toThrow(
      'the fixed address in eu-west-1c would have no targets: add it to the ALB, take it from the NLB, or give the ' +
        'NLB crossZoneEnabled: true and the binding allowZoneMismatch: true',
    );
  });

  test('that only the NLB has may be allowed where it balances across zones', () => {
    expect(synthesized(stackIn('ab', 'abc', true, true))).not.toThrow();
    expect(synthesized(stackIn('ab', 'abc', true, false))).toThrow('crossZoneEnabled: true');
    expect(synthesized(stackIn('ab', 'abc', true))).toThrow('crossZoneEnabled: true');
  });

  test("that only the NLB has go by each target group's own setting first", () => {
    const setting = 'load_balancing.cross_zone.enabled';
    const refused = 'no listener CrossZone.DISABLED';
    const on = { crossZone: CrossZone.ENABLED };
    const onByName = { attributes: { [setting]: 'true' } };
    const off = { crossZone: CrossZone.DISABLED };
    const offByName = { attributes: { [setting]: 'false' } };
    const ofNlb = { crossZone: CrossZone.USE_LOAD_BALANCER_CONFIGURATION };
    // The group's own setting is not known here: the function looks at it.
    const given = { targetGroup: GROUP_ARN };
    expect(synthesized(stackIn('ab', 'abc', true, false, on, onByName, given))).not.toThrow();
    expect(synthesized(stackIn('ab', 'abc', true, true, ofNlb, on))).not.toThrow();
    for (const [ofTheNlb, listener] of [
      [true, off],
      [true, offByName],
      [false, ofNlb],
      [false, {}],
    ] as const) {
      expect(synthesized(stackIn('ab', 'abc', true, ofTheNlb, on, listener))).toThrow(refused);
    }
  });

  test('are not compared where the load balancers are in two VPCs', () => {
    const stack = newStack({ env: ENV });
    const [albVpc, nlbVpc] = ['AlbVpc', 'NlbVpc'].map(
      (id, index) =>
        new Vpc(stack, id, {
          ipAddresses: IpAddresses.cidr(`10.${index}.0.0/16`),
          availabilityZones: index === 0 ? ['eu-west-1a', 'eu-west-1b'] : ['eu-west-1a', 'eu-west-1c'],
          natGateways: 0,
          subnetConfiguration: [{ name: 'Internal', subnetType: SubnetType.PRIVATE_ISOLATED }],
          restrictDefaultSecurityGroup: false,
        }),
    ) as [Vpc, Vpc];
    const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc: albVpc });
    bind(stack, { alb, nlb: new NetworkLoadBalancer(stack, 'Nlb', { vpc: nlbVpc }) });
    expect(synthesized(stack)).not.toThrow();
  });

  test('that are the same are right in any order', () => {
    expect(synthesized(stackIn('ab', 'ba'))).not.toThrow();
  });

  describe('of subnets that exist already', () => {
    function stackOn(nlbSubnets: (stack: Stack) => SubnetSelection): Stack {
      const stack = newStack({ env: ENV });
      const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['eu-west-1a', 'eu-west-1b'],
        privateSubnetIds: ['subnet-0123456789abcdefa', 'subnet-0123456789abcdefb'],
      });
      const alb = new ApplicationLoadBalancer(stack, 'Alb', { vpc });
      bind(stack, {
        alb,
        nlb: new NetworkLoadBalancer(stack, 'Nlb', { vpc, vpcSubnets: nlbSubnets(stack) }),
      });
      return stack;
    }

    test('are compared where they are known', () => {
      const stack = stackOn(() => ({ availabilityZones: ['eu-west-1a'] }));
      expect(synthesized(stack)).toThrow('targets in eu-west-1b would be unused');
    });

    test('are left to the function where it is not known whether the VPC is the same', () => {
      const stack = stackOn((vpc) => ({
        subnets: [
          Subnet.fromSubnetAttributes(vpc, 'Any', {
            subnetId: 'subnet-0123456789abcdefc',
            availabilityZone: 'eu-west-1a',
          }),
        ],
      }));
      expect(synthesized(stack)).not.toThrow();
    });

    test('are left to the function where they are not', () => {
      const stack = stackOn((vpc) => ({
        subnets: [Subnet.fromSubnetId(vpc, 'Any', 'subnet-0123456789abcdefc')],
      }));
      expect(synthesized(stack)).not.toThrow();
    });
  });
});

describe('a port of the NLB that has a listener already', () => {
  /** A stack whose NLB has a listener on port 80 with a target group. */
  function stackWith(listeners: (group: NetworkTargetGroup) => AlbNlbListener[]): Stack {
    const stack = newStack();
    const { vpc, alb, nlb } = loadBalancers(stack, 80);
    const group = new NetworkTargetGroup(stack, 'Group', { vpc, port: 80, targetType: TargetType.IP });
    nlb.addListener('Http', { port: 80, defaultTargetGroups: [group] });
    bind(stack, { alb, nlb, listeners: listeners(group) });
    return stack;
  }

  test('is refused', () => {
    expect(synthesized(stackWith(() => [{ port: 80 }]))).toThrow(
      'listeners: port 80 of the NLB is taken by Orders/Nlb/Http/Resource: choose another port, take that listener away',
    );
  });

  test("is right where the listener's target group is given", () => {
    expect(synthesized(stackWith((targetGroup) => [{ port: 80, targetGroup }]))).not.toThrow();
  });

  test('is refused where another binding makes it', () => {
    const stack = newStack();
    bind(stack);
    bind(stack, {}, 'Second');
    expect(synthesized(stack)).toThrow('port 80 of the NLB is taken by Orders/Second');
  });
});

test('two bindings of one NLB are right on two ports', () => {
  const stack = newStack();
  bind(stack);
  bind(stack, { listeners: [{ port: 81, albPort: 80 }] }, 'Second');
  expect(synthesized(stack)).not.toThrow();
});
