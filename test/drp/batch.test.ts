import t from 'tap';
import { Batch } from '../../lib/drp/batch.ts';
import type { Outcome } from '../../lib/drp/outcome.ts';
import { ReorderWindow } from '../../lib/drp/window.ts';
import { Random } from '../random.ts';

const same: Outcome = { kind: 'same', trigger: undefined };
const keep = (outcome: Outcome) => outcome;

function batchOf(count: number, worker = 0): Batch {
  const batch = new Batch(worker, 1, Buffer.alloc(count * 24));
  for (let i = 0; i < count; i++) batch.add({ offset: i * 24, size: 24, flags: 0 });
  return batch;
}

t.test('all dgrams of a batch are asked for at once, and settled in order', (t) => {
  const batch = batchOf(3);
  t.equal(batch.ask().length, 3);
  batch.settle([same, { kind: 'dropped' }, same], keep);
  t.ok(batch.complete);
  t.same(
    batch.outcomes.map((outcome) => outcome?.kind),
    ['same', 'dropped', 'same'],
  );
  t.end();
});

t.test('a short answer leaves the rest to be asked for again, and keeps copies of what came', (t) => {
  const batch = batchOf(3);
  batch.ask();
  let kept = 0;
  batch.settle([same], (outcome) => {
    kept++;
    return outcome;
  });
  t.notOk(batch.complete);
  t.equal(kept, 1, 'the slot will be used again, so what came is copied');
  t.equal(batch.ask().length, 2);
  t.end();
});

t.test('after a failure each dgram is tried once more, alone; twice is final (drp-python.md section 6)', (t) => {
  const batch = batchOf(3);
  batch.ask();
  t.equal(batch.fail('killed'), 0);
  t.equal(batch.retried, 3);
  t.equal(batch.ask().length, 1);
  batch.settle([same], keep);
  t.equal(batch.ask().length, 1);
  t.equal(batch.fail('killed again'), 1);
  t.same(batch.outcomes[1], { kind: 'failed', why: 'killed again' });
  t.equal(batch.ask()[0]!.offset, 48, 'the third one still has its second try');
  batch.settle([same], keep);
  t.ok(batch.complete);
  t.end();
});

t.test('when the worker names the dgram that it failed at, the others are not to blame', (t) => {
  const batch = batchOf(3);
  batch.ask();
  batch.settle([same], keep);
  batch.ask();
  batch.fail('an exception', true);
  batch.ask();
  batch.fail('an exception', true);
  t.equal(batch.outcomes[1]!.kind, 'failed');
  t.equal(batch.outcomes[2], undefined, 'the third one has both tries left');
  t.end();
});

t.test('seeded schedules of results, short answers and deaths: every dgram leaves once, in order', (t) => {
  const schedules = 2000;
  for (let seed = 1; seed <= schedules; seed++) {
    const wrong = runSchedule(new Random(seed));
    if (wrong !== undefined) t.fail(`seed ${seed}: ${wrong}`);
  }
  t.pass(`${schedules} schedules`);
  t.end();
});

/** Workers that answer, answer shortly, or die, at random; what leaves the window is compared with what entered. */
function runSchedule(random: Random): string | undefined {
  const window = new ReorderWindow();
  const workers = 1 + random.below(4);
  const queues: Batch[][] = Array.from({ length: workers }, () => []);
  const events = random.below(60);
  const out: number[] = [];
  const tries = new Array<number>(events).fill(0);
  let next = 0;
  const leave = () => {
    for (let batch = window.leave(); batch; batch = window.leave()) {
      batch.entries.forEach((entry, i) => {
        out.push(entry.offset);
        if (batch!.outcomes[i]!.kind === 'failed' && tries[entry.offset] !== 2) out.push(-1);
      });
    }
  };
  for (let steps = 0; out.length < events; steps++) {
    if (steps > 100_000) return 'does not end';
    const worker = random.below(workers);
    if (next < events && queues[worker]!.length < 3 && random.chance(0.4)) {
      const batch = new Batch(worker, 1, Buffer.alloc(0));
      for (let k = 1 + random.below(6); k > 0 && next < events; k--) batch.add({ offset: next++, size: 0, flags: 0 });
      window.enter(batch);
      queues[worker]!.push(batch);
      continue;
    }
    const batch = queues[worker]![0];
    if (!batch) continue;
    const asked = batch.ask();
    if (random.chance(0.2)) {
      const named = random.chance(0.5);
      for (const entry of named ? asked.slice(0, 1) : asked) tries[entry.offset]!++;
      batch.fail('death', named);
    } else {
      const answered = asked.slice(0, random.chance(0.3) ? random.below(asked.length + 1) : asked.length);
      batch.settle(
        answered.map(() => same),
        keep,
      );
    }
    if (batch.complete) queues[worker]!.shift();
    leave();
  }
  const expected = Array.from({ length: events }, (_, i) => i);
  return JSON.stringify(out) === JSON.stringify(expected) ? undefined : `out ${JSON.stringify(out)}`;
}
