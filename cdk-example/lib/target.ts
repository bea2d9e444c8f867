import { Fn, Token } from 'aws-cdk-lib';
import type { AlbNlbBindingProps } from './props';

/** What is behind the NLB: an ALB of this account and Region, or whatever a DNS name leads to. */
export interface Target {
  /**
   * The ALB's ARN.
   *
   * @default - only a DNS name is known
   */
  readonly albArn?: string;
  /** The properties of `Custom::AlbNlbBinding` that name it. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** By which name its addresses are counted. */
  readonly name: string;
}

type TargetProps = Pick<AlbNlbBindingProps, 'alb' | 'targetDnsName' | 'sameVpc'>;

export function targetOf({ alb, targetDnsName, sameVpc }: TargetProps): Target {
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

/** A name without the final dot that says that it is whole. */
function whole(dnsName: string): string {
  return dnsName.replace(/\.$/, '');
}

/** An ALB's own name, `[internal-]<name>-<digits>.<region>.elb.amazonaws.com`, counts as that ALB's. */
function nameOf(dnsName: string): string {
  if (Token.isUnresolved(dnsName)) return dnsName;
  const [, name] = /^(?:internal-)?([^.]+)-[0-9]+\.[^.]+\.elb\./i.exec(dnsName) ?? [];
  return name ?? whole(dnsName);
}
