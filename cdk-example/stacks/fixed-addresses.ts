import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnEIP, IpAddresses, Peer, Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import {
  AlbNlbBinding,
  AlbNlbBindingAlarms,
  AlbNlbBindingOperations,
  AlbNlbBindingProvider,
  type AlbNlbBindingCode,
} from '../lib';
import { acceptFindings } from './findings';

/** Properties of a {@link FixedAddressesStack}. */
export interface FixedAddressesStackProps extends StackProps {
  /** The function's code. */
  readonly code: AlbNlbBindingCode;
}

/**
 * The whole example: an internal ALB that answers with a fixed text, an NLB with two Elastic IPs in front of it, and
 * alarms. It costs money while it exists.
 */
export class FixedAddressesStack extends Stack {
  constructor(scope: Construct, id: string, props: FixedAddressesStackProps) {
    super(scope, id, props);
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.80.0.0/16'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC }],
    });

    const addresses = vpc.publicSubnets.map(
      (_, index) => new CfnEIP(this, `Address${index}`, { domain: 'vpc' }),
    );
    const nlbSecurityGroup = new SecurityGroup(this, 'NlbSecurityGroup', { vpc, allowAllOutbound: false });
    const nlb = new NetworkLoadBalancer(this, 'Nlb', {
      vpc,
      internetFacing: true,
      // An NLB that was made without a security group can never be given one.
      securityGroups: [nlbSecurityGroup],
      subnetMappings: vpc.publicSubnets.map((subnet, index) => ({
        subnet,
        allocationId: addresses[index]?.attrAllocationId,
      })),
    });
    nlb.connections.allowFrom(Peer.anyIpv4(), Port.tcp(80), 'Clients');

    const alb = new ApplicationLoadBalancer(this, 'Alb', {
      vpc,
      internetFacing: false,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      dropInvalidHeaderFields: true,
    });
    alb.addListener('Http', {
      protocol: ApplicationProtocol.HTTP,
      open: false,
      defaultAction: ListenerAction.fixedResponse(200, {
        contentType: 'text/plain',
        messageBody: 'Hello from behind a fixed address.',
      }),
    });
    alb.connections.allowFrom(nlb, Port.tcp(80), 'The NLB, for traffic and health checks');

    const provider = new AlbNlbBindingProvider(this, 'Provider', { code: props.code });
    const binding = new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 80 }], provider });

    const { topic } = new AlbNlbBindingOperations(this, 'Operations', { provider });
    new AlbNlbBindingAlarms(this, 'Alarms', { binding, topic });
    acceptFindings({ vpc, nlbSecurityGroup, nlb, alb });
    new CfnOutput(this, 'FixedAddresses', {
      description: 'The addresses to put into firewalls; try `curl http://<address>/`.',
      value: Fn.join(
        ',',
        addresses.map(({ ref }) => ref),
      ),
    });
    new CfnOutput(this, 'TargetGroupArn', {
      description: 'The target group that follows the ALB.',
      value: binding.targetGroupArn,
    });
    new CfnOutput(this, 'StatusCommand', {
      description: 'Shows how the binding is, in a shell with the AWS CLI and jq.',
      value: binding.statusCommand,
    });
  }
}
