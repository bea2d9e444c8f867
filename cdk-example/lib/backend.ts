import { Fn, Token } from 'aws-cdk-lib';
import type { AlbNlbBindingProps } from './props';

/** What receives the NLB's traffic: an ALB of this account and Region, or whatever a DNS name leads to. */
export interface Backend {
  /**
   * The ALB's ARN.
   *
   * @default - only a DNS name is known
   */
  readonly albArn?: string;
  /** The properties of `Custom::AlbNlbBinding` that name it. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Name under which the metric counts its addresses. */
  readonly name: string;
}

type BackendProps = Pick<AlbNlbBindingProps, 'alb' | 'targetDnsName' | 'sameVpc'>;

export function backendOf({ alb, targetDnsName, sameVpc }: BackendProps): Backend {
  const albArn = alb === undefined ? undefined : arnOf(alb);
  return {
    albArn,
    properties: { AlbArn: albArn, TargetDnsName: targetDnsName, SameVpc: sameVpc },
    // arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/app/<name>/<id>
    name: albArn === undefined ? nameOf(targetDnsName ?? '') : Fn.select(2, Fn.split('/', albArn)),
  };
}

export function arnOf(loadBalancer: { readonly loadBalancerArn: string } | string): string {
  return typeof loadBalancer === 'string' ? loadBalancer : loadBalancer.loadBalancerArn;
}

/** A DNS name without the final dot, which marks a fully qualified name. */
function withoutFinalDot(dnsName: string): string {
  return dnsName.replace(/\.$/, '');
}

/** The DNS name of an ALB, `[internal-]<name>-<digits>.<region>.elb.amazonaws.com`, gives the ALB's name. */
function nameOf(dnsName: string): string {
  if (Token.isUnresolved(dnsName)) return dnsName;
  const [, name] = /^(?:internal-)?([^.]+)-[0-9]+\.[^.]+\.elb\./i.exec(dnsName) ?? [];
  return name ?? withoutFinalDot(dnsName);
}
