/** teb-decide builds events: what it waits for and what not, bad input, wrong usage (spec teb.md, 4, 11). */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { markerBytes } from '../../lib/trigger/wire/eb-dgram.ts';
import { run } from '../executable.ts';
import type { Contributed } from '../trigger/scenarios.ts';
import {
  begin,
  bytesOf,
  configFile,
  decide,
  event,
  linesOf,
  PASS_ALL,
  PATIENT,
  scratch,
  script,
  summaryOf,
  TebProcess,
} from '../trigger/teb-command.ts';

const CLEAN = /<I> teb-decide: OK in (\d+) = out \1/;

/** Pids of a group that fires on every n-th event. */
const fires = (k: number, every: number) => k % every === 0;

for (const [detectors, groups] of [
  [1, []],
  [2, []],
  [1, [10]],
  [2, [10]],
  [1, [1000]],
  [2, [10, 1000]],
] as const) {
  t.test(
    `${detectors} at the common rate, lower groups at 1/${groups.join(', 1/') || 'none'}: decided at once (S1 to S3)`,
    async (t) => {
      const rogs = [...Array<number>(detectors).fill(0), ...groups.map((_, i) => i + 1)];
      const all = rogs.reduce((mask, rog) => mask | (1 << rog), 0);
      const teb = new TebProcess(['--config', configFile(scratch(t), rogs), '--timeout-ms', '0'], rogs.length);
      for (const src of rogs.keys()) teb.send(src, begin(src, all));
      // In lock step: nothing is sent before the decision of the event before is there. So no decision waits for anything later.
      for (let k = 0; k < 40; k++) {
        const mask = groups.reduce((sum, every, i) => (fires(k, Math.min(every, 20)) ? sum | (2 << i) : sum), 1);
        const pid = 2000 + 13 * k;
        for (const [src, rog] of rogs.entries()) if ((mask >> rog) & 1) teb.send(src, [event(src, pid, mask)]);
        const { why, recv, persist } = await teb.decision(pid);
        t.same(
          { why, persist, recv },
          { why: 'complete', persist: 1, recv: [...rogs.keys()].filter((src) => (mask >> rogs[src]!) & 1) },
        );
      }
      teb.end();
      t.equal(await teb.status(), 0, teb.stderr);
      t.match(teb.stderr, CLEAN);
    },
  );
}

t.test(
  'at a pace: 2 at 1 kHz, one at 100 Hz, one at 10 Hz, in their own time; a lost contribution holds nobody up',
  async (t) => {
    const rogs = [0, 0, 1, 2];
    const teb = new TebProcess(['--config', configFile(scratch(t), rogs), '--timeout-ms', '0'], rogs.length);
    for (const src of rogs.keys()) teb.send(src, begin(src, 7));
    const start = performance.now();
    let k = 0;
    for (let sent = 0; sent < 500; ) {
      const due = Math.min(500, Math.floor(performance.now() - start));
      for (; sent < due; sent++, k++) {
        const mask = 1 | (fires(k, 10) ? 2 : 0) | (fires(k, 100) ? 4 : 0);
        for (const [src, rog] of rogs.entries()) {
          if ((mask >> rog) & 1 && !(src === 1 && k === 250)) teb.send(src, [event(src, 5000 + 929 * k, mask)]);
        }
      }
      await sleep(1);
    }
    // Nothing has ended yet, and the last event of the fast sources is complete.
    const last = await teb.decision(5000 + 929 * 499);
    t.equal(last.why, 'complete');
    teb.end();
    t.equal(await teb.status(), 0, teb.stderr);
    const events = teb.lines.filter(({ svc }) => svc === 12);
    t.equal(events.length, 500);
    t.same(
      events
        .filter(({ missing }) => missing.length > 0)
        .map(({ pid, missing, damage, why }) => ({ pid, missing, damage, why })),
      [{ pid: 5000 + 929 * 250, missing: [1], damage: 0x10, why: 'watermark' }],
    );
    t.same(
      events.map(({ pid }) => pid),
      events.map((_, i) => 5000 + 929 * i),
    );
    t.equal(events.filter(({ recv }) => recv.includes(3)).length, 5);
  },
);

