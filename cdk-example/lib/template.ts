import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import type { Construct } from 'constructs';

/*
 * Puts a template of the project's folder cfn into a stack. Function, role, alarms and dashboard are written there
 * once, for users of templates and of the CDK alike. The conditions of the template are decided here, by the values of
 * its parameters, so that the stack gets neither parameters nor conditions of ours.
 */

interface Template {
  readonly Parameters?: Record<string, { readonly Type: string; readonly Default?: unknown }>;
  readonly Conditions?: Values;
  readonly Mappings?: Values;
  readonly Resources: Record<string, { readonly Condition?: string }>;
}

type Values = Record<string, unknown>;

const ABSENT = Symbol('AWS::NoValue');

/**
 * Makes the resources of a template in `scope`.
 *
 * @param parameters values of the template's parameters; one that is left out, or undefined, has its default
 * @param only logical ids of the resources to make, by default all; parameters must stand for others that they name
 */
export function include(
  scope: Construct,
  id: string,
  name: string,
  parameters: Values,
  only?: readonly string[],
): CfnInclude {
  const { Parameters = {}, Conditions = {}, Mappings = {}, Resources } = read(name);
  const values: Values = { ...defaultsOf(Parameters), ...withoutUndefined(parameters) };
  const conditions = Object.fromEntries(
    Object.entries(Conditions).map(([condition, expression]) => [
      condition,
      evaluate(expression, values, Conditions) === true,
    ]),
  );
  const chosen = Object.entries(Resources)
    .filter(([resource]) => only?.includes(resource) ?? true)
    .filter(([, { Condition }]) => Condition === undefined || conditions[Condition])
    .map(([resource, { Condition, ...rest }]) => [resource, decided(rest, conditions)]);
  const template = {
    Parameters: Object.fromEntries(
      Object.keys(values).map((parameter) => [parameter, Parameters[parameter] ?? { Type: 'String' }]),
    ),
    Mappings,
    Resources: Object.fromEntries(chosen) as Values,
  };
  // CfnInclude takes only files, and reads this one in its constructor.
  const directory = mkdtempSync(join(tmpdir(), 'alb-nlb-binding-'));
  try {
    const templateFile = join(directory, `${name}.json`);
    writeFileSync(templateFile, JSON.stringify(template));
    return new CfnInclude(scope, id, { templateFile, parameters: values, preserveLogicalIds: false });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function read(name: string): Template {
  return JSON.parse(readFileSync(join(__dirname, '../assets', `${name}.json`), 'utf8')) as Template;
}

function defaultsOf(parameters: NonNullable<Template['Parameters']>): Values {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { Type, Default }]) => [
      name,
      Type === 'CommaDelimitedList' ? String(Default).split(',') : Default,
    ]),
  );
}

function withoutUndefined(parameters: Values): Values {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** The value of a condition. A value that is known only at deployment equals none that a condition names. */
function evaluate(expression: unknown, values: Values, conditions: Values): unknown {
  if (typeof expression !== 'object' || expression === null) return expression;
  const inside = (part: unknown): unknown => evaluate(part, values, conditions);
  const [[name, argument] = ['', undefined]] = Object.entries(expression);
  const parts = argument as unknown[];
  switch (name) {
    case 'Ref':
      return values[argument as string];
    case 'Condition':
      return inside(conditions[argument as string]);
    case 'Fn::Equals':
      return inside(parts[0]) === inside(parts[1]);
    case 'Fn::Not':
      return inside(parts[0]) !== true;
    case 'Fn::And':
      return parts.every((part) => inside(part) === true);
    case 'Fn::Or':
      return parts.some((part) => inside(part) === true);
    case 'Fn::Select':
      return (inside(parts[1]) as unknown[])[Number(parts[0])];
    default:
      throw new Error(`${name} in a condition is not known here`);
  }
}

/** A part of the template, with each `Fn::If` replaced by the side that its condition chooses. */
function decided(part: unknown, conditions: Record<string, boolean>): unknown {
  if (Array.isArray(part)) {
    return part.map((item) => decided(item, conditions)).filter((item) => item !== ABSENT);
  }
  if (typeof part !== 'object' || part === null) return part;
  const entries = Object.entries(part as Values);
  const [[name, argument] = ['', undefined]] = entries;
  if (name === 'Ref' && argument === 'AWS::NoValue') return ABSENT;
  if (name === 'Fn::If') {
    const [condition, yes, no] = argument as [string, unknown, unknown];
    return decided(conditions[condition] ? yes : no, conditions);
  }
  return Object.fromEntries(
    entries
      .map(([key, value]) => [key, decided(value, conditions)] as const)
      .filter(([, value]) => value !== ABSENT),
  );
}
