/** Texts and keys of the live screen. */

import t from 'tap';
import { columns, durationText, printable, rateText, sparkline } from '../../lib/cli/screen/text.ts';
import { FIRST_VIEW, type Key, pressed, type ViewState, visible } from '../../lib/show/screens/parts/keys.ts';

t.test('sparklines: the largest value is a full bar, only the last values fit', async (t) => {
  t.equal(sparkline([0, 1, 2, 4, 7, 8], 10), '▁▂▃▅██');
  t.equal(sparkline([9, 0, 1], 2), '▁█');
  t.equal(sparkline([0, 0], 5), '▁▁');
  t.equal(sparkline([], 5), '');
});

t.test('rates and times', async (t) => {
  t.same([0, 0.254, 9.994, 12.34, 120.4, 4520, 999_400, 1_250_000].map(rateText), [
    '0',
    '0.25',
    '9.99',
    '12.3',
    '120',
    '4520',
    '999400',
    '1.25 M',
  ]);
  t.same([0.9, 59, 61, 3600, 36_061].map(durationText), ['0:00', '0:59', '1:01', '1:00:00', '10:01:01']);
});

t.test('columns are aligned, numbers to the right', async (t) => {
  t.same(
    columns(
      ['name', '>n'],
      [
        ['a', '1'],
        ['longer', '100'],
      ],
    ),
    ['name      n', 'a         1', 'longer  100'],
  );
});

t.test('control characters in names and texts never reach the terminal', async (t) => {
  t.equal(printable('a\x1b[2Jb\n\x9bc'), 'a·[2Jb··c');
});

t.test('keys', async (t) => {
  const press = (view: ViewState, ...keys: Key[]) => keys.reduce((now, key) => pressed(now, key, 10, 25, false), view);
  t.same(press(FIRST_VIEW, 'next').panel, 'values');
  t.same(press(FIRST_VIEW, 'previous').panel, 'findings');
  t.same(press(FIRST_VIEW, 'next', 'next', 'next', 'next'), FIRST_VIEW);
  t.same(press(FIRST_VIEW, 'down', 'down', 'up').scroll, 1);
  t.same(press(FIRST_VIEW, 'up').scroll, 0);
  t.same(press(FIRST_VIEW, 'page-down', 'page-down', 'page-down').scroll, 25);
  t.same(press(FIRST_VIEW, 'page-down', 'home').scroll, 0);
  t.same(press(FIRST_VIEW, 'down', 'next').scroll, 0, 'another panel starts at its start');
  t.same(press(FIRST_VIEW, 'pause').paused, true);
  t.same(press(FIRST_VIEW, 'pause', 'pause').paused, false);
  t.same(press(FIRST_VIEW, 'help', 'help').help, false);
  t.same(pressed(FIRST_VIEW, 'up', 10, 25, true).scroll, 1, 'a panel that starts at its end is left upwards');
});

t.test('what is visible', async (t) => {
  const lines = [...'abcdef'];
  t.same(visible(lines, 3, 0, false), ['a', 'b', 'c']);
  t.same(visible(lines, 3, 1, false), ['b', 'c', 'd']);
  t.same(visible(lines, 3, 99, false), ['d', 'e', 'f']);
  t.same(visible(lines, 3, 0, true), ['d', 'e', 'f']);
  t.same(visible(lines, 3, 1, true), ['c', 'd', 'e']);
  t.same(visible(lines, 9, 5, true), lines);
  t.same(visible(lines, 0, 0, false), []);
});
