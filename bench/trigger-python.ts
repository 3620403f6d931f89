/**
 * Decisions of Python processes through our pipes, against a bare Python echo of the same bytes in the same run.
 * Run: npm run bench trigger-python
 *
 * Three sources with 8-byte primitives. Batches are built before, so what is measured is the way to Python, Python, and the way back.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findInterpreter } from '../lib/python/interpreter.ts';
import { PythonProcess } from '../lib/python/process.ts';
import { EventBatch } from '../lib/trigger/decide/batch.ts';
import { FRAME, FREE_BYTES, RESULT, TO_DECIDER, writeFrameHeader } from '../lib/trigger/decide/frames.ts';
import { OwnPipes } from '../lib/trigger/decide/own-pipes.ts';
import { ProcessDecider } from '../lib/trigger/decide/process-decider.ts';
import type { DeciderSetup } from '../lib/trigger/decide/types.ts';
import { contributionBytes, eventEnv } from '../lib/trigger/wire/eb-dgram.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = join(root, '..', 'shared', 'data', 'teb', 'scripts');
const folder = mkdtempSync(join(tmpdir(), 'trigger-bench-'));
const { command: python, numpy } = await findInterpreter();
const TICKS_PER_SECOND = 100;
const ROUNDS = 3;

const setup: DeciderSetup = {
  common: 0,
  id: 0,
  drps: ['timing_0', 'det1_0', 'det2_0'].map((alias, id) => ({ id, alias, rog: 0, buffers: 16, kind: 'tmo' })),
  mebs: [{ id: 0, alias: 'meb0', buffers: 8 }],
};

function makeBatch(count: number): EventBatch {
  const batch = new EventBatch(count);
  const payload = Buffer.alloc(8);
  for (let i = 0; i < count; i++) {
    const pid = 1000 + i;
    payload.writeUInt32LE((i * 37) % 1500, 0);
    batch.begin(pid, 0);
    for (let src = 0; src < 3; src++) {
      const record = contributionBytes({ pid, seconds: 1000, nanoseconds: i, env: eventEnv(1, 12), src }, payload);
      batch.contribution(record, 0, record.length);
    }
  }
  return batch;
}

interface Measured {
  eventsPerSecond: number;
  /** Seconds of Python's processor time per second. */
  share: number;
}

async function measure(pid: number, events: number, run: () => Promise<void>): Promise<Measured> {
  const before = cpuSeconds(pid);
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  return { eventsPerSecond: events / seconds, share: (cpuSeconds(pid) - before) / seconds };
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function withDecider(script: string, size: number, batches: number, inFlight: number): Promise<Measured> {
  const link = new OwnPipes(setup, {
    kind: 'python',
    python,
    script,
    folder: join(root, 'python'),
    allowPickle: false,
  });
  const limits = { onError: 'stop', restarts: 0, timeoutMs: 10_000, startTimeoutMs: 30_000 } as const;
  const decider = new ProcessDecider({ ...limits, link, say: console.error, prefix: '' });
  await decider.configure({});
  const made = Array.from({ length: inFlight }, () => makeBatch(size));
  const play = async (batch: EventBatch, times: number) => {
    for (let i = 0; i < times; i++) {
      batch.answered = 0;
      await decider.decide(batch);
    }
  };
  await play(made[0]!, 50);
  const measured = await measure(decider.pid!, batches * size, async () => {
    await Promise.all(made.map((batch) => play(batch, batches / inFlight)));
  });
  if (decider.counts.forced > 0) throw new Error(`${script} failed`);
  await decider.stop();
  return measured;
}

/** The same bytes there, and as many back. */
async function echo(size: number, batches: number, inFlight: number): Promise<Measured> {
  const process = new PythonProcess({
    command: python,
    args: ['-u', join(root, 'bench', 'trigger_echo.py')],
    pipes: true,
  });
  const entries = makeBatch(size).entries(0, size);
  const header = {
    kind: TO_DECIDER.EVENTS,
    flags: 0,
    count: size,
    bytes: entries.length + FREE_BYTES,
    sequence: 1,
    number: 1,
  };
  const frame = Buffer.concat([writeFrameHeader(Buffer.alloc(FRAME.size), header), entries, Buffer.alloc(FREE_BYTES)]);
  const answer = FRAME.size + RESULT.size * size;
  const play = (times: number) =>
    new Promise<void>((resolve) => {
      let sent = 0;
      let received = 0;
      const send = () => {
        if (sent++ < times) process.toProcess.write(frame);
      };
      const take = (bytes: Buffer) => {
        const before = Math.floor(received / answer);
        received += bytes.length;
        for (let i = before; i < Math.floor(received / answer); i++) send();
        if (received === times * answer) {
          process.fromProcess.off('data', take);
          resolve();
        }
      };
      process.fromProcess.on('data', take);
      for (let i = 0; i < inFlight; i++) send();
    });
  await play(50);
  const measured = await measure(process.pid!, batches * size, () => play(batches));
  await process.stop('SIGKILL');
  return measured;
}

const k = (value: number) => `${(value / 1000).toFixed(1)} k/s`;

async function compare(
  name: string,
  script: string,
  size: number,
  batches: number,
  inFlight: number,
  goal: string,
): Promise<void> {
  let best: Measured = { eventsPerSecond: 0, share: 0 };
  let reference: Measured = { eventsPerSecond: 0, share: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const [bare, found] = [await echo(size, batches, inFlight), await withDecider(script, size, batches, inFlight)];
    if (bare.eventsPerSecond > reference.eventsPerSecond) reference = bare;
    if (found.eventsPerSecond > best.eventsPerSecond) best = found;
  }
  const ratio = reference.eventsPerSecond / best.eventsPerSecond;
  const each = size === 1 ? `, ${(1e6 / best.eventsPerSecond).toFixed(1)} us per round trip` : '';
  console.log(
    `${name}: ${ratio.toFixed(2)}x the time of a bare echo (${k(reference.eventsPerSecond)}); ${k(best.eventsPerSecond)}${each} (goal ${goal}), Python busy ${(100 * best.share).toFixed(0)} %`,
  );
}

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const decide = script('decide.py', 'def decide(ev):\n    return ev.get("det1_0").write > 700, 1\n');
const columns = script('columns.py', 'def decide_batch(b):\n    return b.col("det1_0", "write") > 700, 1\n');

await compare('one event per message, decide(event)', decide, 1, 20_000, 1, '-');
if (existsSync(shared)) {
  await compare('batches of 64, pass_all.py unmodified', join(shared, 'pass_all.py'), 64, 4000, 2, '>= 60 k/s');
  await compare(
    'batches of 64, threshold_prescale.py unmodified',
    join(shared, 'threshold_prescale.py'),
    64,
    2000,
    2,
    '>= 60 k/s',
  );
} else console.log('unmodified scripts: skipped, shared test data is absent (../shared/data/teb)');
await compare('batches of 64, decide(event)', decide, 64, 3000, 2, '-');
if (numpy === undefined) console.log('decide_batch(events): skipped, numpy is absent');
else {
  await compare('batches of 64, decide_batch(events)', columns, 64, 8000, 2, '>= 500 k/s');
  await compare('batches of 512, decide_batch(events)', columns, 512, 2000, 2, '>= 500 k/s');
}
rmSync(folder, { recursive: true });
