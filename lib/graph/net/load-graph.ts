import { InputError } from '../../errors.ts';
import { type Compiled, compile } from '../compile/compile.ts';
import { readGraph } from '../compile/graph-file.ts';
import type { ClusterTerms, GraphText } from './messages.ts';

/** Makes a graph ready to run in this process. What cannot be read is a problem too. */
export async function loadGraph({ text, file }: GraphText, terms: ClusterTerms): Promise<Compiled> {
  try {
    return compile(readGraph(text, file), terms);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { problems: [{ error: 'bad-parameter', node: null, message: `it cannot be read: ${error.message}` }] };
  }
}
