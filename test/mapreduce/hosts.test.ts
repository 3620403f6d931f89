/**
 * Whole scans over several hosts: Redis, controller and reducer on the first, the ingester and a worker on the second, another worker on the third,
 * all of them the real executables. What a role tells others must be an address at which it is found from there.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { until } from '../until.ts';
import type { Progress, Service } from './ensemble.ts';
import { type Host, Network, needsHosts } from './hosts.ts';

t.setTimeout(300_000);

const EVENTS = 60;
/** Through shared memory, where it is shared. */
const LARGE = 512 << 10;
const SMALL = 1000;

const FILES = {
  'source.mjs': `
export default class {
  async *runSource() {
    for (let n = 0; n < ${EVENTS + 2}; n++)
      yield { typ: 'RAW', frames: [Buffer.alloc(n % 3 === 0 ? ${LARGE} : ${SMALL}, n % 256)] };
  }
}`,
  'worker.mjs': `
let maps = 0;
export default class {
  constructor({ state }) { this.worker = state.name; }
  async processEvent({ event_number: n, streams }) {
    const [frame] = streams.get('det').frames;
    if (n === 0) maps++;
    const right = frame.equals(Buffer.alloc(n % 3 === 0 ? ${LARGE} : ${SMALL}, n % 256));
    if (maps === 1 && process.env.SLOW) await new Promise((resolve) => setTimeout(resolve, Number(process.env.SLOW)));
    return { worker: this.worker, right };
  }
}`,
  'reducer.mjs': `
export default class {
  #seen = [];
  publish = { seen: '[]' };
  processResult({ event_number, payload: { worker, right } }) {
    this.#seen.push([event_number, worker, right]);
    this.publish.seen = JSON.stringify(this.#seen);
  }
}`,
  'get.mjs': `process.stdout.write(await (await fetch(process.argv[2])).text());`,
};

interface Scene {
  readonly network: Network;
  /** Name of the ingester, and so of its shared memory. */
  readonly ingester: string;
  readonly head: Host;
  readonly second: Host;
  readonly third: Host;
  /** Of Redis. */
  readonly password: string;
  start(host: Host, ...command: string[]): Service;
  work(host: Host, name: string, env?: Record<string, string>): Service;
}

async function setUp(t: Test, family: 4 | 6 = 4): Promise<Scene | undefined> {
  const network = Network.make(t, t.testdir(FILES));
  const [head, second, third] = ['head', 'second', 'third'].map((name) => network.add(name)) as [Host, Host, Host];
  if (![head, second, third].every((host) => host.join(family))) return undefined;
  const password = randomBytes(8).toString('hex');
  const server = head.start([
    ...['redis-server', '--port', '6379', '--bind', '*', '-::*'],
    ...['--requirepass', password, '--save', '', '--dir', network.folder],
  ]);
  await until('Redis', () => /Ready to accept/.test(server.output));
  const place = family === 4 ? head.address : `[${head.address6}]`;
  // On its own host Redis is at the loopback.
  const redis = (host: Host) => `redis://:${password}@${host === head ? '127.0.0.1' : place}:6379/0`;
  const start = (host: Host, ...command: string[]) => host.start(command, { env: { REDIS_URL: redis(host) } });
  const work = (host: Host, name: string, env: Record<string, string> = {}) =>
    host.start(['map-work', '--js', 'worker.mjs', '--name', name, '--tags', `generic,${name}`], {
      env: { REDIS_URL: redis(host), ...env },
      ownMemory: host === third,
    });
  return { network, head, second, third, password, start, work, ingester: `det-${network.space}` };
}

/** The address that a command prints. */
const printed = (service: Service) => until('an address', () => /http:\/\/\S+/.exec(service.output)?.[0]);

function get(host: Host, url: string): unknown {
  const { stdout, stderr, status } = host.run(process.execPath, 'get.mjs', url);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.toString());
}

