/** `dgram-cat --live` in a real pseudo-terminal, and where there is none. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SERVICE } from '../../lib/xtc/service.ts';
import { executable } from '../executable.ts';
import { eventDgram, sampleRun, transitionDgram } from '../stream/sample-run.ts';
import { needsTerminal, noScript, terminalOf } from '../terminal.ts';

const BIN = executable('dgram-cat');
const folder = mkdtempSync(join(tmpdir(), 'daqpipe-live-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'run.xtc2');
writeFileSync(file, Buffer.concat(sampleRun(50)));

t.test('a file is read to its end, the last picture stays until q', needsTerminal, async (t) => {
  const terminal = terminalOf(t, `${BIN} --live ${file}`);
  await terminal.shows(/END/);
  await terminal.shows(/hsd_0 +raw +50/);
  terminal.press('\t');
  await terminal.shows(/UINT16\[8\]/);
  terminal.press('q');
  t.equal(await terminal.status(), 0);
  t.match(terminal.picture, /^\x1b\[\?1049h/, 'a screen of its own');
  t.match(terminal.picture, /\x1b\[\?1049l/, 'and the former one is given back');
});

t.test('Ctrl-C ends in order with 130', needsTerminal, async (t) => {
  const terminal = terminalOf(t, `${BIN} --live ${file}`);
  await terminal.shows(/END/);
  terminal.press('\x03');
  t.equal(await terminal.status(), 130);
  t.match(terminal.picture, /\x1b\[\?1049l/);
});

t.test('dgrams through stdin, keys from the terminal; q ends the reading', needsTerminal, async (t) => {
  const writer = `${process.execPath} -e "
    const { readFileSync } = require('node:fs');
    process.stdout.on('error', () => process.exit(0));
    process.stdout.write(readFileSync('${file}'));
    setInterval(() => process.stdout.write(readFileSync('${file}')), 20)"`;
  writeFileSync(join(folder, 'pipe.sh'), `${writer} | ${BIN} --live -\nexit \${PIPESTATUS[1]}\n`);
  const terminal = terminalOf(t, `bash ${join(folder, 'pipe.sh')}`);
  await terminal.shows(/reading +2021-09-09/);
  await terminal.shows(/\d{3,} dgrams /);
  terminal.press('q');
  t.equal(await terminal.status(), 0);
});

t.test('an error gives the terminal back before it is said', needsTerminal, async (t) => {
  const terminal = terminalOf(t, `${BIN} --live ${join(folder, 'none')}`);
  t.equal(await terminal.status(), 2);
  t.match(terminal.picture, /\x1b\[\?1049l.*none: no such file/s);
});

t.test('what is wrong is said after the screen, and decides the status', needsTerminal, async (t) => {
  const damaged = join(folder, 'cut.xtc2');
  writeFileSync(damaged, Buffer.concat([transitionDgram(SERVICE.Configure, 0), eventDgram(0).subarray(0, 50)]));
  const terminal = terminalOf(t, `${BIN} --live ${damaged}`);
  await terminal.shows(/END/);
  terminal.press('q');
  t.equal(await terminal.status(), 1);
  t.match(terminal.picture, /\x1b\[\?1049l.*incomplete-payload/s);
});

t.test('without a terminal, or with one behind which nobody sits, there are lines', async (t) => {
  const piped = spawnSync(BIN, ['--live', file], { encoding: 'utf8' });
  t.equal(piped.status, 0);
  t.equal(piped.stdout.split('\n').length, 54);
  t.match(piped.stdout, /^ +0 +0 {2}Configure/);
  if (noScript !== undefined) return;
  const { TERM, ...env } = process.env;
  const managed = spawnSync('script', ['--quiet', '--return', '--command', `${BIN} --live ${file}`, '/dev/null'], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.equal(managed.status, 0);
  t.notMatch(managed.stdout, '\x1b');
  t.match(managed.stdout, /L1Accept/);
});

t.test('one view at a time', async (t) => {
  const { status, stderr } = spawnSync(BIN, ['--live', '--stats', file], { encoding: 'utf8' });
  t.equal(status, 2);
  t.match(stderr, /one view at a time/);
});
