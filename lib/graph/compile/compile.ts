/** From a graph as written to programs that run, or to every problem it has (spec graph.md 2.10). */

import type { LoadedCode } from '../code/types.ts';
import { compileExpression, type Expression, ExpressionError } from '../expression/compile.ts';
import { OPERATIONS, type Operation } from '../ops/operations.ts';
import { splitOf } from '../run/ami-station.ts';
import type { EventInfo, GraphSpec, NodeSpec, Problem, Row } from '../types.ts';
import type { Value } from '../value.ts';
import { codeKernel, codeOf } from './code-node.ts';
import type { Cluster, CompiledGraph, CompiledNode } from './compiled.ts';
import { checkInput } from './input-types.ts';
import { windowBytes } from './memory.ts';
import { ParameterError, Parameters } from './parameters.ts';
import { type Arrow, type NodePlace, PER_EVENT, Problems, splitName, type Wiring, wire } from './wiring.ts';

export interface CompileOptions extends Cluster {
  readonly amiCompat: boolean;
  /** Most bytes a window may hold. */
  readonly windowLimit: number;
  /** User code of the nodes that name some. */
  readonly code?: LoadedCode;
}

export type Compiled = { readonly graph: CompiledGraph } | { readonly problems: readonly Problem[] };

/** Compiles a graph for a cluster. Pure: user code comes loaded. */
export function compile(spec: GraphSpec, options: CompileOptions): Compiled {
  const problems = new Problems();
  const { workers, collectors } = options;
  if (workers < 1 || collectors < 1 || workers % collectors !== 0)
    problems.add('bad-cluster', null, `${workers} workers do not divide over ${collectors} local collectors`);
  const wiring = wire(spec, problems);
  if (!wiring) return { problems: problems.list };
  const nodes = wiring.order.flatMap((node) => compileNode(node, wiring, options, problems) ?? []);
  if (problems.any) return { problems: problems.list };
  checkPorts(nodes, problems);
  for (const node of nodes) {
    checkInputs(node, problems);
    const bytes = windowBytes(node, nodes);
    if (bytes > options.windowLimit)
      problems.add(
        'window-memory',
        node.spec.id,
        `its window may take ${bytes} bytes, more than ${options.windowLimit}; cut by dealt events (of: dealt), or raise the limit`,
      );
  }
  const outputs = outputsOf(spec, nodes, problems);
  if (problems.any) return { problems: problems.list };
  const warnings = unread(nodes, outputs).map((id) => `the output of node ${id} goes nowhere`);
  const { amiCompat } = options;
  return {
    graph: { spec, cluster: { workers, collectors }, amiCompat, sources: spec.sources, nodes, outputs, warnings },
  };
}

function compileNode(
  spec: NodeSpec,
  wiring: Wiring,
  options: CompileOptions,
  problems: Problems,
): CompiledNode | undefined {
  const place = wiring.places.get(spec.id) as NodePlace;
  const code = spec.code && codeOf(spec, options.code, problems);
  if (spec.code && !code) return undefined;
  const { op, in: inputs, of, reset, hold } = spec;
  const named = code && [spec.code?.file, spec.code?.name, code.sha256];
  const fingerprint = JSON.stringify([op, inputs, spec.parameters, of, named, reset, hold]);
  const rest = { spec, place, fingerprint };
  const arrows = wiring.arrows.get(spec.id) as readonly Arrow[];
  if (code?.kind === 'map') {
    const bound = code.bind(arrows.map(({ role }) => role));
    const many = bound.many && ((rows: readonly Row[]) => bound.many!(rows));
    const expression = (values: readonly Value[], info: EventInfo) => bound.map(values, info);
    return { ...rest, arrows, ports: ['out'], kind: 'map', expression, many };
  }
  const parameters = new Parameters(spec.parameters);
  try {
    if (PER_EVENT.has(spec.op)) {
      const { expression, ordered } = perEvent(spec, arrows, parameters);
      parameters.end();
      return { ...rest, arrows: ordered, ports: ['out'], kind: spec.op === 'Map' ? 'map' : 'filter', expression };
    }
    const operation = OPERATIONS.get(spec.op) as Operation;
    const ordered = inRoleOrder(spec, code ? { ...operation, repeats: true } : operation, arrows, problems);
    if (!ordered) return undefined;
    if (code) {
      const kernel = codeKernel(
        op,
        code,
        ordered.map(({ role }) => role),
      );
      return {
        ...rest,
        arrows: ordered,
        ports: kernel.ports,
        kind: 'operation',
        kernel,
        n: undefined,
        split: undefined,
      };
    }
    const n = operation.window && parameters.has('n') ? parameters.count('n') : undefined;
    const setting = { roles: ordered.map(({ role }) => role), of: spec.of, amiCompat: options.amiCompat };
    const again = new Parameters(spec.parameters);
    const kernel = operation.make(again, setting);
    again.end();
    const split = options.amiCompat && place === 'split' ? splitOf(spec, n, options) : undefined;
    if (split && n !== undefined && n < options.workers && !spec.allowSmall)
      problems.add(
        'window-too-small',
        spec.id,
        `n = ${n} is less than the ${options.workers} workers; allow_small: true takes it`,
      );
    return { ...rest, arrows: ordered, ports: kernel.ports, kind: 'operation', kernel, n, split };
  } catch (error) {
    if (error instanceof ParameterError) problems.add('bad-parameter', spec.id, error.message);
    else if (error instanceof ExpressionError)
      problems.add('bad-expression', spec.id, `${error.message} (column ${error.column})`);
    else throw error;
    return undefined;
  }
}

