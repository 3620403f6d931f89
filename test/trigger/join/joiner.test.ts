/** The receiver side (spec teb.md, sections 7.2 and 7.3). */

import t from 'tap';
import { Joiner, type JoinerOptions } from '../../../lib/trigger/join/joiner.ts';
import { eventEnv } from '../../../lib/trigger/wire/eb-dgram.ts';
import { ResultRecord } from '../../../lib/trigger/wire/result.ts';
import { type ResultParts, resultBytes } from '../result-bytes.ts';
import { playJoin } from './random-join.ts';

const L1 = 12;

class Bench {
  readonly joiner: Joiner;
  private readonly record = new ResultRecord();

  constructor(options: Partial<JoinerOptions> = {}) {
    this.joiner = new Joiner({ common: 0, buffers: 10, ...options });
  }

  event(pid: number, rogs = 1, svc = L1, now = 0): boolean {
    return this.joiner.event(pid, eventEnv(rogs, svc), now);
  }

  result(pid: number, parts: Partial<ResultParts> = {}, decider = 0): void {
    const bytes = resultBytes({ pid, svc: L1, rogs: 1, ...parts }, decider);
    this.joiner.result(decider, this.record.move(bytes, 0, bytes.length));
  }

  fates(now = 0): string[] {
    const fates: string[] = [];
    for (let fate = this.joiner.next(now); fate; fate = this.joiner.next(now)) {
      fates.push(
        `${fate.pid} ${fate.act}${fate.reason ? ` ${fate.reason}` : ''}${fate.damage ? ` damage ${fate.damage}` : ''}`,
      );
    }
    return fates;
  }
}

t.test('persist or prescale: recorded; results of others are extra; nothing is joined twice', async (t) => {
  const bench = new Bench();
  for (const pid of [10, 20, 30, 40]) bench.event(pid);
  t.strictSame(bench.fates(), []);
  bench.result(5);
  bench.result(10, { persist: 1 });
  bench.result(20, { prescale: 1, damage: 16 });
  bench.result(20, { persist: 1 });
  bench.result(30);
  bench.result(15);
  bench.result(35);
  t.strictSame(bench.fates(), ['10 record', '20 record damage 16', '30 discard']);
  t.match(bench.joiner.counts, { extra: 2, dupResult: 2, recorded: 2, discarded: 1 });
  t.equal(bench.joiner.awaited, 0);
});

t.test('no decision: the next is newer, the stream ended, or time is up (D6)', async (t) => {
  const newer = new Bench();
  newer.event(10);
  newer.event(11);
  newer.result(11);
  t.strictSame(newer.fates(), ['10 record damage 32', '11 discard']);
  const ended = new Bench({ onMissing: 'discard' });
  ended.event(10);
  ended.event(20, 1, 4);
  ended.joiner.resultsEnded(0);
  t.strictSame(ended.fates(), ['10 discard damage 32', '20 record damage 32'], 'transitions are recorded');
  const late = new Bench({ onMissing: 'stop', timeoutMs: 50 });
  late.event(10, 1, L1, 5);
  t.equal(late.joiner.deadline, 55);
  t.strictSame(late.fates(54), []);
  t.strictSame(late.fates(55), ['10 reject no_decision damage 32']);
});

t.test('events without the common bit wait for nobody but for older events (7.3)', async (t) => {
  for (const [noCommon, fate] of [
    ['bypass', 'record'],
    ['discard', 'reject no_common'],
    ['error', 'reject no_common'],
  ] as const) {
    const bench = new Bench({ noCommon });
    bench.event(10);
    bench.event(11, 2);
    t.strictSame(bench.fates(), []);
    bench.result(10);
    t.strictSame(bench.fates(), ['10 discard', `11 ${fate}`]);
    t.equal(bench.joiner.counts.bypass, noCommon === 'bypass' ? 1 : 0);
  }
  const bench = new Bench();
  bench.event(11, 2);
  const fate = bench.joiner.next(0)!;
  t.match(fate, { data: 2, monBufNo: 0, damage: 0, monitored: false });
  t.equal(fate.line(3).bypass, 1);
});

t.test('services must agree; events that go back are rejected; a full joiner refuses', async (t) => {
  const bench = new Bench({ buffers: 3 });
  bench.event(10);
  bench.event(10);
  bench.event(9);
  t.equal(bench.event(20), false);
  bench.result(10, { svc: 4 });
  t.strictSame(bench.fates(), ['10 reject svc', '10 reject duplicate', '9 reject back']);
  t.equal(bench.event(20), true);
});

t.test('each decider answers for its pids; one that ends does not stop the others (S15)', async (t) => {
  const bench = new Bench({ deciders: 2 });
  for (const pid of [1, 64, 129, 200]) bench.event(pid);
  bench.result(64, { persist: 1 }, 1);
  t.strictSame(bench.fates(), []);
  bench.result(1, {}, 0);
  t.strictSame(bench.fates(), ['1 discard', '64 record']);
  bench.joiner.resultsEnded(0);
  bench.result(200, {}, 1);
  t.strictSame(bench.fates(), ['129 record damage 32', '200 discard']);
});

t.test('a Configure that goes back begins a new run, whichever stream tells it first (I11)', async (t) => {
  for (const resultsFirst of [true, false]) {
    const bench = new Bench();
    bench.event(1000);
    bench.result(1000);
    const events = () => [bench.event(5, 1, 2), bench.event(6)];
    if (!resultsFirst) events();
    bench.result(5, { svc: 2 });
    bench.result(6, { persist: 1 });
    if (resultsFirst) events();
    t.strictSame(bench.fates(), ['1000 discard', '5 record', '6 record'], `results first: ${resultsFirst}`);
  }
});

t.test('monitored: a wish and a buffer, or a transition', async (t) => {
  const bench = new Bench();
  for (const pid of [1, 2, 3]) bench.event(pid);
  bench.event(4, 1, 4);
  bench.result(1, { monitor: 15, monbuf: '40000001' });
  bench.result(2, { monitor: 0, monbuf: '40000001' });
  bench.result(3, { monitor: 15 });
  bench.result(4, { svc: 4 });
  const monitored: boolean[] = [];
  for (let fate = bench.joiner.next(0); fate; fate = bench.joiner.next(0)) monitored.push(fate.monitored);
  t.strictSame(monitored, [true, false, false, true]);
});

t.test('2000 random runs give every event its one fate (I1, I3)', async (t) => {
  for (let seed = 1; seed <= 2000; seed++) {
    const difference = playJoin(seed);
    if (difference !== undefined) t.fail(`seed ${seed}: ${difference}`);
  }
});
