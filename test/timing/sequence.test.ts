import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { loadScript } from '../../lib/timing/input/sequence-file.ts';
import { SC } from '../../lib/timing/machine.ts';
import { evaluateScript } from '../../lib/timing/script/evaluate.ts';
import { wordsOfEncoding } from '../../lib/timing/sequence/encoding.ts';
import { Engine, NO_LIMIT, RequestLog } from '../../lib/timing/sequence/engine.ts';
import { decodeProgram } from '../../lib/timing/sequence/program.ts';
import { steadyState } from '../../lib/timing/sequence/steady.ts';
import { decodeWord, encodeWord, type Instruction } from '../../lib/timing/sequence/word.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';

const root = join(SHARED, 'data', 'timing');
interface Period {
  hits: number;
  first: number | null;
  last: number | null;
  bits: number[];
  crc: number;
}
interface SequenceFile {
  encoding: number[];
  words: number[];
  script?: string;
  expect: {
    warmup: number;
    superPeriod: number;
    halt: number | null;
    periods: Period[];
    hits3: number;
    error?: boolean;
    ac?: boolean;
  };
}
const files = filesBelow(join(root, 'seq'), '.json');
const load = (file: string): SequenceFile => JSON.parse(readFileSync(join(root, 'seq', file), 'utf8')) as SequenceFile;

t.test('encoding lists pack into the expected words (timing 8.2)', needsShared('data', 'timing', 'seq'), async (t) => {
  t.ok(files.length > 30);
  for (const file of files) {
    const { encoding, words } = load(file);
    t.same(wordsOfEncoding(encoding), words, file);
    t.same(
      words.map((word, line) => encodeWord(decodeWord(word, line) as Instruction)),
      words,
      `${file}: decoded and packed again`,
    );
  }
});

t.test('scripts expand into the expected words (timing 9)', needsShared('data', 'timing', 'scripts'), async (t) => {
  const scripted = files.map(load).filter((sequence) => sequence.script !== undefined);
  t.ok(scripted.length > 20);
  for (const { script, words } of scripted) {
    const text = readFileSync(join(root, script as string), 'utf8');
    t.same(loadScript(evaluateScript(text, script as string, SC).instructions).words, words, script as string);
  }
});

t.test(
  'engines make the expected requests and repeat as expected (timing 8.6)',
  needsShared('data', 'timing', 'seq'),
  async (t) => {
    for (const file of files) {
      const { words, expect } = load(file);
      const program = decodeProgram(words, SC);
      t.equal(program.usesMains, expect.ac === true, `${file}: mains waits`);
      if (expect.ac) continue;
      if (expect.error) {
        t.throws(() => steadyState(program, 0, 10), { code: 'timing-program' }, `${file} is refused`);
        continue;
      }
      const { warmup, superPeriod, halt } = steadyState(program, 0, 7000);
      t.same(
        { warmup, superPeriod, halt },
        { warmup: expect.warmup, superPeriod: expect.superPeriod, halt: expect.halt },
        file,
      );
      const engine = new Engine(program, 0);
      for (const [k, period] of expect.periods.entries()) t.same(onePeriod(engine, k), period, `${file}: period ${k}`);
    }
  },
);

/** The numbers of 8.6 for one period. */
function onePeriod(engine: Engine, k: number): Period {
  const log = new RequestLog();
  engine.run(k, NO_LIMIT, log);
  const hits = log.length;
  const buckets = [...log.buckets.subarray(0, hits)];
  const words = [...log.words.subarray(0, hits)];
  const bits = [0, 1, 2, 3].map((bit) => words.filter((word) => (word >> bit) & 1).length);
  const text = buckets.map((bucket, i) => `${bucket}:${words[i]},`).join('');
  return { hits, first: buckets[0] ?? null, last: buckets[hits - 1] ?? null, bits, crc: crc32(text) };
}

t.test('the last request of a tick wins, also with 0, and is cleared at the next tick (timing 8.3)', async (t) => {
  const request = (word: number) => encodeWord({ kind: 'request', word });
  const sync = (occurrences: number) => encodeWord({ kind: 'sync', marker: 6, occurrences });
  const words = [
    request(5),
    request(2),
    sync(3),
    request(7),
    request(0),
    sync(1),
    encodeWord({ kind: 'jump', address: 6 }),
  ];
  const log = new RequestLog();
  const engine = new Engine(decodeProgram(words, SC), 0);
  engine.run(0, NO_LIMIT, log);
  t.same([...log.buckets.subarray(0, log.length)], [0]);
  t.same([...log.words.subarray(0, log.length)], [2]);
  t.ok(engine.halted);
});

t.test('a wait for a marker counts from the next tick (timing 8.3)', async (t) => {
  const words = [
    encodeWord({ kind: 'sync', marker: 5, occurrences: 1 }),
    encodeWord({ kind: 'request', word: 1 }),
    encodeWord({ kind: 'jump', address: 0 }),
  ];
  const log = new RequestLog();
  new Engine(decodeProgram(words, SC), 13).run(0, 3, log);
  t.same([...log.buckets.subarray(0, log.length)], [26, 39], 'started on a marker, the marker itself does not count');
});

t.test('words and lists that are no program are refused with their line', async (t) => {
  t.throws(() => decodeWord(0xe0000000, 4), { code: 'timing-program', place: { line: 4 } });
  t.throws(() => decodeProgram([encodeWord({ kind: 'sync', marker: 9, occurrences: 1 })], SC), {
    code: 'timing-program',
  });
  t.throws(() => decodeProgram([], SC), { code: 'timing-program' });
  t.throws(() => wordsOfEncoding([2, 1, 5, 1, 0, 0, 0, 0]), { code: 'timing-program' });
  t.throws(() => wordsOfEncoding([1, 2, -1, 6, 9999, 0, 0, 0]), { message: /macro/ });
  t.throws(() => steadyState(decodeProgram([encodeWord({ kind: 'sync', marker: 6, occurrences: 1 })], SC), 0, 5), {
    message: /leaves the list/,
  });
});
