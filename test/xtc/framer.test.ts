import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Feed, frame } from '../fuzz/frame.ts';
import { Random } from '../fuzz/random.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';
import { CONFIGURE, dgram, L1ACCEPT, PARENT, xtc } from './raw.ts';

const XTC2 = join(SHARED, 'data', 'xtc2');
const first = dgram({ service: CONFIGURE });

function outcome(input: Buffer, options: Feed = {}) {
  const offsets: number[] = [];
  const findings = frame(input, options, (one) => offsets.push(one.offset));
  return { offsets, findings: findings.map(({ code, index, offset, resume }) => ({ code, index, offset, resume })) };
}

const codes = (input: Buffer, options: Feed = {}) =>
  outcome(input, options).findings.map(({ code, offset }) => `${code}@${offset}`);

/** A sound header with one thing wrong, as a first and as a second dgram. */
const WRONG: [what: string, bytes: Buffer, asFirst: string, asSecond: string][] = [
  ['zero bytes', Buffer.alloc(30), 'zero-fill', 'zero-fill'],
  ['a few zero bytes', Buffer.alloc(5), 'zero-fill', 'zero-fill'],
  ['a cut header', first.subarray(0, 23), 'incomplete-header', 'incomplete-header'],
  ['nanoseconds of a second', dgram({ nsec: 1e9 }), 'not-xtc2', ''],
  ['service 13', dgram({ service: 13 }), 'not-xtc2', ''],
  ['env type 3', dgram({ env: 0x3c000000 }), 'not-xtc2', ''],
  ['extent 11', dgram({ extent: 11 }), 'not-xtc2', 'bad-extent'],
  ['extent 0', dgram({ extent: 0 }), 'not-xtc2', 'bad-extent'],
  ['extent 0x80000000', dgram({ extent: 0x80000000 }), 'not-xtc2', 'bad-extent'],
  ['root ShapesData', dgram({ type: 1 }), 'not-xtc2', 'bad-root-type'],
  ['extent and root type', dgram({ type: 1, extent: 3 }), 'not-xtc2', 'bad-extent'],
  ['a cut payload', dgram({ extent: 100 }), 'incomplete-payload', 'incomplete-payload'],
  ['root version bits', dgram({ type: 0x1000 }), '', ''],
];

for (const [what, bytes, asFirst, asSecond] of WRONG) {
  t.test(`${what}: the checks come in the order of section 17 rule 3`, async (t) => {
    t.same(codes(bytes), asFirst === '' ? [] : [`${asFirst}@0`]);
    t.same(codes(Buffer.concat([first, bytes])), asSecond === '' ? [] : [`${asSecond}@24`]);
    t.same(codes(bytes, { inputSize: bytes.length }), codes(bytes), 'knowing the size changes nothing');
  });
}

t.test('a file of 0 bytes is empty, and nothing else (section 18)', async (t) => {
  t.same(outcome(Buffer.alloc(0)), {
    offsets: [],
    findings: [{ code: 'empty-file', index: 0, offset: 0, resume: undefined }],
  });
});

t.test('dgrams cross block borders at any position, whatever the block size (section 17 rule 1)', async (t) => {
  const random = new Random(5);
  const parts = Array.from({ length: 60 }, (_, nsec) => dgram({ nsec }, xtc(PARENT, Buffer.alloc(random.below(90)))));
  const input = Buffer.concat([first, ...parts]);
  const expected = outcome(input).offsets;
  t.equal(expected.length, 61);
  t.ok(
    expected.some((offset) => offset % 2 === 1),
    'some positions are odd',
  );
  for (const blockSize of [24, 25, 31, 47, 64, 100, 1000])
    for (const piece of [1, 7, 24, 500]) {
      const bytes: Buffer[] = [];
      t.same(
        frame(input, { blockSize, piece }, (one) => bytes.push(Buffer.from(one.slice()))),
        [],
      );
      t.ok(Buffer.concat(bytes).equals(input), `block ${blockSize}, pieces of ${piece}: bytes as they were`);
    }
});

t.test('a dgram larger than the block makes the block grow', async (t) => {
  const large = dgram({}, xtc(PARENT, Buffer.alloc(3_000_001, 7)));
  const sizes: number[] = [];
  t.same(
    frame(Buffer.concat([first, large, first]), { blockSize: 24, piece: 65_536 }, (one) =>
      sizes.push(one.slice().length),
    ),
    [],
  );
  t.same(sizes, [24, large.length, 24]);
});

t.test('headers only: payloads beyond the block are skipped, offsets and sizes are the same', async (t) => {
  const input = Buffer.concat([
    first,
    dgram({ nsec: 1 }, Buffer.alloc(300_000)),
    dgram({ nsec: 2 }),
    dgram({ nsec: 3 }, Buffer.alloc(200_000)),
  ]);
  const seen: [number, number, number, boolean][] = [];
  t.same(
    frame(input, { headersOnly: true, blockSize: 1000 }, (one) =>
      seen.push([one.offset, one.size, one.nsec, one.whole]),
    ),
    [],
  );
  t.same(seen, [
    [0, 24, 0, true],
    [24, 300_024, 1, false],
    [300_048, 24, 2, true],
    [300_072, 200_024, 3, false],
  ]);
});

