/** Graphs with user code for tests: built from nodes, loaded, run over events dealt in turn. */

import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { CodeLoader } from '../../../lib/graph/code/load.ts';
import { type Compiled, compile } from '../../../lib/graph/compile/compile.ts';
import type { CompiledGraph } from '../../../lib/graph/compile/compiled.ts';
import { graphFrom } from '../../../lib/graph/compile/graph-file.ts';
import { LocalCluster } from '../../../lib/graph/run/cluster.ts';
import type { HeartbeatRecord } from '../../../lib/graph/run/global-side.ts';
import type { Value } from '../../../lib/graph/value.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

export interface Loaded {
  readonly compiled: Compiled;
  readonly loader: CodeLoader;
  /** What the loader said. */
  readonly said: string[];
}

interface Options {
  readonly folder?: string;
  readonly workers?: number;
  readonly limit?: number;
  readonly python?: string;
}

/** Loads and compiles; the loader is closed when the test ends. */
export async function load(t: Test, nodes: readonly object[], options: Options = {}): Promise<Loaded> {
  const { folder = FOLDER, workers = 2, limit = 20_000, python } = options;
  const sources = ['value', 'key'].map((name) => ({ name }));
  const spec = graphFrom({ graph: 1, name: 'code', sources, nodes, code_dir: folder }, 'code.yaml');
  const said: string[] = [];
  const loader = new CodeLoader({ python, limit, say: (message) => said.push(message) });
  t.teardown(() => loader.close());
  const code = await loader.load(spec);
  const compiled = compile(spec, { workers, collectors: 1, amiCompat: false, windowLimit: 1 << 30, code });
  return { compiled, loader, said };
}

export async function loadGraph(
  t: Test,
  nodes: readonly object[],
  options: Options = {},
): Promise<Loaded & { graph: CompiledGraph }> {
  const loaded = await load(t, nodes, options);
  if (!('graph' in loaded.compiled)) throw new Error(JSON.stringify(loaded.compiled.problems));
  return { ...loaded, graph: loaded.compiled.graph };
}

/** An operation with code of the folder. */
export function node(op: string, file: string, name: string, more: object = {}): object {
  const inputs = op === 'ReduceByKey' ? { key: 'key', value: 'value' } : { value: 'value' };
  return { id: 'code', op, in: inputs, code: { file, name }, ...more };
}

export class Run {
  readonly failures: string[] = [];
  readonly #cluster: LocalCluster;
  readonly #graph: CompiledGraph;
  #number = 0;
  #heartbeat = 0;

  constructor(graph: CompiledGraph) {
    this.#graph = graph;
    this.#cluster = new LocalCluster(graph, {
      depth: 1,
      onFailure: ({ node: id, event, message, off }) =>
        this.failures.push(`${id} ${event}: ${message}${off ? ' (off)' : ''}`),
    });
  }

  events(...rows: readonly (readonly (Value | undefined)[])[]): void {
    const { workers } = this.#graph.cluster;
    for (const row of rows) this.#cluster.event(this.#number, this.#number++ % workers, row);
  }

  transition(name: string): void {
    if (name === 'Configure') this.#cluster.configure();
    else this.#cluster.transition(name);
  }

  issue(): void {
    this.#cluster.issue(++this.#heartbeat);
  }

  heartbeat(): HeartbeatRecord {
    this.issue();
    return this.deliver();
  }

  deliver(): HeartbeatRecord {
    const records = this.#cluster.workers.flatMap(({ id }) => this.#cluster.deliver(this.#heartbeat, id));
    return records[0]!;
  }
}

export function outputs(record: HeartbeatRecord): Record<string, unknown> {
  return Object.fromEntries(record.outputs);
}
