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
import { CrossZone, type AlbNlbListener } from '../lib';
import { GROUP_ARN, appOf, bind, loadBalancers, newStack } from './support';

function synthesized(stack: Stack): () => unknown {
  return () => appOf(stack).synth();
}

test('an attribute by name that has a property is refused where the binding is made', () => {
  const made = (): unknown =>
    bind(newStack(), {
      listeners: [
        {
          port: 80,
          deregistrationDelay: Duration.seconds(5),
          attributes: { 'deregistration_delay.timeout_seconds': '6' },
        },
      ],
    });
  expect(made).toThrow(
    'Orders/Binding: attributes of the listener on port 80 name deregistration_delay.timeout_seconds, which another property sets',
  );
});

test('ranges, and what is known at deployment only, are left to the function', () => {
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
        port: 65536,
        healthCheck: { interval: Duration.seconds(number('Interval')), timeout: Duration.hours(1) },
      },
    ],
    schedule: Schedule.expression(text('Schedule')),
    maxLookupsPerInvocation: number('Lookups'),
  });
  expect(synthesized(stack)).not.toThrow();
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

  /** A stack that binds an ALB and an NLB in these zones. */
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
    // The setting of a given group is not known at synthesis: the function checks it.
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
