import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readCase } from '../../lib/graph/case/case-file.ts';
import { compileCase, playCalls, playSteps } from '../../lib/graph/case/play.ts';
import { planOf } from '../../lib/graph/compile/plan.ts';
import { type Value, valueFromJson, valueToJson } from '../../lib/graph/value.ts';
import { needsShared, SHARED } from '../golden.ts';
import { difference } from './compare.ts';

/** The cases of shared data, each mode with the answers of the reference or of the definitions (spec graph.md, data/graph/README). */

interface Expectation {
  modes: string[];
  rtol?: number;
  records?: {
    heartbeat?: number;
    call?: number;
    outputs: Record<string, unknown>;
    errors?: unknown;
    [key: string]: unknown;
  }[];
  plan?: unknown;
  problem?: { error: string; node?: string } | null;
}

const FOLDER = join(SHARED, 'data/graph');
const WINDOW_LIMIT = 1 << 30;

function outputsJson(outputs: ReadonlyMap<string, Value>): Record<string, unknown> {
  return Object.fromEntries([...outputs].map(([name, value]) => [name, valueToJson(value)]));
}

t.test('every case gives its answers in every mode that it has', needsShared('data/graph'), async (t) => {
  const files = readdirSync(FOLDER).filter((name) => /^[gxc]\d+.*\.json$/.test(name));
  t.ok(files.length > 60, `${files.length} cases`);
  for (const name of files) {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const what = readCase(text, name);
    const { expect } = JSON.parse(text) as { expect: Expectation[] };
    for (const expectation of expect) {
      for (const mode of expectation.modes) check(t, `${name} ${mode}`, what, expectation, mode === 'ami');
    }
  }
});

function check(
  t: Test,
  title: string,
  what: ReturnType<typeof readCase>,
  expectation: Expectation,
  amiCompat: boolean,
): void {
  const options = { amiCompat, windowLimit: WINDOW_LIMIT };
  const { records, plan, problem, rtol = 0 } = expectation;
  if (what.kind === 'plan') {
    const compiled = compileCase(what, options);
    t.same('graph' in compiled && planOf(compiled.graph), plan, title);
  } else if (what.kind === 'compile') {
    const compiled = compileCase(what, options);
    if (!problem) t.ok('graph' in compiled, title);
    else t.match('problems' in compiled && compiled.problems, [problem], title);
  } else if (records) {
    const got =
      what.kind === 'calls'
        ? playCalls(what, options).map(({ call, outputs }) => ({ call, outputs: outputsJson(outputs) }))
        : playSteps(what, options).map(({ outputs, errors, ...rest }) => ({
            ...rest,
            outputs: outputsJson(outputs),
            errors: Object.fromEntries(errors),
          }));
    t.same(differences(records, got, rtol), [], title);
  }
}

/** What differs, in words. Outputs that no record of the expectation has are not compared; absent ones were not renewed. */
function differences(
  wanted: NonNullable<Expectation['records']>,
  got: readonly { outputs: Record<string, unknown> }[],
  rtol: number,
): string[] {
  const found: string[] = [];
  if (wanted.length !== got.length) found.push(`${got.length} records, not ${wanted.length}`);
  const compared = new Set(wanted.flatMap(({ outputs }) => Object.keys(outputs)));
  const last = new Map<string, unknown>();
  wanted.forEach((record, i) => {
    const own = got[i];
    if (!own) return;
    const { outputs, ...rest } = record;
    for (const [key, value] of Object.entries(rest)) {
      const mine = (own as Record<string, unknown>)[key];
      if (JSON.stringify(mine) !== JSON.stringify(value))
        found.push(`record ${i}: ${key} ${JSON.stringify(mine)}, not ${JSON.stringify(value)}`);
    }
    for (const name of compared) {
      const mine = own.outputs[name];
      if (name in outputs) {
        const where = difference(valueFromJson(mine), outputs[name], rtol);
        if (where) found.push(`record ${i}: ${name}${where}`);
        last.set(name, mine);
      } else if (mine !== undefined && JSON.stringify(mine) !== JSON.stringify(last.get(name)))
        found.push(`record ${i}: ${name} was renewed: ${JSON.stringify(mine)}`);
    }
  });
  return found;
}
