/** The HDF5-REST-like tree of `publish` (spec mapreduce.md 11), over what a payload says of one node or one selection. */

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { json, type Reply, type Request, type Route } from '../http/server.ts';
import {
  BadSelection,
  type PublishedTree,
  type Selection,
  type TreeAttribute,
  type TreeNode,
  type TreeShape,
} from '../payload/types.ts';

const compressed = promisify(gzip);
const GZIP_ABOVE = 1000;
const PREFIX = { groups: 'g-h5dict-', datasets: 'd-h5dict-' } as const;
type Collection = keyof typeof PREFIX;

/** There is no such object. */
export class NotFound extends Error {}

/** Whatever the tree throws, as an answer; undefined for faults of ours. */
export function explainTree(error: unknown): Reply | undefined {
  if (error instanceof NotFound) return json({ message: 'Not Found' }, 404);
  if (error instanceof BadSelection) return json({ message: error.message }, 400);
  return undefined;
}

/** `d-h5dict-` and the path in hexadecimal digits. */
export function treeId(collection: Collection, path: readonly string[]): string {
  return (
    PREFIX[collection] +
    Buffer.from(`/${path.join('/')}`)
      .toString('hex')
      .toUpperCase()
  );
}

/** @throws NotFound for an id that none of ours has */
export function pathOf(collection: Collection, id: string): readonly string[] {
  const hex = id.startsWith(PREFIX[collection]) ? id.slice(PREFIX[collection].length) : '';
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) throw new NotFound();
  const text = Buffer.from(hex, 'hex').toString();
  if (!text.startsWith('/')) throw new NotFound();
  return text === '/' ? [] : text.slice(1).split('/');
}

/**
 * `[a:b,c:d:step]` as first, end and step of each dimension.
 * @throws BadSelection for another form, or what lies outside
 */
export function parseSelection(text: string, dims: readonly number[]): Selection {
  const inside = /^\[(.*)\]$/.exec(text.replaceAll(' ', ''))?.[1];
  const parts = inside === undefined ? [] : inside.split(',');
  if (parts.length !== dims.length) throw new BadSelection(`"${text}" does not select of ${dims.length} dimensions`);
  return parts.map((part, axis) => {
    const size = dims[axis]!;
    const match = /^(?:(\d+)|(\d*):(\d*)(?::(\d+))?)$/.exec(part);
    if (!match) throw new BadSelection(`"${part}" is not FIRST:END or FIRST:END:STEP`);
    const [, single, from = '', to = '', every = '1'] = match;
    const first = Number(single ?? (from === '' ? 0 : from));
    const end = single === undefined ? (to === '' ? size : Number(to)) : first + 1;
    const step = Number(every);
    if (first > end || end > size || step < 1)
      throw new BadSelection(`"${part}" does not lie in a dimension of ${size}`);
    return [first, end, step];
  });
}

export class TreeApi {
  readonly #tree: () => PublishedTree | undefined;
  /** Seconds since 1970. */
  readonly #created: () => number;

  /** @param created when the map of the tree began, in seconds */
  constructor(tree: () => PublishedTree | undefined, created: () => number) {
    this.#tree = tree;
    this.#created = created;
  }

  get routes(): readonly Route[] {
    const get = (path: string, answer: (request: Request) => Promise<Reply>): Route => ({
      method: 'GET',
      path,
      answer,
    });
    const both = (['groups', 'datasets'] as const).flatMap((collection) => [
      get(`/${collection}/{id}/attributes`, ({ names }) => this.#attributes(collection, names)),
      get(`/${collection}/{id}/attributes/{name}`, ({ names }) => this.#attribute(collection, names)),
    ]);
    return [
      get('/', async () => this.#object({ root: treeId('groups', []), owner: 'admin', class: 'domain' })),
      get('/groups/{id}', ({ names }) => this.#group(names)),
      get('/groups/{id}/links', ({ names }) => this.#links(names)),
      get('/groups/{id}/links/{name}', ({ names }) => this.#link(names)),
      get('/datasets/{id}', ({ names }) => this.#dataset(names)),
      get('/datasets/{id}/value', (request) => this.#value(request)),
      ...both,
    ];
  }

  #object(value: object): Reply {
    return json({ ...value, created: this.#created(), lastModified: Date.now() / 1000 });
  }

  async #node(collection: Collection, id: string): Promise<{ path: readonly string[]; node: TreeNode }> {
    const path = pathOf(collection, id);
    const node = await this.#tree()?.node(path);
    if (node?.kind !== (collection === 'groups' ? 'group' : 'dataset')) throw new NotFound();
    return { path, node };
  }

  async #group([id]: readonly string[]): Promise<Reply> {
    const { node } = await this.#node('groups', id!);
    const linkCount = node.kind === 'group' ? node.links.length : 0;
    return this.#object({ root: treeId('groups', []), id, linkCount, attributeCount: node.attributes.length });
  }

  async #linksOf(id: string): Promise<object[]> {
    const { path, node } = await this.#node('groups', id);
    if (node.kind !== 'group') throw new NotFound();
    return node.links.map(([title, collection]) => ({
      class: 'H5L_TYPE_HARD',
      collection,
      id: treeId(collection, [...path, title]),
      title,
      created: this.#created(),
    }));
  }

  async #links([id]: readonly string[]): Promise<Reply> {
    return this.#object({ links: await this.#linksOf(id!) });
  }

  async #link([id, name]: readonly string[]): Promise<Reply> {
    const link = (await this.#linksOf(id!)).find((one) => (one as { title: string }).title === name);
    if (!link) throw new NotFound();
    return this.#object({ link });
  }

  async #attributes(collection: Collection, [id]: readonly string[]): Promise<Reply> {
    const { node } = await this.#node(collection, id!);
    return this.#object({ attributes: node.attributes.map(({ name, type, shape }) => ({ name, type, shape })) });
  }

  async #attribute(collection: Collection, [id, name]: readonly string[]): Promise<Reply> {
    const { node } = await this.#node(collection, id!);
    const found = node.attributes.find((one: TreeAttribute) => one.name === name);
    if (!found) throw new NotFound();
    return this.#object(found);
  }

  async #dataset([id]: readonly string[]): Promise<Reply> {
    const { node } = await this.#node('datasets', id!);
    if (node.kind !== 'dataset') throw new NotFound();
    return this.#object({
      id,
      attributeCount: node.attributes.length,
      shape: node.shape,
      type: node.type,
      creationProperties: {
        allocTime: 'H5D_ALLOC_TIME_LATE',
        fillTime: 'H5D_FILL_TIME_IFSET',
        layout: { class: 'H5D_CONTIGUOUS' },
      },
    });
  }

  async #value({ names, url, headers }: Request): Promise<Reply> {
    const { path, node } = await this.#node('datasets', names[0]!);
    if (node.kind !== 'dataset') throw new NotFound();
    const select = url.searchParams.get('select');
    const selection = select === null || select === '' ? undefined : parseSelection(select, dimsOf(node.shape));
    const value = await this.#tree()?.value(path, selection);
    if (!value) throw new NotFound();
    if ('json' in value) return this.#object({ value: value.json });
    const type = 'application/octet-stream';
    const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?(,|$))/.test(String(headers['accept-encoding'] ?? ''));
    if (value.bytes.length <= GZIP_ABOVE || !takesGzip) return { type, body: value.bytes };
    return { type, body: await compressed(value.bytes), headers: { 'content-encoding': 'gzip' } };
  }
}

function dimsOf(shape: TreeShape): readonly number[] {
  return shape.class === 'H5S_SCALAR' ? [] : shape.dims;
}
