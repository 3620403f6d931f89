import t from 'tap';
import { simulate } from './simulation.ts';

const SCHEDULES = 1500;

t.test(
  'whatever is late, lost or doubled: records agree with a flat computation over the events included',
  async (t) => {
    const totals = { events: 0, lost: 0, duplicates: 0 };
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const { problems, events, lost, duplicates } = simulate(seed);
      if (problems.length > 0) {
        t.same(problems, [], `seed ${seed}`);
        return;
      }
      totals.events += events;
      totals.lost += lost;
      totals.duplicates += duplicates;
    }
    t.ok(totals.events > 0 && totals.lost > 0 && totals.duplicates > 0, JSON.stringify(totals));
  },
);
