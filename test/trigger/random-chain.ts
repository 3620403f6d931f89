/**
 * One random run through builder, decisions and the joiners of all receivers: every event that a receiver has, also if its contribution
 * was lost on the way, gets exactly one decision, the same for everybody, in order (I1 to I4, S6, S14, S15).
 */

import { Contracts } from '../../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../../lib/trigger/building/event-builder.ts';
import { Joiner } from '../../lib/trigger/join/joiner.ts';
import { contributionBytes, EbDgram, eventEnv } from '../../lib/trigger/wire/eb-dgram.ts';
import { RESULT } from '../../lib/trigger/wire/layout.ts';
import { dataWord, ResultRecord, writeResult } from '../../lib/trigger/wire/result.ts';
import { RecordSplitter } from '../../lib/trigger/wire/splitter.ts';
import { Random } from '../random.ts';

const [SLOW_UPDATE, L1] = [10, 12];

interface Planned {
  pid: number;
  svc: number;
  rogs: number;
  /** Receivers that have it, and those whose contribution gets through. */
  has: number[];
  arrives: number[];
}

interface Partition {
  common: number;
  drps: { id: number; alias: string; rog: number; buffers: number }[];
  deciders: number;
}

/** @returns what differs, or undefined */
export function playChain(seed: number): string | undefined {
  const random = new Random(seed);
  const partition = randomPartition(random);
  const events = plan(random, partition);
  const common = 1 << partition.common;
  const decided = events.filter(({ svc, rogs, arrives }) => arrives.length > 0 && (svc !== L1 || rogs & common));
  const first = build(random, partition, decided);
  const again = build(new Random(seed + 1), partition, decided);
  if (!first.all.equals(again.all)) return 'another interleaving gives other results';
  const wanted = decided.map(({ pid }) => pid);
  if (JSON.stringify(first.pids) !== JSON.stringify(wanted)) return `decisions ${first.pids} should be ${wanted}`;
  for (const { id } of partition.drps) {
    const difference = join(random, partition, events, first.byDecider, id);
    if (difference !== undefined) return `receiver ${id}: ${difference}`;
  }
  return undefined;
}

function randomPartition(random: Random): Partition {
  const common = random.below(8);
  const drps = Array.from({ length: 1 + random.below(5) }, (_, id) => ({
    id: id * 11,
    alias: `d${id}`,
    rog: id === 0 || random.chance(0.4) ? common : random.below(8),
    buffers: 1 + random.below(50),
  }));
  return { common, drps, deciders: 1 + random.below(3) };
}

function plan(random: Random, { common, drps }: Partition): Planned[] {
  const events: Planned[] = [];
  let pid = 10;
  for (let i = 0; i < 60; i++) {
    pid += 1 + random.below(random.chance(0.2) ? 100 : 4);
    const svc = random.chance(0.85) ? L1 : random.chance(0.5) ? SLOW_UPDATE : 4 + random.below(6);
    let rogs = random.chance(0.9) ? 1 << common : 0;
    for (const { rog } of drps) if (random.chance(0.3)) rogs |= 1 << rog;
    if (svc === SLOW_UPDATE) rogs |= 1 << common;
    const has = drps.filter(({ rog }) => (svc !== L1 && svc !== SLOW_UPDATE) || rogs & (1 << rog)).map(({ id }) => id);
    // One source of the common group gets through, or order could not be kept (section 4.1, rule 6).
    const arrives = has.filter((id) => random.chance(0.93) || id === 0);
    events.push({ pid, svc, rogs, has, arrives });
  }
  return events;
}

interface Results {
  pids: number[];
  all: Buffer;
  byDecider: Buffer[][];
}

