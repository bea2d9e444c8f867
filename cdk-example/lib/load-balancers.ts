import { CfnResource, Stack, Token } from 'aws-cdk-lib';
import { CfnSubnet } from 'aws-cdk-lib/aws-ec2';
import { CfnListener, CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IConstruct } from 'constructs';

/*
 * What the app knows about load balancers before it is deployed. It knows only those that it makes, and only values
 * that it writes out: a load balancer that exists already, or a value that CloudFormation fills in, is left to the
 * function's own checks.
 */

/** The listeners of a load balancer, wherever in the app they are made. */
export function listenersOf(loadBalancerArn: string, scope: IConstruct): CfnListener[] {
  return all(scope, isListener).filter((listener) => listener.loadBalancerArn === loadBalancerArn);
}

/** The load balancer's resource, where it is made in this app. */
export function resourceOf(loadBalancerArn: string, scope: IConstruct): CfnLoadBalancer | undefined {
  return all(scope, isLoadBalancer).find((loadBalancer) => loadBalancer.ref === loadBalancerArn);
}

/** The Availability Zones of a load balancer in order, or undefined where one of them is not known. */
export function zonesOf(loadBalancer: CfnLoadBalancer): string[] | undefined {
  const zones = subnetsOf(loadBalancer).map((subnet) => zoneOf(subnet, loadBalancer));
  const known = zones.filter((zone) => zone !== undefined && !Token.isUnresolved(zone));
  return zones.length > 0 && known.length === zones.length
    ? ([...new Set(known)].sort() as string[])
    : undefined;
}

/** Whether two load balancers are known to be in one VPC. */
export function shareVpc(one: CfnLoadBalancer, other: CfnLoadBalancer): boolean {
  const [first, second] = [one, other].map((loadBalancer) => {
    const vpcs = subnetsOf(loadBalancer).map((subnet) => vpcOf(subnet, loadBalancer));
    return vpcs.length > 0 && vpcs.every((vpc) => vpc === vpcs[0]) ? vpcs[0] : undefined;
  });
  return first !== undefined && first === second;
}

/** Whether an NLB balances across zones, or undefined where that is not known. */
export function isCrossZone(loadBalancer: CfnLoadBalancer): boolean | undefined {
  const attributes: unknown = Stack.of(loadBalancer).resolve(loadBalancer.loadBalancerAttributes) ?? [];
  if (!Array.isArray(attributes)) return undefined;
  const found = (attributes as CfnLoadBalancer.LoadBalancerAttributeProperty[]).find(
    ({ key }) => key === 'load_balancing.cross_zone.enabled',
  );
  // Off is AWS's default for an NLB.
  if (found?.value === undefined) return false;
  return typeof found.value === 'string' ? found.value === 'true' : undefined;
}

function subnetsOf(loadBalancer: CfnLoadBalancer): string[] {
  const mappings = loadBalancer.subnetMappings;
  if (loadBalancer.subnets) return loadBalancer.subnets;
  return Array.isArray(mappings)
    ? mappings.map((mapping) => ('subnetId' in mapping ? mapping.subnetId : ''))
    : [];
}

function zoneOf(subnetId: string, scope: IConstruct): string | undefined {
  for (const construct of scope.node.root.node.findAll()) {
    if (isSubnet(construct) && construct.ref === subnetId) return construct.availabilityZone;
    if (isImportedSubnet(construct) && construct.subnetId === subnetId) {
      try {
        return construct.availabilityZone;
      } catch {
        // The subnet was imported without its zone.
        return undefined;
      }
    }
  }
  return undefined;
}

/** The VPC of a subnet that this app makes, or that it imported together with its VPC. */
function vpcOf(subnetId: string, scope: IConstruct): string | undefined {
  for (const construct of scope.node.root.node.findAll()) {
    if (isSubnet(construct) && construct.ref === subnetId) return construct.vpcId;
    const vpc = construct.node.scope;
    if (isImportedSubnet(construct) && construct.subnetId === subnetId && vpc && isVpc(vpc)) return vpc.vpcId;
  }
  return undefined;
}

function isVpc(construct: IConstruct): construct is IConstruct & { vpcId: string } {
  return 'vpcId' in construct;
}

function all<T extends IConstruct>(scope: IConstruct, is: (construct: IConstruct) => construct is T): T[] {
  return scope.node.root.node.findAll().filter(is);
}

function isListener(construct: IConstruct): construct is CfnListener {
  return isOfType(construct, CfnListener.CFN_RESOURCE_TYPE_NAME);
}

function isLoadBalancer(construct: IConstruct): construct is CfnLoadBalancer {
  return isOfType(construct, CfnLoadBalancer.CFN_RESOURCE_TYPE_NAME);
}

function isSubnet(construct: IConstruct): construct is CfnSubnet {
  return isOfType(construct, CfnSubnet.CFN_RESOURCE_TYPE_NAME);
}

function isOfType(construct: IConstruct, type: string): boolean {
  return CfnResource.isCfnResource(construct) && construct.cfnResourceType === type;
}

/** A subnet that exists already, as `Vpc.fromLookup` and `Subnet.fromSubnetAttributes` give it. */
function isImportedSubnet(
  construct: IConstruct,
): construct is IConstruct & { subnetId: string; availabilityZone: string } {
  return 'subnetId' in construct && !('cfnResourceType' in construct);
}
