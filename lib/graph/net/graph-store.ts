import type { CompiledGraph } from '../compile/compiled.ts';
import { Refused } from '../compile/refused.ts';
import { type LoadOptions, loadGraph } from './load-graph.ts';
import type { ClusterTerms, GraphText, MessageOf } from './messages.ts';

/** Graphs of this session that this process has made ready, by version: the last few. */
export class GraphStore {
  readonly #options: LoadOptions;
  #terms: ClusterTerms | undefined;
  readonly #ready = new Map<number, CompiledGraph>();
  /** Also of graphs that are not kept here any more but still in force. */
  readonly #versions = new WeakMap<CompiledGraph, number>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** A session of a manager begins, or goes on. @throws Refused if its graph cannot be used here */
  begin({ terms, graph }: { terms: ClusterTerms; graph: GraphText }): Promise<CompiledGraph> {
    if (terms.session !== this.#terms?.session) this.#ready.clear();
    this.#terms = terms;
    return this.get(graph);
  }

  /** @throws Refused */
  async get(graph: GraphText): Promise<CompiledGraph> {
    const known = this.#ready.get(graph.version);
    if (known) return known;
    if (!this.#terms) throw new Error('a graph came before the terms of the cluster');
    const { compiled } = await loadGraph(graph, this.#terms, this.#options);
    if ('problems' in compiled) throw new Refused(compiled.problems);
    for (const version of this.#ready.keys()) if (version < graph.version - 1) this.#ready.delete(version);
    this.#ready.set(graph.version, compiled.graph);
    this.#versions.set(compiled.graph, graph.version);
    return compiled.graph;
  }

  /** A graph that this store gave, with its version. */
  numbered(graph: CompiledGraph): { graph: CompiledGraph; version: number } {
    return { graph, version: this.#versions.get(graph) ?? 0 };
  }

  /** Makes a graph ready, and says what is wrong with it here. */
  async prepare(graph: GraphText): Promise<MessageOf<'prepared'>> {
    try {
      await this.get(graph);
      return { kind: 'prepared', version: graph.version, problems: [] };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { kind: 'prepared', version: graph.version, problems: error.problems };
    }
  }
}
