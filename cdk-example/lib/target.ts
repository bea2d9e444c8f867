import { Fn, Token } from 'aws-cdk-lib';
import { isIPv4 } from 'node:net';
import type { Problems } from './problems';
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

export function targetOf({ alb, targetDnsName = '', sameVpc }: TargetProps): Target {
  if (alb === undefined) {
    return {
      properties: { TargetDnsName: targetDnsName, SameVpc: sameVpc },
      name: nameOf(targetDnsName),
    };
  }
  const albArn = arnOf(alb);
  return {
    albArn,
    properties: { AlbArn: albArn },
    // arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/app/<name>/<id>
    name: Fn.select(2, Fn.split('/', albArn)),
  };
}

export function arnOf(loadBalancer: { readonly loadBalancerArn: string } | string): string {
  return typeof loadBalancer === 'string' ? loadBalancer : loadBalancer.loadBalancerArn;
}

/** Checks that there is one target, and only one. */
export function checkTarget({ alb, targetDnsName, sameVpc }: TargetProps, problems: Problems): void {
  if (alb !== undefined) checkArn('alb', arnOf(alb), 'app', 'an Application', problems);
  if (targetDnsName === undefined) {
    if (alb === undefined) {
      problems.add('alb', 'nothing', 'an internal ALB or its ARN, or targetDnsName in its place');
    }
    if (sameVpc !== undefined) {
      problems.add('sameVpc', String(sameVpc), 'absent unless targetDnsName is given');
    }
    return;
  }
  if (alb !== undefined) problems.add('alb', 'a value', 'absent next to targetDnsName');
  if (!Token.isUnresolved(targetDnsName) && !isDnsName(whole(targetDnsName))) {
    problems.add('targetDnsName', targetDnsName, 'a DNS name, as in db.example.com');
  }
}

export function checkArn(
  property: string,
  arn: string,
  kind: 'app' | 'net',
  name: string,
  problems: Problems,
): void {
  const pattern = new RegExp(
    `^arn:aws[a-z-]*:elasticloadbalancing:[^:]+:[^:]+:loadbalancer/${kind}/[^/]+/[^/]+$`,
  );
  if (!Token.isUnresolved(arn) && !pattern.test(arn)) {
    problems.add(
      property,
      arn,
      `the ARN of ${name} Load Balancer, arn:aws:...:loadbalancer/${kind}/<name>/<id>`,
    );
  }
}

/** At least two labels, and no address. */
function isDnsName(text: string): boolean {
  const labels = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/i;
  return text.length <= 253 && labels.test(text) && !isIPv4(text);
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
