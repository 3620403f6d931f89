/** User code in `.mjs` modules, in this process (spec graph.md 3.2). */

import { pathToFileURL } from 'node:url';
import { importModule } from '../../cli/import-module.ts';
import type { EventInfo } from '../types.ts';
import type { Value } from '../value.ts';
import { type CodeFile, CodeProblem } from './file.ts';
import type { CodeParameters, MapCode, Reduction, UserCode } from './types.ts';
import { checkPorts, checkState, graphValue, portsOf } from './values.ts';

type Inputs = Readonly<Record<string, Value>>;

/** What a module exports for Accumulator and ReduceByKey. */
interface Exported {
  readonly ports: unknown;
  init(parameters: CodeParameters): unknown;
  add(state: unknown, inputs: Inputs, info: EventInfo): unknown;
  merge(a: unknown, b: unknown): unknown;
  output(state: unknown): unknown;
  transition?(state: unknown, name: string): unknown;
}

type MapFunction = (inputs: Inputs, info: EventInfo, parameters: CodeParameters) => unknown;

const METHODS = ['init', 'add', 'merge', 'output'] as const;

/**
 * @param wanted a function for Map, an object with the methods for operations
 * @throws CodeProblem `bad-code`
 */
export async function loadModule(
  { path, sha256 }: CodeFile,
  name: string,
  wanted: UserCode['kind'],
  parameters: CodeParameters,
): Promise<UserCode> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    // A changed file is another module.
    exports = await importModule(`${pathToFileURL(path).href}?${sha256}`);
  } catch (error) {
    throw new CodeProblem('bad-code', `${path} cannot be loaded: ${(error as Error).message}`, error);
  }
  if (!Object.hasOwn(exports, name))
    throw new CodeProblem(
      'bad-code',
      `${path} exports no ${name}; it exports ${Object.keys(exports).join(', ') || 'nothing'}`,
    );
  const found = exports[name] as Partial<Exported> & { map?: unknown };
  if (wanted === 'map') {
    const map = typeof found === 'function' ? found : found?.map;
    if (typeof map !== 'function') throw new CodeProblem('bad-code', `${name} is no function map(inputs, info)`);
    return { kind: 'map', sha256, bind: (roles) => boundMap(map as MapFunction, roles, parameters) };
  }
  const missing = METHODS.filter((method) => typeof found?.[method] !== 'function');
  if (missing.length > 0) throw new CodeProblem('bad-code', `${name} has no method ${missing.join(', ')}`);
  try {
    const ports = checkPorts(found.ports);
    return {
      kind: 'reduction',
      sha256,
      ports,
      bind: (roles) => boundReduction(found as Exported, ports, roles, parameters),
    };
  } catch (error) {
    throw new CodeProblem('bad-code', `${name}: ${(error as Error).message}`, error);
  }
}

function byRole(roles: readonly string[], inputs: readonly Value[]): Inputs {
  const named: Record<string, Value> = {};
  for (let i = 0; i < roles.length; i++) named[roles[i]!] = inputs[i]!;
  return named;
}

function boundMap(map: MapFunction, roles: readonly string[], parameters: CodeParameters): MapCode {
  return { map: (inputs, info) => graphValue(map(byRole(roles, inputs), { ...info }, parameters)) };
}

function boundReduction(
  code: Exported,
  ports: readonly string[],
  roles: readonly string[],
  parameters: CodeParameters,
): Reduction {
  let checked = false;
  const something = (state: unknown, method: string) => {
    if (state === undefined || state === null) throw new Error(`${method} returned nothing; it returns the new state`);
    return state;
  };
  const reduction: Reduction = {
    init: () => something(code.init(parameters), 'init'),
    add(state, inputs, info) {
      const next = something(code.add(state, byRole(roles, inputs), { ...info }), 'add');
      // Once is enough to tell a person; the wire refuses the rest.
      if (!checked) checkState(next);
      checked = true;
      return next;
    },
    merge: (a, b) => something(code.merge(a, b), 'merge'),
    output: (state) => portsOf(code.output(state), ports),
  };
  if (!code.transition) return reduction;
  return { ...reduction, transition: (state, name) => something(code.transition!(state, name), 'transition') };
}
