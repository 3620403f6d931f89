import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Checker } from '../../lib/xtc/checker.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { FINDING_SEVERITY, type Finding, type FindingCode } from '../../lib/xtc/finding.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { frame } from '../fuzz/frame.ts';
import { needsShared, SHARED } from '../golden.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, names, shapesData } from './raw.ts';

const XTC2 = join(SHARED, 'data', 'xtc2');

interface Expected {
  code: string;
  severity: string;
  index: number;
  offset: number;
}

/** All findings of framer and checker, in a fixed order. */
function check(input: Buffer, configured = false): Expected[] {
  const found: Finding[] = [];
  const checker = new Checker(new Walker(), (finding) => found.push(finding), { configured });
  found.push(...frame(input, { inputSize: input.length }, (one) => checker.check(one)));
  return sorted(found);
}

function sorted(findings: readonly Expected[]): Expected[] {
  return findings
    .map(({ code, severity, index, offset }) => ({ code, severity, index, offset }))
    .sort((a, b) => a.offset - b.offset || (a.code < b.code ? -1 : 1));
}

for (const [folder, list] of [
  ['bad', 'EXPECT.jsonl'],
  ['', 'MANIFEST.jsonl'],
] as const) {
  t.test(
    `the checker finds exactly what ${list} says (section 18)`,
    needsShared('data', 'xtc2', folder, list),
    async (t) => {
      for (const line of readFileSync(join(XTC2, folder, list), 'utf8')
        .trim()
        .split('\n')) {
        const { file, findings } = JSON.parse(line) as { file: string; findings: Expected[] };
        t.same(check(readFileSync(join(XTC2, folder, file))), sorted(findings), file);
      }
    },
  );
}

const codes = (input: Buffer, configured = false) =>
  check(input, configured).map(({ code, index }) => `${code} ${index}`);
const stream = (...parts: NonNullable<Parameters<typeof dgram>[0]>[]) =>
  Buffer.concat(parts.map((part) => dgram(part)));

t.test('header conditions of framed dgrams (section 18)', async (t) => {
  const configure = { service: CONFIGURE };
  t.same(codes(stream(configure, {})), []);
  t.same(codes(stream(configure, { service: 14 })), ['unknown-service 1']);
  t.same(codes(stream(configure, { env: 0x3c000000 })), ['unknown-env-type 1']);
  t.same(codes(stream(configure, { nsec: 1e9 })), ['bad-nsec 1']);
  t.same(codes(stream(configure, { sec: 0 })), ['time-backwards 1']);
  t.same(codes(stream({ ...configure, nsec: 5 }, { nsec: 4 })), ['time-backwards 1']);
  t.same(codes(stream({ ...configure, nsec: 5 }, { nsec: 5 })), [], 'equal times are fine');
  t.same(codes(stream({ ...configure, sec: 0xffffffff, nsec: 5 }, { sec: 0xffffffff, nsec: 6 })), []);
  t.same(codes(stream({})), ['no-configure 0']);
  t.same(codes(stream({}), true), [], 'described beforehand');
  t.same(codes(stream(configure, {}, configure)), ['repeat-configure 2']);
});

t.test('dgrams of more than 64 MiB are noted, those of exactly 64 MiB are not (section 18)', async (t) => {
  for (const [size, expected] of [
    [0x4000000, []],
    [0x4000001, ['over-reference-limit']],
  ] as const) {
    const found: string[] = [];
    const one = new Dgram(dgram({ service: CONFIGURE, damage: 8 }));
    one.size = size;
    new Checker(new Walker(), ({ code }) => found.push(code)).check(one);
    t.same(
      found.filter((code) => code !== 'hidden-payload'),
      expected,
    );
  }
});

t.test('every code has a severity of section 18, and the finding carries it', async (t) => {
  t.equal(Object.keys(FINDING_SEVERITY).length, 32);
  for (const { code, severity } of check(stream({ service: 14, nsec: 1e9, sec: 5 })))
    t.equal(severity, FINDING_SEVERITY[code as FindingCode]);
});

t.test('who shares the walk sees the faults inside dgrams, not those of headers', async (t) => {
  const inside: string[] = [];
  const all: string[] = [];
  const blocks: number[] = [];
  const checker = new Checker(new Walker(), ({ code }) => all.push(code));
  const companion = { visitor: { data: () => void blocks.push(1) }, report: (code: string) => void inside.push(code) };
  const description = names([{ name: 'a', type: 0 }]);
  const bytes = dgram(
    { service: L1ACCEPT },
    shapesData([data()], 0x999),
    description,
    shapesData([data(Buffer.from([1]))]),
  );
  checker.check(new Dgram(bytes), companion);
  t.same(all, ['no-configure', 'unknown-namesid']);
  t.same(inside, ['unknown-namesid']);
  t.equal(blocks.length, 1);
  checker.check(new Dgram(bytes));
  t.equal(blocks.length, 1, 'only for the dgram it was given with');
});
