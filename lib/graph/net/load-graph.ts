import { InputError } from '../../errors.ts';
import { type CodeLoader, withHashes } from '../code/load.ts';
import { type Compiled, compile } from '../compile/compile.ts';
import { readGraph } from '../compile/graph-file.ts';
import type { GraphSpec } from '../types.ts';
import type { ClusterTerms, GraphText } from './messages.ts';

/** How this process makes graphs ready. */
export interface LoadOptions {
  readonly loader: CodeLoader;
  /** Where code files are here; undefined: where the graph says. */
  readonly codeDir: string | undefined;
}

/**
 * Makes a graph ready to run in this process, with code files of this computer. What cannot be read is a problem too.
 * @returns hashes of the code files by node as well
 */
export async function loadGraph(
  { text, file, hashes }: GraphText,
  terms: Omit<ClusterTerms, 'session'>,
  { loader, codeDir }: LoadOptions,
): Promise<{ compiled: Compiled; hashes: ReadonlyMap<string, string> }> {
  let spec: GraphSpec;
  try {
    spec = withNamed(readGraph(text, file), hashes);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const problem = { error: 'bad-parameter', node: null, message: `it cannot be read: ${error.message}` } as const;
    return { compiled: { problems: [problem] }, hashes };
  }
  const code = await loader.load(codeDir === undefined ? spec : { ...spec, codeDir });
  const found = withHashes(spec, code).nodes.flatMap(({ id, code: named }) =>
    named?.sha256 === undefined ? [] : [[id, named.sha256] as const],
  );
  return { compiled: compile(spec, { ...terms, code }), hashes: new Map(found) };
}

/** With the hashes that the manager found: a process whose file is another refuses the graph. */
function withNamed(spec: GraphSpec, hashes: ReadonlyMap<string, string>): GraphSpec {
  const nodes = spec.nodes.map((node) => {
    const sha256 = hashes.get(node.id);
    return node.code && sha256 !== undefined ? { ...node, code: { ...node.code, sha256 } } : node;
  });
  return { ...spec, nodes };
}
