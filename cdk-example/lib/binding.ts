import { CustomResource, Duration, Fn, Resource, Stack, Token, type CfnResource } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Dependable, type Construct, type IConstruct, type IDependable } from 'constructs';
import { commandOf } from './commands';
import { grantGiven } from './grants';
import { isCrossZoneListener, renderListener } from './listener';
import { listenersOf } from './load-balancers';
import type { AlbNlbBindingProps } from './props';
import { AlbNlbBindingProvider, type IAlbNlbBindingProvider } from './provider';
import { arnOf, targetOf } from './target';
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
  /** Name of the bucket that holds the state, made or given. */
  public readonly bucketName: string;
  /** Name of the EventBridge rule that calls the function. */
  public readonly ruleName: string;
  /** ARN of the EventBridge rule that calls the function. */
  public readonly ruleArn: string;
  /** ARN of the target group of the first of `listeners`. */
  public readonly targetGroupArn: string;
  /** ARNs of the target groups, made or given, in the order of `listeners`. Beyond some 15 it may be missing. */
  public readonly targetGroupArns: string[];
  /** ARN of the first listener made on the NLB. Empty where every target group is given. */
  public readonly listenerArn: string;
  /** ARNs of the listeners made on the NLB, in the order of `listeners`. Beyond some 15 it may be missing. */
  public readonly listenerArns: string[];
  /** The NLB's Availability Zones; their number is only known when deployed. */
  public readonly availabilityZones: string[];
  /** The NLB's fixed addresses, where the API gives them; their number is only known when deployed. */
  public readonly nlbAddresses: string[];
  /** Number of addresses that were registered when the stack last changed. */
  public readonly ipCount: number;
  /** Shell command that shows how the binding is: its addresses and targets, what is pending, and a verdict. */
  public readonly statusCommand: string;
  /** Shell command that checks the binding's properties, as they were deployed, and what they name. */
  public readonly checkCommand: string;
  /** Shell command that shows what an Update would do with those properties, or with others that are written there. */
  public readonly planCommand: string;
  /** @internal */
  public readonly _hasMetric: boolean;
  /** The function behind the binding. */
  public readonly provider: IAlbNlbBindingProvider;
  /** ARN of the NLB. */
  public readonly nlbArn: string;
  /** Name under which the addresses are counted: the ALB's, or of another target the DNS name. */
  public readonly loadBalancerName: string;
  /** Of the listeners that are made on the NLB. */
  private readonly ports: number[];

  constructor(scope: Construct, id: string, props: AlbNlbBindingProps) {
    super(scope, id);
    const target = targetOf(props);
    const nlbArn = arnOf(props.nlb);
    const made = props.listeners.filter((listener) => listener.targetGroup === undefined);
    this.loadBalancerName = target.name;
    this._hasMetric = props.ipCountMetric ?? true;
    this.nlbArn = nlbArn;
    this.ports = made.map(({ port }) => port);
    this.provider = props.provider ?? AlbNlbBindingProvider.of(this);

    const properties = {
      ...target.properties,
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
    // Its role's permissions must be there before it is asked for anything, and until it has answered the last Delete.
    resource.node.addDependency(this.provider, ...grantGiven(this, this.provider.role, props));
    // The function checks that the ALB listens, and no reference tells CloudFormation so.
    const { albArn } = target;
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
   * How many addresses there are, one value for each run of the function, under the name of the ALB.
   *
   * With `targetDnsName` it is the DNS name, or the ALB's own where it is that of an ALB. A DNS name that is known at
   * deployment only is used as it is: where it is that of an ALB, give `dimensionsMap: { LoadBalancerName: <name> }`.
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

/** Something to depend on that is looked for when the app is synthesized, so that what is made later counts too. */
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
