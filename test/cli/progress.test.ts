/** The progress line: on terminals only, throttled, taken away at the end. */

import t from 'tap';
import { bytesText, ProgressLine, progressText } from '../../lib/cli/progress.ts';

function terminalOf(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
}

t.test('nothing in pipes and logs, nor on terminals behind which nobody sits', async (t) => {
  let now = 0;
  for (const [isTTY, env] of [
    [false, { TERM: 'xterm' }],
    [true, {}],
    [true, { TERM: 'dumb' }],
  ] as const) {
    const terminal = terminalOf(isTTY);
    const progress = new ProgressLine({ terminal, now: () => now, env });
    progress.start('run.xtc2', 100);
    for (now = 0; now < 5000; now += 100) progress.update(now / 50);
    progress.clear();
    t.same(terminal.written, []);
  }
});

t.test('short inputs show nothing, long ones five lines a second, cut to the width', async (t) => {
  let now = 1000;
  const terminal = terminalOf(true, 20);
  const progress = new ProgressLine({ terminal, now: () => now, env: { TERM: 'xterm' } });
  progress.start('a-rather-long-name.xtc2', 1e9);
  for (; now < 1500; now++) progress.update(now);
  progress.clear();
  t.same(terminal.written, []);
  for (; now < 3500; now++) progress.update(now);
  t.equal(terminal.written.length, 10);
  t.ok(terminal.written.every((text) => /^\r\x1b\[K.{19}$/.test(text)));
  progress.clear();
  progress.clear();
  t.equal(terminal.written.at(-1), '\r\x1b[K');
  t.equal(terminal.written.length, 11);
});

t.test('the text: amount, share, rate and time left where the size is known', async (t) => {
  t.equal(progressText('run', 1.2e9, 4.8e9, 1.5), 'run: 1.20 GB of 4.80 GB, 25 %, 800 MB/s, 5 s left');
  t.equal(progressText('-', 2.5e6, undefined, 0.5), '-: 2.50 MB, 5.00 MB/s');
  t.equal(progressText('-', 0, undefined, 0), '-: 0 B, 0 B/s');
});

t.test('bytes in three digits', async (t) => {
  t.same([0, 999, 999.6, 1000, 9994, 99_940, 999_400, 999_600, 4.3e15, 4.3e19].map(bytesText), [
    '0 B',
    '999 B',
    '1.00 kB',
    '1.00 kB',
    '9.99 kB',
    '99.9 kB',
    '999 kB',
    '1.00 MB',
    '4.30 PB',
    '43000 PB',
  ]);
});
