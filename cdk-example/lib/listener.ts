import { Duration } from 'aws-cdk-lib';
import type { INetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';

/** How the NLB checks whether an address of the ALB is healthy. */
export enum AlbNlbHealthCheckProtocol {
  /** The NLB opens a connection. */
  TCP = 'TCP',
  /** The NLB requests a path over HTTP. */
  HTTP = 'HTTP',
  /** The NLB requests a path over HTTPS, and does not verify the certificate. */
  HTTPS = 'HTTPS',
}

/** Whether a target group's traffic crosses Availability Zones. */
export enum CrossZone {
  /** The NLB's own setting decides. */
  USE_LOAD_BALANCER_CONFIGURATION = 'use_load_balancer_configuration',
  /** Every node of the NLB sends to the ALB's addresses in all zones. */
  ENABLED = 'true',
  /** Every node of the NLB sends to the ALB's addresses in its own zone. */
  DISABLED = 'false',
}

/**
 * The health check of a target group that the binding makes.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
 */
export interface AlbNlbHealthCheck {
  /**
   * The protocol of the check.
   *
   * @default AlbNlbHealthCheckProtocol.TCP
   */
  readonly protocol?: AlbNlbHealthCheckProtocol;
  /**
   * The ALB's port that the NLB checks, 1 to 65535.
   *
   * @default - the port that traffic goes to
   */
  readonly port?: number;
  /**
   * The path that the NLB requests. HTTP and HTTPS only.
   *
   * @default '/'
   */
  readonly path?: string;
  /**
   * The HTTP status codes of a healthy target, from 200 to 599, as in `200,204` or `200-399`.
   * HTTP and HTTPS only.
   *
   * @default '200-399'
   */
  readonly healthyHttpCodes?: string;
  /**
   * The time between two checks of a target, 5 to 300 seconds.
   *
   * @default Duration.seconds(30)
   */
  readonly interval?: Duration;
  /**
   * How long the NLB waits for an answer, 2 to 120 seconds and less than the interval.
   *
   * @default - 10 seconds, or 6 for HTTP
   */
  readonly timeout?: Duration;
  /**
   * Checks in a row that must succeed for a target to become healthy, 2 to 10.
   *
   * @default 5
   */
  readonly healthyThresholdCount?: number;
  /**
   * Checks in a row that must fail for a target to become unhealthy, 2 to 10.
   *
   * @default 2
   */
  readonly unhealthyThresholdCount?: number;
}

/** A port of the NLB, and the ALB's port behind it. */
export interface AlbNlbListener {
  /** The port of the TCP listener that is made on the NLB, 1 to 65535. No two listeners may have the same. */
  readonly port: number;
  /**
   * The port of the ALB's HTTP or HTTPS listener, 1 to 65535.
   *
   * @default - the same as `port`
   */
  readonly albPort?: number;
  /**
   * Another name for `albPort`, for what is no ALB. Give only one of the two.
   *
   * @default - the same as `port`
   */
  readonly targetPort?: number;
  /**
   * A target group of your own, or its ARN. It must have target type `ip` and protocol TCP, and be in the NLB's VPC.
   * The binding then makes, changes and deletes neither a group nor a listener: it only registers and deregisters its
   * own targets, and `port` is only the default of `albPort`. The provider is allowed to use the group.
   *
   * Not together with a health check or attributes, which belong to the group, nor with an idle timeout, which belongs
   * to the group's listener.
   *
   * @default - a target group and a listener are made
   */
  readonly targetGroup?: INetworkTargetGroup | string;
  /**
   * The health check of the target group that is made.
   *
   * @default - TCP on the port that traffic goes to, every 30 seconds
   */
  readonly healthCheck?: AlbNlbHealthCheck;
  /**
   * How long connections to a deregistered address may go on, 0 to 3600 seconds.
   *
   * @default Duration.minutes(5)
   */
  readonly deregistrationDelay?: Duration;
  /**
   * How long a connection may be without traffic until the listener that is made forgets it, 60 to 6000 seconds. It
   * must be longer than the ALB's idle timeout.
   *
   * @default Duration.seconds(350)
   */
  readonly idleTimeout?: Duration;
  /**
   * Close connections that are still open when the deregistration delay is over.
   *
   * @default false
   */
  readonly connectionTermination?: boolean;
  /**
   * Let the ALB see the clients' addresses, for its X-Forwarded-For header, instead of the NLB's. Both must be in
   * one VPC, or in peered ones of the same Region, and the ALB's security group must allow the clients.
   *
   * @default false
   */
  readonly preserveClientIp?: boolean;
  /**
   * Send a client's connections to the same address of the ALB.
   *
   * @default false
   */
  readonly stickiness?: boolean;
  /**
   * Whether traffic crosses Availability Zones.
   *
   * @default CrossZone.USE_LOAD_BALANCER_CONFIGURATION
   */
  readonly crossZone?: CrossZone;
  /**
   * Further attributes of the target group that is made, by their keys in `AWS::ElasticLoadBalancingV2::TargetGroup`,
   * such as `target_health_state.unhealthy.draining_interval_seconds`. One that you remove goes back to AWS's default.
   *
   * @default - AWS's defaults
   */
  readonly attributes?: { readonly [key: string]: string };
}

/** The attributes of a listener's target group as CloudFormation names them. */
export function attributesOf(listener: AlbNlbListener): Map<string, string> {
  const attributes = new Map<string, string>();
  const set = (key: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined) attributes.set(key, String(value));
  };
  set('deregistration_delay.timeout_seconds', listener.deregistrationDelay?.toSeconds({ integral: false }));
  set('deregistration_delay.connection_termination.enabled', listener.connectionTermination);
  set('preserve_client_ip.enabled', listener.preserveClientIp);
  set('stickiness.enabled', listener.stickiness);
  set('load_balancing.cross_zone.enabled', listener.crossZone);
  return attributes;
}

