/** How long a command takes to start, against a bare `node -e 0`. Goal: 1.6x. Run: npm run bench startup */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { medianWall } from './harness.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = (name: string, ...args: string[]) => [process.execPath, join(root, 'bin', name), ...args];
const commands = {
  'node -e 0': [process.execPath, '-e', '0'],
  'dgram-cat /dev/null': command('dgram-cat', '/dev/null'),
  'dgram-cat --help': command('dgram-cat', '--help'),
  'daq-top 1 -i 0': command('daq-top', '1', '-i', '0'),
  'daq-view /dev/null --once': command('daq-view', '/dev/null', '--once'),
  'daqpipe (list)': command('daqpipe'),
};
const medians = medianWall(commands, 41);
const bare = medians['node -e 0']!;
for (const [name, time] of Object.entries(medians)) {
  console.log(`startup ${name}: ${(time / bare).toFixed(2)}x (goal <= 1.6x) ${time.toFixed(1)} ms`);
}
