/** Messages on the pipes to Python, cut at every place. */

import t from 'tap';
import { type PipeMessage, PipeSplitter, pipeMessage } from '../../../lib/mapreduce/payload/splitter.ts';
import { Random } from '../../random.ts';

t.test('messages of any size arrive whole, however they are cut', async (t) => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const sent = Array.from({ length: 5 }, (_, i) => ({
      head: { do: 'x'.repeat(random.below(50)), i },
      blobs: Array.from({ length: random.below(4) }, () => Buffer.alloc(random.below(100), i)),
    }));
    const bytes = Buffer.concat(sent.flatMap(({ head, blobs }) => pipeMessage(head, blobs)));
    const splitter = new PipeSplitter();
    const got: PipeMessage[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(random.chance(0.5) ? 3 : 200);
      got.push(...splitter.push(bytes.subarray(at, end)));
      at = end;
    }
    if (JSON.stringify(got) !== JSON.stringify(sent)) return t.fail(`seed ${seed}`);
  }
  t.pass();
});

t.test('bytes of another kind are refused, not waited for', async (t) => {
  t.throws(() => [...new PipeSplitter().push(Buffer.alloc(64, 0xff))], /a message of 4294967295 parts/);
});
