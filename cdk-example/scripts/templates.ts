import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument, type CollectionTag, type ScalarTag } from 'yaml';

const FUNCTIONS = [
  'Ref',
  'Sub',
  'GetAtt',
  'If',
  'Not',
  'Equals',
  'Select',
  'Split',
  'Join',
  'And',
  'Or',
  'FindInMap',
  'Condition',
];

/** Turns CloudFormation's short forms in YAML into the long forms of JSON. */
const TAGS = FUNCTIONS.flatMap((name): (ScalarTag | CollectionTag)[] => {
  const tag = `!${name}`;
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const wrap = (value: unknown): unknown => ({ [key]: name === 'GetAtt' ? String(value).split('.') : value });
  return [
    { tag, resolve: wrap },
    {
      tag,
      collection: 'seq',
      resolve: (seq) => ({ [key]: (seq as { toJSON(): unknown }).toJSON() }),
    },
  ];
});

/** A template of the project's folder cfn, as it would be in JSON. */
export function readTemplate(name: string): unknown {
  const text = readFileSync(join(__dirname, '../../cfn', name), 'utf8');
  const document = parseDocument(text, { customTags: TAGS });
  if (document.errors[0]) throw document.errors[0];
  return document.toJS();
}
