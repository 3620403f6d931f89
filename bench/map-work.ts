/**
 * What the compute side of map-reduce costs. Payload runtimes: events through a Python class against the same in JavaScript, and the share that
 * is not the user's code. Reducer: results per second into a real map-reduce against a bare PULL socket. Run: npm run bench map-work
 */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Pull, Push } from 'zeromq';
import { JsWorker } from '../lib/mapreduce/payload/js-worker.ts';
import { PythonWorker } from '../lib/mapreduce/payload/python-worker.ts';
import type { WorkerPayload } from '../lib/mapreduce/payload/types.ts';
import { encodeValue } from '../lib/mapreduce/payload/values.ts';
import { findInterpreter } from '../lib/python/interpreter.ts';
import { executable } from '../test/executable.ts';
import { RedisServer } from '../test/mapreduce/redis-server.ts';
import { compare } from './harness.ts';

const EVENTS = 10_000;
const RESULTS = 50_000;

const folder = mkdtempSync(join(tmpdir(), 'bench-map-work-'));
process.chdir(folder);
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const jsWorker = file('w.mjs', 'export default class { processEvent(e) { return { n: e.event_number }; } }');
const jsReducer = file('r.mjs', 'export default class { publish = { n: 0 }; processResult() { this.publish.n++; } }');
file(
  'p.py',
  `class Worker:
    def __init__(self, **kwargs): pass
    def process_event(self, event, parameters, tick): return {"n": event.event_number}
class Batch(Worker):
    def process_batch(self, events, parameters): return [{"n": e.event_number} for e in events]
class Reducer:
    def __init__(self, **kwargs): self.publish = {"n": 0}
    def process_result(self, result, parameters): self.publish["n"] += 1
`,
);

const say = () => {};
const python = await findInterpreter();
const options = { python: python.command, role: 'worker', prefix: '', limit: 0, retries: 0, encoding: 'cbor' } as const;
const more = { acceptPickle: false, alias: false, say } as const;

async function ready(payload: WorkerPayload): Promise<WorkerPayload> {
  await payload.begin({ map: randomUUID(), name: 'w', parameters: new Map(), state: {} });
  return payload;
}

/** @returns seconds in user code */
async function events(payload: WorkerPayload, bytes: number): Promise<number> {
  const frames = [Buffer.alloc(64), Buffer.alloc(bytes)];
  const streams = new Map([['det', { typ: 'STINS', frames }]]);
  const outcomes = await Promise.all(
    Array.from({ length: EVENTS }, (_, event_number) => payload.process({ event_number, streams, tick: false })),
  );
  return outcomes.reduce((seconds, outcome) => seconds + outcome.seconds, 0);
}

const js = await ready(await JsWorker.open(jsWorker, 0));
const single = await ready(await PythonWorker.open({ ...options, ...more, path: 'p:Worker' }));
const batch = await ready(await PythonWorker.open({ ...options, ...more, path: 'p:Batch' }));
for (const [name, payload, goal] of [
  ['an event at a time', single, 10],
  ['process_batch', batch, 10],
] as const) {
  let inUserCode = 0;
  const start = performance.now();
  let runs = 0;
  await compare({
    name: `Python payload, ${name}, 64-byte frames`,
    reference: { name: 'JavaScript', run: async () => void (await events(js, 64)) },
    candidate: {
      name: 'Python',
      run: async () => {
        runs++;
        inUserCode += await events(payload, 64);
      },
    },
    ...{ goal, clock: 'wall', rounds: 3, work: { amount: EVENTS, unit: ' events' } },
  });
  const perEvent = (performance.now() - start) / (runs * EVENTS);
  console.log(
    `  in user code and encoding ${((1e6 * inUserCode) / (runs * EVENTS)).toFixed(1)} us of about ${(1000 * perEvent).toFixed(0)} us`,
  );
}
await Promise.all([js.close(), single.close(), batch.close()]);

const body = encodeValue({ sum: 12345, mean: 1.5 });

async function push(url: string, map: string): Promise<Push> {
  const socket = new Push({ sendHighWaterMark: 10_000, linger: 5000 });
  socket.connect(url);
  for (let event_number = 0; event_number < RESULTS; event_number++) {
    const header = {
      event_number,
      worker: 'w1',
      parameters_hash: null,
      map,
      origin: 'w1',
      attempt: 1,
      encoding: 'cbor',
    };
    await socket.send([JSON.stringify(header), body]);
  }
  return socket;
}

async function bare(): Promise<void> {
  const pull = new Pull();
  await pull.bind('tcp://127.0.0.1:*');
  const sending = push(pull.lastEndpoint!, '');
  for (let n = 0; n < RESULTS; n++) await pull.receive();
  (await sending).close();
  pull.close();
}

const redis = await RedisServer.start();
const registry = await redis.registry();
// A reducer takes results of workers that have a configuration.
await registry.redis.set(registry.keys.config('worker', 'w1'), '{}');

async function reduced(words: readonly string[]): Promise<void> {
  const args = [...words, '--bind', 'tcp://127.0.0.1:*', '--port', '0'];
  const child = execa(executable('map-reduce'), args, {
    env: { REDIS_URL: redis.url },
    reject: false,
    stdin: 'ignore',
    cwd: folder,
  });
  let output = '';
  child.stdout.on('data', (text) => (output += String(text)));
  while (!output.includes('http')) await new Promise((resolve) => setTimeout(resolve, 10));
  const config = async () =>
    JSON.parse((await registry.configTexts('reducer')).get('reducer') ?? '{}') as Record<string, unknown>;
  const map = randomUUID();
  const update = {
    mapping_uuid: map,
    parameters_version: {},
    target_parameters_hash: null,
    active_streams: [],
    finished: false,
    impl: 'daqpipe',
  };
  await registry.redis.xadd(registry.keys.updates, '*', 'data', JSON.stringify(update));
  while ((await config()).mapping_uuid !== map) await new Promise((resolve) => setTimeout(resolve, 5));
  const start = performance.now();
  const socket = await push(String((await config()).url), map);
  const count = `${output.trim()}/datasets/d-h5dict-2F6E/value`;
  while (((await (await fetch(count)).json()) as { value: number }).value < RESULTS)
    await new Promise((resolve) => setTimeout(resolve, 5));
  seconds.push((performance.now() - start) / 1000);
  socket.close();
  child.kill('SIGTERM');
  await child;
}

let seconds: number[] = [];
for (const [name, words] of [
  ['JavaScript', ['--js', jsReducer]],
  ['Python', ['p:Reducer']],
] as const) {
  seconds = [];
  const start = performance.now();
  await bare();
  const reference = (performance.now() - start) / 1000;
  for (let round = 0; round < 2; round++) await reduced(words);
  const best = Math.min(...seconds);
  console.log(
    `map-reduce, ${name}: ${(best / reference).toFixed(2)}x of a bare PULL, ${(RESULTS / best / 1000).toFixed(1)} k results/s (goal >= 20), bare ${(RESULTS / reference / 1000).toFixed(1)} k/s`,
  );
}
await registry.close();
await redis.close();
process.chdir('/');
rmSync(folder, { recursive: true, force: true });
