import t from 'tap';
import { Changes } from '../../../lib/mapreduce/control/changes.ts';

const LONG = 3_600_000;

t.test('who waits looks again whenever something changes, and goes on when it is as it should be', async (t) => {
  const changes = new Changes();
  let count = 0;
  const waits = [1, 2, 3].map((enough) => changes.until(() => count >= enough, LONG));
  changes.tell();
  while (count < 3) {
    count++;
    changes.tell();
    t.equal(await waits[count - 1], true, `waited for ${count}`);
  }
  t.equal(await changes.until(() => true, 0), true, 'what is so already is not waited for');
});

t.test('who waits gives up when its time is over, or when nobody is to wait any more', async (t) => {
  const changes = new Changes();
  t.equal(await changes.until(() => false, 1), false);
  const waits = changes.until(() => false, LONG);
  changes.close();
  t.equal(await waits, false);
  t.equal(await changes.until(() => false, LONG), false, 'nor later');
  changes.close();
});
