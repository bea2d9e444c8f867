import type { Node } from 'constructs';
import { join } from 'node:path';
import { AlbNlbBindingCode } from '../lib';

/**
 * The function's code as the command line says: `-c source=true` builds it, `-c package=<zip>` names a package, and
 * without either it is the library's own.
 */
export function codeFrom(node: Node): AlbNlbBindingCode {
  const zip: unknown = node.tryGetContext('package');
  const source: unknown = node.tryGetContext('source');
  if (source === true || source === 'true') return AlbNlbBindingCode.fromSource(join(__dirname, '../..'));
  return AlbNlbBindingCode.fromPackage(typeof zip === 'string' ? zip : undefined);
}
