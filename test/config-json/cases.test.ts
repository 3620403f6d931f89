import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configureDgram } from '../../lib/config-json/configure.ts';
import { type Conversion, convertText } from '../../lib/config-json/convert.ts';
import { NumberLiteral } from '../../lib/config-json/number/literal.ts';
import { needsShared, SHARED } from '../golden.ts';

const folder = join(SHARED, 'data', 'json2xtc');

interface Expected {
  exit: number;
  bytes?: string;
}

interface Case {
  case: string;
  why: string;
  default: Expected;
  compat: Expected;
  warn?: string;
}

interface NumberCase {
  literal: string;
  kind?: 'integer' | 'double';
  reference?: string;
  correct?: string;
  error?: boolean;
}

function lines<T>(file: string): T[] {
  return readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function dgramOf(conversion: Conversion): Buffer {
  return configureDgram(conversion.configs, { nodeId: 1, firstNamesId: 0, half: 'both', service: 2, sec: 0, nsec: 0 });
}

t.test(
  'every case gives the expected bytes or an error with a place (json2xtc.md)',
  needsShared('data', 'json2xtc'),
  async (t) => {
    const cases = lines<Case>('CASES.jsonl');
    t.ok(cases.length > 40, 'the cases are there');
    for (const item of cases) {
      const bytes = readFileSync(join(folder, `${item.case}.json`));
      for (const mode of ['default', 'compat'] as const) {
        const name = `${item.case}, ${mode}: ${item.why}`;
        const conversion = convertText(bytes, { compat: mode === 'compat' });
        const errors = conversion.problems.list.filter(({ severity }) => severity === 'error');
        if (item[mode].exit === 0) {
          t.strictSame(errors, [], `${name}: no error`);
          if (errors.length > 0) continue;
          t.ok(dgramOf(conversion).equals(readFileSync(join(folder, item[mode].bytes!))), name);
          const warnings = conversion.problems.warnings;
          if (item.warn !== undefined) t.ok(warnings > 0, `${name}: warns`);
        } else {
          t.ok(errors.length > 0, name);
          t.strictSame(conversion.configs, [], `${name}: nothing to write`);
          for (const { place } of errors)
            t.ok(place.line !== undefined && place.column !== undefined, `${name}: place`);
        }
      }
    }
  },
);

t.test(
  'number literals are the reference’s and the nearest doubles (section 6)',
  needsShared('data', 'json2xtc'),
  async (t) => {
    for (const { literal, kind, reference, correct, error } of lines<NumberCase>('NUMBERS.jsonl')) {
      if (error) {
        const { problems } = convertText(Buffer.from(`[${literal}]`));
        t.equal(problems.list[0]?.code, 'json-syntax', `${literal} is refused`);
        continue;
      }
      const number = new NumberLiteral();
      number.read(Buffer.from(`${literal}]`), 0);
      t.equal(number.end, literal.length, `${literal}: whole`);
      t.equal(number.floating, kind === 'double', `${literal}: form`);
      t.equal(bits(number.reference()), reference, `${literal}: reference`);
      t.equal(bits(number.nearest()), correct ?? reference, `${literal}: nearest`);
    }
  },
);

function bits(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}
