/**
 * teb-decide as a whole, through real pipes: two sources, 40-byte contributions, results to another process. Against the event builder
 * alone on the same bytes, and against plain copying of the same bytes through the same pipes; then latency, and the share of Python.
 * Run: npm run bench teb-decide
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Contracts } from '../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../lib/trigger/building/event-builder.ts';
import { readConfig } from '../lib/trigger/config/read.ts';
import { contributionBytes, EbDgram, eventEnv } from '../lib/trigger/wire/eb-dgram.ts';
import { RESULT } from '../lib/trigger/wire/layout.ts';
import { RecordSplitter } from '../lib/trigger/wire/splitter.ts';
import { executable } from '../test/executable.ts';
import { childCpu, compare } from './harness.ts';

const SOURCES = [0, 1];
const TICKS = 7;
const RATE_HZ = 1000;
const LATENCY_EVENTS = 3000;
const COMPATIBLE = `
from psdaq.trigger import tebTrigger
from psdaq.TmoTebData import TmoTebData
ds = tebTrigger.TriggerDataSource()
for event in ds.events():
    persist = False
    for c in event:
        persist = persist or TmoTebData(c.xtc.payload()).write == 7
    ds.result(persist, 0)
`;
const OWN = `
def decide(ev):
    return ev.get("det_0").write == 7
`;
const COLUMNS = `
def decide_batch(events):
    return (events.col("det_0", "write", 0) == 7) | (events.col("det_1", "write", 0) == 7)
`;

const folder = mkdtempSync(join(tmpdir(), 'daqpipe-bench-teb-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, 'trigger.json');
const drps = SOURCES.map((id) => ({ id, alias: `det_${id}`, rog: 0, buffers: 1024, payload: 'tmo' }));
writeFileSync(config, JSON.stringify({ common: 0, drps }));
for (const [name, text] of Object.entries({ compatible: COMPATIBLE, own: OWN, columns: COLUMNS })) {
  writeFileSync(join(folder, `${name}.py`), text);
}
// Told by the process itself, so that what its children used is the rest.
const preload = join(folder, 'cpu.cjs');
writeFileSync(
  preload,
  `process.on('exit',()=>require('fs').writeFileSync(process.env.CPU_FILE,JSON.stringify(process.cpuUsage())))`,
);

function transitions(src: number): Buffer {
  return Buffer.concat(
    [2, 4, 6, 8].map((svc, i) =>
      contributionBytes({ pid: 100 + i, seconds: 1, nanoseconds: 0, env: eventEnv(1, svc), src }),
    ),
  );
}

function l1(src: number, k: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32LE(k % 10 === 0 ? 7 : 1, 0);
  return contributionBytes({ pid: 1000 + TICKS * k, seconds: 1, nanoseconds: k, env: eventEnv(1, 12), src }, payload);
}

function streamOf(src: number, events: number): Buffer {
  const record = l1(src, 0).length;
  const head = transitions(src);
  const bytes = Buffer.alloc(head.length + events * record);
  head.copy(bytes);
  for (let k = 0; k < events; k++) l1(src, k).copy(bytes, head.length + k * record);
  return bytes;
}

/** Files that all runs of one size share. */
function streams(events: number): string[] {
  return SOURCES.map((src) => {
    const file = join(folder, `${src}-${events}.ebd`);
    writeFileSync(file, streamOf(src, events));
    return file;
  });
}

function builderAlone(files: readonly string[]): number {
  const builder = new EventBuilder(new Contracts(readConfig(config)));
  const record = new EbDgram();
  const inputs = files.map((file) => ({ bytes: readFileSync(file), at: 0, splitter: new RecordSplitter() }));
  let events = 0;
  for (let open = true; open; ) {
    open = false;
    for (const input of inputs) {
      if (input.at >= input.bytes.length) continue;
      open = true;
      input.splitter.push(input.bytes.subarray(input.at, input.at + 65_536));
      input.at += 65_536;
      while (input.splitter.next(record)) builder.contribute(record, 0);
      for (let event = builder.next(); event !== undefined; event = builder.next()) {
        events++;
        builder.release();
      }
    }
  }
  return events;
}

