import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AlbNlbBindingAlarms, AlbNlbBindingOperations, AlbNlbBindingProvider } from '../lib';
import { GROUP_ARN, NLB_ARN, bind, bindingOf, newStack } from './support';

const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:bindings';

/** The alarms of a stack, by default on any metric. */
function alarms(stack: Stack, metric?: string): Record<string, unknown>[] {
  return Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'))
    .map(({ Properties }) => Properties as Record<string, unknown>)
    .filter(({ MetricName }) => metric === undefined || MetricName === metric);
}

describe('the function', () => {
  test('has alarms, a dashboard and saved queries', () => {
    const stack = newStack();
    const provider = AlbNlbBindingProvider.of(stack);
    const topic = new Topic(stack, 'Given');
    const operations = new AlbNlbBindingOperations(stack, 'Operations', { provider, topic });
    for (const metric of ['Errors', 'Throttles']) {
      expect(alarms(stack, metric)).toMatchObject([
        {
          Namespace: 'AWS/Lambda',
          Dimensions: [{ Name: 'FunctionName', Value: stack.resolve(provider.functionName) as unknown }],
          AlarmActions: [stack.resolve(topic.topicArn)],
        },
      ]);
    }
    expect(operations.topic).toBe(topic);
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    template.resourceCountIs('AWS::Logs::QueryDefinition', 3);
    template.resourceCountIs('AWS::SNS::Topic', 1);
  });

  test('is watched as well where it is known by its ARN only, and a topic is made', () => {
    const stack = newStack();
    const provider = AlbNlbBindingProvider.fromFunctionArn(stack, 'Provider', FUNCTION_ARN);
    const { topic } = new AlbNlbBindingOperations(stack, 'Operations', { provider });
    expect(alarms(stack, 'Errors')).toMatchObject([
      {
        Dimensions: [{ Name: 'FunctionName', Value: 'bindings' }],
        AlarmActions: [stack.resolve(topic.topicArn)],
      },
    ]);
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Principal: '*' })]),
      },
    });
  });
});

describe('a binding', () => {
  test('has an alarm on each of its target groups, and two on its addresses', () => {
    const stack = newStack();
    const topic = new Topic(stack, 'Given');
    const listeners = [80, 81, 82, 83, 84, 85].map((port) => ({ port }));
    const binding = bind(stack, { listeners });
    new AlbNlbBindingAlarms(stack, 'Alarms', {
      binding,
      topic,
      minimumAddresses: 3,
      period: Duration.minutes(5),
    });
    const { id } = bindingOf(stack);
    const addresses = alarms(stack, 'LoadBalancerIPCount');
    const groups = alarms(stack, 'UnHealthyHostCount');
    expect(addresses).toHaveLength(2);
    for (const alarm of addresses) {
      expect(alarm.Dimensions).toEqual([{ Name: 'LoadBalancerName', Value: 'orders' }]);
    }
    expect(addresses.map(({ Threshold }) => Threshold)).toContain(3);
    expect(groups.map(({ Dimensions }) => JSON.stringify(Dimensions))).toEqual(
      listeners.map((_, index) => {
        const list = { 'Fn::Split': [',', { 'Fn::GetAtt': [id, 'TargetGroupArns'] }] };
        const arn = { 'Fn::Select': [index, list] };
        return JSON.stringify([
          {
            Name: 'LoadBalancer',
            Value: NLB_ARN.split(':loadbalancer/')[1],
          },
          { Name: 'TargetGroup', Value: { 'Fn::Select': [5, { 'Fn::Split': [':', arn] }] } },
        ]);
      }),
    );
    for (const alarm of [...addresses, ...groups]) {
      expect(alarm).toMatchObject({ Period: 300, AlarmActions: [stack.resolve(topic.topicArn)] });
    }
  });

  test('tells the topic that is made, of every target group', () => {
    const stack = newStack();
    const binding = bind(stack, { listeners: [{ port: 80 }, { port: 81, targetGroup: GROUP_ARN }] });
    const { topic } = new AlbNlbBindingAlarms(stack, 'Alarms', { binding });
    const all = alarms(stack);
    expect(all).toHaveLength(4);
    for (const { AlarmActions, OKActions } of all) {
      expect([AlarmActions, OKActions]).toEqual(Array(2).fill([stack.resolve(topic.topicArn)]));
    }
    Template.fromStack(stack).resourceCountIs('AWS::SNS::Topic', 1);
  });

  test('of a DNS name that is known at deployment only is watched under that name', () => {
    const stack = newStack();
    const targetDnsName = new CfnParameter(stack, 'Name').valueAsString;
    const binding = bind(stack, { alb: undefined, targetDnsName });
    new AlbNlbBindingAlarms(stack, 'Alarms', { binding, minimumAddresses: 1 });
    for (const alarm of alarms(stack, 'LoadBalancerIPCount')) {
      expect(alarm.Dimensions).toEqual([{ Name: 'LoadBalancerName', Value: { Ref: 'Name' } }]);
    }
  });

  test('without the metric has alarms on its target groups only', () => {
    const stack = newStack();
    new AlbNlbBindingAlarms(stack, 'Alarms', { binding: bind(stack, { ipCountMetric: false }) });
    expect(alarms(stack).map(({ MetricName }) => MetricName)).toEqual(['UnHealthyHostCount']);
  });

  test('is watched under another name where that is given', () => {
    const stack = newStack();
    new AlbNlbBindingAlarms(stack, 'Alarms', { binding: bind(stack), loadBalancerName: 'payments' });
    for (const alarm of alarms(stack, 'LoadBalancerIPCount')) {
      expect(alarm.Dimensions).toEqual([{ Name: 'LoadBalancerName', Value: 'payments' }]);
    }
  });
});
