/**
 * 100 MB of constants to 10 subscribers: calib-pub's own publisher against a PUB socket of the zeromq library with the same bytes, and against 10
 * fetches. Subscribers are sockets of the library in a process of their own. Run: npm run bench calib
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Publisher as Pub, Subscriber } from 'zeromq';
import { npyFrames } from '../lib/calib/encode/npy-frames.ts';
import { ConstantFetcher } from '../lib/calib/fetch.ts';
import { FetchCounters } from '../lib/calib/fetch-counters.ts';
import { parseBind } from '../lib/calib/publish/endpoint.ts';
import { Publisher } from '../lib/calib/publish/publisher.ts';
import { openSource } from '../lib/calib/source/open.ts';
import { parseDetector } from '../lib/calib/wanted.ts';
import { npyHeader } from '../lib/npy.ts';
import { compare } from './harness.ts';

const SUBSCRIBERS = 10;
const MEGABYTES = 100;
const SHAPE = [MEGABYTES / 4, 1024, 1024];
const DETECTOR = parseDetector('epix=epix10ka:5,7');
const SELF = fileURLToPath(import.meta.url);

const [role, place] = process.argv.slice(2);
if (role === 'readers') await read(place!);
else await measure();

/** Ten subscribers; a line for each round in which all have everything. */
async function read(endpoint: string): Promise<void> {
  const sockets = Array.from({ length: SUBSCRIBERS }, () => {
    const socket = new Subscriber({ linger: 0, receiveHighWaterMark: 2 });
    socket.connect(endpoint);
    socket.subscribe();
    return socket;
  });
  for (;;) {
    const sizes = await Promise.all(sockets.map(async (socket) => (await socket.receive()).at(-1)!.length));
    process.stdout.write(`${sizes.reduce((sum, size) => sum + size, 0)}\n`);
  }
}

/** Ten readers in a process of their own; `round` ends when all have a message. */
function startReaders(endpoint: string): { round(): Promise<void>; child: ChildProcess } {
  const child = spawn(process.execPath, ['--import', 'tsx', SELF, 'readers', endpoint], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, round: async () => void (await lines.next()) };
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calib-bench-'));
  const constants = join(folder, 'constants');
  mkdirSync(join(constants, 'epix'), { recursive: true });
  const bytes = Buffer.alloc(MEGABYTES << 20, 1);
  writeFileSync(join(constants, 'epix', 'pedestals.npy'), Buffer.concat([npyHeader('<f4', SHAPE), bytes]));
  const children: ChildProcess[] = [];
  try {
    for (const transport of ['ipc', 'tcp'] as const)
      children.push(...(await againstLibrary(transport, folder, constants)));
    children.push(await againstFetches(folder, constants));
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openPublisher(bind: string): Promise<Publisher> {
  const publisher = new Publisher({
    policy: { late: 'once', expect: 0, expectTimeout: 0 },
    endpoints: [parseBind(bind, 'npy-frames')],
    partition: 0,
    say: console.error,
  });
  await publisher.open();
  return publisher;
}

async function againstLibrary(transport: 'ipc' | 'tcp', folder: string, constants: string): Promise<ChildProcess[]> {
  const bind = (name: string) => (transport === 'ipc' ? `ipc://${folder}/${name}.sock` : 'tcp://127.0.0.1:0');
  const set = await fetcherOf(constants).constants('tst1', 7, [DETECTOR]);
  const publisher = await openPublisher(bind('own'));
  const own = startReaders(publisher.places[0]!.text);
  const pub = new Pub({ linger: 0 });
  await pub.bind(bind('library'));
  const library = startReaders(pub.lastEndpoint!);
  while (publisher.publication.subscribed < SUBSCRIBERS) await sleep(10);
  // A PUB socket does not say who is there.
  await sleep(1000);
  const frames = npyFrames(set, { origin: '0'.repeat(16), seq: 1, partition: 0 });
  await compare({
    name: `${MEGABYTES} MB to ${SUBSCRIBERS} subscribers, ${transport}`,
    reference: {
      name: 'PUB of the library',
      run: async () => {
        await pub.send(frames);
        await library.round();
      },
    },
    candidate: {
      name: 'calib-pub',
      run: async () => {
        publisher.begin('tst1', 7);
        await publisher.publish(set);
        await own.round();
      },
    },
    goal: 1.3,
    clock: 'wall',
    rounds: 5,
  });
  pub.close();
  await publisher.close();
  return [own.child, library.child];
}

function fetcherOf(source: string): ConstantFetcher {
  const counters = new FetchCounters();
  const web = { timeout: 60_000, retries: 0, maxConstant: 2 ** 31, counters, note: console.error };
  return new ConstantFetcher({ source: openSource(source, web), counters });
}

/** The whole way: fetched once and published, against everybody fetching for himself. */
async function againstFetches(folder: string, constants: string): Promise<ChildProcess> {
  const bin = fileURLToPath(new URL('../bin/calib-serve', import.meta.url));
  const service = spawn(bin, [constants, '--det', 'epix=epix10ka:5,7', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await urlOf(service);
  const publisher = await openPublisher(`ipc://${folder}/fetch.sock`);
  const readers = startReaders(publisher.places[0]!.text);
  while (publisher.publication.subscribed < SUBSCRIBERS) await sleep(10);
  const fetch = async () => {
    const fetcher = fetcherOf(url);
    const set = await fetcher.constants('tst1', 7, [DETECTOR]);
    fetcher.close();
    return set;
  };
  await compare({
    name: `${MEGABYTES} MB fetched once and published to ${SUBSCRIBERS}`,
    reference: {
      name: `${SUBSCRIBERS} fetches`,
      run: async () => void (await Promise.all(Array.from({ length: SUBSCRIBERS }, fetch))),
    },
    candidate: {
      name: 'one fetch',
      run: async () => {
        publisher.begin('tst1', 7);
        await publisher.publish(await fetch());
        await readers.round();
      },
    },
    goal: 1,
    clock: 'wall',
    rounds: 3,
  });
  await publisher.close();
  readers.child.kill();
  return service;
}

async function urlOf(service: ChildProcess): Promise<string> {
  for await (const text of [service.stdout, service.stderr].map((stream) => stream!)[0]!) {
    const url = /http:\/\/\S+/.exec(String(text));
    if (url) return url[0];
  }
  throw new Error('calib-serve did not start');
}
