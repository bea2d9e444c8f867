import { CustomResource, Duration, Fn, Resource, Stack, Token, type CfnResource } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Dependable, type Construct, type IConstruct, type IDependable } from 'constructs';
import { arnOf, backendOf } from './backend';
import { commandOf } from './commands';
import { grantGiven } from './grants';
import { isCrossZoneListener, renderListener } from './listener';
import { listenersOf } from './load-balancers';
import type { AlbNlbBindingProps } from './props';
import { AlbNlbBindingProvider, type IAlbNlbBindingProvider } from './provider';
import { checkTopology } from './topology';

/**
 * Gives an internal Application Load Balancer, or whatever else is behind a DNS name, the fixed addresses of a Network
 * Load Balancer: keeps its current addresses registered as the NLB's IP targets.
 *
 * @resource Custom::AlbNlbBinding
 */
export class AlbNlbBinding extends Resource {
  /** The binding's id, `alb-nlb-binding-<16 hex digits>`; all that it makes carries it in its name or tag. */
  public readonly bindingId: string;
  /** Name of the bucket that holds the binding's state: your own, or one that was made. */
  public readonly bucketName: string;
  /** Name of the EventBridge rule that calls the function. */
  public readonly ruleName: string;
  /** ARN of the EventBridge rule that calls the function. */
  public readonly ruleArn: string;
  /** ARN of the target group of the first of `listeners`. */
  public readonly targetGroupArn: string;
  /** ARNs of all target groups, in the order of `listeners`. It may be missing beyond some 15 of them. */
  public readonly targetGroupArns: string[];
  /** ARN of the first listener made on the NLB. Empty where every target group is your own. */
  public readonly listenerArn: string;
  /** ARNs of the listeners made on the NLB, in the order of `listeners`. It may be missing beyond some 15 of them. */
  public readonly listenerArns: string[];
  /** The NLB's Availability Zones; their number is known only at deployment. */
  public readonly availabilityZones: string[];
  /** The NLB's fixed addresses, where the API gives them; their number is known only at deployment. */
  public readonly nlbAddresses: string[];
  /** Number of addresses that were registered when the stack last changed. */
  public readonly ipCount: number;
  /** Shell command that shows how the binding does: its addresses and targets, what is pending, and a verdict. */
  public readonly statusCommand: string;
  /** Shell command that checks the binding's properties, as they were deployed, and the resources that they name. */
  public readonly checkCommand: string;
  /** Shell command that shows what an Update would do with these properties, or with others that you write there. */
  public readonly planCommand: string;
  /** @internal */
  public readonly _hasMetric: boolean;
  /** The function behind the binding. */
  public readonly provider: IAlbNlbBindingProvider;
  /** ARN of the NLB. */
  public readonly nlbArn: string;
  /** Name under which the metric counts the addresses: the ALB's name, or the DNS name of what is no ALB. */
  public readonly loadBalancerName: string;
  /** Ports of the listeners that the binding makes on the NLB. */
  private readonly ports: number[];

