import { type Compiled, type CompileOptions, compile } from '../compile/compile.ts';
import type { CompiledGraph } from '../compile/compiled.ts';
import { Refused } from '../compile/refused.ts';
import { LocalCluster } from '../run/cluster.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import { stationOf } from '../run/place.ts';
import type { Station } from '../run/station.ts';
import type { FailureReport } from '../run/worker.ts';
import type { Value } from '../value.ts';
import { decodeFrame, encodeFrame } from '../wire/frame.ts';
import { type Call, changed, type GraphCase, type Step } from './case-file.ts';

/** What a case is played with, besides what it says itself. */
export type PlayOptions = Pick<CompileOptions, 'amiCompat' | 'windowLimit' | 'code'> & {
  readonly onFailure?: (report: FailureReport) => void;
};

export function compileCase({ graph, cluster }: GraphCase, options: PlayOptions): Compiled {
  return compile(graph, { ...options, ...cluster });
}

function accepted(compiled: Compiled): CompiledGraph {
  if ('graph' in compiled) return compiled.graph;
  throw new Refused(compiled.problems);
}

/** Plays the steps of a case. @throws Refused */
export function playSteps(what: GraphCase, options: PlayOptions): readonly HeartbeatRecord[] {
  const graph = accepted(compileCase(what, options));
  const { onFailure } = options;
  const cluster = new LocalCluster(graph, { depth: what.depth, ...(onFailure ? { onFailure } : {}) });
  let spec = what.graph;
  const records: HeartbeatRecord[] = [];
  for (const step of what.steps) {
    if (step.kind !== 'change') {
      records.push(...perform(cluster, graph, step));
      continue;
    }
    spec = changed(spec, step.change);
    cluster.change(accepted(compile(spec, { ...options, ...what.cluster })), step.from);
  }
  return records;
}

function perform(
  cluster: LocalCluster,
  graph: CompiledGraph,
  step: Exclude<Step, { kind: 'change' }>,
): readonly HeartbeatRecord[] {
  switch (step.kind) {
    case 'event':
      cluster.event(
        step.number,
        step.worker,
        graph.sources.map(({ from }) => step.data.get(from)),
      );
      return [];
    case 'issue':
      cluster.issue(step.heartbeat);
      return [];
    case 'answer':
      return cluster.deliver(step.heartbeat, step.worker);
    case 'deadline':
      return cluster.deadline(step.heartbeat);
    case 'transition':
      if (step.name === 'Configure') cluster.configure();
      else cluster.transition(step.name);
      return [];
    case 'end':
      return cluster.end();
  }
}

/** What a call left at its place. */
export interface CallRecord {
  readonly call: number;
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Plays the calls of a case: operations one call at a time, each place and instance with a state of its own. @throws Refused */
export function playCalls(what: GraphCase, options: PlayOptions): readonly CallRecord[] {
  const graph = accepted(compileCase(what, options));
  const copies = new Map<string, Map<string, Station>>();
  const left: ReadonlyMap<string, unknown>[] = [];
  return what.calls.map((call, number) => {
    const key = `${call.place}/${call.instance}`;
    const copy = copies.get(key) ?? stationsOf(graph, call.place);
    copies.set(key, copy);
    feed(graph, copy, call, call.from === undefined ? undefined : left[call.from]);
    left.push(snapshots(copy));
    return { call: number, outputs: outputsOf(graph, copy) };
  });
}

function stationsOf(graph: CompiledGraph, place: Call['place']): Map<string, Station> {
  const stations = new Map<string, Station>();
  for (const node of graph.nodes) {
    if (node.kind === 'operation' && node.place === 'split') stations.set(node.spec.id, stationOf(node, place));
  }
  return stations;
}

function feed(
  graph: CompiledGraph,
  copy: ReadonlyMap<string, Station>,
  call: Call,
  message: ReadonlyMap<string, unknown> | undefined,
): void {
  for (const node of graph.nodes) {
    const station = copy.get(node.spec.id);
    if (!station) continue;
    if (message) station.merge(travelled(message.get(node.spec.id)));
    const inputs = node.arrows.map(({ origin }) =>
      origin.kind === 'source' ? call.data?.get(origin.source.from) : undefined,
    );
    if (inputs.every((value) => value !== undefined))
      station.add(inputs as Value[], { event: 0, heartbeat: 0, worker: 0 });
  }
}

/** States as they are now; the stations go on with them. */
function snapshots(copy: ReadonlyMap<string, Station>): ReadonlyMap<string, unknown> {
  return new Map(
    [...copy].map(([id, station]) => {
      const state = station.take();
      station.merge(travelled(state));
      return [id, state];
    }),
  );
}

/** A copy, as a message makes it. */
function travelled(state: unknown): unknown {
  return decodeFrame(encodeFrame(state));
}

function outputsOf(graph: CompiledGraph, copy: ReadonlyMap<string, Station>): ReadonlyMap<string, Value> {
  const outputs = new Map<string, Value>();
  for (const { spec, ports } of graph.nodes) {
    const values = copy.get(spec.id)?.output() ?? [];
    ports.forEach((port, i) => {
      const name = `${spec.id}.${port}`;
      const value = values[i];
      if (value !== undefined && graph.outputs.includes(name)) outputs.set(name, value);
    });
  }
  return outputs;
}
