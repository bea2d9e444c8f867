import type { Node } from 'constructs';
import { join } from 'node:path';
import { AlbNlbBindingCode } from '../lib';

/**
 * The function's code that the command line asks for: `-c source=true` builds it, `-c package=<zip>` names a package,
 * and without either it is the library's own package.
 */
export function codeFrom(node: Node): AlbNlbBindingCode {
  const zip: unknown = node.tryGetContext('package');
  const source: unknown = node.tryGetContext('source');
  if (source === true || source === 'true') return AlbNlbBindingCode.fromSource(join(__dirname, '../..'));
  return AlbNlbBindingCode.fromPackage(typeof zip === 'string' ? zip : undefined);
}
