import { Lazy, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/*
 * First aid: a person asks the function a question by the AWS CLI. The function answers in JSON and changes nothing.
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
    // By default the CLI takes the payload for base64, and waits only one minute for the answer.
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
 * Replaces each single quote by JSON's escape for it. The values that CloudFormation fills in later need no change:
 * they are ARNs, ids and names, which have no quotes.
 */
function withoutQuotes(text: unknown): unknown {
  if (typeof text === 'string') return text.replaceAll("'", '\\u0027');
  const { 'Fn::Join': join } = text as { 'Fn::Join': [string, unknown[]] };
  const [separator, parts] = join;
  return {
    'Fn::Join': [separator, parts.map((part) => (typeof part === 'string' ? withoutQuotes(part) : part))],
  };
}
