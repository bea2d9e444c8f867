import { Fn, Names, Stack, Token } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { SecurityGroup, type ISecurityGroup, type IVpc, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { INetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Role, type IManagedPolicy, type IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Function, type ICodeSigningConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { AlbNlbBindingCode } from './code';
import { commandOf } from './commands';
import { grantBucket, grantTargetGroup, keyArnOf } from './grants';
import { explainFindings } from './findings';
import { include } from './template';

/** The function behind bindings. */
export interface IAlbNlbBindingProvider extends IConstruct {
  /**
   * ARN of the function, the `ServiceToken` of a binding, without version or alias: the settings of asynchronous
   * invocations are those of the unqualified function, and rules call that one in any case.
   */
  readonly serviceToken: string;
  /** Name of the function. */
  readonly functionName: string;
  /**
   * The function's role. It is allowed to use the buckets and target groups that bindings are given.
   *
   * @default - unknown: nothing can be granted to the function
   */
  readonly role?: IRole;
  /** Shell command that shows how all bindings of the Region do. */
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
   * @default - the processor of the package that you give as `code`, else Architecture.ARM_64
   */
  readonly architecture?: Architecture;
  /**
   * Name of the function.
   *
   * @default - made of the construct's path
   */
  readonly functionName?: string;
  /**
   * How long CloudWatch Logs keeps the log, which is the history of the addresses.
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
  readonly dnsServers?: string[];
  /**
   * The permissions boundary of the function's role.
   *
   * @default - none, or that of `PermissionsBoundary.of(...)`
   */
  readonly permissionsBoundary?: IManagedPolicy;
  /**
   * The path of the function's role, which begins and ends with a slash.
   *
   * @default '/'
   */
  readonly rolePath?: string;
  /**
   * The KMS key that the log group is encrypted with. Its policy must let CloudWatch Logs use it.
   *
   * @default - CloudWatch Logs' own key
   */
  readonly logGroupKey?: IKey;
  /**
   * The VPC that the function runs in. It must reach what docs/enterprise.md lists, and the DNS servers.
   *
   * @default - none, the function is not in a VPC
   */
  readonly vpc?: IVpc;
  /**
   * The subnets that the function runs in.
   *
   * @default - the VPC's private subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * The security groups of the function.
   *
   * @default - with `vpc`, one that allows all traffic out
   */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * Which signatures of its code the function accepts.
   *
   * @default - any code, signed or not
   */
  readonly codeSigningConfig?: ICodeSigningConfig;
  /**
   * How many invocations are reserved for this function, which are also the most at one time. If they are too few, the
   * ticks of some bindings hold up the stack events of others.
   *
   * @default - what the account has left
   */
  readonly reservedConcurrency?: number;
  /**
   * A bucket of your own for the state of all bindings that name none. The function then makes no buckets.
   *
   * @default - each binding makes a bucket of its own
   */
  readonly stateBucket?: IBucket;
  /**
   * Makes one bucket for the state of all bindings that name none. Not together with `stateBucket`.
   *
   * @default false
   */
  readonly makeStateBucket?: boolean;
  /**
   * The KMS key that the bucket of `makeStateBucket` is encrypted with. `stateBucket` itself knows its key.
   *
   * @default - S3's own encryption
   */
  readonly stateBucketKey?: IKey;
}

/** A provider that exists already. The ARN is enough if no binding is given a bucket or a target group. */
export interface AlbNlbBindingProviderAttributes {
  /** ARN of the function: output `FunctionArn` of cfn/provider.yaml, or `serviceToken` of a provider. */
  readonly functionArn: string;
  /**
   * The function's role: `Role.fromRoleName(..., Fn.importValue('alb-nlb-binding-RoleName'))` for that of
   * cfn/provider.yaml.
   *
   * @default - unknown: nothing can be granted to the function here
   */
  readonly role?: IRole;
}

const SINGLETON = 'AlbNlbBindingProvider';

/**
 * The function of `Custom::AlbNlbBinding`, and its role, which the names and tags of bindings limit. Both are those of
 * cfn/provider.yaml, which says why they are as they are. One function serves all bindings of an account and Region.
 */
export class AlbNlbBindingProvider extends Construct implements IAlbNlbBindingProvider {
  /**
   * The provider that all bindings of a stack share. The first call makes it.
   *
   * @param props properties of the provider that is made; if there is one already, they are an error
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
      // arn:aws:lambda:<region>:<account>:function:<name>
      public readonly functionName = Fn.select(6, Fn.split(':', attributes.functionArn));
      public readonly role = attributes.role;
      public readonly statusCommand = commandOf(this, attributes.functionArn, 'Status');
    }
    return new Imported(scope, id);
  }

  public readonly serviceToken: string;
  public readonly functionName: string;
  public readonly role?: IRole;
  public readonly statusCommand: string;
  /** The function, for alarms on its metrics. */
  public readonly function: IFunction;
  private readonly ownRole: IRole;

  constructor(scope: Construct, id: string, props: AlbNlbBindingProviderProps = {}) {
    super(scope, id);
    refuseContradictions(this, props);
    const source = props.code ?? AlbNlbBindingCode.fromPackage();
    const architecture = props.architecture ?? source.architecture ?? Architecture.ARM_64;
    const code = source.forArchitecture(architecture);
    const { s3Location } = code.bind(this);
    if (!s3Location) throw new Error(`${this.node.path}: the code of the function must be in a bucket`);
    const network = this.network(props);
    const { rolePath = '/' } = props;
    const template = include(this, 'Template', 'provider', {
      CodeBucket: s3Location.bucketName,
      CodeKey: s3Location.objectKey,
      CodeObjectVersion: s3Location.objectVersion,
      Architecture: architecture.name,
      FunctionName: props.functionName ?? Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      LogRetentionInDays: props.logRetention ?? RetentionDays.ONE_MONTH,
      LogLevel: props.logLevel,
      DnsServers: props.dnsServers?.join(','),
      PermissionsBoundary: props.permissionsBoundary?.managedPolicyArn,
      RolePath: rolePath,
      LogGroupKey: keyArnOf(props.logGroupKey),
      SubnetIds: network?.subnetIds,
      SecurityGroupIds: network?.securityGroupIds,
      CodeSigningConfig: props.codeSigningConfig?.codeSigningConfigArn,
      ReservedConcurrency: props.reservedConcurrency,
      StateBucket: props.makeStateBucket ? 'Make' : props.stateBucket?.bucketName,
      StateBucketKey: keyArnOf(props.stateBucketKey ?? props.stateBucket?.encryptionKey),
    });
    explainFindings(template);
    if (props.logRetention === RetentionDays.INFINITE) {
      template.getResource('LogGroup').addPropertyDeletionOverride('RetentionInDays');
    }
    const made = template.getResource('Function');
    code.bindToResource(made);
    this.serviceToken = made.getAtt('Arn').toString();
    this.functionName = made.ref;
    this.function = Function.fromFunctionName(this, 'Function', this.functionName);
    if (network) made.addResourceDependency(template.getResource('NetworkInterfacesPolicy'));
    // `Ref` is the role's name without its path, and the ARN needs the path.
    this.ownRole = Role.fromRoleName(this, 'Role', `${rolePath.slice(1)}${template.getResource('Role').ref}`);
    this.role = this.ownRole;
    this.statusCommand = commandOf(this, this.serviceToken, 'Status');
  }

  /** Lets bindings of other stacks and apps keep their state in a bucket. Bindings of this app need no such call. */
  public grantBucket(bucket: IBucket): void {
    grantBucket(this, this.ownRole, bucket);
  }

  /** Lets bindings of other stacks and apps use a target group. Bindings of this app need no such call. */
  public grantTargetGroup(targetGroup: INetworkTargetGroup): void {
    grantTargetGroup(this, this.ownRole, targetGroup);
  }

  /**
   * Runs that failed. A run that answered FAILED to CloudFormation is not one of them.
   *
   * @default sum over 5 minutes
   */
  public metricErrors(options?: MetricOptions): Metric {
    return this.function.metricErrors(options);
  }

  private network({
    vpc,
    vpcSubnets,
    securityGroups,
  }: AlbNlbBindingProviderProps): { subnetIds: string[]; securityGroupIds: string[] } | undefined {
    if (!vpc) return undefined;
    const { subnetIds, internetConnectivityEstablished } = vpc.selectSubnets(vpcSubnets);
    this.node.addDependency(internetConnectivityEstablished);
    const groups = securityGroups ?? [new SecurityGroup(this, 'SecurityGroup', { vpc })];
    return { subnetIds, securityGroupIds: groups.map(({ securityGroupId }) => securityGroupId) };
  }
}

/** Refuses properties that CloudFormation would accept, although nobody can mean them. */
function refuseContradictions(scope: IConstruct, props: AlbNlbBindingProviderProps): void {
  const { vpc, vpcSubnets, securityGroups, stateBucket, stateBucketKey, makeStateBucket = false } = props;
  const wrong = [
    makeStateBucket && stateBucket ? 'makeStateBucket and stateBucket: give one of them' : undefined,
    stateBucketKey && !makeStateBucket && !stateBucket
      ? 'stateBucketKey without a state bucket: give makeStateBucket or stateBucket as well'
      : undefined,
    (vpcSubnets ?? securityGroups) && !vpc
      ? 'vpcSubnets or securityGroups without vpc: give the VPC as well'
      : undefined,
    props.reservedConcurrency === 0
      ? 'reservedConcurrency 0, with which the function never runs: give at least 1'
      : undefined,
    Token.isUnresolved(props.rolePath) ? 'rolePath is known at deployment only: write it out' : undefined,
  ].filter((problem) => problem !== undefined);
  if (wrong.length > 0) throw new Error(`${scope.node.path}: ${wrong.join('; ')}`);
}
