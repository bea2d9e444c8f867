import { readTemplate as read } from '../scripts/templates';

/*
 * Evaluates those of CloudFormation's intrinsic functions that the templates in cfn and of the CDK use. Any other is an
 * error, never a guess.
 * Source: CloudFormation user guide, "Intrinsic function reference".
 */

export interface Resource {
  Type: string;
  Properties: unknown;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

export interface CfnTemplate {
  Parameters?: Record<string, { Type: string; Default?: unknown }>;
  Conditions?: Record<string, unknown>;
  Resources: Record<string, Resource>;
  Outputs?: Record<string, { Value: unknown }>;
}

/** What each name that a template may refer to stands for. */
export type Values = Record<string, unknown>;

/** The pseudo parameters of every stack. */
export const PSEUDO: Values = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackId':
    'arn:aws:cloudformation:eu-west-1:123456789012:stack/Orders/51af3dc0-da77-11e4-872e-1234567db123',
};

/** A template in cfn. */
export function readTemplate(name: string): CfnTemplate {
  return read(name) as CfnTemplate;
}

/** The defaults of a template's parameters. */
export function defaultsOf({ Parameters = {} }: CfnTemplate): Values {
  const parameters = Object.entries(Parameters);
  return Object.fromEntries(
    parameters.map(([name, { Type, Default }]) => [
      name,
      Type === 'CommaDelimitedList' ? String(Default).split(',') : Default,
    ]),
  );
}

const ABSENT = Symbol('AWS::NoValue');

/** A value with all references and functions in it replaced. */
export function evaluate(value: unknown, values: Values, conditions: Record<string, unknown>): unknown {
  const inside = (part: unknown): unknown => evaluate(part, values, conditions);
  if (Array.isArray(value)) return value.map(inside).filter((item) => item !== ABSENT);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[name, argument] = ['', undefined]] = entries;
  if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
    return call(name, argument, values, conditions);
  }
  return Object.fromEntries(
    entries.map(([key, part]) => [key, inside(part)] as const).filter(([, part]) => part !== ABSENT),
  );
}

function call(name: string, argument: unknown, values: Values, conditions: Record<string, unknown>): unknown {
  const inside = (part: unknown): unknown => evaluate(part, values, conditions);
  if (name === 'Fn::If') {
    const [condition, yes, no] = argument as [string, unknown, unknown];
    return inside(inside(conditions[condition]) === true ? yes : no);
  }
  if (name === 'Fn::Sub') return substitute(argument, inside);
  if (name === 'Ref') return valueOf(argument as string, values);
  // A resource stands for its ARN here.
  if (name === 'Fn::GetAtt') return valueOf((argument as string[])[0] ?? '', values);
  if (name === 'Fn::ImportValue') return valueOf(inside(argument) as string, values);
  const operands = inside(argument) as unknown[];
  switch (name) {
    case 'Fn::Not':
      return operands[0] !== true;
    case 'Fn::Equals':
      return operands[0] === operands[1];
    case 'Fn::Select':
      return (operands[1] as unknown[])[Number(operands[0])];
    case 'Fn::Split':
      return String(operands[1]).split(String(operands[0]));
    case 'Fn::Join':
      return (operands[1] as unknown[]).join(String(operands[0]));
    default:
      throw new Error(`${name} is not known here`);
  }
}

function substitute(argument: unknown, inside: (part: unknown) => unknown): string {
  const [text, own] = (Array.isArray(argument) ? argument : [argument, {}]) as [
    string,
    Record<string, unknown>,
  ];
  return text.replace(/\$\{([^}]+)\}/g, (_, name: string) =>
    String(inside(name in own ? own[name] : referenceTo(name))),
  );
}

function referenceTo(name: string): unknown {
  return name.includes('.') ? { 'Fn::GetAtt': name.split('.') } : { Ref: name };
}

function valueOf(name: string, values: Values): unknown {
  if (name === 'AWS::NoValue') return ABSENT;
  if (!(name in values)) throw new Error(`${name} is not known here`);
  return values[name];
}
