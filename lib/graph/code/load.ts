/** Loads the user code of a graph from this computer's files: only names and hashes travel (spec graph.md 3.2). */

import type { GraphSpec, NodeSpec, Problem } from '../types.ts';
import { CodeProblem, findCode } from './file.ts';
import { loadModule } from './module-code.ts';
import { loadScript } from './script-code.ts';
import { type ScriptOptions, Scripts } from './scripts.ts';
import type { LoadedCode, UserCode } from './types.ts';

/** Loads code for one graph after the other, with one Python process for all of it. Close it at the end. */
export class CodeLoader {
  readonly #options: ScriptOptions;
  #scripts: Scripts | undefined;

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  /** Never fails as a whole: the compiler reports what is wrong with a node. */
  async load(graph: GraphSpec): Promise<LoadedCode> {
    const loaded = new Map<string, UserCode | Problem>();
    for (const node of graph.nodes) {
      if (!node.code) continue;
      try {
        loaded.set(node.id, await this.#loadNode(node, graph.codeDir));
      } catch (error) {
        if (!(error instanceof CodeProblem)) throw error;
        loaded.set(node.id, error.of(node.id));
      }
    }
    return loaded;
  }

  async #loadNode({ op, code, parameters }: NodeSpec, codeDir: string): Promise<UserCode> {
    const { name } = code!;
    const file = findCode(code!, codeDir);
    const wanted = op === 'Map' ? 'map' : 'reduction';
    if (file.language === 'module') return loadModule(file, name, wanted, parameters);
    this.#scripts ??= await Scripts.open(this.#options);
    return loadScript(this.#scripts, file, name, wanted, parameters);
  }

  /** Times that the Python process was started again. */
  get restarts(): number {
    return this.#scripts?.restarts ?? 0;
  }

  /** Ends the Python process. May be called twice. */
  close(): void {
    this.#scripts?.close();
    this.#scripts = undefined;
  }
}

/** The graph with the hashes of what was loaded, for processes elsewhere: they refuse other files. */
export function withHashes(graph: GraphSpec, loaded: LoadedCode): GraphSpec {
  const pinned = (node: NodeSpec): NodeSpec => {
    const found = loaded.get(node.id);
    return node.code && found && 'sha256' in found ? { ...node, code: { ...node.code, sha256: found.sha256 } } : node;
  };
  return { ...graph, nodes: graph.nodes.map(pinned) };
}
