/**
 * One random run of a receiver: events, results of several deciders, in any interleaving; some results never come, some come again, some
 * are of other receivers. The fates must be those that the list of events alone tells.
 */

import { Joiner, type NoCommon, type OnMissing } from '../../../lib/trigger/join/joiner.ts';
import { ResultRecord } from '../../../lib/trigger/wire/result.ts';
import { Random } from '../../random.ts';
import { resultBytes } from '../result-bytes.ts';

const [CONFIGURE, L1] = [2, 12];

interface Planned {
  pid: number;
  svc: number;
  rogs: number;
  /** What its fate must be. */
  fate: string;
}

/** @returns what differs, or undefined */
export function playJoin(seed: number): string | undefined {
  const random = new Random(seed);
  const count = random.chance(0.5) ? 1 : 1 + random.below(4);
  const noCommon = (['bypass', 'discard', 'error'] as const)[random.below(3)]!;
  const onMissing = (['record', 'discard'] as const)[random.below(2)]!;
  const { events, results, extra, duplicates } = plan(random, count, noCommon, onMissing);
  const buffers = 1 + random.below(20);
  const joiner = new Joiner({ common: 0, deciders: count, noCommon, onMissing, buffers, timeoutMs: 0 });
  const record = new ResultRecord();
  const fates: string[] = [];
  const drain = () => {
    for (let fate = joiner.next(0); fate; fate = joiner.next(0)) {
      const { pid, act, reason = '', data, damage, flags } = fate;
      fates.push(`${pid} ${act} ${reason} ${data} ${damage} ${flags}`);
    }
  };
  let next = 0;
  const at = results.map(() => 0);
  for (let idle = 0; idle < 200; ) {
    const decider = random.below(count + 1);
    let moved = false;
    if (decider === count) {
      const event = events[next];
      moved = event !== undefined && joiner.event(event.pid, event.rogs | (event.svc << 24), 0);
      if (moved) next++;
    } else {
      const bytes = results[decider]![at[decider]!++];
      if (bytes) joiner.result(decider, record.move(bytes, 0, bytes.length));
      else joiner.resultsEnded(decider);
      moved = bytes !== undefined;
    }
    idle = moved ? 0 : idle + 1;
    drain();
  }
  const wanted = events.map(({ pid, fate }) => `${pid} ${fate}`);
  for (let i = 0; i < wanted.length; i++) {
    if (fates[i] !== wanted[i]) return `event ${i}: ${fates[i]} should be ${wanted[i]}`;
  }
  if (fates.length !== wanted.length) return `${fates.length} fates for ${wanted.length} events`;
  const { counts } = joiner;
  const rejected = Object.values(counts.rejected).reduce((a, b) => a + b, 0);
  if (counts.recorded + counts.discarded + rejected !== events.length) return 'I1 does not hold';
  if (counts.dupResult !== duplicates) return `${counts.dupResult} repeated results, not ${duplicates}`;
  return counts.extra + joiner.waitingResults === extra
    ? undefined
    : `${counts.extra} + ${joiner.waitingResults} extra, not ${extra}`;
}

interface Plan {
  events: Planned[];
  /** By decider. */
  results: Buffer[][];
  extra: number;
  duplicates: number;
}

function plan(random: Random, deciders: number, noCommon: NoCommon, onMissing: OnMissing): Plan {
  const events: Planned[] = [];
  const results: Buffer[][] = Array.from({ length: deciders }, () => []);
  let pid = 1001;
  let [extra, duplicates] = [0, 0];
  const steps = 10 + random.below(80);
  // Only one decider can tell by itself that pids begin again.
  const restartAt = deciders === 1 && random.chance(0.3) ? 1 + random.below(steps) : -1;
  for (let i = 0; i < steps; i++) {
    pid += 2 * (1 + random.below(random.chance(0.2) ? 100 : 3));
    let svc = random.chance(0.9) ? L1 : 4 + random.below(7);
    if (i === restartAt) {
      svc = CONFIGURE;
      // Back for the results, but not always for this receiver's events. Odd pids before and even ones after: no two are alike.
      pid = 2 * (1 + random.below(Math.max(1, (pid - 3) >> 1)));
    }
    const rogs = random.chance(0.85) || i + 1 === restartAt ? 1 : 2;
    const decider = Math.floor(pid / 64) % deciders;
    const queue = results[decider]!;
    if (svc === L1 && rogs === 2) {
      const bypass = noCommon === 'bypass';
      events.push({ pid, svc, rogs, fate: bypass ? 'record  2 0 16' : 'reject no_common 0 0 0' });
      continue;
    }
    const [persist, prescale] = svc === L1 ? [random.below(2), random.below(2)] : [0, 0];
    const damage = random.chance(0.1) ? 16 : 0;
    const mine = random.chance(0.85) || i === restartAt;
    const there = random.chance(0.95) || i === restartAt || i + 1 === restartAt;
    const wrong = mine && there && i !== restartAt && random.chance(0.02);
    if (there) {
      const bytes = resultBytes({ pid, svc: wrong ? 1 : svc, rogs, persist, prescale, damage }, decider);
      queue.push(bytes);
      if (i !== restartAt && random.chance(0.05)) {
        queue.push(bytes);
        duplicates++;
      }
    }
    if (!mine) {
      if (there) extra++;
      continue;
    }
    let fate = `${svc !== L1 || persist || prescale ? 'record' : 'discard'}  ${prescale | (persist << 1)} ${damage} 0`;
    if (wrong) fate = 'reject svc 0 0 0';
    if (!there && svc !== L1) fate = 'record  0 32 0';
    if (!there && svc === L1) fate = onMissing === 'record' ? 'record  2 32 0' : 'discard  0 32 0';
    events.push({ pid, svc, rogs, fate });
  }
  return { events, results, extra, duplicates };
}
