import type { Duration } from 'aws-cdk-lib';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Construct } from 'constructs';
import type { AlbNlbBinding } from './binding';
import type { IAlbNlbBindingProvider } from './provider';
import { include } from './template';

/** Which topic alarms tell, and how often the function runs. */
export interface AlbNlbBindingAlarmOptions {
  /**
   * The topic that alarms tell when they go off and when they are over. The topic's policy, and that of its key, must
   * let CloudWatch publish.
   *
   * @default - one is made, with a KMS key of its own
   */
  readonly topic?: ITopic;
  /**
   * The time from one run of the function to the next, as `schedule` has it. It must be 1, 2, 3, 5, 10, 15 or 30
   * minutes, or 1, 2, 6, 12 or 24 hours: in between, take the next longer one.
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
   * An alarm goes off while there are fewer addresses than this. An ALB has at least one in each of its Availability
   * Zones; a DNS name may have only one.
   *
   * @default 2
   */
  readonly minimumAddresses?: number;
  /**
   * Name under which the metric counts the binding's addresses.
   *
   * @default - the binding's `loadBalancerName`, which is wrong only if an ALB's DNS name is known only at deployment
   */
  readonly loadBalancerName?: string;
}

/**
 * Watches the function of bindings: alarms on its errors and throttles, a dashboard, and saved queries of its log.
 * One serves all bindings of a function. Its resources are those of cfn/operations.yaml.
 */
export class AlbNlbBindingOperations extends Construct {
  /** The topic that alarms tell: your own, or the one that was made. Give it to the alarms of bindings as well. */
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
 * Watches one binding: alarms go off if it has not run, has too few addresses, or has unhealthy targets in one of its
 * target groups. Its resources are those of cfn/alarms.yaml.
 */
export class AlbNlbBindingAlarms extends Construct {
  /** The topic that alarms tell: your own, or the one that was made. */
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
    // If the binding publishes no metric, the alarms on the metric would never be over.
    const only = props.binding._hasMetric
      ? undefined
      : ['TopicKey', 'Topic', 'TopicPolicy', 'UnhealthyTargets'];
    const template = include(this, 'Template', 'alarms', { ...parameters, TargetGroupArn: first }, only);
    const topic = topicOf(this, props.topic, template);
    // The template has a place for five target groups only, and a binding may have more.
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

function topicOf(scope: Construct, topic: ITopic | undefined, template: CfnInclude): ITopic {
  return topic ?? Topic.fromTopicArn(scope, 'Topic', template.getResource('Topic').ref);
}
