/** meb-route as a process (teb.md, section 8), alone and behind teb-decide and eb-join: buffers, clients that are slow or die, dealing. */

import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../executable.ts';
import { needsShared } from '../golden.ts';
import { asked, type Started, start, until } from '../trigger/processes.ts';
import { Scenario } from '../trigger/scenarios.ts';
import { asRecords, asXtc, detectorRun, type Event, L1, monStream, scratch } from '../trigger/streams.ts';

type Test = Parameters<typeof scratch>[0];
type Line = Record<string, unknown>;

const DRPS = [0, 1, 2].map((id) => ({ id, alias: `det${id}_0`, rog: id === 2 ? 1 : 0, buffers: 4096 }));
const word = (buffer: number, meb = 0) => (0x40000000 | (meb << 24) | buffer) >>> 0;

function configIn(folder: string, mebs: readonly number[], reserve: Record<string, number> = {}): string {
  const file = join(folder, 'config.json');
  const monitors = mebs.map((buffers, id) => ({ id, alias: `meb${id}`, buffers }));
  writeFileSync(file, JSON.stringify({ common: 0, drps: DRPS, mebs: monitors, rogRsrvdBuf: reserve }));
  return file;
}

function fifo(folder: string, name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

const summary = (words: string): Line => JSON.parse(/^\{.*\}$/m.exec(words)![0]);

const dgrams = async (file: string): Promise<Line[]> => {
  const { stdout } = await run('dgram-cat', ['--format', 'jsonl', '-d', file]);
  return stdout
    .toString()
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

/** Two detectors at the common rate; a third one on every `every`th pulse, with its group in the events of all. */
function three(count: number, every: number, padding = 0): Event[][] {
  const slow = detectorRun(count, { src: 2, rogs: 3, every, padding });
  const slowPids = new Set(slow.map(({ pid }) => pid));
  const fast = [0, 1].map((src) => {
    const events = detectorRun(count, { src, padding });
    for (const event of events) {
      if (event.svc !== L1 || !slowPids.has(event.pid)) continue;
      event.rogs = 3;
      event.dgram.writeUInt32LE((L1 << 24) | 3, 8);
    }
    return events;
  });
  return [...fast, slow];
}

t.test('events of all receivers become one dgram with a Parent for each (section 8.1)', async (t) => {
  const folder = scratch(t);
  const runs = three(20, 5);
  const mons = runs.map((events, i) => {
    const file = join(folder, `${i}.mon`);
    // The second detector lost one event.
    const own = events.filter((_, k) => !(i === 1 && k === 8));
    writeFileSync(
      file,
      monStream(own, (index) => word(index), i),
    );
    return ['--mon', file];
  });
  const client = join(folder, 'client.xtc2');
  const config = configIn(folder, [32]);
  const outcome = await run('meb-route', ['build', '--config', config, ...mons.flat(), '--client', client]);
  t.equal(outcome.status, 0, outcome.stderr);
  t.match(summary(outcome.stderr), { events: 20, transitions: 4, delivered: 20, fixed_up: 1, missing: { 1: 1 } });
  const check = await run('dgram-cat', ['--check', client]);
  t.equal(check.status, 0, check.stdout.toString());
  const all = await dgrams(client);
  t.same(all.map(({ service }) => service).slice(0, 5), ['Configure', 'BeginRun', 'BeginStep', 'Enable', 'L1Accept']);
  const events = all.slice(4).map(({ data, damage }) => ({ dets: Object.keys(data as object), damage }));
  t.same(events[0], { dets: ['det0', 'det1', 'det2'], damage: [] });
  t.same(events[1], { dets: ['det0', 'det1'], damage: [] });
  t.same(events[4], { dets: ['det0'], damage: ['DroppedContribution'] });
});

t.test('detector processes with one node number: descriptions and data are kept apart, and it is said', async (t) => {
  const folder = scratch(t);
  const runs = [0, 1].map((src) => detectorRun(3, { src, node: 7 }));
  const mons = runs.map((events, i) => {
    const file = join(folder, `${i}.mon`);
    writeFileSync(
      file,
      monStream(events, (index) => word(index), i),
    );
    return ['--mon', file];
  });
  const client = join(folder, 'client.xtc2');
  const outcome = await run('meb-route', [
    'build',
    '--config',
    configIn(folder, [8]),
    ...mons.flat(),
    '--client',
    client,
  ]);
  t.equal(outcome.status, 0, outcome.stderr);
  t.match(outcome.stderr, /detector process 1: its node number 7 is that of another one/);
  t.equal((await run('dgram-cat', ['--check', client])).status, 0);
  for (const [i, { data }] of (await dgrams(client)).slice(4).entries()) {
    t.same(data, { det0: { 0: { raw: { n: i } } }, det1: { 0: { raw: { n: i } } } });
  }
});

/** Contributions, decisions, joining and monitoring of three detectors, all at once; buffers come back only with `free`. */
async function chain(
  t: Test,
  folder: string,
  runs: readonly (readonly Event[])[],
  { config, free, clients }: { config: string; free?: boolean; clients: readonly string[] },
): Promise<{ teb: Line; joins: Line[]; meb: Line; recorded: Buffer[] }> {
  const to = (name: string) => fifo(folder, name);
  const freeStream = free ? to('free') : undefined;
  const [results, mons] = [runs.map((_, i) => to(`r${i}`)), runs.map((_, i) => to(`m${i}`))];
  for (const [i, events] of runs.entries()) {
    writeFileSync(join(folder, `${i}.xtc2`), asXtc(events));
    writeFileSync(
      join(folder, `${i}.ebd`),
      asRecords(events.map((event) => ({ ...event, dgram: header(event.dgram) }))),
    );
  }
  const meb = start(t, 'meb-route', [
    ...['build', '--config', config],
    ...mons.flatMap((mon) => ['--mon', mon]),
    ...clients.flatMap((client) => ['--client', client]),
    ...(freeStream ? ['--free', freeStream] : []),
  ]);
  const joins = runs.map((_, i) =>
    start(t, 'eb-join', [
      ...['--config', config, '--receiver', String(i), '--events', join(folder, `${i}.xtc2`)],
      ...['--results', results[i]!, '--mon', mons[i]!, '--record', join(folder, `${i}.out`)],
    ]),
  );
  const teb = start(t, 'teb-decide', [
    ...['--config', config, '--rule', 'all', '--stats'],
    ...runs.flatMap((_, i) => ['--in', `${i}=${join(folder, `${i}.ebd`)}`, '--out', `${i}=${results[i]}`]),
    ...(freeStream ? ['--mon-in', freeStream] : []),
  ]);
  const all: [string, Started][] = [
    ['teb-decide', teb],
    ...joins.map((one): [string, Started] => ['eb-join', one]),
    ['meb-route', meb],
  ];
  for (const [name, one] of all) {
    const status = await one.ended;
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${one.stderr()}`);
  }
  const recorded = runs.map((_, i) => readFileSync(join(folder, `${i}.out`)));
  return {
    teb: summary(teb.stderr()),
    joins: joins.map((one) => summary(one.stderr())),
    meb: summary(meb.stderr()),
    recorded,
  };
}

function header(dgram: Buffer): Buffer {
  const only = Buffer.from(dgram.subarray(0, 24));
  only.writeUInt32LE(12, 20);
  return only;
}

t.test('S11: monitors and reservations; every detector records everything all the same', async (t) => {
  // Buffers do not come back, 20 of 80 events are slow: [buffers], reserved, events shown, slow ones among them.
  const cases: [number[], number, number, number][] = [
    [[], 0, 0, 0],
    [[8], 3, 8, 5],
    [[8, 8], 0, 16, 4],
    [[8, 8], 3, 16, 9],
    [[8, 8], 8, 16, 16],
    [[4, 8, 3, 2], 2, 17, 10],
  ];
  for (const [mebs, reserve, shown, slow] of cases) {
    const folder = scratch(t);
    const runs = three(80, 4);
    const client = join(folder, 'client.xtc2');
    const config = configIn(folder, mebs, reserve > 0 ? { 1: reserve } : {});
    const { teb, joins, meb, recorded } = await chain(t, folder, runs, { config, clients: [client] });
    const what = `${mebs.length} monitors, ${reserve} reserved`;
    for (const [i, bytes] of recorded.entries()) t.ok(bytes.equals(asXtc(runs[i]!)), what);
    t.equal(
      (teb.monitored as number[]).reduce((sum, count) => sum + count, 0),
      shown,
      what,
    );
    t.match(meb, { events: shown, delivered: shown, no_client: 0, stray: 0, fixed_up: 0 }, what);
    t.equal((meb.groups as number[])[1], slow, what);
    for (const { all, idle, announced, held } of meb.buffers as Record<string, number>[]) {
      t.equal(idle! + announced! + held!, all, 'no buffer is lost (I18)');
    }
    t.match(joins[2], { events: 24, recorded: 24 });
  }
});

t.test('a detector at a thousandth of the rate is seen beside fast ones if buffers are reserved for it', async (t) => {
  for (const reserve of [0, 2]) {
    const folder = scratch(t);
    const client = join(folder, 'client.xtc2');
    const config = configIn(folder, [8], reserve > 0 ? { 1: reserve } : {});
    const { meb } = await chain(t, folder, three(3000, 1000), { config, clients: [client] });
    // The first event is one of all; without a reservation the fast ones then take everything.
    t.equal((meb.groups as number[])[1], reserve === 0 ? 1 : 3, `${reserve} reserved`);
    const seen = (await dgrams(client)).filter(
      ({ service, data }) => service === 'L1Accept' && 'det2' in (data as object),
    );
    t.equal(seen.length, reserve === 0 ? 1 : 3);
  }
});

t.test('buffers come back when clients have taken their events; without clients nothing is shown', async (t) => {
  const folder = scratch(t);
  const runs = three(2000, 10);
  const config = configIn(folder, [4]);
  const client = join(folder, 'client.xtc2');
  const { teb, meb } = await chain(t, folder, runs, { config, free: true, clients: [client] });
  const [monitored] = teb.monitored as number[];
  t.match(meb, { events: monitored, delivered: monitored, stray: 0, client_left: 0 });
  t.ok(Number(meb.announced) >= 4 && Number(meb.announced) - Number(monitored) <= 4, 'announced = used + free');
  const empty = scratch(t);
  const nobody = await chain(t, empty, runs, { config: configIn(empty, [4]), free: true, clients: [] });
  t.match(nobody.meb, { events: 0, announced: 0 });
  t.match(nobody.teb, { monitored: [0], mon_denied: 2000 });
});

/** meb-route alone: the test is the receivers of detector 0, and the decider. */
function alone(t: Test, folder: string, args: readonly string[], buffers = 4) {
  const config = configIn(folder, [buffers]);
  const [mon, free] = [fifo(folder, 'mon'), fifo(folder, 'free')];
  writeFileSync(
    config,
    readFileSync(config, 'utf8')
      .replace(/,{"id":1,.*?}/, '')
      .replace(/,{"id":2,.*?}/, ''),
  );
  const process = start(t, 'meb-route', ['build', '--config', config, '--mon', mon, '--free', free, ...args]);
  const words: number[] = [];
  createReadStream(free).on('data', (bytes) => {
    for (let at = 0; at + 4 <= bytes.length; at += 4) words.push((bytes as Buffer).readUInt32LE(at));
  });
  const toMon = createWriteStream(mon);
  toMon.on('error', () => {});
  return { process, words, toMon };
}

t.test(
  'a client that reads nothing holds its buffers; when it is killed they come back, and the next one begins with Configure',
  async (t) => {
    const folder = scratch(t);
    const client = fifo(folder, 'client');
    const { process, words, toMon } = alone(t, folder, ['--client', client]);
    const viewer = spawn('sh', ['-c', `exec sleep 1000 < ${client}`], { stdio: 'ignore' });
    t.teardown(() => void viewer.kill('SIGKILL'));
    await until('the free buffers', () => words.length === 4);
    t.same(
      words.splice(0),
      [0, 1, 2, 3].map((buffer) => word(buffer)),
    );
    const events = detectorRun(5, { padding: 200_000 });
    toMon.write(monStream(events.slice(0, 8), (index) => word(index), 0));
    await asked(process, /in 4 = out 0 \+ held 4/);
    t.same(words, [], 'nothing is announced while a client holds everything');
    viewer.kill('SIGKILL');
    // Only a write shows that the reader is gone, and one is under way.
    await asked(process, /client_left 4/);
    const next = start(t, 'dgram-cat', [client]);
    await until('the buffers to be announced again', () => words.length === 4);
    toMon.end(monStream(events.slice(8), () => words[0]!, 0));
    t.equal(await process.ended, 0, process.stderr());
    t.match(summary(process.stderr()), { events: 5, delivered: 1, client_left: 4, stray: 0 });
    await next.ended;
    t.match(next.stdout().toString(), /Configure.*BeginRun.*BeginStep.*Enable.*L1Accept/s);
  },
);

t.test('events that are too big, and buffers that nobody announced, are dropped and counted', async (t) => {
  const folder = scratch(t);
  const client = join(folder, 'client.xtc2');
  const { process, words, toMon } = alone(t, folder, ['--client', client, '--max-event', '5000']);
  await until('the free buffers', () => words.length === 4);
  const events = [...detectorRun(1), ...detectorRun(3, { padding: 4_950 }).slice(5)];
  toMon.end(monStream(events, (index) => (index === 2 ? word(9) : word(index)), 0));
  t.equal(await process.ended, 0, process.stderr());
  t.match(summary(process.stderr()), { events: 3, delivered: 1, too_big: 1, stray: 1, buffers: [{ all: 4, held: 0 }] });
  t.ok(words.filter((one) => one === word(1)).length === 2, 'the buffer of the event that was too big is free again');
  t.equal((await dgrams(client)).length, 5);
});

t.test(
  'records that are garbage end their stream with status 1, and the rest goes on; SIGTERM ends in order',
  async (t) => {
    const folder = scratch(t);
    const good = join(folder, 'good');
    const bad = join(folder, 'bad');
    writeFileSync(
      good,
      monStream(detectorRun(3), (index) => word(index), 0),
    );
    writeFileSync(bad, Buffer.alloc(200, 0xee));
    const config = configIn(folder, [8]);
    const outcome = await run('meb-route', [
      'build',
      '--config',
      config,
      '--mon',
      good,
      '--mon',
      bad,
      '--client',
      '/dev/null',
    ]);
    t.equal(outcome.status, 1);
    t.match(summary(outcome.stderr), { events: 3, delivered: 3, bad_frame: 1 });
    const { process, toMon } = alone(t, scratch(t), ['--client', '/dev/null']);
    toMon.write(monStream(detectorRun(2), (index) => word(index), 0));
    await asked(process, /in 2 = out 2/);
    process.child.kill('SIGTERM');
    t.equal(await process.ended, 0, process.stderr());
  },
);

t.test(
  'deal: a filter on results gives what teb-decide deals itself (section 8.2)',
  needsShared('data', 'teb'),
  async (t) => {
    for (const name of ['meb2_reserve3', 'meb4_turns', 'meb3_reserve_mixed', 'script_router_throttle']) {
      const folder = scratch(t);
      const scenario = new Scenario(name);
      const inputs = scenario.config.drps.flatMap(({ id }) => {
        const file = join(folder, `${id}.ebd`);
        writeFileSync(file, Buffer.concat(scenario.contributions(id)));
        return ['--in', `${id}=${file}`];
      });
      for (const extended of [[], ['--result-ext']]) {
        const decide = (out: string, more: readonly string[]) =>
          run('teb-decide', ['--config', scenario.configFile, ...inputs, '--out', `all=${out}`, ...extended, ...more]);
        const [dealt, wishes, filtered] = ['dealt', 'wishes', 'filtered'].map((file) => join(folder, file)) as [
          string,
          string,
          string,
        ];
        const outcomes = await Promise.all([decide(dealt, []), decide(wishes, ['--mon-deal', 'no'])]);
        for (const { status, stderr } of outcomes) t.equal(status, 0, stderr);
        const filter = await run('meb-route', [
          'deal',
          '--config',
          scenario.configFile,
          '--in',
          wishes,
          '--out',
          filtered,
        ]);
        t.equal(filter.status, 0, filter.stderr);
        t.notOk(readFileSync(wishes).equals(readFileSync(dealt)));
        t.same(withoutEndMarks(readFileSync(filtered)), withoutEndMarks(readFileSync(dealt)), name);
      }
    }
  },
);

/** Results as text; where batches end depends on time. */
function withoutEndMarks(results: Buffer): string[] {
  const records: string[] = [];
  for (let at = 0; at < results.length; at += 20 + results.readUInt32LE(at + 28)) {
    const record = Buffer.from(results.subarray(at, at + 20 + results.readUInt32LE(at + 28)));
    record[7]! &= 0xbf;
    records.push(record.toString('hex'));
  }
  return records;
}
