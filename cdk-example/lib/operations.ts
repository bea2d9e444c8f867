import type { Duration } from 'aws-cdk-lib';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Construct } from 'constructs';
import type { AlbNlbBinding } from './binding';
import type { IAlbNlbBindingProvider } from './provider';
import { include } from './template';

/** Whom alarms tell, and how long they wait. */
export interface AlbNlbBindingAlarmOptions {
  /**
   * The topic that is told when an alarm goes off and when it is over. Its policy, and its key's, must let CloudWatch
   * publish.
   *
   * @default - one is made, with a KMS key of its own
   */
  readonly topic?: ITopic;
  /**
   * The time from one run of the function to the next, by `schedule`, or the next longer one of 1, 2, 3, 5, 10, 15 and
   * 30 minutes, 1, 2, 6, 12 and 24 hours.
   *
   * @default Duration.minutes(1)
   */
  readonly period?: Duration;
}

/** Properties of {@link AlbNlbBindingOperations}. */
export interface AlbNlbBindingOperationsProps extends AlbNlbBindingAlarmOptions {
  /** The function that is watched. */
  readonly provider: IAlbNlbBindingProvider;
}

/** Properties of {@link AlbNlbBindingAlarms}. */
export interface AlbNlbBindingAlarmsProps extends AlbNlbBindingAlarmOptions {
  /** The binding that is watched. */
  readonly binding: AlbNlbBinding;
  /**
   * Addresses below which an alarm goes off. An ALB has at least one in each of its Availability Zones; a name may
   * have one only.
   *
   * @default 2
   */
  readonly minimumAddresses?: number;
  /**
   * Name under which the binding's addresses are counted.
   *
   * @default - that of the binding, which is wrong only for an ALB's DNS name that is known at deployment only
   */
  readonly loadBalancerName?: string;
}

/**
 * Watches the function of bindings: alarms on its errors and throttles, a dashboard, and saved queries of its log.
 * Once for each function. It is cfn/operations.yaml.
 */
export class AlbNlbBindingOperations extends Construct {
  /** The topic that alarms tell, given or made; the same for the alarms of bindings. */
  public readonly topic: ITopic;
  /** Name of the dashboard. */
  public readonly dashboardName: string;

  constructor(scope: Construct, id: string, props: AlbNlbBindingOperationsProps) {
    super(scope, id);
    const template = include(this, 'Template', 'operations', {
      FunctionName: props.provider.functionName,
      ...parametersOf(props),
    });
    this.topic = topicOf(this, props.topic, template);
    this.dashboardName = template.getResource('Dashboard').ref;
  }
}

/**
 * Watches one binding: alarms where it has not run, has too few addresses, or has unhealthy targets in one of its
 * target groups. It is cfn/alarms.yaml.
 */
export class AlbNlbBindingAlarms extends Construct {
  /** The topic that alarms tell, given or made. */
  public readonly topic: ITopic;

  constructor(scope: Construct, id: string, props: AlbNlbBindingAlarmsProps) {
    super(scope, id);
    const { loadBalancerName, nlbArn, targetGroupArns } = props.binding;
    const [first, ...others] = targetGroupArns;
    const parameters = {
      LoadBalancerName: props.loadBalancerName ?? loadBalancerName,
      NlbArn: nlbArn,
      MinimumAddresses: props.minimumAddresses,
      ...parametersOf(props),
    };
    // Without the metric the alarms on it would always be on.
    const only = props.binding._hasMetric
      ? undefined
      : ['TopicKey', 'Topic', 'TopicPolicy', 'UnhealthyTargets'];
    const template = include(this, 'Template', 'alarms', { ...parameters, TargetGroupArn: first }, only);
    const topic = topicOf(this, props.topic, template);
    // As many as there are: the template has a place for five only.
    others.forEach((TargetGroupArn, index) => {
      const group = { ...parameters, TargetGroupArn, TopicArn: topic.topicArn };
      include(this, `Group${index + 2}`, 'alarms', group, ['UnhealthyTargets']);
    });
    this.topic = topic;
  }
}

function parametersOf({ topic, period }: AlbNlbBindingAlarmOptions): Record<string, unknown> {
  return { TopicArn: topic?.topicArn, PeriodSeconds: period?.toSeconds() };
}

function topicOf(scope: Construct, given: ITopic | undefined, template: CfnInclude): ITopic {
  return given ?? Topic.fromTopicArn(scope, 'Topic', template.getResource('Topic').ref);
}
