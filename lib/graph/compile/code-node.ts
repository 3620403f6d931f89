/** Nodes that run user code (spec graph.md 3.2). */

import type { LoadedCode, UserCode } from '../code/types.ts';
import { userAccumulator, userReduceByKey } from '../ops/user-reduction.ts';
import type { Kernel, NodeSpec } from '../types.ts';
import type { Problems } from './wiring.ts';

const KINDS: Readonly<Record<string, UserCode['kind']>> = {
  Accumulator: 'reduction',
  ReduceByKey: 'reduction',
  Map: 'map',
};

/** The code of a node; what is wrong goes to `problems`. */
export function codeOf(spec: NodeSpec, loaded: LoadedCode | undefined, problems: Problems): UserCode | undefined {
  const { id, op } = spec;
  const bad = (message: string) => {
    problems.add('bad-code', id, message);
    return undefined;
  };
  const wanted = Object.hasOwn(KINDS, op) ? KINDS[op] : undefined;
  if (!wanted) return bad(`${op} takes no code; ${Object.keys(KINDS).join(', ')} do`);
  const found = loaded?.get(id);
  if (!found) return bad('its code has not been loaded');
  if ('error' in found) {
    problems.add(found.error, found.node, found.message);
    return undefined;
  }
  return found.kind === wanted ? found : bad(`${op} needs a ${wanted}, and ${spec.code?.name} is none`);
}

/** The kernel of an Accumulator or ReduceByKey. */
export function codeKernel(
  op: string,
  code: UserCode & { kind: 'reduction' },
  roles: readonly string[],
): Kernel<unknown> {
  const reduction = code.bind(roles);
  const make: (...of: Parameters<typeof userAccumulator>) => unknown =
    op === 'ReduceByKey' ? userReduceByKey : userAccumulator;
  return make(reduction, code.ports) as Kernel<unknown>;
}
