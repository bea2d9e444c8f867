import type { Node } from 'constructs';
import { AlbNlbBindingCode } from '../lib';

/**
 * The function's code as the command line says: `-c source=true` builds it, `-c package=<zip>` names a package, and
 * without either it is what `make package` has built.
 */
export function codeFrom(node: Node): AlbNlbBindingCode {
  const zip: unknown = node.tryGetContext('package');
  const source: unknown = node.tryGetContext('source');
  if (source === true || source === 'true') return AlbNlbBindingCode.fromSource();
  return AlbNlbBindingCode.fromPackage(typeof zip === 'string' ? zip : undefined);
}
