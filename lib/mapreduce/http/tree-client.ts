/** The tree that a reducer publishes, read over HTTP (spec mapreduce.md 11). */

import { DaqError } from '../../errors.ts';
import type { PublishedTree, Selection, TreeAttribute, TreeNode, TreeShape, TreeValue } from '../payload/types.ts';
import { treeId } from '../reduce/tree-api.ts';

interface Link {
  readonly collection: 'groups' | 'datasets';
  readonly title: string;
}

export class RemoteTree implements PublishedTree {
  readonly #base: string;
  /** What the links said that things are. */
  readonly #datasets = new Set<string>();

  /** @param url of the reducer */
  constructor(url: string) {
    this.#base = url.replace(/\/+$/, '');
  }

  /** Only what a link has led to. @throws DaqError `connection-failed`, `refused` */
  async node(path: readonly string[]): Promise<TreeNode> {
    const collection = this.#datasets.has(path.join('/')) ? 'datasets' : 'groups';
    const at = `${this.#base}/${collection}/${treeId(collection, path)}`;
    const attributes = await attributesOf(at);
    if (collection === 'datasets') {
      const { shape, type } = (await ask(at)) as { shape: TreeShape; type: unknown };
      return { kind: 'dataset', attributes, shape, type };
    }
    const { links } = (await ask(`${at}/links`)) as { links: readonly Link[] };
    for (const { collection: kind, title } of links)
      if (kind === 'datasets') this.#datasets.add([...path, title].join('/'));
    return { kind: 'group', attributes, links: links.map(({ title, collection: kind }) => [title, kind] as const) };
  }

  /** @throws DaqError `connection-failed`, `refused` */
  async value(path: readonly string[], select: Selection | undefined): Promise<TreeValue> {
    const parts = select?.map(([first, end, step]) => `${first}:${end}:${step}`);
    const selected = parts ? `?select=[${parts.join(',')}]` : '';
    const answer = await ask(`${this.#base}/datasets/${treeId('datasets', path)}/value${selected}`);
    return Buffer.isBuffer(answer) ? { bytes: answer } : { json: (answer as { value: unknown }).value };
  }
}

async function attributesOf(at: string): Promise<readonly TreeAttribute[]> {
  const { attributes } = (await ask(`${at}/attributes`)) as { attributes: readonly TreeAttribute[] };
  return Promise.all(
    attributes.map(async ({ name }) => (await ask(`${at}/attributes/${encodeURIComponent(name)}`)) as TreeAttribute),
  );
}

/** JSON as a value, anything else as bytes. */
async function ask(url: string): Promise<unknown> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new DaqError('refused', `${response.status} for ${url}`);
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return isJson ? await response.json() : Buffer.from(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof DaqError) throw error;
    const { cause, message } = error as Error;
    throw new DaqError('connection-failed', `no reducer answers: ${(cause as Error | undefined)?.message ?? message}`, {
      place: { file: url },
    });
  }
}
