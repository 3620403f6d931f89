import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'shell-quote';
import t from 'tap';
import { InputError } from '../../../lib/errors.ts';
import { mapOf } from '../../../lib/mapreduce/control/plan.ts';
import { adopt, redisOf } from '../../../lib/mapreduce/up/adopt.ts';
import { freePorts, UpFolder } from '../../../lib/mapreduce/up/folder.ts';
import { endsByItself, planOf } from '../../../lib/mapreduce/up/plan.ts';
import { readScan } from '../../../lib/mapreduce/up/scan-file.ts';
import type { UpEntry } from '../../../lib/mapreduce/up/types.ts';

const SMALL = `streams: {det: tcp://h:1}
workers: m:W
reducer: m:R
`;
const PLACES = {
  ...{ redis: 'redis://:secret@127.0.0.1:7/0', redisSettings: '/f/redis.conf', folder: '/f' },
  ...{ controlPort: 11, resultsPort: 12 },
};

const words = ({ cmd }: UpEntry) =>
  parse(cmd).map((word) => (typeof word === 'string' ? word : 'pattern' in word ? word.pattern : '|'));

const read = (text: string) => readScan(text, 's.yaml');

t.test('three lines make an ensemble', (t) => {
  const scan = read(SMALL);
  const { entries, members, control, results } = planOf(scan, PLACES);
  t.same(
    entries.map(({ id, after }) => [id, after]),
    [
      ['redis', []],
      ['control', ['redis']],
      ['reducer', ['control']],
      ['det-ingester', ['control']],
      ['worker-1', ['reducer', 'det-ingester']],
      ['worker-2', ['reducer', 'det-ingester']],
    ],
  );
  t.same(words(entries[3]!).slice(0, 9), [
    ...['map-ingest', '--name', 'det-ingester', '--kind', 'stins', '--stream', 'det', '--upstream', 'tcp://h:1'],
  ]);
  t.same(words(entries[4]!), ['map-work', 'm:W', '--name', 'worker-1', '--tags', 'generic']);
  t.same(words(entries[2]!), [
    ...['map-reduce', 'm:R', '--bind', 'tcp://127.0.0.1:*', '--port', '12', '--replay-results', '/f/results.cbors'],
  ]);
  t.equal(members[4]?.role, 'worker');
  t.same([control, results], ['http://127.0.0.1:11', 'http://127.0.0.1:12']);
  t.notOk(endsByItself(scan));
  for (const { cmd, env } of entries) {
    t.notMatch(cmd, /secret/, 'the password is in no command line');
    if (!cmd.startsWith('redis-server')) t.match(env.get('REDIS_URL'), /secret/);
  }
  t.end();
});

t.test('everything that can be said', (t) => {
  const scan = read(`redis: redis://h/0
streams:
  a: {kind: pcap, upstream: tcp://h:1, ingester: both}
  b: {file: b.cbors, ingester: both, options: --rate 10}
  c: {pipe: dgram-gen -n 5, options: [--hold, 1G]}
workers:
  - {payload: x y/m.mjs, count: 1, tags: [fast, generic]}
  - {payload: m:Look, count: 1, name: look, options: --event-timeout 3}
reducer: {payload: m:R, port: 99, journal: false}
control: {port: 98, options: --depth 4}
wrap: false
parameters: {n: 3, on: true, s: text}
map: {events: 25, streams: [b, a], batch: 10, tags: [fast]}
`);
  const { entries } = planOf(scan, { ...PLACES, redisSettings: undefined });
  const of = (id: string) => words(entries.find((one) => one.id === id)!).join(' ');
  t.equal(of('control'), 'map-control --port 11 --depth 4');
  t.match(
    of('both'),
    /--kind pcap --stream a --upstream tcp:..h:1 --kind recorded --stream b --upstream b.cbors --rate 10$/,
  );
  t.equal(
    of('c-ingester'),
    'dgram-gen -n 5 | map-ingest --name c-ingester --kind xtc --stream c --upstream - --hold 1G',
  );
  t.match(of('worker-1'), /^map-work --js x y.m.mjs --name worker-1 --tags fast,generic$/);
  t.match(of('look-1'), /m:Look.*--event-timeout 3$/);
  t.notMatch(of('reducer'), /replay/);
  t.same(
    [...scan.parameters],
    [
      ['n', '3'],
      ['on', 'True'],
      ['s', 'text'],
    ],
  );
  const map = mapOf(Buffer.from(scan.map!));
  t.same(map.sequence, ['batch', 'batch', 'rest']);
  t.equal(map.parts.get('rest')?.length, 5);
  t.same([...map.parts.get('batch')!.streams.keys()], ['b', 'a']);
  t.same(map.parts.get('batch')!.streams.get('a')![9], [{ tags: ['fast'], constraint: 0 }]);
  t.end();
});

t.test('maps in the file keep the order of streams that look like numbers; JSON is read too', (t) => {
  const inline = `${SMALL}map: {parts: {p: {20: [[{constraint: 0}]], 3: [null]}}, sequence: [p]}\n`;
  t.same(
    [
      ...mapOf(Buffer.from(read(inline).map!))
        .parts.get('p')!
        .streams.keys(),
    ],
    ['20', '3'],
  );
  t.equal(
    readScan(JSON.stringify({ streams: { s: 'tcp://h:1' }, workers: 'm:W', reducer: 'm:R' }), 's.json').map,
    undefined,
  );
  t.ok(endsByItself(read('streams: {s: {file: a.cbors}, x: {kind: stins, file: b}}\nworkers: m:W\nreducer: m:R')));
  t.end();
});

