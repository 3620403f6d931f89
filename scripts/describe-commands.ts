// Writes dist/commands.json (the list that `daqpipe` prints) and dist/exit-codes.json from the commands' own metadata.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DaqCommand } from '../lib/cli/command.ts';
import { EXIT_TABLE } from '../lib/cli/exit-codes.ts';
import { metadataOf } from '../lib/cli/metadata.ts';

const dist = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const order = [
  'dgrams',
  'configuration',
  'python',
  'calibration',
  'timing',
  'trigger',
  'live',
  'graphs',
  'mapreduce',
  'system',
];

// Every bundle brings its own parser, and each of these listens to stdout.
process.stdout.setMaxListeners(0);

const commands = process.argv
  .slice(2)
  .map((name) => {
    const bundle = require(join(dist, 'commands', `${name}.cjs`)) as { default: typeof DaqCommand };
    return metadataOf(bundle.default, name);
  })
  .sort((a, b) => order.indexOf(a.concern) - order.indexOf(b.concern) || a.name.localeCompare(b.name));
writeFileSync(join(dist, 'commands.json'), `${JSON.stringify(commands, null, 1)}\n`);
writeFileSync(join(dist, 'exit-codes.json'), `${JSON.stringify(EXIT_TABLE)}\n`);
