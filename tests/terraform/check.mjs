// Checks cfn/terraform as far as that goes without Terraform and without AWS: it is formatted as `terraform fmt` does,
// by the same library, it parses, and its stacks fit the templates that they are made of. Terraform itself would look
// only at its own files.

import { format } from '@cdktf/hcl-tools';
import { parse } from '@cdktf/hcl2json';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../cfn/terraform');
// CloudFormation API, CreateStack: TemplateBody.
const LIMIT = 51_200;

const names = readdirSync(folder).filter((name) => name.endsWith('.tf'));
const texts = names.map((name) => readFileSync(join(folder, name), 'utf8'));
const resources = {};
const variables = new Set();
for (const [index, text] of texts.entries()) {
  assert.equal(text, await format(text), `${names[index]} is not formatted`);
  const parsed = await parse(names[index], text);
  for (const [type, named] of Object.entries(parsed.resource ?? {})) {
    for (const [name, [resource]] of Object.entries(named)) resources[`${type}.${name}`] = resource;
  }
  for (const name of Object.keys(parsed.variable ?? {})) variables.add(name);
}

const all = texts.join('\n');
const used = new Set([...all.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
assert.deepEqual([...used].sort(), [...variables].sort(), 'variables used, and declared');
for (const [reference] of all.matchAll(/\baws_\w+\.\w+/g)) assert(resources[reference], `there is no ${reference}`);

const templates = {};
for (const [name, stack] of Object.entries(resources)) {
  if (!name.startsWith('aws_cloudformation_stack.')) continue;
  const [, file] = /^\$\{file\("\$\{path\.module\}\/(.+)"\)\}$/.exec(stack.template_body);
  const text = readFileSync(join(folder, file));
  assert(text.length <= LIMIT, `${file} has ${text.length} bytes: give it by template_url`);
  // CloudFormation's tags, as !Ref, do not matter here.
  const template = parseDocument(text.toString(), { logLevel: 'silent' }).toJS();
  templates[name] = template;
  const given = Object.keys(stack.parameters);
  for (const parameter of given) assert(template.Parameters[parameter], `${file} has no parameter ${parameter}`);
  for (const [parameter, { Default }] of Object.entries(template.Parameters)) {
    assert(Default !== undefined || given.includes(parameter), `${name} gives no ${parameter}`);
  }
  const makesRoles = Object.values(template.Resources).some(({ Type }) => Type.startsWith('AWS::IAM::'));
  assert.deepEqual(stack.capabilities ?? [], makesRoles ? ['CAPABILITY_IAM'] : [], `capabilities of ${name}`);
}
assert(Object.keys(templates).length > 0, 'there are stacks');

// `stack in …` of a `for`, or the resource itself.
const outputs = [
  ...all.matchAll(/(aws_cloudformation_stack\.\w+)(?:\[[^\]]*\])?\.outputs\.(\w+)/g),
  ...all.matchAll(/\bstack in (aws_cloudformation_stack\.\w+) .*\bstack\.outputs\.(\w+)/g),
];
for (const [, stack, output] of outputs) assert(templates[stack].Outputs[output], `${stack} has no output ${output}`);
assert.equal(outputs.length, all.split('.outputs.').length - 1, 'outputs that were looked at');