function perEvent(
  spec: NodeSpec,
  arrows: readonly Arrow[],
  parameters: Parameters,
): { expression: Expression; ordered: readonly Arrow[] } {
  const text = parameters.text(spec.op === 'Map' ? 'expr' : 'when');
  // A filter passes on `value`; it stands first.
  const ordered =
    spec.op === 'Filter' ? [...arrows].sort((a, b) => Number(b.role === 'value') - Number(a.role === 'value')) : arrows;
  if (spec.op === 'Filter' && ordered[0]?.role !== 'value') throw new ParameterError('a filter needs the input value');
  return {
    expression: compileExpression(
      text,
      ordered.map(({ role }) => role),
    ),
    ordered,
  };
}

/** Arrows in the order in which the kernel takes its inputs. */
function inRoleOrder(
  spec: NodeSpec,
  { required, optional, repeats }: Operation,
  arrows: readonly Arrow[],
  problems: Problems,
): readonly Arrow[] | undefined {
  const repeated = repeats
    ? arrows
        .filter(({ role }) => /^value([2-9]|[1-9]\d+)$/.test(role))
        .sort((a, b) => Number(a.role.slice(5)) - Number(b.role.slice(5)))
    : [];
  const ordered = [...required, ...optional].flatMap((role) => arrows.find((arrow) => arrow.role === role) ?? []);
  const missing = required.filter((role) => !arrows.some((arrow) => arrow.role === role));
  const all = [...ordered, ...repeated];
  const unknown = arrows.filter((arrow) => !all.includes(arrow)).map(({ role }) => role);
  if (missing.length > 0) problems.add('missing-input', spec.id, `${spec.op} needs the input ${missing.join(', ')}`);
  if (unknown.length > 0) problems.add('bad-parameter', spec.id, `${spec.op} has no input ${unknown.join(', ')}`);
  return missing.length + unknown.length > 0 ? undefined : all;
}

function checkPorts(nodes: readonly CompiledNode[], problems: Problems): void {
  for (const { spec, arrows } of nodes) {
    for (const { role, origin } of arrows) {
      if (origin.kind === 'source') continue;
      const { ports } = nodes.find(({ spec: { id } }) => id === origin.id) as CompiledNode;
      if (!ports.includes(origin.port))
        problems.add(
          'unknown-port',
          spec.id,
          `input ${role}: ${origin.id} has no port ${origin.port}; it has ${ports.join(', ')}`,
        );
    }
  }
}

function checkInputs({ spec, arrows }: CompiledNode, problems: Problems): void {
  const accepts = spec.code ? undefined : OPERATIONS.get(spec.op)?.accepts;
  for (const { role, origin } of arrows) {
    if (origin.kind === 'node' || origin.source.type === undefined || !accepts) continue;
    const wanted = accepts[role] ?? accepts[role.replace(/\d+$/, '')] ?? 'any';
    const mismatch = checkInput(wanted, origin.source.type);
    if (mismatch)
      problems.add(
        'type-mismatch',
        spec.id,
        `input ${role} wants ${mismatch}; ${origin.source.name} is something else`,
      );
  }
}

function outputsOf(spec: GraphSpec, nodes: readonly CompiledNode[], problems: Problems): readonly string[] {
  if (spec.outputs === undefined) {
    const read = new Set(
      nodes.flatMap(({ arrows }) => arrows.flatMap(({ origin }) => (origin.kind === 'node' ? origin.id : []))),
    );
    return nodes
      .filter(({ place, spec: { id } }) => place !== 'worker' && !read.has(id))
      .flatMap(({ spec: { id }, ports }) => ports.map((port) => `${id}.${port}`));
  }
  for (const name of spec.outputs) {
    const { id, port } = splitName(name);
    const node = nodes.find((one) => one.spec.id === id);
    if (!node) problems.add('unknown-output', null, `output ${name}: there is no node ${id}`);
    else if (!node.ports.includes(port))
      problems.add('unknown-output', id, `output ${name}: ${id} has the ports ${node.ports.join(', ')}`);
    else if (node.place === 'worker')
      problems.add(
        'needs-event-value',
        id,
        `output ${name} is a value of every event; put a node {op: Latest} behind it`,
      );
  }
  return spec.outputs.map((name) => (name.includes('.') ? name : `${name}.out`));
}

function unread(nodes: readonly CompiledNode[], outputs: readonly string[]): readonly string[] {
  const read = new Set(outputs.map((name) => splitName(name).id));
  for (const { arrows } of nodes) for (const { origin } of arrows) if (origin.kind === 'node') read.add(origin.id);
  return nodes.map(({ spec: { id } }) => id).filter((id) => !read.has(id));
}
