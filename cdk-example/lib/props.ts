import type { Duration } from 'aws-cdk-lib';
import type { IApplicationLoadBalancer, INetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Schedule } from 'aws-cdk-lib/aws-events';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { AlbNlbListener } from './listener';
import type { IAlbNlbBindingProvider } from './provider';

/** Properties of an {@link AlbNlbBinding}. */
export interface AlbNlbBindingProps {
  /**
   * The internal ALB, or its ARN. It may be in another VPC than the NLB, if the two VPCs are peered. If you change it,
   * the addresses of the new ALB are registered before the update ends.
   *
   * @default - `targetDnsName` is given instead
   */
  readonly alb?: IApplicationLoadBalancer | string;
  /**
   * A DNS name instead of `alb`: of an ALB of another account or Region, of a database, of whatever has IPv4 addresses
   * that the NLB can reach. Nothing checks what is behind the name. Give either this or `alb`.
   *
   * @default - `alb` is given
   */
  readonly targetDnsName?: string;
  /**
   * Whether the addresses behind `targetDnsName` are in the NLB's VPC. Those that are not are registered for all
   * Availability Zones. Not together with `alb`, whose VPC is known.
   *
   * @default true
   */
  readonly sameVpc?: boolean;
  /** The NLB, or its ARN. If you change it, a new binding is made before the old one is deleted. */
  readonly nlb: INetworkLoadBalancer | string;
  /** The ports to serve, 1 to 50. One DNS lookup serves all of them. */
  readonly listeners: AlbNlbListener[];
  /**
   * How often the function looks the addresses up. Once a minute is the most that EventBridge offers.
   *
   * @default Schedule.rate(Duration.minutes(1))
   */
  readonly schedule?: Schedule;
  /**
   * The most DNS lookups in one run, 1 to 1000. 50 are enough for 40 addresses, 140 for 100.
   *
   * @default 50
   */
  readonly maxLookupsPerInvocation?: number;
  /**
   * Runs in a row that must miss an address before it is deregistered, 1 to 1000.
   *
   * @default 3
   */
  readonly invocationsBeforeDeregistration?: number;
  /**
   * Publish the number of addresses as a CloudWatch metric.
   *
   * @default true
   */
  readonly ipCountMetric?: boolean;
  /**
   * DNS servers to ask, as `ip` or `ip:port`, 50 at most. They must not answer from a cache, unless there are never
   * more than 7 addresses.
   *
   * @default - those of the provider, else the authoritative servers of the name's zone
   */
  readonly dnsServers?: string[];
  /**
   * A bucket of your own for the state. The binding does not change or delete it. The provider is allowed to use it.
   *
   * @default - a bucket is made, and deleted with the binding
   */
  readonly bucket?: IBucket;
  /**
   * Accept Availability Zones that only the NLB has. Cross-zone load balancing must be on for every target group. The
   * listener's `crossZone` decides that, or the setting of a target group of your own, else the NLB.
   *
   * @default false
   */
  readonly allowZoneMismatch?: boolean;
  /**
   * The function behind the binding.
   *
   * @default - the one of this stack, `AlbNlbBindingProvider.of(this)`, which all its bindings share
   */
  readonly provider?: IAlbNlbBindingProvider;
  /**
   * How long CloudFormation waits for the function, 1 second to 1 hour. The function starts within 300 seconds or not
   * at all, and answers within 300 more, so it is no use to wait longer than the default.
   *
   * @default Duration.minutes(10)
   */
  readonly serviceTimeout?: Duration;
}
