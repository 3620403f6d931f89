/** Processes that announce their metrics, and those that did and are gone. */

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { announce, announcements } from '../../lib/cli/announcement.ts';

const folder = mkdtempSync(join(tmpdir(), 'daqpipe-announce-'));
process.env.XDG_RUNTIME_DIR = folder;
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const files = join(folder, 'daqpipe', 'metrics');
const mine = { pid: process.pid, command: 'tester', label: 'drp0', url: 'http://127.0.0.1:9100/metrics' };
const ofThisFolder = () => announcements().filter(({ command }) => command === 'tester');

t.test('a living process is found until it takes its announcement back', async (t) => {
  t.same(ofThisFolder(), []);
  const takeBack = announce(mine);
  t.match(ofThisFolder(), [mine]);
  t.same(readdirSync(files), [`${process.pid}.json`]);
  t.equal(statSync(join(files, `${process.pid}.json`)).mode & 0o777, 0o600);
  takeBack();
  takeBack();
  t.same(ofThisFolder(), []);
});

t.test(
  'who is gone, another process with an old pid, and rubbish are passed over, and removed by the next',
  async (t) => {
    const file = (name: string, value: unknown) => writeFileSync(join(files, name), JSON.stringify(value));
    file('4194000.json', { ...mine, pid: 4_194_000, startTicks: 5 });
    file('1.json', { ...mine, pid: process.pid, startTicks: 1 });
    file('2.json', { ...mine, startTicks: 'x' });
    file('3.json', null);
    writeFileSync(join(files, '4.json'), '{"pid":');
    t.same(ofThisFolder(), []);
    announce(mine)();
    t.same(readdirSync(files), []);
  },
);
