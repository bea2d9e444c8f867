import { CfnOutput, Duration, Fn, Stack } from 'aws-cdk-lib';
import { CfnRoute, CfnVPCPeeringConnection, Peer, Port, type Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  NetworkTargetGroup,
  TargetType,
  type ApplicationLoadBalancer,
  type NetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { DatabaseCluster } from 'aws-cdk-lib/aws-rds';
import {
  AlbNlbBinding,
  AlbNlbBindingAlarms,
  AlbNlbBindingOperations,
  AlbNlbBindingProvider,
  AlbNlbHealthCheckProtocol,
} from '../lib';

/*
 * The recipes of README.md, one stack each. The code between two lines with the name of a recipe is in README.md as well:
 * recipes.test.ts compares the two.
 */

interface Ingredients {
  readonly alb: ApplicationLoadBalancer;
  readonly nlb: NetworkLoadBalancer;
  readonly vpc: Vpc;
  /** Another VPC, for the recipe that needs two. */
  readonly ordersVpc: Vpc;
  readonly database: DatabaseCluster;
  readonly key: Key;
}

export class SeveralPorts extends Stack {
  public make({ alb, nlb }: Ingredients): void {
    // [several ports]
    new AlbNlbBinding(this, 'Binding', {
      alb,
      nlb,
      listeners: [
        { port: 443, deregistrationDelay: Duration.minutes(1) },
        {
          port: 80,
          albPort: 8080,
          healthCheck: {
            protocol: AlbNlbHealthCheckProtocol.HTTP,
            path: '/health',
            healthyHttpCodes: '200-299',
          },
        },
      ],
    });
    // [several ports]
  }
}

export class AcrossVpcs extends Stack {
  public make({ alb, nlb, vpc, ordersVpc }: Ingredients): void {
    // [across VPCs]
    const peering = new CfnVPCPeeringConnection(this, 'Peering', {
      vpcId: vpc.vpcId,
      peerVpcId: ordersVpc.vpcId,
    });
    for (const subnet of vpc.privateSubnets) {
      new CfnRoute(this, `To-${subnet.node.addr}`, {
        routeTableId: subnet.routeTable.routeTableId,
        destinationCidrBlock: ordersVpc.vpcCidrBlock,
        vpcPeeringConnectionId: peering.ref,
      });
    }
    for (const subnet of ordersVpc.privateSubnets) {
      new CfnRoute(this, `Back-${subnet.node.addr}`, {
        routeTableId: subnet.routeTable.routeTableId,
        destinationCidrBlock: vpc.vpcCidrBlock,
        vpcPeeringConnectionId: peering.ref,
      });
    }
    alb.connections.allowFrom(Peer.ipv4(vpc.vpcCidrBlock), Port.tcp(443), 'The NLB');
    new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443 }] });
    // [across VPCs]
  }
}

export class GivenTargetGroup extends Stack {
  public make({ alb, nlb, vpc }: Ingredients): void {
    // [a given target group]
    const targetGroup = new NetworkTargetGroup(this, 'Orders', {
      vpc,
      port: 443,
      targetType: TargetType.IP,
      deregistrationDelay: Duration.minutes(1),
    });
    nlb.addListener('Https', { port: 443, defaultTargetGroups: [targetGroup] });
    new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443, targetGroup }] });
    // [a given target group]
  }
}

export class ClientAddresses extends Stack {
  public make({ alb, nlb }: Ingredients): void {
    // [client addresses]
    alb.connections.allowFrom(nlb, Port.tcp(443), 'Clients by way of the NLB, and its health checks');
    new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443, preserveClientIp: true }] });
    // [client addresses]
  }
}

export class OtherAccount extends Stack {
  public make({ nlb }: Ingredients): void {
    // [an ALB of another account]
    new AlbNlbBinding(this, 'Binding', {
      targetDnsName: 'internal-orders-1234567890.eu-west-1.elb.amazonaws.com',
      sameVpc: false,
      nlb,
      listeners: [{ port: 443, targetPort: 8443 }],
    });
    // [an ALB of another account]
  }
}

export class Database extends Stack {
  public make({ nlb, database }: Ingredients): void {
    // [a database]
    database.connections.allowDefaultPortFrom(nlb, 'Clients by way of the NLB, and its health checks');
    const binding = new AlbNlbBinding(this, 'Binding', {
      targetDnsName: database.clusterEndpoint.hostname,
      nlb,
      listeners: [{ port: 5432, deregistrationDelay: Duration.seconds(0), connectionTermination: true }],
      dnsServers: ['1.1.1.1', '8.8.8.8'],
      invocationsBeforeDeregistration: 1,
    });
    binding.node.addDependency(database);
    // [a database]
  }
}

export class FirstAid extends Stack {
  public make({ alb, nlb }: Ingredients): void {
    // [first aid]
    const binding = new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443 }] });
    new CfnOutput(this, 'StatusCommand', { value: binding.statusCommand });
    new CfnOutput(this, 'CheckCommand', { value: binding.checkCommand });
    new CfnOutput(this, 'PlanCommand', { value: binding.planCommand });
    new CfnOutput(this, 'StatusOfAllCommand', { value: binding.provider.statusCommand });
    // [first aid]
  }
}

export class SharedProvider extends Stack {
  public make(): void {
    // [a shared provider]
    new AlbNlbBinding(this, 'Binding', {
      alb: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders/50dc6c495c0c9188',
      nlb: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/front/0f1e2d3c4b5a6978',
      listeners: [{ port: 443 }],
      provider: AlbNlbBindingProvider.fromFunctionArn(
        this,
        'Provider',
        Fn.importValue('alb-nlb-binding-FunctionArn'),
      ),
    });
    // [a shared provider]
  }
}

export class Watched extends Stack {
  public make({ alb, nlb }: Ingredients): void {
    // [alarms and a dashboard]
    const binding = new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443 }] });
    const operations = new AlbNlbBindingOperations(this, 'Operations', { provider: binding.provider });
    new AlbNlbBindingAlarms(this, 'Alarms', { binding, topic: operations.topic });
    // [alarms and a dashboard]
  }
}

export class OwnRules extends Stack {
  public make({ alb, nlb, vpc, key }: Ingredients): void {
    // [an account with rules of its own]
    const provider = new AlbNlbBindingProvider(this, 'Provider', {
      permissionsBoundary: ManagedPolicy.fromManagedPolicyName(this, 'Boundary', 'workload-boundary'),
      rolePath: '/workload/',
      vpc,
      logGroupKey: key,
      makeStateBucket: true,
      stateBucketKey: key,
      reservedConcurrency: 20,
    });
    new AlbNlbBinding(this, 'Binding', { alb, nlb, listeners: [{ port: 443 }], provider });
    // [an account with rules of its own]
  }
}
