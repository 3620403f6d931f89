/** What daq-top makes of answers. */

import t from 'tap';
import { allWell, TopModel } from '../../../lib/live/top/model.ts';
import { Series } from '../../../lib/live/top/series.ts';
import { chosen, onceLines } from '../../../lib/live/top/show.ts';
import { columnsThatFit, detailLines, fitted, matching, sorted } from '../../../lib/live/top/table.ts';
import { answer, threeProcesses } from './rows.ts';

t.test('rates come from two looks; a counter that shrinks is that of a new process', async (t) => {
  const series = new Series(true);
  series.add(10, 0);
  t.equal(series.rate, undefined);
  series.add(30, 2);
  t.equal(series.rate, 10);
  series.add(5, 3);
  t.equal(series.rate, undefined);
  series.add(6, 4);
  t.equal(series.rate, 1);
  t.same(series.history, [10, 1]);
  for (let i = 0; i < 100; i++) series.add(6, 5 + i);
  t.equal(series.history.length, 60);
});

t.test('balance, losses, workers, queues, damage', async (t) => {
  const [good, bad, gone] = threeProcesses().rows(2.5);
  t.match(good, { name: 'gen', state: 'up', age: 0.5, in: { total: 200, rate: 100 }, lost: { total: 0, rate: 0 } });
  t.match(good, { unaccounted: 0, queue: undefined, workers: {}, cpu: 0.1, history: [100, 100] });
  t.match(bad, {
    name: 'drp0',
    in: { total: 100, rate: 50 },
    lost: { total: 10, rate: 0 },
    losses: { dropped: { total: 10, rate: 0 } },
    unaccounted: 2,
    queue: 7,
    workers: { '0': true, '1': false },
    damage: { total: 6, rate: 0 },
    uptime: 65,
  });
  t.same(Object.keys(bad!.losses), ['dropped'], 'reasons that never happened are left out');
  t.match(gone, { name: 'teb', state: 'gone', reason: 'nobody listens there', in: { total: 7, rate: undefined } });
  t.equal(gone!.cpu, undefined);
});

t.test('who is gone does nothing that we know of, whatever its last rates were', async (t) => {
  const model = threeProcesses();
  model.failed('http://b/', 'no');
  const bad = model.rows(3)[1]!;
  t.same(bad.losses, { dropped: { total: 10, rate: undefined } });
  t.same(bad.lost, { total: 10, rate: undefined });
  t.ok(bad.meters.every(({ rate }) => rate === undefined));
  t.same(bad.workers, { '0': false, '1': false });
});

t.test('silent, up, gone, and up again; who is gone stays until it is forgotten', async (t) => {
  const model = new TopModel();
  model.expect('http://a/', 'drp7');
  const state = () => model.rows(9).map(({ name, state: now }) => `${name} ${now}`);
  t.same(state(), ['drp7 silent']);
  model.failed('http://a/', 'no');
  t.same(state(), ['drp7 silent']);
  t.same(model.forgetGone(), [], 'who has never answered may still come');
  model.answered('http://a/', answer({ in: 1, out: 1 }), 1);
  t.same(state(), ['drp0 up']);
  t.ok(allWell(model.rows(1)));
  model.failed('http://a/', 'no');
  t.same(state(), ['drp0 gone']);
  t.notOk(allWell(model.rows(1)));
  model.answered('http://a/', answer({ in: 0, out: 0 }), 2);
  t.same(state(), ['drp0 up']);
  model.failed('http://a/', 'no');
  t.same(model.forgetGone(), ['http://a/']);
  t.same(state(), []);
});

t.test('an open balance is not well', async (t) => {
  const model = new TopModel();
  model.answered('a', answer({ in: 5, out: 3, lost: 1 }), 0);
  t.notOk(allWell(model.rows(0)));
});

t.test('order and filter', async (t) => {
  const rows = threeProcesses().rows(2);
  const names = (list: typeof rows) => list.map(({ name }) => name).join(' ');
  t.equal(names(sorted(rows, { by: undefined, reverse: false })), 'gen drp0 teb');
  t.equal(names(sorted(rows, { by: undefined, reverse: true })), 'teb drp0 gen');
  t.equal(names(sorted(rows, { by: 'PROCESS', reverse: false })), 'drp0 gen teb');
  t.equal(names(sorted(rows, { by: 'OPEN', reverse: false })), 'drp0 gen teb');
  t.equal(names(sorted(rows, { by: 'IN/s', reverse: true })), 'teb drp0 gen');
  t.equal(names(matching(rows, 'DRP0')), 'drp0');
  t.equal(names(matching(rows, 'gone')), 'teb');
  t.equal(names(chosen(rows, 'drp-python', { by: 'PROCESS', reverse: true })), 'teb gen drp0');
});

t.test('columns fit, texts are cut, the least important go first', async (t) => {
  const width = (columns: number) => columnsThatFit(columns).reduce((sum, one) => sum + one.width + 1, -1);
  for (const columns of [20, 40, 80, 81, 100, 500]) t.ok(width(columns) <= Math.max(columns, 18), `${columns}`);
  t.equal(columnsThatFit(5).length, 1);
  t.ok(columnsThatFit(80).some(({ title }) => title === 'WORKERS'));
  const [first] = columnsThatFit(80);
  t.equal(fitted('x'.repeat(30), first!), `${'x'.repeat(17)}…`);
  t.equal(fitted('ab', columnsThatFit(80)[2]!), '     ab');
});

t.test('the text table and the details', async (t) => {
  const rows = threeProcesses().rows(2);
  const lines = onceLines(rows);
  t.match(lines[0], /^PROCESS +STATE +IN\/s +OUT\/s +LOST\/s +OPEN/);
  t.match(lines[2], /^drp0 +up +50\.0 +49\.0 +0 +2 +6 +7 +1\/2 /);
  t.match(lines[3], /^teb +gone +- .*http:\/\/c\/ +nobody listens there$/);
  const detail = detailLines(rows[1]!).join('\n');
  t.match(detail, /in 100 \(50\.0\/s\) = out 88 \(49\.0\/s\) \+ dropped 10 \(0\/s\)/);
  t.match(detail, /NOT BALANCED: 2 unaccounted for/);
  t.match(detail, /workers: 0 up, 1 DOWN/);
  t.match(detail, /drp_worker_queue_depth worker="1" +4/);
});
