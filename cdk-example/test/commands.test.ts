import { CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { execFileSync } from 'node:child_process';
import { AlbNlbBindingProvider, AlbNlbHealthCheckProtocol, type AlbNlbBinding } from '../lib';
import { FixedAddressesStack } from '../stacks/fixed-addresses';
import { PSEUDO, defaultsOf, evaluate, readTemplate, type CfnTemplate, type Values } from './template';
import {
  ALB_ARN,
  NLB_ARN,
  appOf,
  bind,
  dummyCode,
  loadBalancers,
  newApp,
  newStack,
  temporaryDirectory,
} from './support';

const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:alb-nlb-binding';
const ID = 'alb-nlb-binding-0123456789abcdef';
/** The value of `Ref` or of the ARN of a resource, by a part of its logical id. */
const DEPLOYED: readonly (readonly [RegExp, string])[] = [
  [/Function/, FUNCTION_ARN],
  [/^Binding/, ID],
  [/^Alb/, ALB_ARN],
  [/^Nlb/, NLB_ARN],
];

/** How a command calls the AWS CLI, and the event that it sends to the function. */
interface Call {
  options: string[];
  file: string | undefined;
  event: unknown;
}

/**
 * Runs a command in a shell, with a stand-in for the AWS CLI that answers with its own arguments. So the payload is
 * what arrives there after the shell has read all quotes.
 */
function run(command: string): Call {
  const aws =
    'aws() { for file; do :; done; printf "%s\\n" "$@" > "$file"; echo "the status code of the call"; }';
  const jq = 'jq() { [ "$1" = . ] && cat "$2"; }';
  const output = execFileSync('sh', ['-c', `${aws}; ${jq}; ${command}`], {
    cwd: temporaryDirectory(),
    encoding: 'utf8',
  });
  const options = output.trimEnd().split('\n');
  const file = options.pop();
  const event: unknown = JSON.parse(options.pop() ?? '');
  return { options, file, event };
}

/** The outputs of a template after its deployment. */
function outputsOf(template: CfnTemplate, imports: Values = {}): Record<string, string> {
  const resources = Object.keys(template.Resources).map((id) => [
    id,
    DEPLOYED.find(([pattern]) => pattern.test(id))?.[1],
  ]);
  const values = {
    ...PSEUDO,
    ...defaultsOf(template),
    ...Object.fromEntries(resources),
    ...imports,
  } as Values;
  return Object.fromEntries(
    Object.entries(template.Outputs ?? {}).map(([name, { Value }]) => [
      name,
      evaluate(Value, values, template.Conditions ?? {}) as string,
    ]),
  );
}

/** Puts a binding's commands into outputs of its stack, and runs them. */
function callsOf(
  make: (stack: Stack) => AlbNlbBinding,
  props?: StackProps,
  imports?: Values,
): Record<'Status' | 'Check' | 'Plan' | 'All', Call> {
  const stack = newStack(props);
  const { statusCommand, checkCommand, planCommand, provider } = make(stack);
  new CfnOutput(stack, 'Status', { value: statusCommand });
  new CfnOutput(stack, 'Check', { value: checkCommand });
  new CfnOutput(stack, 'Plan', { value: planCommand });
  new CfnOutput(stack, 'All', { value: provider.statusCommand });
  const { Status, Check, Plan, All } = outputsOf(Template.fromStack(stack).toJSON() as CfnTemplate, imports);
  const called = (command = ''): Call => run(command);
  return { Status: called(Status), Check: called(Check), Plan: called(Plan), All: called(All) };
}

function optionsOf(region = 'eu-west-1'): string[] {
  return [
    ...['lambda', 'invoke', '--region', region, '--function-name', FUNCTION_ARN],
    ...['--cli-binary-format', 'raw-in-base64-out', '--cli-read-timeout', '320', '--payload'],
  ];
}

test('a command calls the function in its Region, and shows what it answers', () => {
  const { Status, Check, Plan, All } = callsOf((stack) => bind(stack));
  for (const { options } of [Status, Check, Plan, All]) expect(options).toEqual(optionsOf());
  expect([Status.file, Check.file, Plan.file]).toEqual(['status.json', 'check.json', 'plan.json']);
  const elsewhere = callsOf((stack) => bind(stack), { env: { region: 'eu-central-1' } });
  expect(elsewhere.Status.options).toEqual(optionsOf('eu-central-1'));
});

test('the status is that of this binding, and by the provider that of all', () => {
  const { Status, All } = callsOf((stack) => bind(stack));
  expect(Status.event).toEqual({ Action: 'Status', PhysicalResourceId: ID });
  expect(All.event).toEqual({ Action: 'Status' });
});

test('a check and a plan are about the resource that is deployed, with its properties', () => {
  const { Check, Plan } = callsOf(
    (stack) => {
      const { alb, nlb } = loadBalancers(stack, 80);
      const port = new CfnParameter(stack, 'Port', { type: 'Number' }).valueAsNumber;
      return bind(stack, { alb, nlb, listeners: [{ port, albPort: 80 }], ipCountMetric: false });
    },
    {},
    { Port: 8080 },
  );
  const request = {
    ResourceProperties: {
      AlbArn: ALB_ARN,
      NlbArn: NLB_ARN,
      Listeners: [{ Port: 8080, AlbPort: 80 }],
      IpCountMetric: false,
    },
    StackId: PSEUDO['AWS::StackId'],
    LogicalResourceId: expect.stringMatching(/^Binding[0-9A-F]{8}$/) as unknown,
  };
  expect(Check.event).toEqual({ Action: 'Check', ...request });
  expect(Plan.event).toEqual({ Action: 'Plan', ...request });
});

test('a quote in a property does not end the command', () => {
  for (const path of ["/it's", "/'; exit 1; '", '/"$HOME"\\n`id`']) {
    const { Check } = callsOf((stack) =>
      bind(stack, {
        listeners: [{ port: 80, healthCheck: { protocol: AlbNlbHealthCheckProtocol.HTTP, path } }],
      }),
    );
    expect(Check.event).toMatchObject({
      ResourceProperties: { Listeners: [{ HealthCheck: { Path: path } }] },
    });
  }
});

test("in another stack's output they are about the binding's own stack, and make no cycle", () => {
  const stack = newStack();
  const { alb, nlb } = loadBalancers(stack, 80);
  const binding = bind(stack, { alb, nlb });
  const other = new Stack(appOf(stack), 'Other');
  new CfnTopic(other, 'Any');
  new CfnOutput(other, 'Check', { value: binding.checkCommand });
  appOf(stack).synth();
  const { Outputs } = Template.fromStack(other).toJSON() as CfnTemplate;
  expect(JSON.stringify(Outputs?.Check)).toContain('RefAWSStackId');
  expect(JSON.stringify(Outputs?.Check)).not.toContain('{"Ref":"AWS::StackId"}');
});

test('a provider that is known by its ARN has the command too', () => {
  const provider = AlbNlbBindingProvider.fromFunctionArn(newStack(), 'Provider', FUNCTION_ARN);
  expect(provider.statusCommand).toContain(`--function-name ${FUNCTION_ARN} `);
});

test('the example tells how to see the status of its binding', () => {
  const stack = new FixedAddressesStack(newApp(), 'Example', { code: dummyCode() });
  const { StatusCommand = '' } = outputsOf(Template.fromStack(stack).toJSON() as CfnTemplate);
  expect(run(StatusCommand).event).toEqual({ Action: 'Status', PhysicalResourceId: ID });
});

describe('the templates', () => {
  const imported = { 'alb-nlb-binding-FunctionArn': FUNCTION_ARN };

  test('of one binding have the command of the construct', () => {
    const { Status } = callsOf((stack) => bind(stack));
    for (const name of ['binding.yaml', 'target.yaml']) {
      const { StatusCommand = '' } = outputsOf(readTemplate(name), imported);
      expect(run(StatusCommand)).toEqual(Status);
    }
  });

  test('of the provider has a command for each action, with places for the ARNs', () => {
    const { Check, Plan, All } = callsOf((stack) => bind(stack));
    const outputs = outputsOf(readTemplate('provider.yaml'));
    const { StatusCommand = '', CheckCommand = '', PlanCommand = '' } = outputs;
    const ResourceProperties = { AlbArn: '<ALB ARN>', NlbArn: '<NLB ARN>', Listeners: [{ Port: 443 }] };
    expect(run(StatusCommand)).toEqual(All);
    expect(run(CheckCommand)).toEqual({ ...Check, event: { Action: 'Check', ResourceProperties } });
    expect(run(PlanCommand)).toEqual({ ...Plan, event: { Action: 'Plan', ResourceProperties } });
  });
});
