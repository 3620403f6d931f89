/** Keys of daq-top. */

import t from 'tap';
import { FIRST_VIEW, firstShown, pressed, type TopKey, type TopView } from '../../../lib/live/top/keys.ts';
import { COLUMNS } from '../../../lib/live/top/table.ts';
import { Random } from '../../random.ts';

const list = ['a', 'b', 'c'];
type Kind = Exclude<TopKey['kind'], 'text'>;
const press = (view: TopView, ...kinds: Kind[]) => kinds.reduce((now, kind) => pressed(now, { kind }, list, 5), view);

t.test('the cursor stays inside, and follows its process', async (t) => {
  t.equal(press(FIRST_VIEW, 'down').selected, 'b');
  t.equal(press(FIRST_VIEW, 'down', 'down', 'down', 'down').selected, 'c');
  t.equal(press(FIRST_VIEW, 'down', 'up', 'up').selected, 'a');
  const view = press(FIRST_VIEW, 'down');
  t.equal(pressed(view, { kind: 'down' }, ['b', 'a', 'c'], 0).selected, 'a', 'after another order');
  t.equal(pressed(view, { kind: 'down' }, ['x', 'y'], 0).selected, 'y', 'after it went');
  t.equal(pressed(view, { kind: 'enter' }, [], 0).detail, false);
});

t.test('looking into a process, scrolling there, and back', async (t) => {
  const inside = press(FIRST_VIEW, 'down', 'enter', 'down', 'down');
  t.match(inside, { detail: true, selected: 'b', scroll: 2 });
  t.equal(press(inside, 'down', 'down', 'down').scroll, 4);
  t.match(press(inside, 'escape'), { detail: false, selected: 'b' });
});

t.test('the filter is typed; escape drops it', async (t) => {
  const typing = press(FIRST_VIEW, 'filter');
  const typed = ['d', 'r', 'x'].reduce((view, text) => pressed(view, { kind: 'text', text }, list, 0), typing);
  t.match(press(typed, 'backspace', 'enter'), { filter: 'dr', typing: false });
  t.match(press(typed, 'escape'), { filter: '', typing: false });
  t.match(press(typed, 'enter', 'escape'), { filter: '' });
});

t.test('each column in turn, then none', async (t) => {
  let view = FIRST_VIEW;
  for (const { title } of COLUMNS) t.equal((view = press(view, 'sort')).order.by, title);
  t.equal(press(view, 'sort').order.by, undefined);
  t.equal(press(view, 'reverse').order.reverse, true);
});

t.test('the selected row is always in the window, and the window is full', async (t) => {
  const random = new Random(5);
  for (let i = 0; i < 2000; i++) {
    const count = 1 + random.below(30);
    const height = 1 + random.below(20);
    const selected = random.below(count);
    const first = firstShown(selected, count, height);
    t.ok(first >= 0 && first <= selected && selected < first + height) || t.comment({ count, height, selected });
    if (count >= height) t.ok(first + height <= count);
  }
});