t.test(
  'markers close what a slow source lost; the last slow event leaves with the end of its input (S6)',
  async (t) => {
    const teb = new TebProcess(['--config', configFile(scratch(t), [0, 1]), '--timeout-ms', '0'], 2);
    for (const src of [0, 1]) teb.send(src, begin(src, 3));
    teb.send(0, [event(0, 2000, 3), event(0, 2010, 1)]);
    teb.input(1).write(markerBytes(1, 2005));
    t.match(await teb.decision(2000), { why: 'watermark', missing: [1], damage: 0x10 });
    t.match(await teb.decision(2010), { why: 'complete' });
    teb.send(0, [event(0, 2020, 3)]);
    teb.input(1).end();
    t.match(await teb.decision(2020), { why: 'eof', missing: [1], damage: 0x10 });
    teb.end();
    t.equal(await teb.status(), 0, teb.stderr);
    t.same(teb.summary.missing, { 1: 2 });
  },
);

t.test('an input that ends without a record ends the sources that it was declared for', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'empty.ebd'), '');
  const args = ['--config', configFile(folder, [0, 1]), '--timeout-ms', '0', '--in', `1=${folder}/empty.ebd`];
  const teb = new TebProcess(args, 1);
  teb.send(0, [...begin(0, 3), event(0, 2000, 3)]);
  t.match(await teb.decision(2000), { why: 'eof', missing: [1] });
  teb.end();
  t.equal(await teb.status(), 0, teb.stderr);
});

t.test('a source that stops for ever: one timeout, then it is left out until it speaks (S8)', async (t) => {
  const args = ['--config', configFile(scratch(t), [0, 0]), '--timeout-ms', '200', '--dead-after', '100'];
  const teb = new TebProcess(args, 2);
  for (const src of [0, 1]) teb.send(src, begin(src));
  let pid = 2000;
  teb.send(0, [event(0, pid)]);
  t.match(await teb.decision(pid), { missing: [1] });
  // The others go on, and nothing waits any more.
  for (pid = 2010; pid < 2100; pid += 10) {
    teb.send(0, [event(0, pid)]);
    t.match(await teb.decision(pid), { missing: [1], damage: pid > 2050 ? 0x10 : Number });
  }
  // It speaks again. A first event may still go without it; then it is waited for.
  teb.send(1, [event(1, 2200)]);
  teb.send(0, [event(0, 2200)]);
  await teb.decision(2200);
  teb.send(1, [event(1, 2210)]);
  teb.send(0, [event(0, 2210)]);
  t.match(await teb.decision(2210), { why: 'complete', missing: [] });
  teb.end();
  await teb.status();
});

t.test('no room: reading stops, the awaited source gets through, nothing is lost (I21)', async (t) => {
  const teb = new TebProcess(['--config', configFile(scratch(t), [0, 0]), '--timeout-ms', '0', '--max-open', '8'], 2);
  const pids = Array.from({ length: 20_000 }, (_, k) => 2000 + 3 * k);
  teb.send(0, [...begin(0), ...pids.map((pid) => event(0, pid))]);
  teb.send(1, begin(1));
  await teb.decision(1003);
  teb.send(
    1,
    pids.filter((pid) => pid % 7 !== 0).map((pid) => event(1, pid)),
  );
  teb.end();
  t.equal(await teb.status(), 0, teb.stderr);
  const events = teb.lines.filter(({ svc }) => svc === 12);
  t.same(
    events.map(({ pid }) => pid),
    pids,
  );
  t.ok(events.every(({ pid, missing }) => (missing.length === 1) === (pid % 7 === 0)));
});

