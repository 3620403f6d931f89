/** The rule of choice (spec calib-pub.md, section 7). */

import t from 'tap';
import { chooseForRun, chooseYoungest } from '../../lib/calib/choose.ts';
import { integer, textField } from '../../lib/calib/document.ts';
import type { DocRecord, DocValue } from '../../lib/calib/types.ts';
import { Random } from '../random.ts';

interface Made {
  run: number;
  end: number | 'end';
  seconds: number;
  ctype?: string;
}

let made = 0;

/** Ids as the service makes them: seconds in hexadecimal digits, then a number that grows. */
function doc({ run, end, seconds, ctype = 'pedestals' }: Made, more: Record<string, DocValue> = {}): DocRecord {
  const _id = seconds.toString(16).padStart(8, '0') + (made++).toString(16).padStart(16, '0');
  return { _id, ctype, run: integer(run), run_end: end === 'end' ? end : integer(end), ...more };
}

function chosen(docs: readonly DocRecord[], run: number): string | undefined {
  const found = chooseForRun(docs, run).chosen.get('pedestals');
  return found && textField(found, '_id');
}

const id = (document: DocRecord) => textField(document, '_id');

t.test('of overlapping ranges the latest begin counts, then the shorter range, then the younger one', async (t) => {
  const all = doc({ run: 0, end: 'end', seconds: 900 });
  const late = doc({ run: 5, end: 'end', seconds: 100 });
  const short = doc({ run: 5, end: 9, seconds: 50 });
  const younger = doc({ run: 5, end: 9, seconds: 60 });
  const docs = [younger, all, late, short];
  t.equal(chosen(docs, 4), id(all));
  t.equal(chosen(docs, 5), id(younger));
  t.equal(chosen(docs, 9), id(younger));
  t.equal(chosen(docs, 10), id(late));
  t.equal(chosen([all, late, short], 7), id(short));
  t.equal(chosen([short], 10), undefined, 'nothing covers the run');
});

t.test('run 0 is the last run there can be; `end` covers every run', async (t) => {
  const some = doc({ run: 0, end: 100, seconds: 1 });
  const end = doc({ run: 200, end: 'end', seconds: 1 });
  t.equal(chosen([some, end], 0), id(end));
  t.equal(chosen([some, end], 12_345), id(end), 'also runs with five digits');
  t.equal(chosen([some], 0), undefined);
});

t.test('runs may be texts of digits, and a missing last run is `end`', async (t) => {
  const text = doc({ run: 0, end: 'end', seconds: 1 }, { run: '3', run_end: '8' });
  t.equal(chosen([text], 8), id(text));
  t.equal(chosen([text], 9), undefined);
  const { run_end: _, ...open } = doc({ run: 3, end: 'end', seconds: 1 });
  t.equal(chosen([open], 9999), id(open));
});

t.test('documents that make no sense are named and hide nothing', async (t) => {
  const good = doc({ run: 0, end: 'end', seconds: 1 });
  const bad = [
    doc({ run: 0, end: 'end', seconds: 2 }, { run_end: 'never' }),
    doc({ run: 0, end: 'end', seconds: 2 }, { run: { kind: 'float', value: 1.5 } }),
    doc({ run: 10_000, end: 'end', seconds: 2 }),
    doc({ run: 0, end: 'end', seconds: 2 }, { ctype: integer(3) }),
    doc({ run: 0, end: 'end', seconds: 2 }, { _id: 'no id' }),
  ];
  const choice = chooseForRun([...bad, good], 7);
  t.equal(textField(choice.chosen.get('pedestals')!, '_id'), id(good));
  t.equal(choice.bad.length, bad.length);
  t.match(choice.bad[0], id(bad[0]!)!);
});

t.test("of the detector's own documents the youngest counts, whatever its runs", async (t) => {
  const old = doc({ run: 0, end: 'end', seconds: 10 });
  const young = doc({ run: 300, end: 301, seconds: 20 });
  const same = doc({ run: 0, end: 1, seconds: 20 });
  t.equal(textField(chooseYoungest([young, old]).chosen.get('pedestals')!, '_id'), id(young));
  t.equal(
    textField(chooseYoungest([same, young, old]).chosen.get('pedestals')!, '_id'),
    id(same),
    'equal seconds: by id',
  );
});

t.test('ctypes are chosen one by one and come sorted', async (t) => {
  const docs = ['zeta', 'alpha', 'mid'].map((ctype) => doc({ run: 0, end: 'end', seconds: 1, ctype }));
  t.same([...chooseForRun(docs, 1).chosen.keys()], ['alpha', 'mid', 'zeta']);
});

/** The rule as section 7 tells it: sort, then take the last one that covers the run. */
function told(docs: readonly DocRecord[], made: readonly Made[], run: number): string | undefined {
  const end = (document: Made) => (document.end === 'end' ? 9999 : document.end);
  const sorted = docs
    .map((document, index) => ({ document, ...made[index]! }))
    .sort((a, b) => a.run - b.run || end(b) - end(a) || a.seconds - b.seconds)
    .filter((document) => document.run <= run && run <= end(document));
  return sorted.length === 0 ? undefined : id(sorted.at(-1)!.document);
}

t.test('500 random lists of documents, in any order, against the rule as it is told', async (t) => {
  for (let seed = 0; seed < 500; seed++) {
    const random = new Random(seed);
    const list: Made[] = Array.from({ length: 1 + random.below(12) }, (_, seconds) => {
      const run = random.below(8);
      return { run, end: random.chance(0.3) ? 'end' : run + random.below(5), seconds };
    });
    const docs = list.map((one) => doc(one));
    const shuffled = [...docs].sort(() => (random.chance(0.5) ? 1 : -1));
    const run = 1 + random.below(12);
    if (chosen(shuffled, run) !== told(docs, list, run)) t.fail(`seed ${seed}, run ${run}`);
  }
});