/** Whether the target group that is made balances across zones; undefined where the NLB's own setting decides. */
export function isCrossZoneListener(listener: AlbNlbListener): boolean | undefined {
  const key = 'load_balancing.cross_zone.enabled';
  const setting = attributesOf(listener).get(key) ?? listener.attributes?.[key];
  const settings = new Map<string | undefined, boolean>([
    ['true', true],
    ['false', false],
  ]);
  return settings.get(setting);
}

/** The ARN of a given target group. */
export function targetGroupArnOf(listener: AlbNlbListener): string | undefined {
  const given = listener.targetGroup;
  return typeof given === 'object' ? given.targetGroupArn : given;
}

/**
 * An item of the property `Listeners` of `Custom::AlbNlbBinding`.
 *
 * @param path the binding's path, for errors
 */
export function renderListener(listener: AlbNlbListener, path: string): Record<string, unknown> {
  const own = attributesOf(listener);
  const others = Object.entries(listener.attributes ?? {});
  const twice = others.map(([key]) => key).find((key) => own.has(key));
  if (twice !== undefined) {
    throw new Error(
      `${path}: attributes of the listener on port ${listener.port} name ${twice}, which another property sets: give it once`,
    );
  }
  const attributes = [...own, ...others];
  return {
    Port: listener.port,
    AlbPort: listener.albPort,
    TargetPort: listener.targetPort,
    TargetGroupArn: targetGroupArnOf(listener),
    HealthCheck: listener.healthCheck && renderHealthCheck(listener.healthCheck),
    IdleTimeoutSeconds: listener.idleTimeout?.toSeconds(),
    TargetGroupAttributes:
      attributes.length === 0 ? undefined : attributes.map(([key, value]) => ({ Key: key, Value: value })),
  };
}

function renderHealthCheck(check: AlbNlbHealthCheck): Record<string, unknown> {
  return {
    Protocol: check.protocol,
    Port: check.port,
    Path: check.path,
    Matcher: check.healthyHttpCodes,
    IntervalSeconds: check.interval?.toSeconds(),
    TimeoutSeconds: check.timeout?.toSeconds(),
    HealthyThreshold: check.healthyThresholdCount,
    UnhealthyThreshold: check.unhealthyThresholdCount,
  };
}
