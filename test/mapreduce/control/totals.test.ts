import t from 'tap';
import { formatBalance, imbalance } from '../../../lib/cli/balance.ts';
import { orderedJson } from '../../../lib/json/ordered.ts';
import { Formation } from '../../../lib/mapreduce/control/formation.ts';
import { sumOf, totalsOf } from '../../../lib/mapreduce/control/totals.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import { Random } from '../../random.ts';

/** The controller's account of a map: each event is whole, damaged, incomplete or unfinished (spec mapreduce.md 12). */

const WORKERS = ['w1', 'w2', 'w3'];

function begin(random: Random, events: number): Formation {
  const cell = () => Array.from({ length: 1 + random.below(2) }, () => ({ constraint: random.below(4) }));
  const map = { parts: { p: { det: Array.from({ length: events }, cell) } }, sequence: ['p'] };
  const options = { wrap: random.chance(0.5), future: 100, redo: 'rest' as const, unheld: new Set<string>() };
  return new Formation({ map: readMap(orderedJson(Buffer.from(JSON.stringify(map)))), options, depth: 4 });
}

t.test('at any time every event has one fate, whatever was reported of it', async (t) => {
  let [damaged, incomplete, both] = [0, 0, 0];
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed);
    const formation = begin(random, 1 + random.below(20));
    const queues = new Map(WORKERS.map((name) => [name, [] as number[]]));
    const apply = (step: Parameters<Formation['apply']>[0]) => {
      for (const { assignments, event_number } of formation.apply(step, 0).given)
        for (const name of new Set([...assignments.values()].flat())) queues.get(name)?.push(event_number);
    };
    const report = (worker: string, completed: readonly number[], more: object) => {
      const has_result = completed.map(() => false);
      const state = completed.length === 0 ? ('ready' as const) : ('idle' as const);
      apply({ report: { source: 'worker', state, worker, completed, has_result, processing_times: null, ...more } });
    };
    for (const worker of WORKERS)
      apply({ decision: { op: 'join', worker, tags: ['generic'], service: worker, ours: true } });
    for (const worker of WORKERS) report(worker, [], {});
    /** By event: what has been said of it. */
    const said = new Map<number, Set<string>>();
    const say = (what: string, events: readonly number[]) => {
      for (const event of events) said.set(event, (said.get(event) ?? new Set()).add(what));
    };
    for (let n = 0; n < 60; n++) {
      const worker = WORKERS[random.below(3)]!;
      const completed = queues.get(worker)!.splice(0, 1 + random.below(3));
      const failed = completed.filter(() => random.chance(0.1));
      const lacking = completed.filter((event) => !failed.includes(event) && random.chance(0.2));
      if (completed.length > 0) report(worker, completed, { failed, incomplete: lacking });
      say('failed', failed);
      say('incomplete', lacking);
      const totals = totalsOf(formation);
      const { assigner } = formation;
      const isComplete = (event: number) =>
        event < assigner.front && assigner.ledger.shares(event).every(({ state }) => state === 'done');
      const complete = [...said].filter(([event]) => isComplete(event)).map(([, words]) => words);
      const balance = {
        ...{ in: totals.events, out: totals.whole },
        losses: { damaged: totals.damaged, incomplete: totals.incomplete, unfinished: totals.unfinished },
      };
      const found = { damaged: totals.damaged, incomplete: totals.incomplete, open: imbalance(balance) };
      const expected = {
        damaged: complete.filter((words) => words.has('failed')).length,
        incomplete: complete.filter((words) => !words.has('failed')).length,
        open: 0,
      };
      if (JSON.stringify(found) !== JSON.stringify(expected)) return t.same(found, expected, `seed ${seed}`);
      if (totals.whole < 0) return t.fail(`seed ${seed}: ${formatBalance(balance)}`);
    }
    const totals = totalsOf(formation);
    damaged += totals.damaged;
    incomplete += totals.incomplete;
    both += [...said.values()].filter((words) => words.size === 2).length;
    t.equal(sumOf(totals, totals).incomplete, 2 * totals.incomplete);
  }
  t.ok(damaged > 100 && incomplete > 100 && both > 10, JSON.stringify({ damaged, incomplete, both }));
});
