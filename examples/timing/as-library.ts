// Configuration software can ask before it configures: node --import tsx examples/timing/as-library.ts PARTITION
import { readFile } from 'node:fs/promises';
import { readPartition } from '../../lib/timing/input/partition-file.ts';
import { validate } from '../../lib/timing/validate.ts';

const readText = (file: string): Promise<string> => readFile(file, 'utf8');
const file = process.argv[2] ?? 'examples/timing/two-cameras.yaml';
const partition = await readPartition({ text: await readText(file), file, readText });
const verdict = validate(partition);

console.log(`${file}: ${verdict.verdict}, ${verdict.pulses} pulses looked at`);
for (const [g, found] of Object.entries(verdict.violations.steady.groups)) {
  if (found.certain > 0) console.log(`group ${g} loses ${found.certain} of ${verdict.groups[g]?.steady.sum} pulses`);
}
process.exitCode = verdict.exit;
