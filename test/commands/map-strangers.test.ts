/** Strangers at the sockets of a scan of real processes (spec mapreduce.md 14): counted, and the results are those of the scan. */

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Push } from 'zeromq';
import { PROJECT } from '../executable.ts';
import { Ensemble, imageMap, published, summed } from '../mapreduce/ensemble.ts';
import { until } from '../until.ts';

t.setTimeout(120_000);

const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const EVENTS = 60;

/** First line of the answer to what is no request of a client. */
async function answerTo(http: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(http);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (bytes) => {
    answer += String(bytes);
  });
  socket.on('error', () => {});
  socket.end(text);
  await once(socket, 'close');
  return answer.split('\r\n')[0]!;
}

t.test('results of strangers, and requests that are none', async (t) => {
  const ensemble = await Ensemble.start(t);
  const detector = await ensemble.detector(t, 'det');
  const [worker] = ['w1', 'w2'].map((name) =>
    ensemble.run('map-work', ['--js', join(EXAMPLES, 'sums-worker.mjs'), '--name', name]),
  );
  const reduce = ['--js', join(EXAMPLES, 'histogram-reducer.mjs'), '--bind', 'tcp://127.0.0.1:*', '--port', '0'];
  const reducer = ensemble.run('map-reduce', reduce);
  const map = await ensemble.post(imageMap(EVENTS), 2);
  await detector.start();
  const { reducer: config } = (await ensemble.get('config')) as { reducer: { url: string } };
  const stranger = new Push({ linger: 0 });
  t.teardown(() => stranger.close());
  stranger.connect(config.url);
  const header = { event_number: 5, worker: 'stranger', origin: 'w1', attempt: 1, encoding: 'json', map };
  const sum = '{"sum":1000}';
  let strange = 0;
  for (const more of [
    {},
    { origin: 'x' },
    { map: null },
    { map: randomUUID() },
    { event_number: 1e15 },
    { worker: '\0' },
  ]) {
    await stranger.send([JSON.stringify({ ...header, ...more }), sum]);
    strange++;
  }
  let odd = 0;
  for (const more of [{ event_number: -1 }, { event_number: 0.5 }, { encoding: 'xml' }, { worker: 1 }]) {
    await stranger.send([JSON.stringify({ ...header, ...more }), sum]);
    odd++;
  }
  for (; odd < 300; odd++) await stranger.send([randomBytes(odd), sum]);
  const http = await published(reducer);
  for (const url of [http, ensemble.control]) {
    for (const path of ['//', '//x:y', 'http://[', '//x/api/v1/status'])
      t.match(await answerTo(url, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`), / 400 /, path);
    for (let bytes = 1; bytes < 50; bytes++) await answerTo(url, randomBytes(bytes));
    t.equal((await fetch(`${url}/api/v1/status`)).status, 200);
  }
  await until('strangers are counted', async () => {
    reducer.signal('SIGUSR1');
    return new RegExp(`odd ${odd}.*strange ${strange}`).test(reducer.words);
  });
  for (let frame = 0; frame < EVENTS; frame++) await detector.image(frame, Uint16Array.of(1));
  await detector.end();
  t.match(await ensemble.finished(), { completed_events: EVENTS + 2, damaged: 0 });
  const sums = [...(await summed(http)).values()];
  t.same(sums, Array(EVENTS).fill(1), 'nothing of a stranger');
  t.notMatch(reducer.words + ensemble.services[0]!.words, /request failed/);
  t.equal(await worker!.stop(), 0);
});
