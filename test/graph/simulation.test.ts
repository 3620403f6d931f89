import t from 'tap';
import { simulate } from './simulation.ts';

const SCHEDULES = 600;

t.test(
  'whatever is late, lost or doubled: records agree with a flat computation over the events included',
  async (t) => {
    const totals = { events: 0, lost: 0, duplicates: 0, gone: 0, came: 0, restarted: 0 };
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const { problems, events, lost, duplicates, moves } = simulate(seed);
      if (problems.length > 0) {
        t.same(problems, [], `seed ${seed}`);
        return;
      }
      totals.events += events;
      totals.lost += lost;
      totals.duplicates += duplicates;
      totals.gone += moves.gone;
      totals.came += moves.came;
      totals.restarted += moves.restarted;
    }
    t.ok(
      Object.values(totals).every((count) => count > 0),
      JSON.stringify(totals),
    );
  },
);