/** Posts as soon as all are there and connected. */
async function post({ network, head }: Scene, control: string, cells: object[]): Promise<void> {
  const map = join(network.folder, 'map.json');
  writeFileSync(map, JSON.stringify({ parts: { main: { det: cells.map((cell) => [cell]) } }, sequence: ['main'] }));
  let words = '';
  await until('the map to be taken', () => {
    const { status, stderr } = head.run('map-control', 'post', map, '--url', control);
    words = stderr;
    return status === 0;
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${words}`);
  });
}

const progress = ({ head }: Scene, control: string) =>
  JSON.parse(head.run('map-control', 'status', '--url', control).stdout.toString()) as Progress;

async function finished(scene: Scene, control: string): Promise<Progress> {
  return until('the end of the scan', () => {
    const now = progress(scene, control);
    return now.finished ? now : undefined;
  });
}

type Seen = [event: number, worker: string, right: boolean];

/** What the reducer has of each event. */
function seen({ head }: Scene, results: string): Seen[] {
  const id = `d-h5dict-${Buffer.from('/seen').toString('hex').toUpperCase()}`;
  const { value } = get(head, `${results}/datasets/${id}/value`) as { value: string };
  return JSON.parse(value);
}

/** The control socket, as the controller's last update to all has it. */
function toldControl({ head, password }: Scene): string | null {
  const query = ['XREVRANGE', 'dranspose:controller:updates', '+', '-', 'COUNT', '1'];
  const { stdout } = head.run('redis-cli', '-a', password, '--no-auth-warning', '--raw', ...query);
  const [, , update] = stdout.toString().split('\n');
  return (JSON.parse(update!) as { control: string | null }).control;
}

/** Ends in order. Nobody may have lost anything. */
async function end(t: Test, services: readonly Service[]): Promise<void> {
  for (const service of services) t.equal(await service.stop(), 0, service.words);
}

const numbers = Array.from({ length: EVENTS }, (_, i) => i + 1);
/** Odd events for the worker `near`, even ones for `far`. */
const TAGGED = numbers.map((n) => ({ constraint: n, tags: [n % 2 === 1 ? 'near' : 'far'] }));

interface Case {
  readonly what: string;
  readonly family?: 4 | 6;
  readonly transport: 'credits' | 'redis';
  /** What map-control binds. */
  readonly all: string;
  /** What the others bind. */
  readonly socket: string;
}

const CASES: readonly Case[] = [
  { what: 'work over credits', transport: 'credits', all: '0.0.0.0', socket: 'tcp://0.0.0.0:*' },
  { what: 'work through Redis', transport: 'redis', all: '*', socket: 'tcp://*:*' },
  { what: 'IPv6 and nothing else', family: 6, transport: 'credits', all: '::', socket: 'tcp://[::]:*' },
];

for (const { what, family = 4, transport, all, socket } of CASES) {
  t.test(`a whole scan over three hosts, ${what}: nothing is lost`, needsHosts(), async (t) => {
    const scene = await setUp(t, family);
    if (!scene) return t.pass('this kernel has no IPv6: nothing was tried');
    const { head, second, third, start, work } = scene;
    const url = (host: Host) => (family === 4 ? `//${host.address}:` : `//[${host.address6}]:`);
    const controller = start(head, 'map-control', '--port', '0', '--bind', all, '--transport', transport);
    const control = await printed(controller);
    const port = `${family === 4 ? '0.0.0.0' : '[::]'}:0`;
    const reducer = start(head, 'map-reduce', '--js', 'reducer.mjs', '--bind', socket, '--port', port);
    const script = ['--kind', 'script', '--upstream', 'source.mjs', '--stream', 'det'];
    const ingester = start(second, 'map-ingest', ...script, '--bind', socket, '--name', scene.ingester);
    const near = work(second, 'near');
    const far = work(third, 'far');
    const results = await printed(reducer);
    await post(scene, control, TAGGED);

    const config = get(third, `${control}/api/v1/config`) as { ingesters: { url: string }[]; reducer: { url: string } };
    t.ok(config.ingesters[0]!.url.includes(url(second)), config.ingesters[0]!.url);
    t.ok(config.reducer.url.includes(url(head)), config.reducer.url);
    for (const shown of [control, results]) t.ok(shown.includes(url(head)), `what is printed is of use: ${shown}`);
    const told = toldControl(scene) ?? '';
    t.equal(told.includes(url(head)), transport === 'credits', `the control socket: ${told}`);

    t.match(await finished(scene, control), { completed_events: EVENTS + 2, total_events: EVENTS + 2, damaged: 0 });
    const events = seen(scene, results);
    t.same(
      events.filter(([, , right]) => !right),
      [],
      'every byte is as it was sent',
    );
    const expected = [0, EVENTS + 1].flatMap((n) => [
      [n, 'far'],
      [n, 'near'],
    ]);
    for (const n of numbers) expected.push([n, n % 2 === 1 ? 'near' : 'far']);
    t.same(events.map(([n, worker]) => `${n} ${worker}`).sort(), expected.map((one) => one.join(' ')).sort());
    await end(t, [near, far, ingester, reducer, controller]);
    t.match(near.words, /shared-frames \d+/, 'on the host of the ingester large frames come through shared memory');
    t.notMatch(far.words, /shared-frames/, 'on another one nobody tries to');
  });
}

