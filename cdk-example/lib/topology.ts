import { Token } from 'aws-cdk-lib';
import type { CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IConstruct } from 'constructs';
import { isCrossZone, listenersOf, resourceOf, shareVpc, zonesOf } from './load-balancers';

/** What is checked: the two load balancers by their ARNs, and how the binding uses them. */
export interface Topology {
  /** Absent where a DNS name is given instead of an ALB. */
  readonly albArn?: string;
  readonly nlbArn: string;
  /** Ports of the listeners that the binding makes on the NLB. */
  readonly ports: readonly number[];
  /** Paths and ports of all other bindings of this NLB. */
  readonly others: readonly { readonly path: string; readonly ports: readonly number[] }[];
  readonly allowZoneMismatch: boolean;
  /** Whether each target group that is made balances across zones; undefined where the NLB's own setting decides. */
  readonly crossZones: readonly (boolean | undefined)[];
}

/** One message for everything that is wrong with load balancers of this app: the values, and how to mend them. */
export function checkTopology(scope: IConstruct, topology: Topology): string[] {
  const alb = topology.albArn === undefined ? undefined : resourceOf(topology.albArn, scope);
  const nlb = resourceOf(topology.nlbArn, scope);
  return [
    ...(alb ? publicAlb(alb) : []),
    ...(alb && nlb ? differingZones(alb, nlb, topology) : []),
    ...takenPorts(scope, topology),
  ];
}

function publicAlb(alb: CfnLoadBalancer): string[] {
  // Without a scheme CloudFormation makes a public load balancer.
  const scheme = alb.scheme ?? 'internet-facing';
  if (Token.isUnresolved(scheme) || scheme === 'internal') return [];
  return [
    `alb: ${alb.node.path} is ${scheme}, and public addresses cannot be targets of an NLB: ` +
      'make it internal (internetFacing: false)',
  ];
}

function differingZones(
  alb: CfnLoadBalancer,
  nlb: CfnLoadBalancer,
  { allowZoneMismatch, crossZones }: Topology,
): string[] {
  // Targets in another VPC are registered for all zones, and every zone of the NLB reaches them.
  if (!shareVpc(alb, nlb)) return [];
  const albZones = zonesOf(alb);
  const nlbZones = zonesOf(nlb);
  if (!albZones || !nlbZones) return [];
  const [both, onlyAlb, onlyNlb] = [
    `Availability Zones differ: the ALB ${alb.node.path} is in ${albZones.join(', ')}, ` +
      `the NLB ${nlb.node.path} in ${nlbZones.join(', ')}`,
    albZones.filter((zone) => !nlbZones.includes(zone)).join(', '),
    nlbZones.filter((zone) => !albZones.includes(zone)).join(', '),
  ];
  const found = [];
  if (onlyAlb) {
    found.push(`${both}; targets in ${onlyAlb} would be unused: add it to the NLB or take it from the ALB`);
  }
  if (onlyNlb && !allowZoneMismatch) {
    found.push(
      `${both}; the fixed address in ${onlyNlb} would have no targets: add it to the ALB, take it from the NLB, ` +
        'or give the NLB crossZoneEnabled: true and the binding allowZoneMismatch: true',
    );
  }
  // A target group's own setting overrides the NLB's.
  const ofNlb = isCrossZone(nlb);
  if (onlyNlb && allowZoneMismatch && crossZones.some((own) => (own ?? ofNlb) === false)) {
    found.push(
      `${both}; allowZoneMismatch needs target groups that balance across zones: give the NLB ` +
        'crossZoneEnabled: true, and no listener CrossZone.DISABLED',
    );
  }
  return found;
}

function takenPorts(scope: IConstruct, { nlbArn, ports, others }: Topology): string[] {
  const listeners = listenersOf(nlbArn, scope).map(({ node, port }) => ({ path: node.path, ports: [port] }));
  return [...listeners, ...others].flatMap((owner) =>
    ports
      .filter((port) => owner.ports.includes(port))
      .map(
        (port) =>
          `listeners: port ${port} of the NLB is taken by ${owner.path}: choose another port, take that listener ` +
          'away, or give its target group by targetGroup',
      ),
  );
}
