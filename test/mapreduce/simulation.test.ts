import t from 'tap';
import { AssignerSimulation } from './simulation.ts';

const SCHEDULES = 600;

t.test('whatever dies, comes late or crashes: every event completes, once, and shares balance', async (t) => {
  const totals = { events: 0, deaths: 0, lost: 0 };
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { problems, events, deaths, lost } = new AssignerSimulation(seed).play();
    if (problems.length > 0) {
      t.same(problems, [], `seed ${seed}`);
      return;
    }
    totals.events += events;
    totals.deaths += deaths;
    totals.lost += lost;
  }
  t.ok(totals.deaths > 0 && totals.lost > 0, JSON.stringify(totals));
});

t.test('a crash while a bundle holds a constraint all of whose own orphans were done by late results', async (t) => {
  t.same(new AssignerSimulation(902_665).play().problems, []);
});
