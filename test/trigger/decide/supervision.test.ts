/** One answer per event, in order, whatever a decider does (spec teb.md, 4.5); seeded random schedules. */

import t from 'tap';
import { ANSWER_FLAG, EventBatch } from '../../../lib/trigger/decide/batch.ts';
import type { SupervisionOptions } from '../../../lib/trigger/decide/supervision.ts';
import type { OnError } from '../../../lib/trigger/decide/types.ts';
import { Random } from '../../random.ts';
import { type Fate, rightAnswer, SimulatedDecider } from './simulated-decider.ts';

const OPTIONS: SupervisionOptions = {
  onError: 'record',
  restarts: 1e9,
  timeoutMs: 1000,
  startTimeoutMs: 5000,
  inFlight: 2,
  perMessage: 64,
};
const FATES: readonly Fate[] = ['raises', 'hangs', 'dies', 'statusError', 'wrongPid', 'twice'];
/** Events with these fates get an answer of their own. */
const ANSWERED: ReadonlySet<Fate> = new Set(['good', 'twice']);

function makeBatch(pid: number, count: number): EventBatch {
  const batch = new EventBatch(64);
  for (let i = 0; i < count; i++) batch.begin(pid + i, 0);
  return batch;
}

interface Played {
  simulated: SimulatedDecider;
  batches: EventBatch[];
  fateOf: (pid: number) => Fate;
}

/** Plays a whole run: at most two batches under way, as the command does it. */
function play(
  seed: number,
  options: Partial<typeof OPTIONS> & { onError?: OnError; restarts?: number },
  bad: number,
): Played {
  const random = new Random(seed);
  const fates = new Map<number, Fate>();
  const fateOf = (pid: number) => {
    if (!fates.has(pid)) fates.set(pid, random.chance(bad) ? FATES[random.below(FATES.length)]! : 'good');
    return fates.get(pid)!;
  };
  let startFailures = 0;
  const startFails = () => {
    // Never twice in a row: that gives up.
    startFailures = startFailures === 0 && random.chance(0.1) ? 1 : 0;
    return startFailures === 1;
  };
  const simulated = new SimulatedDecider({ ...OPTIONS, ...options }, random, fateOf, startFails);
  const batches: EventBatch[] = [];
  simulated.machine.begin(0);
  let pid = 1000;
  for (let steps = 0; steps < 100_000; steps++) {
    if (batches.length === 30 && simulated.settled.length === 30) break;
    if (batches.length < 30 && batches.length - simulated.settled.length < 2 && random.chance(0.5)) {
      const count = 1 + random.below(random.chance(0.3) ? 3 : 64);
      const batch = makeBatch(pid, count);
      pid += count;
      batches.push(batch);
      simulated.machine.submit(batch, simulated.now);
    } else simulated.step();
  }
  return { simulated, batches, fateOf };
}

t.test('every event has exactly one answer in order; only failing events are decided by policy', (t) => {
  for (let seed = 1; seed <= 400; seed++) {
    const onError = seed % 2 ? 'record' : 'discard';
    const wrong = whatIsWrong(play(seed, { onError }, seed % 5 === 0 ? 0.2 : 0.02), onError === 'record' ? 2 : 0);
    if (wrong !== undefined) t.fail(`seed ${seed}: ${wrong}`);
  }
  t.end();
});

function whatIsWrong({ simulated, batches, fateOf }: Played, policy: number): string | undefined {
  const { settled, machine } = simulated;
  if (settled.length !== batches.length) return `${settled.length} of ${batches.length} batches were settled`;
  let forced = 0;
  for (const [i, batch] of batches.entries()) {
    if (settled[i] !== batch) return `batch ${i} was settled out of order`;
    for (let k = 0; k < batch.count; k++) {
      const fate = fateOf(batch.pids[k]!);
      const byPolicy = (batch.flags[k]! & ANSWER_FLAG.forced) !== 0;
      if (byPolicy) forced++;
      const place = `pid ${batch.pids[k]} (${fate})`;
      if (batch.data[k] !== (byPolicy ? policy : rightAnswer(batch.pids[k]!))) return `${place} has ${batch.data[k]}`;
      if (byPolicy === ANSWERED.has(fate)) return `${place}: decided by policy: ${byPolicy}`;
    }
  }
  if (machine.counts.forced !== forced) return `${forced} were forced, ${machine.counts.forced} are counted`;
  return machine.givenUpBecause;
}