const MISTAKES: readonly (readonly [text: string, line: number, words: RegExp])[] = [
  ['strems: 1', 1, /strems: there is no such key; there are redis, streams/],
  [SMALL.replace('m:R', 'R'), 3, /reducer: "R" is neither module:Class nor a file .mjs/],
  ['workers: m:W\nreducer: m:R', 1, /there are no streams/],
  [`${SMALL}map: {events: 0}`, 4, /map.events: is a whole number from 1 /],
  [`${SMALL}map: {events: 3, streams: [x]}`, 4, /there is no stream x; there are det/],
  [`${SMALL}map:\n  events: 3\n  bach: 3`, 6, /map.bach: there is no such key/],
  [`${SMALL}map: nowhere.json`, 1, /no such file/],
  [SMALL.replace('tcp://h:1', '{file: a, pipe: b}'), 1, /give one of upstream, file and pipe/],
  [SMALL.replace('tcp://h:1', '{kind: zzz, file: a}'), 1, /streams.det.kind: is one of stins/],
  [SMALL.replace('det:', 'a/b:'), 1, /a.b is no name/],
  [`${SMALL}parameters: {a: [1]}`, 4, /parameters.a: is a text or a number/],
  [`${SMALL}control: {port: 700000}`, 4, /control.port: is a whole number/],
  ['a: b: c', 1, /not YAML/],
  ['', 1, /a scan file is a mapping/],
  [SMALL.replace('m:W', '[]'), 2, /there are no workers/],
];

t.test('every mistake is told with its place', (t) => {
  for (const [text, line, message] of MISTAKES) {
    const error = t.throws(() => read(text)) as InputError;
    t.ok(error instanceof InputError, text);
    t.match(error.message, message);
    t.match(error.place.line ?? 1, line, text);
  }
  t.end();
});

const entry = (id: string, cmd: string, env: Record<string, string> = {}): UpEntry => ({
  ...{ id, cmd, env: new Map(Object.entries(env)), after: [], line: undefined },
  ...{ ready: { kind: 'alive', seconds: 1 } as const, restart: { when: 'never', most: 0, within: 0 } as const },
});

t.test('entries of a process manager: order, names, addresses', (t) => {
  const file = [
    entry('w', '/opt/bin/map-work m:W'),
    entry('named', 'map-work m:W --name=other'),
    entry('i', 'dgram-gen | map-ingest --stream s --upstream -'),
    entry('c', 'map-control --port 5005'),
    entry('r', 'map-reduce m:R --port 127.0.0.1:88'),
    entry('teb', 'teb-decide'),
  ];
  t.equal(redisOf(file), 'not-said');
  t.same(redisOf([entry('c', 'map-control --redis redis://x')]), { url: 'redis://x' });
  t.same(redisOf([entry('r', 'redis-server')]), { url: undefined });
  const { entries, members, control, results } = adopt('f.cnf', file, 'redis://y');
  t.same(
    entries.map(({ after }) => after),
    [['i', 'r'], ['i', 'r'], ['c'], [], ['c'], []],
  );
  t.same(
    members.map(({ role, name }) => `${role} ${name}`),
    [...['worker w', 'worker other', 'ingester i', 'control control', 'reducer reducer', 'other other']],
  );
  t.equal(entries[0]?.env.get('WORKER_NAME'), 'w');
  t.equal(entries[1]?.env.get('WORKER_NAME'), undefined);
  t.equal(entries[2]?.env.get('INGESTER_NAME'), 'i');
  t.same([control, results], ['http://127.0.0.1:5005', 'http://127.0.0.1:88']);
  t.equal(entries[5]?.restart.when, 'never', 'others are left as they are');
  t.throws(() => adopt('f', file.slice(0, 1), undefined), /there is no map-control/);
  t.throws(() => adopt('f', [entry('c', 'map-control --port 0')], undefined), /give a fixed one/);
  t.end();
});

t.test('the private folder: nobody else reads it, and what the dead have left goes', async (t) => {
  const left = join(tmpdir(), 'daqpipe-map-up-999999999-x');
  mkdirSync(left);
  writeFileSync(join(left, 'x'), 'x');
  const folder = UpFolder.make();
  t.equal(statSync(folder.path).mode & 0o777, 0o700);
  const { file, url } = folder.redisSettings(77);
  t.equal(statSync(file).mode & 0o777, 0o600);
  const password = new URL(url).password;
  t.match(readFileSync(file, 'utf8'), `requirepass ${password}\n`);
  mkdirSync(folder.logs);
  const kept = folder.keepLogs()!;
  folder.remove();
  const there = readdirSync(tmpdir());
  t.notOk(there.some((name) => left.endsWith(name) || folder.path.endsWith(name)));
  t.ok(there.some((name) => kept.endsWith(name)));
  (await import('node:fs')).rmSync(kept, { recursive: true });
  t.equal(new Set(await freePorts(5)).size, 5);
});
