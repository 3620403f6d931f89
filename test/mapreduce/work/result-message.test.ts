/** Results on the wire (spec mapreduce.md 6.2): what a worker writes is what a reducer reads, one by one or many together. */

import t from 'tap';
import { readResultMessage } from '../../../lib/mapreduce/reduce/result-message.ts';
import {
  jointCount,
  jointMessage,
  type Result,
  type ResultSender,
  singleMessage,
} from '../../../lib/mapreduce/work/result-message.ts';
import { Random } from '../../random.ts';

const SENDER: ResultSender = { worker: 'w1', map: '00000000-0000-4000-8000-000000000000', encoding: 'cbor' };

function randomResults(random: Random): Result[] {
  return Array.from({ length: 1 + random.below(600) }, (_, event_number) => ({
    event_number,
    origin: `w${random.below(3)}`,
    attempt: 1 + random.below(2),
    parametersHash: random.below(100) === 0 ? 'b' : 'a',
    body: Buffer.alloc(random.below(20) === 0 ? 70_000 : random.below(300), event_number),
  }));
}

const sent = ([header, body]: [string, Buffer]) => readResultMessage([Buffer.from(header), body]);
const expected = ({ event_number, origin, parametersHash: parameters_hash, body }: Result) => {
  return { ...SENDER, event_number, origin, parameters_hash, body };
};

t.test('many together are what each would be alone', async (t) => {
  const random = new Random(20261121);
  for (let round = 0; round < 100; round++) {
    const results = randomResults(random);
    const read = [];
    for (let queue = results; queue.length > 0; ) {
      const count = jointCount(queue);
      read.push(...sent(jointMessage(queue.slice(0, count), SENDER)));
      queue = queue.slice(count);
    }
    t.strictSame(read, results.map(expected));
    t.strictSame(
      read,
      results.flatMap((result) => sent(singleMessage(result, SENDER))),
    );
  }
});

t.test('a big result goes alone, and is not copied', async (t) => {
  const result = { event_number: 1, origin: 'w1', attempt: 1, parametersHash: 'a', body: Buffer.alloc(1 << 20) };
  t.equal(jointCount([result, result]), 1);
  t.equal(jointMessage([result], SENDER)[1], result.body);
});

t.test('what does not fit is refused', async (t) => {
  const rows = [[1, 'w1', 1, 4]];
  const header = { worker: 'w1', parameters_hash: null, encoding: 'cbor' };
  const read = (results: unknown, bytes: number) => () =>
    readResultMessage([Buffer.from(JSON.stringify({ ...header, results })), Buffer.alloc(bytes)]);
  t.doesNotThrow(read(rows, 4));
  for (const [results, bytes] of [
    [rows, 3],
    [rows, 5],
    [{}, 4],
    [[7], 4],
    [[[-1, 'w1', 1, 4]], 4],
    [[[1, 7, 1, 4]], 4],
    [[[1, 'w1', 1, -4]], 0],
    [[[1, 'w1', 1, '4']], 4],
  ] as const)
    t.throws(read(results, bytes), /result|event_number/);
});
