/** Requests, channels, the board, and what waits for a viewer. */

import t from 'tap';
import type { Value } from '../../../lib/json/value.ts';
import { Board } from '../../../lib/live/view/board.ts';
import { Channel } from '../../../lib/live/view/channel.ts';
import type { PlotKind } from '../../../lib/live/view/messages.ts';
import { parsePlot, plotNamed } from '../../../lib/live/view/request.ts';
import { ViewerQueue } from '../../../lib/live/view/viewer-queue.ts';
import { Random } from '../../random.ts';

t.test('FIELD and FIELD=KIND', async (t) => {
  t.same(parsePlot('gmd:raw:energy'), { key: 'gmd:raw:energy', field: 'gmd:raw:energy', kind: undefined });
  t.match(parsePlot('a:b:c=trend'), { field: 'a:b:c', kind: 'trend' });
  t.match(plotNamed('a:b:c=d=trend'), { field: 'a:b:c=d', kind: 'trend' }, 'names are what the input makes them');
  t.match(plotNamed('a=pie'), { field: 'a=pie', kind: undefined });
  t.match(plotNamed('=trend'), { field: '=trend', kind: undefined });
  for (const text of ['', '=trend', 'a=', 'a=pie', 'a=b=trend']) t.throws(() => parsePlot(text), { code: 'usage' });
});

const floats = (packed: string) => [...new Float32Array(new Uint8Array(Buffer.from(packed, 'base64')).buffer)];

function frameOf(value: Value, kind?: PlotKind) {
  const channel = new Channel(10);
  channel.add(value, 5, 99);
  return channel.frame('k', kind) as unknown as Record<string, unknown>;
}

t.test('each kind of value has its usual picture, and others that make sense', async (t) => {
  const array = (shape: number[]) => {
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
    return { dtype: 'float64', shape, data };
  };
  t.match(frameOf(3), { kind: 'trend', last: 3, key: 'k', time: 5, arrived: 99 });
  t.match(frameOf(true), { kind: 'trend', last: 1 });
  t.match(frameOf(3, 'histogram'), { kind: 'histogram', counts: [1] });
  t.match(frameOf(3, 'text'), { kind: 'text', text: '3' });
  t.match(frameOf('abc'), { kind: 'text', text: 'abc' });
  t.same(floats(String(frameOf(array([3])).low)), [0, 1, 2]);
  t.match(frameOf(array([2, 3])), { kind: 'image', width: 3, height: 2, shape: [2, 3] });
  t.match(frameOf(array([2, 3]), 'waveform'), { kind: 'waveform', length: 6 });
  t.same(floats(String(frameOf([1, undefined, 3]).low)), [1, Number.NaN, 3]);
  const map = frameOf(new Map([[5, 50] as const, [-1, 10] as const]));
  t.same(
    [floats(String(map.x)), floats(String(map.low))],
    [
      [-1, 5],
      [10, 50],
    ],
  );
  t.match(frameOf(new Map([['a', 1]])), { kind: 'text', text: '[["a",1]]' });
  t.match(frameOf([]), { kind: 'text' });
  t.match(frameOf(3, 'image'), {
    kind: 'note',
    text: 'this field cannot be shown as image; it is usually shown as trend',
  });
  t.match(frameOf(array([3]), 'trend'), { kind: 'note' });
  t.match(frameOf(Number.NaN, 'histogram'), { kind: 'note', text: 'no finite value so far' });
  t.equal(new Channel(1).frame('k', undefined), undefined);
});

t.test('what is shown is a copy: memory of dgrams is used again', async (t) => {
  const data = Float64Array.of(1, 2);
  const channel = new Channel(1);
  channel.add({ dtype: 'float64', shape: [2], data }, 0, 0);
  data.fill(9);
  t.same(floats(String((channel.frame('k', undefined) as { low?: string }).low)), [1, 2]);
});

t.test('fields are fed while somebody looks; plots of one field share what has come', async (t) => {
  const board = new Board(10);
  const [trend, histogram, other] = ['a', 'a=histogram', 'b'].map(parsePlot);
  const keys = () => board.changed(new Set(['a', 'a=histogram', 'b'])).map(({ key }) => key);
  t.equal(board.want(trend!), true);
  t.equal(board.want(histogram!), false);
  t.equal(board.want(trend!), false);
  t.same(board.fields, ['a']);
  board.add('a', 1, 0, 0);
  board.add('nobody', 1, 0, 0);
  t.same(keys(), ['a', 'a=histogram']);
  t.same(keys(), [], 'nothing new');
  board.add('a', 2, 1, 1);
  t.same(board.changed(new Set(['a'])).length, 1);
  t.same(keys(), ['a=histogram'], 'what nobody saw is still new');
  t.equal(board.want(other!), true);
  t.equal(board.release(trend!), false, 'somebody else sees it');
  t.equal(board.release(trend!), false, 'the histogram needs the field');
  t.equal(board.frame(trend!)?.kind, 'trend');
  t.equal(board.release(histogram!), true);
  t.same(board.fields, ['b']);
  t.equal(board.frame(trend!), undefined);
  t.equal(board.release(histogram!), false, 'once more does no harm');
});

t.test('the newest frame of each plot waits, and every frame is accounted for', async (t) => {
  const random = new Random(11);
  const queue = new ViewerQueue();
  const newest = new Map<string, string>();
  let order: string[] = [];
  for (let i = 0; i < 5000; i++) {
    if (random.below(3) > 0) {
      const key = `p${random.below(6)}`;
      queue.offer(key, `${key} ${i}`);
      if (!newest.has(key)) order.push(key);
      newest.set(key, `${key} ${i}`);
    } else {
      const [first] = order;
      t.equal(queue.take(), first === undefined ? undefined : newest.get(first));
      order = order.slice(1);
      if (first !== undefined) newest.delete(first);
    }
    const { offered, sent, replaced, left } = queue.counts;
    if (offered !== sent + replaced + left + queue.waiting) t.fail(`open at ${i}`);
    t.equal(queue.waiting, newest.size);
  }
  queue.close();
  const { offered, sent, replaced, left } = queue.counts;
  t.equal(offered, sent + replaced + left);
  t.equal(queue.take(), undefined);
});