t.test('a process that dies without a word: its events go one per message until the failing one is found', (t) => {
  const batch = makeBatch(100, 10);
  const { simulated } = alone((pid) => (pid === 106 ? 'dies' : 'good'), 3);
  simulated.machine.submit(batch, 0);
  for (let i = 0; i < 1000 && simulated.settled.length === 0; i++) simulated.step();
  t.same([...batch.flags.subarray(0, 10)], [0, 0, 0, 0, 0, 0, ANSWER_FLAG.forced, 0, 0, 0]);
  t.equal(simulated.machine.counts.forced, 1);
  t.ok(simulated.starts <= 3, `${simulated.starts} processes`);
  const later = makeBatch(200, 64);
  simulated.machine.submit(later, simulated.now);
  t.equal(simulated.frameSizes.at(-1), 64, 'then whole batches again');
  t.end();
});

t.test('a failure that does not come again: nothing is decided by policy, and whole batches follow', (t) => {
  let died = false;
  const { simulated } = alone((pid) => {
    const dies = pid === 106 && !died;
    died ||= dies;
    return dies ? 'dies' : 'good';
  }, 3);
  simulated.machine.submit(makeBatch(100, 10), 0);
  for (let i = 0; i < 1000 && simulated.settled.length === 0; i++) simulated.step();
  t.equal(simulated.machine.counts.forced, 0);
  simulated.machine.submit(makeBatch(200, 64), simulated.now);
  t.equal(simulated.frameSizes.at(-1), 64);
  t.end();
});

t.test('the budget of restarts: everything still open is decided by policy, and nothing more is started', (t) => {
  const { simulated } = alone(() => 'dies', 2, 3);
  const batches = [makeBatch(1, 64), makeBatch(65, 64)];
  for (const batch of batches) simulated.machine.submit(batch, 0);
  for (let i = 0; i < 1000; i++) simulated.step();
  t.equal(simulated.starts, 4);
  t.equal(simulated.machine.counts.restarts, 3);
  t.match(simulated.machine.givenUpBecause, /after 3 restarts/);
  t.same(simulated.settled, batches);
  t.equal(simulated.machine.counts.forced, 128);
  const later = makeBatch(129, 5);
  simulated.machine.submit(later, 0);
  t.equal(later.answered, 5, 'what comes later is decided by policy as well');
  t.end();
});

t.test('a process that never gets ready is tried twice', (t) => {
  const random = new Random(1);
  const simulated = new SimulatedDecider(
    OPTIONS,
    random,
    () => 'good',
    () => true,
  );
  simulated.machine.begin(0);
  const batch = makeBatch(1, 3);
  simulated.machine.submit(batch, 0);
  for (let i = 0; i < 50; i++) simulated.step();
  t.equal(simulated.starts, 2);
  t.match(simulated.machine.givenUpBecause, /twice before it was ready/);
  t.same(simulated.settled, [batch]);
  t.end();
});

t.test('--on-error stop: the first failure ends it', (t) => {
  const random = new Random(4);
  const simulated = new SimulatedDecider(
    { ...OPTIONS, onError: 'stop' },
    random,
    (pid) => (pid === 5 ? 'statusError' : 'good'),
    () => false,
  );
  simulated.machine.begin(0);
  const batch = makeBatch(1, 20);
  simulated.machine.submit(batch, 0);
  for (let i = 0; i < 100; i++) simulated.step();
  t.match(simulated.machine.givenUpBecause, /--on-error is stop/);
  t.equal(batch.answered, 20);
  t.end();
});

function alone(fateOf: (pid: number) => Fate, seed: number, restarts = 100): { simulated: SimulatedDecider } {
  const simulated = new SimulatedDecider({ ...OPTIONS, restarts }, new Random(seed), fateOf, () => false);
  simulated.machine.begin(0);
  return { simulated };
}