t.test('headers only: an input that ends inside a skipped payload is incomplete', async (t) => {
  const input = Buffer.concat([first, dgram({}, Buffer.alloc(300_000))]).subarray(0, 250_000);
  for (const options of [{}, { inputSize: input.length }]) {
    t.same(codes(input, { headersOnly: true, blockSize: 1000, ...options }), ['incomplete-payload@24']);
  }
});

t.test('headers only: a pipe with a wrong extent can still resynchronise', async (t) => {
  const input = Buffer.concat([first, dgram({ extent: 500_000 }, xtc(PARENT)), dgram({ nsec: 2 }), dgram({ nsec: 3 })]);
  t.same(outcome(input, { headersOnly: true, resync: true, blockSize: 64 }).offsets, [0, 60, 84]);
});

t.test('a wrong extent is told from a short file, and resync goes on there (section 17 rule 3.7)', async (t) => {
  const input = Buffer.concat([first, dgram({ extent: 5000 }, xtc(PARENT)), dgram({ nsec: 2 })]);
  t.same(outcome(input), {
    offsets: [0],
    findings: [{ code: 'incomplete-payload', index: 1, offset: 24, resume: 60 }],
  });
  t.same(outcome(input, { resync: true }).offsets, [0, 60]);
  t.equal(outcome(input.subarray(0, 40)).findings[0]?.resume, null, 'nothing plausible: cut short');
});

t.test('numbers count framed dgrams, also behind garbage', async (t) => {
  const garbage = (bytes: number) => Buffer.alloc(bytes, 0xff);
  const input = Buffer.concat([first, garbage(100), first, first, garbage(50), first]);
  const result = outcome(input, { resync: true });
  t.same(
    result.findings.map(({ index, offset, resume }) => [index, offset, resume]),
    [
      [1, 24, 124],
      [3, 172, 222],
    ],
  );
  t.same(result.offsets, [0, 124, 148, 222]);
});

interface Expectation {
  file: string;
  dgrams: number;
  findings: { code: string; index: number; offset: number }[];
  resume?: number | null;
}

const FRAMING = /^(empty-file|not-xtc2|incomplete-.*|zero-fill|bad-extent|bad-root-type)$/;

t.test(
  'every damaged file: dgrams, framing fault and resume as expected (EXPECT.jsonl)',
  needsShared('data', 'xtc2', 'bad'),
  async (t) => {
    const lines = readFileSync(join(XTC2, 'bad', 'EXPECT.jsonl'), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { file, dgrams, findings, resume } = JSON.parse(line) as Expectation;
      const input = readFileSync(join(XTC2, 'bad', file));
      for (const options of [{ inputSize: input.length }, { blockSize: 100, piece: 33 }]) {
        const found = outcome(input, options);
        t.equal(found.offsets.length, dgrams, `${file}: dgrams`);
        const expected = findings
          .filter(({ code }) => FRAMING.test(code))
          .map(({ code, index, offset }) => ({ code, index, offset }));
        t.same(
          found.findings.map(({ code, index, offset }) => ({ code, index, offset })),
          expected,
          `${file}: framing`,
        );
        if (resume !== undefined) t.equal(found.findings[0]?.resume, resume, `${file}: resume`);
      }
    }
  },
);

t.test(
  'from any start in any sample the search finds exactly the next dgram (section 19)',
  needsShared('data', 'xtc2'),
  async (t) => {
    const random = new Random(19);
    for (const name of filesBelow(XTC2, '.xtc2').filter((file) => !file.startsWith('bad/'))) {
      const whole = readFileSync(join(XTC2, name));
      const starts = outcome(whole).offsets;
      const last = starts.at(-1)!;
      let wrong = '';
      for (let n = 0; n < 20 && wrong === ''; n++) {
        // A position within 300 kB of a dgram start, so that megabytes are not searched again and again.
        const next = starts[1 + random.below(starts.length - 1)]!;
        const before = starts[starts.indexOf(next) - 1]!;
        // Less than 4 bytes of a header lost could be made good by the filler.
        const from = Math.max(before + 4, next - 1 - random.below(300_000));
        const input = Buffer.concat([
          Buffer.alloc(24, 0xff),
          whole.subarray(from, Math.min(whole.length, next + 4_000_000)),
        ]);
        const { resume } = outcome(input, { inputSize: input.length }).findings[0]!;
        if (resume !== next - from + 24)
          wrong = `from ${from}: ${String(resume)} instead of ${next - from + 24} (last ${last})`;
      }
      t.equal(wrong, '', name);
    }
  },
);

t.test('what the framer was given is never read twice: an L1Accept stays itself', async (t) => {
  const services: number[] = [];
  frame(Buffer.concat([first, dgram({ service: L1ACCEPT })]), { blockSize: 24, piece: 1 }, (one) =>
    services.push(one.service),
  );
  t.same(services, [CONFIGURE, L1ACCEPT]);
});