/** Contributions in random turns and pieces; a decision that depends on the contributions, as a rule's does. */
function build(random: Random, partition: Partition, events: readonly Planned[]): Results {
  const contributors = partition.drps.map(({ id }) => id);
  const builder = new EventBuilder(new Contracts({ ...partition, contributors }), { timeoutMs: 0 });
  const inputs = partition.drps.map(({ id }) => {
    const mine = events.filter(({ arrives }) => arrives.includes(id));
    const records = mine.map(({ pid, svc, rogs }) =>
      contributionBytes(
        { pid, seconds: 1, nanoseconds: 2, env: eventEnv(rogs, svc), src: id },
        Buffer.from([pid * 7 + id]),
      ),
    );
    return { id, bytes: Buffer.concat(records), at: 0, splitter: new RecordSplitter() };
  });
  const results: Results = {
    pids: [],
    all: Buffer.alloc(0),
    byDecider: Array.from({ length: partition.deciders }, () => []),
  };
  const record = new EbDgram();
  const drain = () => {
    for (let event = builder.next(); event; event = builder.next()) {
      let sum = 0;
      for (const id of contributors) sum += event.bytes(id)?.[32] ?? 0;
      const bytes = Buffer.alloc(RESULT.size);
      const data = event.isL1 ? dataWord(sum % 2 === 0, 0, sum & 0xff, sum % 5 === 0) : 0;
      const decider = Math.floor(event.pid / 64) % partition.deciders;
      writeResult(bytes, 0, event, { data, monBufNo: 0, damage: event.damage, flags: 0 }, { decider, extended: false });
      results.pids.push(event.pid);
      results.byDecider[decider]!.push(bytes);
      results.all = Buffer.concat([results.all, bytes]);
      builder.release();
    }
  };
  let open = inputs.slice();
  while (open.length > 0) {
    const input = open[random.below(open.length)]!;
    const to = input.at + 1 + random.below(200);
    input.splitter.push(Buffer.from(input.bytes.subarray(input.at, to)));
    input.at = to;
    while (input.splitter.next(record)) builder.contribute(record, 0);
    if (to >= input.bytes.length) {
      open = open.filter((other) => other !== input);
      builder.end(input.id, 0);
    }
    drain();
  }
  return results;
}

function join(
  random: Random,
  { common, drps, deciders }: Partition,
  events: readonly Planned[],
  results: readonly Buffer[][],
  receiver: number,
): string | undefined {
  const mine = events.filter(({ has }) => has.includes(receiver));
  const { buffers } = drps.find(({ id }) => id === receiver)!;
  const joiner = new Joiner({ common, deciders, buffers, timeoutMs: 0 });
  const record = new ResultRecord();
  const known = new Map(results.flat().map((bytes) => [new ResultRecord().move(bytes, 0, bytes.length).pid, bytes]));
  const at = results.map(() => 0);
  let next = 0;
  let fates = 0;
  for (let idle = 0; idle < 100; idle++) {
    const stream = random.below(deciders + 1);
    if (stream === deciders) {
      const event = mine[next];
      if (event && joiner.event(event.pid, eventEnv(event.rogs, event.svc), 0)) next++;
      else continue;
    } else {
      const bytes = results[stream]![at[stream]!++];
      if (bytes) joiner.result(stream, record.move(bytes, 0, bytes.length));
      else joiner.resultsEnded(stream);
      if (!bytes) continue;
    }
    idle = 0;
    for (let fate = joiner.next(0); fate; fate = joiner.next(0)) {
      const event = mine[fates++]!;
      if (fate.pid !== event.pid) return `fate of ${fate.pid}, not of ${event.pid}`;
      const bypass = event.svc === L1 && !(event.rogs & (1 << common));
      const bytes = known.get(event.pid);
      const wanted = bypass ? 2 : bytes?.readUInt32LE(RESULT.data);
      if (fate.data !== wanted) return `${event.pid} has ${fate.data}, not ${wanted}`;
    }
  }
  for (let fate = joiner.next(0); fate; fate = joiner.next(0)) fates++;
  const { recorded, discarded, noDecision } = joiner.counts;
  if (fates !== mine.length || recorded + discarded !== fates) return `${fates} fates for ${mine.length} events`;
  return noDecision === 0 ? undefined : `${noDecision} without a decision`;
}
