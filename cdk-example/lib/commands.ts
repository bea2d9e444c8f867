import { Lazy, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/*
 * First aid: what a person asks the function by the AWS CLI. The answer is JSON, and nothing is changed.
 */

/** A shell command that asks the function of a stack's Region and shows its answer. */
export function commandOf(
  scope: IConstruct,
  functionArn: string,
  action: 'Status' | 'Check' | 'Plan',
  about: Readonly<Record<string, unknown>> = {},
): string {
  const file = `${action.toLowerCase()}.json`;
  return [
    `aws lambda invoke --region ${Stack.of(scope).region} --function-name ${functionArn}`,
    // Without the format the CLI would take the payload for base64, and it waits for a minute only.
    '--cli-binary-format raw-in-base64-out --cli-read-timeout 320',
    `--payload ${quoted(Stack.of(scope).toJsonString({ Action: action, ...about }))}`,
    `${file} > /dev/null && jq . ${file}`,
  ].join(' ');
}

/** A JSON text in the shell's single quotes. */
function quoted(json: string): string {
  return `'${Lazy.uncachedString({ produce: (context) => withoutQuotes(context.resolve(json)) as string })}'`;
}

/**
 * Writes each single quote as JSON's own escape for it. Only in what is known now: what CloudFormation fills in are
 * ARNs, ids and names, which have none.
 */
function withoutQuotes(text: unknown): unknown {
  if (typeof text === 'string') return text.replaceAll("'", '\\u0027');
  const { 'Fn::Join': join } = text as { 'Fn::Join': [string, unknown[]] };
  const [separator, parts] = join;
  return {
    'Fn::Join': [separator, parts.map((part) => (typeof part === 'string' ? withoutQuotes(part) : part))],
  };
}