t.test(
  'a host is cut off amid the scan: the others do its events; when it is back it takes part again',
  needsHosts(),
  async (t) => {
    const scene = (await setUp(t))!;
    const { head, second, third, start, work } = scene;
    const controller = start(head, 'map-control', '--port', '0', '--bind', '0.0.0.0', '--depth', '4');
    const control = await printed(controller);
    const reducer = start(head, 'map-reduce', '--js', 'reducer.mjs', '--bind', 'tcp://0.0.0.0:*', '--port', '0');
    const script = ['--kind', 'script', '--upstream', 'source.mjs', '--stream', 'det', '--name', scene.ingester];
    // Another host's name for it, though it is bound to one address only.
    const bind = ['--bind', `tcp://${second.address}:*`, '--advertise', second.address];
    const ingester = start(second, 'map-ingest', ...script, ...bind);
    const near = work(second, 'near', { SLOW: '20' });
    // It has events at hand when the cable is pulled, and long after.
    const far = work(third, 'far', { SLOW: '3000' });
    const results = await printed(reducer);
    const cells = numbers.map((n) => ({ constraint: n }));
    await post(scene, control, cells);
    await until('some events', () => progress(scene, control).completed_events >= 10);
    third.link('down');
    t.equal(progress(scene, control).finished, false);
    t.match(await finished(scene, control), { completed_events: EVENTS + 2, damaged: 0 }, 'the scan ends without it');
    t.same(
      [...new Set(seen(scene, results).map(([n]) => n))].filter((n) => n > 0 && n <= EVENTS).sort((a, b) => a - b),
      numbers,
    );
    third.link('up');
    await until('it to be back', () => {
      const { workers } = get(head, `${control}/api/v1/config`) as { workers: { name: string }[] };
      return workers.some(({ name }) => name === 'far');
    });
    await post(scene, control, cells);
    t.match(await finished(scene, control), { completed_events: EVENTS + 2, damaged: 0 });
    const again = seen(scene, results);
    t.ok(
      again.some(([n, worker]) => worker === 'far' && n > 0 && n <= EVENTS),
      'it has worked',
    );
    t.equal(again.filter(([n]) => n > 0 && n <= EVENTS).length, EVENTS, 'each event once');
    await end(t, [near, ingester, reducer, controller]);
    await far.stop();
  },
);

/** An ensemble of one host that others may join; Redis is there. */
const SCAN = `
redis: redis://127.0.0.1:6379/0
control: {options: [--bind, 0.0.0.0]}
streams: {det: {kind: script, upstream: source.mjs, ingester: INGESTER, options: [--bind, "tcp://*:*"]}}
workers: {payload: worker.mjs, count: 1, name: here}
reducer: {payload: reducer.mjs, options: [--bind, "tcp://*:*", --port, "0.0.0.0:5001"]}
map: {events: ${EVENTS}}
`;

t.test('map-up: a worker of another host joins its ensemble', needsHosts(), async (t) => {
  const { network, head, third, work, ingester, password } = (await setUp(t))!;
  writeFileSync(join(network.folder, 'scan.yaml'), SCAN.replace('INGESTER', ingester));
  const far = work(third, 'far', { SLOW: '20' });
  await until('the worker', () => /is ready for maps/.test(far.words));
  const up = head.start(['map-up', 'scan.yaml', '--once', '--result', 'result.json'], {
    env: { REDISCLI_AUTH: password, SLOW: '20' },
  });
  t.equal(await up.ended(), 0, up.words);
  t.match(up.output, new RegExp(`events: total ${EVENTS + 2} = complete ${EVENTS + 2}`));
  const result = JSON.parse(readFileSync(join(network.folder, 'result.json'), 'utf8')) as { seen: string };
  const events = (JSON.parse(result.seen) as Seen[]).filter(([n]) => n > 0 && n <= EVENTS);
  t.same(
    events.map(([n]) => n).sort((a, b) => a - b),
    numbers,
  );
  t.same(
    events.filter(([, , right]) => !right),
    [],
  );
  t.same([...new Set(events.map(([, worker]) => worker))].sort(), ['far', 'here-1']);
  await end(t, [far]);
});

t.test(
  'who listens at the loopback while Redis is on another host says that nobody will come',
  needsHosts(),
  async (t) => {
    const { second, start } = (await setUp(t))!;
    const ingester = start(second, 'map-ingest', '--kind', 'script', '--upstream', 'source.mjs', '--stream', 'det');
    await until('it to say so', () =>
      /services on other hosts cannot reach tcp:\/\/127\.0\.0\.1:\d+/.test(ingester.words),
    );
    await end(t, [ingester]);
  },
);