  constructor(scope: Construct, id: string, props: AlbNlbBindingProps) {
    super(scope, id);
    const backend = backendOf(props);
    const nlbArn = arnOf(props.nlb);
    const made = props.listeners.filter((listener) => listener.targetGroup === undefined);
    this.loadBalancerName = backend.name;
    this._hasMetric = props.ipCountMetric ?? true;
    this.nlbArn = nlbArn;
    this.ports = made.map(({ port }) => port);
    this.provider = props.provider ?? AlbNlbBindingProvider.of(this);

    const properties = {
      ...backend.properties,
      NlbArn: nlbArn,
      Listeners: props.listeners.map((listener) => renderListener(listener, this.node.path)),
      Schedule: props.schedule?.expressionString,
      MaxLookupsPerInvocation: props.maxLookupsPerInvocation,
      InvocationsBeforeDeregistration: props.invocationsBeforeDeregistration,
      IpCountMetric: props.ipCountMetric,
      DnsServers: props.dnsServers,
      BucketName: props.bucket?.bucketName,
      AllowZoneMismatch: props.allowZoneMismatch,
    };
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::AlbNlbBinding',
      serviceToken: this.provider.serviceToken,
      serviceTimeout: props.serviceTimeout ?? Duration.minutes(10),
      properties,
    });
    // The function needs its permissions before its first request, and until it has answered the last Delete.
    resource.node.addDependency(this.provider, ...grantGiven(this, this.provider.role, props));
    // The function checks that the ALB has listeners, and no reference tells CloudFormation to make them first.
    const { albArn } = backend;
    if (albArn !== undefined) {
      resource.node.addDependency(foundAtSynthesis(() => listenersOf(albArn, this)));
    }
    this.node.addValidation({
      validate: () =>
        checkTopology(this, {
          albArn,
          nlbArn,
          ports: this.ports,
          others: this.others(),
          allowZoneMismatch: props.allowZoneMismatch ?? false,
          crossZones: props.listeners.filter(({ targetGroup }) => !targetGroup).map(isCrossZoneListener),
        }),
    });

    const list = (name: string, length?: number): string[] =>
      Fn.split(',', resource.getAttString(name), length);
    this.bindingId = resource.ref;
    this.bucketName = resource.getAttString('BucketName');
    this.ruleName = resource.getAttString('RuleName');
    this.ruleArn = resource.getAttString('RuleArn');
    this.targetGroupArn = resource.getAttString('TargetGroupArn');
    this.targetGroupArns = list('TargetGroupArns', props.listeners.length);
    this.listenerArn = resource.getAttString('ListenerArn');
    this.listenerArns = made.length === 0 ? [] : list('ListenerArns', made.length);
    this.availabilityZones = list('AvailabilityZones');
    this.nlbAddresses = list('NlbAddresses');
    this.ipCount = Token.asNumber(resource.getAtt('IpCount'));

    const { serviceToken } = this.provider;
    const request = {
      ResourceProperties: properties,
      StackId: Stack.of(this).stackId,
      LogicalResourceId: (resource.node.defaultChild as CfnResource).logicalId,
    };
    this.statusCommand = commandOf(this, serviceToken, 'Status', { PhysicalResourceId: this.bindingId });
    this.checkCommand = commandOf(this, serviceToken, 'Check', request);
    this.planCommand = commandOf(this, serviceToken, 'Plan', request);
  }

  /**
   * The number of addresses. Each run of the function publishes one value under the name of the ALB.
   *
   * With `targetDnsName` the value is under that DNS name, or under the ALB's name if the DNS name belongs to an ALB.
   * A DNS name that is known only at deployment is used as it is: if it belongs to an ALB, give
   * `dimensionsMap: { LoadBalancerName: <name> }`.
   *
   * @default minimum over 5 minutes
   */
  public metricIpCount(options?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AlbNlbBinding',
      metricName: 'LoadBalancerIPCount',
      dimensionsMap: { LoadBalancerName: this.loadBalancerName },
      statistic: 'Minimum',
      ...options,
    }).attachTo(this);
  }

  /** The other bindings of the same NLB. */
  private others(): { path: string; ports: number[] }[] {
    return this.node.root.node
      .findAll()
      .filter((construct) => construct instanceof AlbNlbBinding)
      .filter((binding) => binding !== this && binding.nlbArn === this.nlbArn)
      .map(({ node, ports }) => ({ path: node.path, ports }));
  }
}

/** A dependency on constructs that are looked for at synthesis, so that those made later count too. */
function foundAtSynthesis(find: () => IConstruct[]): IDependable {
  const dependable: IDependable = {};
  Dependable.implement(dependable, new FoundAtSynthesis(find));
  return dependable;
}

class FoundAtSynthesis extends Dependable {
  constructor(private readonly find: () => IConstruct[]) {
    super();
  }

  public override get dependencyRoots(): IConstruct[] {
    return this.find();
  }
}
