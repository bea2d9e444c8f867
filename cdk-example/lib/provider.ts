import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { INetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Policy, Role, ServicePrincipal, type IRole, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { AlbNlbBindingCode } from './code';
import { commandOf } from './commands';
import { explainPatterns } from './findings';
import { functionStatements, givenBucketStatements, givenTargetGroupStatements, ruleArns } from './policy';

/** The function behind bindings. */
export interface IAlbNlbBindingProvider extends IConstruct {
  /**
   * ARN of the function, the `ServiceToken` of a binding. Without version or alias: the asynchronous invocation's
   * settings are the unqualified function's, and rules call that one in any case.
   */
  readonly serviceToken: string;
  /**
   * The function's role. What users bring is granted to it.
   *
   * @default - unknown: nothing can be granted to the function
   */
  readonly role?: IRole;
  /** Shell command that shows how all bindings of the Region are. */
  readonly statusCommand: string;
}

/** Detail of the function's log. */
export enum AlbNlbBindingLogLevel {
  /** Every list of addresses and every change. */
  INFO = 'INFO',
  /** Only what went wrong. */
  WARN = 'WARN',
}

/** Properties of an {@link AlbNlbBindingProvider}. */
export interface AlbNlbBindingProviderProps {
  /**
   * The function's code.
   *
   * @default AlbNlbBindingCode.fromPackage()
   */
  readonly code?: AlbNlbBindingCode;
  /**
   * The processor that the code was built for.
   *
   * @default Architecture.X86_64, which `make package` builds for
   */
  readonly architecture?: Architecture;
  /**
   * Name of the function.
   *
   * @default - CloudFormation makes one up
   */
  readonly functionName?: string;
  /**
   * How long the log, which is the history of the addresses, is kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * Detail of the log.
   *
   * @default AlbNlbBindingLogLevel.INFO
   */
  readonly logLevel?: AlbNlbBindingLogLevel;
  /**
   * DNS servers (`ip` or `ip:port`) that bindings ask when they name none themselves.
   *
   * @default - the authoritative servers of the ALB's zone
   */
  readonly dnsServers?: readonly string[];
}

/** A provider that exists already; one of the two is enough where nothing has to be granted. */
export interface AlbNlbBindingProviderAttributes {
  /** ARN of the function: output `FunctionArn` of cfn/provider.yaml, or `serviceToken` of a provider. */
  readonly functionArn: string;
  /**
   * The function's role: output `RoleArn` of cfn/provider.yaml.
   *
   * @default - unknown: nothing can be granted to the function here
   */
  readonly role?: IRole;
}

const SINGLETON = 'AlbNlbBindingProvider';

/**
 * The function of `Custom::AlbNlbBinding`, with a role that is cut along the names of what it makes. The same as
 * cfn/provider.yaml, which says why it is as it is. One serves all bindings of an account and Region.
 */
export class AlbNlbBindingProvider extends Construct implements IAlbNlbBindingProvider {
  /**
   * The provider that all bindings of a stack share; it is made when it is first asked for.
   *
   * @param props for the provider to be made; an error where there is one already
   */
  public static of(scope: IConstruct, props?: AlbNlbBindingProviderProps): AlbNlbBindingProvider {
    const stack = Stack.of(scope);
    const found = stack.node.tryFindChild(SINGLETON);
    if (!(found instanceof AlbNlbBindingProvider)) return new AlbNlbBindingProvider(stack, SINGLETON, props);
    if (props) {
      throw new Error(
        `${found.node.path} is made already: give its properties before the stack's first binding`,
      );
    }
    return found;
  }

  /** A provider of another stack or app, by the ARN of its function. */
  public static fromFunctionArn(scope: Construct, id: string, functionArn: string): IAlbNlbBindingProvider {
    return AlbNlbBindingProvider.fromAttributes(scope, id, { functionArn });
  }

  /** A provider of another stack or app. With its role known, bindings can be given buckets and target groups. */
  public static fromAttributes(
    scope: Construct,
    id: string,
    attributes: AlbNlbBindingProviderAttributes,
  ): IAlbNlbBindingProvider {
    class Imported extends Construct implements IAlbNlbBindingProvider {
      public readonly serviceToken = attributes.functionArn;
      public readonly role = attributes.role;
      public readonly statusCommand = commandOf(this, attributes.functionArn, 'Status');
    }
    return new Imported(scope, id);
  }

  public readonly serviceToken: string;
  public readonly role: IRole;
  public readonly statusCommand: string;
  /** The function, for alarms on its metrics. */
  public readonly function: Function;
  private readonly policy: Policy;

  constructor(scope: Construct, id: string, props: AlbNlbBindingProviderProps = {}) {
    super(scope, id);
    const architecture = props.architecture ?? Architecture.X86_64;
    const logGroup = new LogGroup(this, 'LogGroup', {
      logGroupName: props.functionName === undefined ? undefined : `/aws/lambda/${props.functionName}`,
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      description: 'What the function of Custom::AlbNlbBinding may do.',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    this.function = new Function(this, 'Function', {
      functionName: props.functionName,
      description: "Custom::AlbNlbBinding, keeps NLB targets equal to an ALB's addresses.",
      runtime: Runtime.PROVIDED_AL2023,
      handler: 'bootstrap',
      architecture,
      code: (props.code ?? AlbNlbBindingCode.fromPackage()).forArchitecture(architecture),
      role: this.role,
      memorySize: 128,
      timeout: Duration.seconds(300),
      logGroup,
      loggingFormat: LoggingFormat.TEXT,
      environment: {
        LOG_LEVEL: props.logLevel ?? AlbNlbBindingLogLevel.INFO,
        ...(props.dnsServers && { DNS_SERVERS: props.dnsServers.join(',') }),
      },
      retryAttempts: 1,
      maxEventAge: Duration.seconds(300),
    });
    this.function.addPermission('RulesMayInvoke', {
      principal: new ServicePrincipal('events.amazonaws.com'),
      sourceArn: ruleArns(this),
    });
    // Not the role's own: it names the function, and the function needs the role first.
    this.policy = new Policy(this, 'Policy', { roles: [this.role] });
    this.allow(
      functionStatements(this, { functionArn: this.function.functionArn, logGroupArn: logGroup.logGroupArn }),
    );
    this.serviceToken = this.function.functionArn;
    this.statusCommand = commandOf(this, this.serviceToken, 'Status');
  }

  /** Lets bindings of other stacks and apps keep their state in a bucket; those of this app see to it themselves. */
  public grantBucket(bucket: IBucket): void {
    this.allow(givenBucketStatements(bucket.bucketArn, bucket.encryptionKey?.keyArn));
  }

  /** Lets bindings of other stacks and apps use a target group; those of this app see to it themselves. */
  public grantTargetGroup(targetGroup: INetworkTargetGroup): void {
    this.allow(givenTargetGroupStatements(targetGroup.targetGroupArn));
  }

  /**
   * Runs that did not do their work. A request of CloudFormation that was answered FAILED is none.
   *
   * @default sum over 5 minutes
   */
  public metricErrors(options?: MetricOptions): Metric {
    return this.function.metricErrors(options);
  }

  private allow(statements: PolicyStatement[]): void {
    this.policy.addStatements(...statements);
    explainPatterns(this.policy, statements);
  }
}