t.test(
  'no room in one mixed stream, and no time limit: the awaited source is left out instead of a standstill',
  async (t) => {
    const pids = Array.from({ length: 100 }, (_, k) => 2000 + 3 * k);
    const input = bytesOf(
      [...begin(0), ...begin(1)].sort((a, b) => a.pid - b.pid).concat(pids.map((pid) => event(0, pid))),
    );
    const args = [
      '--config',
      configFile(scratch(t), [0, 0]),
      '--timeout-ms',
      '0',
      '--max-open',
      '8',
      '--format',
      'jsonl',
    ];
    const { status, lines, stderr } = await decide(args, input);
    t.equal(status, 0, stderr);
    t.equal(lines.filter(({ svc }) => svc === 12).length, 100);
    t.match(stderr, /source 1 \(det_1\) is left out/);
  },
);

t.test(
  'late, duplicate, foreign, backward, no common group: rejected by name, status 1; --strict stops (S7)',
  async (t) => {
    const config = ['--config', configFile(scratch(t), [0, 0, 1])];
    const input: Contributed[] = [...[0, 1, 2].flatMap((src) => begin(src, 3))].sort((a, b) => a.pid - b.pid);
    input.push(event(0, 2000), event(1, 2000), event(1, 2000), event(9, 2000), event(2, 2000, 1));
    input.push(event(0, 2010), event(0, 2020), event(1, 2020), event(1, 2010), event(1, 2015), event(2, 2030, 2));
    const { status, stderr, lines } = await decide(
      [...config, ...PATIENT, '--stats', '--format', 'jsonl'],
      bytesOf(input),
    );
    t.equal(status, 1);
    t.match(summaryOf(stderr).rejected, { duplicate: 1, foreign: 2, late: 1, back: 1, no_common: 1 });
    t.match(stderr, /<W> teb-decide: rejected: /);
    t.notMatch(stderr, /NOT BALANCED/);
    t.match(stderr, /duplicate: source 1 \(det_1\), pid 2000/);
    t.same(
      lines.filter(({ svc }) => svc === 12).map(({ pid }) => pid),
      [2000, 2010, 2020],
    );
    const strict = await decide([...config, ...PATIENT, '--strict', '--stats', '--format', 'jsonl'], bytesOf(input));
    t.equal(strict.status, 1);
  },
);

t.test('--no-common bypass and discard', async (t) => {
  const config = ['--config', configFile(scratch(t), [0, 1]), ...PATIENT, '--format', 'jsonl'];
  const input = bytesOf(
    [...begin(0, 3), ...begin(1, 3)]
      .sort((a, b) => a.pid - b.pid)
      .concat([event(0, 2000, 1, [0, 0]), event(1, 2010, 2, [0, 9]), event(0, 2020, 1, [0, 0])]),
  );
  const bypass = await decide([...config, '--no-common', 'bypass'], input);
  t.equal(bypass.status, 0, bypass.stderr);
  t.match(bypass.lines.slice(-3), [
    { pid: 2000, persist: 0, bypass: 0 },
    { pid: 2010, persist: 1, monitor: 0, prescale: 0, bypass: 1, recv: [1] },
    { pid: 2020, persist: 0 },
  ]);
  const discard = await decide([...config, '--no-common', 'discard', '--stats'], input);
  t.equal(discard.status, 0, discard.stderr);
  t.equal(summaryOf(discard.stderr).rejected.no_common, 1);
});

t.test('a second Configure begins anew; its pids may go back (I11)', async (t) => {
  const file = script(
    scratch(t),
    `${PASS_ALL.replace('True', 'count == 0').replace('for event', 'count = 0\nfor event')}    count += 1\n`,
  );
  const folder = scratch(t);
  const input = [5000, 1000].flatMap((pid) => [...begin(0, 1, pid), event(0, pid + 10), event(0, pid + 20)]);
  const args = ['--config', configFile(folder, [0]), ...PATIENT, '--script', file, '--format', 'jsonl', '--stats'];
  const { status, lines, stderr } = await decide(args, bytesOf(input));
  t.equal(status, 0, stderr);
  t.same(
    lines.filter(({ svc }) => svc === 12).map(({ pid, persist }) => [pid, persist]),
    [
      [5010, 1],
      [5020, 0],
      [1010, 1],
      [1020, 0],
    ],
  );
  t.match(stderr, /the run before: in 6 = out 6/);
  t.match(summaryOf(stderr), { events: 2, transitions: 4, contributions: 6, decided: 6 });
  const kept = await decide([...args, '--keep-counters'], bytesOf(input));
  t.match(summaryOf(kept.stderr), { events: 4, contributions: 12, decided: 12 });
});

