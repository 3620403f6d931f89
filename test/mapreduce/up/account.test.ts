import t from 'tap';
import type { PublishedTree, TreeNode } from '../../../lib/mapreduce/payload/types.ts';
import { treeAsJson } from '../../../lib/mapreduce/reduce/tree-json.ts';
import { accountOf, damagedWords, type RoleEnd, upLine } from '../../../lib/mapreduce/up/account.ts';

const end = (id: string, role: RoleEnd['role'], more: Partial<RoleEnd> = {}): RoleEnd => ({
  ...{ id, role, status: 0, restarts: 0, balance: undefined, streams: [], ...more },
});

const progress = (more: object = {}) => ({
  ...{ phase: 'finished', last_assigned: 102, completed_events: 102, total_events: 102, damaged: 0, finished: true },
  ...more,
});

const ENDS: readonly RoleEnd[] = [
  end('control', 'control'),
  end('i', 'ingester', { streams: ['det: received 102 = sent 102'] }),
  end('w', 'worker', { balance: { in: 102, out: 102, losses: {}, info: { results: 99, 'sent-again': 1 } } }),
  end('r', 'reducer', { balance: { in: 100, out: 99, losses: { duplicate: 1 } } }),
];

t.test('one balance over all roles', async (t) => {
  const { lines, clean } = accountOf(ENDS, progress(), { lost: [], failed: [], incomplete: [] });
  t.ok(clean);
  t.same(lines, [
    'events: total 102 = complete 102',
    'det: received 102 = sent 102',
    'results: sent 100 = accepted 99 + duplicate 1',
  ]);
});

t.test('what is missing is said, and which events', async (t) => {
  const damaged = { lost: [[5, 5]], failed: [[9, 12]], incomplete: [] } as const;
  const { lines, clean } = accountOf(ENDS, progress({ completed_events: 100, damaged: 5, incomplete: 1 }), damaged);
  t.notOk(clean);
  t.same(lines.slice(0, 2), [
    'events: total 102 = complete 94 + damaged 5 + incomplete 1 + unfinished 2',
    'lost 5; failed 9 to 12',
  ]);
  const many = Array.from({ length: 50 }, (_, i) => [2 * i, 2 * i] as const);
  t.match(damagedWords({ lost: many, failed: [], incomplete: [] }), /^lost 0, 2, .*38, \.\.\.$/);
});

t.test('results that were not counted because their sender was killed do not look lost', async (t) => {
  const ends = ENDS.map((one) => (one.id === 'w' ? { ...one, restarts: 2, status: 137 } : one));
  const { lines, clean } = accountOf(ends, progress());
  t.notOk(clean, 'it has not ended in order');
  t.match(
    lines.join('\n'),
    /results: sent 100 = accepted 99 \+ duplicate 1\nw: started again 2 times; it counts from then on\nw: ended with 137/,
  );
  t.ok(accountOf([], undefined).clean, 'without a map there is nothing to lose');
  t.match(
    upLine(progress({ completed_events: 3, phase: 'running' }), 12.4, 1),
    'running: 3 of 102 events, 12/s, 0 damaged, 1 worker',
  );
  t.equal(
    upLine(progress({ damaged: 1, incomplete: 2 }), 0, 2),
    'finished: 102 of 102 events, 0/s, 1 damaged, 2 incomplete, 2 workers',
  );
});

t.test('a tree as JSON: shapes, types, attributes, numbers beyond 2^53', async (t) => {
  const number = (base: string) => ({ class: 'H5T_INTEGER', base });
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(-3n, 0);
  bytes.writeBigInt64LE(2n ** 60n, 8);
  const attribute = { name: 'unit', shape: {}, type: {}, value: 'mm' };
  const simple = (dims: number[]) => ({ class: 'H5S_SIMPLE', dims }) as const;
  const nodes: Readonly<Record<string, TreeNode>> = {
    '': {
      kind: 'group',
      attributes: [attribute],
      links: [
        ['g', 'groups'],
        ['n', 'datasets'],
      ],
    },
    g: {
      kind: 'group',
      attributes: [],
      links: [
        ['wide', 'datasets'],
        ['big', 'datasets'],
      ],
    },
    n: { kind: 'dataset', attributes: [attribute], shape: { class: 'H5S_SCALAR' }, type: number('H5T_STD_I64LE') },
    'g/wide': { kind: 'dataset', attributes: [], shape: simple([1, 2]), type: number('H5T_STD_I64LE') },
    'g/big': { kind: 'dataset', attributes: [], shape: simple([2, 1, 2]), type: number('H5T_STD_U16BE') },
  };
  const tree: PublishedTree = {
    node: async (path) => nodes[path.join('/')],
    value: async (path) =>
      path[0] === 'n' ? { json: 7 } : { bytes: path[1] === 'wide' ? bytes : Buffer.of(0, 1, 0, 2, 0, 3, 0, 4) },
  };
  t.same(await treeAsJson(tree), {
    _attrs: { unit: 'mm' },
    g: { wide: [[-3, '1152921504606846976']], big: [[[1, 2]], [[3, 4]]] },
    n: 7,
    n_attrs: { unit: 'mm' },
  });
});
