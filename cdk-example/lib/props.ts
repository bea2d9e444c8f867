import type { Duration } from 'aws-cdk-lib';
import type { IApplicationLoadBalancer, INetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Schedule } from 'aws-cdk-lib/aws-events';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { AlbNlbListener } from './listener';
import type { IAlbNlbBindingProvider } from './provider';

/** Properties of an {@link AlbNlbBinding}. */
export interface AlbNlbBindingProps {
  /**
   * The internal ALB, or its ARN. It may be in another VPC than the NLB, peered with it. A changed one takes the
   * place of the old one: its addresses are registered before the update ends.
   *
   * @default - `targetDnsName` is given in its place
   */
  readonly alb?: IApplicationLoadBalancer | string;
  /**
   * A DNS name in the place of `alb`: an ALB of another account or Region, a database, whatever has IPv4 addresses
   * that the NLB can reach. What is behind it is not checked. One of the two must be given.
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
  /** The NLB, or its ARN. Another NLB makes a new binding before the old one is deleted. */
  readonly nlb: INetworkLoadBalancer | string;
  /** The ports to serve, 1 to 50. One DNS lookup serves all of them. */
  readonly listeners: AlbNlbListener[];
  /**
   * How often the addresses are looked up; EventBridge knows nothing faster than a minute.
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
   * DNS servers to ask, as `ip` or `ip:port`, 50 at most. They must be authoritative or must not cache, unless there
   * are never more than 7 addresses.
   *
   * @default - those of the provider, else the authoritative servers of the name's zone
   */
  readonly dnsServers?: string[];
  /**
   * A bucket of your own for the state. It is not made, changed or deleted, and the provider is allowed to use it.
   *
   * @default - a bucket is made, and deleted with the binding
   */
  readonly bucket?: IBucket;
  /**
   * Accept Availability Zones that only the NLB has. Cross-zone load balancing must be on for every target group: by
   * the listener's `crossZone`, or a given group's own setting, else by the NLB.
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
   * How long CloudFormation waits for the function, 1 second to 1 hour. It starts within 300 seconds or not at
   * all, and answers within the 300 after that, so longer waiting is in vain.
   *
   * @default Duration.minutes(10)
   */
  readonly serviceTimeout?: Duration;
}
