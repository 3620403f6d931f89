/**
 * Event building alone: bytes of N contributors in, complete events out, in batches of 64 pulses and one record at a time. Beside it, in the
 * same run, one pass over the same memory, and the builder that everybody would write first: a Map from pulse id to a list, which knows
 * no order, no rules and no losses.
 */

import { Contracts } from '../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../lib/trigger/building/event-builder.ts';
import { contributionBytes, EbDgram, eventEnv } from '../lib/trigger/wire/eb-dgram.ts';
import { RecordSplitter } from '../lib/trigger/wire/splitter.ts';
import { compare } from './harness.ts';

const EVENTS = 1 << 16;
const PAYLOAD = Buffer.alloc(8);

/** Blocks in the order in which they arrive: every contributor's next pulses, then those of the next one. */
function blocksOf(contributors: number, perBlock: number): Buffer[] {
  const blocks: Buffer[] = [];
  for (let first = 0; first < EVENTS; first += perBlock) {
    for (let src = 0; src < contributors; src++) {
      const records = Array.from({ length: perBlock }, (_, i) =>
        contributionBytes(
          { pid: 1_000_000 + first + i, seconds: 1, nanoseconds: 2, env: eventEnv(1, 12), src },
          PAYLOAD,
        ),
      );
      blocks.push(Buffer.concat(records));
    }
  }
  return blocks;
}

function memoryPass(blocks: readonly Buffer[]): void {
  let sum = 0;
  for (const block of blocks) for (let at = 0; at < block.length; at++) sum = (sum + block[at]!) | 0;
  if (sum === 1) throw new Error('the sum is only there to be made');
}

function mapBuilder(blocks: readonly Buffer[], contributors: number): void {
  const open = new Map<bigint, { records: Buffer[] }>();
  let built = 0;
  for (const block of blocks) {
    for (let at = 0; at < block.length; ) {
      const length = 20 + block.readUInt32LE(at + 28);
      const pid = block.readBigUInt64LE(at) & 0xff_ffff_ffff_ffffn;
      let event = open.get(pid);
      if (!event) open.set(pid, (event = { records: [] }));
      event.records.push(block.subarray(at, at + length));
      if (event.records.length === contributors) {
        open.delete(pid);
        built++;
      }
      at += length;
    }
  }
  if (built !== EVENTS) throw new Error(`${built} events`);
}

function eventBuilder(blocks: readonly Buffer[], contributors: number): void {
  const drps = Array.from({ length: contributors }, (_, id) => ({ id, alias: `d${id}`, rog: 0, buffers: 1 }));
  const builder = new EventBuilder(new Contracts({ common: 0, drps, contributors: drps.map(({ id }) => id) }));
  const splitters = drps.map(() => new RecordSplitter());
  const record = new EbDgram();
  let built = 0;
  for (let i = 0; i < blocks.length; i++) {
    const splitter = splitters[i % contributors]!;
    splitter.push(blocks[i]!);
    while (splitter.next(record)) builder.contribute(record, 0);
    let count = 0;
    for (let event = builder.next(); event; event = builder.next()) if (event.damage === 0) count++;
    builder.release(count);
    built += count;
  }
  if (built !== EVENTS) throw new Error(`${built} events`);
}

for (const contributors of [1, 2, 4, 8, 16]) {
  for (const perBlock of [64, 1]) {
    const blocks = blocksOf(contributors, perBlock);
    const candidate = { name: 'event builder', run: () => eventBuilder(blocks, contributors) };
    const name = `${contributors} contributors, ${perBlock === 1 ? 'unbatched' : 'batches of 64'}`;
    const shared = { candidate, rounds: 5, work: { amount: EVENTS, unit: ' events' } };
    const map = { name: 'Map builder', run: () => mapBuilder(blocks, contributors) };
    await compare({ ...shared, name: `${name}, against a Map`, reference: map, goal: perBlock === 1 ? 2 : 1 });
    const memory = { name: 'memory pass', run: () => memoryPass(blocks) };
    await compare({
      ...shared,
      name: `${name}, against one pass over the bytes`,
      reference: memory,
      goal: perBlock === 1 ? 8 : 5,
    });
  }
}
