import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DgramReader } from '../../lib/stream/dgram-reader.ts';
import { openBytes } from '../../lib/stream/source.ts';
import { JsonView } from '../../lib/xtc/json-view.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';

const folders = ['xtc2', 'json2xtc'];

async function lines(file: string, options: ConstructorParameters<typeof JsonView>[1]): Promise<string[]> {
  const reader = new DgramReader(await openBytes(file));
  const view = new JsonView(new Walker(), options);
  const found: string[] = [];
  do {
    while (reader.next()) found.push(view.line(reader.dgram));
  } while (await reader.fill());
  return found;
}

for (const folder of folders) {
  t.test(`every golden of ${folder} is reproduced (dgram-json.md)`, needsShared('data', folder), async (t) => {
    const root = join(SHARED, 'data', folder);
    const goldens = filesBelow(root, '.golden.jsonl');
    t.ok(goldens.length > 0, 'there are goldens');
    for (const golden of goldens) {
      const expected = readFileSync(join(root, golden), 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const found = await lines(join(root, golden.replace('.golden.jsonl', '')), { arrays: 'md5' });
      t.equal(found.length, expected.length, `${golden}: number of dgrams`);
      const wrong = expected.findIndex((line, i) => canonical(line) !== canonical(found[i] ?? 'null'));
      t.equal(wrong, -1, `${golden}: all lines equal`);
      if (wrong >= 0) t.same(JSON.parse(found[wrong]!), JSON.parse(expected[wrong]!));
    }
  });
}

/** Key order and number spelling do not matter. */
function canonical(line: string): string {
  return JSON.stringify(JSON.parse(line), (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
