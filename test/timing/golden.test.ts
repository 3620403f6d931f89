import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { DaqError } from '../../lib/errors.ts';
import { readPartition } from '../../lib/timing/input/partition-file.ts';
import { validate } from '../../lib/timing/validate.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';
import { firstDifference } from './compare-brute-force.ts';

const readText = (file: string): Promise<string> => readFile(file, 'utf8');

for (const folder of ['vectors', 'cases']) {
  t.test(
    `every partition of ${folder} has its expected result (timing 13)`,
    needsShared('data', 'timing', folder),
    async (t) => {
      const root = join(SHARED, 'data', 'timing', folder);
      const names = filesBelow(root, '.expect.json').map((file) => file.replace('.expect.json', ''));
      t.ok(names.length >= 30, 'there are cases');
      for (const name of names) {
        const { warnings, ...expected } = JSON.parse(readFileSync(join(root, `${name}.expect.json`), 'utf8')) as Record<
          string,
          unknown
        >;
        const file = join(root, `${name}.json`);
        const prove = async () => validate(await readPartition({ text: await readText(file), file, readText }));
        if (expected.verdict === 'ERROR') {
          await t.rejects(prove(), DaqError, `${name} is refused`);
          continue;
        }
        const verdict = await prove();
        t.equal(firstDifference(verdict, expected, ''), null, name);
        const codes = new Set(verdict.warnings.map((warning) => warning.code));
        t.same(
          (warnings as string[]).filter((code) => !codes.has(code)),
          [],
          `${name}: warnings`,
        );
      }
    },
  );
}