t.test('nothing, garbage, a cut record, bad lines: said, counted, status', async (t) => {
  const config = ['--config', configFile(scratch(t), [0]), ...PATIENT, '--stats'];
  const empty = await decide(config, '');
  t.equal(empty.status, 0, empty.stderr);
  t.match(summaryOf(empty.stderr), { contributions: 0, results: 0 });
  const good = bytesOf([...begin(0), event(0, 2000)]);
  const garbage = await decide(config, Buffer.alloc(5000, 0xa5));
  t.equal(garbage.status, 1);
  t.match(summaryOf(garbage.stderr), { bad_frame: 1, results: 0 });
  t.match(garbage.stderr, /offset 0: extent \d+ is above/);
  const after = await decide(config, Buffer.concat([good, Buffer.alloc(5000, 0xa5)]));
  t.equal(after.status, 1);
  t.match(summaryOf(after.stderr), { bad_frame: 1, results: 5, decided: 5 });
  const cut = await decide(config, good.subarray(0, good.length - 3));
  t.equal(cut.status, 1);
  t.match(summaryOf(cut.stderr), { bad_frame: 1, results: 4 });
  t.match(cut.stderr, /ends inside a record/);
  const lines = await decide(
    [...config, '--in-format', 'jsonl'],
    `${linesOf(begin(0))}{"src":\n[]\n\n${linesOf([event(0, 2000)])}`,
  );
  t.equal(lines.status, 1);
  t.match(summaryOf(lines.stderr), { bad_frame: 2, results: 5 });
  t.match(lines.stderr, /-:5: is no JSON/);
});

t.test('wrong usage and unreadable inputs: status 2, and a sentence', async (t) => {
  const folder = scratch(t);
  const good = configFile(folder, [0]);
  writeFileSync(join(folder, 'no-common.json'), '{"drps":[{"id":0,"rog":1}]}');
  writeFileSync(join(folder, 'no-trigger.json'), '{"drps":[{"id":0,"rog":0}]}');
  mkdirSync(join(folder, 'd'));
  chmodSync(join(folder, 'd'), 0o755);
  const cases: [string[], RegExp][] = [
    [['--config', `${folder}/none.json`, '--in', '-'], /none.json: no such file/],
    [['--config', `${folder}/no-common.json`, '--in', '-'], /common group/],
    [['--config', `${folder}/no-trigger.json`, '--in', '-'], /nothing decides/],
    [['--config', good, '--in', `${folder}/none.ebd`], /no such file/],
    [['--config', good, '--in', `${folder}/d`], /is a directory/],
    [['--config', good, '--in', 'fd:77'], /no such descriptor/],
    [['--config', good, '--in', '-', '--in', '-'], /given twice/],
    [['--config', good, '--in', '64=-'], /sources are/],
    [['--config', good, '--in', '-', '--out', '5=-'], /no source 5/],
    [['--config', good, '--in', '-', '--out', 'x'], /R=URL/],
    [['--config', good, '--in', '-', '--deciders', '2/2'], /I\/N/],
    [['--config', good, '--in', '-', '--rule', 'all', '--exec', 'x'], /exclude/],
    [['--config', good, '--in', '-', '--rule', 'value:x'], /value:P,M/],
    [['--config', good, '--in', '-', '--script', `${folder}/none.py`], /no such script/],
    [['--config', good, '--in', '-', '--meb', '9:1'], /--meb/],
    [['--config', good, '--in', '-', '--script', script(folder, PASS_ALL), '--deciders', '0/2'], /stateless/],
    [['--config', good, '--in', `unix-listen:${folder}/d`], /no socket/],
    [['--config', good, '--in', `unix-listen:${folder}/s`, '--out', `0=unix-listen:${folder}/d/s`], /open to others/],
    [['--in', '-'], /config/],
  ];
  for (const [args, expected] of cases) {
    const { status, stderr } = await run('teb-decide', args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, expected);
  }
});
