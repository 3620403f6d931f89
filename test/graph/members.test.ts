import t from 'tap';
import { ControlLog } from '../../lib/graph/net/control-log.ts';
import { Gathering } from '../../lib/graph/net/gathering.ts';
import { Members } from '../../lib/graph/net/members.ts';
import type { Control, MarkerMessage } from '../../lib/graph/net/messages.ts';
import { Replacement } from '../../lib/graph/net/replacement.ts';
import { Dealer } from '../../lib/graph/run/dealer.ts';

const NOBODY = new Map<number, number>();

function everybody(deadAfter = 2): Members {
  const members = new Members({ workers: 4, collectors: 2, deadAfter });
  for (const local of [0, 1]) members.localCame(local);
  for (const worker of [0, 1, 2, 3]) members.workerCame(worker);
  members.decide(1, NOBODY);
  return members;
}

t.test('a worker counts when it and its local collector are there', async (t) => {
  const members = new Members({ workers: 2, collectors: 2, deadAfter: 3 });
  members.workerCame(0);
  members.localCame(1);
  t.same(members.decide(1, NOBODY), []);
  t.notOk(members.any);
  t.same(members.absent, ['worker 1', 'local 0']);
  members.localCame(0);
  t.match(members.decide(1, NOBODY), [{ worker: 0, from: 1, expected: true }]);
  t.same(
    [...members.table()],
    [
      [0, [0]],
      [1, []],
    ],
  );
});

t.test('misses in a row give a worker up, from the next heartbeat if it has events of the open one', async (t) => {
  const members = everybody();
  members.closed([1], [0, 1]);
  members.closed([], [0, 1]);
  members.closed([1], [0, 1]);
  t.same(members.decide(5, NOBODY), [], 'not in a row');
  members.closed([1], [0, 1]);
  t.match(members.decide(6, new Map([[1, 3]])), [
    { worker: 1, from: 7, expected: false, why: 'it missed 2 heartbeats in a row' },
  ]);
  t.notOk(members.isExpected(1));
  members.workerCame(1);
  t.match(members.decide(6, NOBODY), [{ worker: 1, from: 7, expected: true }], 'never before what was decided last');
});

t.test('a silent local collector says nothing about its workers; they go and come with it', async (t) => {
  const members = everybody();
  members.closed([2, 3], [0]);
  members.closed([2, 3], [0]);
  t.match(members.decide(3, NOBODY), [
    { worker: 2, expected: false, why: 'local collector 1 is away' },
    { worker: 3, expected: false },
  ]);
  // Nobody is expected behind it then, so it answers at once when it is well again.
  members.closed([], [0]);
  t.same(members.decide(4, NOBODY), []);
  members.closed([], [0, 1]);
  t.match(members.decide(5, NOBODY), [
    { worker: 2, from: 5, expected: true },
    { worker: 3, from: 5, expected: true },
  ]);
  members.localGone(1);
  members.closed([], [0, 1]);
  t.match(
    members.decide(6, NOBODY).map(({ expected }) => expected),
    [false, false],
    'the last answer of one that is gone does not bring it back',
  );
  members.localCame(1);
  t.match(
    members.decide(7, NOBODY).map(({ expected }) => expected),
    [true, true],
  );
});

t.test('0 is never; a restarted process begins anew although it was expected', async (t) => {
  const members = everybody(0);
  for (let k = 0; k < 50; k++) members.closed([0, 1, 2, 3], [0]);
  t.same(members.decide(51, NOBODY), []);
  members.workerCame(2);
  t.match(members.decide(51, new Map([[2, 1]])), [{ worker: 2, from: 52, expected: true }]);
});

t.test('the dealer passes over those that cannot take more, and goes on in turn', async (t) => {
  const dealer = new Dealer([0, 1, 2], { kind: 'events', events: 10 }, { event: 100, heartbeat: 7 });
  const dealt = [1, 2, 3, 4].map(() => dealer.deal(0, (worker) => worker !== 1)?.worker);
  t.same(dealt, [0, 2, 0, 2]);
  t.equal(
    dealer.deal(0, () => false),
    undefined,
  );
  dealer.giveUp(0);
  t.same(
    [1, 2, 3].map(() => dealer.deal(5)?.worker),
    [1, 2, 1],
  );
  const marker = dealer.issue();
  t.match(marker, { heartbeat: 8, first: 100, before: 107, times: [0, 5] });
  t.same(
    [...marker.dealt],
    [
      [0, 2],
      [2, 3],
      [1, 2],
    ],
  );
  t.equal(dealer.issue().times, undefined);
});

