import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import type { Construct } from 'constructs';

/*
 * Puts a template of the project's folder cfn into a stack. Function, role, alarms and dashboard are written there
 * once, for people with templates and for the CDK alike. Where a parameter's value decides, the choice is made here,
 * so that the stack gets neither parameters nor conditions of ours.
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
 * @param parameters values of the template's parameters; those that are left out, or undefined, have their defaults
 * @param only the logical ids of the resources to make, all by default; what others they refer to is given as a parameter
 */
export function include(
  scope: Construct,
  id: string,
  name: string,
  parameters: Values,
  only?: readonly string[],
): CfnInclude {
  const { Parameters = {}, Conditions = {}, Mappings = {}, Resources } = read(name);
  const values: Values = { ...defaultsOf(Parameters), ...given(parameters) };
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
  // CfnInclude takes files only, and has read this one when it is made.
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

function given(parameters: Values): Values {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** What a condition says of these values. One that is known at deployment only is no value that a condition names. */
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

/** A part of the template in which each choice by a condition is made. */
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
