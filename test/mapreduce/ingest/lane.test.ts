import t from 'tap';
import { MISSING, type StreamData } from '../../../lib/mapreduce/frames/types.ts';
import { Lane } from '../../../lib/mapreduce/ingest/lane.ts';
import { settledBefore } from '../../../lib/mapreduce/ingest/settled.ts';
import type { Mark, SourceFrame } from '../../../lib/mapreduce/source/types.ts';

const frame = (mark: Mark, number?: number): SourceFrame => ({ typ: 'T', frames: [Buffer.alloc(1)], mark, number });

function lane(gaps: 'mark' | 'stop' = 'mark', repeats = false) {
  const made = new Lane('s', { gaps, firstFrame: 0, queue: 1000, lossy: false, repeats });
  const got: (StreamData | undefined)[] = [];
  const want = (count: number) => {
    for (let i = 0; i < count; i++) {
      const at = got.push(undefined) - 1;
      made.want({ fill: (data) => (got[at] = data) });
    }
  };
  const words = () =>
    got.map((data) => (data === undefined ? '?' : data === MISSING ? '-' : ((data as SourceFrame).number ?? 's')));
  return { made, want, words };
}

t.test('begun amid a series: frames find their places by number (spec mapreduce.md 3.6)', async (t) => {
  const { made, want, words } = lane();
  // The start event and two data events were over; the next wanted place is that of frame 2.
  made.begin(3);
  want(4);
  made.arrive(frame('data', 1));
  t.same(words(), ['?', '?', '?', '?']);
  made.arrive(frame('data', 4));
  t.same(words(), ['-', '-', 4, '?']);
  made.arrive(frame('data', 5));
  t.same(words(), ['-', '-', 4, 5]);
  t.same(made.counts.dropped, { late: 1 });
});

t.test('begun amid a map with a file, which comes from its start again', async (t) => {
  const { made, want, words } = lane('mark', true);
  // The start event and three data events were over; of frame 1 the file knows nothing.
  made.begin(4);
  want(3);
  made.arrive(frame('start'));
  for (const number of [0, 2, 3, 4, 5]) made.arrive(frame('data', number));
  t.same(words(), [3, 4, 5]);
  t.same([made.counts.dropped, made.counts.missing], [{ over: 3 }, 0]);
  made.begin(2);
  want(2);
  for (const mark of ['start', 'data', 'data', 'data'] as const) made.arrive(frame(mark));
  t.same(words(), [3, 4, 5, 's', 's'], 'without numbers too');
  made.begin(0);
  want(1);
  made.arrive(frame('data'));
  t.equal(words().at(-1), 's', 'and at once');
});

t.test('events that are over are told as a number: so many frames pass, and the start event is there', async (t) => {
  const file = lane('mark', true);
  file.made.begin(0);
  file.want(1);
  file.made.pass(3);
  file.want(2);
  file.made.arrive(frame('start'));
  for (const number of [0, 2, 3, 4]) file.made.arrive(frame('data', number));
  t.same(file.words(), ['s', 3, 4]);
  t.same([file.made.counts.discarded, file.made.counts.missing, file.made.taken], [2, 1, 3]);
  const live = lane();
  live.made.begin(0);
  live.want(1);
  live.made.pass(10_000_000);
  live.made.pass(0);
  live.want(2);
  live.made.arrive(frame('data', 10_000_001));
  t.same(live.words(), ['-', '-', 10_000_001]);
  const lost = lane();
  lost.made.begin(-1);
  lost.made.pass(1000);
  lost.want(1);
  t.same(lost.words(), ['-']);
});

t.test('begun amid a map whose series has not begun: nothing is missing', async (t) => {
  const { made, want, words } = lane();
  made.begin(0);
  want(2);
  made.arrive(frame('start'));
  made.arrive(frame('data', 0));
  t.same(words(), ['s', 0]);
});

t.test('a stream that cannot be placed is missing for the rest of the map', async (t) => {
  const { made, want, words } = lane();
  made.begin(-1);
  want(2);
  made.arrive(frame('data'));
  t.same(words(), ['-', '-']);
  t.same(made.counts.dropped, { unplaced: 1 });
});

t.test('when the series is over, whoever still wants a frame gets it as missing', async (t) => {
  const { made, want, words } = lane();
  made.begin();
  made.arrive(frame('start'));
  made.arrive(frame('end'));
  want(4);
  t.same(words(), ['s', 's', '-', '-']);
});

t.test('--gaps stop names the gap; a wrong number costs no memory', async (t) => {
  const { made } = lane('stop');
  made.begin();
  made.arrive(frame('start'));
  made.arrive(frame('data', 0));
  made.arrive(frame('data', 2));
  t.same(made.stopped, { expected: 1, number: 2 });
  const far = lane();
  far.made.begin();
  far.made.arrive(frame('start'));
  far.made.arrive(frame('data', 2 ** 52));
  far.want(3);
  t.same(far.words(), ['s', '-', '-']);
});

t.test('what is settled before an event is counted in the map', async (t) => {
  const cell = [{ constraint: 0 }];
  const parts = { a: { x: [cell, null, []], y: [null, cell, null] }, b: { y: [cell] } };
  const map = JSON.stringify({ parts, sequence: ['a', 'b', 'a'] });
  const plan = JSON.stringify({ map, wrap: true, ingesters: [] });
  t.same(Object.fromEntries(settledBefore([plan], 0)), {});
  t.same(Object.fromEntries(settledBefore([plan], 4)), { x: 3, y: 2 });
  t.same(Object.fromEntries(settledBefore([plan], 6)), { x: 4, y: 3 });
  const append = JSON.stringify({ parts: { c: { x: [cell, cell] } }, sequence: ['c', 'c'] });
  t.same(Object.fromEntries(settledBefore([plan, append], 11)), { x: 8, y: 4 });
});