t.test('what a collector is told again depends on where it begins', async (t) => {
  const graph = (version: number) => ({ version, text: '', file: '', hashes: new Map<string, string>() });
  const members = (...workers: number[]) => new Map([[0, workers]]);
  const log = new ControlLog({ closed: 0, run: 0, before: 0, graph: graph(1), members: members(0) });
  const marker = (heartbeat: number): Control => {
    const before = heartbeat * 10;
    return { kind: 'marker', seq: heartbeat, heartbeat, dealt: new Map(), first: 0, before, times: undefined };
  };
  log.add(marker(1));
  log.add({ kind: 'passed', seq: 2, name: 'Configure', after: 1, run: 1 });
  log.add({ kind: 'members', seq: 3, from: 3, locals: members(0, 1) });
  log.add(marker(2));
  log.add({ kind: 'change', seq: 4, graph: graph(2), from: 4 });
  log.add(marker(3));
  t.match(log.after(0).standing, { closed: 0, run: 0, graph: { version: 1 } });
  t.same(
    log.after(1).entries.map(({ kind }) => kind),
    ['members', 'marker', 'change', 'marker'],
  );
  t.match(log.after(2).standing, { closed: 2, run: 1, before: 20, members: members(0, 1), graph: { version: 1 } });
  log.closed(3);
  t.equal(log.length, 0);
  t.match(log.after(1).standing, { closed: 3, run: 1, before: 30, graph: { version: 2 } }, 'no further back than that');
});

t.test('a graph is refused by one for all; who has gone need not answer, who is silent refuses', async (t) => {
  const graph = { version: 3, text: '', file: 'g.yaml', hashes: new Map<string, string>() };
  const replacement = new Replacement(graph, undefined, new Map(['a', 'b', 'c', 'd'].map((name) => [name, name])));
  replacement.prepared('a', 3, []);
  replacement.prepared('b', 2, []);
  replacement.gone('c');
  replacement.prepared('stranger', 3, []);
  t.notOk(replacement.settled);
  replacement.prepared('b', 3, [{ error: 'code-mismatch', node: 'x', message: 'another hash' }]);
  replacement.giveUp();
  t.ok(replacement.settled);
  t.same(
    replacement.problems.map(({ message }) => message),
    ['another hash (b)', 'd did not answer in time'],
  );
});

t.test(
  'an answer before its marker waits for it, and counts for its heartbeat; deadlines run from the marker',
  async (t) => {
    const closings: string[] = [];
    const gathering = new Gathering(
      {
        change: () => {},
        transition: (name, after) => closings.push(`${name} behind ${after}`),
        close: ({ heartbeat, missing, included, late }) =>
          closings.push(`${heartbeat}: ${[...included.values()].join('+')}, late ${late}, missing ${missing.join()}`),
      },
      {
        depth: 3,
        deadline: 10,
        closed: 4,
        run: 1,
        contributors: (locals) => (locals.get(0) ?? []).map((id) => ({ id, workers: [id] })),
      },
    );
    const answer = (heartbeat: number, worker: number, events: number) => ({
      ...{
        heartbeat,
        run: 1,
        included: new Map([[worker, events]]),
        late: 0,
        missing: [],
        closed: 'complete' as const,
      },
      ...{ parts: new Map(), errors: new Map() },
    });
    const marker = (heartbeat: number): MarkerMessage => {
      return { kind: 'marker', seq: 1, heartbeat, dealt: new Map(), first: 0, before: 0, times: undefined };
    };
    gathering.members({ from: 5, locals: new Map([[0, [1, 2]]]) });
    gathering.answer(1, answer(5, 1, 7));
    gathering.answer(2, answer(5, 2, 8));
    t.same(closings, []);
    t.equal(gathering.waiting, 2);
    gathering.marker(marker(5), 100);
    t.same(closings.splice(0), ['5: 7+8, late 0, missing ']);
    gathering.marker(marker(6), 200);
    gathering.marker(marker(6), 205);
    gathering.answer(1, answer(6, 1, 1));
    t.equal(gathering.nextDeadline, 210);
    gathering.tick(209);
    t.same(closings, []);
    gathering.tick(210);
    t.same(closings.splice(0), ['6: 1, late 0, missing 2']);
    gathering.transition('Configure', 6, 1);
    gathering.transition('Configure', 6, 2);
    t.same(closings.splice(0), ['Configure behind 6'], 'a run that is known begins once');
    gathering.members({ from: 7, locals: new Map([[0, []]]) });
    gathering.answer(2, answer(6, 2, 4));
    gathering.marker(marker(7), 300);
    t.same(closings.splice(0), ['7: 4, late 4, missing '], 'nobody is expected: it closes at once, with what is late');
  },
);
