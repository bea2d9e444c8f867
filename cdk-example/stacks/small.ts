import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { IpAddresses, Peer, Port, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { AlbNlbBinding, AlbNlbBindingProvider, type AlbNlbBindingCode } from '../lib';

const NETWORK = '10.80.0.0/16';

/** Properties of a {@link SmallStack}. */
export interface SmallStackProps extends StackProps {
  /** The function's code. */
  readonly code: AlbNlbBindingCode;
  /**
   * Name of the ALB. Another name makes another ALB, which CloudFormation makes before it deletes the old one.
   *
   * @default 'orders'
   */
  readonly albName?: string;
}

/**
 * Only what a binding needs, and all of it internal. It has no Elastic IPs, alarms or rules between security groups,
 * so that emulators of AWS that do not know those can deploy it too.
 */
export class SmallStack extends Stack {
  constructor(scope: Construct, id: string, props: SmallStackProps) {
    super(scope, id, props);
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(NETWORK),
      maxAzs: 2,
      natGateways: 0,
      // The CDK would restrict it by a Lambda function of its own, which a binding does not need.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'Internal', subnetType: SubnetType.PRIVATE_ISOLATED }],
    });
    const nlb = new NetworkLoadBalancer(this, 'Nlb', { vpc, internetFacing: false });
    const alb = new ApplicationLoadBalancer(this, 'Alb', {
      vpc,
      internetFacing: false,
      loadBalancerName: props.albName ?? 'orders',
    });
    alb.addListener('Http', {
      protocol: ApplicationProtocol.HTTP,
      open: false,
      defaultAction: ListenerAction.fixedResponse(200, { contentType: 'text/plain', messageBody: 'Hello.' }),
    });
    alb.connections.allowFrom(Peer.ipv4(NETWORK), Port.tcp(80), 'The NLB');

    const provider = new AlbNlbBindingProvider(this, 'Provider', { code: props.code });
    const binding = new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 80 }], provider });

    for (const [name, value] of Object.entries({
      BindingId: binding.bindingId,
      BucketName: binding.bucketName,
      NlbArn: nlb.loadBalancerArn,
      RuleName: binding.ruleName,
      TargetGroupArn: binding.targetGroupArn,
    })) {
      new CfnOutput(this, name, { value });
    }
  }
}