/** Both sources through pipes into a command, whose output goes through a pipe. */
function pipeline(command: (pipes: readonly string[]) => string, files: readonly string[]): void {
  const pipes = files.map((file) => `<(cat ${file})`);
  execFileSync('bash', ['-c', `${command(pipes)} | cat > /dev/null`], { stdio: 'ignore' });
}

const decide = (decider: string) => (inputs: readonly string[]) =>
  `${executable('teb-decide')} --config ${config} ${inputs.map((input) => `--in ${input}`).join(' ')} ${decider}`;

async function throughput(name: string, decider: string, events: number, goal: number): Promise<void> {
  const files = streams(events);
  const copying = { name: 'cat', run: () => pipeline((pipes) => `cat ${pipes.join(' ')}`, files) };
  const building = {
    name: 'event builder alone',
    run: () => {
      builderAlone(files);
    },
  };
  const candidate = { name: 'teb-decide', run: () => pipeline(decide(decider), files) };
  const work = { amount: events, unit: 'events' };
  const shared = { candidate, clock: 'wall', rounds: 2, work } as const;
  await compare({
    ...shared,
    name: `${name}, against plain copying`,
    reference: copying,
    goal: Number.POSITIVE_INFINITY,
  });
  await compare({ ...shared, name: `${name}, against building`, reference: building, goal });
}

/** Processor time of teb-decide with its Python, and how much of it was Node's. */
function shareOfPython(name: string, decider: string, events: number): void {
  const cpuFile = join(folder, 'cpu.json');
  const told = `NODE_OPTIONS='--require ${preload}' CPU_FILE=${cpuFile}`;
  const total = childCpu(`${told} ${decide(decider)(streams(events))} > /dev/null`);
  const node = JSON.parse(readFileSync(cpuFile, 'utf8')) as { user: number; system: number };
  const python = 1 - (node.user + node.system) / 1e6 / total;
  console.log(`${name}: ${total.toFixed(2)} s of processor time, ${(100 * python).toFixed(0)} % of it in Python`);
}

/** From the last contribution of an event to its result, at a steady rate, one event at a time. */
async function latency(name: string, decider: string): Promise<void> {
  const child = spawn('bash', ['-c', `exec ${decide(decider)(['fd:3', 'fd:4'])}`], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'pipe'],
  });
  const [, , , ...inputs] = child.stdio as unknown as Writable[];
  const times: number[] = [];
  const sent: number[] = [];
  let got = -4 * RESULT.size;
  (child.stdout as Readable).on('data', (bytes: Buffer) => {
    const now = performance.now();
    got += bytes.length;
    while (times.length < Math.floor(got / RESULT.size)) times.push(now - sent[times.length]!);
  });
  for (const src of SOURCES) inputs[src]!.write(transitions(src));
  while (got < 0) await sleep(1);
  const start = performance.now();
  for (let k = 0; k < LATENCY_EVENTS; ) {
    for (; k < LATENCY_EVENTS && performance.now() - start >= (1000 * k) / RATE_HZ; k++) {
      const records = SOURCES.map((src) => l1(src, k));
      inputs[0]!.write(records[0]);
      // Before the write: the answer may be there before it returns.
      sent.push(performance.now());
      inputs[1]!.write(records[1]);
    }
    await sleep(1);
  }
  for (const input of inputs) input.end();
  await once(child, 'close');
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(part * times.length)]!.toFixed(2);
  console.log(
    `${name}: latency at ${RATE_HZ} Hz p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (goal <= 5 ms), ${times.length} events`,
  );
}

const scripts = {
  rule: '--rule value:7,9',
  compatible: `--script ${folder}/compatible.py --batch 64`,
  own: `--script ${folder}/own.py --batch 64`,
  columns: `--script ${folder}/columns.py --batch 64`,
};
await throughput('native rule', scripts.rule, 2_000_000, 3);
await throughput('unmodified script', scripts.compatible, 300_000, 30);
await throughput('own script', scripts.own, 300_000, 30);
await throughput('columns', scripts.columns, 2_000_000, 6);
for (const [name, decider] of Object.entries(scripts).slice(1)) shareOfPython(name, decider, 300_000);
for (const name of ['rule', 'compatible'] as const) await latency(name, scripts[name]);
