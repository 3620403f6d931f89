/** Graph files: YAML or JSON, the same document (spec graph.md 3). */

import { dirname } from 'node:path';
import { yamlDocument } from '../../cli/yaml-document.ts';
import { InputError } from '../../errors.ts';
import type { CodeSpec, GraphSpec, NodeSpec, SourceSpec, SourceType } from '../types.ts';

type Section = Readonly<Record<string, unknown>>;

const NODE_KEYS = new Set(['id', 'op', 'in', 'reset', 'hold', 'of', 'allow_small', 'code']);

/**
 * Reads the text of a graph file.
 * @throws InputError `graph-file` with the place
 */
export function readGraph(text: string, file: string): GraphSpec {
  const { document } = yamlDocument(text, file);
  return graphFrom(document.toJS({ maxAliasCount: 1000 }), file);
}

/** A graph that stands in another document. @throws InputError */
export function graphFrom(document: unknown, file: string): GraphSpec {
  const fail = (message: string): never => {
    throw new InputError(message, { place: { file } });
  };
  const top = section(document) ?? fail('a graph is a mapping with the keys graph, name, sources, nodes');
  if (top.graph !== 1) fail('graph: 1 is missing; it says the version of the format');
  if (typeof top.name !== 'string' || !/^[A-Za-z0-9_-]+$/.test(top.name))
    fail(`name is made of letters, digits, _ and -, not ${JSON.stringify(top.name ?? null)}`);
  const unknown = Object.keys(top).filter(
    (key) => !['graph', 'name', 'sources', 'nodes', 'outputs', 'code_dir'].includes(key),
  );
  if (unknown.length > 0) fail(`a graph has no key ${unknown.join(', ')}`);
  return {
    name: top.name as string,
    sources: list(top.sources ?? [], 'sources', fail).map((item) => sourceFrom(item, fail)),
    nodes: list(top.nodes ?? [], 'nodes', fail).map((item) => nodeFrom(item, fail)),
    outputs: outputsFrom(top.outputs, fail),
    codeDir: typeof top.code_dir === 'string' ? top.code_dir : dirname(file),
  };
}

type Fail = (message: string) => never;

function section(value: unknown): Section | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : undefined;
}

function list(value: unknown, what: string, fail: Fail): readonly unknown[] {
  return Array.isArray(value) ? value : fail(`${what} is a list`);
}

function outputsFrom(value: unknown, fail: Fail): readonly string[] | undefined {
  if (value === undefined) return undefined;
  return list(value, 'outputs', fail).map((name) =>
    typeof name === 'string' ? name : fail(`an output is written id.port, not ${JSON.stringify(name)}`),
  );
}

function sourceFrom(value: unknown, fail: Fail): SourceSpec {
  const source = section(value) ?? fail('a source is a mapping: {name: x, from: "gmd:raw:energy", type: float}');
  if (typeof source.name !== 'string') return fail('a source has no name');
  const { name } = source;
  const from = source.from ?? name;
  if (typeof from !== 'string') return fail(`source ${name}: from is written detector:interface:field`);
  return { name, from, type: typeFrom(source.type, `source ${name}`, fail) };
}

const SCALARS = ['float', 'int', 'bool', 'string', 'list'] as const;

function typeFrom(value: unknown, what: string, fail: Fail): SourceType | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  const scalar = SCALARS.find((name) => name === text);
  if (scalar) return { kind: scalar };
  const match = /^(u?int(?:8|16|32|64)|float(?:32|64))\[((?:\d+|\*)(?:\s*,\s*(?:\d+|\*))*)\]$/.exec(text);
  if (!match) return fail(`${what}: type is ${SCALARS.join(', ')}, or as float64[1000], not "${text}"`);
  const shape = match[2]!.split(',').map((size) => (size.trim() === '*' ? undefined : Number(size)));
  return { kind: 'array', dtype: match[1]!, shape };
}

/** @throws InputError through `fail` */
export function nodeFrom(value: unknown, fail: Fail): NodeSpec {
  const node = section(value) ?? fail('a node is a mapping: {id: avg, op: Average0D, in: {value: x}}');
  const { id, op } = node;
  if (typeof id !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(id))
    return fail(`the id of a node is a name, not ${JSON.stringify(id ?? null)}`);
  if (typeof op !== 'string') return fail(`node ${id}: op is missing`);
  const inputs = section(node.in) ?? fail(`node ${id}: in is a mapping, as {value: x}`);
  for (const [role, from] of Object.entries(inputs))
    if (typeof from !== 'string') fail(`node ${id}: input ${role} is the name of a source or node`);
  return {
    id,
    op,
    in: inputs as Readonly<Record<string, string>>,
    reset: choice(node.reset ?? 'run', ['run', 'never'], `node ${id}: reset`, fail),
    hold: flag(node.hold, `node ${id}: hold`, fail),
    of: choice(node.of ?? 'used', ['used', 'dealt'], `node ${id}: of`, fail),
    allowSmall: flag(node.allow_small, `node ${id}: allow_small`, fail),
    code: codeFrom(node.code, id, fail),
    parameters: Object.fromEntries(Object.entries(node).filter(([key]) => !NODE_KEYS.has(key))),
  };
}

function choice<T extends string>(value: unknown, choices: readonly T[], what: string, fail: Fail): T {
  return (
    choices.find((one) => one === value) ?? fail(`${what} is ${choices.join(' or ')}, not ${JSON.stringify(value)}`)
  );
}

function flag(value: unknown, what: string, fail: Fail): boolean {
  if (value !== undefined && typeof value !== 'boolean') fail(`${what} is true or false`);
  return value === true;
}

function codeFrom(value: unknown, id: string, fail: Fail): CodeSpec | undefined {
  if (value === undefined) return undefined;
  const code = section(value) ?? fail(`node ${id}: code is {file: pulses.mjs, name: PulseCount, sha256: ...}`);
  if (typeof code.file !== 'string' || typeof code.name !== 'string')
    return fail(`node ${id}: code needs file and name`);
  if (code.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(String(code.sha256)))
    fail(`node ${id}: sha256 has 64 hexadecimal digits`);
  return { file: code.file, name: code.name, sha256: code.sha256 as string | undefined };
}
