/** From a scan file to the processes of its ensemble (docs/mapreduce.md, "A local ensemble"). Pure. */

import { quote } from 'shell-quote';
import { controlUrl, resultsUrl } from './addresses.ts';
import { isModule } from './scan-file.ts';
import type {
  Scan,
  ScanIngester,
  ScanReducer,
  ScanWorkers,
  UpEntry,
  UpMember,
  UpPlan,
  UpReady,
  UpRole,
} from './types.ts';

/** What was found for this run; nothing of it stands in a command line but folders and ports. */
export interface Places {
  /** Redis, with its password. */
  readonly redis: string;
  /** Settings of a Redis of our own; undefined: somebody else's. */
  readonly redisSettings: string | undefined;
  /** For what must survive a process. */
  readonly folder: string;
  readonly controlPort: number;
  readonly resultsPort: number;
}

const ALIVE: UpReady = { kind: 'alive', seconds: 0.2 };
/** None of them ends by itself: whatever ended it, it is started again. */
export const RESTART = { when: 'always', most: 20, within: 60 } as const;

const REDIS_ID = 'redis';
const CONTROL_ID = 'control';
const REDUCER_ID = 'reducer';

/** When each role is taken to be up. */
export const READY: Readonly<Record<UpRole, UpReady>> = {
  redis: { kind: 'line', pattern: 'Ready to accept connections' },
  control: { kind: 'line', pattern: '^http://' },
  reducer: { kind: 'line', pattern: '^http://' },
  worker: { kind: 'line', pattern: 'is ready for maps' },
  ingester: ALIVE,
  other: ALIVE,
};

export function planOf(scan: Scan, places: Places): UpPlan {
  const { redis, redisSettings, controlPort } = places;
  const entries: UpEntry[] = [];
  const members: UpMember[] = [];
  const add = (role: UpRole, name: string, cmd: string, after: readonly string[]) => {
    const id = role === 'worker' || role === 'ingester' ? name : ROLE_ID[role];
    const env = new Map([['REDIS_URL', redis]]);
    entries.push({ id, cmd, env, after, ready: READY[role], restart: RESTART, line: undefined });
    members.push({ id, role, name });
  };
  const first = redisSettings === undefined ? [] : [REDIS_ID];
  if (redisSettings !== undefined) {
    entries.push(redisEntry(redisSettings));
    members.push({ id: REDIS_ID, role: 'redis', name: REDIS_ID });
  }
  const control = ['map-control', '--port', String(controlPort), ...scan.control.options];
  const reducer = reducerWords(scan.reducer, places);
  add('control', CONTROL_ID, quote(control), first);
  add('reducer', REDUCER_ID, quote(reducer), [CONTROL_ID]);
  for (const ingester of scan.ingesters) add('ingester', ingester.name, ingesterCommand(ingester), [CONTROL_ID]);
  const before = [REDUCER_ID, ...scan.ingesters.map(({ name }) => name)];
  for (const group of scan.workers)
    for (const name of workerNames(group)) add('worker', name, workerCommand(group, name), before);
  return {
    ...{ entries, members },
    control: controlUrl(control),
    results: resultsUrl(reducer),
  };
}

/** A Redis of our own. @param settings a file, because command lines are seen by everybody */
export function redisEntry(settings: string): UpEntry {
  const cmd = quote(['redis-server', settings]);
  return { id: REDIS_ID, cmd, env: new Map(), after: [], ready: READY.redis, restart: RESTART, line: undefined };
}

const ROLE_ID: Readonly<Record<UpRole, string>> = {
  redis: REDIS_ID,
  control: CONTROL_ID,
  reducer: REDUCER_ID,
  ...{ worker: '', ingester: '', other: '' },
};

function workerNames({ name, count }: ScanWorkers): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
}

/** The words that name a payload. */
function payloadWords(payload: string): string[] {
  return isModule(payload) ? ['--js', payload] : [payload];
}

function workerCommand({ payload, tags, options }: ScanWorkers, name: string): string {
  return quote(['map-work', ...payloadWords(payload), '--name', name, '--tags', tags.join(','), ...options]);
}

function reducerWords({ payload, journal, options }: ScanReducer, { folder, resultsPort }: Places): string[] {
  const file = typeof journal === 'string' ? journal : journal ? `${folder}/results.cbors` : undefined;
  const kept = file === undefined ? [] : ['--replay-results', file];
  const words = ['--bind', 'tcp://127.0.0.1:*', '--port', String(resultsPort), ...kept, ...options];
  return ['map-reduce', ...payloadWords(payload), ...words];
}

function ingesterCommand({ name, streams, pipe, options }: ScanIngester): string {
  const sources = streams.flatMap((one) => ['--kind', one.kind, '--stream', one.name, '--upstream', one.upstream]);
  const command = quote(['map-ingest', '--name', name, ...sources, ...options]);
  return pipe === undefined ? command : `${pipe} | ${command}`;
}

/** Whether all sources come to an end by themselves. */
export function endsByItself({ ingesters }: Scan): boolean {
  return ingesters.every(
    ({ pipe, streams }) =>
      pipe !== undefined ||
      streams.every(({ kind, upstream }) => kind === 'recorded' || kind === 'xtc' || upstream.startsWith('file:')),
  );
}
